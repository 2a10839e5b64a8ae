/*
 * See vm_replay.h. A replay that is the same leaves nothing behind that was not there before; one
 * that differs is kept beside the record, to be looked at.
 */
#include "harness/cmd/vm_replay.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/parse.h"
#include "harness/cmd/vm_chosen.h"
#include "harness/cmd/vm_evidence.h"
#include "harness/cmd/vm_same.h"

bool vm_replay_is_seed(const char *text, uint64_t *ret_seed)
{
	struct err ignored;

	return parse_u64(text, UINT64_MAX - 1, ret_seed, &ignored) >= 0;
}

/* ---- the record ----------------------------------------------------------------------------- */

/* A record and the folder that it is in. */
struct original {
	struct record *record;
	char *folder;
	char **consoles;
	size_t n_consoles;
};

static void original_clear(struct original *original)
{
	for (size_t i = 0; i < original->n_consoles; i++)
		free(original->consoles[i]);
	free(original->consoles);
	free(original->folder);
	record_free(original->record);
	*original = (struct original){0};
}

static void load_consoles(struct original *original)
{
	original->n_consoles = json_array_size(original->record->machines);
	original->consoles = mem_zero(original->n_consoles + 1, sizeof(char *));
	for (size_t i = 0; i < original->n_consoles; i++) {
		MEM_AUTO char *name = vm_evidence_console(i);
		MEM_AUTO char *path = mem_printf("%s/%s", original->folder, name);
		struct str text = STR_INIT;
		struct err ignored;
		if (fd_read_all(AT_FDCWD, path, &text, &ignored) >= 0)
			original->consoles[i] = str_take(&text);
		else
			str_free(&text);
	}
}

struct found {
	char *path;
	struct timespec at;
};

/* The newest first. */
static int by_time(const void *a, const void *b)
{
	const struct timespec *x = &((const struct found *)a)->at;
	const struct timespec *y = &((const struct found *)b)->at;

	if (x->tv_sec != y->tv_sec)
		return x->tv_sec < y->tv_sec ? 1 : -1;
	return (x->tv_nsec < y->tv_nsec) - (x->tv_nsec > y->tv_nsec);
}

static size_t list_records(const char *base, struct found **ret)
{
	struct found *found = NULL;
	size_t n = 0;
	DIR *dir = opendir(base);
	const struct dirent *entry;

	while (dir && (entry = readdir(dir)) != NULL) {
		char *path = mem_printf("%s/%s/record.json", base, entry->d_name);
		struct stat info;
		if (entry->d_name[0] == '.' || entry->d_type == DT_LNK || stat(path, &info) < 0) {
			free(path);
			continue;
		}
		found = mem_grow(found, n + 1, sizeof(*found));
		found[n++] = (struct found){path, info.st_mtim};
	}
	if (dir)
		(void)closedir(dir);
	if (n)
		qsort(found, n, sizeof(*found), by_time);
	*ret = found;
	return n;
}

/* The newest with the same options; else the newest of the same kernel, seed and scenarios, so that
 * it can be said what differs. */
static bool find_original(const char *base, const struct vm_wish *wish, struct original *ret)
{
	struct found *found;
	size_t n = list_records(base, &found);
	bool exact = false;

	for (size_t i = 0; i < n; i++) {
		struct record *record = NULL;
		struct err ignored;
		bool this_exact = false;
		if (!exact && record_load(found[i].path, &record, &ignored) >= 0 &&
		    vm_evidence_matches(record, wish, &this_exact) &&
		    (this_exact || !ret->record)) {
			original_clear(ret);
			ret->record = record;
			ret->folder = mem_printf(
				"%.*s", (int)(strlen(found[i].path) - strlen("/record.json")),
				found[i].path);
			exact = this_exact;
			record = NULL;
		}
		record_free(record);
		free(found[i].path);
	}
	free(found);
	if (ret->record)
		load_consoles(ret);
	return ret->record != NULL;
}

/* ---- a replay ------------------------------------------------------------------------------- */

/* Behind a report for programs it would be in the way. */
static FILE *out_of(const struct vm_session *session)
{
	return session->values->format == 0 ? session->out : stderr;
}

