/*
 * See score_session.h.
 */
#include "harness/cmd/score_session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/cmd/score_json.h"

/* Breaks lines of sentences at blanks. */
static void add_wrapped(struct str *out, const char *lines, size_t width)
{
	for (const char *end; (end = strchr(lines, '\n')); lines = end + 1) {
		while (width && (size_t)(end - lines) > width) {
			const char *cut = memrchr(lines, ' ', width + 1);
			if (!cut || cut == lines)
				break;
			str_addn(out, lines, (size_t)(cut - lines));
			str_add(out, "\n");
			lines = cut + 1;
		}
		str_addn(out, lines, (size_t)(end - lines) + 1);
	}
}

typedef void (*place_fn)(void *data, const struct score_scope *scope, const struct score_row *row);

/* The groups with a limit that a process is in, the nearest first. */
static void each_place(struct score_session *session, int64_t pid, place_fn fn, void *data)
{
	char dir[PATH_MAX];
	struct err err = ERR_INIT;

	if (cg_memory_dir_of(session->score.groups, (pid_t)pid, dir, sizeof(dir), &err) < 0)
		return;
	while (!str_eq(cg_memory_path(session->score.groups, dir), "/")) {
		struct score_scope scope;
		if (score_scope_open(&session->score, dir, &scope, &err) < 0)
			return;
		int rc = score_scope_read(&session->score, &scope, &err);
		const struct score_row *row = rc >= 0 ? score_find(&scope, pid) : NULL;
		if (row && scope.limited)
			fn(data, &scope, row);
		score_scope_close(&scope);
		char *slash = strrchr(dir, '/');
		if (!slash)
			return;
		*slash = '\0';
	}
}

static void place_text(void *data, const struct score_scope *scope, const struct score_row *row)
{
	score_tell_place(scope, row, data);
}

static void place_json(void *data, const struct score_scope *scope, const struct score_row *row)
{
	json_array_append_new(data, score_place_json(scope, row));
}

static void add_sentences(struct score_session *session, struct str *out)
{
	const struct score *score = &session->score;
	const struct score_scope *scope = &score->main;
	STR_AUTO lines = STR_INIT;

	for (size_t i = 0; i < session->n_pids; i++) {
		const struct score_row *row = score_find(scope, session->pids[i]);
		score_tell_place(scope, row, &lines);
		each_place(session, session->pids[i], place_text, &lines);
	}
	if (session->n_pids == 0)
		score_tell(score, scope, &lines);
	score_tell_differences(score, scope, &lines);
	add_wrapped(out, str_text(&lines), session->view.width);
}

static size_t count_lines(const char *text)
{
	size_t n = 0;

	while ((text = strchr(text, '\n'))) {
		text++;
		n++;
	}
	return n;
}

/* The table takes the lines that the sentences leave of a screen. */
static void add_text(struct score_session *session, struct str *out)
{
	enum { AROUND = 5, ROWS_MIN = 3 }; /* date, head, count, blank, and the cursor's line */
	struct score_view view = session->view;
	STR_AUTO sentences = STR_INIT;
	STR_AUTO count = STR_INIT;

	add_sentences(session, &sentences);
	size_t taken = count_lines(str_text(&sentences)) + AROUND;
	if (view.height)
		view.height = view.height > taken + ROWS_MIN ? view.height - taken : ROWS_MIN;
	const struct score_scope *scope = &session->score.main;
	size_t shown =
		score_show(&session->score, scope, session->pids, session->n_pids, &view, out);
	score_tell_count(&session->score, scope, shown, &count);
	add_wrapped(out, str_text(&count), view.width);
	str_add(out, "\n");
	str_add(out, str_text(&sentences));
}

static void add_json(struct score_session *session, struct str *out)
{
	const struct score *score = &session->score;
	json_t *json = score_json(score, &score->main, session->pids, session->n_pids);
	json_t *places = json_array();
	size_t flags = session->values->watch ? JSON_COMPACT : JSON_INDENT(2);

	for (size_t i = 0; i < session->n_pids; i++)
		each_place(session, session->pids[i], place_json, places);
	json_object_set_new(json, "places", places);
	char *text = json_dumps(json, flags | JSON_PRESERVE_ORDER);
	if (text) {
		str_add(out, text);
		str_add(out, "\n");
	}
	free(text);
	json_decref(json);
}

/* Names what is not there, once. */
static void check_pids(struct score_session *session)
{
	size_t kept = 0;

	for (size_t i = 0; i < session->n_pids; i++) {
		if (score_find(&session->score.main, session->pids[i])) {
			session->pids[kept++] = session->pids[i];
			continue;
		}
		session->lost = true;
		fprintf(stderr, "%s score: no process %lld%s\n", session->ctx->prog,
			(long long)session->pids[i],
			session->score.main.c->hidden ? ", or it may not be read" : "");
	}
	session->n_pids = kept;
}

int score_look(struct score_session *session, struct str *out, struct err *err)
{
	struct score *score = &session->score;
	bool by_pid = session->n_pids > 0;

	int rc = score_scope_read(score, &score->main, err);
	if (rc < 0)
		return rc;
	check_pids(session);
	if (by_pid && session->n_pids == 0)
		return 0;
	score_check(score, &score->main, session->pids, session->n_pids);
	if (session->values->json)
		add_json(session, out);
	else
		add_text(session, out);
	return 0;
}
