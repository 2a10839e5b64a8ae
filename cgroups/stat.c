/*
 * Counters of a group: one table of files and one of names. Files are opened with the directory
 * they are in; reading is a pread into a buffer that was touched beforehand, because it happens
 * while memory is gone. Also the whole text for the record, and the drain that makes usage exact.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/parse.h"
#include "cgroups/internal.h"

/* controller NULL: in the v2 directory, whichever version the memory controller has. */
static const struct {
	const char *controller, *v1, *v2;
} files[CG_FILES] = {
	[CG_F_USAGE] = {"memory", "memory.usage_in_bytes", "memory.current"},
	[CG_F_PEAK] = {"memory", "memory.max_usage_in_bytes", "memory.peak"},
	/* A descriptor of its own: on v2 a reset counts for the one that it was written to. */
	[CG_F_PEAK_RESET] = {"memory", "memory.max_usage_in_bytes", "memory.peak"},
	[CG_F_FAILCNT] = {"memory", "memory.failcnt", NULL},
	[CG_F_SWAP] = {"memory", "memory.memsw.usage_in_bytes", "memory.swap.current"},
	[CG_F_KMEM] = {"memory", "memory.kmem.usage_in_bytes", NULL},
	[CG_F_OOM_CONTROL] = {"memory", "memory.oom_control", NULL},
	[CG_F_EVENTS] = {"memory", NULL, "memory.events"},
	[CG_F_EVENTS_LOCAL] = {"memory", NULL, "memory.events.local"},
	[CG_F_SWAP_EVENTS] = {"memory", NULL, "memory.swap.events"},
	[CG_F_GROUP_EVENTS] = {"memory", NULL, "cgroup.events"},
	[CG_F_STAT] = {"memory", "memory.stat", "memory.stat"},
	[CG_F_PRESSURE] = {NULL, NULL, "memory.pressure"},
	[CG_F_PIDS] = {"pids", "pids.current", "pids.current"},
};

/* Where a counter is on one version. */
struct spot {
	enum cg_file file; /* CG_FILES: not on this version */
	const char *key;   /* NULL: the file is one number */
	const char *line;  /* pressure: the line that has the key */
	bool minus_usage;  /* memsw counts memory as well */
};

struct counter {
	const char *name; /* with a final dot: the rest of the name is the key */
	struct spot v1, v2;
};

#define NONE                     \
	{                        \
		.file = CG_FILES \
	}
#define WHOLE(name)                 \
	{                           \
		.file = CG_F_##name \
	}
#define FIELD(name, field)                          \
	{                                           \
		.file = CG_F_##name, .key = (field) \
	}
#define TOTAL(which)                                                    \
	{                                                               \
		.file = CG_F_PRESSURE, .line = (which), .key = "total=" \
	}

static const struct counter counters[] = {
	{"usage", WHOLE(USAGE), WHOLE(USAGE)},
	{"peak", WHOLE(PEAK), WHOLE(PEAK)},
	{"peak_since_reset", WHOLE(PEAK_RESET), WHOLE(PEAK_RESET)},
	{"failcnt", WHOLE(FAILCNT), NONE},
	{"swap_usage", {.file = CG_F_SWAP, .minus_usage = true}, WHOLE(SWAP)},
	{"kmem", WHOLE(KMEM), FIELD(STAT, "kernel")},
	{"under_oom", FIELD(OOM_CONTROL, "under_oom"), NONE},
	{"oom_kill_disable", FIELD(OOM_CONTROL, "oom_kill_disable"), NONE},
	{"oom_kill", FIELD(OOM_CONTROL, "oom_kill"), FIELD(EVENTS, "oom_kill")},
	{"oom_kill_local", FIELD(OOM_CONTROL, "oom_kill"), FIELD(EVENTS_LOCAL, "oom_kill")},
	{"oom", NONE, FIELD(EVENTS, "oom")},
	{"oom_group_kill", NONE, FIELD(EVENTS, "oom_group_kill")},
	{"max", NONE, FIELD(EVENTS, "max")},
	{"high", NONE, FIELD(EVENTS, "high")},
	{"low", NONE, FIELD(EVENTS, "low")},
	{"events.", NONE, WHOLE(EVENTS)},
	{"events_local.", NONE, WHOLE(EVENTS_LOCAL)},
	{"swap_events.", NONE, WHOLE(SWAP_EVENTS)},
	{"frozen", NONE, FIELD(GROUP_EVENTS, "frozen")},
	{"oom_control.", WHOLE(OOM_CONTROL), NONE},
	{"stat.", WHOLE(STAT), WHOLE(STAT)},
	{"pressure_some_us", TOTAL("some "), TOTAL("some ")},
	{"pressure_full_us", TOTAL("full "), TOTAL("full ")},
	{"pids", WHOLE(PIDS), WHOLE(PIDS)},
};

