/*
 * oomlab doctor: what this machine can do, what it cannot, and how to get that. A row a thing; a
 * row reads facts that were gathered before and touches nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "base/fd.h"
#include "base/parse.h"
#include "base/str.h"
#include "cgroups/cg.h"
#include "harness/cmd/cmd.h"
#include "harness/exec/host.h"

struct doctor_values {
	bool json;
};

static const struct opt doctor_opts[] = {
	{.name = "json",
	 .kind = OPT_FLAG,
	 .offset = offsetof(struct doctor_values, json),
	 .help = "print the facts as JSON, as they are stored in every record"},
	OPT_END,
};

enum state { STATE_OK, STATE_LIMITED, STATE_MISSING };
static const char *const state_names[] = {"ok", "limited", "missing"};

struct exam {
	struct facts facts;
	char *hog, *scenarios, *state_dir; /* NULL: not found, then: */
	struct err no_hog, no_scenarios, no_state_dir;
};

/* Fills in what there is, and how to get what there is not. */
typedef enum state (*look_fn)(const struct exam *exam, struct str *detail, struct str *remedy);

/* A thing that is there unless there is a text that says why not; the text ends in the remedy. */
static enum state unless(const char *why_not, const char *there, struct str *detail)
{
	str_add(detail, *why_not ? why_not : there);
	return *why_not ? STATE_MISSING : STATE_OK;
}

static enum state look_kernel(const struct exam *exam, struct str *detail, struct str *remedy)
{
	const struct facts *f = &exam->facts;

	(void)remedy;
	str_addf(detail, "%s %s%s%s", f->kernel, f->machine, *f->os ? ", " : "", f->os);
	return STATE_OK;
}

static enum state look_memory(const struct exam *exam, struct str *detail, struct str *remedy)
{
	const struct facts *f = &exam->facts;
	char total[PARSE_TEXT_MAX], available[PARSE_TEXT_MAX], page[PARSE_TEXT_MAX];

	(void)remedy;
	str_addf(detail,
		 "%s, %s available, pages of %s; %" PRIu64 " CPUs, %" PRIu64 " memory node%s",
		 format_size_short(f->mem_total_bytes, total),
		 format_size_short(f->mem_available_bytes, available),
		 format_size(f->page_size, page), f->cpus, f->nodes, f->nodes == 1 ? "" : "s");
	return STATE_OK;
}

static enum state look_user(const struct exam *exam, struct str *detail, struct str *remedy)
{
	if (exam->facts.uid == 0) {
		str_add(detail, "root");
		return STATE_OK;
	}
	str_addf(detail, "user %" PRIu64 ": swap, sysctls and THP cannot be changed",
		 exam->facts.uid);
	str_add(remedy, "sudo oomlab");
	return STATE_LIMITED;
}

static enum state look_groups(const struct exam *exam, struct str *detail, struct str *remedy)
{
	const struct facts *f = &exam->facts;

	if (*f->cgroups && !*f->no_groups) {
		str_add(detail, f->cgroups);
		return STATE_OK;
	}
	str_add(detail, "no group can be made");
	str_add(remedy, f->no_groups);
	return STATE_MISSING;
}

static enum state look_controller(const struct exam *exam, struct str *detail, struct str *remedy)
{
	if (exam->facts.memory_version) {
		str_addf(detail, "the memory controller is on v%" PRIu64,
			 exam->facts.memory_version);
		return STATE_OK;
	}
	str_add(detail, "no memory controller: nothing can be limited");
	if (*exam->facts.no_groups)
		return STATE_MISSING; /* the reason has been said a line above */
	str_add(remedy, "a kernel with CONFIG_MEMCG, not booted with cgroup_disable=memory; "
			"some boards need cgroup_enable=memory");
	return STATE_MISSING;
}

static enum state look_memsw(const struct exam *exam, struct str *detail, struct str *remedy)
{
	const struct facts *f = &exam->facts;

	if (f->memsw || f->memory_version == CG_V2) {
		str_add(detail, f->memsw ? "memory.memsw (v1)" : "memory.swap.max (v2)");
		return STATE_OK;
	}
	if (*f->no_groups) {
		str_add(detail, "not known while no group can be made");
		return STATE_LIMITED;
	}
	str_add(detail, "swap of a group cannot be limited: those scenarios skip");
	str_add(remedy, "a kernel with CONFIG_SWAP; before 5.8 booted with swapaccount=1");
	return STATE_MISSING;
}

