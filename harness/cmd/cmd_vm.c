/*
 * 'oomlab vm': the same scenarios in disposable virtual machines, one boot a kernel and cgroup
 * version; records and reports are those of 'oomlab run'.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/parse.h"
#include "base/signals.h"
#include "harness/cmd/cmd.h"
#include "harness/cmd/terminal.h"
#include "harness/cmd/vm_chosen.h"
#include "harness/cmd/vm_replay.h"
#include "harness/cmd/vm_seeds.h"
#include "harness/cmd/vm_session.h"
#include "harness/vm/kernels.h"

#define DEFAULT_MEMORY	(512ULL << 20)
#define DEFAULT_BOOT_NS (90ULL * 1000000000ULL)

enum {
	CPUS_MAX = 64,
	NODES_MAX = 8,
	JOBS_MAX = 64,
	REPEAT_MAX = 1000000,
	EXIT_INTERRUPTED = 130,
};
#define MEMORY_MIN (16ULL << 20)

static const char *const formats[] = {"text", "tap", "junit", "json", NULL};

static const char *const accels[] = {[VM_TCG] = "tcg", [VM_KVM] = "kvm", [VM_AUTO] = "auto", NULL};

#define AT(field) offsetof(struct vm_values, field)

static const struct opt options[] = {
	{"kernel", 'k', OPT_LIST, AT(kernels), "KERNEL",
	 "boot this: a bzImage or vmlinux, 'host' (default), 'debian:VERSION', "
	 "'debian:SUITE', or 'tiny:VERSION', see 'oomlab kernels'",
	 NULL, "file"},
	{"cgroup", 'c', OPT_TEXT, AT(cgroups), "LIST",
	 "v1, v2 or hybrid, or several with commas: a boot each (default v2)", NULL, NULL},
	{"memory", 'm', OPT_SIZE, AT(memory_bytes), "SIZE", "memory of the machine (default 512M)",
	 NULL, NULL},
	{"cpus", '\0', OPT_U64, AT(cpus), "N", "its CPUs (default 1)", NULL, NULL},
	{"numa", '\0', OPT_U64, AT(nodes), "N", "its NUMA nodes (default 1)", NULL, NULL},
	{"swap", '\0', OPT_TEXT, AT(swap), "SIZE[:zram|disk]", "its swap (default none)", NULL,
	 NULL},
	{"seed", '\0', OPT_U64, AT(seed), "N",
	 "count instructions instead of time, so that the same seed is the same run again", NULL,
	 NULL},
	{"replay", '\0', OPT_TEXT, AT(replay), "SEED|RESULTS",
	 "run a recorded seed again and prove by the console's hash, each kill and each time that "
	 "it is the same run: the newest record of this seed, kernel and scenarios below "
	 "--results, "
	 "or the record given, with its options",
	 NULL, "dir"},
	{"seeds", '\0', OPT_TEXT, AT(seeds), "A..B",
	 "run each of these seeds in a machine of its own (--jobs at once) and sum up: outcomes, "
	 "how "
	 "often, the smallest seed of each and how to replay it; --format text or json",
	 NULL, NULL},
	{"shrink", '\0', OPT_FLAG, AT(shrink), NULL,
	 "with --seeds: look for a smaller scenario that fails alike with that seed, and keep it "
	 "beside the record",
	 NULL, NULL},
	{"append", '\0', OPT_TEXT, AT(append), "TEXT", "add this to the kernel's command line",
	 NULL, NULL},
	{"with", '\0', OPT_LIST, AT(with), "PROGRAM|PATH",
	 "put a program of this machine into the image, with its libraries, or a file or folder "
	 "under its own path; programs that the catalogue calls are there if they are here",
	 NULL, "file"},
	{"param", 'p', OPT_LIST, AT(params), "NAME=VALUE", "set a parameter of the scenarios", NULL,
	 NULL},
	{"filter", 'f', OPT_LIST, AT(filters), "TAG",
	 "only scenarios with this tag or suite; '!TAG': without it", NULL, NULL},
	{"repeat", 'r', OPT_U64, AT(repeat), "N", "run each scenario N times", NULL, NULL},
	{"jobs", 'j', OPT_U64, AT(jobs), "N",
	 "machines at once (default: as many as there are CPUs, and memory is free for)", NULL,
	 NULL},
	{"snapshot", '\0', OPT_FLAG, AT(snapshot), NULL,
	 "boot one machine, and let the others go on from its state (default where QEMU can)", NULL,
	 NULL},
	{"timeout", 't', OPT_DURATION, AT(timeout_ns), "TIME",
	 "give each scenario this long instead of its own limit", NULL, NULL},
	{"boot-timeout", '\0', OPT_DURATION, AT(boot_ns), "TIME",
	 "give it this long to be ready (default 90s)", NULL, NULL},
	{"format", '\0', OPT_CHOICE, AT(format), "FORMAT", "how results are printed (default text)",
	 formats, NULL},
	{"output", 'o', OPT_TEXT, AT(output), "FILE", "print results to FILE instead of stdout",
	 NULL, "file"},
	{"results", '\0', OPT_TEXT, AT(results), "DIR",
	 "keep the records below DIR (default ./results)", NULL, "dir"},
	{"shell", '\0', OPT_FLAG, AT(shell), NULL,
	 "run nothing: a shell in the machine on this terminal, with the catalogue and oomlab",
	 NULL, NULL},
	{"exec", 'e', OPT_TEXT, AT(exec), "COMMAND",
	 "run no scenarios but this shell command, in /var/tmp on the machine's disk, without "
	 "input; what it prints and its exit status are the result; --timeout ends it (124)",
	 NULL, NULL},
	{"gdb", '\0', OPT_TEXT, AT(gdb), "PORT|SOCKET",
	 "each machine waits for a debugger there: a TCP port of this machine, or a path", NULL,
	 NULL},
	{"accel", '\0', OPT_CHOICE, AT(accel), "HOW",
	 "tcg: QEMU interprets (default); kvm: the hardware does; auto: kvm where a kernel is seen "
	 "to boot with it",
	 accels, NULL},
	{"console", '\0', OPT_FLAG, AT(console), NULL, "show the guests' console on stderr", NULL,
	 NULL},
	{"colour", '\0', OPT_CHOICE, AT(colour), "WHEN", "colour: auto (default), always or never",
	 terminal_colours, NULL},
	{"verbose", 'v', OPT_FLAG, AT(verbose), NULL, "print events and kills of every scenario",
	 NULL, NULL},
	OPT_END,
};

static const struct vm_values defaults = {.memory_bytes = DEFAULT_MEMORY,
					  .cpus = 1,
					  .nodes = 1,
					  .repeat = 1,
					  .seed = UINT64_MAX,
					  .cgroups = "v2",
					  .results = "results",
					  .timeout_ns = UINT64_MAX,
					  .snapshot = true,
					  .boot_ns = DEFAULT_BOOT_NS};

/* QEMU takes a comma for the end of a path. */
static int check_gdb(const char *where, struct err *err)
{
	uint64_t port;

	/* QEMU would remove what is there, whatever it is. */
	if (where && strchr(where, '/') && access(where, F_OK) == 0)
		return err_set(err, EINVAL, "--gdb: '%s' is there already", where);
	if (!where || (strchr(where, '/') && !strchr(where, ',')))
		return 0;
	if (strchr(where, '/') || parse_u64(where, 65535, &port, err) < 0 || port < 1)
		return err_set(err, EINVAL,
			       "--gdb: expected a port, 1 to 65535, or a path with a slash and "
			       "without a comma, got '%s'",
			       where);
	return 0;
}

