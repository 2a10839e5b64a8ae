/*
 * See setup.h. What is wished comes from the kernel's command line: words that the kernel
 * does not know arrive in the environment of the first process (init/main.c).
 */
#include "harness/guest/setup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/parse.h"
#include "harness/exec/swap.h"
#include "harness/guest/disk.h"

#define CGROUP_DIR "/sys/fs/cgroup"

static void trouble(struct str *troubles, const char *what, int errnum)
{
	str_addf(troubles, "%s: %s\n", what, strerror(errnum));
}

/* ---- file systems --------------------------------------------------------------------------- */

static const struct {
	const char *type, *dir, *options;
	unsigned long flags;
	bool optional;
} mounts[] = {
	{"proc", "/proc", NULL, MS_NOSUID, false},
	{"sysfs", "/sys", NULL, MS_NOSUID, false},
	{"devtmpfs", "/dev", NULL, MS_NOSUID, false},
	{"tmpfs", "/dev/shm", "mode=1777", MS_NOSUID, false},
	{"tmpfs", "/tmp", "mode=1777", MS_NOSUID, false},
	{"tmpfs", "/run", "mode=755", MS_NOSUID, false},
	{"tmpfs", "/var", "mode=755", MS_NOSUID, false},
	{"tracefs", "/sys/kernel/tracing", NULL, MS_NOSUID, true},
	{"hugetlbfs", "/dev/hugepages", NULL, MS_NOSUID, true},
};

/* What the image brought there (vm --with) would be hidden. */
static bool has_files(const char *dir)
{
	DIR *list = opendir(dir);
	int n = 0;

	while (list && n < 3 && readdir(list))
		n++;
	if (list)
		(void)closedir(list);
	return n > 2; /* than '.' and '..' */
}

static void mount_all(struct str *troubles)
{
	for (size_t i = 0; i < sizeof(mounts) / sizeof(mounts[0]); i++) {
		(void)mkdir(mounts[i].dir, 0755);
		if (str_eq(mounts[i].dir, "/tmp") && has_files(mounts[i].dir))
			continue;
		/* EBUSY: CONFIG_DEVTMPFS_MOUNT has done it. */
		if (mount(mounts[i].type, mounts[i].dir, mounts[i].type, mounts[i].flags,
			  mounts[i].options) < 0 &&
		    errno != EBUSY && !mounts[i].optional)
			trouble(troubles, mounts[i].dir, errno);
	}
}

/* What finds no zram does without, and scenarios that need a disk say so. */
static void mount_disk(struct str *troubles)
{
	struct err err = ERR_INIT;

	if (disk_mount("/var", &err) < 0) {
		if (err.code != ENODEV)
			str_addf(troubles, "disk: %s\n", err.text);
		return;
	}
	(void)mkdir("/var/tmp", 01777);
	(void)mkdir("/var/lib", 0755);
}

