/*
 * See qemu.h. TCG, or KVM where it was seen to boot this kernel (cmd/vm_accel.h).
 */
#include "harness/vm/qemu.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"

#define PROGRAM "qemu-system-x86_64"

enum { WORDS_MAX = 96, MIB = 1024 * 1024, PORT_BUFFER = 64 * MIB };

struct words {
	size_t n;
	char **word;
};

static void add(struct words *words, char *word)
{
	if (words->n < WORDS_MAX)
		words->word[words->n++] = word;
	else
		free(word);
}

static void add_pair(struct words *words, const char *option, char *value)
{
	add(words, mem_dup(option));
	add(words, value);
}

/* -cx16: QEMU 7.2's TCG crashes Debian's 6.12 in one boot of nine with cmpxchg16b. */
static void add_machine(struct words *words, const struct qemu_config *config)
{
	bool small = config->nodes < 2 && !config->disk_bytes;

	add_pair(words, "-accel", mem_dup(config->kvm ? "kvm" : "tcg"));
	/* QEMU dies of a register that a nested host announces and does not have. */
	add_pair(words, "-cpu",
		 mem_dup(config->kvm ? "host,-arch-capabilities" : "qemu64,-cx16,+rdrand"));
	/* acpi=off: with ACPI the clock's calibration hangs in 11 of 12 boots under TCG. */
	add_pair(words, "-machine", mem_dup(small ? "microvm,acpi=off" : "q35"));
	add_pair(words, "-m", mem_printf("%" PRIu64, config->memory_bytes / MIB));
	add_pair(words, "-smp", mem_printf("%u", config->cpus));
	for (unsigned i = 0; config->nodes > 1 && i < config->nodes; i++) {
		/* Their sum has to be the machine's. */
		uint64_t mib = config->memory_bytes / MIB;
		uint64_t rest = i == 0 ? mib % config->nodes : 0;
		add_pair(words, "-object",
			 mem_printf("memory-backend-ram,id=m%u,size=%" PRIu64 "M", i,
				    mib / config->nodes + rest));
		add_pair(words, "-numa",
			 i < config->cpus ? mem_printf("node,memdev=m%u,cpus=%u", i, i)
					  : mem_printf("node,memdev=m%u", i));
	}
	if (!config->icount)
		return;
	/* sleep=off: an idle guest's time passes at once; the clock starts at a fixed moment. */
	add_pair(words, "-icount", mem_printf("shift=%u,sleep=off", config->shift));
	add_pair(words, "-rtc", mem_dup("base=2026-01-01,clock=vm"));
	add_pair(words, "-seed", mem_printf("%" PRIu64, config->seed));
}

static void add_devices(struct words *words, const struct qemu_config *config,
			const struct qemu_ports *ports)
{
	static const char *const plain[] = {"-nodefaults", "-no-reboot", "-no-user-config", NULL};

	for (size_t i = 0; plain[i]; i++)
		add(words, mem_dup(plain[i]));
	add_pair(words, "-display", mem_dup("none"));
	add_pair(words, "-chardev", mem_printf("socket,id=console,fd=%d", ports->console));
	add_pair(words, "-device", mem_dup("isa-serial,chardev=console,index=0"));
	add_pair(words, "-chardev", mem_printf("socket,id=channel,fd=%d", ports->channel));
	add_pair(words, "-device", mem_dup("isa-serial,chardev=channel,index=1"));
	add_pair(words, "-device", mem_dup("isa-debug-exit,iobase=0xf4,iosize=0x04"));
	if (config->disk_bytes) {
		add_pair(words, "-drive",
			 mem_printf("file=/proc/self/fd/%d,format=raw,if=none,id=disk,cache=unsafe",
				    ports->disk));
		add_pair(words, "-device", mem_dup("virtio-blk-pci,drive=disk"));
	}
	if (ports->control >= 0) {
		add_pair(words, "-chardev", mem_printf("socket,id=control,fd=%d", ports->control));
		add_pair(words, "-mon", mem_dup("chardev=control,mode=control"));
	}
	if (config->gdb) {
		add_pair(words, "-gdb",
			 strchr(config->gdb, '/')
				 ? mem_printf("unix:%s,server=on,wait=off", config->gdb)
				 : mem_printf("tcp:127.0.0.1:%s", config->gdb));
		add(words, mem_dup("-S"));
	}
}

char **qemu_words(const struct qemu_config *config, const struct qemu_ports *ports)
{
	struct words words = {.word = mem_zero(WORDS_MAX + 1, sizeof(char *))};

	add(&words, mem_dup(config->program ? config->program : PROGRAM));
	add_machine(&words, config);
	/* microvm has a serial port by default, which would be a third. */
	if (config->nodes < 2 && !config->disk_bytes)
		add_pair(&words, "-machine", mem_dup("isa-serial=off"));
	add_devices(&words, config, ports);
	add_pair(&words, "-kernel", mem_printf("/proc/self/fd/%d", config->kernel_fd));
	add_pair(&words, "-initrd", mem_printf("/proc/self/fd/%d", config->initrd_fd));
	add_pair(&words, "-append", mem_dup(config->append));
	if (config->restore_fd >= 0)
		add_pair(&words, "-incoming", mem_printf("fd:%d", config->restore_fd));
	return words.word;
}

