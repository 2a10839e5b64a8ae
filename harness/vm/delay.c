/*
 * See delay.h.
 */
#include "harness/vm/delay.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/fd.h"
#include "base/str.h"

static uint64_t of_thread(int tasks, const char *tid)
{
	char path[64];
	STR_AUTO text = STR_INIT;
	struct err ignored;
	uint64_t ran, waited;

	snprintf(path, sizeof(path), "%.32s/schedstat", tid);
	if (fd_read_all(tasks, path, &text, &ignored) < 0 ||
	    sscanf(str_text(&text), "%" SCNu64 " %" SCNu64, &ran, &waited) != 2)
		return 0;
	return waited;
}

uint64_t delay_of(pid_t pid)
{
	char path[64];
	uint64_t sum = 0;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	DIR *dir = opendir(path);
	if (!dir)
		return 0;
	for (const struct dirent *entry; (entry = readdir(dir));)
		if (*entry->d_name != '.')
			sum += of_thread(dirfd(dir), entry->d_name);
	(void)closedir(dir);
	return sum;
}
