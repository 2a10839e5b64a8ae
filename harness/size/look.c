/*
 * See look.h.
 */
#include "harness/size/look.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"

enum { PIDS_MAX = 1024 };

/* ---- kinds --------------------------------------------------------------------------------- */

static const struct kind {
	const char *v1, *v2;
	size_t offset;
} kinds[] = {
	{"rss ", "anon ", offsetof(struct look, anon_bytes)},
	{"cache ", "file ", offsetof(struct look, file_bytes)},
	{"shmem ", "shmem ", offsetof(struct look, shmem_bytes)},
	{"swap ", NULL, offsetof(struct look, swap_bytes)},
	{NULL, "kernel ", offsetof(struct look, kernel_bytes)},
	{NULL, "pagetables ", offsetof(struct look, tables_bytes)},
	{NULL, "sock ", offsetof(struct look, socket_bytes)},
};

static uint64_t stat_field(const char *text, const char *name)
{
	size_t len = strlen(name);

	for (const char *line = text; line && *line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, name, len) == 0)
			return strtoull(line + len, NULL, 10);
	}
	return 0;
}

void look_parse_stat(const char *text, bool v1, struct look *look)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		const char *name = v1 ? kinds[i].v1 : kinds[i].v2;
		uint64_t value = name ? stat_field(text, name) : 0;
		if (name)
			memcpy((char *)look + kinds[i].offset, &value, sizeof(value));
	}
	/* Both versions count shmem as page cache as well. */
	look->file_bytes -=
		look->shmem_bytes < look->file_bytes ? look->shmem_bytes : look->file_bytes;
}

uint64_t look_unreclaimable(const struct look *look)
{
	return look->anon_bytes + look->shmem_bytes + look->tables_bytes;
}

void look_take(const struct cg *cg, bool v1, struct look *look)
{
	STR_AUTO dump = STR_INIT;
	STR_AUTO text = STR_INIT;
	struct err err;

	if (cg_counter(cg, "usage", &look->usage_bytes, &err) < 0)
		look->usage_bytes = 0;
	if (cg_dump(cg, &dump, &err) < 0)
		return;
	for (const char *line = str_text(&dump); *line;) {
		size_t len = strcspn(line, "\n");
		if (str_starts(line, "stat."))
			str_addf(&text, "%.*s\n", (int)(len - 5), line + 5);
		line += len + (line[len] == '\n');
	}
	look_parse_stat(str_text(&text), v1, look);
	if (v1 && cg_counter(cg, "kmem", &look->kernel_bytes, &err) < 0)
		look->kernel_bytes = 0;
}

/* ---- processes ----------------------------------------------------------------------------- */

static uint64_t status_bytes(const char *text, const char *name)
{
	return stat_field(text, name) * 1024;
}

static bool read_proc(pid_t pid, struct look_proc *proc)
{
	char path[64], text[8192];
	struct err err;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	if (fd_read_text(-1, path, text, sizeof(text), &err) <= 0)
		return false;
	*proc = (struct look_proc){.pid = (int)pid,
				   .anon_bytes = status_bytes(text, "RssAnon:"),
				   .file_bytes = status_bytes(text, "RssFile:"),
				   .shmem_bytes = status_bytes(text, "RssShmem:"),
				   .tables_bytes = status_bytes(text, "VmPTE:")};
	const char *name = strchr(text, '\t');
	size_t len = name ? strcspn(name + 1, "\n") : 0;
	if (len > 0)
		snprintf(proc->name, sizeof(proc->name), "%.*s", (int)len, name + 1);
	return true;
}

static uint64_t weight(const struct look_proc *proc)
{
	return proc->anon_bytes + proc->shmem_bytes + proc->tables_bytes;
}

/* Keeps the largest, in order. */
static void insert_proc(struct look *look, const struct look_proc *proc)
{
	size_t at = look->n_procs;

	while (at > 0 && weight(&look->procs[at - 1]) < weight(proc))
		at--;
	if (at == LOOK_PROCS_MAX)
		return;
	size_t keep = look->n_procs < LOOK_PROCS_MAX ? look->n_procs : LOOK_PROCS_MAX - 1;
	memmove(&look->procs[at + 1], &look->procs[at], (keep - at) * sizeof(*proc));
	look->procs[at] = *proc;
	look->n_procs = keep + 1;
}

uint64_t look_count(const struct cg *cg, const char *name, uint64_t absent)
{
	struct err err;
	uint64_t value;

	return cg_counter(cg, name, &value, &err) < 0 ? absent : value;
}

uint64_t look_refaults(const struct cg *cg)
{
	return look_count(cg, "stat.workingset_refault_file", 0) +
	       look_count(cg, "stat.workingset_refault_anon", 0);
}

uint64_t look_oom_kills(const struct cg *cg)
{
	struct cg_vitals vitals;
	struct err err;

	return cg_vitals(cg, &vitals, &err) < 0 || vitals.oom_kill == UINT64_MAX ? 0
										 : vitals.oom_kill;
}

uint64_t look_second(const struct look *look)
{
	const struct look_proc *second = &look->procs[1];

	return look->n_procs < 2 ? 0
				 : second->anon_bytes + second->shmem_bytes + second->tables_bytes;
}

void look_take_procs(const struct cg *cg, struct look *look)
{
	pid_t pids[PIDS_MAX];
	struct look_proc proc;
	struct err err;
	int n = cg_procs_tree(cg, pids, PIDS_MAX, &err);

	look->n_procs = look->all_procs = 0;
	uint64_t tables = 0;
	for (int i = 0; i < n && i < PIDS_MAX; i++) {
		if (!read_proc(pids[i], &proc))
			continue;
		insert_proc(look, &proc);
		look->all_procs++;
		tables += proc.tables_bytes;
	}
	/* v1's memory.stat has no page tables. */
	if (look->tables_bytes == 0)
		look->tables_bytes = tables;
}
