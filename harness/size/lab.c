/*
 * See lab.h.
 */
#include "harness/size/lab.h"

#include <errno.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/signals.h"
#include "harness/exec/meminfo.h"

#define GROUP_GONE_NS 10000000000ULL

static int look_at_machine(struct size_lab *lab, struct err *err)
{
	char text[8192];
	int r = fd_read_text(-1, "/proc/meminfo", text, sizeof(text), err);

	if (r < 0)
		return r;
	lab->available_bytes = meminfo_bytes(text, "MemAvailable:");
	lab->has_swap = meminfo_bytes(text, "SwapTotal:") > 0;
	lab->swap_free_bytes = meminfo_bytes(text, "SwapFree:");
	lab->version = cg_host_version(lab->host, "memory");
	if (lab->version == CG_ABSENT)
		return err_set(err, EOPNOTSUPP, "no memory controller: %s",
			       cg_host_describe(lab->host));
	return cg_host_usable(lab->host, err);
}

/* A container's limit is this machine's end for us: beyond it the kernel would kill the container's
 * other processes. */
static void heed_limits_above(struct size_lab *lab)
{
	MEM_AUTO char *dir = mem_dup(cg_dir(lab->top));
	struct cg_limits limits;
	struct err err;
	char *slash;

	while ((slash = strrchr(dir, '/')) != NULL) {
		*slash = '\0';
		if (cg_limits_of(lab->host, dir, &limits, &err) < 0)
			return;
		if (limits.max_bytes == UINT64_MAX)
			continue;
		uint64_t left = limits.max_bytes > limits.usage_bytes
					? limits.max_bytes - limits.usage_bytes
					: 0;
		lab->available_bytes = left < lab->available_bytes ? left : lab->available_bytes;
	}
}

int lab_open(struct size_lab *lab, struct cg_host *host, const char *id, const char *parent,
	     struct err *err)
{
	MEM_AUTO char *name = mem_printf("oomlab-%s", id);

	*lab = (struct size_lab){.host = host, .signal_fd = -1, .guardian = {.fd = -1}};
	(void)sigprocmask(SIG_SETMASK, NULL, &lab->old_mask);
	int r = look_at_machine(lab, err);
	if (r >= 0)
		r = journal_open(id, &lab->journal, err);
	if (r >= 0)
		r = guardian_start(&lab->guardian, host, lab->journal, err);
	if (r >= 0)
		r = journal_note(lab->journal, JOURNAL_GROUP, name, parent, err);
	if (r >= 0)
		r = cg_create(host, NULL, name, &lab->top, err);
	if (r >= 0)
		heed_limits_above(lab);
	if (r >= 0)
		r = lab->signal_fd = signals_open(SIGCHLD, &lab->old_mask, err);
	/* What a command leaves behind when it ends comes to us and not to whoever is pid 1. */
	if (r >= 0)
		(void)prctl(PR_SET_CHILD_SUBREAPER, 1);
	return r < 0 ? r : 0;
}

void lab_close(struct size_lab *lab, struct str *warnings)
{
	struct err err;

	if (lab->top && cg_destroy(lab->top, GROUP_GONE_NS, &err) < 0)
		str_addf(warnings, "%s\n", err.text);
	lab->top = NULL;
	if (lab->journal) {
		(void)journal_undo(lab->journal, lab->host, warnings);
		journal_close(lab->journal);
	}
	lab->journal = NULL;
	guardian_stop(&lab->guardian);
	fd_close_var(&lab->signal_fd);
	(void)sigprocmask(SIG_SETMASK, &lab->old_mask, NULL);
}