static enum state look_adj(const struct exam *exam, struct str *detail, struct str *remedy)
{
	if (exam->facts.cap_sys_resource) {
		str_add(detail, "CAP_SYS_RESOURCE: oom_score_adj can be lowered");
		return STATE_OK;
	}
	str_add(detail,
		"no CAP_SYS_RESOURCE: oom_score_adj cannot go below its inherited value, so "
		"scenarios that protect a task skip");
	str_add(remedy, "run as root where the capability is kept (a VM, or a container with "
			"--cap-add SYS_RESOURCE)");
	return STATE_LIMITED;
}

static enum state look_log(const struct exam *exam, struct str *detail, struct str *remedy)
{
	const struct facts *f = &exam->facts;

	if (*f->no_kmsg) {
		str_add(detail, "kills are judged by counters and wait statuses alone");
		str_add(remedy, f->no_kmsg);
		return STATE_LIMITED;
	}
	if (!f->init_pid_ns) {
		str_add(detail, "readable, but its pids are not those of this pid namespace");
		str_add(remedy, "run outside of the container, or with the host's pid namespace");
		return STATE_LIMITED;
	}
	str_add(detail, "/dev/kmsg");
	return STATE_OK;
}

static enum state look_tracefs(const struct exam *exam, struct str *detail, struct str *remedy)
{
	(void)remedy;
	return unless(exam->facts.no_tracefs, "usable, with oom:mark_victim", detail);
}

static enum state look_psi(const struct exam *exam, struct str *detail, struct str *remedy)
{
	(void)remedy;
	return unless(exam->facts.no_psi, "/proc/pressure/memory", detail);
}

static enum state look_swap(const struct exam *exam, struct str *detail, struct str *remedy)
{
	const struct facts *f = &exam->facts;
	char size[PARSE_TEXT_MAX];

	(void)remedy;
	MEM_AUTO char *there = mem_printf(
		"can be turned on; now on: %s",
		f->swap_total_bytes ? format_size_short(f->swap_total_bytes, size) : "none");
	return unless(f->no_swap, there, detail);
}

static enum state look_zram(const struct exam *exam, struct str *detail, struct str *remedy)
{
	(void)remedy;
	return unless(exam->facts.no_zram, "a device can be had", detail);
}

static enum state look_thp(const struct exam *exam, struct str *detail, struct str *remedy)
{
	const struct facts *f = &exam->facts;

	if (*f->thp) {
		str_addf(detail, "mode '%s'", f->thp);
		return STATE_OK;
	}
	str_add(detail, "this kernel has none");
	str_add(remedy, "a kernel with CONFIG_TRANSPARENT_HUGEPAGE");
	return STATE_MISSING;
}

static enum state look_stress_ng(const struct exam *exam, struct str *detail, struct str *remedy)
{
	if (*exam->facts.stress_ng) {
		str_addf(detail, "version %s", exam->facts.stress_ng);
		return STATE_OK;
	}
	str_add(detail, "not in $PATH: its scenarios skip");
	str_add(remedy, "apt install stress-ng");
	return STATE_MISSING;
}

static enum state found(const char *path, const struct err *why, struct str *detail,
			struct str *remedy)
{
	str_add(detail, path ? path : "not found");
	if (!path)
		str_add(remedy, why->text);
	return path ? STATE_OK : STATE_MISSING;
}

static enum state look_hog(const struct exam *exam, struct str *detail, struct str *remedy)
{
	return found(exam->hog, &exam->no_hog, detail, remedy);
}

static enum state look_scenarios(const struct exam *exam, struct str *detail, struct str *remedy)
{
	return found(exam->scenarios, &exam->no_scenarios, detail, remedy);
}

/* The directory, or the nearest one above it that exists, can be written to. */
static bool can_make(const char *path)
{
	MEM_AUTO char *part = mem_dup(path);
	char *slash;

	while (access(part, F_OK) < 0 && errno == ENOENT && (slash = strrchr(part, '/')) != part)
		*slash = '\0';
	return access(part, W_OK | X_OK) == 0;
}

static enum state look_state(const struct exam *exam, struct str *detail, struct str *remedy)
{
	enum state state = found(exam->state_dir, &exam->no_state_dir, detail, remedy);

	if (state == STATE_OK && !can_make(exam->state_dir)) {
		str_add(detail, " cannot be written");
		str_add(remedy, "set OOMLAB_STATE to a directory that can");
		return STATE_MISSING;
	}
	return state;
}

