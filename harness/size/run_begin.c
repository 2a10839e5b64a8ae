/*
 * Before a run: its group with its limits, and inputs that are to be read anew.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/fd.h"
#include "harness/size/run_internal.h"

static int set_hard_limit(struct run *run, struct err *err)
{
	char text[32];

	run->limit_bytes = run->spec->limit_bytes;
	if (run->limit_bytes == UINT64_MAX)
		return 0;
	snprintf(text, sizeof(text), "%" PRIu64, run->limit_bytes);
	return cg_set(run->group, "memory.max", text, err);
}

static int set_swap(struct run *run, struct err *err)
{
	char text[32] = "0";

	if (run->spec->swap && run->spec->swap_bytes == UINT64_MAX)
		return 0;
	if (run->spec->swap)
		snprintf(text, sizeof(text), "%" PRIu64, run->spec->swap_bytes);
	return cg_set(run->group, "memory.swap.max", text, err);
}

int run_make_group(struct run *run, struct err *err)
{
	MEM_AUTO char *name = mem_printf("r%u", ++run->lab->runs);
	int r = cg_create(run->lab->host, run->lab->top, name, &run->group, err);

	/* Where the machine has no swap there is nothing to forbid. */
	if (r >= 0 && run->lab->has_swap)
		r = set_swap(run, err);
	if (r < 0)
		return r;
	return run->spec->mode == RUN_RATCHET ? ratchet_begin(run, err) : set_hard_limit(run, err);
}

/* Page cache is charged to who reads first; what is in it is free for those who come later. */
void run_make_cold(const struct size_command *command)
{
	for (size_t i = 0; i < command->n_cold; i++) {
		FD_AUTO fd = open(command->cold[i], O_RDONLY | O_CLOEXEC | O_NONBLOCK);
		if (fd >= 0) {
			(void)fdatasync(fd);
			(void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
		}
	}
}
