/*
 * See peaks.h. The high-water mark of a process has page cache in it. Only what belongs to programs
 * is taken off: other files may have been mapped after the peak, in its place.
 */
#include "harness/size/peaks.h"

#include <fcntl.h>
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

uint64_t peaks_program_bytes(const char *smaps)
{
	struct file file = {.bytes = 0};
	char perms[5], path[PATH_MAX];
	uint64_t total = 0, value;

	for (const char *line = smaps; *line;) {
		size_t len = strcspn(line, "\n");
		if (is_head(line, perms, path)) {
			if (!str_eq(path, file.path))
				total += close_file(&file, path);
			file.executable = file.executable || (path[0] == '/' && perms[2] == 'x');
		} else if (sscanf(line, "Rss: %lu", &value) == 1) {
			file.bytes += value * 1024;
		} else if (sscanf(line, "Anonymous: %lu", &value) == 1) {
			file.bytes -= value * 1024 < file.bytes ? value * 1024 : file.bytes;
		}
		line += len + (line[len] == '\n');
	}
	return total + close_file(&file, "");
}

uint64_t peaks_need_bytes(const char *status, uint64_t program_bytes)
{
	uint64_t most = kib_of(status, "\nVmHWM:"), file = kib_of(status, "\nRssFile:");

	file = file < program_bytes ? file : program_bytes;
	return most > file ? most - file + kib_of(status, "\nVmPTE:") : 0;
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
	peak.bytes = peaks_need_bytes(str_text(&status), peaks_program_bytes(str_text(&smaps)));
	peaks_put(peaks, &peak);
}
