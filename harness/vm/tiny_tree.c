/*
 * See tiny_tree.h. Running make is in tiny_make.c.
 */
#include "harness/vm/tiny_tree.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "harness/vm/child.h"
#include "harness/vm/store.h"
#include "harness/vm/tiny_make.h"

/* 6.12 takes 550 MB and 165 MB. */
#define SOURCE_BYTES (800ULL << 20)
#define OUT_BYTES    (400ULL << 20)

enum { CONFIG_MAX = 8 << 20, UNPACK_PATIENCE_S = 1800 };

static bool is_there(const struct tiny_tree *tree, const char *name)
{
	MEM_AUTO char *path = mem_printf("%s/%s", tree->path, name);

	return access(path, F_OK) == 0;
}

bool tiny_tree_has_source(const struct tiny_tree *tree)
{
	return is_there(tree, "source");
}

uint64_t tiny_tree_room(const struct tiny_tree *tree, const struct debian_package *source)
{
	uint64_t need = is_there(tree, "out/vmlinux") ? 0 : OUT_BYTES;

	/* The package, and the archive that is in it. */
	if (!tiny_tree_has_source(tree))
		need += 2 * source->size_bytes + SOURCE_BYTES;
	return need;
}

/* ---- the source ----------------------------------------------------------------------------- */

/* Three quarters of the whole, which would take ten times as long to write: only C files, for
 * Kconfig files and Makefiles of all folders are read. Shell patterns in which '*' spans '/'. */
static const char *const left_out[] = {
	"arch/[!x]*/*.[chS]",
	"drivers/gpu/drm/*.[ch]",
	"drivers/net/ethernet/*.[ch]",
	"drivers/net/wireless/*.[ch]",
	"drivers/media/*.[ch]",
	"drivers/infiniband/*.[ch]",
	"drivers/staging/*.[ch]",
	"sound/*.[ch]",
	"tools/testing/*",
	"tools/perf/*",
	"Documentation/devicetree/*",
	"Documentation/*.rst",
	"arch/*.dts",
	"arch/*.dtsi",
};

enum { N_LEFT_OUT = sizeof(left_out) / sizeof(left_out[0]) };

/* Of 10 KiB records, so that waiting for a slow disk is no silence. */
static char checkpoint[] = "--checkpoint=10000";

/* The first line of a complaint; tar's checkpoints are in between. */
static const char *complaint(const char *text)
{
	while (str_starts(text, "tar: Read checkpoint") && strchr(text, '\n'))
		text = strchr(text, '\n') + 1;
	return *text ? text : "it gave no reason";
}

static int run(const struct tiny_tree *tree, char *const *words, const char *what, struct err *err)
{
	const struct child_job job = {
		.words = words, .what = what, .patience_s = UNPACK_PATIENCE_S};
	struct child_output output;
	int r = child_job_run(&job, tree->watch, &output, err);

	if (r < 0)
		return r;
	const char *text = complaint(str_text(&output.err));
	if (output.status != 0)
		r = err_set(err, strstr(text, "No space left on device") ? ENOSPC : EIO,
			    "%s failed: %.*s", what, (int)strcspn(text, "\n"), text);
	child_output_free(&output);
	return r;
}

static int run_tar(const struct tiny_tree *tree, const char *archive, const char *to,
		   struct err *err)
{
	char nice[] = "nice", n[] = "-n19", tar[] = "tar", x[] = "-xf", into[] = "-C";
	char strip[] = "--strip-components=1", whose[] = "--no-same-owner";
	MEM_AUTO char *from = mem_dup(archive);
	MEM_AUTO char *folder = mem_dup(to);
	char *words[N_LEFT_OUT + 16] = {nice, n,    tar,    checkpoint, x,
					from, into, folder, strip,	whose};
	size_t first = 0;

	while (words[first])
		first++;
	for (size_t i = 0; i < N_LEFT_OUT; i++)
		words[first + i] = mem_printf("--exclude=linux-source-*/%s", left_out[i]);
	int r = run(tree, words, "unpacking the source", err);
	for (size_t i = 0; i < N_LEFT_OUT; i++)
		free(words[first + i]);
	return r;
}

static int unpack_into(const struct tiny_tree *tree, const struct debian_package *source,
		       const char *inner, const char *part, struct err *err)
{
	char nice[] = "nice", n[] = "-n19", deb[] = "dpkg-deb", x[] = "-x";
	MEM_AUTO char *package = mem_printf("%s/fetch/package.deb", tree->path);
	MEM_AUTO char *folder = mem_dup(inner);
	MEM_AUTO char *archive = mem_printf("%s/usr/src/%s.tar.xz", inner, source->name);
	char *const words[] = {nice, n, deb, x, package, folder, NULL};
	MEM_AUTO char *whole = mem_printf("%s/source", tree->path);

	if (store_remove_tree(inner, err) < 0 || store_remove_tree(part, err) < 0 ||
	    run(tree, words, "unpacking the package", err) < 0)
		return -err->code;
	if (mkdir(part, 0755) < 0)
		return err_errno(err, errno, "cannot make the folder '%s'", part);
	if (run_tar(tree, archive, part, err) < 0)
		return -err->code;
	if (rename(part, whole) < 0)
		return err_errno(err, errno, "cannot make '%s'", whole);
	return 0;
}

int tiny_tree_unpack(const struct tiny_tree *tree, const struct debian_package *source,
		     struct err *err)
{
	MEM_AUTO char *inner = mem_printf("%s/package", tree->path);
	MEM_AUTO char *part = mem_printf("%s/source.part", tree->path);
	MEM_AUTO char *fetched = mem_printf("%s/fetch", tree->path);
	int r = unpack_into(tree, source, inner, part, err);

