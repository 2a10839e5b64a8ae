/*
 * See proc_text.h. Formats: do_task_stat() and proc_pid_status() of fs/proc/array.c, task_mem() of
 * fs/proc/task_mmu.c; fields have only been appended or inserted as lines, never moved.
 */
#include "harness/exec/proc_text.h"

#include <string.h>

/* Numbers of fields as proc(5) counts them, from 1; the name is the second. */
enum {
	STAT_STATE = 3,
	STAT_PPID = 4,
	STAT_FLAGS = 9,
	STAT_THREADS = 20,
	STAT_START = 22,
	STAT_VSIZE = 23,
	STAT_RSS = 24,
};

/* Saturates, so that no text can wrap a number around. */
static const char *number(const char *at, const char *end, uint64_t *ret)
{
	uint64_t value = 0;

	for (; at < end && *at >= '0' && *at <= '9'; at++) {
		uint64_t digit = (uint64_t)(*at - '0');
		value = value > (UINT64_MAX - digit) / 10 ? UINT64_MAX : value * 10 + digit;
	}
	*ret = value;
	return at;
}

static const char *hex(const char *at, const char *end, uint64_t *ret)
{
	uint64_t value = 0;

	for (; at < end; at++) {
		unsigned digit = (unsigned)(*at - '0'), letter = (unsigned)((*at | 0x20) - 'a');
		if (digit > 9 && letter > 5)
			break;
		value = value << 4 | (digit <= 9 ? digit : letter + 10);
	}
	*ret = value;
	return at;
}

bool proc_parse_number(const char *text, size_t n, int64_t *ret)
{
	const char *end = text + n;
	bool negative = n && *text == '-';
	const char *first = text + negative;
	uint64_t value;
	const char *at = number(first, end, &value);

	if (at == first || (at < end && *at != '\n') || value > INT64_MAX)
		return false;
	*ret = negative ? -(int64_t)value : (int64_t)value;
	return true;
}

/* Undoes what the kernel escapes in names: newline and backslash. */
static void copy_comm(char *to, const char *at, const char *end)
{
	size_t n = 0;

	for (; at < end && n < OOM_COMM_MAX - 1; at++) {
		char c = *at;
		if (c == '\\' && at + 1 < end && (at[1] == 'n' || at[1] == '\\'))
			c = *++at == 'n' ? '\n' : '\\';
		to[n++] = c;
	}
	to[n] = '\0';
}

bool proc_parse_stat(const char *text, size_t n, struct proc_stat *ret)
{
	const char *end = text + n;
	const char *open = memchr(text, '(', n);
	const char *close = memrchr(text, ')', n);
	uint64_t pid, fields[STAT_RSS + 1] = {0};

	if (!open || !close || close < open || end - close < 4)
		return false;
	number(text, open, &pid);
	const char *at = close + 2;
	*ret = (struct proc_stat){.pid = (int64_t)pid, .state = *at++};
	copy_comm(ret->comm, open + 1, close);
	for (int field = STAT_PPID; field <= STAT_RSS; field++) {
		while (at < end && *at == ' ')
			at++;
		/* some are signed and none of those matters here */
		at = number(at + (at < end && *at == '-'), end, &fields[field]);
		if (at >= end || *at != ' ')
			return false;
	}
	ret->ppid = (int64_t)fields[STAT_PPID];
	ret->flags = fields[STAT_FLAGS];
	ret->threads = fields[STAT_THREADS];
	ret->start_ticks = fields[STAT_START];
	ret->vsize_bytes = fields[STAT_VSIZE];
	ret->rss_pages = fields[STAT_RSS];
	return true;
}

/* ---- status ---------------------------------------------------------------------------------- */

typedef void (*take_fn)(struct proc_status *ret, size_t offset, const char *at, const char *end);

static void take_number(struct proc_status *ret, size_t offset, const char *at, const char *end)
{
	uint64_t value;

	number(at, end, &value);
	memcpy((char *)ret + offset, &value, sizeof(value));
}

static void take_name(struct proc_status *ret, size_t offset, const char *at, const char *end)
{
	(void)offset;
	copy_comm(ret->comm, at, end);
}

static void take_state(struct proc_status *ret, size_t offset, const char *at, const char *end)
{
	(void)offset;
	ret->state = '?';
	if (at < end)
		ret->state = *at;
}

static void take_size(struct proc_status *ret, size_t offset, const char *at, const char *end)
{
	take_number(ret, offset, at, end);
	ret->has_mm = true;
}

static void take_caps(struct proc_status *ret, size_t offset, const char *at, const char *end)
{
	(void)offset;
	hex(at, end, &ret->cap_eff);
	ret->has_cap_eff = true;
}

#define AT(field) offsetof(struct proc_status, field)
/* In the order of the file, so that a line is found at the first look. */
static const struct key {
	const char *name;
	size_t length, offset;
	take_fn take;
} keys[] = {
	{"Name", 4, 0, take_name},
	{"State", 5, 0, take_state},
	{"Tgid", 4, AT(tgid), take_number},
	{"PPid", 4, AT(ppid), take_number},
	{"Uid", 3, AT(uid), take_number},
	{"VmSize", 6, AT(vm_size), take_size},
	{"VmRSS", 5, AT(vm_rss), take_number},
	{"RssAnon", 7, AT(rss_anon), take_number},
	{"RssFile", 7, AT(rss_file), take_number},
	{"RssShmem", 8, AT(rss_shmem), take_number},
	{"VmPTE", 5, AT(vm_pte), take_number},
	{"VmPMD", 5, AT(vm_pmd), take_number},
	{"VmSwap", 6, AT(vm_swap), take_number},
	{"Threads", 7, AT(threads), take_number},
	{"CapEff", 6, 0, take_caps},
};
#undef AT
enum { KEYS = sizeof(keys) / sizeof(keys[0]) };

/* The key of a line, looked for from *next on, then among those before. */
static const struct key *find_key(const char *line, size_t n, size_t *next)
{
	for (size_t i = 0; i < KEYS; i++) {
		const struct key *key = &keys[(*next + i) % KEYS];
		if (n > key->length && line[key->length] == ':' && *line == *key->name &&
		    memcmp(line, key->name, key->length) == 0) {
			*next = (size_t)(key - keys) + 1;
			return key;
		}
	}
	return NULL;
}

void proc_parse_status(const char *text, size_t n, struct proc_status *ret)
{
	const char *end = text + n;
	size_t next = 0;

	*ret = (struct proc_status){0};
	for (const char *line = text; line < end && next < KEYS;) {
		const char *stop = memchr(line, '\n', (size_t)(end - line));
		stop = stop ? stop : end;
		const struct key *key = find_key(line, (size_t)(stop - line), &next);
		if (key) {
			const char *at = line + key->length + 1;
			at += at < stop && *at == '\t';
			while (key->take != take_name && at < stop && *at == ' ')
				at++;
			key->take(ret, key->offset, at, stop);
		}
		line = stop + 1;
	}
}
