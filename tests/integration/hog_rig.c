/*
 * See hog_rig.h.
 */
#include "tests/integration/hog_rig.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/membarrier.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "workloads/channel.h"

#define PIDS_ROOT "/sys/fs/cgroup/pids"

const char *hog_rig_missing(void)
{
	if (access(RIG_ROOT "/memory.oom_control", R_OK) < 0 &&
	    access(RIG_ROOT "/memory.force_empty", W_OK) < 0)
		return "no cgroup v1 memory controller at " RIG_ROOT;
	if (access(RIG_ROOT, W_OK) < 0)
		return RIG_ROOT " is not writable (run as root)";
	return NULL;
}

static int write_file(const char *dir, const char *file, const char *text)
{
	struct err err = ERR_INIT;
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	return fd_write_text(AT_FDCWD, path, text, &err);
}

static int read_file(const char *dir, const char *file, char *buf, size_t size)
{
	struct err err = ERR_INIT;
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	return fd_read_text(AT_FDCWD, path, buf, size, &err);
}

int hog_rig_write(const struct rig *rig, const char *file, const char *text)
{
	return write_file(rig->dir, file, text);
}

uint64_t hog_rig_read(const struct rig *rig, const char *file)
{
	char text[64];

	return read_file(rig->dir, file, text, sizeof(text)) < 0 ? UINT64_MAX
								 : strtoull(text, NULL, 10);
}

static uint64_t field_of(const char *text, const char *field)
{
	size_t n = strlen(field);

	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, field, n) == 0 && strchr(" \t:", line[n]))
			return strtoull(line + n + strspn(line + n, " \t:"), NULL, 10);
		if (!*line)
			break;
	}
	return UINT64_MAX;
}

uint64_t hog_rig_read_field(const struct rig *rig, const char *file, const char *field)
{
	char text[8192];

	return read_file(rig->dir, file, text, sizeof(text)) < 0 ? UINT64_MAX
								 : field_of(text, field);
}

uint64_t hog_rig_proc_kb(pid_t pid, const char *field)
{
	char dir[32], text[8192];

	snprintf(dir, sizeof(dir), "/proc/%d", pid);
	return read_file(dir, "status", text, sizeof(text)) < 0 ? UINT64_MAX
								: field_of(text, field);
}

unsigned hog_rig_procs(const struct rig *rig)
{
	char text[32768];
	unsigned n = 0;

	if (read_file(rig->dir, "cgroup.procs", text, sizeof(text)) < 0)
		return 0;
	for (const char *at = text; *at; at++)
		n += *at == '\n';
	return n;
}

/* See hog_run.h. A drain does nothing while another process drains another group (the kernel tries
 * a lock, mm/memcontrol.c drain_all_stock), hence three equal readings, a grace period apart. */
uint64_t hog_rig_exact_usage(const struct rig *rig)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), before = 0;

	syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0);
	for (int equal = 0; equal < 2;) {
		syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0);
		hog_rig_write(rig, "memory.force_empty", "0");
		uint64_t now = hog_rig_read(rig, "memory.usage_in_bytes");
		equal = now == before ? equal + 1 : 0;
		before = now;
	}
	return before / page;
}

static int pin(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(0, &set);
	return sched_setaffinity(0, sizeof(set), &set);
}

int hog_rig_open(struct rig *rig, uint64_t limit_bytes, unsigned pids_max)
{
	static unsigned count;
	char text[32];

	*rig = (struct rig){.control = -1, .receipts = -1, .status_fd = -1};
	if (pin() < 0)
		return -errno;
	snprintf(rig->dir, sizeof(rig->dir), RIG_ROOT "/oomlab-test-hog-%d-%u", getpid(), count);
	if (mkdir(rig->dir, 0755) < 0)
		return -errno;
	/* Whatever swap the machine has: these groups must not use it. */
	if (hog_rig_write(rig, "memory.swappiness", "0") < 0)
		return -EIO;
	snprintf(text, sizeof(text), "%llu", (unsigned long long)limit_bytes);
	if (limit_bytes && hog_rig_write(rig, "memory.limit_in_bytes", text) < 0)
		return -EIO;
	if (pids_max) {
		snprintf(rig->pids, sizeof(rig->pids), PIDS_ROOT "/oomlab-test-hog-%d-%u", getpid(),
			 count);
		snprintf(text, sizeof(text), "%u", pids_max);
		if (mkdir(rig->pids, 0755) < 0 || write_file(rig->pids, "pids.max", text) < 0)
			return -errno;
	}
	count++;
	return 0;
}

