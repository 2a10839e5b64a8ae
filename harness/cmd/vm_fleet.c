/*
 * All machines of a run: one boots and says what there is to run; what it is then is saved, and
 * every further machine goes on from there, in a fraction of a boot's time. Where that cannot be
 * done each one boots.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "harness/cmd/cmd.h"
#include "harness/cmd/vm_accel.h"
#include "harness/cmd/vm_fleet_internal.h"
#include "harness/cmd/vm_image.h"
#include "harness/cmd/vm_room.h"
#include "harness/cmd/vm_words.h"

/* ---- saving --------------------------------------------------------------------------------- */

/* Several machines are to come, so that the time it takes is won back. */
void vm_fleet_save(struct vm_fleet *fleet, struct machine *machine)
{
	size_t machines = vm_queue_machines(&fleet->queue);
	struct err err = ERR_INIT;

	if (fleet->no_save || machines < 2)
		return;
	FD_AUTO fd = memfd_create("machine", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int r = fd < 0 ? err_errno(&err, errno, "memfd_create") : machine_save(machine, fd, &err);
	if (r < 0) {
		fprintf(stderr, "oomlab vm: each machine boots, none is restored: ");
		cmd_print_clean(stderr, err.text);
		fleet->no_save = true;
		return;
	}
	(void)fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK);
	fleet->saved = fd_take(&fd);
}

/* ---- the course ----------------------------------------------------------------------------- */

static void tell_results(struct vm_fleet *fleet, bool gaps)
{
	struct vm_stream *stream = &fleet->run->stream;
	struct result *result;

	while (stream->record && (result = vm_queue_tell(&fleet->queue, gaps)) != NULL) {
		const struct result *kept = record_add(stream->record, result);
		if (stream->on_result)
			stream->on_result(stream->data, stream->record, kept);
	}
}

static int step_all(struct vm_fleet *fleet, struct err *err)
{
	int moved;

	do {
		moved = 0;
		for (size_t i = 0; i < fleet->n_lanes; i++) {
			int r = vm_lane_step(&fleet->lanes[i], err);
			if (r < 0)
				return r;
			moved += r;
		}
		tell_results(fleet, false);
	} while (moved);
	return 0;
}

static bool all_empty(const struct vm_fleet *fleet)
{
	for (size_t i = 0; i < fleet->n_lanes; i++)
		if (fleet->lanes[i].state != LANE_EMPTY)
			return false;
	return true;
}

static int go(struct vm_fleet *fleet, struct err *err)
{
	for (;;) {
		int r = step_all(fleet, err);
		if (r < 0)
			return r;
		if (vm_queue_done(&fleet->queue) && all_empty(fleet))
			return 0;
		uint64_t deadline_ns = UINT64_MAX;
		for (size_t i = 0; i < fleet->n_lanes; i++)
			if (fleet->lanes[i].deadline.at_ns < deadline_ns)
				deadline_ns = fleet->lanes[i].deadline.at_ns;
		r = loop_wait(fleet->loop, deadline_ns, err);
		if (fleet->interrupted)
			return err_set(err, EINTR, "interrupted");
		if (r < 0 && r != -EINTR)
			return r;
	}
}

/* ---- a fleet -------------------------------------------------------------------------------- */

static void on_interrupt(void *data, int fd, uint32_t events)
{
	struct vm_fleet *fleet = data;

	(void)fd;
	(void)events;
	fleet->interrupted = true;
}

static int choose_lanes(struct vm_fleet *fleet, struct err *err)
{
	const struct vm_values *values = fleet->run->values;
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	size_t wanted = values->jobs ? (size_t)values->jobs : cpus > 0 ? (size_t)cpus : 1;
	STR_AUTO meminfo = STR_INIT;

	if (fd_read_all(-1, "/proc/meminfo", &meminfo, err) < 0)
		return -err->code;
	if (wanted > VM_LANES_MAX)
		wanted = VM_LANES_MAX;
	if (vm_room(str_text(&meminfo), values->memory_bytes, wanted, values->snapshot,
		    &fleet->n_lanes, err) < 0)
		return -err->code;
	if (values->gdb) /* one debugger, one machine */
		fleet->n_lanes = 1;
	for (size_t i = 0; i < fleet->n_lanes; i++)
		fleet->lanes[i] = (struct vm_lane){.fleet = fleet, .deadline = {UINT64_MAX, 0}};
	return 0;
}

static int open_fleet(struct vm_fleet *fleet, struct err *err)
{
	struct vm_run *run = fleet->run;
	const struct vm_image_request request = vm_run_request(run);
	struct loop_source *source;
	int r = choose_lanes(fleet, err);

	fleet->append = vm_words_kernel(run->values, run->cgroup);
	fleet->words = vm_words_run(run->values, NULL);
	json_array_append_new(fleet->words, json_string("--on-request"));
	if (r >= 0)
		r = loop_new(&fleet->loop, err);
	if (r >= 0 && run->interrupt_fd >= 0)
		r = loop_add(fleet->loop, run->interrupt_fd, EPOLLIN, on_interrupt, fleet, &source,
			     err);
	if (r >= 0)
		r = fleet->initrd = vm_image_build(&request, fleet->words, false, err);
	if (r >= 0)
		r = sha256_of_fd(fleet->initrd, run->image_sha256, err);
	if (r >= 0)
		r = vm_accel(run, fleet->initrd, fleet->append, &fleet->kvm, err);
	return r < 0 ? r : 0;
}

static void close_fleet(struct vm_fleet *fleet)
{
	for (size_t i = 0; i < fleet->n_lanes; i++)
		vm_lane_clear(&fleet->lanes[i]);
	loop_free(fleet->loop);
	vm_queue_clear(&fleet->queue);
	fd_close_var(&fleet->initrd);
	fd_close_var(&fleet->saved);
	free(fleet->append);
	json_decref(fleet->words);
	free(fleet);
}

int vm_fleet(struct vm_run *run, struct err *err)
{
	struct vm_fleet *fleet = mem_zero(1, sizeof(*fleet));

	fleet->run = run;
	fleet->initrd = fleet->saved = -1;
	/* What is on a disk is not in the saved state. */
	fleet->no_save = !run->values->snapshot || run->values->gdb || run->values->disk_bytes;
	int r = open_fleet(fleet, err);
	if (r >= 0)
		r = go(fleet, err);
	tell_results(fleet, true);
	if (r == -ECANCELED)
		r = fleet->status;
	if (r < 0 && r != -EINTR && run->stream.record) {
		fprintf(stderr, "oomlab vm: ");
		cmd_print_clean(stderr, err->text);
		r = 0;
	}
	close_fleet(fleet);
	return r;
}
