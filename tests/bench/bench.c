/*
 * make bench: the harness beside bare C loops, measured in one run and in turns, so that what the
 * machine does meanwhile meets both. Prints medians; judges nothing (machines differ), but says
 * the goals. A part that this machine cannot measure is left out with its reason.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/parse.h"
#include "base/str.h"
#include "cgroups/cg.h"
#include "harness/record/record.h"
#include "tests/bench/crowd.h"
#include "tests/bench/floor.h"
#include "tests/bench/followed.h"
#include "tests/bench/machines.h"
#include "tests/bench/syslog.h"

enum { ROUNDS = 5, A_ROUND = 5, SAMPLES = ROUNDS * A_ROUND, GROUPS = 500, CROWD = 10000 };

static const char scenario[] = "limits/limit-kills-largest";
static const uint64_t fill_bytes = 256ULL << 20;
static const uint64_t group_timeout_ns = 5000000000ULL;

struct bench {
	struct floor floor;
	char results[32]; /* a folder of our own below /tmp */
	const char *lab;  /* build/oomlab */
	const char *hog;
	uint64_t rss_bytes; /* of the first run, with the smallest limit */
};

struct samples {
	size_t n;
	uint64_t ns[SAMPLES];
};

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static uint64_t median(struct samples *samples)
{
	qsort(samples->ns, samples->n, sizeof(samples->ns[0]), by_value);
	return samples->n ? samples->ns[samples->n / 2] : 0;
}

static const char *ms(uint64_t ns, char *buf)
{
	snprintf(buf, PARSE_TEXT_MAX, "%.2f ms", (double)ns / 1e6);
	return buf;
}

static void left_out(const char *what, const struct err *err)
{
	printf("%-34s left out: %s\n", what, err->text);
}

/* ---- one kill ------------------------------------------------------------------------------ */

static int take_durations(struct bench *bench, struct samples *samples, struct err *err)
{
	MEM_AUTO char *path = mem_printf("%s/latest/record.json", bench->results);
	struct record *record = NULL;

	int r = record_load(path, &record, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < record->n && r >= 0; i++) {
		const struct result *result = record->results[i];
		if (result->verdict != VERDICT_PASS)
			r = err_set(err, EPROTO, "%s: %s: %s", result->name,
				    verdict_name(result->verdict), result->reason);
		else if (samples->n < SAMPLES)
			samples->ns[samples->n++] = result->ended_ns - result->began_ns;
	}
	record_free(record);
	return r;
}

static int lab_kills(struct bench *bench, const char *limit, struct samples *samples,
		     struct err *err)
{
	MEM_AUTO char *param = mem_printf("--param=limit=%s", limit);
	MEM_AUTO char *repeat = mem_printf("--repeat=%d", A_ROUND);
	MEM_AUTO char *results = mem_printf("--results=%s", bench->results);
	const char *argv[] = {bench->lab, "run", scenario, param, repeat, results, NULL};
	uint64_t ns, rss_bytes = 0;

	int r = floor_command(argv, &ns, &rss_bytes, err);
	/* The kernel's figure includes children: below the smallest limit no hog is the largest. */
	if (!bench->rss_bytes)
		bench->rss_bytes = rss_bytes;
	/* What went wrong is told better by the record, which a failed run leaves too. */
	int recorded = take_durations(bench, samples, err);
	return recorded < 0 ? recorded : r;
}

static const struct {
	const char *limit;
	const char *goal;
} goals[] = {{"8M", "1.5x"}, {"1G", "1.1x"}};

enum { N_GOALS = sizeof(goals) / sizeof(goals[0]) };

static const char *goal_of(const char *limit)
{
	for (size_t i = 0; i < N_GOALS; i++)
		if (str_eq(goals[i].limit, limit))
			return goals[i].goal;
	return "none set";
}

