/*
 * See machines.h. A kernel that is in the cache is taken and none fetched.
 */
#include "tests/bench/machines.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/str.h"
#include "harness/cmd/vm_words.h"
#include "harness/vm/channel.h"
#include "harness/vm/image.h"
#include "harness/vm/kernel.h"
#include "harness/vm/qemu.h"
#include "harness/vm/store.h"

enum { ROUNDS = 9, RESTORED = 4 };
#define MEMORY (512ULL << 20)

/* A kill each: of one page too many, and of one task among three that touch 24 MiB. */
static const char quick[] = "limits/limit-zero", usual[] = "limits/allocator-is-largest";
static const char alone[] = "global/sysrq-f-nobody";

struct times {
	size_t n;
	uint64_t ns[ROUNDS * RESTORED];
};

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static double median_s(struct times *times)
{
	qsort(times->ns, times->n, sizeof(times->ns[0]), by_value);
	size_t middle = times->n / 2;

	return (double)times->ns[middle] / 1e9;
}

/* ---- the kernel ----------------------------------------------------------------------------- */

static const char *cached_kernel(void)
{
	static const char *const words[] = {"debian:6.12", "debian:6.1", "debian:5.10", NULL};
	struct store store;
	struct pin pin;
	struct err err;
	const char *found = getenv("OOMLAB_TEST_KERNEL");

	if (found || store_open(&store, &err) < 0)
		return found;
	for (size_t i = 0; words[i] && !found; i++)
		if (store_read_pin(&store, words[i] + strlen("debian:"), &pin, &err) > 0) {
			pin_clear(&pin);
			found = words[i];
		}
	store_close(&store);
	return found;
}

/* ---- what is measured ----------------------------------------------------------------------- */

static int boot_bare(const struct kernel *kernel, const char *init, uint64_t *ret_ns,
		     struct err *err)
{
	const struct vm_values values = {.timeout_ns = UINT64_MAX};
	MEM_AUTO char *append = vm_words_kernel(&values, "v2");
	struct image image = {0};
	FD_AUTO initrd = memfd_create("bare", MFD_CLOEXEC);
	struct qemu qemu;
	uint64_t began_ns = clock_ns();

	image_add_file(&image, "init", init, 0755);
	int r = image_write(&image, initrd, err);
	image_free(&image);
	const struct qemu_config config = {.kernel_fd = kernel->fd,
					   .initrd_fd = initrd,
					   .append = append,
					   .memory_bytes = MEMORY,
					   .cpus = 1,
					   .control = true,
					   .restore_fd = -1};
	if (r < 0 || qemu_start(&config, &qemu, err) < 0)
		return -err->code;
	siginfo_t info;
	(void)waitid(P_PID, (id_t)qemu.pid, &info, WEXITED | WNOWAIT);
	*ret_ns = clock_ns() - began_ns;
	int status = qemu_end(&qemu);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != CHANNEL_EXIT_STATUS)
		return err_set(err, EPROTO, "the bare machine did not end by itself");
	return 0;
}

/* Times of the verdicts since the command began; the first is a boot's, the others are restored. */
static int run_lab(const char *const *argv, struct times *first, struct times *others,
		   struct err *err)
{
	uint64_t last_ns = clock_ns();
	char line[4096];
	int ends[2], status;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_errno(err, errno, "pipe");
	pid_t pid = fork();
	if (pid == 0) {
		(void)dup2(ends[1], STDOUT_FILENO);
		(void)execv(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	(void)close(ends[1]);
	FILE *out = fdopen(ends[0], "r");
	size_t n = 0;
	while (fgets(line, sizeof(line), out)) {
		if (!str_starts(line, "pass"))
			continue;
		uint64_t now_ns = clock_ns();
		struct times *times = n++ ? others : first;
		if (times && times->n < sizeof(times->ns) / sizeof(times->ns[0]))
			times->ns[times->n++] = now_ns - last_ns;
		last_ns = now_ns;
	}
	(void)fclose(out);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return status == 0 && n ? 0 : err_set(err, EPROTO, "'oomlab vm' did not pass");
}

/* ---- rows ----------------------------------------------------------------------------------- */

struct rows {
	struct times bare, quick, usual, restored;
};

static int measure(const char *lab, const char *word, const char *init, const char *results,
		   struct rows *rows, struct err *err)
{
	MEM_AUTO char *where = mem_printf("--results=%s", results);
	MEM_AUTO char *repeat = mem_printf("--repeat=%d", RESTORED);
	const char *first[] = {lab, "vm", "-k", word, where, quick, NULL};
	const char *second[] = {lab, "vm", "-k", word, where, usual, NULL};
	const char *many[] = {lab, "vm", "-k", word, "-j1", repeat, where, alone, NULL};
	struct kernel kernel = {.fd = -1};
	const struct fetch_watch watch = {0};
	int r = kernel_open(word, &watch, &kernel, err);

	for (int i = 0; i < ROUNDS && r >= 0; i++) {
		r = boot_bare(&kernel, init, &rows->bare.ns[rows->bare.n++], err);
		if (r >= 0)
			r = run_lab(first, &rows->quick, NULL, err);
		if (r >= 0)
			r = run_lab(second, &rows->usual, NULL, err);
		if (r >= 0)
			r = run_lab(many, NULL, &rows->restored, err);
	}
	kernel_close(&kernel);
	return r;
}

static void print(const char *title, struct times *bare, struct times *times, const char *goal)
{
	double bare_s = median_s(bare), s = median_s(times);

	printf("%-34s bare boot %.2f s, oomlab %.2f s: %.2fx%s\n", title, bare_s, s, s / bare_s,
	       goal);
}

void bench_machines(const char *lab, const char *init, const char *results)
{
	static const char what[] = "first verdict in a machine";
	const char *word = cached_kernel();
	struct rows rows = {0};
	struct err err = ERR_INIT;
	char version[128];

	if (qemu_version(NULL, version, sizeof(version), &err) < 0 ||
	    (!word && err_set(&err, ENOENT, "no kernel is in the cache: 'oomlab kernels fetch'")) ||
	    measure(lab, word, init, results, &rows, &err) < 0) {
		printf("%-34s left out: %s\n", what, err.text);
		return;
	}
	MEM_AUTO char *goal = mem_printf(" (goal 1.5x; %s)", word);
	print(what, &rows.bare, &rows.quick, goal);
	print("the same, three tasks and 24 MiB", &rows.bare, &rows.usual, "");
	print("next verdict, machine restored", &rows.bare, &rows.restored, " (goal 1 s)");
}
