/*
 * A hog's life: status page and descriptors, setup, confinement, then commands over the socket
 * or, alone, the pattern. Called by hog_main.c alone; the workloads use hog_run.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "workloads/hog_live.h"

static const char *const then_names[] = {"hold", "exit", NULL};

const struct opt hog_common_opts[] = {
	{.name = "confine",
	 .kind = OPT_FLAG,
	 .offset = offsetof(struct hog_options, confine),
	 .help = "allow only the system calls that the workload needs (default; --no-confine: "
		 "all)"},
	{.name = "then",
	 .kind = OPT_CHOICE,
	 .offset = offsetof(struct hog_options, then),
	 .arg = "WHAT",
	 .choices = then_names,
	 .help = "when the pattern has ended: hold all until a signal, or exit (default hold)"},
	{.name = "name",
	 .kind = OPT_TEXT,
	 .offset = offsetof(struct hog_options, name),
	 .arg = "NAME",
	 .help = "be this in the kernel's log and in ps, up to 15 bytes (default oomhog)"},
	{.name = "run-seed",
	 .kind = OPT_U64,
	 .offset = offsetof(struct hog_options, seed),
	 .arg = "N",
	 .help = "draw the pattern's pauses and blocks from this seed and the hog's name; what it "
		 "takes in all stays the same (default: blocks and pauses as given)"},
	{.name = "control-fd",
	 .kind = OPT_U64,
	 .offset = offsetof(struct hog_options, control_fd),
	 .arg = "N",
	 .help = "take commands from this SOCK_SEQPACKET socket (set by oomlab)"},
	{.name = "receipt-fd",
	 .kind = OPT_U64,
	 .offset = offsetof(struct hog_options, receipt_fd),
	 .arg = "N",
	 .help = "write receipts to this pipe instead of the socket (set by oomlab)"},
	{.name = "status-fd",
	 .kind = OPT_U64,
	 .offset = offsetof(struct hog_options, status_fd),
	 .arg = "N",
	 .help = "keep the status page in this memfd (set by oomlab)"},
	OPT_END,
};

/* ---- setup --------------------------------------------------------------------------------- */

int hog_place_fd(int fd, int want, struct err *err)
{
	if (fd == want)
		return 0;
	if (dup3(fd, want, O_CLOEXEC) < 0)
		return err_errno(err, errno, "cannot move descriptor %d to %d", fd, want);
	(void)close(fd);
	return 0;
}

static struct hog_status *map_status(int fd, struct err *err)
{
	int flags = MAP_SHARED | MAP_POPULATE | (fd < 0 ? MAP_ANONYMOUS : 0);
	struct stat st;

	if (fd >= 0 && fstat(fd, &st) < 0) {
		err_errno(err, errno, "--status-fd %d", fd);
		return NULL;
	}
	if (fd >= 0 && st.st_size < (off_t)sizeof(struct hog_status)) {
		err_set(err, EINVAL,
			"--status-fd %d has %lld bytes, expected at least %zu: is "
			"oomhog of another version than oomlab?",
			fd, (long long)st.st_size, sizeof(struct hog_status));
		return NULL;
	}
	void *page = mmap(NULL, sizeof(struct hog_status), PROT_READ | PROT_WRITE, flags, fd, 0);
	if (page == MAP_FAILED) {
		err_errno(err, errno, "cannot map the status page");
		return NULL;
	}
	return page;
}

static int check_fds(const struct hog_options *options, struct err *err)
{
	bool control = options->control_fd != UINT64_MAX, status = options->status_fd != UINT64_MAX;
	bool receipt = options->receipt_fd != UINT64_MAX;

	if (control != status || (receipt && !control))
		return err_set(err, EINVAL,
			       "--control-fd and --status-fd go together, "
			       "--receipt-fd with both");
	if (control && (options->control_fd > INT32_MAX || options->status_fd > INT32_MAX ||
			(receipt && options->receipt_fd > INT32_MAX)))
		return err_set(err, EBADF,
			       "--control-fd, --status-fd and --receipt-fd expect "
			       "numbers of descriptors");
	return 0;
}

/* Both first away from the places that they may block for each other. */
static int place_channel(const struct hog_options *options, struct err *err)
{
	bool pipe = options->receipt_fd != UINT64_MAX;
	int control = fcntl((int)options->control_fd, F_DUPFD_CLOEXEC, HOG_FD_FREE);
	int receipt = fcntl((int)(pipe ? options->receipt_fd : options->control_fd),
			    F_DUPFD_CLOEXEC, HOG_FD_FREE);

	if (control < 0 || receipt < 0)
		return err_errno(err, errno, "--control-fd %llu, --receipt-fd %llu",
				 (unsigned long long)options->control_fd,
				 (unsigned long long)options->receipt_fd);
	int r = hog_place_fd(control, HOG_FD_CONTROL, err);
	return r < 0 ? r : hog_place_fd(receipt, HOG_FD_RECEIPT, err);
}

