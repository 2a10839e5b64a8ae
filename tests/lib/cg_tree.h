/*
 * Fake hosts for the tests of cgroups/: a folder of tests/fixtures/cgroup made into a temporary
 * root directory that cg_host_open() can read. The files are ordinary ones, so nothing here limits
 * or counts anything; tests/integration has the kernel's.
 */
#ifndef OOMLAB_TESTS_CG_TREE_H
#define OOMLAB_TESTS_CG_TREE_H

#include "cgroups/internal.h"

struct cg_tree {
	char path[64];
	int fd;
};

/* Aborts the test when the fixture cannot be loaded. */
void cg_tree_make(struct cg_tree *tree, const char *fixture);
void cg_tree_remove_all(struct cg_tree *tree);
/* Replaces the text of a file below the root. */
void cg_tree_put(const struct cg_tree *tree, const char *path, const char *text);
/* The text of a file below the root, in a static buffer. */
const char *cg_tree_text(const struct cg_tree *tree, const char *path);
/* The host there; aborts the test on an error. */
struct cg_host *cg_tree_host(const struct cg_tree *tree, const char *parent);
/* A group 'name' from directories that are there already; cg_close() frees it. */
struct cg *cg_tree_group(struct cg_host *host, const char *name);

#endif
