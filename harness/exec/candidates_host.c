/*
 * What holds for the whole machine: T, and how near /proc is to what oom_badness() reads.
 *
 * Since 6.2 (f1a7941243c1) a process's page counters are per-CPU: the approximate reading leaves
 * out up to batch - 1 pages a CPU and counter, with batch = max(32, 2 * CPUs).
 *   up to 6.1    one atomic counter; stat, status and oom_badness() read it     COUNTERS_AGREE
 *   6.2 to 6.15  all three read approximately                                   COUNTERS_AGREE
 *   6.16 to 6.19 and 6.12.y: status and statm read exact sums (82241a83cd15), stat and
 *                oom_badness() approximately                                    COUNTERS_APPROX
 *   7.0 on       oom_badness() reads exact sums as well (5898aa8f9a0b), stat does not
 *                                                                               COUNTERS_EXACT
 * stat's rss and the choice's rss are one function, get_mm_rss(), so taking it from there is exact
 * in the first three. Swap has no approximate reading anywhere: its error remains.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "harness/exec/candidates_internal.h"
#include "harness/exec/proc_text.h"

enum {
	BATCH_MIN = 32,	     /* percpu_counter_batch */
	RSS_COUNTERS = 3,    /* anon, file, shmem */
	TOUCHES = 16,	     /* one page not counted is enough to tell */
	FIRST_EXACT = 7,     /* major version with exact sums in the choice */
	VMSTAT_TEXT = 16384, /* 6.18: 5 KiB */
};

/* Whether stat lags behind status for a process that touches memory page by page. */
static bool stat_lags(const struct candidates *c, int64_t pid)
{
	struct proc_stat stat;
	struct proc_status status;
	char *text = c->priv->text;

	ssize_t n = candidates_text(c, pid, "stat", text, CANDIDATES_TEXT);
	if (n <= 0 || !proc_parse_stat(text, (size_t)n, &stat))
		return false;
	n = candidates_text(c, pid, "status", text, CANDIDATES_TEXT);
	if (n <= 0)
		return false;
	proc_parse_status(text, (size_t)n, &status);
	return stat.rss_pages != status.vm_rss * 1024 / c->page_bytes;
}

static bool probe_lag(const struct candidates *c)
{
	size_t page = c->page_bytes;
	char *memory = mmap(NULL, TOUCHES * page, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	bool lags = false;

	if (memory == MAP_FAILED)
		return false;
	for (size_t i = 0; i < TOUCHES && !lags; i++) {
		((volatile char *)memory)[i * page] = 1;
		lags = stat_lags(c, getpid());
	}
	(void)munmap(memory, TOUCHES * page);
	return lags;
}

int candidates_probe(struct candidates *c, struct err *err)
{
	struct utsname name = {0};
	long page = sysconf(_SC_PAGESIZE), cpus = sysconf(_SC_NPROCESSORS_ONLN);

	if (page <= 0 || cpus <= 0 || uname(&name) < 0)
		return err_set(err, EINVAL, "cannot tell the page size, CPUs or kernel");
	c->page_bytes = (uint64_t)page;
	c->cpus = (uint64_t)cpus;
	if (probe_lag(c))
		c->counters = strtoul(name.release, NULL, 10) >= FIRST_EXACT ? COUNTERS_EXACT
									     : COUNTERS_APPROX;
	uint64_t batch = 2 * c->cpus < BATCH_MIN ? BATCH_MIN : 2 * c->cpus;
	if (c->counters == COUNTERS_APPROX) {
		c->swap_error_pages = (batch - 1) * c->cpus;
		c->rss_error_pages = RSS_COUNTERS * c->swap_error_pages;
	}
	candidates_refresh(c);
	return 0;
}

/* The sum of the counters of what left memory for swap, real or compressed. */
static uint64_t sum_swapouts(const char *text)
{
	static const char *const names[] = {"\npswpout ", "\nzswpout ", "\nswpout_zero "};
	uint64_t sum = 0;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *at = strstr(text, names[i]);
		sum += at ? strtoull(at + strlen(names[i]), NULL, 10) : 0;
	}
	return sum;
}

uint64_t candidates_swapouts(const struct candidates *c)
{
	char text[VMSTAT_TEXT];
	struct err err = ERR_INIT;

	return fd_read_text(c->priv->proc_fd, "vmstat", text, sizeof(text), &err) < 0
		       ? 0
		       : sum_swapouts(text);
}

void candidates_refresh(struct candidates *c)
{
	struct sysinfo info;

	/* si_meminfo() and si_swapinfo(): what MemTotal and SwapTotal print as well */
	if (sysinfo(&info) == 0) {
		c->ram_pages = info.totalram * info.mem_unit / c->page_bytes;
		c->swap_pages = info.totalswap * info.mem_unit / c->page_bytes;
	}
	bool swapped = c->swap_error_pages && candidates_swapouts(c) != c->swapouts_before;
	c->priv->swap_error_now = swapped ? c->swap_error_pages : 0;
}
