/*
 * What this host can do, looked at without changing anything and without running anything (but for
 * facts_add_stress_ng(), in facts_stress_ng.c). What is absent becomes a text that says how to get
 * it. Every run does this, so it must stay below a few milliseconds.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/version.h"
#include "harness/exec/host.h"
#include "harness/exec/meminfo.h"
#include "harness/exec/swap.h"
#include "harness/exec/toggle.h"
#include "harness/exec/trace.h"

/* Inode numbers of the initial namespaces: PROC_PID_INIT_INO and PROC_USER_INIT_INO
 * (include/linux/proc_ns.h). */
#define INIT_PID_NS  "pid:[4026531836]"
#define INIT_USER_NS "user:[4026531837]"

/* Cuts what is too long. */
static void set_text(char *to, size_t size, const char *text)
{
	size_t n = strlen(text);

	if (n > size - 1)
		n = size - 1;
	memcpy(to, text, n);
	to[n] = '\0';
}
#define SET(field, text) set_text(field, sizeof(field), text)

static void gather_system(struct facts *facts)
{
	char text[4096];
	struct utsname name;
	struct err err = ERR_INIT;

	if (uname(&name) == 0) {
		SET(facts->kernel, name.release);
		SET(facts->machine, name.machine);
		SET(facts->host, name.nodename);
	}
	SET(facts->oomlab, oomlab_version);
	facts->uid = geteuid();
	if (fd_read_text(AT_FDCWD, "/etc/os-release", text, sizeof(text), &err) < 0)
		return;
	const char *os = str_find_line(text, "PRETTY_NAME=");
	if (!os)
		return;
	os += *os == '"';
	(void)snprintf(facts->os, sizeof(facts->os), "%.*s", (int)strcspn(os, "\"\n"), os);
}

/* "0-3,8" -> 5. */
static uint64_t count_range_list(const char *text)
{
	uint64_t count = 0;

	for (const char *at = text; at && *at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL) {
		unsigned int from, to;
		int n = sscanf(at, "%u-%u", &from, &to);
		if (n == 2 && to >= from)
			count += to - from + 1;
		else if (n == 1)
			count++;
	}
	return count;
}

static uint64_t kept_by_cpus(void)
{
	STR_AUTO text = STR_INIT;
	struct zoneinfo zones;
	struct err err;

	if (fd_read_all(AT_FDCWD, "/proc/zoneinfo", &text, &err) < 0)
		return 0;
	zoneinfo_read(str_text(&text), &zones);
	return zones.cpu_pages;
}

static void gather_memory(struct facts *facts)
{
	char text[8192];
	struct err err = ERR_INIT;

	facts->page_size = (uint64_t)sysconf(_SC_PAGESIZE);
	facts->cpus = (uint64_t)sysconf(_SC_NPROCESSORS_ONLN);
	facts->nodes = 1; /* a kernel without CONFIG_NUMA does not say */
	if (fd_read_text(AT_FDCWD, "/sys/devices/system/node/online", text, sizeof(text), &err) > 0)
		facts->nodes = count_range_list(text);
	if (fd_read_text(AT_FDCWD, "/proc/meminfo", text, sizeof(text), &err) > 0) {
		facts->mem_total_bytes = meminfo_bytes(text, "MemTotal:");
		facts->mem_available_bytes =
			meminfo_bytes(text, "MemAvailable:") + kept_by_cpus() * facts->page_size;
		facts->swap_total_bytes = meminfo_bytes(text, "SwapTotal:");
		facts->huge_page_size = meminfo_bytes(text, "Hugepagesize:");
	}
	if (toggle_read(TOGGLE_THP, text, &err) == 0)
		SET(facts->thp, text);
}

static bool in_namespace(const char *link, const char *initial)
{
	char text[64];
	ssize_t n = readlink(link, text, sizeof(text) - 1);

	if (n < 0)
		return false;
	text[n] = '\0';
	return str_eq(text, initial);
}

bool facts_in_init_pid_ns(void)
{
	return in_namespace("/proc/self/ns/pid", INIT_PID_NS);
}

/* Both capabilities are asked for in the initial user namespace (oom_score_adj, swapon), so inside
 * another one having them means nothing. */
