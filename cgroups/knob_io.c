/*
 * Setting and reading knobs of a group: finds the row, the hierarchy and the file, makes a v1
 * directory when a knob first needs one, and turns the kernel's refusals into lines that say what
 * to do. The rows and the value forms are in knob.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/parse.h"
#include "cgroups/internal.h"

/* The version has no such knob, or it has but this kernel's groups lack the file. */
static int lacking(const struct cg_knob *knob, enum cg_version version, struct err *err)
{
	const char *file = cg_knob_file(knob, version), *hint = knob->hint;
	int other = version == CG_V1 ? 2 : 1;

	if (!file)
		return err_set(err, EOPNOTSUPP,
			       "%s: it exists on cgroup v%d alone, and the controller is on v%d "
			       "here%s%s%s",
			       knob->name, other, (int)version, hint ? " (" : "", hint ? hint : "",
			       hint ? ")" : "");
	return err_set(err, EOPNOTSUPP, "%s: groups of this kernel have no file '%s'%s%s%s",
		       knob->name, file, hint ? " (" : "", hint ? hint : "", hint ? ")" : "");
}

static int row_supported(const struct cg_host *host, const struct cg_knob *knob, struct err *err)
{
	char controller[32];
	const struct cg_hier *hier = cg_host_hier(host, cg_controller_of(knob->name, controller));

	if (!hier || hier->why)
		return err_set(err, EOPNOTSUPP, "%s: controller '%s': %s", knob->name, controller,
			       hier ? hier->why : host->why_absent);
	const char *file = cg_knob_file(knob, hier->version);
	if (!file || cg_hier_lacks(hier, cg_sign_of(controller, hier->version), file))
		return lacking(knob, hier->version, err);
	return 0;
}

/* A raw file: its controller must be there; 'cgroup.*' files are in any hierarchy. */
static int raw_supported(const struct cg_host *host, const char *file, struct err *err)
{
	char controller[32];
	const struct cg_hier *hier = cg_host_hier(host, cg_controller_of(file, controller));

	if (!hier || hier->why)
		return err_set(err, EOPNOTSUPP, "raw:%s: controller '%s': %s", file, controller,
			       hier ? hier->why : host->why_absent);
	if (hier->version == CG_V1 && cg_host_has_twin(host))
		return 0; /* perhaps in the v2 directory */
	if (cg_hier_lacks(hier, cg_sign_of(controller, hier->version), file))
		return err_set(err, EOPNOTSUPP, "raw:%s: this kernel has no such file", file);
	return 0;
}

bool cg_file_writable(const struct cg_host *host, const char *file)
{
	char controller[32];
	const struct cg_hier *hier = cg_host_hier(host, cg_controller_of(file, controller));
	FD_AUTO fd = hier && !hier->why ? cg_hier_sample(hier, file) : -1;
	struct stat info;

	/* By its mode: root may open any for writing, and is refused by the write. */
	return fd >= 0 && fstatat(fd, file, &info, 0) == 0 && (info.st_mode & S_IWUSR);
}

int cg_knob_supported(const struct cg_host *host, const char *name, struct err *err)
{
	const char *canonical = NULL;
	enum cg_unit unit = CG_RAW;

	if (cg_knob_find(name, &canonical, &unit, err) < 0)
		return -err->code;
	if (unit == CG_RAW)
		return raw_supported(host, cg_knob_raw(name), err);
	return row_supported(host, cg_knob_row(name), err);
}

static int write_file(int dirfd, const char *file, const char *value, int flags, struct err *err)
{
	size_t size = strlen(value);

	if (flags == 0)
		return fd_write_text(dirfd, file, value, err);
	FD_AUTO fd = fd_open_at(dirfd, file, O_WRONLY | flags, 0, err);
	if (fd < 0)
		return fd;
	if (write(fd, value, size) != (ssize_t)size)
		return err_errno(err, errno, "cannot write '%s' to '%s'", value, file);
	return 0;
}

/* ---- raw files ----------------------------------------------------------------------------- */

/* The v2 directory of a hybrid group has its own files (cgroup.*, *.pressure): second choice. */
static int raw_dir(const struct cg *cg, const char *file)
{
	char controller[32];
	const struct cg_place *first = cg_place_of(cg, cg_controller_of(file, controller));
	const struct cg_place *second = cg_place_v2(cg);

	if (first && (!second || faccessat(first->dirfd, file, F_OK, 0) == 0))
		return first->dirfd;
	return second ? second->dirfd : -1;
}

static int raw_missing(const char *file, struct err *err)
{
	return err_set(err, EOPNOTSUPP, "the group has no file '%s' in any of its directories",
		       file);
}

/* Where the prefix is no controller of this host, or cannot be had, the v2 directory may have the
 * file all the same ("memory.pressure" of a hybrid host); if not, the first reason is told. */
static int raw_set(struct cg *cg, const char *file, const char *value, int flags, struct err *err)
{
	char controller[32];
	struct err why = ERR_INIT;
	int need = cg_place_need(cg, cg_controller_of(file, controller), &why);
	int dirfd = raw_dir(cg, file);
	int rc = dirfd < 0 ? -ENOENT : write_file(dirfd, file, value, flags, err);

	if (rc == -ENOENT && need < 0)
		return err_set(err, why.code, "raw:%s: %s", file, why.text);
	return rc == -ENOENT ? raw_missing(file, err) : rc;
}