	if (r >= 0)
		r = store_remove_tree(inner, err);
	return r < 0 ? err_wrap(err, "package '%s'", source->name)
		     : store_remove_tree(fetched, err);
}

/* ---- configuring ---------------------------------------------------------------------------- */

static int put(const char *path, const char *text, struct err *err)
{
	FD_AUTO fd = fd_open_at(AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, 0644, err);
	int r = fd < 0 ? fd : fd_write_full(fd, text, strlen(text));

	if (fd < 0)
		return fd;
	return r < 0 ? err_errno(err, -r, "cannot write '%s'", path) : 0;
}

/* An object that a killed compiler has left half is made again, as make knows nothing of its
 * command yet. That holds for the first make only, so other options begin anew. */
static int prepare_out(const struct tiny_tree *tree, const char *fragment, struct err *err)
{
	MEM_AUTO char *options = mem_printf("%s/options", tree->path);
	MEM_AUTO char *out = mem_printf("%s/out", tree->path);
	STR_AUTO before = STR_INIT;
	struct err ignored = ERR_INIT;

	(void)fd_read_at_most(AT_FDCWD, options, CONFIG_MAX, &before, &ignored);
	if (!str_eq(str_text(&before), fragment) &&
	    (store_remove_tree(out, err) < 0 || put(options, fragment, err) < 0))
		return -err->code;
	if (mkdir(out, 0755) < 0 && errno != EEXIST)
		return err_errno(err, errno, "cannot make the folder '%s'", out);
	return 0;
}

static bool declares(const char *path, const struct tiny_option *option)
{
	STR_AUTO text = STR_INIT;
	struct err ignored = ERR_INIT;

	return fd_read_at_most(AT_FDCWD, path, CONFIG_MAX, &text, &ignored) >= 0 &&
	       tiny_option_declared(option, str_text(&text));
}

/* Looked for only when something is missing: there are some 1700 files. Other architectures' do
 * not count. */
static bool is_known(const struct tiny_tree *tree, const struct tiny_option *option)
{
	MEM_AUTO char *root = mem_printf("%s/source", tree->path);
	char *const roots[] = {root, NULL};
	FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	bool known = false;

	for (FTSENT *entry; walk && !known && (entry = fts_read(walk)) != NULL;) {
		bool foreign = entry->fts_level == 2 && !str_eq(entry->fts_name, "x86") &&
			       str_eq(entry->fts_parent->fts_name, "arch");
		if (entry->fts_info == FTS_D && foreign)
			(void)fts_set(walk, entry, FTS_SKIP);
		else if (entry->fts_info == FTS_F && str_starts(entry->fts_name, "Kconfig"))
			known = declares(entry->fts_accpath, option);
	}
	if (walk)
		(void)fts_close(walk);
	return known;
}

static int check_config(const struct tiny_tree *tree, const struct tiny_options *options,
			struct err *err)
{
	MEM_AUTO char *path = mem_printf("%s/out/.config", tree->path);
	STR_AUTO config = STR_INIT;
	STR_AUTO lost = STR_INIT;

	if (fd_read_at_most(AT_FDCWD, path, CONFIG_MAX, &config, err) < 0)
		return -err->code;
	for (size_t i = 0; i < options->n; i++) {
		const struct tiny_option *option = &options->all[i];
		if (tiny_option_kept(option, str_text(&config)) || !is_known(tree, option))
			continue;
		if (option->must)
			return err_set(err, EPROTO,
				       "this kernel cannot have CONFIG_%s=%s with the other "
				       "options (needed: %s); the configuration is '%s'",
				       option->name, option->value, option->why, path);
		str_addf(&lost, "%s CONFIG_%s=%s (%s)", lost.len ? "," : "", option->name,
			 option->value, option->why);
	}
	if (lost.len)
		fetch_note(tree->watch, "this kernel does without%s", str_text(&lost));
	return 0;
}

int tiny_tree_configure(const struct tiny_tree *tree, const struct tiny_options *options,
			struct err *err)
{
	STR_AUTO fragment = STR_INIT;

	tiny_options_fragment(options, &fragment);
	if (prepare_out(tree, str_text(&fragment), err) < 0)
		return -err->code;
	/* All that the file does not name is "n", and what depends on it goes. */
	int r = tiny_make(tree, "allnoconfig", "configuring", err);
	return r < 0 ? r : check_config(tree, options, err);
}

/* ---- building ------------------------------------------------------------------------------- */

int tiny_tree_make(const struct tiny_tree *tree, struct err *err)
{
	char strip[] = "strip", o[] = "-o";
	MEM_AUTO char *from = mem_printf("%s/out/vmlinux", tree->path);
	MEM_AUTO char *to = mem_printf("%s/vmlinux", tree->path);
	char *const words[] = {strip, o, to, from, NULL};

	if (tiny_make(tree, "vmlinux", "building", err) < 0)
		return -err->code;
	return run(tree, words, "stripping the kernel", err);
}

int tiny_tree_release(const struct tiny_tree *tree, char **ret, struct err *err)
{
	MEM_AUTO char *path = mem_printf("%s/out/include/config/kernel.release", tree->path);
	char text[256];

	if (fd_read_text(AT_FDCWD, path, text, sizeof(text), err) < 0)
		return -err->code;
	text[strcspn(text, "\n")] = '\0';
	*ret = mem_dup(text);
	return 0;
}
