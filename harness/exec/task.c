/*
 * See task.h. The child runs between vfork and exec, on the parent's memory: it makes system
 * calls and writes to its own struct child, nothing else. vfork keeps the spawn cheap (no page
 * tables are copied) and hands the child's error back without a pipe.
 */
#include "harness/exec/task.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/mempolicy.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "harness/exec/descriptors.h"
#include "workloads/channel.h"

enum { CONTROL_FD = 3, STATUS_FD = 4, RECEIPT_FD = 5, EXIT_NO_EXEC = 127 };
/* The kernel takes one less than it is told (get_nodes, mm/mempolicy.c). */
enum { NODE_BITS = 65 };

/* What the child needs, prepared before vfork; 'stage' and 'error' are its answer. */
struct child {
	const struct plan_task *plan;
	const char *path;
	char **argv;
	char **env;
	const char *adj; /* text for oom_score_adj, NULL: as inherited */
	size_t n_join;
	int join[TASK_GROUPS_MAX];
	int control, status, receipt, out, null;
	pid_t parent;
	const char *stage;
	int error;
};

static int fail(struct child *child, const char *stage)
{
	child->stage = stage;
	child->error = errno;
	return -1;
}

static int write_adj(const char *text)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return -1;
	ssize_t n = write(fd, text, strlen(text));
	int errnum = errno;
	(void)close(fd);
	errno = errnum;
	return n < 0 ? -1 : 0;
}

/* System V segments outlive their makers: in a namespace of their own they end with the task. Where
 * that is not allowed (no CAP_SYS_ADMIN) the task shares the harness's, as any program does. */
static void child_ipc(const struct child *child)
{
	const struct wl *wl = child->plan->wl;

	if (!wl || (wl->needs & WL_SHM))
		(void)unshare(CLONE_NEWIPC);
}

static int child_limits(struct child *child)
{
	const struct plan_task *plan = child->plan;

	/* Where a hog's stack begins within its page, and how many page tables it has, otherwise
	 * differs by a page or two from run to run, and two hogs of the same size would hardly
	 * ever be of the same size. A sandbox that forbids it costs only that. */
	if (plan->wl)
		(void)personality(ADDR_NO_RANDOMIZE);
	child_ipc(child);
	descriptors_restore();

	for (size_t i = 0; i < plan->n_limits; i++)
		if (setrlimit((__rlimit_resource_t)plan->limits[i].resource,
			      &plan->limits[i].value) < 0)
			return fail(child, "setrlimit");
	if (plan->has_nice && setpriority(PRIO_PROCESS, 0, plan->nice) < 0)
		return fail(child, "setpriority");
	if (plan->cpu >= 0) {
		cpu_set_t set;
		CPU_ZERO(&set);
		CPU_SET((size_t)plan->cpu, &set);
		if (sched_setaffinity(0, sizeof(set), &set) < 0)
			return fail(child, "sched_setaffinity");
	}
	/* Programs inherit it (numactl does no more). */
	unsigned long nodes = plan->node >= 0 ? 1UL << plan->node : 0;
	if (nodes && syscall(SYS_set_mempolicy, MPOL_BIND, &nodes, NODE_BITS) < 0)
		return fail(child, "set_mempolicy");
	if (child->adj && write_adj(child->adj) < 0)
		return fail(child, "oom_score_adj");
	return 0;
}

static int child_user(struct child *child)
{
	const struct plan_task *plan = child->plan;

	if (!plan->has_user)
		return 0;
	if (setgroups(0, NULL) < 0 && errno != EPERM)
		return fail(child, "setgroups");
	if (setresgid(plan->gid, plan->gid, plan->gid) < 0)
		return fail(child, "setresgid");
	if (setresuid(plan->uid, plan->uid, plan->uid) < 0)
		return fail(child, "setresuid");
	return 0;
}

/* Moves the descriptors to their places. The sources are above RECEIPT_FD (see above_low()), so
 * no dup2 can overwrite one that is still needed. */
static int child_descriptors(struct child *child)
{
	if (dup2(child->null, STDIN_FILENO) < 0 || dup2(child->out, STDOUT_FILENO) < 0 ||
	    dup2(child->out, STDERR_FILENO) < 0)
		return fail(child, "dup2");
	if (child->control >= 0 &&
	    (dup2(child->control, CONTROL_FD) < 0 || dup2(child->status, STATUS_FD) < 0 ||
	     dup2(child->receipt, RECEIPT_FD) < 0))
		return fail(child, "dup2");
	return 0;
}

static int child_join(struct child *child)
{
	for (size_t i = 0; i < child->n_join; i++)
		if (write(child->join[i], "0", 1) < 0)
			return fail(child, "cgroup.procs");
	return 0;
}

/* What is ignored stays ignored over exec: SIGPIPE by this program, SIGINT by a shell that started
 * us in the background, SIGHUP by nohup. A victim must not depend on how the harness was started.
 * A vfork child has a table of its own (no CLONE_SIGHAND). */
