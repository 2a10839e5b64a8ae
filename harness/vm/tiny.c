/*
 * See tiny.h. Who builds holds the build lock all the time and the cache's own only while it talks
 * to apt and when it puts the kernel there: minutes in which others can fetch and remove theirs.
 */
#include "harness/vm/tiny.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "harness/vm/apt.h"
#include "harness/vm/kernels_fetch.h"
#include "harness/vm/sha256.h"
#include "harness/vm/tiny_tree.h"
#include "harness/vm/toolchain.h"

enum { CONFIG_MAX = 8 << 20 };

struct build {
	struct kernels *kernels;
	const struct tiny_wish *wish;
	const struct debian_package *source;
	struct tiny_options options;
	char options_sha256[SHA256_TEXT];
	char *compiler;
	struct tiny_tree tree;
};

static const char *version_of(const char *spec)
{
	return spec + strlen(TINY_PREFIX);
}

static void hash_options(const struct tiny_options *options, char sha256[SHA256_TEXT])
{
	STR_AUTO text = STR_INIT;

	tiny_options_fragment(options, &text);
	sha256_of(str_text(&text), text.len, sha256);
}

/* ---- what is in the cache ------------------------------------------------------------------- */

/* With options: what was built of that version with them; without (NULL): the newest whose version
 * begins so. 1; 0: none. */
static int find_built(const struct kernels *kernels, const char *version,
		      const char *options_sha256, struct pin *ret, struct err *err)
{
	struct store_pins all = {0};
	struct pin *found = NULL;

	if (store_list_kernels(&kernels->store, &all, err) < 0)
		return -err->code;
	for (size_t i = 0; i < all.n; i++) { /* the newest is the last */
		struct pin *pin = &all.all[i];
		bool fits = options_sha256 ? str_eq(pin->version, version) &&
						     str_eq(pin->options_sha256, options_sha256)
					   : debian_begins(pin->version, version);
		if (pin_is_tiny(pin) && fits)
			found = pin;
	}
	if (found) {
		*ret = *found;
		*found = (struct pin){0};
	}
	store_pins_free(&all);
	return found != NULL;
}

/* A pin of what was removed by hand means nothing. */
static bool is_whole(const struct kernels *kernels, const struct pin *pin)
{
	MEM_AUTO char *folder = pin_folder(pin);
	struct pin cached;
	struct err ignored = ERR_INIT;

	if (store_read_kernel(&kernels->store, folder, &cached, &ignored) != 1)
		return false;
	pin_clear(&cached);
	return true;
}

int tiny_get(const struct kernels *kernels, const char *spec, struct pin *ret, struct err *err)
{
	int r = store_read_pin(&kernels->store, spec, ret, err);

	if (r == 1 && !is_whole(kernels, ret)) {
		pin_clear(ret);
		r = 0;
	}
	if (r == 0)
		r = find_built(kernels, version_of(spec), NULL, ret, err);
	if (r == 0)
		return err_set(err, ENOENT,
			       "'%s' has not been built here: 'oomlab kernels build %s' does so, "
			       "in some minutes",
			       spec, version_of(spec));
	return r < 0 ? r : 0;
}

int tiny_is_old(const struct kernels *kernels, const struct pin *pin, struct str *newer,
		struct err *err)
{
	const struct debian_package *source;
	struct tiny_options options;
	char sha256[SHA256_TEXT];
	struct err ignored = ERR_INIT;

	if (debian_choose_source(&kernels->index, version_of(pin->spec), &source, &ignored) >= 0 &&
	    debian_version_cmp(source->version, pin->version) > 0) {
		str_add(newer, source->version);
		return 1;
	}
	if (tiny_options_parse(tiny_options_text(), &options, err) < 0)
		return -err->code;
	hash_options(&options, sha256);
	tiny_options_free(&options);
	return !str_eq(pin->options_sha256, sha256);
}

/* ---- folders -------------------------------------------------------------------------------- */

