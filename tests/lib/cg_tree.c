/*
 * See cg_tree.h. A group made here is put together by hand, because no kernel fills new
 * directories with files.
 */
#include "tests/lib/cg_tree.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"

static void make_parents(int root, const char *path)
{
	MEM_AUTO char *part = mem_dup(path);

	for (char *slash = part; (slash = strchr(slash, '/')); *slash++ = '/') {
		*slash = '\0';
		ck_assert(mkdirat(root, part, 0755) == 0 || errno == EEXIST);
	}
}

static void unescape(char *text)
{
	char *to = text;

	for (const char *from = text; *from; from++) {
		bool newline = from[0] == '\\' && from[1] == 'n';
		*to++ = newline ? '\n' : *from;
		from += newline;
	}
	*to = '\0';
}

void cg_tree_put(const struct cg_tree *tree, const char *path, const char *text)
{
	make_parents(tree->fd, path);
	FD_AUTO fd = openat(tree->fd, path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0644);

	ck_assert_msg(fd >= 0, "cannot make '%s'", path);
	ck_assert_int_eq(fd_write_full(fd, text, strlen(text)), 0);
}

/* "D path", or "F path text": a path with a space ends at the last component's dot-name. */
static void make_entry(const struct cg_tree *tree, char *line)
{
	char *path = line + 2;

	if (line[0] == 'D') {
		MEM_AUTO char *procs = mem_printf("%s/cgroup.procs", path);
		cg_tree_put(tree, procs, "");
		return;
	}
	char *slash = strrchr(path, '/');
	for (char *at = path; (at = strchr(at, '/')) && !strchr(at, ' '); at++)
		slash = at;
	char *space = strchr(slash, ' ');
	ck_assert_msg(space, "fixture: '%s' has no text", line);
	*space = '\0';
	unescape(space + 1);
	cg_tree_put(tree, path, space + 1);
}

static void copy_text(const struct cg_tree *tree, const char *fixture, const char *from,
		      const char *to)
{
	struct err err = ERR_INIT;
	STR_AUTO text = STR_INIT;
	MEM_AUTO char *path = mem_printf("tests/fixtures/cgroup/%s/%s", fixture, from);

	ck_assert_msg(fd_read_all(AT_FDCWD, path, &text, &err) >= 0, "%s", err.text);
	cg_tree_put(tree, to, str_text(&text));
}

void cg_tree_make(struct cg_tree *tree, const char *fixture)
{
	struct err err = ERR_INIT;
	STR_AUTO text = STR_INIT;
	MEM_AUTO char *path = mem_printf("tests/fixtures/cgroup/%s/tree", fixture);

	/* Ordinary users read the tree in some tests, whatever the umask of who runs them. */
	umask(022);
	strcpy(tree->path, "/tmp/oomlab-cg-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(tree->path));
	ck_assert_int_eq(chmod(tree->path, 0755), 0);
	tree->fd = open(tree->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(tree->fd, 0);
	copy_text(tree, fixture, "mountinfo", "proc/self/mountinfo");
	copy_text(tree, fixture, "cgroup", "proc/self/cgroup");
	ck_assert_msg(fd_read_all(AT_FDCWD, path, &text, &err) >= 0, "%s", err.text);
	char *rest = text.s;
	for (char *line; (line = strsep(&rest, "\n"));)
		if (*line)
			make_entry(tree, line);
}

static int remove_entry(const char *path, const struct stat *stat, int type, struct FTW *ftw)
{
	(void)stat;
	(void)type;
	(void)ftw;
	return remove(path);
}

void cg_tree_remove_all(struct cg_tree *tree)
{
	fd_close_var(&tree->fd);
	(void)nftw(tree->path, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

const char *cg_tree_text(const struct cg_tree *tree, const char *path)
{
	static char text[4096];
	struct err err = ERR_INIT;

	ck_assert_msg(fd_read_text(tree->fd, path, text, sizeof(text), &err) >= 0, "%s", err.text);
	return text;
}

struct cg_host *cg_tree_host(const struct cg_tree *tree, const char *parent)
{
	struct err err = ERR_INIT;
	struct cg_host *host = NULL;

	ck_assert_msg(cg_host_open(tree->fd, parent, &host, &err) >= 0, "%s", err.text);
	return host;
}

struct cg *cg_tree_group(struct cg_host *host, const char *name)
{
	struct cg *cg = mem_zero(1, sizeof(*cg));

	*cg = (struct cg){
		.host = host,
		.name = mem_dup(name),
		.rel = mem_dup(name),
		.dir = mem_dup(name),
		.kernel_path = mem_dup(name),
		.scratch = mem_zero(1, CG_SCRATCH),
		.swap_max = UINT64_MAX,
		.notify_fd = -1,
		.populated_fd = -1,
	};
	for (size_t i = 0; i < CG_FILES; i++)
		cg->file[i] = -1;
	for (size_t i = 0; i < CG_HIERS_MAX; i++)
		cg->place[i] = (struct cg_place){.dirfd = -1, .procs_fd = -1};
	for (size_t i = 0; i < host->n; i++)
		if (host->hier[i].mount)
			cg->place[i].dirfd = openat(host->hier[i].mount_fd, name,
						    O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cg_files_open(cg);
	return cg;
}
