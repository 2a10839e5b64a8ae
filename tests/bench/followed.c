/*
 * See followed.h. Pairs in turns, one run without a limit and one of the ratchet that starts far
 * above what the program needs. Processor time is the command's and what this process spent on it
 * meanwhile; goals are issue 5's.
 */
#include "tests/bench/followed.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "cgroups/cg.h"
#include "harness/size/lab.h"
#include "harness/size/run.h"

enum { PAIRS = 9, INPUT_BYTES = 1000000, WORDS_MAX = 8 };
static const uint64_t far_bytes = 512ULL << 20;

static const struct program {
	const char *name, *path, *goal;
	const char *argv[WORDS_MAX]; /* NULL-terminated; "INPUT": the file */
} programs[] = {
	{"xz -9", "/usr/bin/xz", "below 1.10", {"xz", "-9", "-c", "INPUT"}},
	{"dd bs=4k, 2 million blocks",
	 "/usr/bin/dd",
	 "below 2",
	 {"dd", "if=/dev/zero", "of=/dev/null", "bs=4k", "count=2000000", "status=none"}},
};

struct cost {
	double wall, cpu;
};

static double cpu_of_self(void)
{
	struct rusage usage;

	(void)getrusage(RUSAGE_SELF, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static int run_once(struct size_lab *lab, const struct size_command *command, bool followed,
		    struct cost *ret, struct err *err)
{
	struct run_result result;
	struct run_spec spec = {.command = command,
				.mode = followed ? RUN_RATCHET : RUN_HARD,
				.limit_bytes = followed ? far_bytes : UINT64_MAX,
				.step_bytes = 1 << 20,
				.ceiling_bytes = 2 * far_bytes,
				.probe = true,
				.late = true};
	double before = cpu_of_self();
	int r = size_run(lab, &spec, &result, err);

	if (r < 0)
		return r;
	if (result.end != RUN_EXITED || result.status != 0 || result.steps > 0)
		return err_set(err, EIO, "'%s' did not run as it should", command->argv[0]);
	*ret = (struct cost){(double)result.wall_ns / 1e9,
			     (double)result.cpu_ns / 1e9 + cpu_of_self() - before};
	return 0;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *values)
{
	qsort(values, PAIRS, sizeof(*values), by_value);
	return values[PAIRS / 2];
}

static int measure(struct size_lab *lab, const struct program *program, char *input,
		   struct err *err)
{
	char *argv[WORDS_MAX] = {NULL};
	struct cost plain, followed;
	double wall[PAIRS], cpu[PAIRS], plain_cpu[PAIRS], followed_cpu[PAIRS];
	int r = 0;

	for (size_t i = 0; i + 1 < WORDS_MAX && program->argv[i]; i++) {
		argv[i] = strdup(strcmp(program->argv[i], "INPUT") == 0 ? input : program->argv[i]);
	}
	struct size_command command = {.argv = argv, .program = program->path};
	for (int i = 0; r >= 0 && i < PAIRS; i++) {
		r = run_once(lab, &command, false, &plain, err);
		if (r >= 0)
			r = run_once(lab, &command, true, &followed, err);
		if (r < 0)
			break;
		wall[i] = followed.wall / plain.wall;
		cpu[i] = followed.cpu / plain.cpu;
		plain_cpu[i] = plain.cpu;
		followed_cpu[i] = followed.cpu;
	}
	if (r >= 0)
		printf("%-34s %.2f of the processor time (%.2f s, %.2f s), %.2f of the wall time; "
		       "goal: %s\n",
		       program->name, median(cpu), median(plain_cpu), median(followed_cpu),
		       median(wall), program->goal);
	for (size_t i = 0; i < WORDS_MAX; i++)
		free(argv[i]);
	return r;
}

/* Digits that do not repeat, so that xz has something to do. */
static int make_input(const char *path, struct err *err)
{
	FILE *file = fopen(path, "we");
	unsigned int state = 1;

	if (!file)
		return err_errno(err, errno, "'%s'", path);
	for (int i = 0; i < INPUT_BYTES / 11; i++) {
		state = state * 1103515245U + 12345U;
		(void)fprintf(file, "%010u\n", state);
	}
	return fclose(file) == 0 ? 0 : err_errno(err, errno, "'%s'", path);
}

int followed_measure(const char *folder, struct err *err)
{
	MEM_AUTO char *input = mem_printf("%s/input", folder);
	MEM_AUTO char *id = mem_printf("%d-%llx", (int)getpid(), (unsigned long long)clock_ns());
	STR_AUTO warnings = STR_INIT;
	struct cg_host *host = NULL;
	struct size_lab lab;
	FD_AUTO root = fd_open_at(-1, "/", O_PATH | O_DIRECTORY, 0, err);
	int r = root < 0 ? root : make_input(input, err);

	if (r >= 0)
		r = cg_host_open(root, NULL, &host, err);
	if (r < 0)
		return r;
	r = lab_open(&lab, host, id, NULL, err);
	for (size_t i = 0; r >= 0 && i < sizeof(programs) / sizeof(programs[0]); i++)
		r = measure(&lab, &programs[i], input, err);
	lab_close(&lab, &warnings);
	fputs(str_text(&warnings), stderr);
	cg_host_free(host);
	(void)unlink(input);
	return r;
}