/* Of versions that begin so (NULL: any), but not that one. Returns how many. */
static int remove_trees(const struct kernels *kernels, const char *version, const char *but,
			struct err *err)
{
	MEM_AUTO char *path = store_path(&kernels->store, "build");
	DIR *dir = opendir(path);
	int n = 0, r = 0;

	if (!dir)
		return errno == ENOENT ? 0 : err_errno(err, errno, "cannot read '%s'", path);
	for (struct dirent *entry; r >= 0 && (entry = readdir(dir)) != NULL;) {
		const char *name = entry->d_name;
		MEM_AUTO char *tree = mem_printf("%s/%s", path, name);
		if (name[0] == '.' || str_eq(name, but) ||
		    (version && !debian_begins(name, version)))
			continue;
		r = store_remove_tree(tree, err);
		n++;
	}
	(void)closedir(dir);
	return r < 0 ? r : n;
}

int tiny_remove_builds(const struct kernels *kernels, const char *spec, struct err *err)
{
	FD_AUTO lock = store_lock_build(&kernels->store, false, kernels->watch, err);

	return lock < 0 ? lock : remove_trees(kernels, spec ? version_of(spec) : NULL, NULL, err);
}

/* What builds of older versions of the same X.Y have left is of no use any more. */
static int open_tree(struct build *build, struct err *err)
{
	const char *folders[] = {"", "/fetch", NULL};

	build->tree = (struct tiny_tree){
		.path = store_path(&build->kernels->store, "build/%s", build->source->version),
		.jobs = build->wish->jobs,
		.watch = build->kernels->watch};
	if (remove_trees(build->kernels, build->source->name + strlen(DEBIAN_SOURCE),
			 build->source->version, err) < 0)
		return -err->code;
	for (size_t i = 0; folders[i]; i++) {
		MEM_AUTO char *path = mem_printf("%s%s", build->tree.path, folders[i]);
		if (mkdir(path, 0755) < 0 && errno != EEXIST)
			return err_errno(err, errno, "cannot make the folder '%s'", path);
	}
	return 0;
}

/* ---- steps ---------------------------------------------------------------------------------- */

static int choose_source(const struct debian_index *index, const char *wish, void *ret,
			 struct err *err)
{
	return debian_choose_source(index, wish, ret, err);
}

/* apt goes on with half a file. */
static int fetch_source(struct build *build, struct err *err)
{
	struct kernels *kernels = build->kernels;
	MEM_AUTO char *apt = store_path(&kernels->store, "apt");
	MEM_AUTO char *path = mem_printf("%s/fetch/package.deb", build->tree.path);

	if (kernels_lock(kernels, err) < 0)
		return -err->code;
	int r = apt_fetch(apt, build->source, path, kernels->watch, err);
	store_unlock(&kernels->store);
	FD_AUTO fd = r < 0 ? -1 : fd_open_at(AT_FDCWD, path, O_RDONLY, 0, err);
	if (fd < 0)
		return -err->code;
	r = kernels_check_hash(fd, build->source, err);
	if (r == -EBADMSG)
		(void)unlink(path);
	return r < 0 ? err_wrap(err, "package '%s'", build->source->name) : 0;
}

static int take_steps(struct build *build, struct err *err)
{
	const struct tiny_tree *tree = &build->tree;
	int r = store_check_room(&build->kernels->store, tiny_tree_room(tree, build->source), err);

	if (r >= 0 && !tiny_tree_has_source(tree)) {
		r = fetch_source(build, err);
		if (r >= 0)
			r = tiny_tree_unpack(tree, build->source, err);
	}
	if (r >= 0)
		r = tiny_tree_configure(tree, &build->options, err);
	return r < 0 ? r : tiny_tree_make(tree, err);
}

static int describe(const struct build *build, const struct str *config, struct pin *ret,
		    struct err *err)
{
	MEM_AUTO char *path = mem_printf("%s/vmlinux", build->tree.path);
	FD_AUTO fd = fd_open_at(AT_FDCWD, path, O_RDONLY, 0, err);
	char sha256[SHA256_TEXT], config_sha256[SHA256_TEXT];
	char *release = NULL;
	struct stat info;

