/*
 * See brood.h.
 */
#include "workloads/brood.h"

#include <errno.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

int brood_setup(struct brood *brood, struct err *err)
{
	sigset_t set;

	*brood = (struct brood){.slot = BROOD_NO_SLOT};
	/* Who loses its parent comes to us, so every death is seen. */
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		return err_errno(err, errno, "cannot become a reaper");
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return err_errno(err, errno, "cannot block SIGCHLD");
	int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return err_errno(err, errno, "cannot make a signalfd");
	int r = hog_place_fd(fd, HOG_FD_SIGNAL, err);
	if (r < 0)
		return r;
	fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return fd < 0 ? err_errno(err, errno, "cannot make an eventfd")
		      : hog_place_fd(fd, HOG_FD_EVENT, err);
}

/* Children of children claim slots at the same time. */
static uint32_t claim_slot(struct hog_status *status)
{
	uint32_t slot = __atomic_fetch_add(&status->n_children, 1, __ATOMIC_SEQ_CST);

	if (slot < HOG_CHILDREN_MAX)
		return slot;
	__atomic_fetch_sub(&status->n_children, 1, __ATOMIC_SEQ_CST);
	return BROOD_NO_SLOT;
}

static void become_child(struct hog *hog, struct hog_child *slot, pid_t parent)
{
	hog_die_with(parent);
	slot->state = HOG_STATE_BUSY;
	hog->touched = &slot->touched_pages;
	hog->own_total = 0;
	hog->total = &hog->own_total;
	hog->watch = NULL;
}

int brood_fork(struct hog *hog, struct brood *brood, uint32_t *ret_slot)
{
	struct hog_status *status = hog->status;
	pid_t parent = getpid();

	if (brood->slot == BROOD_NO_SLOT)
		brood->slot = claim_slot(status);
	if (brood->slot == BROOD_NO_SLOT)
		return -ENOSPC;
	uint32_t number = brood->slot;
	struct hog_child *slot = &status->child[number];
	long pid = syscall(SYS_clone, CLONE_PARENT_SETTID | SIGCHLD, 0, &slot->pid, 0, 0);

	if (pid == 0) {
		become_child(hog, slot, parent);
		*brood = (struct brood){.slot = BROOD_NO_SLOT};
		*ret_slot = number;
		return 0;
	}
	if (pid < 0) {
		int errnum = errno;
		slot->pid = 0;
		status->fork_errno = errnum;
		__atomic_fetch_add(&status->fork_failures, 1, __ATOMIC_SEQ_CST);
		return -errnum;
	}
	__atomic_fetch_add(&status->forks, 1, __ATOMIC_SEQ_CST);
	brood->slot = BROOD_NO_SLOT;
	*ret_slot = number;
	return 1;
}

static void tell(void)
{
	uint64_t one = 1;

	if (write(HOG_FD_EVENT, &one, sizeof(one)) < 0)
		_exit(HOG_EXIT_FAILED);
}

static void mark_dead(struct hog_status *status, pid_t pid)
{
	uint32_t n = status->n_children;

	for (uint32_t i = n < HOG_CHILDREN_MAX ? n : HOG_CHILDREN_MAX; i-- > 0;)
		if (status->child[i].pid == pid) {
			status->child[i].state = HOG_STATE_EXITED;
			return;
		}
}

/* Marks before it reaps: if the caller dies in between, its reaper finds the zombie again. */
static bool reap_one(struct hog *hog, int options)
{
	siginfo_t info = {.si_pid = 0};

	if (waitid(P_ALL, 0, &info, WEXITED | WNOWAIT | options) < 0 || info.si_pid == 0)
		return false;
	mark_dead(hog->status, info.si_pid);
	(void)waitpid(info.si_pid, NULL, 0);
	return true;
}

_Noreturn void brood_rest(struct hog *hog, uint32_t slot)
{
	hog->status->child[slot].state = HOG_STATE_DONE;
	tell();
	while (reap_one(hog, 0))
		tell();
	for (;;)
		(void)ppoll(NULL, 0, NULL, NULL);
}

void brood_watch(struct hog *hog)
{
	struct signalfd_siginfo info;
	uint64_t told;

	while (read(HOG_FD_SIGNAL, &info, sizeof(info)) > 0)
		;
	(void)!read(HOG_FD_EVENT, &told, sizeof(told));
	while (reap_one(hog, WNOHANG))
		;
}

struct brood_census brood_count(const struct hog *hog)
{
	uint32_t n = hog->status->n_children;
	struct brood_census census = {0};

	for (uint32_t i = 0; i < n && i < HOG_CHILDREN_MAX; i++) {
		const volatile struct hog_child *slot = &hog->status->child[i];

		if (slot->pid == 0)
			continue;
		if (slot->state == HOG_STATE_EXITED) {
			census.dead++;
			continue;
		}
		census.alive++;
		census.busy += slot->state != HOG_STATE_DONE;
	}
	return census;
}