static void bench_kill(struct bench *bench, const char *limit)
{
	struct samples floor = {0}, lab = {0};
	struct err err = ERR_INIT;
	char a[PARSE_TEXT_MAX], b[PARSE_TEXT_MAX];
	uint64_t limit_bytes = 0;
	MEM_AUTO char *what = mem_printf("one kill at %s", limit);
	int r = parse_size(limit, &limit_bytes, &err);

	for (int round = 0; round < ROUNDS && r >= 0; round++) {
		for (int i = 0; i < A_ROUND && r >= 0; i++, floor.n++)
			r = floor_kill(&bench->floor, limit_bytes, &floor.ns[floor.n], &err);
		if (r >= 0)
			r = lab_kills(bench, limit, &lab, &err);
	}
	if (r < 0) {
		left_out(what, &err);
		return;
	}
	uint64_t bare_ns = median(&floor), lab_ns = median(&lab);
	printf("%-34s bare loop %s, oomlab %s: %.2fx (goal %s)\n", what, ms(bare_ns, a),
	       ms(lab_ns, b), (double)lab_ns / (double)bare_ns, goal_of(limit));
}

/* ---- groups -------------------------------------------------------------------------------- */

static int lab_groups(unsigned n, uint64_t *ret_ns, struct err *err)
{
	struct cg_host *host = NULL;
	FD_AUTO root = fd_open_at(AT_FDCWD, "/", O_PATH | O_DIRECTORY, 0, err);
	int r = root < 0 ? root : cg_host_open(root, NULL, &host, err);
	uint64_t began = clock_ns();

	for (unsigned i = 0; i < n && r >= 0; i++) {
		struct cg *cg = NULL;
		r = cg_create(host, NULL, "oomlab-bench", &cg, err);
		if (r >= 0)
			r = cg_destroy(cg, group_timeout_ns, err);
	}
	*ret_ns = clock_ns() - began;
	cg_host_free(host);
	return r;
}

static void bench_groups(struct bench *bench)
{
	struct samples floor = {0}, lab = {0};
	struct err err = ERR_INIT;
	int r = 0;

	for (int i = 0; i < ROUNDS && r >= 0; i++) {
		r = floor_groups(&bench->floor, GROUPS, &floor.ns[floor.n++], &err);
		if (r >= 0)
			r = lab_groups(GROUPS, &lab.ns[lab.n++], &err);
	}
	if (r < 0) {
		left_out("groups made and removed", &err);
		return;
	}
	printf("%-34s bare mkdir and rmdir %.0f/s, oomlab %.0f/s (in all its hierarchies)\n",
	       "groups made and removed", GROUPS * 1e9 / (double)median(&floor),
	       GROUPS * 1e9 / (double)median(&lab));
}

/* ---- pages --------------------------------------------------------------------------------- */

static void print_rate(const char *who, struct samples *samples, const struct err *err)
{
	double pages = (double)fill_bytes / (double)sysconf(_SC_PAGESIZE);
	MEM_AUTO char *what = mem_printf("pages filled by %s", who);

	if (err->code)
		left_out(what, err);
	else
		printf("%-34s %.0f/s\n", what, pages * 1e9 / (double)median(samples));
}

static void bench_command_fill(const char *who, const char *const *argv)
{
	struct samples samples = {0};
	struct err err = ERR_INIT;
	uint64_t rss_bytes;

	for (int i = 0; i < ROUNDS && !err.code; i++)
		floor_command(argv, &samples.ns[samples.n++], &rss_bytes, &err);
	print_rate(who, &samples, &err);
}