enum { COUNTERS = sizeof(counters) / sizeof(counters[0]) };

/* ---- text ---------------------------------------------------------------------------------- */

static const char *line_with(const char *text, const char *start)
{
	size_t len = strlen(start);

	while (text && strncmp(text, start, len) != 0) {
		text = strchr(text, '\n');
		text = text ? text + 1 : NULL;
	}
	return text;
}

bool cg_text_field(const char *text, const char *key, uint64_t *ret)
{
	size_t len = strlen(key);

	for (const char *line = line_with(text, key); line; line = line_with(line + 1, key)) {
		bool starts = line == text || line[-1] == '\n';
		if (starts && line[len] == ' ' && line[len + 1] >= '0' && line[len + 1] <= '9') {
			*ret = strtoull(line + len + 1, NULL, 10);
			return true;
		}
	}
	return false;
}

static bool field_at(const char *text, const struct spot *spot, const char *key, uint64_t *ret)
{
	if (!key) {
		*ret = strtoull(text, NULL, 10);
		return text[0] >= '0' && text[0] <= '9';
	}
	if (!spot->line)
		return cg_text_field(text, key, ret);
	const char *line = line_with(text, spot->line);
	const char *at = line ? strstr(line, key) : NULL;
	if (!at)
		return false;
	*ret = strtoull(at + strlen(key), NULL, 10);
	return true;
}

/* ---- names --------------------------------------------------------------------------------- */

/* The row of a name, and the key when the name carries it. */
static const struct counter *find(const char *name, const char **ret_key)
{
	for (size_t i = 0; i < COUNTERS; i++) {
		const char *row = counters[i].name;
		*ret_key = NULL;
		if (str_eq(row, name))
			return str_ends(row, ".") ? NULL : &counters[i];
		if (str_ends(row, ".") && str_starts(name, row)) {
			*ret_key = name + strlen(row);
			return &counters[i];
		}
	}
	return NULL;
}

static int unknown(const char *name, struct err *err)
{
	const char *list[COUNTERS + 1] = {NULL};

	for (size_t i = 0; i < COUNTERS; i++)
		list[i] = counters[i].name;
	const char *near = str_nearest(name, list);
	return err_set(err, ENOENT,
		       "unknown counter '%s'%s%s%s; fields of memory.stat and memory.events are "
		       "'stat.NAME' and 'events.NAME'",
		       name, near ? ", did you mean '" : "", near ? near : "", near ? "'" : "");
}

int cg_counter_check(const char *name, struct err *err)
{
	const char *key;

	if (!find(name, &key))
		return unknown(name, err);
	if (key && strspn(key, "abcdefghijklmnopqrstuvwxyz0123456789_()") != strlen(key))
		return err_set(err, ENOENT, "counter '%s': '%s' cannot be the name of a field",
			       name, key);
	return 0;
}

static const struct spot *spot_of(const struct counter *counter, enum cg_version version)
{
	return version == CG_V1 ? &counter->v1 : &counter->v2;
}

static int not_here(const char *name, enum cg_version version, struct err *err)
{
	return err_set(err, EOPNOTSUPP,
		       "counter '%s' exists on cgroup v%d alone, and memory is on v%d here", name,
		       version == CG_V1 ? 2 : 1, (int)version);
}

static int no_file(const char *name, enum cg_file file, enum cg_version version, struct err *err)
{
	const char *file_name =
		version == CG_V1 && files[file].v1 ? files[file].v1 : files[file].v2;

	if (file == CG_F_PRESSURE)
		return err_set(
			err, EOPNOTSUPP,
			"counter '%s': no pressure figures: they need a mounted v2 hierarchy "
			"and psi=1 at boot (CONFIG_PSI)",
			name);
	if (file == CG_F_PIDS)
		return err_set(err, EOPNOTSUPP,
			       "counter '%s': the group is not in the hierarchy of 'pids' until "
			       "pids.max is set ('max' will do)",
			       name);
	return err_set(err, EOPNOTSUPP, "counter '%s': this kernel has no file '%s'", name,
		       file_name);
}

/* ---- reading ------------------------------------------------------------------------------- */

void cg_files_open(struct cg *cg)
{
	enum cg_version version = cg_host_version(cg->host, "memory");

	for (size_t i = 0; i < CG_FILES; i++) {
		const char *controller = files[i].controller;
		const struct cg_place *place =
			controller ? cg_place_of(cg, controller) : cg_place_v2(cg);
		const char *name = version == CG_V1 && controller ? files[i].v1 : files[i].v2;
		if (cg->file[i] < 0 && place && name)
			cg->file[i] = openat(place->dirfd, name, O_RDONLY | O_CLOEXEC);
	}
}

