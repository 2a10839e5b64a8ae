/*
 * oomlab kernels: which kernels of Debian's there are and which are in the cache; fetches, builds,
 * updates and removes them. The work is that of vm/kernels.h and vm/tiny.h.
 */
#include <errno.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "harness/cmd/cmd.h"
#include "harness/cmd/kernels_list.h"
#include "harness/cmd/progress.h"
#include "harness/vm/kernels.h"
#include "harness/vm/tiny.h"

enum { JOBS_MAX = 1024 };

struct kernels_values {
	bool update, all, json;
	uint64_t jobs; /* 0: as many as there are CPUs */
};

static const struct opt options[] = {
	{"update", 'u', OPT_FLAG, offsetof(struct kernels_values, update), NULL,
	 "make the index of what can be had anew; changes nothing that is in the cache", NULL,
	 NULL},
	{"all", '\0', OPT_FLAG, offsetof(struct kernels_values, all), NULL,
	 "with 'remove': everything that is in the cache, indexes included", NULL, NULL},
	{"json", '\0', OPT_FLAG, offsetof(struct kernels_values, json), NULL,
	 "an object with cache, index_unix, cached, available and sources", NULL, NULL},
	{"jobs", 'j', OPT_U64, offsetof(struct kernels_values, jobs), "N",
	 "with 'build': compilers at once (default: as many as there are CPUs)", NULL, NULL},
	OPT_END,
};

static int list(struct kernels *kernels, const struct kernels_values *values, int argc, char **argv,
		struct err *err)
{
	int r = values->update ? kernels_refresh(kernels, NULL, err) : kernels_load(kernels, err);

	(void)argc, (void)argv;
	return r < 0 ? r : kernels_list(kernels, values->json, err);
}

static int get_all(struct kernels *kernels, bool anew, int argc, char **argv, struct err *err)
{
	for (int i = 0; i < argc; i++) {
		struct pin pin;
		if (kernels_get(kernels, argv[i], anew, &pin, err) < 0)
			return -err->code;
		printf("%s: %s%s\n", argv[i], pin.release,
		       pin.modules ? "" : ", without modules (the mirror has none)");
		pin_clear(&pin);
	}
	return 0;
}

static int fetch(struct kernels *kernels, const struct kernels_values *values, int argc,
		 char **argv, struct err *err)
{
	int r = values->update ? kernels_refresh(kernels, NULL, err) : 0;

	if (argc == 0)
		return err_set(err, EINVAL, "expected what to fetch, such as debian:6.1");
	return r < 0 ? r : get_all(kernels, false, argc, argv, err);
}

static unsigned online_cpus(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof(set), &set) == 0 ? (unsigned)CPU_COUNT(&set) : 1;
}

/* "6.12" is "tiny:6.12". */
static char *tiny_spec(const char *word, struct err *err)
{
	char *spec = mem_printf("%s%s", kernels_is_tiny(word) ? "" : TINY_PREFIX, word);
	struct err ignored = ERR_INIT;

	if (kernels_wish(spec, &ignored))
		return spec;
	free(spec);
	(void)err_set(err, EINVAL,
		      "'%s' is no kernel to build: expected a version such as 6.12 or 6.12.118, or "
		      "a suite of Debian's such as trixie",
		      word);
	return NULL;
}

static int build(struct kernels *kernels, const struct kernels_values *values, int argc,
		 char **argv, struct err *err)
{
	if (argc == 0)
		return err_set(err, EINVAL, "expected what to build, such as 6.12");
	if (values->jobs > JOBS_MAX)
		return err_set(err, EINVAL, "--jobs: expected 1 to %d", JOBS_MAX);
	if (values->update && kernels_refresh(kernels, NULL, err) < 0)
		return -err->code;
	for (int i = 0; i < argc; i++) {
		MEM_AUTO char *spec = tiny_spec(argv[i], err);
		struct tiny_wish wish = {spec,
					 values->jobs ? (unsigned)values->jobs : online_cpus()};
		struct pin pin;
		if (!spec || tiny_build(kernels, &wish, &pin, err) < 0)
			return -err->code;
		printf("%s: %s, of Debian's %s\n", spec, pin.release, pin.version);
		pin_clear(&pin);
	}
	return 0;
}

/* Building takes minutes: it is told, not done. */
static int tell_tiny(const struct kernels *kernels, const char *spec, struct err *err)
{
	struct pin pin;
	STR_AUTO newer = STR_INIT;

	if (tiny_get(kernels, spec, &pin, err) < 0)
		return -err->code;
	int r = tiny_is_old(kernels, &pin, &newer, err);
	if (r > 0)
		printf("%s: %s is out of date (%s%s): 'oomlab kernels build %s' makes a newer "
		       "one\n",
		       spec, pin.release, newer.len ? "there is Debian's " : "options have changed",
		       str_text(&newer), spec);
	else if (r == 0)
		printf("%s: %s\n", spec, pin.release);
	pin_clear(&pin);
	return r;
}

static int update_all(struct kernels *kernels, int argc, char **argv, struct err *err)
{
	int r = 0;

	for (int i = 0; i < argc && r >= 0; i++)
		r = kernels_is_tiny(argv[i]) ? tell_tiny(kernels, argv[i], err)
					     : get_all(kernels, true, 1, &argv[i], err);
	return r < 0 ? r : 0;
}

