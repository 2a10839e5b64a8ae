/*
 * The host's toggles for one scenario. Every change is noted in the journal first; putting back is
 * the journal's business (journal_undo.c). Called by the runner around a scenario.
 */
#include "harness/exec/host.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/swap.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "harness/exec/swap.h"
#include "harness/exec/toggle.h"

struct host {
	struct journal *journal;  /* borrowed */
	const struct cg_host *cg; /* borrowed */
	long mark;
	char *swap; /* path of the scenario's own swap, or NULL */
};

/* ---- values -------------------------------------------------------------------------------- */

/* Writing one of a pair sets the other to 0 (mm/util.c), so the other is noted as well, and first:
 * it is then put back last. */
static const char *const coupled[][2] = {
	{"vm.overcommit_ratio", "vm.overcommit_kbytes"},
	{"vm.overcommit_kbytes", "vm.overcommit_ratio"},
};

static int note_coupled(struct journal *journal, const char *name, struct err *err)
{
	char before[TOGGLE_VALUE_MAX];

	for (size_t i = 0; i < sizeof(coupled) / sizeof(coupled[0]); i++) {
		if (!str_eq(coupled[i][0], name))
			continue;
		MEM_AUTO char *path = toggle_sysctl_path(coupled[i][1]);
		int rc = toggle_read(path, before, err);
		if (rc < 0)
			return rc;
		if (!toggle_same(before, "0"))
			return journal_note_change(journal, JOURNAL_SYSCTL, coupled[i][1], before,
						   "0", err);
	}
	return 0;
}

/* What a failed read or write of a toggle means to a person. */
static int explain(int rc, const char *name, struct err *err)
{
	if (rc == -ENOENT)
		return err_set(err, EOPNOTSUPP, "this kernel has no '%s'", name);
	if (rc == -EACCES || rc == -EPERM)
		return err_set(err, EOPNOTSUPP, "'%s' may not be changed: run as root", name);
	if (rc == -EROFS)
		return err_set(err, EOPNOTSUPP,
			       "'%s' is read-only here, as in a container: run on the host", name);
	return err_wrap(err, "'%s'", name);
}

static int set_value(struct journal *journal, enum journal_kind kind, const char *name,
		     const char *path, const char *value, struct err *err)
{
	char before[TOGGLE_VALUE_MAX];
	int rc = toggle_read(path, before, err);

	if (rc < 0)
		return explain(rc, name, err);
	if (toggle_same(before, value))
		return 0;
	if (kind == JOURNAL_SYSCTL && (rc = note_coupled(journal, name, err)) < 0)
		return rc;
	if ((rc = journal_note_change(journal, kind, name, before, value, err)) < 0)
		return rc;
	if ((rc = fd_write_text(AT_FDCWD, path, value, err)) < 0)
		return explain(rc, name, err);
	return 0;
}

