/*
 * One place for machines, one after the other: each boots or is restored, plans or has planned
 * before it was saved, is asked for scenarios as long as there are any that it may run, and ends.
 * Nothing here waits: vm_fleet.c does, for all of them.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "harness/cmd/cmd.h"
#include "harness/cmd/vm_fleet_internal.h"
#include "harness/cmd/vm_verdict.h"

/* Beyond a scenario's own timeout: the guest's harness has 30 s for its take-down and then says
 * itself that it is broken. */
#define GRACE_NS 45000000000ULL
#define SAY_NS	 60000000000ULL /* between scenarios: the next one, or the end */
#define OFF_NS	 5000000000ULL

static void set_deadline(struct vm_lane *lane, uint64_t in_ns)
{
	/* A person with a debugger takes their time. */
	lane->deadline = machine_deadline(
		lane->machine, lane->fleet->run->values->gdb ? UINT64_MAX : clock_ns() + in_ns);
}

/* ---- what a machine says -------------------------------------------------------------------- */

static struct vm_item *item_of(const struct vm_lane *lane, const char *name)
{
	return vm_queue_find(&lane->fleet->queue, lane->batch, lane->n_batch, name);
}

static void take_head(void *data, const json_t *json)
{
	struct vm_lane *lane = data;
	struct vm_run *run = lane->fleet->run;
	struct record *record, *all = run->stream.record;
	struct err err;

	if (record_from_json(json, &record, &err) < 0)
		return;
	if (!all) {
		all = run->stream.record = record;
		record->planned = lane->fleet->queue.n;
		if (run->stream.on_record)
			run->stream.on_record(run->stream.data, record);
	}
	/* Both clocks were read at the same moment, by the same guest. */
	lane->shift_ns = record->began_unix_ns - all->began_unix_ns +
			 (int64_t)(all->began_ns - record->began_ns);
	if (record != all)
		record_free(record);
}

/* A machine that has ended has no number any more, and a thread that has takes its own along. */
static uint64_t waited_ns(const struct vm_lane *lane)
{
	uint64_t now = machine_delay_ns(lane->machine);

	return now > lane->began_delay_ns ? now - lane->began_delay_ns : 0;
}

static void take_result(void *data, struct result *result)
{
	struct vm_lane *lane = data;
	struct vm_item *item = item_of(lane, result->name);
	const struct vm_stream *stream = &lane->fleet->run->stream;

	if (!item) {
		result_clear(result);
		return;
	}
	result_shift(result, lane->shift_ns);
	vm_verdict_of_starved(result, clock_ns() - lane->began_ns, waited_ns(lane));
	if (stream->on_came)
		stream->on_came(stream->data, result);
	vm_queue_settle(item, result);
	lane->fleet->failures = 0;
	set_deadline(lane, SAY_NS);
}

static void take_end(struct vm_lane *lane, const json_t *end)
{
	struct record *record = lane->fleet->run->stream.record;
	int64_t ended = json_integer_value(json_object_get(end, "ended_unix_ns"));

	if (record && ended > record->ended_unix_ns)
		record->ended_unix_ns = ended;
	lane->ended = true;
}

static void on_line(void *data, json_t *line)
{
	struct vm_lane *lane = data;
	json_t *planned = json_object_get(line, "planned");

	if (planned && !lane->planned)
		lane->planned = json_incref(planned);
	else if (json_object_get(line, "end"))
		take_end(lane, json_object_get(line, "end"));
	else
		vm_stream_line(&lane->stream, line);
	if (json_object_get(line, "began")) {
		lane->began_ns = clock_ns();
		lane->began_delay_ns = machine_delay_ns(lane->machine);
		const struct vm_item *item = item_of(lane, vm_stream_under_way(&lane->stream));
		set_deadline(lane, (item ? item->timeout_ns : 0) + GRACE_NS);
	}
}

static void on_console(void *data, const char *bytes, size_t n)
{
	const struct vm_lane *lane = data;

	if (lane->fleet->run->values->console)
		(void)fwrite(bytes, 1, n, stderr);
}

/* ---- its end -------------------------------------------------------------------------------- */

static void forget_machine(struct vm_lane *lane)
{
	(void)vm_run_keep_console(lane->fleet->run, lane->machine);
	machine_free(lane->machine);
	lane->machine = NULL;
	for (size_t i = 0; i < lane->n_batch; i++)
		vm_queue_give_back(&lane->fleet->queue, lane->batch[i]);
	lane->n_batch = 0;
	vm_stream_clear(&lane->stream);
	json_decref(lane->planned);
	lane->planned = NULL;
	lane->used = lane->ended = lane->restored = false;
	lane->deadline.at_ns = UINT64_MAX;
	lane->state = LANE_EMPTY;
}