/* The specs given, or all that have a meaning. */
static int update(struct kernels *kernels, const struct kernels_values *values, int argc,
		  char **argv, struct err *err)
{
	struct store_pins pins = {0};
	int r = kernels_refresh(kernels, NULL, err);

	(void)values;
	if (r >= 0 && argc)
		return update_all(kernels, argc, argv, err);
	if (r >= 0)
		r = store_list_pins(&kernels->store, &pins, err);
	for (size_t i = 0; r >= 0 && i < pins.n; i++)
		r = update_all(kernels, 1, &pins.all[i].spec, err);
	store_pins_free(&pins);
	return r;
}

static int remove_some(struct kernels *kernels, const struct kernels_values *values, int argc,
		       char **argv, struct err *err)
{
	if ((argc == 0) != values->all)
		return err_set(err, EINVAL, "expected what to remove, or --all");
	if (values->all)
		return kernels_remove_all(kernels, err);
	for (int i = 0; i < argc; i++)
		if (kernels_remove(kernels, argv[i], err) < 0)
			return -err->code;
	return 0;
}

static const struct verb {
	const char *name;
	int (*run)(struct kernels *kernels, const struct kernels_values *values, int argc,
		   char **argv, struct err *err);
} verbs[] = {{"list", list},
	     {"fetch", fetch},
	     {"build", build},
	     {"update", update},
	     {"remove", remove_some}};

static const struct verb *find_verb(const char *word, struct err *err)
{
	const char *names[sizeof(verbs) / sizeof(verbs[0]) + 1] = {0};

	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		names[i] = verbs[i].name;
		if (str_eq(word, names[i]))
			return &verbs[i];
	}
	const char *near = str_nearest(word, names);
	(void)err_set(err, EINVAL, "'%s' is none of list, fetch, build, update, remove%s%s%s", word,
		      near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
	return NULL;
}

static int run_kernels(struct cmd_ctx *ctx, void *values, int argc, char **argv)
{
	struct err err = ERR_INIT;
	const struct verb *verb = argc ? find_verb(argv[0], &err) : &verbs[0];
	struct progress progress;
	struct fetch_watch watch;
	struct kernels kernels = {.store = {.dir = -1, .lock = -1}};

	if (!verb)
		return cmd_fail(ctx, CMD_USAGE, &err);
	progress_begin(&progress, "kernels", &watch);
	int r = kernels_start(&watch, &kernels, &err);
	if (r >= 0) {
		r = verb->run(&kernels, values, argc ? argc - 1 : 0, argv + (argc != 0), &err);
		kernels_end(&kernels);
	}
	progress_end(&progress);
	if (r >= 0)
		return CMD_OK;
	return cmd_fail(ctx, err.code == EINVAL || err.code == ENOENT ? CMD_USAGE : CMD_BROKEN,
			&err);
}

const struct cmd cmd_kernels = {
	.opts =
		{
			.name = "kernels",
			.args = "[list|fetch|build|update|remove] [SPEC...]",
			.summary = "kernels for virtual machines: list, fetch, build, remove",
			.description =
				"Kernels that 'oomlab vm --kernel' boots come from Debian's "
				"archive by apt, from the mirrors that this machine uses, in "
				"folders of their own: nothing is installed, and the system's "
				"configuration is left alone. Signatures are checked as apt checks "
				"them, and nothing unsigned is taken.\n\n"
				"SPEC is 'debian:VERSION' (debian:6.1, debian:6.12.117, "
				"debian:6.1.0-56: the newest that begins so) or 'debian:SUITE' "
				"(debian:bookworm, debian:trixie-backports, debian:sid: what the "
				"suite's metapackage names). It is decided once, and means the "
				"same kernel until 'update'; from then on no network is "
				"needed.\n\n"
				"'build' makes a tiny kernel of Debian's source package: one with "
				"cgroup v1 where Debian's have none, with failures of allocations "
				"on demand, and that boots in half the time. 'oomlab kernels build "
				"6.12' builds the newest 6.12 there is, unless it is built "
				"already; it takes some minutes and 1.5 GB of disk meanwhile, at "
				"the lowest priority. What was interrupted goes on with the next "
				"call. 'oomlab vm --kernel tiny:6.12' boots it. 'update' tells "
				"when there is a newer source, and builds nothing. A compiler and "
				"the other packages of packages-kernel.txt are needed; which are "
				"missing is said.\n\n"
				"Kernels are kept in /var/cache/oomlab, or for others than root "
				"in ~/.cache/oomlab; the environment's OOMLAB_CACHE names another "
				"place, OOMLAB_MIRROR the URI of another mirror, and "
				"OOMLAB_KEYRING another file of keys.",
			.examples = "oomlab kernels --update\twhat there is\n"
				    "oomlab kernels fetch debian:6.1\tso that it is there later\n"
				    "oomlab kernels build 6.12\ta tiny one, as tiny:6.12\n"
				    "oomlab kernels update\tnewer ones for all that were fetched\n"
				    "oomlab kernels remove --all\tempty the cache\n",
			.exit_status = "0\tdone\n"
				       "2\ta wrong option, or no such kernel\n"
				       "3\tno network, a full disk, a signature that is missing; "
				       "tools to build with are missing, the build failed\n",
			.opts = options,
			.max_args = SIZE_MAX,
		},
	.values_size = sizeof(struct kernels_values),
	.run = run_kernels,
};