static void child_signals(void)
{
	for (int i = 1; i < NSIG; i++)
		(void)signal(i, SIG_DFL); /* fails for SIGKILL, SIGSTOP and those of libc */
}

static __attribute__((noinline)) void child_main(struct child *child)
{
	sigset_t none;

	sigemptyset(&none);
	child_signals();
	/* The death signal first: from here on nothing can outlive the harness. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		(void)fail(child, "prctl");
	else if (getppid() != child->parent)
		child->error = ESRCH;
	else if (child_join(child) == 0 && child_limits(child) == 0 &&
		 child_descriptors(child) == 0 && child_user(child) == 0 &&
		 /* Changing the user clears the death signal. */
		 prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 &&
		 sigprocmask(SIG_SETMASK, &none, NULL) == 0) {
		execvpe(child->path, child->argv, child->env);
		(void)fail(child, "exec");
	}
	_exit(EXIT_NO_EXEC);
}

/* A copy of the descriptor above the child's fixed places, closed on exec. */
static int above_low(int fd)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, RECEIPT_FD + 1);
	int errnum = errno;

	fd_close_var(&fd);
	errno = errnum;
	return copy;
}

static int make_socket(struct task *task, int *ret_child, struct err *err)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_errno(err, errno, "socketpair");
	task->socket = pair[0];
	(void)fcntl(task->socket, F_SETFL, O_NONBLOCK);
	*ret_child = above_low(pair[1]);
	return *ret_child < 0 ? err_errno(err, errno, "cannot duplicate a socket") : 0;
}

static int make_receipts(struct task *task, int *ret_child, struct err *err)
{
	int pair[2];
	int r = hog_receipt_pipe(pair, err);

	if (r < 0)
		return r;
	task->receipts = pair[0];
	*ret_child = above_low(pair[1]);
	return *ret_child < 0 ? err_errno(err, errno, "cannot duplicate a pipe") : 0;
}

/* Every byte is touched here, so that its pages are charged to us and not to the hog's group. */
static int make_status(struct task *task, int *ret_child, struct err *err)
{
	FD_AUTO fd = memfd_create("oomhog-status", MFD_CLOEXEC);

	if (fd < 0 || ftruncate(fd, sizeof(struct hog_status)) < 0)
		return err_errno(err, errno, "cannot make a status page");
	void *map = mmap(NULL, sizeof(struct hog_status), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_POPULATE, fd, 0);
	if (map == MAP_FAILED)
		return err_errno(err, errno, "cannot map a status page");
	task->status = map;
	*ret_child = above_low(fd_take(&fd));
	return *ret_child < 0 ? err_errno(err, errno, "cannot duplicate a memfd") : 0;
}

static int make_output(struct task *task, int *ret_child, struct err *err)
{
	int pair[2];

	if (pipe2(pair, O_CLOEXEC) < 0)
		return err_errno(err, errno, "pipe");
	task->output = pair[0];
	(void)fcntl(task->output, F_SETFL, O_NONBLOCK);
	*ret_child = above_low(pair[1]);
	return *ret_child < 0 ? err_errno(err, errno, "cannot duplicate a pipe") : 0;
}

static char **hog_argv(const struct plan_task *plan, uint64_t seed)
{
	size_t n = 0;

	while (plan->argv && plan->argv[n])
		n++;
	char **argv = mem_zero(n + 10, sizeof(*argv));
	size_t at = 0;
	argv[at++] = mem_dup("oomhog");
	argv[at++] = mem_dup(plan->wl->name);
	argv[at++] = mem_printf("--control-fd=%d", CONTROL_FD);
	argv[at++] = mem_printf("--status-fd=%d", STATUS_FD);
	argv[at++] = mem_printf("--receipt-fd=%d", RECEIPT_FD);
	argv[at++] = mem_printf("--name=%s", plan->name); /* what the kernel's log says */
	if (seed)
		argv[at++] = mem_printf("--run-seed=%llu", (unsigned long long)seed);
	if (!plan->confine)
		argv[at++] = mem_dup("--no-confine");
	for (size_t i = 0; i < n; i++)
		argv[at++] = mem_dup(plan->argv[i]);
	return argv;
}

static void free_argv(char **argv)
{
	for (size_t i = 0; argv && argv[i]; i++)
		free(argv[i]);
	free(argv);
}

/* The harness's environment with the task's additions in front (the first of a name wins in
 * getenv(3) of glibc and of every libc we know). */
static char **make_env(const struct plan_task *plan)
{
	size_t own = 0, more = 0, at = 0;

	while (environ[own])
		own++;
	while (plan->env && plan->env[more])
		more++;
	char **env = mem_zero(own + more + 1, sizeof(*env));
	for (size_t i = 0; i < more; i++)
		env[at++] = plan->env[i];
	for (size_t i = 0; i < own; i++)
		env[at++] = environ[i];
	return env;
}