/* ---- modules -------------------------------------------------------------------------------- */

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* Their names begin with their place in the order, see modules.h. */
static void load_modules(struct str *troubles)
{
	struct dirent **entries;
	int n = scandir("/lib/modules", &entries, NULL, by_name);

	for (int i = 0; i < n; i++) {
		MEM_AUTO char *path = mem_printf("/lib/modules/%s", entries[i]->d_name);
		FD_AUTO fd = open(path, O_RDONLY | O_CLOEXEC);
		if (entries[i]->d_name[0] != '.' && syscall(SYS_finit_module, fd, "", 0) < 0 &&
		    errno != EEXIST)
			trouble(troubles, path, errno);
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
}

/* ---- control groups ------------------------------------------------------------------------- */

/* A group with controllers, as every machine has some: which files groups have is seen there. */
static void make_first_group(const char *dir)
{
	static const char *const wanted[] = {"+memory", "+pids", "+cpuset", NULL};
	MEM_AUTO char *control = mem_printf("%s/cgroup.subtree_control", dir);
	MEM_AUTO char *group = mem_printf("%s/machine", dir);
	struct err ignored;

	for (size_t i = 0; wanted[i]; i++)
		(void)fd_write_text(-1, control, wanted[i], &ignored);
	(void)mkdir(group, 0755);
}

static void mount_v2(const char *dir, struct str *troubles)
{
	(void)mkdir(dir, 0755);
	if (mount("cgroup2", dir, "cgroup2", MS_NOSUID | MS_NODEV | MS_NOEXEC,
		  getenv("OOMLAB_CGROUP2_OPTIONS")) < 0)
		trouble(troubles, "cgroup2", errno);
	make_first_group(dir);
}

static void mount_v1(struct str *troubles)
{
	static const char *const controllers[] = {"memory", "pids",    "cpuset",
						  "cpu",    "freezer", NULL};

	if (mount("tmpfs", CGROUP_DIR, "tmpfs", MS_NOSUID, "mode=755") < 0)
		trouble(troubles, CGROUP_DIR, errno);
	for (size_t i = 0; controllers[i]; i++) {
		MEM_AUTO char *dir = mem_printf(CGROUP_DIR "/%s", controllers[i]);
		MEM_AUTO char *what = mem_printf("v1 controller %s", controllers[i]);
		(void)mkdir(dir, 0755);
		if (mount("cgroup", dir, "cgroup", MS_NOSUID | MS_NODEV | MS_NOEXEC,
			  controllers[i]) < 0) {
			trouble(troubles, what, errno);
			(void)rmdir(dir);
		}
	}
}

static void mount_cgroups(struct str *troubles)
{
	const char *wish = getenv("OOMLAB_CGROUP");

	if (!wish || str_eq(wish, "v2")) {
		mount_v2(CGROUP_DIR, troubles);
		return;
	}
	mount_v1(troubles);
	if (str_eq(wish, "hybrid"))
		mount_v2(CGROUP_DIR "/unified", troubles);
}

static bool has_word(const char *text, const char *word)
{
	size_t len = strlen(word);

	for (const char *at = text; (at = strstr(at, word)) != NULL; at += len)
		if ((at == text || at[-1] == ' ') && (!at[len] || strchr(" \n", at[len])))
			return true;
	return false;
}

static bool offers(const char *dir, const char *controller)
{
	MEM_AUTO char *path = mem_printf("%s/cgroup.controllers", dir);
	STR_AUTO offered = STR_INIT;
	struct err ignored;

	return fd_read_all(AT_FDCWD, path, &offered, &ignored) >= 0 &&
	       has_word(str_text(&offered), controller);
}

/* Whether a v2 hierarchy offers the controller, mounted for a look alone where the machine has
 * none: another mount would change the options of the first. What a v1 hierarchy has is not
 * offered. */
static bool v2_offers(const char *controller)
{
	static const char dir[] = "/run/cgroup2";
	bool found = offers(CGROUP_DIR, controller) || offers(CGROUP_DIR "/unified", controller);

	if (found || access(CGROUP_DIR "/cgroup.controllers", F_OK) == 0 ||
	    access(CGROUP_DIR "/unified/cgroup.controllers", F_OK) == 0)
		return found;
	(void)mkdir(dir, 0755);
	if (mount("cgroup2", dir, "cgroup2", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) == 0) {
		found = offers(dir, controller);
		(void)umount(dir);
	}
	(void)rmdir(dir);
	return found;
}

/* That v1 alone lacks it (CONFIG_MEMCG_V1=n) is no matter of the kernel's as a whole. */
static void find_lack(struct str *lack)
{
	STR_AUTO words = STR_INIT;
	struct err ignored;

	if (access(CGROUP_DIR "/memory/memory.limit_in_bytes", F_OK) == 0 || v2_offers("memory"))
		return;
	(void)fd_read_all(AT_FDCWD, "/proc/cmdline", &words, &ignored);
	const char *off = strstr(str_text(&words), "cgroup_disable=");
	str_add(lack, "the kernel has no memory controller, without which nothing can be run (");
	if (off)
		str_addf(lack, "its command line has %.*s)", (int)strcspn(off, " \n"), off);
	else
		str_add(lack, "it needs CONFIG_MEMCG)");
}

/* ---- swap ----------------------------------------------------------------------------------- */

static int start_swap(const char *device, uint64_t bytes, struct err *err)
{
	FD_AUTO fd = fd_open_at(-1, device, O_RDWR, 0, err);
	int r = fd < 0 ? fd : swap_write_header(fd, bytes, err);

	return r < 0 ? r : swap_on(device, -1, err);
}

/* "64M:zram", "64M:disk" (the first virtio disk), "64M". */
static void set_up_swap(struct str *troubles)
{
	const char *wish = getenv("OOMLAB_SWAP"), *kind = wish ? strchr(wish, ':') : NULL;
	MEM_AUTO char *size = wish ? mem_dup(wish) : NULL;
	uint64_t bytes = 0;
	struct err err = ERR_INIT;
	int r = 0;

	if (!wish)
		return;
	size[strcspn(size, ":")] = '\0';
	r = parse_size(size, &bytes, &err);
	if (r >= 0 && kind && str_eq(kind, ":disk")) {
		r = start_swap("/dev/vda", bytes, &err);
	} else if (r >= 0) {
		MEM_AUTO char *text = mem_printf("%llu", (unsigned long long)bytes);
		r = fd_write_text(-1, "/sys/block/zram0/disksize", text, &err);
		if (r >= 0)
			r = start_swap("/dev/zram0", bytes, &err);
	}
	if (r < 0)
		str_addf(troubles, "swap: %s\n", err.text);
}

/* ---- all ------------------------------------------------------------------------------------ */

void guest_set_up(struct str *troubles, struct str *lack)
{
	struct err err = ERR_INIT;

	mount_all(troubles);
	if (sethostname("vm", 2) < 0)
		trouble(troubles, "host name", errno);
	load_modules(troubles);
	mount_disk(troubles);
	mount_cgroups(troubles);
	find_lack(lack);
	set_up_swap(troubles);
	/* The first process is never chosen; what it starts inherits this. */
	if (fd_write_text(-1, "/proc/self/oom_score_adj", "-1000", &err) < 0)
		str_addf(troubles, "%s\n", err.text);
}