static void gather_privilege(struct facts *facts)
{
	char text[8192];
	uint64_t caps = 0;
	struct err err = ERR_INIT;

	facts->init_pid_ns = facts_in_init_pid_ns();
	if (!in_namespace("/proc/self/ns/user", INIT_USER_NS) ||
	    fd_read_text(AT_FDCWD, "/proc/self/status", text, sizeof(text), &err) < 0)
		return;
	const char *at = str_find_line(text, "CapEff:");
	if (!at || sscanf(at, " %" SCNx64, &caps) != 1)
		return;
	facts->cap_sys_admin = caps >> CAP_SYS_ADMIN & 1;
	facts->cap_sys_resource = caps >> CAP_SYS_RESOURCE & 1;
}

/* A number in a file of a group; UINT64_MAX: none ("max", no such file). */
static uint64_t group_number(const char *dir, const char *file)
{
	MEM_AUTO char *path = mem_printf("%s/%s", dir, file);
	char text[64];
	uint64_t value;
	struct err err = ERR_INIT;

	if (fd_read_text(AT_FDCWD, path, text, sizeof(text), &err) < 0 ||
	    sscanf(text, "%" SCNu64, &value) != 1)
		return UINT64_MAX;
	return value;
}

/* Page cache, which gives way to what the groups below need. */
static uint64_t group_cache(const char *dir, bool v1)
{
	static const char *const keys[] = {"inactive_file ", "active_file ", "total_inactive_file ",
					   "total_active_file "};
	MEM_AUTO char *path = mem_printf("%s/memory.stat", dir);
	char text[8192];
	uint64_t sum = 0, value;
	struct err err = ERR_INIT;

	if (fd_read_text(AT_FDCWD, path, text, sizeof(text), &err) < 0)
		return 0;
	for (int i = 0; i < 2; i++) {
		const char *at = str_find_line(text, keys[i + 2 * v1]);
		if (at && sscanf(at, "%" SCNu64, &value) == 1)
			sum += value;
	}
	return sum;
}

/* In a container, or below --cgroup-parent, limits that are not the scenario's may be the first to
 * be hit: its victims would die too early, and those outside of it as well. */
static uint64_t group_room(const char *parent, bool v1)
{
	MEM_AUTO char *dir = mem_dup(parent);
	uint64_t room = UINT64_MAX;

	for (char *slash; access(dir, F_OK) == 0 && (slash = strrchr(dir, '/')); *slash = '\0') {
		uint64_t limit = group_number(dir, v1 ? "memory.limit_in_bytes" : "memory.max");
		uint64_t usage = group_number(dir, v1 ? "memory.usage_in_bytes" : "memory.current");
		if (limit > INT64_MAX / 2 || usage == UINT64_MAX)
			continue;
		uint64_t cache = group_cache(dir, v1);
		uint64_t used = usage > cache ? usage - cache : 0;
		/* At least a page: nothing is left, and 0 says that there is no limit. */
		uint64_t left = limit > used ? limit - used : 1;
		room = left < room ? left : room;
	}
	return room == UINT64_MAX ? 0 : room;
}

/* The option is of the whole hierarchy, whichever mount of it is looked at. */
static bool has_local_events(void)
{
	STR_AUTO text = STR_INIT;
	struct err err = ERR_INIT;

	return fd_read_all(AT_FDCWD, "/proc/self/mountinfo", &text, &err) >= 0 &&
	       strstr(str_text(&text), "memory_localevents");
}

static void gather_groups(const struct cg_host *host, struct facts *facts)
{
	struct err err = ERR_INIT;

	if (!host) {
		SET(facts->no_groups, "no control groups are mounted");
		return;
	}
	SET(facts->cgroups, cg_host_describe(host));
	facts->memory_version = cg_host_version(host, "memory");
	facts->pids_version = cg_host_version(host, "pids");
	facts->cpuset_version = cg_host_version(host, "cpuset");
	facts->twin = cg_host_has_twin(host);
	facts->localevents = has_local_events();
	if (cg_host_usable(host, &err) < 0)
		SET(facts->no_groups, err.text);
	const char *parent = cg_host_parent(host, "memory", NULL);
	if (parent)
		facts->group_room_bytes = group_room(parent, facts->memory_version == CG_V1);
	if (parent && facts->memory_version == CG_V1) {
		MEM_AUTO char *memsw = mem_printf("%s/memory.memsw.limit_in_bytes", parent);
		facts->memsw = access(memsw, F_OK) == 0;
	}
}

/* Opening /dev/kmsg is where dmesg_restrict is asked, reading where a container's filter may be;
 * EAGAIN at the end is the log being there and empty. */