static const struct row {
	const char *what;
	bool needed; /* without it nothing of the catalogue runs */
	look_fn look;
} rows[] = {
	{"kernel", false, look_kernel},
	{"machine", false, look_memory},
	{"user", false, look_user},
	{"control groups", true, look_groups},
	{"memory limits", true, look_controller},
	{"swap limits", false, look_memsw},
	{"protected tasks", false, look_adj},
	{"kernel log", false, look_log},
	{"tracefs", false, look_tracefs},
	{"pressure (PSI)", false, look_psi},
	{"swap", false, look_swap},
	{"zram", false, look_zram},
	{"huge pages (THP)", false, look_thp},
	{"stress-ng", false, look_stress_ng},
	{"oomhog", true, look_hog},
	{"scenarios", false, look_scenarios},
	{"state directory", true, look_state},
};
enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

static int print_rows(const struct exam *exam)
{
	int lacking = 0, needed = 0;

	printf("%-18s%-9s%s\n", "WHAT", "STATE", "DETAILS");
	for (size_t i = 0; i < ROWS; i++) {
		STR_AUTO detail = STR_INIT;
		STR_AUTO remedy = STR_INIT;
		enum state state = rows[i].look(exam, &detail, &remedy);

		printf("%-18s%-9s%s\n", rows[i].what, state_names[state], str_text(&detail));
		if (remedy.len)
			printf("%-27s-> %s\n", "", remedy.s);
		lacking += state != STATE_OK;
		needed += state == STATE_MISSING && rows[i].needed;
	}
	if (needed)
		puts("\nThe catalogue cannot run here until what is missing above is there.");
	else if (lacking)
		puts("\nThe catalogue runs here; scenarios that need what is missing or limited "
		     "above skip.");
	else
		puts("\nThe whole catalogue can run here.");
	return needed ? CMD_FAILED : CMD_OK;
}

static void print_json(const struct facts *facts)
{
	json_t *json = facts_to_json(facts);

	(void)json_dumpf(json, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
	putchar('\n');
	json_decref(json);
}

static int examine(struct exam *exam, struct err *err)
{
	struct cg_host *host = NULL;
	struct err no_groups = ERR_INIT;
	FD_AUTO root = fd_open_at(AT_FDCWD, "/", O_PATH | O_DIRECTORY, 0, err);

	if (root < 0)
		return root;
	if (cg_host_open(root, NULL, &host, &no_groups) < 0)
		host = NULL;
	int rc = facts_gather(host, &exam->facts, err);
	if (!host)
		(void)snprintf(exam->facts.no_groups, sizeof(exam->facts.no_groups), "%.*s",
			       (int)sizeof(exam->facts.no_groups) - 1, no_groups.text);
	cg_host_free(host);
	if (rc < 0)
		return rc;
	facts_add_stress_ng(&exam->facts);
	(void)cmd_find_hog(&exam->hog, &exam->no_hog);
	(void)cmd_find_scenarios(&exam->scenarios, &exam->no_scenarios);
	(void)journal_state_dir(&exam->state_dir, &exam->no_state_dir);
	return 0;
}

static int doctor_run(struct cmd_ctx *ctx, void *values, int argc, char **argv)
{
	const struct doctor_values *v = values;
	struct exam *exam = mem_zero(1, sizeof(*exam));
	struct err err = ERR_INIT;
	int status;

	(void)argc, (void)argv;
	if (examine(exam, &err) < 0) {
		status = cmd_fail(ctx, CMD_BROKEN, &err);
	} else if (v->json) {
		print_json(&exam->facts);
		bool able = exam->facts.memory_version && !*exam->facts.no_groups && exam->hog;
		status = able ? CMD_OK : CMD_FAILED;
	} else {
		status = print_rows(exam);
	}
	free(exam->hog);
	free(exam->scenarios);
	free(exam->state_dir);
	free(exam);
	return status;
}

const struct cmd cmd_doctor = {
	.opts = {.name = "doctor",
		 .args = "",
		 .summary = "show what this machine can do, and how to get what is missing",
		 .description =
			 "Looks at control groups, capabilities, the kernel log, swap and what "
			 "else scenarios may need. Nothing is changed. Something that is missing "
			 "makes scenarios skip with the same reason.",
		 .exit_status = "0\tthe catalogue can run here\n1\tsomething that every scenario "
				"needs is missing\n",
		 .opts = doctor_opts},
	.values_size = sizeof(struct doctor_values),
	.run = doctor_run,
};
