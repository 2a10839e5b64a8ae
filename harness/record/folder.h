/*
 * The folder of a run under way: results are kept as they come, a line each in record.jsonl, which
 * record.json takes the place of at the end. What a run had found that was killed is there, and
 * becomes its record with the next call.
 */
#ifndef OOMLAB_RECORD_FOLDER_H
#define OOMLAB_RECORD_FOLDER_H

#include "harness/record/record.h"

struct record_folder;

/* Makes the folder by record_dir(). 'as_they_come': keeps results before the end as well. */
int record_folder_new(const char *base, struct record *record, bool as_they_come,
		      struct record_folder **ret, struct err *err);
const char *record_folder_path(const struct record_folder *folder);
int record_folder_fd(const struct record_folder *folder); /* borrowed */
/* In any order. What cannot be written is not told of: at the end the whole record cannot either.
 * NULL: none. */
void record_folder_add(struct record_folder *folder, const struct result *result);
/* record_save() and record_save_extras(). The message names the folder. */
int record_folder_save(struct record_folder *folder, const struct record *record, struct err *err);
/* NULL is fine. What was not saved stays as it came. */
void record_folder_free(struct record_folder *folder);

/* Makes the records of runs below 'base' that were killed. Each is one line in 'done', the path;
 * what cannot be written one in 'warnings'. Runs that live are left alone. */
void record_recover(const char *base, struct str *done, struct str *warnings);

/* The file in a run's folder that its record is in; free() it. */
char *record_file(const char *folder);
/* Whether it is one whose run was killed, or goes on. */
bool record_is_partial(const char *path);
/* Its text: the record of what had come. A line that is not whole ends it. -ENODATA: nothing. */
int record_from_partial(const char *text, struct record **ret, struct err *err);

#endif