static void probe_kmsg(struct facts *facts)
{
	struct err err = ERR_INIT;
	struct stat st;
	char byte;
	FD_AUTO fd = fd_open_at(AT_FDCWD, "/dev/kmsg", O_RDONLY | O_NONBLOCK, 0, &err);

	if (fd == -EPERM || fd == -EACCES)
		SET(facts->no_kmsg, "'/dev/kmsg' may not be read: run as root, or with CAP_SYSLOG "
				    "(kernel.dmesg_restrict)");
	else if (fd == -ENOENT)
		SET(facts->no_kmsg, "there is no '/dev/kmsg', as in most containers: run on the "
				    "host, or bind it in");
	else if (fd < 0)
		SET(facts->no_kmsg, err.text);
	if (fd < 0)
		return;
	/* Containers put other devices in its place. */
	if (fstat(fd, &st) < 0 || !S_ISCHR(st.st_mode) || st.st_rdev != makedev(1, 11)) {
		SET(facts->no_kmsg, "'/dev/kmsg' is not the kernel's log here: run on the host, or "
				    "bind the host's in");
		return;
	}
	/* A record does not fit into one byte: EINVAL says that there is one. */
	if (lseek(fd, 0, SEEK_END) < 0 ||
	    (read(fd, &byte, 1) < 0 && errno != EAGAIN && errno != EINVAL && errno != EPIPE))
		(void)snprintf(facts->no_kmsg, sizeof(facts->no_kmsg),
			       "'/dev/kmsg' cannot be read: %s", strerror(errno));
}

static void probe_psi(struct facts *facts)
{
	char text[512];
	struct err err = ERR_INIT;
	int n = fd_read_text(AT_FDCWD, "/proc/pressure/memory", text, sizeof(text), &err);

	if (n == -EOPNOTSUPP)
		SET(facts->no_psi, "pressure stall information is off: boot with 'psi=1'");
	else if (n == -ENOENT)
		SET(facts->no_psi, "no '/proc/pressure': needs a kernel with CONFIG_PSI (4.20+)");
	else if (n < 0)
		SET(facts->no_psi, err.text);
}

static void probe_tracefs(struct facts *facts)
{
	struct err err = ERR_INIT;
	FD_AUTO dir = trace_dir(&err);

	if (dir < 0)
		SET(facts->no_tracefs, err.text);
	else if (faccessat(dir, "events/oom/mark_victim/enable", R_OK | W_OK, 0) < 0)
		SET(facts->no_tracefs, errno == ENOENT ? "no event oom:mark_victim (4.13+)"
						       : "tracefs may not be used: run as root");
}

static void probe_swap(struct facts *facts)
{
	if (access("/proc/swaps", F_OK) < 0)
		SET(facts->no_swap, "this kernel has no swap (CONFIG_SWAP)");
	else if (!facts->cap_sys_admin)
		SET(facts->no_swap, "needs root with CAP_SYS_ADMIN, outside of a user namespace");
	SET(facts->no_zram, facts->no_swap);
	if (!facts->no_zram[0] && zram_missing())
		SET(facts->no_zram, zram_missing());
}

/* 'oomlab vm' gives every machine this word, which the kernel passes on to its first process. */
static void probe_vm(struct facts *facts)
{
	char text[8192];
	struct err err = ERR_INIT;

	facts->vm = fd_read_text(AT_FDCWD, "/proc/cmdline", text, sizeof(text), &err) > 0 &&
		    strstr(text, " OOMLAB_CGROUP=");
}

/* A /proc from outside of our pid namespace ('unshare --pid' without '--mount-proc') tells of other
 * processes under our pids: every state read there would be somebody else's. */
static int check_proc(struct err *err)
{
	char self[32];
	ssize_t n = readlink("/proc/self", self, sizeof(self) - 1);

	if (n < 0)
		return err_errno(err, errno, "cannot read '/proc/self' (is /proc mounted?)");
	self[n] = '\0';
	if (strtol(self, NULL, 10) != getpid())
		return err_set(
			err, EPROTO,
			"'/proc' is of another pid namespace than this process: "
			"mount it anew ('unshare --mount-proc', 'mount -t proc proc /proc')");
	return 0;
}

int facts_gather(const struct cg_host *host, struct facts *ret, struct err *err)
{
	struct facts *facts = mem_zero(1, sizeof(*facts));

	gather_system(facts);
	gather_memory(facts);
	gather_privilege(facts);
	gather_groups(host, facts);
	probe_kmsg(facts);
	probe_psi(facts);
	probe_tracefs(facts);
	probe_swap(facts);
	probe_vm(facts);
	*ret = *facts;
	free(facts);
	if (ret->mem_total_bytes == 0)
		return err_set(err, ENOENT, "'/proc/meminfo' tells no memory: is /proc mounted?");
	return check_proc(err);
}