static void tell_end(const struct vm_lane *lane, const char *what)
{
	const struct machine *machine = lane->machine;
	const char *panic = machine_panic(machine);
	MEM_AUTO char *line =
		mem_printf("oomlab vm: %s: the machine ended (%s%s%s)", what,
			   machine_end_name(machine_ended(machine)), *panic ? ": " : "", panic);

	cmd_print_clean(stderr, line);
	vm_run_tell_console(machine);
}

/* The scenario under way gets its verdict from how the machine ended. */
static void judge_end(struct vm_lane *lane)
{
	const struct vm_item *item = item_of(lane, vm_stream_under_way(&lane->stream));

	vm_stream_end_of_machine(&lane->stream, lane->machine);
	/* A panic that was expected is nothing to complain of. */
	if (item && item->result.verdict != VERDICT_PASS)
		tell_end(lane, item->name);
}

/* It was of no use. A restored one is the fault of what it was restored from; a panic or a hang
 * before it was ready is the machine's, once. */
static int useless(struct vm_lane *lane, struct err *err)
{
	struct vm_fleet *fleet = lane->fleet;
	enum machine_end end = machine_ended(lane->machine);
	const char *panic = machine_panic(lane->machine);
	bool early = lane->state == LANE_STARTING;

	/* Its kernel's name comes with its first word. */
	tell_end(lane, !early				? "nothing was run"
		       : *machine_kernel(lane->machine) ? "the machine did not wake up"
							: "the machine did not get ready");
	if (lane->restored && early) {
		fprintf(stderr, "oomlab vm: a saved machine does not go on here: from now on each "
				"one boots\n");
		fd_close_var(&fleet->saved);
		fleet->no_save = true;
		return 0;
	}
	bool by_saving = lane->state == LANE_IDLE && fleet->no_save;
	if (++fleet->failures < VM_BOOTS && (end == MACHINE_PANIC || end == MACHINE_RESET ||
					     (end == MACHINE_TIMEOUT && (early || by_saving))))
		return 0;
	return err_set(err, end == MACHINE_TIMEOUT ? ETIMEDOUT : ENOTRECOVERABLE,
		       "the machine ended before it had run anything (%s%s%s)",
		       machine_end_name(end), *panic ? ": " : "", panic);
}

static int lost(struct vm_lane *lane, bool timed_out, struct err *err)
{
	int r = 0;

	machine_stop(lane->machine, timed_out);
	if (lane->state == LANE_RUNNING && vm_stream_under_way(&lane->stream))
		judge_end(lane);
	else if (lane->state == LANE_RUNNING &&
		 !vm_queue_under_way(&lane->fleet->queue, lane->batch[0]))
		tell_end(lane, "between two scenarios");
	else if (lane->state != LANE_ENDING)
		r = useless(lane, err);
	forget_machine(lane);
	return r < 0 ? r : 1;
}

/* ---- its course ----------------------------------------------------------------------------- */

/* Only as many machines as there is work for. */
static bool wanted(const struct vm_lane *lane)
{
	const struct vm_fleet *fleet = lane->fleet;
	size_t coming = 0;

	if (!fleet->planned)
		return lane == &fleet->lanes[0];
	for (size_t i = 0; i < fleet->n_lanes; i++)
		coming += fleet->lanes[i].state >= LANE_STARTING &&
			  fleet->lanes[i].state <= LANE_IDLE;
	return vm_queue_machines(&fleet->queue) > coming;
}

static int step_empty(struct vm_lane *lane, struct err *err)
{
	struct vm_fleet *fleet = lane->fleet;
	struct machine_options options = vm_run_machine(fleet->run, fleet->initrd, fleet->append);
	char path[32];

	if (!wanted(lane))
		return 0;
	options.loop = fleet->loop;
	options.line = on_line;
	options.console = on_console;
	options.data = lane;
	options.qemu.control = !fleet->no_save;
	options.qemu.kvm = fleet->kvm;
	lane->restored = fleet->saved >= 0;
	/* A description of its own: its offset is where it reads. */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fleet->saved);
	FD_AUTO restore = lane->restored ? fd_open_at(-1, path, O_RDONLY, 0, err) : -1;
	if (lane->restored && restore < 0)
		return restore;
	options.qemu.restore_fd = restore;
	lane->stream = (struct vm_stream){.head = take_head, .take = take_result, .data = lane};
	vm_run_tell_gdb(fleet->run);
	if (machine_launch(&options, &lane->machine, err) < 0)
		return -err->code;
	set_deadline(lane, fleet->run->values->boot_ns);
	lane->state = LANE_STARTING;
	return 1;
}