static int raw_get(const struct cg *cg, const char *file, char *buf, size_t size, struct err *err)
{
	int dirfd = raw_dir(cg, file);
	int len = dirfd < 0 ? -ENOENT : fd_read_text(dirfd, file, buf, size, err);

	if (len == -ENOENT)
		return raw_missing(file, err);
	if (len > 0 && buf[len - 1] == '\n')
		buf[len - 1] = '\0';
	return len < 0 ? len : 0;
}

/* ---- knobs of the table -------------------------------------------------------------------- */

/* More than errno: which value would do. */
static int explain(const struct cg *cg, const struct cg_knob *knob, struct err *err)
{
	struct err ignored = ERR_INIT;
	char shown[PARSE_TEXT_MAX];
	uint64_t usage;

	if (err->code == EBUSY && knob->unit == CG_BYTES &&
	    cg_counter(cg, "usage", &usage, &ignored) >= 0) {
		size_t used = strlen(err->text);
		snprintf(err->text + used, sizeof(err->text) - used,
			 " (v1 takes no limit below what it cannot reclaim; usage is %s)",
			 format_size_short(usage, shown));
	}
	return err_wrap(err, "%s", knob->name);
}

static int set_file(const struct cg_knob *knob, enum cg_version version, int dirfd,
		    const char *value, int flags, struct err *err)
{
	char text[CG_VALUE_MAX];

	if (cg_encode(knob, version, value, text, sizeof(text), err) < 0)
		return -err->code;
	return write_file(dirfd, cg_knob_file(knob, version), text, flags, err);
}

static int set_row(struct cg *cg, const struct cg_knob *knob, const char *value, int flags,
		   struct err *err)
{
	char controller[32];
	enum cg_version version =
		cg_host_version(cg->host, cg_controller_of(knob->name, controller));

	if (cg_knob_check(knob->name, value, err) < 0)
		return -err->code;
	if (version != CG_ABSENT && !cg_knob_file(knob, version))
		return lacking(knob, version, err);
	if (cg_place_need(cg, controller, err) < 0)
		return err_wrap(err, "%s", knob->name);
	bool more = version == CG_V1 && knob->v1_set;
	if (more && flags)
		return err_set(err, EOPNOTSUPP, "%s: it is set without waiting on cgroup v2 alone",
			       knob->name);
	int rc = more ? knob->v1_set(cg, knob, value, err)
		      : set_file(knob, version, cg_place_of(cg, controller)->dirfd, value, flags,
				 err);
	if (rc == -ENOENT)
		return lacking(knob, version, err);
	return rc < 0 ? explain(cg, knob, err) : 0;
}

static int get_row(const struct cg *cg, const struct cg_knob *knob, char *buf, size_t size,
		   struct err *err)
{
	char controller[32], text[CG_VALUE_MAX];
	enum cg_version version =
		cg_host_version(cg->host, cg_controller_of(knob->name, controller));
	const struct cg_place *place = cg_place_of(cg, controller);
	const char *file = cg_knob_file(knob, version);
	int rc;

	if (version == CG_ABSENT)
		return row_supported(cg->host, knob, err);
	if (!file)
		return lacking(knob, version, err);
	if (!place)
		return err_set(
			err, EOPNOTSUPP,
			"%s: the group is not in the hierarchy of '%s' until one of its knobs "
			"is set",
			knob->name, controller);
	if (version == CG_V1 && knob->v1_get) {
		rc = knob->v1_get(cg, knob, buf, size, err);
	} else {
		rc = fd_read_text(place->dirfd, file, text, sizeof(text), err);
		text[rc < 0 ? 0 : strcspn(text, "\n")] = '\0';
		if (rc >= 0)
			rc = cg_decode(knob, text, buf, size, err);
	}
	if (rc == -ENOENT)
		return lacking(knob, version, err);
	return rc < 0 ? explain(cg, knob, err) : 0;
}

static int find(const struct cg *cg, const char *name, const struct cg_knob **ret_row,
		struct err *err)
{
	const char *canonical = NULL;
	enum cg_unit unit = CG_RAW;

	if (cg_knob_find(name, &canonical, &unit, err) < 0)
		return err_wrap(err, "group '%s'", cg->name);
	*ret_row = cg_knob_row(name);
	return 0;
}

static int set_with(struct cg *cg, const char *knob, const char *value, int flags, struct err *err)
{
	const struct cg_knob *row = NULL;

	if (find(cg, knob, &row, err) < 0)
		return -err->code;
	int rc = row ? set_row(cg, row, value, flags, err)
		     : raw_set(cg, cg_knob_raw(knob), value, flags, err);
	return rc < 0 ? err_wrap(err, "group '%s'", cg->name) : 0;
}

int cg_set(struct cg *cg, const char *knob, const char *value, struct err *err)
{
	return set_with(cg, knob, value, 0, err);
}

int cg_set_nonblock(struct cg *cg, const char *knob, const char *value, struct err *err)
{
	return set_with(cg, knob, value, O_NONBLOCK, err);
}

int cg_get(const struct cg *cg, const char *knob, char *buf, size_t size, struct err *err)
{
	const struct cg_knob *row = NULL;

	if (find(cg, knob, &row, err) < 0)
		return -err->code;
	int rc = row ? get_row(cg, row, buf, size, err)
		     : raw_get(cg, cg_knob_raw(knob), buf, size, err);
	return rc < 0 ? err_wrap(err, "group '%s'", cg->name) : 0;
}
