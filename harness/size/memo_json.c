/*
 * See memo.h: a run's result as JSON and back. What is not known is left out.
 */
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "harness/size/memo.h"

/* NEEDED: a U64 without which a result is none. */
enum kind { U64, NEEDED, UINT, INT, BOOL };

enum { SUM_DIGITS = 16 };

struct row {
	const char *name;
	enum kind kind;
	size_t offset;
};

#define RESULT(field) offsetof(struct run_result, field)
#define LOOK(field)   offsetof(struct look, field)
#define PROC(field)   offsetof(struct look_proc, field)

static const struct row result_rows[] = {
	{"status", INT, RESULT(status)},
	{"limit", NEEDED, RESULT(limit_bytes)},
	{"wall_ns", NEEDED, RESULT(wall_ns)},
	{"cpu_ns", U64, RESULT(cpu_ns)},
	{"peak", NEEDED, RESULT(peak_bytes)},
	{"oom_kills", U64, RESULT(oom_kills)},
	{"failcnt", U64, RESULT(failcnt)},
	{"output_bytes", U64, RESULT(output_bytes)},
	{"check_failed", BOOL, RESULT(check_failed)},
	{"psi_some_us", U64, RESULT(psi_some_us)},
	{"psi_full_us", U64, RESULT(psi_full_us)},
	{"refaults", U64, RESULT(refaults)},
	{"major_faults", U64, RESULT(major_faults)},
	{"file_most_bytes", U64, RESULT(file_most_bytes)},
	{"second_bytes", U64, RESULT(second_bytes)},
	{"left_kernel_bytes", U64, RESULT(left_kernel_bytes)},
	{"left_shmem_bytes", U64, RESULT(left_shmem_bytes)},
	{"probed", BOOL, RESULT(probed)},
	{"swap", U64, RESULT(swap_bytes)},
	{"steps", UINT, RESULT(steps)},
	{"calls_again", UINT, RESULT(retries)},
	{"met", U64, RESULT(met_bytes)},
	{"together", U64, RESULT(together_bytes)},
	{"every_call", BOOL, RESULT(every_call)},
	{NULL, U64, 0},
};

static const struct row look_rows[] = {
	{"usage", U64, LOOK(usage_bytes)},
	{"anon", U64, LOOK(anon_bytes)},
	{"file", U64, LOOK(file_bytes)},
	{"shmem", U64, LOOK(shmem_bytes)},
	{"kernel", U64, LOOK(kernel_bytes)},
	{"page_tables", U64, LOOK(tables_bytes)},
	{"sockets", U64, LOOK(socket_bytes)},
	{"swap", U64, LOOK(swap_bytes)},
	{NULL, U64, 0},
};

static const struct row proc_rows[] = {
	{"pid", INT, PROC(pid)},
	{"anon", U64, PROC(anon_bytes)},
	{"file", U64, PROC(file_bytes)},
	{"shmem", U64, PROC(shmem_bytes)},
	{"page_tables", U64, PROC(tables_bytes)},
	{NULL, U64, 0},
};

/* ---- to JSON ------------------------------------------------------------------------------- */

static json_t *value_json(const struct row *row, const void *base)
{
	const char *at = (const char *)base + row->offset;

	switch (row->kind) {
	case U64:
	case NEEDED: {
		uint64_t value = *(const uint64_t *)(const void *)at;
		return value == UINT64_MAX ? NULL : json_integer((json_int_t)value);
	}
	case UINT:
		return json_integer(*(const unsigned int *)(const void *)at);
	case INT:
		return json_integer(*(const int *)(const void *)at);
	case BOOL:
		return json_boolean(*(const bool *)at);
	}
	return NULL;
}

static json_t *rows_json(const struct row *rows, const void *base)
{
	json_t *object = json_object();

	for (; rows->name; rows++) {
		json_t *value = value_json(rows, base);
		if (value)
			json_object_set_new(object, rows->name, value);
	}
	return object;
}

