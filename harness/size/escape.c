/*
 * See escape.h. By /proc/PID/task/TID/children: this process is a subreaper, so that no descendant
 * is lost. Without that file (CONFIG_PROC_CHILDREN) nobody is found.
 */
#include "harness/size/escape.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"

enum { PEOPLE_MAX = 1024, KILL_ROUNDS = 64, CHILDREN_MAX = 8192 };

struct people {
	pid_t pids[PEOPLE_MAX];
	size_t n;
};

/* ---- descendants --------------------------------------------------------------------------- */

static void add_children(struct people *people, const char *path)
{
	char text[CHILDREN_MAX], *at = text, *end;
	struct err err;

	if (fd_read_text(-1, path, text, sizeof(text), &err) <= 0)
		return;
	for (long pid; (pid = strtol(at, &end, 10)) > 0 && end > at; at = end)
		if (people->n < PEOPLE_MAX)
			people->pids[people->n++] = (pid_t)pid;
}

/* Each thread has children of its own. */
static void add_children_of(struct people *people, pid_t pid)
{
	char path[64], file[128];
	struct dirent *entry;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	DIR *dir = opendir(path);
	while (dir && (entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(file, sizeof(file), "/proc/%d/task/%.16s/children", (int)pid,
			 entry->d_name);
		add_children(people, file);
	}
	if (dir)
		(void)closedir(dir);
}

static void find_people(struct people *people)
{
	people->n = 0;
	add_children_of(people, getpid());
	for (size_t i = 0; i < people->n; i++)
		add_children_of(people, people->pids[i]);
}

/* ---- where they are ------------------------------------------------------------------------ */

/* Who is ending is shown in the root on v1: only one that has memory is anywhere. */
static bool has_memory(pid_t pid, char *name, size_t size)
{
	char path[64], text[4096];
	struct err err;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	if (fd_read_text(-1, path, text, sizeof(text), &err) <= 0)
		return false;
	const char *tab = strchr(text, '\t');
	snprintf(name, size, "%.*s", tab ? (int)strcspn(tab + 1, "\n") : 0, tab ? tab + 1 : "");
	return strstr(text, "\nVmRSS:") != NULL;
}

static bool is_ours(pid_t pid)
{
	char path[64];
	struct stat its, own;

	snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
	return stat(path, &its) == 0 && stat("/proc/self/exe", &own) == 0 &&
	       its.st_dev == own.st_dev && its.st_ino == own.st_ino;
}

static bool is_outside(const struct cg_host *host, const struct cg *group, pid_t pid,
		       struct escaped *ret)
{
	const char *here = cg_dir(group);
	size_t len = strlen(here);
	struct err err;

	if (cg_memory_dir_of(host, pid, ret->dir, sizeof(ret->dir), &err) < 0)
		return false;
	if (strncmp(ret->dir, here, len) == 0 && (!ret->dir[len] || ret->dir[len] == '/'))
		return false;
	if (is_ours(pid) || !has_memory(pid, ret->name, sizeof(ret->name)))
		return false;
	ret->pid = pid;
	return true;
}

void escape_look(const struct cg_host *host, const struct cg *group, struct escaped *ret)
{
	struct people people;

	*ret = (struct escaped){0};
	find_people(&people);
	for (size_t i = 0; i < people.n && !ret->pid; i++)
		(void)is_outside(host, group, people.pids[i], ret);
}

const char *escape_text(const struct escaped *who, char *buf, size_t size)
{
	snprintf(buf, size,
		 "'%s' has moved into another group (%.110s): what it has is charged there",
		 who->name, who->dir);
	return buf;
}

/* One that dies leaves its children to us: they are seen in the next round. */
void escape_kill(const struct cg_host *host, const struct cg *group)
{
	struct people people;
	struct escaped one;
	bool more = true;

	for (int round = 0; more && round < KILL_ROUNDS; round++) {
		more = false;
		find_people(&people);
		for (size_t i = 0; i < people.n; i++)
			if (is_outside(host, group, people.pids[i], &one) &&
			    kill(people.pids[i], SIGKILL) == 0)
				more = true;
	}
}