static int check_swap(struct vm_values *values, struct err *err)
{
	const char *kind = values->swap ? strchr(values->swap, ':') : NULL;
	size_t len = values->swap ? strcspn(values->swap, ":") : 0;
	MEM_AUTO char *size = mem_printf("%.*s", (int)len, values->swap ? values->swap : "");
	uint64_t bytes;

	if (!values->swap)
		return 0;
	if (parse_size(size, &bytes, err) < 0)
		return err_wrap(err, "--swap");
	if (kind && !str_eq(kind, ":zram") && !str_eq(kind, ":disk"))
		return err_set(err, EINVAL,
			       "--swap: expected SIZE, SIZE:zram or SIZE:disk, got '%s'",
			       values->swap);
	values->disk_bytes = str_eq(kind, ":disk") ? bytes : 0;
	return 0;
}

static int check_cgroups(const char *cgroups, struct err *err)
{
	MEM_AUTO char *list = mem_dup(cgroups);
	char *rest = list, *word;

	while ((word = strsep(&rest, ",")) != NULL)
		if (!str_eq(word, "v1") && !str_eq(word, "v2") && !str_eq(word, "hybrid"))
			return err_set(err, EINVAL, "--cgroup: '%s' is none of v1, v2, hybrid",
				       word);
	return 0;
}

/* That it is none of Debian's is a word's fault, not a kernel's that cannot be had. */
static int check_kernels(const struct opt_list *kernels, struct err *err)
{
	for (size_t i = 0; i < kernels->n; i++) {
		const char *spec = kernels->text[i];
		bool wish = str_starts(spec, DEBIAN_PREFIX) || kernels_is_tiny(spec);
		if (wish && !kernels_wish(spec, err))
			return err_wrap(err, "--kernel");
	}
	return 0;
}