static int step_starting(struct vm_lane *lane, struct err *err)
{
	struct vm_fleet *fleet = lane->fleet;

	if (!machine_is_ready(lane->machine))
		return 0;
	if (lane->restored) {
		lane->state = LANE_IDLE;
		return 1;
	}
	if (!fleet->planned && fleet->run->on_ready)
		fleet->run->on_ready(fleet->run->data, lane->machine);
	json_t *line = json_pack("{s:O}", "run", fleet->words);
	int r = machine_send(lane->machine, line, err);
	json_decref(line);
	set_deadline(lane, fleet->run->values->boot_ns);
	lane->state = LANE_PLANNING;
	return r < 0 ? r : 1;
}

static int step_planning(struct vm_lane *lane, struct err *err)
{
	struct vm_fleet *fleet = lane->fleet;

	if (machine_is_done(lane->machine, &fleet->status)) {
		vm_run_tell_console(lane->machine);
		return err_set(err, ECANCELED, "the guest refused to plan");
	}
	if (!lane->planned)
		return 0;
	if (vm_queue_fill(&fleet->queue, lane->planned, err) < 0)
		return -err->code;
	if (!fleet->planned)
		vm_fleet_save(fleet, lane->machine);
	fleet->planned = true;
	lane->state = LANE_IDLE;
	return 1;
}

static int step_idle(struct vm_lane *lane, struct err *err)
{
	struct vm_fleet *fleet = lane->fleet;

	lane->n_batch =
		lane->used && fleet->queue.items[lane->batch[0]].alone
			? 0
			: vm_queue_take(&fleet->queue, lane->used, fleet->n_lanes, lane->batch);
	if (!lane->n_batch) {
		machine_quit(lane->machine);
		set_deadline(lane, OFF_NS);
		lane->state = LANE_ENDING;
		return 1;
	}
	json_t *indexes = json_array();
	for (size_t i = 0; i < lane->n_batch; i++)
		json_array_append_new(indexes, json_integer((json_int_t)lane->batch[i]));
	json_t *line = json_pack("{s:o}", "ask", indexes);
	int r = machine_send(lane->machine, line, err);
	json_decref(line);
	lane->used = true;
	lane->ended = false;
	set_deadline(lane, SAY_NS);
	lane->state = LANE_RUNNING;
	return r < 0 ? r : 1;
}

static int step_running(struct vm_lane *lane, struct err *err)
{
	int status;

	if (machine_is_done(lane->machine, &status))
		return lost(lane, false, err);
	if (!lane->ended)
		return 0;
	/* What it has passed over (it is none) would be asked for again and again. */
	for (size_t i = 0; i < lane->n_batch; i++)
		if (vm_queue_under_way(&lane->fleet->queue, lane->batch[i]))
			return err_set(err, EPROTO, "the guest did not run '%s'",
				       lane->fleet->queue.items[lane->batch[i]].name);
	lane->state = LANE_IDLE;
	return 1;
}

static int step_ending(struct vm_lane *lane, struct err *err)
{
	(void)lane;
	(void)err;
	return 0;
}

int vm_lane_step(struct vm_lane *lane, struct err *err)
{
	static int (*const steps[])(struct vm_lane *, struct err *) = {
		[LANE_EMPTY] = step_empty,	 [LANE_STARTING] = step_starting,
		[LANE_PLANNING] = step_planning, [LANE_IDLE] = step_idle,
		[LANE_RUNNING] = step_running,	 [LANE_ENDING] = step_ending,
	};
	bool late = machine_is_late(lane->machine, &lane->deadline);

	/* Nothing is left for one that is still to come. */
	if (lane->machine && lane->state < LANE_IDLE && vm_queue_done(&lane->fleet->queue)) {
		machine_stop(lane->machine, false);
		forget_machine(lane);
		return 1;
	}
	/* Its last words first: they may be all that it had to say. */
	bool gone = lane->machine && machine_is_gone(lane->machine);
	if (gone || (lane->machine && (late || machine_is_garbled(lane->machine))))
		return lost(lane, late && !gone && lane->state != LANE_ENDING, err);
	return steps[lane->state](lane, err);
}

void vm_lane_clear(struct vm_lane *lane)
{
	if (lane->machine) {
		machine_stop(lane->machine, false);
		forget_machine(lane);
	}
}
