/*
 * See kernels_fetch.h. Everything happens in work/, which becomes the kernel's folder by one
 * rename(2) when it is complete.
 */
#include "harness/vm/kernels_fetch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "harness/vm/apt.h"
#include "harness/vm/deb.h"
#include "harness/vm/image.h"
#include "harness/vm/sha256.h"

/* A vmlinux has 47 to 62 MB, and is in no package's size. */
#define VMLINUX_BYTES (80ULL << 20)

/* ---- room ----------------------------------------------------------------------------------- */

static int check_room(const struct store *store, const struct pin *pin, struct err *err)
{
	struct debian_package package;
	uint64_t need = VMLINUX_BYTES;

	for (size_t i = 0; pin_package(pin, i, &package); i++)
		need += package.size_bytes + package.installed_bytes;
	return store_check_room(store, need, err);
}

/* ---- one package ---------------------------------------------------------------------------- */

/* Once more, for what is unpacked must be what was checked. */
int kernels_check_hash(int fd, const struct debian_package *package, struct err *err)
{
	char sha256[SHA256_TEXT];

	if (sha256_of_fd(fd, sha256, err) < 0)
		return -err->code;
	if (!str_eq(sha256, package->sha256))
		return err_set(err, EBADMSG, "is not what the archive has signed (SHA-256 %s)",
			       sha256);
	return 0;
}

static int take_package(const struct store *store, const struct fetch_watch *watch,
			const struct debian_package *package, const struct deb_wish *wish,
			struct deb_found *found, struct err *err)
{
	MEM_AUTO char *apt = store_path(store, "apt");
	MEM_AUTO char *path = store_path(store, "work/fetch/package.deb");

	if (apt_fetch(apt, package, path, watch, err) < 0)
		return -err->code;
	/* Of a mirror that is a folder here apt makes a link. */
	FD_AUTO fd = fd_open_at(AT_FDCWD, path, O_RDONLY, 0, err);
	int r = fd < 0 ? fd : kernels_check_hash(fd, package, err);
	if (r >= 0) {
		fetch_progress(watch, "unpacking", -1);
		r = deb_extract(fd, wish, found, err);
	}
	(void)unlink(path);
	return r < 0 ? err_wrap(err, "package '%s'", package->name) : 0;
}

/* ---- all of them ---------------------------------------------------------------------------- */

/* The first package has the kernel, and its modules too unless there is a second. */
static int take_packages(const struct store *store, const struct fetch_watch *watch,
			 struct pin *pin, int modules, struct str *vmlinuz, struct err *err)
{
	struct debian_package package;

	pin->modules = false;
	for (size_t i = 0; pin_package(pin, i, &package); i++) {
		struct deb_wish wish = {pin->release, modules, i == 0 ? vmlinuz : NULL};
		struct deb_found found = {0};
		int r = take_package(store, watch, &package, &wish, &found, err);
		if (r == -ENOENT && i > 0) { /* it will be told that there are no modules */
			json_array_remove(pin->packages, i);
			break;
		}
		if (r < 0)
			return r;
		if (i == 0 && !found.vmlinuz)
			return err_set(err, EPROTO, "package '%s' has no kernel in it",
				       package.name);
		pin->modules = pin->modules || found.modules > 0;
		pin->bytes += found.modules_bytes;
	}
	return 0;
}

static int write_vmlinux(const struct store *store, const struct str *vmlinuz, struct pin *pin,
			 struct err *err)
{
	char sha256[SHA256_TEXT];
	STR_AUTO plain = STR_INIT;

	if (image_vmlinux(str_text(vmlinuz), vmlinuz->len, &plain, err) < 0)
		return err_wrap(err, "kernel '%s'", pin->release);
	sha256_of(plain.s, plain.len, sha256);
	free(pin->vmlinux_sha256);
	pin->vmlinux_sha256 = mem_dup(sha256);
	pin->vmlinux_bytes = plain.len;
	pin->bytes += plain.len;
	return store_put(store, "work/new/vmlinux", plain.s, plain.len, err);
}

static int describe(const struct store *store, const struct pin *pin, struct err *err)
{
	json_t *json = pin_to_json(pin);

	json_object_set_new(json, "spec", json_string(""));
	char *text = json_dumps(json, JSON_INDENT(2));
	int r = store_put(store, "work/new/kernel.json", text, strlen(text), err);
	free(text);
	json_decref(json);
	return r;
}

int kernels_publish(const struct store *store, const struct pin *pin, struct err *err)
{
	MEM_AUTO char *folder = pin_folder(pin);
	MEM_AUTO char *from = store_path(store, "work/new");
	MEM_AUTO char *to = store_path(store, "kernels/%s", folder);
	MEM_AUTO char *old = store_path(store, "work/old");

	if (describe(store, pin, err) < 0)
		return -err->code;
	(void)syncfs(store->dir); /* modules have no hash that would tell of a lost half */
	if (rename(to, old) < 0 && errno != ENOENT)
		return err_errno(err, errno, "cannot replace '%s'", to);
	if (rename(from, to) < 0)
		return err_errno(err, errno, "cannot make '%s'", to);
	return 0;
}

static int make_folders(const struct store *store, struct err *err)
{
	static const char *const folders[] = {"work/fetch", "work/new", "work/new/modules", NULL};

	for (size_t i = 0; folders[i]; i++) {
		MEM_AUTO char *path = store_path(store, "%s", folders[i]);
		if ((i == 1 && store_remove_tree(path, err) < 0) ||
		    (mkdir(path, 0755) < 0 && errno != EEXIST))
			return err_errno(err, errno, "cannot make the folder '%s'", path);
	}
	return 0;
}

int kernels_fetch(const struct store *store, const struct fetch_watch *watch, struct pin *pin,
		  struct err *err)
{
	STR_AUTO vmlinuz = STR_INIT;
	int r = check_room(store, pin, err);

	pin->bytes = 0;
	if (r >= 0)
		r = make_folders(store, err);
	FD_AUTO modules =
		r < 0 ? -1
		      : fd_open_at(store->dir, "work/new/modules", O_RDONLY | O_DIRECTORY, 0, err);
	r = modules < 0 ? -err->code : take_packages(store, watch, pin, modules, &vmlinuz, err);
	if (r >= 0)
		r = write_vmlinux(store, &vmlinuz, pin, err);
	return r < 0 ? r : kernels_publish(store, pin, err);
}