/* Into cg->scratch; the message names the file, as there is one buffer and many files. */
static int read_file(const struct cg *cg, enum cg_file file, struct err *err)
{
	int rc = fd_reread_text(cg->file[file], cg->scratch, CG_SCRATCH, err);

	if (rc == -ENODEV)
		return err_set(err, ENODEV, "the group was removed");
	return rc < 0 ? err_wrap(err, "'%s'", files[file].v2 ? files[file].v2 : files[file].v1) : 0;
}

static int read_spot(const struct cg *cg, const char *name, const struct spot *spot,
		     const char *key, uint64_t *ret, struct err *err)
{
	uint64_t value, usage;

	if (read_file(cg, spot->file, err) < 0)
		return err_wrap(err, "counter '%s'", name);
	if (!field_at(cg->scratch, spot, key, &value))
		return err_set(err, EOPNOTSUPP, "counter '%s': this kernel has no such field",
			       name);
	if (spot->minus_usage) {
		if (read_file(cg, CG_F_USAGE, err) < 0)
			return err_wrap(err, "counter '%s'", name);
		usage = strtoull(cg->scratch, NULL, 10);
		value = value > usage ? value - usage : 0; /* two reads: usage may have grown */
	}
	*ret = value;
	return 0;
}

int cg_counter(const struct cg *cg, const char *name, uint64_t *ret, struct err *err)
{
	enum cg_version version = cg_host_version(cg->host, "memory");
	const char *key;
	const struct counter *counter = find(name, &key);
	int rc;

	if (!counter) {
		rc = unknown(name, err);
	} else {
		const struct spot *spot = spot_of(counter, version);
		if (spot->file == CG_FILES)
			rc = not_here(name, version, err);
		else if (cg->file[spot->file] < 0)
			rc = no_file(name, spot->file, version, err);
		else
			rc = read_spot(cg, name, spot, key ? key : spot->key, ret, err);
	}
	return rc < 0 ? err_wrap(err, "group '%s'", cg->name) : 0;
}

int cg_vitals(const struct cg *cg, struct cg_vitals *ret, struct err *err)
{
	struct cg_vitals vitals = {UINT64_MAX, UINT64_MAX, UINT64_MAX};
	enum cg_file file = cg->file[CG_F_OOM_CONTROL] >= 0    ? CG_F_OOM_CONTROL
			    : cg->file[CG_F_EVENTS_LOCAL] >= 0 ? CG_F_EVENTS_LOCAL
							       : CG_F_EVENTS;
	int rc = read_file(cg, CG_F_USAGE, err);

	if (rc >= 0) {
		vitals.usage_bytes = strtoull(cg->scratch, NULL, 10);
		rc = read_file(cg, file, err);
	}
	if (rc < 0)
		return err_wrap(err, "group '%s'", cg->name);
	(void)cg_text_field(cg->scratch, "oom_kill", &vitals.oom_kill);
	(void)cg_text_field(cg->scratch, "under_oom", &vitals.under_oom);
	*ret = vitals;
	return 0;
}

int cg_dump(const struct cg *cg, struct str *out, struct err *err)
{
	static const struct {
		enum cg_file file;
		const char *prefix;
	} parts[] = {
		{CG_F_STAT, "stat."},
		{CG_F_EVENTS, "events."},
		{CG_F_EVENTS_LOCAL, "events_local."},
		{CG_F_OOM_CONTROL, "oom_control."},
	};

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (cg->file[parts[i].file] < 0)
			continue;
		if (read_file(cg, parts[i].file, err) < 0)
			return err_wrap(err, "group '%s'", cg->name);
		for (const char *line = cg->scratch; *line;) {
			size_t len = strcspn(line, "\n");
			str_addf(out, "%s%.*s\n", parts[i].prefix, (int)len, line);
			line += len + (line[len] == '\n');
		}
	}
	return 0;
}

/* ---- what a host can count ----------------------------------------------------------------- */

/* The text of a file of the parent group, as far as it has one (the root of v2 lacks most). */
static bool parent_text(const struct cg_hier *hier, const char *file, char *buf, size_t size)
{
	struct err ignored = ERR_INIT;
	MEM_AUTO char *path = hier->parent ? cg_path_join(hier->parent, file) : NULL;

	return path && fd_read_text(hier->mount_fd, cg_path_at(path), buf, size, &ignored) >= 0;
}