static int compare(struct vm_session *session, const struct original *there, struct vm_turn *turn,
		   struct err *err)
{
	const struct vm_same_side a = {there->record, there->consoles, there->n_consoles};
	const struct vm_same_side b = {turn->run.stream.record, turn->run.consoles,
				       turn->run.n_consoles};
	STR_AUTO text = STR_INIT;
	bool same = vm_same(&a, &b, &text);

	vm_session_report_end(session, turn, NULL);
	if (there->folder)
		fprintf(out_of(session), "compared with %s\n", there->folder);
	cmd_print_clean(out_of(session), str_text(&text));
	if (!same && vm_session_save(session, turn, err) < 0)
		return -err->code;
	if (!same)
		fprintf(out_of(session), "results: %s\n", turn->saved);
	return same ? CMD_OK : CMD_FAILED;
}

/* Takes over what a turn has seen. */
static void keep_as_original(struct vm_turn *turn, struct original *ret)
{
	*ret = (struct original){.record = turn->run.stream.record,
				 .folder = turn->saved,
				 .consoles = turn->run.consoles,
				 .n_consoles = turn->run.n_consoles};
	turn->run.stream.record = NULL;
	turn->saved = NULL;
	turn->run.consoles = NULL;
	turn->run.n_consoles = 0;
}

static int first_run(struct vm_session *session, const struct vm_wish *wish, struct original *ret,
		     struct err *err)
{
	struct vm_turn turn;

	fprintf(out_of(session),
		"no record of seed %llu like this below '%s': it is run twice and compared\n",
		(unsigned long long)wish->values->seed, session->values->results);
	int r = vm_session_turn(session, wish, &turn, err);
	if (r >= 0 && turn.run.unbooted) {
		r = vm_session_keep(session, &turn, err);
	} else if (r >= 0 && turn.run.stream.record) {
		r = vm_session_save(session, &turn, err);
		vm_session_report_end(session, &turn, turn.saved);
		keep_as_original(&turn, ret);
	}
	vm_turn_clear(&turn);
	return r;
}

static int second_run(struct vm_session *session, const struct vm_wish *wish,
		      const struct original *original, struct err *err)
{
	struct vm_turn turn;
	int r = vm_session_turn(session, wish, &turn, err);

	/* A machine that ran nothing is no other run. */
	if (r >= 0 && turn.run.unbooted)
		r = vm_session_keep(session, &turn, err);
	else if (r >= 0 && turn.run.stream.record)
		r = compare(session, original, &turn, err);
	vm_turn_clear(&turn);
	return r;
}

int vm_replay_turn(struct vm_session *session, const char *spec, const char *cgroup,
		   struct err *err)
{
	const struct vm_wish wish = {session->values, spec, cgroup, session->argv,
				     (size_t)session->argc};
	struct original original = {0};
	int r = 0;

	if (!find_original(session->values->results, &wish, &original))
		r = first_run(session, &wish, &original, err);
	if (r >= 0 && original.record)
		r = second_run(session, &wish, &original, err);
	original_clear(&original);
	return r;
}

static char *folder_of(const char *path)
{
	struct stat info;
	const char *slash = strrchr(path, '/');

	if (stat(path, &info) == 0 && S_ISDIR(info.st_mode))
		return mem_dup(path);
	return slash ? mem_printf("%.*s", (int)(slash - path), path) : mem_dup(".");
}

int vm_replay_record(struct vm_session *session, const char *path, struct err *err)
{
	const struct opt_list *kernels = &session->values->kernels;
	struct original original = {.folder = folder_of(path)};
	struct vm_recorded recorded = {0};
	int r = record_load(path, &original.record, err);

	if (r >= 0)
		r = vm_evidence_read(original.record, session->values, &recorded, err);
	if (r >= 0) {
		const struct vm_wish wish = {
			&recorded.values, kernels->n ? kernels->text[0] : recorded.kernel,
			recorded.cgroup, recorded.scenarios, recorded.n_scenarios};
		load_consoles(&original);
		r = vm_chosen_check(&wish, err);
		if (r >= 0)
			r = second_run(session, &wish, &original, err);
	} else {
		err_wrap(err, "--replay '%s'", path);
	}
	free(recorded.scenarios);
	original_clear(&original);
	return r;
}
