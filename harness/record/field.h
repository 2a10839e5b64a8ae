/*
 * Fields of the stored structs as tables: one row names a field, saves it, loads it and prints
 * it. Used by facts.c, result.c and record.c; doctor and the reporters read the rows of facts.
 */
#ifndef OOMLAB_RECORD_FIELD_H
#define OOMLAB_RECORD_FIELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/err.h"
#include "base/str.h"

enum field_kind {
	FIELD_TEXT,    /* char *, owned; JSON null when NULL */
	FIELD_CHARS,   /* char[size] */
	FIELD_WHY_NOT, /* char[size]: why something is missing, "" when it is there */
	FIELD_U64,     /* uint64_t */
	FIELD_BYTES,   /* uint64_t, shown as a size */
	FIELD_I64,     /* int64_t */
	FIELD_SIZE,    /* size_t */
	FIELD_BOOL,    /* bool */
	FIELD_VERDICT, /* enum verdict, by name */
	FIELD_LIST,    /* json_t *, owned: an array; [] when NULL */
	FIELD_MAP,     /* json_t *, owned: an object; {} when NULL */
};

struct field {
	const char *name; /* in JSON; NULL ends a table */
	enum field_kind kind;
	size_t offset;
	size_t size;	   /* of char arrays */
	bool required;	   /* loading fails without it; others stay zero */
	const char *label; /* for people; NULL: not shown to them */
};

/* Adds every field of 'base' to a JSON object. */
void fields_to_json(const struct field *rows, const void *base, json_t *object);
/* Reads known fields (unknown ones are for newer versions and ignored) into a zeroed struct. On
 * -EINVAL the message names the field; what was read so far is the caller's to clear. */
int fields_from_json(const struct field *rows, const json_t *object, void *base, struct err *err);
/* Frees what TEXT, LIST and MAP fields own. */
void fields_clear(const struct field *rows, void *base);
/* Appends the value as people read it: "24.0G", "yes", "no: <why>". */
void field_print(const struct field *row, const void *base, struct str *out);

/* JSON values that are never NULL: bytes that are no UTF-8 become "\xNN"; NULL becomes null. */
json_t *field_text_new(const char *bytes);
/* JSON integers are signed: a value above INT64_MAX is stored as a decimal string. */
json_t *field_u64_new(uint64_t value);
/* Nanoseconds as seconds. */
json_t *field_seconds_new(uint64_t ns);
/* Reads what field_u64_new() made. false: something else. */
bool field_u64_get(const json_t *json, uint64_t *ret);

#endif
