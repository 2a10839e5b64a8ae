/*
 * See pack_share.h.
 */
#include "harness/size/pack_share.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"

enum { PIDS_MAX = 1024 };

static const struct row {
	const char *name;
	size_t offset;
} rows[] = {
	{"Rss:", offsetof(struct pack_share, rss_bytes)},
	{"Pss:", offsetof(struct pack_share, pss_bytes)},
	{"Private_Clean:", offsetof(struct pack_share, private_bytes)},
	{"Private_Dirty:", offsetof(struct pack_share, private_bytes)},
};

void pack_share_add(struct pack_share *share, const char *text)
{
	for (const char *line = text; *line; line += strcspn(line, "\n")) {
		line += *line == '\n';
		for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
			uint64_t *sum = (uint64_t *)((char *)share + rows[i].offset);
			size_t len = strlen(rows[i].name);
			if (strncmp(line, rows[i].name, len) == 0)
				*sum += strtoull(line + len, NULL, 10) * 1024;
		}
	}
	share->procs++;
}

uint64_t pack_share_shared(const struct pack_share *share)
{
	return share->pss_bytes > share->private_bytes ? share->pss_bytes - share->private_bytes
						       : 0;
}

void pack_share_take(const struct cg *cg, struct pack_share *share)
{
	pid_t pids[PIDS_MAX];
	char path[64], text[4096];
	struct err err;
	int n = cg_procs_tree(cg, pids, PIDS_MAX, &err);

	*share = (struct pack_share){0};
	for (int i = 0; i < n && i < PIDS_MAX; i++) {
		snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)pids[i]);
		if (fd_read_text(-1, path, text, sizeof(text), &err) > 0)
			pack_share_add(share, text);
	}
}
