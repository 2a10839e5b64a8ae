/*
 * THE knob table: name, v1's file, v2's file, unit and encoding of every knob; one row is all it
 * takes to add one. Also the forms of values, with no kernel in sight: knob_io.c writes and reads,
 * knob_v1.c has the one v1 pair that is more than a file (limit and memsw).
 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "cgroups/internal.h"

/* A row: the name (v2's where v2 has it), then what differs from zero in struct cg_knob. */
/* clang-format off */
#define KNOBS(ROW) \
	ROW("memory.max", \
	    .alias = "memory.limit_in_bytes", \
	    .v1_file = "memory.limit_in_bytes", .v2_file = "memory.max", \
	    .unit = CG_BYTES, .v1_set = cg_v1_set_memory_max) \
	ROW("memory.swap.max", \
	    .v1_file = "memory.memsw.limit_in_bytes", .v2_file = "memory.swap.max", \
	    .unit = CG_BYTES, .v1_set = cg_v1_set_swap_max, .v1_get = cg_v1_get_swap_max, \
	    .hint = "swap is not accounted: boot with swapaccount=1 (needs CONFIG_SWAP)") \
	ROW("memory.high", .v2_file = "memory.high", .unit = CG_BYTES) \
	ROW("memory.low", .v2_file = "memory.low", .unit = CG_BYTES, \
	    .hint = "near to it, though not the same, is memory.soft_limit on v1") \
	ROW("memory.min", .v2_file = "memory.min", .unit = CG_BYTES, .hint = "since 4.18") \
	ROW("memory.swap.high", .v2_file = "memory.swap.high", .unit = CG_BYTES, \
	    .hint = "since 5.8") \
	ROW("memory.zswap.max", .v2_file = "memory.zswap.max", .unit = CG_BYTES, \
	    .hint = "since 5.19, with CONFIG_ZSWAP") \
	ROW("memory.oom.group", .v2_file = "memory.oom.group", .unit = CG_SWITCH, \
	    .no = "0", .yes = "1", .kernel_no = "0", .kernel_yes = "1", .hint = "since 4.19") \
	/* The kernel's file says what is disabled: its 1 is our "disabled". */ \
	ROW("memory.oom_control", .v1_file = "memory.oom_control", .unit = CG_SWITCH, \
	    .no = "disabled", .yes = "enabled", .kernel_no = "1", .kernel_yes = "0") \
	ROW("memory.swappiness", .v1_file = "memory.swappiness", .unit = CG_COUNT, \
	    .no_max = true, .hint = "the whole machine's is vm.swappiness") \
	ROW("memory.soft_limit", \
	    .alias = "memory.soft_limit_in_bytes", .v1_file = "memory.soft_limit_in_bytes", \
	    .unit = CG_BYTES, .hint = "near to it, though not the same, is memory.low on v2") \
	ROW("pids.max", .v1_file = "pids.max", .v2_file = "pids.max", .unit = CG_COUNT) \
	ROW("cpuset.cpus", .v1_file = "cpuset.cpus", .v2_file = "cpuset.cpus", \
	    .unit = CG_RANGE_LIST) \
	ROW("cpuset.mems", .v1_file = "cpuset.mems", .v2_file = "cpuset.mems", \
	    .unit = CG_RANGE_LIST)
/* clang-format on */

#define AS_ROW(knob_name, ...)	{.name = knob_name, __VA_ARGS__},
#define AS_NAME(knob_name, ...) knob_name,

static const struct cg_knob knobs[] = {KNOBS(AS_ROW){.name = NULL}};
static const char *const names[] = {KNOBS(AS_NAME) NULL};

const char *const *cg_knob_names(void)
{
	return names;
}

const struct cg_knob *cg_knob_row(const char *name)
{
	for (const struct cg_knob *knob = knobs; knob->name; knob++)
		if (str_eq(knob->name, name) || str_eq(knob->alias, name))
			return knob;
	return NULL;
}

const char *cg_knob_raw(const char *name)
{
	return str_starts(name, "raw:") ? name + strlen("raw:") : NULL;
}

const char *cg_controller_of(const char *file, char *buf)
{
	size_t len = strcspn(file, ".");

	if (file[len] != '.' || len > 30 || str_starts(file, "cgroup."))
		return strcpy(buf, "memory");
	memcpy(buf, file, len);
	buf[len] = '\0';
	return buf;
}

const char *cg_sign_of(const char *controller, enum cg_version version)
{
	static const struct {
		const char *controller, *v1, *v2;
	} signs[] = {
		{"memory", "memory.usage_in_bytes", "memory.current"},
		{"pids", "pids.current", "pids.current"},
		{"cpuset", "cpuset.cpus", "cpuset.cpus"},
	};

	for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++)
		if (str_eq(signs[i].controller, controller))
			return version == CG_V1 ? signs[i].v1 : signs[i].v2;
	return "cgroup.type";
}

const char *cg_knob_file(const struct cg_knob *knob, enum cg_version version)
{
	if (version == CG_V1)
		return knob->v1_file;
	return version == CG_V2 ? knob->v2_file : NULL;
}

static int unknown_knob(const char *name, struct err *err)
{
	const char *near = str_nearest(name, names);

	/* Not an alias: the value would mean something else. */
	if (str_eq(name, "memory.memsw.limit_in_bytes"))
		return err_set(err, ENOENT,
			       "'%s' limits memory and swap together; say memory.swap.max (swap "
			       "alone), or raw:%s",
			       name, name);
	return err_set(err, ENOENT, "unknown knob '%s'%s%s%s; any file can be named 'raw:FILE'",
		       name, near ? ", did you mean '" : "", near ? near : "", near ? "'" : "");
}