static json_t *look_json(const struct look *look)
{
	json_t *object = rows_json(look_rows, look), *procs = json_array();

	for (size_t i = 0; i < look->n_procs; i++) {
		json_t *proc = rows_json(proc_rows, &look->procs[i]);
		json_t *name = json_string(look->procs[i].name);
		json_object_set_new(proc, "name", name ? name : json_string("?"));
		json_array_append_new(procs, proc);
	}
	json_object_set_new(object, "processes", procs);
	json_object_set_new(object, "all_processes", json_integer((json_int_t)look->all_procs));
	return object;
}

json_t *memo_result_json(const struct run_result *result)
{
	json_t *object = rows_json(result_rows, result);
	MEM_AUTO char *sum = mem_printf("%016" PRIx64, result->output_sum);
	json_t *why = json_string(result->why); /* NULL where it is no UTF-8 */

	json_object_set_new(object, "end", json_string(run_end_word(result->end)));
	json_object_set_new(object, "output_sum", json_string(sum));
	if (why && result->why[0])
		json_object_set(object, "why", why);
	json_decref(why);
	json_object_set_new(object, "top", look_json(&result->top));
	return object;
}

/* ---- from JSON ------------------------------------------------------------------------------ */

static bool value_read(const struct row *row, const json_t *value, void *base)
{
	char *at = (char *)base + row->offset;

	if (row->kind == BOOL) {
		*(bool *)at = json_is_true(value);
		return !value || json_is_boolean(value);
	}
	json_int_t most = row->kind == INT ? INT_MAX : row->kind == UINT ? UINT_MAX : INT64_MAX;
	json_int_t number = json_integer_value(value);
	if (value ? !json_is_integer(value) || number < 0 || number > most : row->kind == NEEDED)
		return false;
	if (row->kind == U64 || row->kind == NEEDED)
		*(uint64_t *)(void *)at = value ? (uint64_t)number : UINT64_MAX;
	else if (row->kind == UINT)
		*(unsigned int *)(void *)at = (unsigned int)number;
	else
		*(int *)(void *)at = (int)number;
	return true;
}

static bool rows_read(const struct row *rows, const json_t *object, void *base)
{
	bool ok = json_is_object(object);

	for (; ok && rows->name; rows++)
		ok = value_read(rows, json_object_get(object, rows->name), base);
	return ok;
}

static bool look_read(const json_t *object, struct look *ret)
{
	const json_t *procs = json_object_get(object, "processes");
	const json_t *all = json_object_get(object, "all_processes");
	size_t n = json_array_size(procs);
	bool ok = rows_read(look_rows, object, ret) && json_is_array(procs) &&
		  n <= LOOK_PROCS_MAX && json_is_integer(all) &&
		  json_integer_value(all) >= (json_int_t)n && json_integer_value(all) <= INT_MAX;

	for (size_t i = 0; ok && i < n; i++) {
		const json_t *proc = json_array_get(procs, i);
		const char *name = json_string_value(json_object_get(proc, "name"));
		ok = name && rows_read(proc_rows, proc, &ret->procs[i]);
		snprintf(ret->procs[i].name, sizeof(ret->procs[i].name), "%.*s", LOOK_NAME_MAX - 1,
			 name ? name : "");
	}
	ret->n_procs = n;
	ret->all_procs = (size_t)json_integer_value(all);
	return ok;
}

static bool end_read(const char *word, enum run_end *ret)
{
	for (int end = RUN_EXITED; word && end <= RUN_INTERRUPTED; end++)
		if (str_eq(run_end_word((enum run_end)end), word)) {
			*ret = (enum run_end)end;
			return true;
		}
	return false;
}

bool memo_result_read(const json_t *json, struct run_result *ret)
{
	const char *sum = json_string_value(json_object_get(json, "output_sum"));
	const char *why = json_string_value(json_object_get(json, "why"));

	*ret = (struct run_result){0};
	if (!sum || strlen(sum) != SUM_DIGITS || strspn(sum, "0123456789abcdef") != SUM_DIGITS ||
	    !rows_read(result_rows, json, ret) ||
	    !end_read(json_string_value(json_object_get(json, "end")), &ret->end) ||
	    !look_read(json_object_get(json, "top"), &ret->top))
		return false;
	ret->output_sum = strtoull(sum, NULL, 16);
	snprintf(ret->why, sizeof(ret->why), "%s", why ? why : "");
	return true;
}