/* Whether a field is known to be missing: some group has the file and not the field. */
static bool lacks_field(const struct cg_hier *hier, const char *sign, const char *file,
			const char *key)
{
	FD_AUTO sample = cg_hier_sample(hier, sign);
	struct err ignored = ERR_INIT;
	char text[CG_SCRATCH];
	uint64_t value;

	if (!(sample >= 0 && fd_read_text(sample, file, text, sizeof(text), &ignored) >= 0) &&
	    !parent_text(hier, file, text, sizeof(text)))
		return false;
	return !cg_text_field(text, key, &value);
}

static int pressure_supported(const struct cg_host *host, const char *name, struct err *err)
{
	const struct cg_hier *v2 = cg_host_v2(host);
	char text[512];

	if (v2 && parent_text(v2, files[CG_F_PRESSURE].v2, text, sizeof(text)))
		return 0;
	/* The root itself has none. */
	FD_AUTO sample = v2 ? cg_hier_sample(v2, files[CG_F_PRESSURE].v2) : -1;
	if (sample >= 0)
		return 0;
	return no_file(name, CG_F_PRESSURE, CG_V2, err);
}

int cg_counter_supported(const struct cg_host *host, const char *name, struct err *err)
{
	const char *key;

	if (cg_counter_check(name, err) < 0)
		return -err->code;
	const struct counter *counter = find(name, &key);
	const struct cg_hier *hier = cg_host_hier(host, "memory");
	enum cg_version version = cg_host_version(host, "memory");
	if (!hier || version == CG_ABSENT)
		return err_set(err, EOPNOTSUPP, "counter '%s': %s", name,
			       hier ? hier->why : host->why_absent);
	const struct spot *spot = spot_of(counter, version);
	if (spot->file == CG_FILES)
		return not_here(name, version, err);
	if (spot->file == CG_F_PIDS)
		return cg_knob_supported(host, "pids.max", err);
	if (spot->file == CG_F_PRESSURE)
		return pressure_supported(host, name, err);
	const char *file = version == CG_V1 ? files[spot->file].v1 : files[spot->file].v2;
	const char *sign = cg_sign_of("memory", version);
	if (cg_hier_lacks(hier, sign, file))
		return no_file(name, spot->file, version, err);
	key = key ? key : spot->key;
	if (key && lacks_field(hier, sign, file, key))
		return err_set(err, EOPNOTSUPP, "counter '%s': %s of this kernel has no field '%s'",
			       name, file, key);
	return 0;
}

/* ---- peak ---------------------------------------------------------------------------------- */

int cg_reset_peak(struct cg *cg, struct err *err)
{
	bool v1 = cg_host_version(cg->host, "memory") == CG_V1;
	const char *file = v1 ? files[CG_F_PEAK_RESET].v1 : files[CG_F_PEAK_RESET].v2;
	/* v1 takes 0 alone, v2 whatever is not empty. */
	static const char text[] = "0";
	FD_AUTO fd = fd_open_at(cg_place_of(cg, "memory")->dirfd, file, O_RDWR, 0, err);

	if (fd < 0)
		return err_wrap(err, "group '%s'", cg->name);
	if (write(fd, text, sizeof(text) - 1) != (ssize_t)sizeof(text) - 1)
		return err_errno(err, errno, "group '%s': cannot reset '%s'", cg->name, file);
	fd_close_var(&cg->file[CG_F_PEAK_RESET]);
	cg->file[CG_F_PEAK_RESET] = fd_take(&fd);
	return 0;
}

/* ---- drain --------------------------------------------------------------------------------- */

/* A write of memory.high below usage gives pre-charged pages back before it looks for pages to
 * reclaim, and one page below is as little to reclaim as can be asked for. */
static int drain_v2(struct cg *cg, int dirfd, struct err *err)
{
	char before[64], lower[32];
	uint64_t usage = 0, page = (uint64_t)sysconf(_SC_PAGESIZE);

	if (fd_read_text(dirfd, "memory.high", before, sizeof(before), err) < 0 ||
	    cg_counter(cg, "usage", &usage, err) < 0)
		return -err->code;
	before[strcspn(before, "\n")] = '\0';
	snprintf(lower, sizeof(lower), "%" PRIu64, usage > page ? usage - page : 0);
	if (fd_write_text(dirfd, "memory.high", lower, err) < 0)
		return -err->code;
	return fd_write_text(dirfd, "memory.high", before, err);
}

int cg_drain(struct cg *cg, struct err *err)
{
	int dirfd = cg_place_of(cg, "memory")->dirfd;
	int rc = cg_host_version(cg->host, "memory") == CG_V1
			 ? fd_write_text(dirfd, "memory.force_empty", "0", err)
			 : drain_v2(cg, dirfd, err);

	return rc < 0 ? err_wrap(err, "group '%s': drain", cg->name) : 0;
}