static int check(struct vm_values *values, struct err *err)
{
	if (check_kernels(&values->kernels, err) < 0)
		return -EINVAL;
	if (check_cgroups(values->cgroups, err) < 0)
		return -EINVAL;
	if (check_swap(values, err) < 0)
		return -EINVAL;
	if (check_gdb(values->gdb, err) < 0)
		return -EINVAL;
	if (values->seed != UINT64_MAX && values->accel == VM_KVM)
		return err_set(
			err, EINVAL,
			"--accel=kvm: instructions are counted by TCG alone, without --seed");
	if (values->cpus < 1 || values->cpus > CPUS_MAX)
		return err_set(err, EINVAL, "--cpus: expected 1 to %d", CPUS_MAX);
	if (values->jobs > JOBS_MAX)
		return err_set(err, EINVAL, "--jobs: expected at most %d", JOBS_MAX);
	if (values->seed == 0)
		return err_set(err, EINVAL, "--seed: expected 1 or more, got 0");
	if ((values->replay != NULL) + (values->seeds != NULL) + (values->seed != UINT64_MAX) > 1)
		return err_set(err, EINVAL,
			       "one of --seed (a run), --replay (a recorded one again) and --seeds "
			       "(many), not two");
	uint64_t first, last;
	if (values->seeds && vm_seeds_parse(values->seeds, &first, &last, err) < 0)
		return -EINVAL;
	if (values->exec &&
	    (values->shell || values->replay || values->seeds || values->seed != UINT64_MAX))
		return err_set(err, EINVAL,
			       "--exec: goes without --shell, --seed, --seeds and --replay");
	if (values->shrink && !values->seeds)
		return err_set(err, EINVAL, "--shrink: goes with --seeds");
	if (values->memory_bytes < MEMORY_MIN)
		return err_set(err, EINVAL, "--memory: expected at least 16M");
	if (values->repeat < 1 || values->repeat > REPEAT_MAX)
		return err_set(err, EINVAL, "--repeat: expected 1 to %d", REPEAT_MAX);
	if (values->timeout_ns == 0)
		return err_set(err, EINVAL, "--timeout: expected more than nothing, such as 10s");
	if (values->nodes < 1 || values->nodes > NODES_MAX)
		return err_set(err, EINVAL, "--numa: expected 1 to %d nodes", NODES_MAX);
	return 0;
}

/* The worst of two exit statuses: a failure outweighs a broken machine, which outweighs skips. */
static int worse(int a, int b)
{
	static const int order[] = {CMD_OK,	CMD_SKIPPED, CMD_BROKEN,
				    CMD_FAILED, CMD_USAGE,   EXIT_INTERRUPTED};
	int at_a = 0, at_b = 0;

	for (int i = 0; i < (int)(sizeof(order) / sizeof(order[0])); i++) {
		at_a = order[i] == a ? i : at_a;
		at_b = order[i] == b ? i : at_b;
	}
	return at_a > at_b ? a : b;
}

static int one_turn(struct vm_session *session, const char *kernel, const char *cgroup,
		    struct err *err)
{
	if (session->values->seeds)
		return vm_seeds(session, kernel, cgroup, err);
	if (session->values->replay)
		return vm_replay_turn(session, kernel, cgroup, err);
	return vm_session_run(session, kernel, cgroup, err);
}

/* What goes wrong with one keeps nobody from looking at the others. What all of them would meet
 * with (wrong options, a full disk) ends the command. */
static int turn_of_many(struct vm_session *session, const char *kernel, const char *cgroup,
			struct err *err)
{
	int r = one_turn(session, kernel, cgroup, err);

	if (r >= 0 || r == -EINTR || r == -EINVAL || r == -ENOENT || r == -ENOSPC || r == -ENOMEM)
		return r;
	return cmd_fail(session->ctx, CMD_BROKEN, err);
}

static int run_each(struct vm_session *session, struct err *err)
{
	const struct opt_list *kernels = &session->values->kernels;
	size_t n = kernels->n ? kernels->n : 1;
	int status = CMD_SKIPPED;

	for (size_t i = 0; i < n; i++) {
		MEM_AUTO char *list = mem_dup(session->values->cgroups);
		char *rest = list, *word;
		while ((word = strsep(&rest, ",")) != NULL) {
			int r = turn_of_many(session, kernels->n ? kernels->text[i] : "host", word,
					     err);
			if (r == -EINTR)
				return EXIT_INTERRUPTED;
			if (r < 0)
				return r;
			status = i == 0 && status == CMD_SKIPPED ? r : worse(status, r);
		}
	}
	return status;
}

