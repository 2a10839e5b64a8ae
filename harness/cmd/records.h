/*
 * From paths to records: a record.json, the folder of a run, or a folder with many of them.
 */
#ifndef OOMLAB_CMD_RECORDS_H
#define OOMLAB_CMD_RECORDS_H

#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"
#include "harness/record/record.h"

struct records {
	size_t n;
	struct record **of;
	struct {
		dev_t dev;
		ino_t ino;
	} * files; /* of each: 'results/latest' and the run it points at are one record */
};

/* Adds what is at 'path' (in the order of names); what was added before is passed over. -ENOENT:
 * there is no such path; other errors: it holds no record, or one that cannot be read. */
int records_add(struct records *records, const char *path, struct err *err);
/* Writes DIR/<name>/record.json without samples, events and the kernel's lines, which are most of a
 * record and of which a comparison needs little: small enough to be checked in. */
int records_save_small(struct record *record, const char *folder, const char *name,
		       struct err *err);
void records_free(struct records *records);

#endif
