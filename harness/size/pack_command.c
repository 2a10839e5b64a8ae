/*
 * See pack_command.h.
 */
#include "harness/size/pack_command.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

char *pack_fill(const char *text, const char *mark, uint64_t copy)
{
	size_t len = strlen(mark);
	STR_AUTO out = STR_INIT;
	const char *at;

	while (len > 0 && (at = strstr(text, mark)) != NULL) {
		str_addn(&out, text, (size_t)(at - text));
		str_addf(&out, "%" PRIu64, copy);
		text = at + len;
	}
	str_add(&out, text);
	return str_take(&out);
}

static char **fill_list(const char *const *list, size_t n, const char *mark, uint64_t copy)
{
	char **filled = mem_zero(n + 1, sizeof(*filled));

	for (size_t i = 0; i < n; i++)
		filled[i] = pack_fill(list[i], mark, copy);
	return filled;
}

static void free_list(char **list)
{
	for (size_t i = 0; list && list[i]; i++)
		free(list[i]);
	free(list);
}

static size_t count_words(char *const *argv)
{
	size_t n = 0;

	while (argv[n])
		n++;
	return n;
}

void pack_command_make(struct pack_command *ret, const struct size_command *common,
		       const char *mark, uint64_t copy)
{
	const char *const *words = (const char *const *)common->argv;

	*ret = (struct pack_command){
		.command = *common,
		.words = fill_list(words, count_words(common->argv), mark, copy),
		.outputs = fill_list(common->outputs, common->n_outputs, mark, copy),
		.cold = fill_list(common->cold, common->n_cold, mark, copy),
		.stdin_path = common->stdin_path ? pack_fill(common->stdin_path, mark, copy) : NULL,
		.check = common->check ? pack_fill(common->check, mark, copy) : NULL,
	};
	ret->command.argv = ret->words;
	ret->command.outputs = (const char *const *)ret->outputs;
	ret->command.cold = (const char *const *)ret->cold;
	ret->command.stdin_path = ret->stdin_path;
	ret->command.check = ret->check;
}

void pack_command_clear(struct pack_command *command)
{
	free_list(command->words);
	free_list(command->outputs);
	free_list(command->cold);
	free(command->stdin_path);
	free(command->check);
	*command = (struct pack_command){0};
}