static int apply_sysctls(const struct plan_host *plan, struct journal *journal, struct err *err)
{
	for (size_t i = 0; i < plan->n_sysctls; i++) {
		const struct plan_sysctl *sysctl = &plan->sysctls[i];
		MEM_AUTO char *path = toggle_sysctl_path(sysctl->name);
		int rc = set_value(journal, JOURNAL_SYSCTL, sysctl->name, path, sysctl->value, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int apply_thp(const struct plan_host *plan, struct journal *journal, struct err *err)
{
	if (!plan->thp)
		return 0;
	return set_value(journal, JOURNAL_WRITE, TOGGLE_THP, TOGGLE_THP, plan->thp, err);
}

/* ---- swap ---------------------------------------------------------------------------------- */

/* From the last to the first: the journal turns them on the other way round, so that priorities
 * which the kernel gives (-2, -3, ...) come out in the old order. */
static int swaps_off(struct journal *journal, struct err *err)
{
	struct swap_list list;
	int rc = 0;

	if (access("/proc/swaps", F_OK) < 0)
		return 0; /* a kernel without swap has none on */
	if ((rc = swap_list_read(&list, err)) < 0)
		return rc;
	for (size_t i = list.n; rc == 0 && i-- > 0;) {
		const struct swap_area *area = &list.areas[i];
		char priority[16];

		(void)snprintf(priority, sizeof(priority), "%d", area->priority);
		rc = journal_note(journal, JOURNAL_SWAP_OFF, area->path, priority, err);
		if (rc == 0)
			rc = swap_off(area->path, err);
		if (rc == -EPERM)
			rc = err_set(err, EOPNOTSUPP,
				     "the machine's swap '%s' may not be turned off: run as root",
				     area->path);
	}
	swap_list_free(&list);
	return rc;
}

static int apply_swap(const struct plan_host *plan, struct host *host, struct err *err)
{
	switch (plan->swap) {
	case PLAN_SWAP_ANY:
		return 0;
	case PLAN_SWAP_NONE:
		return swaps_off(host->journal, err);
	case PLAN_SWAP_FILE:
		return swap_make_file(host->journal, plan->swap_bytes, &host->swap, err);
	case PLAN_SWAP_ZRAM:
		return swap_make_zram(host->journal, plan->swap_bytes, &host->swap, err);
	}
	return err_set(err, EINVAL, "no such kind of swap: %d", (int)plan->swap);
}

/* ---- the whole ----------------------------------------------------------------------------- */

static int apply_all(const struct plan_host *plan, struct host *host, struct err *err)
{
	int rc;

	if ((rc = apply_sysctls(plan, host->journal, err)) < 0 ||
	    (rc = apply_thp(plan, host->journal, err)) < 0 ||
	    (rc = apply_swap(plan, host, err)) < 0)
		return rc;
	return 0;
}

int host_apply(const struct plan_host *plan, struct journal *journal, const struct cg_host *cg,
	       struct host **ret, struct err *err)
{
	STR_AUTO warnings = STR_INIT;

	*ret = NULL;
	if (plan->swap == PLAN_SWAP_ANY && plan->n_sysctls == 0 && !plan->thp)
		return 0;
	int rc = journal_lock_host(journal, cg, &warnings, err);
	if (rc < 0)
		return rc;
	struct host *host = mem_zero(1, sizeof(*host));
	*host = (struct host){.journal = journal, .cg = cg, .mark = journal_mark(journal)};
	rc = apply_all(plan, host, err);
	if (rc == 0) {
		*ret = host;
		return 0;
	}
	str_free(&warnings);
	if (host_restore(host, &warnings) < 0) {
		/* One line: the first of what went wrong on the way back. */
		struct err first = *err;
		const char *text = str_text(&warnings);
		rc = err_set(err, first.code, "%s; putting back: %.*s", first.text,
			     (int)strcspn(text, "\n"), text);
	}
	return rc;
}

int host_restore(struct host *host, struct str *warnings)
{
	if (!host)
		return 0;
	int rc = journal_undo_since(host->journal, host->mark, host->cg, warnings);
	journal_unlock_host(host->journal);
	free(host->swap);
	free(host);
	return rc;
}

/* In the child: nothing that allocates, and no way back. */
static void swap_child(const struct host *host, bool on, pid_t parent)
{
	int flags = SWAP_FLAG_PREFER | SWAP_PRIORITY_MAX;

	/* The journal's lock must not outlive the run in a child that is stuck in swapoff. */
	(void)close(journal_fd(host->journal));
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(ECANCELED);
	int rc = on ? swapon(host->swap, flags) : swapoff(host->swap);
	_exit(rc < 0 ? errno : 0);
}

int host_swap_begin(struct host *host, bool on, int *ret_pidfd, struct err *err)
{
	pid_t parent = getpid();

	if (!host || !host->swap)
		return err_set(err, EINVAL, "the scenario has no swap of its own to turn %s",
			       on ? "on" : "off");
	pid_t pid = fork();
	if (pid < 0)
		return err_errno(err, errno, "cannot start a process for swap%s",
				 on ? "on" : "off");
	if (pid == 0)
		swap_child(host, on, parent);
	int pidfd = fd_pidfd_open(pid);
	if (pidfd < 0) {
		(void)kill(pid, SIGKILL);
		(void)waitpid(pid, NULL, 0);
		return err_errno(err, -pidfd, "cannot watch the process that turns swap %s",
				 on ? "on" : "off");
	}
	*ret_pidfd = pidfd;
	return 0;
}

static uint64_t meminfo_bytes(const char *text, const char *field)
{
	const char *at = strstr(text, field);
	uint64_t kib;

	if (!at || sscanf(at + strlen(field), " %" SCNu64, &kib) != 1)
		return 0;
	return kib * 1024;
}

uint64_t host_swap_used(void)
{
	char text[8192];
	struct err err = ERR_INIT;

	if (fd_read_text(AT_FDCWD, "/proc/meminfo", text, sizeof(text), &err) < 0)
		return 0;
	return meminfo_bytes(text, "\nSwapTotal:") - meminfo_bytes(text, "\nSwapFree:");
}