/* Maps the page, moves the channel to its place and closes everything that is not ours. */
static int take_fds(struct hog *hog, const struct hog_options *options, struct err *err)
{
	int status_fd = hog->lockstep ? (int)options->status_fd : -1;

	hog->status = map_status(status_fd, err);
	if (!hog->status)
		return -err->code;
	int r = hog->lockstep ? place_channel(options, err) : 0;
	if (r < 0)
		return r;
	(void)close_range(hog->lockstep ? HOG_FD_SIGNAL : HOG_FD_CONTROL, ~0U, 0);
	hog->status->size = sizeof(struct hog_status);
	hog->status->pid = getpid();
	hog->status->magic = HOG_MAGIC;
	hog->status->state = HOG_STATE_SETUP;
	hog->touched = &hog->status->touched_pages;
	hog->total = &hog->status->total_pages;
	return 0;
}

void hog_die_with(pid_t parent)
{
	/* Two races: the parent died before prctl, or we have been given to init since. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
		_exit(HOG_EXIT_FAILED);
}

/* The deepest that the hog's own calls go, so that later ones fault nothing new in. */
static __attribute__((noinline)) void touch_stack(void)
{
	volatile char deep[32 * 1024];

	for (size_t i = 0; i < sizeof(deep); i += 1024)
		deep[i] = 0;
}

/* Code and constants are mapped as they are used, and around each fault the kernel maps what it
 * finds in the page cache: how many pages two equal hogs have so far differs by a few (2 to 5 seen
 * on 6.18), and file pages count for badness as all others do. So all of them now. */
static int touch_object(struct dl_phdr_info *object, size_t size, void *data)
{
	const uint64_t *page_size = data;

	(void)size;
	for (int i = 0; i < object->dlpi_phnum; i++) {
		const ElfW(Phdr) *header = &object->dlpi_phdr[i];
		if (header->p_type != PT_LOAD || header->p_flags & PF_W)
			continue;
		const volatile char *at = (const char *)(object->dlpi_addr + header->p_vaddr);
		for (uint64_t done = 0; done < header->p_filesz; done += *page_size)
			(void)at[done];
	}
	return 1; /* the program itself comes first; a static one has no other */
}

static int prepare(struct hog *hog, struct err *err)
{
	/* A harness that died before this line has closed the socket: hog_live() sees that. */
	if (hog->lockstep) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)signal(SIGPIPE, SIG_IGN); /* hog_send() sees it */
	}
	/* One touch is one page, also of malloc'ed memory where THP is 'always'. A workload that
	 * wants huge pages turns them on again (hog_region_open). */
	(void)prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
	int r = hog->wl->setup ? hog->wl->setup(hog, hog->values, err) : 0;
	if (r < 0)
		return err_wrap(err, "%s", hog->wl->name);
	touch_stack();
	(void)dl_iterate_phdr(touch_object, &hog->page_size);
	if (hog->confine)
		r = hog_confine(hog->status, hog->wl->needs, !hog->lockstep, err);
	return r < 0 ? r : 0;
}

static int setup_failed(struct hog *hog, const struct err *err)
{
	struct hog_receipt ready = {.error = err->code, .state = HOG_STATE_FAILED};

	/* No stdio: a hog that is confined already may not ask what stderr is. */
	(void)dprintf(STDERR_FILENO, "oomhog: %s\n", err->text);
	if (hog->status) {
		(void)snprintf(hog->status->message, sizeof(hog->status->message), "%.*s",
			       HOG_MESSAGE_MAX - 1, err->text);
		hog->status->error = err->code;
		hog->status->state = HOG_STATE_FAILED;
	}
	if (hog->status && hog->lockstep)
		hog_send(hog, &ready);
	return HOG_EXIT_FAILED;
}

_Noreturn void hog_enter_failed(struct hog *hog, int errnum, const char *what)
{
	struct err err = ERR_INIT;

	err_errno(&err, errnum, "%s: %s", hog->wl->name, what);
	_exit(setup_failed(hog, &err));
}

int hog_main(const struct wl *wl, void *values, const struct hog_options *options)
{
	struct err err = ERR_INIT;
	struct hog hog = {
		.wl = wl,
		.values = values,
		.page_size = (uint64_t)sysconf(_SC_PAGESIZE),
		.lockstep = options->control_fd != UINT64_MAX,
		.confine = options->confine,
		.then_exit = options->then == 1,
	};

	if (options->name)
		(void)prctl(PR_SET_NAME, options->name);
	if (options->seed)
		hog_pace_seed(&hog, options->seed, options->name ? options->name : wl->name);
	if (check_fds(options, &err) < 0) {
		fprintf(stderr, "oomhog: %s\n", err.text);
		return HOG_EXIT_USAGE;
	}
	if (take_fds(&hog, options, &err) < 0 || prepare(&hog, &err) < 0)
		return setup_failed(&hog, &err);
	if (hog.enter)
		hog.enter(&hog);
	hog_live(&hog);
}

/* ---- life ---------------------------------------------------------------------------------- */

int hog_failed(struct hog *hog, int errnum)
{
	hog->status->error = errnum;
	hog->status->failures = hog->status->failures + 1;
	return -errnum;
}

_Noreturn void hog_end(struct hog *hog, int status)
{
	hog->status->state = HOG_STATE_EXITED;
	_exit(status);
}

_Noreturn void hog_live(struct hog *hog)
{
	if (!hog->lockstep)
		hog_live_alone(hog);
	struct hog_receipt ready = {.state = HOG_STATE_READY};

	hog->status->state = HOG_STATE_READY;
	hog_send(hog, &ready);
	for (;;)
		hog_wait(hog, UINT64_MAX, false);
}
