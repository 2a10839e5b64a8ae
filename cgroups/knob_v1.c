/*
 * v1's pair memory.limit_in_bytes and memory.memsw.limit_in_bytes, behind memory.max and
 * memory.swap.max: memsw is memory plus swap, and the kernel keeps memsw >= limit at every moment,
 * so the order of the two writes depends on the direction. Called through the knob table.
 * Source: cgroup-v1/memory.rst, 2.4 and 5.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/parse.h"
#include "cgroups/internal.h"

static const char limit_file[] = "memory.limit_in_bytes";
static const char memsw_file[] = "memory.memsw.limit_in_bytes";

/* The kernel rounds down to pages; both parts first, or their sum could differ from it. */
static uint64_t to_pages(uint64_t bytes)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);

	return bytes == UINT64_MAX ? bytes : bytes / page * page;
}

static int read_limit(const struct cg *cg, const char *file, uint64_t *ret, struct err *err)
{
	char text[64];

	if (fd_read_text(cg_place_of(cg, "memory")->dirfd, file, text, sizeof(text), err) < 0)
		return -err->code;
	text[strcspn(text, "\n")] = '\0';
	return cg_parse_limit(text, ret, err);
}

static int write_limit(const struct cg *cg, const char *file, uint64_t bytes, struct err *err)
{
	char text[32] = "-1";

	if (bytes != UINT64_MAX)
		snprintf(text, sizeof(text), "%" PRIu64, bytes);
	return fd_write_text(cg_place_of(cg, "memory")->dirfd, file, text, err);
}

static uint64_t memsw_for(uint64_t limit, uint64_t swap)
{
	uint64_t sum;

	return limit == UINT64_MAX || swap == UINT64_MAX ||
			       __builtin_add_overflow(limit, swap, &sum)
		       ? UINT64_MAX
		       : sum;
}

int cg_v1_set_memory_max(struct cg *cg, const struct cg_knob *knob, const char *value,
			 struct err *err)
{
	uint64_t limit = 0, now = 0;

	(void)knob;
	if (parse_size(value, &limit, err) < 0)
		return -err->code;
	limit = to_pages(limit);
	/* Without a swap limit memsw is unlimited and never in the way: one write. */
	if (cg->swap_max == UINT64_MAX)
		return write_limit(cg, limit_file, limit, err);
	if (read_limit(cg, limit_file, &now, err) < 0)
		return -err->code;
	uint64_t memsw = memsw_for(limit, cg->swap_max);
	bool raise = limit > now;
	if (raise && write_limit(cg, memsw_file, memsw, err) < 0)
		return -err->code;
	if (write_limit(cg, limit_file, limit, err) < 0)
		return -err->code;
	return raise ? 0 : write_limit(cg, memsw_file, memsw, err);
}

int cg_v1_set_swap_max(struct cg *cg, const struct cg_knob *knob, const char *value,
		       struct err *err)
{
	uint64_t limit = 0, swap = 0;

	(void)knob;
	if (parse_size(value, &swap, err) < 0 || read_limit(cg, limit_file, &limit, err) < 0)
		return -err->code;
	swap = to_pages(swap);
	if (write_limit(cg, memsw_file, memsw_for(limit, swap), err) < 0)
		return -err->code;
	cg->swap_max = swap;
	return 0;
}

int cg_v1_get_swap_max(const struct cg *cg, const struct cg_knob *knob, char *buf, size_t size,
		       struct err *err)
{
	char text[PARSE_TEXT_MAX];
	uint64_t limit = 0, memsw = 0;

	(void)knob;
	if (read_limit(cg, memsw_file, &memsw, err) < 0 ||
	    read_limit(cg, limit_file, &limit, err) < 0)
		return -err->code;
	/* While memory is unlimited the pair says nothing: what was asked for holds later. */
	uint64_t swap = limit == UINT64_MAX   ? cg->swap_max
			: memsw == UINT64_MAX ? UINT64_MAX
					      : memsw - limit;
	snprintf(buf, size, "%s", format_size(swap, text));
	return 0;
}
