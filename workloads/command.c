/*
 * The lockstep half of a hog: takes a command from the socket, does it, answers with a receipt
 * (hog.h), and waits in between. The only place where a hog waits. Used by hog.c and, through
 * hog_wait(), by every pattern.
 */
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "workloads/hog_live.h"

void hog_send(struct hog *hog, const struct hog_receipt *receipt)
{
	ssize_t n;

	for (;;) {
		n = write(HOG_FD_RECEIPT, receipt, sizeof(*receipt));
		if (n >= 0)
			return;
		/* Over a socket, at the limit, with killing off: the packet cannot be charged, and
		 * nothing tells when it can be. With a pipe this does not happen. */
		if (errno == ENOMEM || errno == ENOBUFS)
			(void)ppoll(NULL, 0, &(struct timespec){.tv_nsec = 1000000}, NULL);
		else if (errno != EINTR)
			hog_end(hog, HOG_EXIT_FAILED);
	}
}

/* ---- commands ------------------------------------------------------------------------------ */

static int do_ping(struct hog *hog, const struct hog_cmd *cmd)
{
	(void)cmd;
	hog->status->beats = hog->status->beats + 1;
	return 0;
}

static int do_alloc(struct hog *hog, const struct hog_cmd *cmd)
{
	hog->status->asked_bytes = hog->status->asked_bytes + cmd->bytes;
	if (!hog->wl->alloc)
		return -ENOTSUP;
	return hog->wl->alloc(hog, hog->values, cmd->bytes);
}

static int do_free(struct hog *hog, const struct hog_cmd *cmd)
{
	return hog->wl->free ? hog->wl->free(hog, hog->values, cmd->bytes) : -ENOTSUP;
}

static int do_go(struct hog *hog, const struct hog_cmd *cmd)
{
	hog->zero_ns = cmd->bytes;
	return hog->wl->run ? hog->wl->run(hog, hog->values) : -ENOTSUP;
}

static const struct verb {
	int (*run)(struct hog *hog, const struct hog_cmd *cmd);
	bool nests;	     /* may come while a pattern runs */
	enum hog_state then; /* when it is no nested one */
} verbs[] = {
	[HOG_PING] = {do_ping, true, HOG_STATE_READY},
	[HOG_ALLOC] = {do_alloc, false, HOG_STATE_READY},
	[HOG_FREE] = {do_free, true, HOG_STATE_READY},
	[HOG_GO] = {do_go, false, HOG_STATE_DONE},
};

static int run_verb(struct hog *hog, const struct hog_cmd *cmd)
{
	if (cmd->op >= sizeof(verbs) / sizeof(verbs[0]) || !verbs[cmd->op].run)
		return -EINVAL;
	const struct verb *verb = &verbs[cmd->op];
	if (hog->in_command)
		return verb->nests ? verb->run(hog, cmd) : -EBUSY;
	uint32_t before = hog->status->state;

	hog->in_command = true;
	hog->status->state = HOG_STATE_BUSY;
	int r = verb->run(hog, cmd);
	/* A ping does not undo DONE. */
	hog->status->state = cmd->op == HOG_GO || before != HOG_STATE_DONE ? verb->then : before;
	hog->in_command = false;
	return r;
}

static void obey(struct hog *hog, const struct hog_cmd *cmd)
{
	struct hog_status *status = hog->status;
	uint64_t total = status->total_pages, freed = status->freed_pages;
	struct hog_receipt receipt = {
		.seq = cmd->seq,
		.asked_bytes = cmd->bytes,
		.began_ns = clock_ns(),
	};

	status->seq = cmd->seq;
	if (cmd->op == HOG_QUIT) {
		receipt.state = HOG_STATE_EXITED;
		receipt.touched_pages = status->touched_pages;
		receipt.ended_ns = receipt.began_ns;
		status->state = HOG_STATE_EXITED;
		hog_send(hog, &receipt);
		hog_end(hog, (int)cmd->arg);
	}
	int r = run_verb(hog, cmd);
	receipt.ended_ns = clock_ns();
	receipt.error = r < 0 ? -r : 0;
	if (r < 0)
		hog_failed(hog, -r);
	receipt.state = status->state;
	receipt.done_pages =
		cmd->op == HOG_FREE ? status->freed_pages - freed : status->total_pages - total;
	receipt.touched_pages = status->touched_pages;
	hog_send(hog, &receipt);
}

/* ---- waiting ------------------------------------------------------------------------------- */

static void take_command(struct hog *hog)
{
	struct hog_cmd cmd;
	ssize_t n = recv(HOG_FD_CONTROL, &cmd, sizeof(cmd), MSG_DONTWAIT);

	if (n == (ssize_t)sizeof(cmd))
		obey(hog, &cmd);
	else if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	else /* the harness has closed its end, or speaks another protocol */
		hog_end(hog, HOG_EXIT_FAILED);
}

/* Waits for a command, a watched event or the deadline; returns whether there was an event. */
static bool wait_once(struct hog *hog, uint64_t deadline_ns)
{
	struct pollfd fds[3] = {
		{.fd = hog->lockstep ? HOG_FD_CONTROL : -1, .events = POLLIN},
		{.fd = hog->watch ? HOG_FD_SIGNAL : -1, .events = POLLIN},
		{.fd = hog->watch ? HOG_FD_EVENT : -1, .events = POLLIN},
	};
	uint64_t now = clock_ns(), left = deadline_ns > now ? deadline_ns - now : 0;
	struct timespec timeout = {
		.tv_sec = (time_t)(left / 1000000000),
		.tv_nsec = (long)(left % 1000000000),
	};

	if (ppoll(fds, 3, deadline_ns == UINT64_MAX ? NULL : &timeout, NULL) <= 0)
		return false;
	bool event = fds[1].revents || fds[2].revents;
	if (event && hog->watch)
		hog->watch(hog);
	if (fds[0].revents)
		take_command(hog);
	return event;
}

void hog_wait(struct hog *hog, uint64_t deadline_ns, bool events)
{
	bool event;

	do {
		event = wait_once(hog, deadline_ns);
	} while (!(event && events) && clock_ns() < deadline_ns);
}