void qemu_free_words(char **words)
{
	for (size_t i = 0; words && words[i]; i++)
		free(words[i]);
	free(words);
}

/* ---- the process ---------------------------------------------------------------------------- */

static void __attribute__((noreturn))
child(const struct qemu_config *config, char **words, const struct qemu_ports *ports, pid_t parent)
{
	const int kept[] = {ports->console,    ports->channel,	  ports->control,
			    config->kernel_fd, config->initrd_fd, config->restore_fd,
			    ports->disk};
	sigset_t none;
	FD_AUTO null = open("/dev/null", O_RDWR | O_CLOEXEC);

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(127);
	(void)setpgid(0, 0); /* a terminal's Ctrl-C is for us */
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)signal(SIGPIPE, SIG_DFL);
	(void)signal(SIGXFSZ, SIG_DFL);
	(void)dup2(null, STDIN_FILENO);
	/* What QEMU itself complains of is shown where the guest's console is. */
	(void)dup2(ports->console, STDOUT_FILENO);
	(void)dup2(ports->console, STDERR_FILENO);
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		(void)fcntl(kept[i], F_SETFD, 0);
	(void)execvp(words[0], words);
	_exit(errno == ENOENT ? 126 : 127);
}

static int make_port(int *ret_host, int *ret_guest, struct err *err)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return err_errno(err, errno, "cannot make a socket pair");
	(void)fcntl(ends[0], F_SETFL, O_NONBLOCK);
	/* A port whose socket is full makes the guest wait by the host's clock, and no run is like
	 * another any more: room for all that a guest says before we come to read it. */
	for (int i = 0; i < 2; i++)
		if (setsockopt(ends[i], SOL_SOCKET, SO_SNDBUFFORCE, &(int){PORT_BUFFER},
			       sizeof(int)) < 0)
			(void)setsockopt(ends[i], SOL_SOCKET, SO_SNDBUF, &(int){PORT_BUFFER},
					 sizeof(int));
	*ret_host = ends[0];
	*ret_guest = ends[1];
	return 0;
}

static void close_ports(struct qemu_ports *ports)
{
	fd_close_var(&ports->console);
	fd_close_var(&ports->channel);
	fd_close_var(&ports->control);
}

static int make_ports(const struct qemu_config *config, struct qemu *qemu, struct qemu_ports *ports,
		      struct err *err)
{
	int r = make_port(&qemu->console, &ports->console, err);

	if (r >= 0)
		r = make_port(&qemu->channel, &ports->channel, err);
	if (r >= 0 && config->control)
		r = make_port(&qemu->control, &ports->control, err);
	if (r >= 0 && config->disk_bytes) {
		ports->disk = qemu->disk = memfd_create("disk", MFD_CLOEXEC);
		if (qemu->disk < 0 || ftruncate(qemu->disk, (off_t)config->disk_bytes) < 0)
			r = err_errno(err, errno, "cannot make a disk");
	}
	return r;
}

int qemu_start(const struct qemu_config *config, struct qemu *ret, struct err *err)
{
	struct qemu qemu = {.pidfd = -1, .console = -1, .channel = -1, .control = -1, .disk = -1};
	struct qemu_ports ports = {-1, -1, -1, -1};
	pid_t parent = getpid();

	if (make_ports(config, &qemu, &ports, err) < 0) {
		close_ports(&ports);
		(void)qemu_end(&qemu);
		return -err->code;
	}
	char **words = qemu_words(config, &ports);
	qemu.pid = fork();
	if (qemu.pid == 0)
		child(config, words, &ports, parent);
	int errnum = errno;
	qemu_free_words(words);
	close_ports(&ports);
	if (qemu.pid < 0) {
		qemu.pid = 0;
		(void)qemu_end(&qemu);
		return err_errno(err, errnum, "cannot fork for QEMU");
	}
	qemu.pidfd = fd_pidfd_open(qemu.pid);
	*ret = qemu;
	return 0;
}

int qemu_end(struct qemu *qemu)
{
	int status = -1;

	if (qemu->pid > 0) {
		(void)kill(qemu->pid, SIGKILL); /* not reaped: the pid is still its own */
		while (waitpid(qemu->pid, &status, 0) < 0 && errno == EINTR)
			;
	}
	fd_close_var(&qemu->pidfd);
	fd_close_var(&qemu->console);
	fd_close_var(&qemu->channel);
	fd_close_var(&qemu->control);
	fd_close_var(&qemu->disk);
	qemu->pid = 0;
	return status;
}

int qemu_version(const char *program, char *buf, size_t size, struct err *err)
{
	MEM_AUTO char *command =
		mem_printf("exec %s --version 2>/dev/null", program ? program : PROGRAM);
	char line[256] = "";
	FILE *pipe = popen(command, "re");

	if (!pipe)
		return err_errno(err, errno, "cannot run '%s'", command);
	bool got = fgets(line, sizeof(line), pipe) != NULL;
	(void)pclose(pipe);
	char *at = got ? strstr(line, "version ") : NULL;
	if (!at)
		return err_set(err, ENOPKG,
			       "'%s' does not run here: install it (Debian: qemu-system-x86)",
			       program ? program : PROGRAM);
	at += strlen("version ");
	snprintf(buf, size, "%.*s", (int)strcspn(at, "\n"), at);
	return 0;
}