static int run_child(struct task *task, struct child *child, struct err *err)
{
	child->parent = getpid();
	pid_t pid = vfork();
	if (pid == 0)
		child_main(child);
	if (pid < 0)
		return err_errno(err, errno, "vfork");
	task->pid = pid;
	if (child->stage)
		return err_errno(err, child->error, "%s '%s'", child->stage,
				 str_eq(child->stage, "exec") ? child->path
				 : child->adj && str_eq(child->stage, "oom_score_adj")
					 ? child->adj
					 : task->plan->name);
	task->pidfd = fd_pidfd_open(pid);
	if (task->pidfd < 0)
		return err_errno(err, -task->pidfd, "pidfd_open");
	return 0;
}

static int prepare(struct task *task, struct child *child, struct err *err)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0 || (child->null = above_low(null)) < 0)
		return err_errno(err, errno, "cannot open '/dev/null'");
	if (!task->plan->wl)
		return make_output(task, &child->out, err);
	child->out = fcntl(child->null, F_DUPFD_CLOEXEC, RECEIPT_FD + 1);
	int r = make_socket(task, &child->control, err);
	if (r >= 0)
		r = make_receipts(task, &child->receipt, err);
	return r < 0 ? r : make_status(task, &child->status, err);
}

/* A harness that must outlive an OOM of the whole machine is never chosen (it runs so in a virtual
 * machine, or under a service manager's OOMScoreAdjust=-1000). That is not for its victims. */
static bool is_protected(void)
{
	char text[16];
	struct err err;

	return fd_read_text(-1, "/proc/self/oom_score_adj", text, sizeof(text), &err) > 0 &&
	       str_eq(text, "-1000\n");
}

int task_spawn(struct task *task, const struct plan_task *plan, const char *hog, uint64_t seed,
	       struct cg *group, struct err *err)
{
	char adj[16];
	struct child child = {
		.plan = plan, .control = -1, .status = -1, .receipt = -1, .out = -1, .null = -1};

	*task = (struct task){
		.plan = plan, .pidfd = -1, .socket = -1, .receipts = -1, .output = -1};
	if (group)
		child.n_join = cg_join_fds(group, child.join, TASK_GROUPS_MAX);
	if (plan->has_adj) {
		snprintf(adj, sizeof(adj), "%d", plan->oom_score_adj);
		child.adj = adj;
	} else if (is_protected()) {
		child.adj = "0";
	}
	char **own_argv = plan->wl ? hog_argv(plan, seed) : NULL;
	child.argv = own_argv ? own_argv : plan->argv;
	child.path = plan->wl ? hog : plan->program;
	child.env = make_env(plan);
	int r = prepare(task, &child, err);
	if (r >= 0)
		r = run_child(task, &child, err);
	fd_close_var(&child.control);
	fd_close_var(&child.status);
	fd_close_var(&child.receipt);
	fd_close_var(&child.out);
	fd_close_var(&child.null);
	free_argv(own_argv);
	free(child.env);
	task->ready = r >= 0 && !plan->wl;
	return r < 0 ? err_wrap(err, "task '%s'", plan->name) : 0;
}

int task_command(struct task *task, enum hog_op op, uint64_t bytes, uint32_t arg, uint64_t *ret_seq)
{
	struct hog_cmd cmd = {.seq = task->seq + 1, .op = op, .arg = arg, .bytes = bytes};

	if (task->socket < 0)
		return -ENOTCONN;
	if (send(task->socket, &cmd, sizeof(cmd), MSG_NOSIGNAL) < 0)
		return -errno;
	task->seq = cmd.seq;
	*ret_seq = cmd.seq;
	return 0;
}

int task_receipt(struct task *task, struct hog_receipt *ret)
{
	if (task->receipts < 0)
		return -ENOTCONN;
	ssize_t n = read(task->receipts, ret, sizeof(*ret));
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n < 0)
		return -errno;
	return n == (ssize_t)sizeof(*ret) ? 1 : -EPIPE;
}

bool task_read_output(struct task *task)
{
	char chunk[4096];
	ssize_t n = read(task->output, chunk, sizeof(chunk));

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	if (n == 0)
		return false;
	size_t more = (size_t)n;
	if (task->output_len + more > TASK_OUTPUT_MAX) {
		size_t drop = task->output_len + more - TASK_OUTPUT_MAX;
		memmove(task->tail, task->tail + drop, task->output_len - drop);
		task->output_len -= drop;
	}
	memcpy(task->tail + task->output_len, chunk, more);
	task->output_len += more;
	task->tail[task->output_len] = '\0';
	return true;
}

void task_end(struct task *task)
{
	if (task->pidfd >= 0)
		(void)fd_pidfd_signal(task->pidfd, SIGKILL);
}

void task_clear(struct task *task)
{
	union {
		const struct hog_status *read;
		void *map;
	} page = {.read = task->status};

	fd_close_var(&task->pidfd);
	fd_close_var(&task->socket);
	fd_close_var(&task->receipts);
	fd_close_var(&task->output);
	if (page.map)
		(void)munmap(page.map, sizeof(struct hog_status));
	task->status = NULL;
}