	if (fd < 0 || sha256_of_fd(fd, sha256, err) < 0 ||
	    tiny_tree_release(&build->tree, &release, err) < 0)
		return -err->code;
	if (fstat(fd, &info) < 0)
		return err_errno(err, errno, "'%s'", path);
	sha256_of(str_text(config), config->len, config_sha256);
	pin_from_source(build->wish->spec, build->source, ret);
	free(ret->release);
	free(ret->vmlinux_sha256);
	ret->release = release;
	ret->vmlinux_sha256 = mem_dup(sha256);
	ret->vmlinux_bytes = (uint64_t)info.st_size;
	ret->bytes = ret->vmlinux_bytes + config->len;
	ret->options_sha256 = mem_dup(build->options_sha256);
	ret->config_sha256 = mem_dup(config_sha256);
	ret->compiler = mem_dup(build->compiler);
	return 0;
}

static int publish(struct build *build, struct pin *ret, struct err *err)
{
	struct kernels *kernels = build->kernels;
	MEM_AUTO char *from = mem_printf("%s/vmlinux", build->tree.path);
	MEM_AUTO char *config_path = mem_printf("%s/out/.config", build->tree.path);
	MEM_AUTO char *folder = store_path(&kernels->store, "work/new");
	MEM_AUTO char *to = store_path(&kernels->store, "work/new/vmlinux");
	STR_AUTO config = STR_INIT;
	struct pin pin = {0};
	int r = fd_read_at_most(AT_FDCWD, config_path, CONFIG_MAX, &config, err);

	if (r >= 0)
		r = describe(build, &config, &pin, err);
	if (r >= 0)
		r = kernels_lock(kernels, err);
	if (r >= 0 && (mkdir(folder, 0755) < 0 || rename(from, to) < 0))
		r = err_errno(err, errno, "cannot make '%s'", to);
	if (r >= 0)
		r = store_put(&kernels->store, "work/new/config", str_text(&config), config.len,
			      err);
	if (r >= 0)
		r = kernels_publish(&kernels->store, &pin, err);
	if (r < 0)
		pin_clear(&pin);
	else
		*ret = pin;
	return r;
}

/* ---- all ------------------------------------------------------------------------------------ */

/* The pin of the wish becomes that kernel. */
static int settle(struct build *build, struct pin *pin, struct err *err)
{
	struct kernels *kernels = build->kernels;

	free(pin->spec);
	pin->spec = mem_dup(build->wish->spec);
	if (kernels_lock(kernels, err) < 0)
		return -err->code;
	return store_write_pin(&kernels->store, pin->spec, pin, err);
}

static int build_or_find(struct build *build, struct pin *ret, struct err *err)
{
	FD_AUTO lock = store_lock_build(&build->kernels->store, true, build->kernels->watch, err);
	int r = lock < 0 ? lock
			 : find_built(build->kernels, build->source->version, build->options_sha256,
				      ret, err);

	if (r == 0) {
		r = open_tree(build, err);
		if (r >= 0)
			r = take_steps(build, err);
		if (r >= 0)
			r = publish(build, ret, err);
		if (r >= 0)
			r = store_remove_tree(build->tree.path, err);
	}
	if (r >= 0)
		r = settle(build, ret, err);
	if (r < 0)
		pin_clear(ret);
	free(build->tree.path);
	return r < 0 ? r : 0;
}

int tiny_build(struct kernels *kernels, const struct tiny_wish *wish, struct pin *ret,
	       struct err *err)
{
	struct build build = {.kernels = kernels, .wish = wish};

	*ret = (struct pin){0};
	int r = toolchain_check(&build.compiler, err);

	if (r >= 0)
		r = tiny_options_parse(tiny_options_text(), &build.options, err);
	if (r >= 0)
		r = kernels_choose(kernels, version_of(wish->spec), choose_source, &build.source,
				   err);
	if (r >= 0) {
		hash_options(&build.options, build.options_sha256);
		store_unlock(&kernels->store); /* if the index was made anew */
		r = build_or_find(&build, ret, err);
	}
	tiny_options_free(&build.options);
	free(build.compiler);
	return r;
}
