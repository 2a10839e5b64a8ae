/*
 * See peaks.h. The high-water mark of a process has page cache in it. Only what belongs to programs
 * is taken off: other files may have been mapped after the peak, in its place. Pages that a fork
 * left with both are the parent's, who is charged for them; those of tmpfs are counted for the
 * group.
 */
#include "harness/size/peaks.h"

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/kcmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"

/* ---- text ---------------------------------------------------------------------------------- */

static uint64_t kib_of(const char *text, const char *name)
{
	const char *at = strstr(text, name);

	return at ? strtoull(at + strlen(name), NULL, 10) * 1024 : 0;
}

/* One file's mappings stand one behind the other. */
struct file {
	char path[PATH_MAX];
	bool executable;
	uint64_t bytes;
};

/* "7f0c..-7f0d.. r-xp 00001000 08:01 1234   /usr/lib/libc.so.6"; else false. */
static bool is_head(const char *line, char perms[5], char path[PATH_MAX])
{
	path[0] = '\0';
	return sscanf(line, "%*x-%*x %4s %*x %*x:%*x %*u %4095[^\n]", perms, path) >= 1;
}

static uint64_t close_file(struct file *file, const char *next)
{
	uint64_t bytes = file->executable ? file->bytes : 0;

	*file = (struct file){.bytes = 0};
	snprintf(file->path, sizeof(file->path), "%s", next);
	return bytes;
}

/* One mapping's, in the order in which smaps has them. */
struct mapping {
	uint64_t rss, shared;
};

static void take_value(const char *line, struct mapping *mapping, struct file *file,
		       struct peaks_others *others)
{
	char name[24];
	uint64_t kib;

	if (sscanf(line, "%23[A-Za-z_]: %" SCNu64, name, &kib) != 2)
		return;
	if (str_eq(name, "Rss"))
		*mapping = (struct mapping){.rss = kib * 1024};
	else if (str_eq(name, "Shared_Clean") || str_eq(name, "Shared_Dirty"))
		mapping->shared += kib * 1024;
	if (!str_eq(name, "Anonymous"))
		return;
	uint64_t anon = kib * 1024;
	others->shared_bytes += anon < mapping->shared ? anon : mapping->shared;
	file->bytes += anon < mapping->rss ? mapping->rss - anon : 0;
}

struct peaks_others peaks_others(const char *smaps)
{
	struct peaks_others others = {0, 0};
	struct file file = {.bytes = 0};
	struct mapping mapping = {0, 0};
	char perms[5], path[PATH_MAX];

	for (const char *line = smaps; *line;) {
		size_t len = strcspn(line, "\n");
		if (is_head(line, perms, path)) {
			if (!str_eq(path, file.path))
				others.program_bytes += close_file(&file, path);
			file.executable = file.executable || (path[0] == '/' && perms[2] == 'x');
		} else {
			take_value(line, &mapping, &file, &others);
		}
		line += len + (line[len] == '\n');
	}
	others.program_bytes += close_file(&file, "");
	return others;
}

uint64_t peaks_need_bytes(const char *status, const struct peaks_others *others)
{
	uint64_t most = kib_of(status, "\nVmHWM:"), file = kib_of(status, "\nRssFile:");

	file = file < others->program_bytes ? file : others->program_bytes;
	uint64_t less = file + others->shared_bytes + kib_of(status, "\nRssShmem:");
	return most > less ? most - less + kib_of(status, "\nVmPTE:") : 0;
}

/* ---- the list ------------------------------------------------------------------------------ */

void peaks_put(struct peaks *peaks, const struct peak *peak)
{
	size_t i = 0;

	while (i < peaks->n && peaks->list[i].pid != peak->pid)
		i++;
	if (i == peaks->n) {
		if (peaks->n == peaks->cap) {
			peaks->cap = peaks->cap ? 2 * peaks->cap : 16;
			peaks->list = mem_grow(peaks->list, peaks->cap, sizeof(*peaks->list));
		}
		peaks->list[peaks->n++] = *peak;
		return;
	}
	struct peak *kept = &peaks->list[i];
	kept->bytes = peak->bytes > kept->bytes ? peak->bytes : kept->bytes;
	kept->born = peak->born < kept->born ? peak->born : kept->born;
	kept->died = peak->died > kept->died ? peak->died : kept->died;
}

bool peaks_known(const struct peaks *peaks, uint64_t least_bytes)
{
	size_t large = 0;

	for (size_t i = 0; i < peaks->n; i++)
		large += peaks->list[i].bytes >= least_bytes;
	return !peaks->unknown && large > 1;
}

uint64_t peaks_met(const struct peaks *peaks)
{
	uint64_t most = 0;

	for (size_t i = 0; i < peaks->n; i++) {
		uint64_t sum = 0, when = peaks->list[i].born;
		for (size_t j = 0; j < peaks->n; j++)
			if (peaks->list[j].born <= when && peaks->list[j].died > when)
				sum += peaks->list[j].bytes;
		most = sum > most ? sum : most;
	}
	return most;
}

static int larger_first(const void *a, const void *b)
{
	uint64_t left = ((const struct peak *)a)->bytes, right = ((const struct peak *)b)->bytes;

	return left < right ? 1 : left > right ? -1 : 0;
}

uint64_t peaks_largest(struct peaks *peaks, size_t at_once)
{
	uint64_t sum = 0;

	if (peaks->n > 0)
		qsort(peaks->list, peaks->n, sizeof(*peaks->list), larger_first);
	for (size_t i = 0; i < peaks->n && i < at_once; i++)
		sum += peaks->list[i].bytes;
	return sum;
}

void peaks_clear(struct peaks *peaks)
{
	free(peaks->list);
	*peaks = (struct peaks){NULL, 0, 0, false};
}

/* ---- a process ----------------------------------------------------------------------------- */

static bool read_all(pid_t tid, const char *name, struct str *text)
{
	char path[64], chunk[16384];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)tid, name);
	FD_AUTO fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	while ((n = read(fd, chunk, sizeof(chunk))) > 0)
		str_addf(text, "%.*s", (int)n, chunk);
	return n == 0;
}

/* A child of vfork lives in its parent's memory. Where the kernel does not say (CONFIG_KCMP) it is
 * counted twice. */
static bool is_parents(const char *status, pid_t tid)
{
	const char *at = strstr(status, "\nPPid:");

	return at && syscall(SYS_kcmp, strtol(at + 6, NULL, 10), tid, KCMP_VM, 0, 0) == 0;
}

void peaks_take(struct peaks *peaks, pid_t tid, uint64_t born, uint64_t now)
{
	STR_AUTO status = STR_INIT;
	STR_AUTO smaps = STR_INIT;

	if (!read_all(tid, "status", &status) || !read_all(tid, "smaps", &smaps)) {
		peaks->unknown = true;
		return;
	}
	const char *pid = strstr(str_text(&status), "\nTgid:");
	if (!pid || is_parents(str_text(&status), tid))
		return;
	struct peak peak = {.pid = (pid_t)strtol(pid + 6, NULL, 10), .born = born, .died = now};
	const struct peaks_others others = peaks_others(str_text(&smaps));
	peak.bytes = peaks_need_bytes(str_text(&status), &others);
	peaks_put(peaks, &peak);
}