int cg_knob_find(const char *name, const char **ret_canonical, enum cg_unit *ret_unit,
		 struct err *err)
{
	const struct cg_knob *knob = cg_knob_row(name);
	const char *raw = cg_knob_raw(name);

	if (raw && (!*raw || strchr(raw, '/') || str_eq(raw, ".") || str_eq(raw, "..")))
		return err_set(err, EINVAL, "'%s': expected the name of a file of the group", name);
	if (!knob && !raw)
		return unknown_knob(name, err);
	*ret_canonical = raw ? name : knob->name;
	*ret_unit = raw ? CG_RAW : knob->unit;
	return 0;
}

/* ---- the forms of values ------------------------------------------------------------------- */

static bool is_number(const char **at)
{
	const char *start = *at;

	while (isdigit((unsigned char)**at))
		++*at;
	return *at > start && *at - start < 8;
}

/* "0-3,5": as in cpuset(7), without its strides. */
static bool is_range_list(const char *text)
{
	for (;; text++) {
		if (!is_number(&text))
			return false;
		if (*text == '-') {
			text++;
			if (!is_number(&text))
				return false;
		}
		if (*text != ',')
			return *text == '\0';
	}
}

static int copy(const char *text, char *buf, size_t size, struct err *err)
{
	if ((size_t)snprintf(buf, size, "%s", text) >= size)
		return err_set(err, ENOBUFS, "the value is longer than %zu bytes", size - 1);
	return 0;
}

static int encode_bytes(enum cg_version version, const char *value, char *buf, size_t size,
			struct err *err)
{
	uint64_t bytes = 0;

	if (parse_size(value, &bytes, err) < 0)
		return -err->code;
	if (bytes == UINT64_MAX)
		return copy(version == CG_V1 ? "-1" : "max", buf, size, err);
	snprintf(buf, size, "%" PRIu64, bytes);
	return 0;
}

static int encode_count(const struct cg_knob *knob, const char *value, char *buf, size_t size,
			struct err *err)
{
	uint64_t count;

	if (str_eq(value, "max") && !knob->no_max)
		return copy(value, buf, size, err);
	if (parse_u64(value, INT64_MAX, &count, err) < 0)
		return -err->code;
	snprintf(buf, size, "%" PRIu64, count);
	return 0;
}

/* oom_control takes its own words alone: "1" means the opposite in the kernel's file. */
static int encode_switch(const struct cg_knob *knob, const char *value, char *buf, size_t size,
			 struct err *err)
{
	bool words = !isdigit((unsigned char)knob->no[0]);
	int on = str_eq(value, knob->yes);

	if (words && !on && !str_eq(value, knob->no))
		return err_set(err, EINVAL, "expected '%s' or '%s', got '%s'", knob->yes, knob->no,
			       value);
	if (!words && parse_bool(value, &on, err) < 0)
		return -err->code;
	return copy(on ? knob->kernel_yes : knob->kernel_no, buf, size, err);
}

int cg_encode(const struct cg_knob *knob, enum cg_version version, const char *value, char *buf,
	      size_t size, struct err *err)
{
	switch (knob->unit) {
	case CG_BYTES:
		return encode_bytes(version, value, buf, size, err);
	case CG_COUNT:
		return encode_count(knob, value, buf, size, err);
	case CG_SWITCH:
		return encode_switch(knob, value, buf, size, err);
	case CG_RANGE_LIST:
		if (!is_range_list(value))
			return err_set(err, EINVAL, "'%s' is not a list such as 0-3,5", value);
		return copy(value, buf, size, err);
	case CG_RAW:
		break;
	}
	return copy(value, buf, size, err);
}

int cg_parse_limit(const char *text, uint64_t *ret, struct err *err)
{
	/* v1 shows "no limit" as LONG_MAX rounded down to pages (64 KiB at most); older kernels
	 * as LONG_MAX itself. */
	static const uint64_t no_limit = INT64_MAX - 65536;

	if (parse_size(text, ret, err) < 0)
		return -err->code;
	if (*ret >= no_limit)
		*ret = UINT64_MAX;
	return 0;
}

/* A switch is the first number there: oom_control has it as "oom_kill_disable 0". */
static int decode_switch(const struct cg_knob *knob, const char *text, char *buf, size_t size,
			 struct err *err)
{
	size_t skip = strcspn(text, "0123456789");
	bool yes = str_starts(text + skip, knob->kernel_yes);

	if (!yes && !str_starts(text + skip, knob->kernel_no))
		return err_set(err, EPROTO, "the kernel said '%s', expected '%s' or '%s'", text,
			       knob->kernel_no, knob->kernel_yes);
	return copy(yes ? knob->yes : knob->no, buf, size, err);
}

int cg_decode(const struct cg_knob *knob, const char *text, char *buf, size_t size, struct err *err)
{
	char shown[PARSE_TEXT_MAX];
	uint64_t bytes = 0;

	if (knob->unit == CG_SWITCH)
		return decode_switch(knob, text, buf, size, err);
	if (knob->unit != CG_BYTES)
		return copy(text, buf, size, err);
	if (cg_parse_limit(text, &bytes, err) < 0)
		return -err->code;
	return copy(format_size(bytes, shown), buf, size, err);
}

int cg_knob_check(const char *name, const char *value, struct err *err)
{
	const char *canonical = NULL;
	enum cg_unit unit = CG_RAW;
	char buf[CG_VALUE_MAX];

	if (cg_knob_find(name, &canonical, &unit, err) < 0)
		return -err->code;
	if (unit == CG_RAW)
		return strlen(value) < CG_VALUE_MAX ? 0
						    : err_set(err, EINVAL, "%s: too long", name);
	if (cg_encode(cg_knob_row(name), CG_V2, value, buf, sizeof(buf), err) < 0)
		return err_wrap(err, "%s", canonical);
	return 0;
}