/* Mistakes in files are told before anything is fetched or booted. They are the same on every
 * kernel. */
static int check_scenarios(const struct vm_session *session, struct err *err)
{
	const struct vm_values *values = session->values;
	MEM_AUTO char *first =
		mem_printf("%.*s", (int)strcspn(values->cgroups, ","), values->cgroups);
	const struct vm_wish wish = {values, values->kernels.n ? values->kernels.text[0] : "host",
				     first, session->argv, (size_t)session->argc};

	return values->shell || values->exec ? 0 : vm_chosen_check(&wish, err);
}

/* Every kernel with every cgroup version of the list; what they give is one document. */
static int run_matrix(struct vm_session *session, struct err *err)
{
	const struct vm_values *values = session->values;
	bool one = values->kernels.n <= 1 && !strchr(values->cgroups, ',');

	if (check_scenarios(session, err) < 0)
		return -err->code;
	if (one || values->seeds || values->exec || values->shell || !session->reporter->open)
		return run_each(session, err);
	session->report.series = &session->series;
	session->reporter->open(session->out);
	int r = run_each(session, err);
	session->reporter->close(session->out, &session->series);
	return r;
}

static int run_all(struct vm_session *session, struct vm_values *values, struct err *err)
{
	if (!values->shell && !values->exec) {
		if (record_base(values->results, err) < 0)
			return -err->code;
		cmd_recover_records(values->results);
	}
	if (!values->replay || vm_replay_is_seed(values->replay, &values->seed))
		return run_matrix(session, err);
	int r = vm_replay_record(session, values->replay, err);
	return r == -EINTR ? EXIT_INTERRUPTED : r;
}

static int run_vm(struct cmd_ctx *ctx, void *values, int argc, char **argv)
{
	struct vm_session session = {.ctx = ctx, .values = values, .argc = argc, .argv = argv};
	struct err err = ERR_INIT;

	if (check(values, &err) < 0)
		return cmd_fail(ctx, CMD_USAGE, &err);
	session.interrupt_fd = signals_open(0, NULL, &err);
	int status = session.interrupt_fd < 0 ? -err.code : vm_session_open(&session, &err);
	if (status >= 0)
		status = run_all(&session, values, &err);
	struct err unwritten = ERR_INIT;
	if (vm_session_close(&session, &unwritten) < 0 && status >= 0) {
		err = unwritten;
		status = -EIO;
	}
	fd_close_var(&session.interrupt_fd);
	if (status >= 0)
		return status;
	return cmd_fail(ctx, err.code == EINVAL || err.code == ENOENT ? CMD_USAGE : CMD_BROKEN,
			&err);
}

const struct cmd cmd_vm = {
	.opts =
		{
			.name = "vm",
			.args = "[FILE|DIR|NAME...]",
			.summary = "run scenarios in virtual machines that may die",
			.description =
				"Boots each kernel in QEMU, without hardware virtualisation and "
				"without a disk, runs the scenarios in it and reports as 'oomlab "
				"run' does. What belongs into a machine of its own runs there: the "
				"global OOM killer, panics, protected tasks.\n\n"
				"The guest's console is kept beside the record as evidence; "
				"verdicts "
				"come over a port of their own.\n\n"
				"With --seed instructions are the machine's clock, and hogs that "
				"run freely draw their pace from the seed: the same seed is the "
				"same run again, to the microsecond. --replay proves it, --seeds "
				"explores what other seeds do.",
			.examples =
				"oomlab vm\tthe catalogue on this machine's kernel, cgroup v2\n"
				"oomlab vm -k ./arch/x86/boot/bzImage global\tone's own build\n"
				"oomlab vm --replay 42 global/three-race\texactly that race again\n"
				"oomlab vm --seeds 1..500 global/three-race\texplore its endings\n"
				"oomlab vm -m 1G --with xz -e 'seq 300000 >n; oomlab size -- xz -k "
				"-c n'\ta command on another kernel\n",
			.exit_status = "0\tall passed; --replay: it is the same run, whatever its "
				       "verdicts\n"
				       "1\tan expectation did not hold, or the machine died of it; "
				       "--replay: it is another run; --seeds: one of them failed\n"
				       "2\ta wrong option or scenario file; nothing was booted\n"
				       "3\tthe harness or a machine failed, or a kernel cannot be "
				       "had: what did not run is broken\n"
				       "77\teverything was skipped\n"
				       "130\tinterrupted\n",
			.opts = options,
			.max_args = SIZE_MAX,
		},
	.values_size = sizeof(struct vm_values),
	.defaults = &defaults,
	.run = run_vm,
};