static void bench_fill(struct bench *bench)
{
	struct samples floor = {0};
	struct err err = ERR_INIT;
	char size[PARSE_TEXT_MAX];
	MEM_AUTO char *mapping = mem_printf("--size=%s", format_size(fill_bytes, size));
	MEM_AUTO char *total = mem_printf("--total=%s", size);
	MEM_AUTO char *vm_bytes = mem_printf("%s", size);
	const char *hog[] = {bench->hog, "fault", mapping, total, "--then=exit", NULL};
	const char *stress[] = {
		"stress-ng",   "--vm",	   "1",	       "--vm-bytes", vm_bytes, "--vm-populate",
		"--vm-method", "zero-one", "--vm-ops", "1",	     NULL};

	for (int i = 0; i < ROUNDS && !err.code; i++)
		floor_fill(fill_bytes, &floor.ns[floor.n++], &err);
	print_rate("a bare loop", &floor, &err);
	bench_command_fill("oomhog", hog);
	bench_command_fill("stress-ng --vm 1", stress);
}

/* ---- processes ----------------------------------------------------------------------------- */

/* In turns with the bare reading, as always. */
static int score_crowd(const char *const *argv, struct samples *bare, struct samples *lab,
		       struct err *err)
{
	uint64_t rss_bytes;
	int r = 0;

	for (int i = 0; i < ROUNDS && r >= 0; i++) {
		r = crowd_read_status(&bare->ns[bare->n++], err);
		if (r >= 0)
			r = floor_command(argv, &lab->ns[lab->n++], &rss_bytes, err);
	}
	return r;
}

static void bench_score(struct bench *bench)
{
	const char *most[] = {bench->lab, "score", "--all", NULL};
	const char *every[] = {bench->lab, "score", "--all", "--top=0", NULL};
	const struct {
		const char *what, *const *argv, *goal;
	} rows[] = {{"score --all, 10000 processes", most, "2x"},
		    {"the same, every row shown", every, "none set"}};
	struct crowd crowd;
	struct err err = ERR_INIT;

	if (crowd_make(&crowd, CROWD, &err) < 0) {
		left_out(rows[0].what, &err);
		return;
	}
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct samples bare = {0}, lab = {0};
		char a[PARSE_TEXT_MAX], b[PARSE_TEXT_MAX];
		if (score_crowd(rows[i].argv, &bare, &lab, &err) < 0) {
			left_out(rows[i].what, &err);
			break;
		}
		uint64_t bare_ns = median(&bare), lab_ns = median(&lab);
		printf("%-34s status alone %s, oomlab %s: %.2fx (goal %s)\n", rows[i].what,
		       ms(bare_ns, a), ms(lab_ns, b), (double)lab_ns / (double)bare_ns,
		       rows[i].goal);
	}
	crowd_end(&crowd);
}

/* ---- logs ----------------------------------------------------------------------------------- */

/* In turns with grep, which only counts. */
static int read_log(const struct bench *bench, const char *path, struct samples *bare,
		    struct samples *lab, uint64_t *ret_rss_bytes, struct err *err)
{
	const char *grep[] = {"grep", "-c", "oom-kill\\|Killed process", path, NULL};
	const char *list[] = {bench->lab, "explain", "--list", path, NULL};
	uint64_t rss_bytes;
	int r = 0;

	for (int i = 0; i < ROUNDS && r >= 0; i++) {
		r = floor_command(grep, &bare->ns[bare->n++], &rss_bytes, err);
		if (r >= 0)
			r = floor_command(list, &lab->ns[lab->n++], ret_rss_bytes, err);
	}
	return r;
}

static void bench_explain(struct bench *bench)
{
	static const struct {
		const char *what, *goal;
		uint64_t bytes;
	} rows[] = {{"explain --list, 100 MB of syslog", "0.3 s, 8M", 100000000},
		    {"explain --list, 1 GB of syslog", "none set", 1000000000}};
	MEM_AUTO char *path = mem_printf("%s/syslog", bench->results);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct samples bare = {0}, lab = {0};
		char a[PARSE_TEXT_MAX], b[PARSE_TEXT_MAX], size[PARSE_TEXT_MAX];
		struct err err = ERR_INIT;
		uint64_t rss_bytes = 0;
		int r = syslog_make(path, rows[i].bytes, &err);
		if (r >= 0)
			r = read_log(bench, path, &bare, &lab, &rss_bytes, &err);
		(void)unlink(path);
		if (r < 0) {
			left_out(rows[i].what, &err);
			continue;
		}
		uint64_t bare_ns = median(&bare), lab_ns = median(&lab);
		printf("%-34s grep -c %s, oomlab %s: %.2fx, %s resident (goal %s)\n", rows[i].what,
		       ms(bare_ns, a), ms(lab_ns, b), (double)lab_ns / (double)bare_ns,
		       format_size_short(rss_bytes, size), rows[i].goal);
	}
}

