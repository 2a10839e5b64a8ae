/*
 * See host_rig.h.
 */
#include "tests/integration/host_rig.h"

#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "harness/exec/toggle.h"

static char *before;		/* the machine as the test found it */
static struct journal *machine; /* open for its lock alone */

char *host_rig_snapshot(void)
{
	struct err err = ERR_INIT;
	static const char *const files[] = {
		"/proc/swaps",
		"/proc/sys/vm/swappiness",
		"/proc/sys/vm/overcommit_memory",
		"/proc/sys/vm/overcommit_ratio",
		"/proc/sys/vm/overcommit_kbytes",
		TOGGLE_THP,
	};
	struct str text = STR_INIT;
	struct dirent **list;

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		str_addf(&text, "%s:\n", files[i]);
		if (fd_read_all(AT_FDCWD, files[i], &text, &err) < 0)
			str_addf(&text, "%s\n", err.text);
	}
	int n = scandir("/sys/block", &list, NULL, alphasort);
	for (int i = 0; i < n; i++) {
		if (str_starts(list[i]->d_name, "zram")) {
			MEM_AUTO char *path = mem_printf("/sys/block/%s/disksize", list[i]->d_name);
			str_addf(&text, "%s:\n", path);
			(void)fd_read_all(AT_FDCWD, path, &text, &err);
		}
		free(list[i]);
	}
	free(list);
	return str_take(&text);
}

void host_rig_compare(void)
{
	MEM_AUTO char *after = host_rig_snapshot();

	ck_assert_str_eq(after, before);
}

/* What another run on this machine changes meanwhile would look like something left behind: as any
 * run that changes the host we wait for the others, and they for us. */
static void lock_machine(void)
{
	MEM_AUTO char *id = mem_printf("%d-host-test", (int)getpid());
	STR_AUTO warnings = STR_INIT; /* about others' leftovers */
	struct err err = ERR_INIT;

	machine = state_journal(id);
	ck_assert_msg(journal_lock_host(machine, NULL, &warnings, &err) == 0, "%s", err.text);
}

void host_rig_setup(void)
{
	lock_machine();
	/* Not /tmp: it may be a tmpfs, which cannot hold swap files. */
	state_make("/var/tmp");
	before = host_rig_snapshot();
}

void host_rig_teardown(void)
{
	state_remove(NULL);
	host_rig_compare();
	free(before);
	journal_unlock_host(machine);
	journal_close(machine);
}

struct journal *host_rig_journal(void)
{
	MEM_AUTO char *id = mem_printf("%d-test", (int)getpid());

	return state_journal(id);
}

struct host *host_rig_apply(struct journal *journal, const struct plan_host *plan)
{
	struct err err = ERR_INIT;
	struct host *host;

	ck_assert_msg(host_apply(plan, journal, NULL, &host, &err) == 0, "%s", err.text);
	return host;
}

void host_rig_restore(struct host *host, struct journal *journal)
{
	STR_AUTO warnings = STR_INIT;

	ck_assert_msg(host_restore(host, &warnings) == 0, "%s", str_text(&warnings));
	ck_assert_str_eq(str_text(&warnings), "");
	journal_close(journal);
}

const char *host_rig_sysctl(const char *name)
{
	static char value[TOGGLE_VALUE_MAX];
	struct err err = ERR_INIT;
	MEM_AUTO char *path = toggle_sysctl_path(name);

	ck_assert_msg(toggle_read(path, value, &err) == 0, "%s", err.text);
	return value;
}

const char *host_rig_other(const char *name, const char *one, const char *two)
{
	return str_eq(host_rig_sysctl(name), one) ? two : one;
}

struct cg_host *host_rig_groups(void)
{
	struct err err = ERR_INIT;
	struct cg_host *host;
	FD_AUTO root = open("/", O_PATH | O_DIRECTORY);

	ck_assert_msg(cg_host_open(root, NULL, &host, &err) == 0, "%s", err.text);
	return host;
}
