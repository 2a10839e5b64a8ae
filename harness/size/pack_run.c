/*
 * See pack_run.h. One loop over all copies' output, their deaths, their group's events and the
 * time; the run is over when all have ended and nobody is left in the group.
 */
#include "harness/size/pack_run.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "harness/size/escape.h"
#include "harness/size/pack_clash.h"
#include "harness/size/pack_internal.h"

enum {
	GREW_SHARE = 128,  /* what is noticeable */
	SETTLED_SHARE = 4, /* of a server's time, in which it did not grow */
};
/* A peak that lasts for a two-hundredth of the run is seen. */
#define TICK_SHARE     200
#define TICK_LEAST_NS  1000000ULL
#define TICK_MOST_NS   50000000ULL
#define LEFT_BEHIND_NS 1000000000ULL
#define GROUP_GONE_NS  20000000000ULL
/* Who has left the group is looked for in a twentieth of the time at most: a thousand copies take
 * some. */
enum { SEARCH_SHARE = 20 };

void pack_end_now(struct pack_live *live, enum run_end why)
{
	struct err err;

	if (live->ending)
		return;
	live->ending = true;
	live->ret->end = why;
	(void)cg_kill(live->group, &err);
	/* Also one that was let go and has not joined its group yet. */
	for (uint64_t i = 0; i < live->n; i++)
		if (!live->copies[i].gone)
			(void)kill(live->copies[i].child.pid, SIGKILL);
}

uint64_t pack_used(const struct look *look)
{
	uint64_t kernel =
		look->kernel_bytes > look->tables_bytes ? look->kernel_bytes : look->tables_bytes;

	return look->anon_bytes + look->shmem_bytes + look->socket_bytes + kernel;
}

/* ---- events -------------------------------------------------------------------------------- */

static void reap(struct pack_live *live)
{
	struct rusage usage;
	int status;
	pid_t pid;

	while ((pid = wait4(-1, &status, WNOHANG | __WALL, &usage)) > 0) {
		if (pid == live->lab->guardian.pid)
			live->lab->guardian.pid = 0; /* somebody ended it: nothing to wait for */
		for (uint64_t i = 0; i < live->n; i++)
			if (live->copies[i].child.pid == pid && !live->copies[i].gone)
				pack_copy_ended(&live->copies[i], status, &usage);
	}
}

