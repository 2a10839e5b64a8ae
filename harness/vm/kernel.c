/*
 * See kernel.h.
 */
#include "harness/vm/kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "harness/vm/debian.h"
#include "harness/vm/image.h"
#include "harness/vm/kernels.h"

enum { KERNEL_MAX = 512 * 1024 * 1024 };

static bool is_folder(const char *path)
{
	struct stat info;

	return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

/* Beside the image or where packages put them. */
static char *find_modules(const char *path)
{
	MEM_AUTO char *folder = mem_dup(path);
	char *slash = strrchr(folder, '/');
	const char *name = slash ? slash + 1 : folder;
	const char *version = str_starts(name, "vmlinuz-") ? name + strlen("vmlinuz-") : NULL;
	static const char *const roots[] = {"/lib/modules", "/usr/lib/modules", NULL};

	for (size_t i = 0; version && roots[i]; i++) {
		char *found = mem_printf("%s/%s", roots[i], version);
		if (is_folder(found))
			return found;
		free(found);
	}
	if (!slash)
		return NULL;
	*slash = '\0';
	char *beside = mem_printf("%s/kernel", folder);
	bool there = is_folder(beside);
	free(beside);
	return there ? mem_dup(folder) : NULL;
}

/* The plain ELF in a file without a name. */
static int open_image(const char *path, struct err *err)
{
	STR_AUTO packed = STR_INIT;
	STR_AUTO plain = STR_INIT;
	int r = fd_read_at_most(AT_FDCWD, path, KERNEL_MAX, &packed, err);

	if (r >= 0)
		r = image_vmlinux(packed.s, packed.len, &plain, err);
	if (r < 0)
		return err_wrap(err, "kernel '%s'", path);
	FD_AUTO fd = memfd_create("vmlinux", MFD_CLOEXEC);
	if (fd < 0)
		return err_errno(err, errno, "memfd_create");
	r = fd_write_full(fd, plain.s, plain.len);
	return r < 0 ? err_errno(err, -r, "kernel '%s'", path) : fd_take(&fd);
}

static char *host_image(struct err *err)
{
	struct utsname system;

	(void)uname(&system);
	const char *const places[] = {"/boot/vmlinuz-%s", "/usr/lib/modules/%s/vmlinuz",
				      "/lib/modules/%s/vmlinuz"};
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		STR_AUTO path = STR_INIT;
		const char *hole = strstr(places[i], "%s");
		str_addf(&path, "%.*s%s%s", (int)(hole - places[i]), places[i], system.release,
			 hole + 2);
		if (access(str_text(&path), R_OK) == 0)
			return str_take(&path);
	}
	(void)err_set(err, ENOENT,
		      "no image of this machine's kernel '%s' was found in /boot or /lib/modules: "
		      "name a file, or 'debian:VERSION'",
		      system.release);
	return NULL;
}

int kernel_open(const char *spec, const struct fetch_watch *watch, struct kernel *ret,
		struct err *err)
{
	if (str_starts(spec, DEBIAN_PREFIX) || kernels_is_tiny(spec))
		return kernels_boot(spec, watch, ret, err);
	MEM_AUTO char *path = str_eq(spec, "host") ? host_image(err) : mem_dup(spec);

	if (!path)
		return -err->code;
	int fd = open_image(path, err);
	if (fd < 0)
		return fd;
	*ret = (struct kernel){.name = mem_dup(spec), .fd = fd, .modules = find_modules(path)};
	return 0;
}

void kernel_close(struct kernel *kernel)
{
	fd_close_var(&kernel->fd);
	free(kernel->name);
	free(kernel->modules);
	free(kernel->why_not);
	*kernel = (struct kernel){.fd = -1};
}