static _Noreturn void child(const struct rig *rig, int control, int receipt,
			    const char *const *args)
{
	const char *given = getenv("OOMLAB_HOG"), *program = given ? given : "build/oomhog";
	const char *argv[RIG_ARGS_MAX + 8] = {program};
	char *plain[RIG_ARGS_MAX + 8];
	char control_text[16], status_text[16], receipt_text[16];
	int n = 1;

	argv[n++] = args[0];
	argv[n++] = "--control-fd";
	argv[n++] = control_text;
	argv[n++] = "--status-fd";
	argv[n++] = status_text;
	argv[n++] = "--receipt-fd";
	argv[n++] = receipt_text;
	for (int i = 1; i < RIG_ARGS_MAX && args[i]; i++)
		argv[n++] = args[i];
	snprintf(control_text, sizeof(control_text), "%d", control);
	snprintf(status_text, sizeof(status_text), "%d", rig->status_fd);
	snprintf(receipt_text, sizeof(receipt_text), "%d", receipt);
	(void)fcntl(control, F_SETFD, 0);
	(void)fcntl(receipt, F_SETFD, 0);
	(void)fcntl(rig->status_fd, F_SETFD, 0);
	if (hog_rig_write(rig, "cgroup.procs", "0") < 0)
		_exit(126);
	if (rig->pids[0] && write_file(rig->pids, "cgroup.procs", "0") < 0)
		_exit(126);
	/* With the same addresses in every run, page tables cost the same in every run. */
	(void)personality(ADDR_NO_RANDOMIZE);
	memcpy(plain, argv, sizeof(plain)); /* execv's type lacks the const */
	execv(program, plain);
	fprintf(stderr, "hog_rig: cannot execute '%s': %s\n", program, strerror(errno));
	_exit(127);
}

int hog_rig_spawn(struct rig *rig, const char *const *args)
{
	int pair[2], pipe_fds[2];
	struct err err = ERR_INIT;
	size_t size = (sizeof(struct hog_status) + 4095) & ~(size_t)4095;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	if (hog_receipt_pipe(pipe_fds, &err) < 0)
		return -err.code;
	rig->control = pair[0];
	rig->receipts = pipe_fds[0];
	rig->status_fd = memfd_create("hog-status", MFD_CLOEXEC);
	if (rig->status_fd < 0 || ftruncate(rig->status_fd, (off_t)size) < 0)
		return -errno;
	rig->status = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, rig->status_fd, 0);
	if (rig->status == MAP_FAILED)
		return -errno;
	memset(rig->status, 0, size); /* charged to the test, not to the group */
	rig->pid = fork();
	if (rig->pid == 0)
		child(rig, pair[1], pipe_fds[1], args);
	close(pair[1]);
	close(pipe_fds[1]);
	return rig->pid < 0 ? -errno : 0;
}

void hog_rig_close(struct rig *rig)
{
	if (rig->pid > 0 && !rig->reaped) {
		kill(rig->pid, SIGKILL);
		waitpid(rig->pid, &rig->wait_status, 0);
	}
	fd_close_var(&rig->control);
	fd_close_var(&rig->receipts);
	fd_close_var(&rig->status_fd);
	if (rig->status)
		munmap(rig->status, sizeof(*rig->status));
	/* Grandchildren die with their parents, which takes the kernel a moment it does not tell
	 * v1 groups about: rmdir is the only probe. */
	for (int i = 0; i < 2000 && rmdir(rig->dir) < 0 && errno == EBUSY; i++)
		poll(NULL, 0, 1);
	if (rig->pids[0])
		rmdir(rig->pids);
}

/* Only groups whose maker has ended: other runs may be under way. */
static void sweep_root(const char *root)
{
	DIR *dir = opendir(root);
	struct dirent *entry;
	char path[400];
	int pid;

	while (dir && (entry = readdir(dir))) {
		if (sscanf(entry->d_name, "oomlab-test-hog-%d-", &pid) != 1)
			continue;
		if (pid == getpid() || kill(pid, 0) == 0)
			continue;
		snprintf(path, sizeof(path), "%s/%s", root, entry->d_name);
		rmdir(path);
	}
	if (dir)
		closedir(dir);
}

void hog_rig_sweep(void)
{
	sweep_root(RIG_ROOT);
	sweep_root(PIDS_ROOT);
}

int hog_rig_send(struct rig *rig, uint32_t op, uint64_t bytes, uint32_t arg)
{
	struct hog_cmd cmd = {.seq = ++rig->seq, .op = op, .arg = arg, .bytes = bytes};
	ssize_t n = send(rig->control, &cmd, sizeof(cmd), MSG_NOSIGNAL);

	return n == (ssize_t)sizeof(cmd) ? 0 : -ECONNRESET;
}

int hog_rig_receipt(struct rig *rig, struct hog_receipt *ret)
{
	struct pollfd fd = {.fd = rig->receipts, .events = POLLIN};

	if (poll(&fd, 1, RIG_WAIT_MS) <= 0)
		return -ETIMEDOUT;
	ssize_t n = read(rig->receipts, ret, sizeof(*ret));
	return n == (ssize_t)sizeof(*ret) ? 0 : -ECONNRESET;
}

int hog_rig_ask(struct rig *rig, uint32_t op, uint64_t bytes, struct hog_receipt *ret)
{
	int r = hog_rig_send(rig, op, bytes, 0);

	return r < 0 ? r : hog_rig_receipt(rig, ret);
}

int hog_rig_wait_end(struct rig *rig)
{
	FD_AUTO pidfd = fd_pidfd_open(rig->pid);
	struct pollfd fd = {.fd = pidfd, .events = POLLIN};

	if (poll(&fd, 1, RIG_WAIT_MS) <= 0)
		return -ETIMEDOUT;
	waitpid(rig->pid, &rig->wait_status, 0);
	rig->reaped = true;
	return 0;
}