static void on_signal(void *data, int fd, uint32_t events)
{
	struct pack_live *live = data;
	struct signalfd_siginfo info;

	(void)events;
	while (read(fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
		if (info.ssi_signo != SIGCHLD) {
			live->lab->interrupted = true;
			pack_end_now(live, RUN_INTERRUPTED);
		}
	reap(live);
}

static void on_group(void *data, int fd, uint32_t events)
{
	struct pack_live *live = data;
	struct err err;
	uint64_t times;

	(void)fd;
	(void)events;
	(void)cg_notify_ack(live->group, &times, &err);
	if (look_oom_kills(live->group) > 0)
		pack_end_now(live, RUN_OOM);
}

static void on_populated(void *data, int fd, uint32_t events)
{
	struct pack_live *live = data;
	struct err err;
	bool populated;

	(void)fd;
	(void)events;
	(void)cg_populated(live->group, &populated, &err); /* clears it */
}

/* ---- time ---------------------------------------------------------------------------------- */

/* At the processes themselves. */
static void look_inside(struct pack_live *live)
{
	char path[PATH_MAX];

	pack_share_take(live->group, &live->ret->share);
	if (live->n > 1 && !live->ret->clash[0] && pack_clash_find(live->group, path))
		snprintf(live->ret->clash, sizeof(live->ret->clash), "%.255s", path);
}

/* What they share is read again only when there is a sixteenth more to share. */
static void keep_look(struct pack_live *live)
{
	struct pack_result *ret = live->ret;
	struct look look = {0};

	look_take(live->group, live->lab->version == CG_V1, &look);
	uint64_t used = pack_used(&look);
	if (used > live->grew_bytes + live->grew_bytes / GREW_SHARE) {
		live->grew_bytes = used;
		live->grew_ns = clock_ns();
	}
	if (used < pack_used(&ret->top))
		return;
	bool more = look.usage_bytes > ret->top.usage_bytes + ret->top.usage_bytes / 16;
	if (live->spec->share && (more || ret->share.procs == 0))
		look_inside(live);
	ret->top = look;
}

static void check_escaped(struct pack_live *live)
{
	uint64_t began = clock_ns();
	struct escaped who;

	if (live->ending)
		return;
	escape_look(live->lab->host, live->lab->top, &who);
	uint64_t now = clock_ns();
	live->next_search_ns = now + (now - began) * SEARCH_SHARE;
	if (!who.pid)
		return;
	(void)escape_text(&who, live->ret->why, sizeof(live->ret->why));
	pack_end_now(live, RUN_ESCAPED);
}

static uint64_t next_tick(const struct pack_live *live, uint64_t now)
{
	uint64_t tick = (now - live->began_ns) / TICK_SHARE;

	return now + (tick < TICK_LEAST_NS  ? TICK_LEAST_NS
		      : tick > TICK_MOST_NS ? TICK_MOST_NS
					    : tick);
}

/* A server's time is over, and it has come to what it holds, or never does. */
static void check_served(struct pack_live *live, uint64_t now)
{
	const struct pack_spec *spec = live->spec;
	uint64_t for_ns = spec->command->for_ns;

	if (!for_ns || live->n_gone > 0 || now < live->began_ns + for_ns)
		return;
	keep_look(live);
	bool grows = now < live->grew_ns + for_ns / SETTLED_SHARE;
	if (grows && pack_used(&live->ret->top) < spec->expect_bytes &&
	    now < live->began_ns + spec->longest_ns)
		return;
	if (spec->share)
		look_inside(live);
	check_escaped(live);
	live->ended_ns = now;
	pack_end_now(live, look_oom_kills(live->group) > 0 ? RUN_OOM : RUN_SERVED);
}

static void tick(struct pack_live *live, uint64_t now)
{
	if (!live->ending)
		check_served(live, now);
	if (now >= live->deadline_ns)
		pack_end_now(live, RUN_TIMEOUT);
	if (live->left_ns && now >= live->left_ns + LEFT_BEHIND_NS)
		pack_end_now(live, RUN_LEFT_BEHIND);
	if (now < live->next_tick_ns || live->ending)
		return;
	live->next_tick_ns = next_tick(live, now);
	keep_look(live);
	if (look_oom_kills(live->group) > 0)
		pack_end_now(live, RUN_OOM);
	if (now >= live->next_search_ns)
		check_escaped(live);
}

static bool is_over(struct pack_live *live)
{
	struct err err;
	bool populated = false;

	if (live->n_gone < live->n)
		return false;
	if (cg_populated(live->group, &populated, &err) < 0 || !populated) {
		check_escaped(live);
		return true;
	}
	if (live->left_ns == 0)
		live->left_ns = clock_ns();
	return false;
}

static int watch(struct pack_live *live, struct err *err)
{
	while (!is_over(live)) {
		uint64_t until = live->next_tick_ns < live->deadline_ns ? live->next_tick_ns
									: live->deadline_ns;
		int r = loop_wait(live->loop, until, err);
		if (r < 0 && r != -EINTR) {
			pack_end_now(live, RUN_INTERRUPTED);
			return r;
		}
		tick(live, clock_ns());
	}
	for (uint64_t i = 0; i < live->n; i++)
		pack_copy_drain(&live->copies[i]);
	return 0;
}

/* ---- before -------------------------------------------------------------------------------- */

static int make_group(struct pack_live *live, struct err *err)
{
	const struct pack_spec *spec = live->spec;
	MEM_AUTO char *name = mem_printf("r%u", ++live->lab->runs);
	char text[32];
	int r = cg_create(live->lab->host, live->lab->top, name, &live->group, err);

	/* Where the machine has no swap there is nothing to forbid. */
	if (r >= 0 && live->lab->has_swap && !(spec->swap && spec->swap_bytes == UINT64_MAX)) {
		snprintf(text, sizeof(text), "%" PRIu64, spec->swap ? spec->swap_bytes : 0);
		r = cg_set(live->group, "memory.swap.max", text, err);
	}
	snprintf(text, sizeof(text), "%" PRIu64, spec->limit_bytes);
	return r < 0 ? r : cg_set(live->group, "memory.max", text, err);
}

static int open_events(struct pack_live *live, struct err *err)
{
	struct loop_source *source;
	struct err none;
	uint32_t events = 0;
	int r = loop_new(&live->loop, err);

	if (r >= 0)
		r = loop_add(live->loop, live->lab->signal_fd, EPOLLIN, on_signal, live, &source,
			     err);
	int fd = r < 0 ? r : cg_notify_fd(live->group, &events, err);
	if (fd < 0)
		return fd;
	r = loop_add(live->loop, fd, events, on_group, live, &source, err);
	/* Without (a host with v1 alone) the ticks look. */
	fd = cg_populated_fd(live->group, &none);
	if (r >= 0 && fd >= 0)
		r = loop_add(live->loop, fd, EPOLLPRI, on_populated, live, &source, err);
	return r;
}

static int start_all(struct pack_live *live, struct err *err)
{
	live->copies = mem_zero(live->spec->copies, sizeof(*live->copies));
	for (uint64_t i = 0; i < live->spec->copies; i++) {
		int r = pack_copy_start(&live->copies[i], live, i + 1, err);
		live->n = i + 1;
		if (r < 0)
			return r;
	}
	live->began_ns = clock_ns();
	live->deadline_ns =
		live->spec->timeout_ns ? live->began_ns + live->spec->timeout_ns : UINT64_MAX;
	live->next_tick_ns = next_tick(live, live->began_ns);
	for (uint64_t i = 0; i < live->n; i++)
		spawn_go(&live->copies[i].child);
	return 0;
}

/* ---- after --------------------------------------------------------------------------------- */

static void read_counters(struct pack_live *live)
{
	struct pack_result *ret = live->ret;

	ret->peak_bytes = look_count(live->group, "peak", 0);
	ret->psi_some_us = look_count(live->group, "pressure_some_us", UINT64_MAX);
	ret->psi_full_us = look_count(live->group, "pressure_full_us", UINT64_MAX);
	ret->refaults = look_refaults(live->group);
	ret->major_faults = look_count(live->group, "stat.pgmajfault", 0);
	ret->oom_kills = look_oom_kills(live->group);
	ret->wall_ns = (live->ended_ns ? live->ended_ns : clock_ns()) - live->began_ns;
	if (!live->ending)
		ret->end = ret->oom_kills > 0 ? RUN_OOM : RUN_EXITED;
}

static void judge(struct pack_live *live)
{
	struct pack_result *ret = live->ret;

	if (ret->end == RUN_SERVED)
		ret->passed = true;
	if (ret->end != RUN_EXITED || ret->bad)
		return;
	for (uint64_t i = 0; i < live->n; i++)
		if (!pack_copy_result_is_good(&live->copies[i]))
			return;
	ret->passed = true;
}

/* After a failed start some may not have ended, and those held back are in no group. */
static void end_all(struct pack_live *live)
{
	for (uint64_t i = 0; i < live->n; i++) {
		struct pack_copy *copy = &live->copies[i];
		if (copy->child.pid > 0 && !copy->gone) {
			(void)kill(copy->child.pid, SIGKILL);
			(void)waitpid(copy->child.pid, &copy->status, 0);
		}
	}
}

int pack_run(struct size_lab *lab, const struct pack_spec *spec, struct pack_result *ret,
	     struct err *err)
{
	struct pack_live live = {.lab = lab, .spec = spec, .ret = ret};
	struct err gone;

	*ret = (struct pack_result){.copies = spec->copies, .limit_bytes = spec->limit_bytes};
	int r = make_group(&live, err);
	if (r >= 0)
		r = open_events(&live, err);
	if (r >= 0)
		r = start_all(&live, err);
	if (r >= 0)
		r = watch(&live, err);
	if (r >= 0)
		read_counters(&live);
	end_all(&live);
	if (live.ending || r < 0)
		escape_kill(lab->host, lab->top);
	if (live.group && cg_destroy(live.group, GROUP_GONE_NS, &gone) < 0 && r >= 0)
		r = err_set(err, gone.code, "%s", gone.text);
	if (r >= 0)
		judge(&live);
	for (uint64_t i = 0; i < live.n; i++)
		pack_copy_clear(&live.copies[i]);
	loop_free(live.loop);
	free(live.copies);
	return r;
}

const char *pack_end_text(const struct pack_result *run, char *buf, size_t size)
{
	struct run_result one = {.end = run->end, .status = run->status};
	char end[64];
	int len = run->bad ? snprintf(buf, size, "copy %" PRIu64 ": ", run->bad) : 0;

	snprintf(buf + len, size - (size_t)len, "%s",
		 run->check_failed   ? "--check refuses the result"
		 : run->wrong_output ? "another output"
				     : run_end_text(&one, end, sizeof(end)));
	return buf;
}
