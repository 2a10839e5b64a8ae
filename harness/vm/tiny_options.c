/*
 * See tiny_options.h.
 */
#include "harness/vm/tiny_options.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char shipped[] =
#include "tiny_options.inc"
	;

const char *tiny_options_text(void)
{
	return shipped;
}

/* ---- reading -------------------------------------------------------------------------------- */

/* The next word of the line, cut off; a text in quotes is one. NULL: none. */
static char *next_word(char **line)
{
	char *at = *line + strspn(*line, " \t");
	char *quote = *at == '"' ? strchr(at + 1, '"') : NULL;
	char *end = quote ? quote + 1 : at + strcspn(at, " \t");

	if (!*at)
		return NULL;
	*line = *end ? end + 1 : end;
	*end = '\0';
	return at;
}

static bool is_name(const char *word)
{
	return word && strspn(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == strlen(word);
}

static bool is_value(const char *word)
{
	size_t len = word ? strlen(word) : 0;

	if (str_eq(word, "y") || str_eq(word, "n"))
		return true;
	if (len >= 2 && word[0] == '"')
		return word[len - 1] == '"';
	return len && strspn(word, "0123456789") == len;
}

static bool read_option(char *line, struct tiny_option *ret)
{
	char *name = next_word(&line), *value = next_word(&line), *need = next_word(&line);
	const char *why = line + strspn(line, " \t");

	*ret = (struct tiny_option){name, value, why, str_eq(need, "must")};
	return is_name(name) && is_value(value) && (ret->must || str_eq(need, "may")) && *why;
}

static bool is_known(const struct tiny_options *options, const char *name)
{
	for (size_t i = 0; i < options->n; i++)
		if (str_eq(options->all[i].name, name))
			return true;
	return false;
}

int tiny_options_parse(const char *text, struct tiny_options *ret, struct err *err)
{
	struct tiny_options options = {.text = mem_dup(text)};
	char *rest = options.text, *line;
	int r = 0;

	for (unsigned n = 1; r == 0 && (line = strsep(&rest, "\n")) != NULL; n++) {
		struct tiny_option option;
		if (line[strspn(line, " \t")] == '\0' || line[0] == '#')
			continue;
		if (!read_option(line, &option))
			r = err_set(err, EINVAL,
				    "line %u: expected 'NAME VALUE must|may WHY', such as "
				    "'MEMCG y must the subject'",
				    n);
		else if (is_known(&options, option.name))
			r = err_set(err, EINVAL, "line %u: '%s' is there twice", n, option.name);
		options.all = mem_grow(options.all, options.n + 1, sizeof(*options.all));
		options.all[options.n++] = option;
	}
	if (r < 0)
		tiny_options_free(&options);
	else
		*ret = options;
	return r;
}

void tiny_options_free(struct tiny_options *options)
{
	free(options->all);
	free(options->text);
	*options = (struct tiny_options){0};
}

/* ---- kconfig's texts ------------------------------------------------------------------------ */

static bool is_off(const struct tiny_option *option)
{
	return str_eq(option->value, "n");
}

void tiny_options_fragment(const struct tiny_options *options, struct str *out)
{
	for (size_t i = 0; i < options->n; i++) {
		const struct tiny_option *option = &options->all[i];
		if (is_off(option))
			str_addf(out, "# CONFIG_%s is not set\n", option->name);
		else
			str_addf(out, "CONFIG_%s=%s\n", option->name, option->value);
	}
}

/* What follows 'begin' in the line that begins so; NULL: there is no such line. */
static const char *after(const char *text, const char *begin)
{
	size_t len = strlen(begin);

	for (const char *at = text; (at = strstr(at, begin)) != NULL; at += len)
		if (at == text || at[-1] == '\n')
			return at + len;
	return NULL;
}

bool tiny_option_kept(const struct tiny_option *option, const char *config)
{
	MEM_AUTO char *begin = mem_printf("CONFIG_%s=", option->name);
	const char *value = after(config, begin);
	size_t len = strlen(option->value);

	if (is_off(option))
		return !value;
	return value && str_starts(value, option->value) && (value[len] == '\n' || !value[len]);
}

bool tiny_option_declared(const struct tiny_option *option, const char *kconfig)
{
	static const char *const words[] = {"config ", "menuconfig ", NULL};

	for (size_t i = 0; words[i]; i++) {
		MEM_AUTO char *begin = mem_printf("%s%s", words[i], option->name);
		for (const char *at = kconfig; (at = after(at, begin)) != NULL;)
			if (!*at || isspace((unsigned char)*at))
				return true;
	}
	return false;
}