/* ---- all ----------------------------------------------------------------------------------- */

static void bench_catalogue(struct bench *bench)
{
	MEM_AUTO char *results = mem_printf("--results=%s", bench->results);
	const char *argv[] = {bench->lab, "run", results, NULL};
	struct err err = ERR_INIT;
	uint64_t ns, rss_bytes;

	if (floor_command(argv, &ns, &rss_bytes, &err) < 0)
		left_out("the whole catalogue", &err);
	else
		printf("%-34s %.2f s (goal 10 s)\n", "the whole catalogue", (double)ns / 1e9);
}

static void remove_results(const struct bench *bench)
{
	const char *argv[] = {"rm", "-rf", "--", bench->results, NULL};
	struct err err = ERR_INIT;
	uint64_t ns, rss_bytes;

	if (floor_command(argv, &ns, &rss_bytes, &err) < 0)
		fprintf(stderr, "bench: %s is left: %s\n", bench->results, err.text);
}

static void bench_kills(struct bench *bench)
{
	char size[PARSE_TEXT_MAX];

	for (size_t i = 0; i < N_GOALS; i++)
		bench_kill(bench, goals[i].limit);
	printf("%-34s %s\n", "oomlab's largest resident set",
	       format_size_short(bench->rss_bytes, size));
}

static void bench_vm(struct bench *bench)
{
	bench_machines(bench->lab, getenv("OOMLAB_BARE_INIT"), bench->results);
}

static void bench_followed(struct bench *bench)
{
	struct err err = ERR_INIT;

	if (followed_measure(bench->results, &err) < 0)
		left_out("a program that is followed", &err);
}

static const struct {
	const char *name;
	void (*measure)(struct bench *bench);
} parts[] = {
	{"kills", bench_kills}, {"groups", bench_groups},     {"fill", bench_fill},
	{"score", bench_score}, {"explain", bench_explain},   {"catalogue", bench_catalogue},
	{"machines", bench_vm}, {"followed", bench_followed},
};
enum { N_PARTS = sizeof(parts) / sizeof(parts[0]) };

/* A word is a part's name, else a limit to measure one kill at. */
static void bench_word(struct bench *bench, const char *word)
{
	for (size_t i = 0; i < N_PARTS; i++)
		if (str_eq(parts[i].name, word)) {
			parts[i].measure(bench);
			return;
		}
	bench_kill(bench, word);
}

int main(int argc, char **argv)
{
	struct bench bench = {.results = "/tmp/oomlab-bench-XXXXXX",
			      .lab = getenv("OOMLAB"),
			      .hog = getenv("OOMLAB_HOG")};
	struct err err = ERR_INIT;

	if (!bench.lab || !bench.hog) {
		fputs("bench: run it with 'make bench', which says where the programs are\n",
		      stderr);
		return 2;
	}
	if (floor_open(&bench.floor, &err) < 0) {
		fprintf(stderr, "bench: %s\n", err.text);
		return 77;
	}
	if (!mkdtemp(bench.results)) {
		fprintf(stderr, "bench: cannot make '%s': %s\n", bench.results, strerror(errno));
		return 3;
	}
	printf("medians of %d, bare loops and oomlab in turns\n", SAMPLES);
	for (size_t i = 0; i < N_PARTS && argc < 2; i++)
		parts[i].measure(&bench);
	for (int i = 1; i < argc; i++)
		bench_word(&bench, argv[i]);
	remove_results(&bench);
	return 0;
}
