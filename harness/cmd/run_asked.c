/*
 * 'oomlab run --on-request', see run_session.h: everything is planned once, and what is run of it,
 * when, and in which copy of this machine is decided elsewhere.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/cmd/run_session.h"
#include "harness/record/field.h"

static void tell_planned(const struct run_session *session)
{
	json_t *list = json_array();

	for (size_t i = 0; i < session->n_items; i++) {
		const struct plan *plan = session->items[i].plan;
		/* What is skipped spoils no machine. */
		json_array_append_new(list, json_pack("{s:o, s:b, s:I}", "name",
						      field_text_new(session->items[i].name),
						      "alone", plan->vm && !plan->skip,
						      "timeout_ns", (json_int_t)plan->timeout_ns));
	}
	json_t *line = json_pack("{s:o}", "planned", list);
	MEM_AUTO char *text = json_dumps(line, JSON_COMPACT);
	fprintf(session->out, "%s\n", text);
	(void)fflush(session->out);
	json_decref(line);
}

static int run_some(struct run_session *session, const json_t *wanted, struct err *err)
{
	struct supervise_item *all = session->items;
	size_t n_all = session->n_items, n = json_array_size(wanted);
	MEM_AUTO struct supervise_item *some = mem_zero(n + 1, sizeof(*some));

	for (size_t i = 0; i < n; i++) {
		const json_t *index = json_array_get(wanted, i);
		json_int_t at = json_is_integer(index) ? json_integer_value(index) : -1;
		if (at < 0 || (size_t)at >= n_all)
			return err_set(err, EINVAL, "stdin: there are %zu to ask for", n_all);
		some[i] = all[at];
	}
	session->items = some;
	session->n_items = n;
	int r = run_session_all(session, err);
	session->items = all;
	session->n_items = n_all;
	return r < 0 ? r : 0;
}

int run_asked(struct run_session *session, struct err *err)
{
	char *text = NULL;
	size_t size = 0;
	int r = run_session_open_output(session, err);

	if (r >= 0)
		tell_planned(session);
	while (r >= 0 && getline(&text, &size, stdin) > 0) {
		json_t *line = json_loads(text, 0, NULL);
		const json_t *wanted = json_object_get(line, "ask");
		record_free(session->record);
		session->record = NULL;
		r = json_is_array(wanted)
			    ? run_some(session, wanted, err)
			    : err_set(err, EINVAL, "stdin: expected {\"ask\": [INDEX, ...]}");
		json_decref(line);
		if (r >= 0 && session->record->interrupted)
			break;
	}
	free(text);
	return r < 0 ? r : CMD_OK;
}
