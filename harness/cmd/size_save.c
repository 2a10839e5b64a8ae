/*
 * See size_save.h.
 */
#include "harness/cmd/size_save.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/record/field.h"
#include "harness/size/memo.h"
#include "harness/size/output.h"

static json_t *texts(const char *const *list, size_t n)
{
	json_t *array = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(array, field_text_new(list[i]));
	return array;
}

static json_t *program_sum(const char *path)
{
	uint64_t sum = OUTPUT_SUM_INIT, bytes = 0;

	output_add_file(path, &sum, &bytes);
	MEM_AUTO char *hex = mem_printf("%016" PRIx64, sum);
	return json_string(hex);
}

/* The keys are what a refusal names: "of another kernel". */
static json_t *about(struct size_session *session)
{
	const struct size_common *common = session->common;
	struct size_facts facts = size_session_facts(session);
	size_t words = 0;
	json_t *root = json_object();
	MEM_AUTO char *folder = get_current_dir_name();

	while (session->words[words])
		words++;
	json_object_set_new(root, "command", texts((const char *const *)session->words, words));
	json_object_set_new(root, "program", field_text_new(session->program));
	json_object_set_new(root, "program's content", program_sum(session->program));
	json_object_set_new(root, "folder", field_text_new(folder));
	json_object_set_new(root, "--stdin", field_text_new(common->stdin_path));
	json_object_set_new(root, "--output-file", texts(common->outputs.text, common->outputs.n));
	json_object_set_new(root, "--cold", texts(common->cold.text, common->cold.n));
	json_object_set_new(root, "--check", field_text_new(common->check));
	json_object_set_new(root, "--status", json_integer((json_int_t)common->status));
	json_object_set_new(root, "--for", json_integer((json_int_t)common->for_ns));
	json_object_set_new(root, "--step", json_integer((json_int_t)common->step));
	json_object_set_new(root, "--swap", json_integer((json_int_t)common->swap));
	json_object_set_new(root, "kernel", field_text_new(facts.kernel));
	json_object_set_new(root, "cgroups", field_text_new(facts.groups));
	json_object_set_new(root, "THP", field_text_new(facts.thp));
	json_object_set_new(root, "swap of the machine", json_boolean(facts.has_swap));
	return root;
}

int size_save_open(struct size_session *session, struct err *err)
{
	const struct size_command *command = &session->options.command;
	json_t *root = about(session);
	size_t n = 0;

	/* The words, and what it reads: files among them are its inputs. */
	while (session->words[n])
		n++;
	session->named = mem_zero(n + 3, sizeof(*session->named));
	for (size_t i = 0; i < n; i++)
		session->named[i] = session->words[i];
	session->named[n] = session->program;
	session->named[n + 1] = command->stdin_path;
	int r = memo_open(session->lab.memo, session->common->save, root, session->named, err);
	json_decref(root);
	/* A file that cannot be opened is a wrong option, as one of something else is. */
	return r < 0 && r != -EBUSY ? -(err->code = EINVAL) : r;
}

void size_save_close(struct size_session *session)
{
	struct memo *memo = session->lab.memo;

	if (memo && *memo_trouble(memo))
		fprintf(stderr, "oomlab %s: not everything was saved: %s\n",
			session->ctx->cmd->opts.name, memo_trouble(memo));
	memo_free(memo);
	session->lab.memo = NULL;
	free(session->named);
}
