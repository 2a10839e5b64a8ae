/*
 * The journal's text: lines to entries, and striking one out. Pure but for the two functions that
 * take a descriptor. Called by journal.c and journal_undo.c; the form is in journal_file.h.
 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "harness/exec/journal_file.h"

static int hex(char c)
{
	return isdigit((unsigned char)c) ? c - '0' : toupper((unsigned char)c) - 'A' + 10;
}

/* Decodes in place; "-" alone is the empty text. False: not an encoding. */
static bool decode(char *field)
{
	char *to = field;

	if (str_eq(field, "-")) {
		*field = '\0';
		return true;
	}
	for (const char *c = field; *c; c++) {
		if (*c != '%') {
			*to++ = *c;
			continue;
		}
		if (!isxdigit((unsigned char)c[1]) || !isxdigit((unsigned char)c[2]))
			return false;
		*to = (char)(hex(c[1]) * 16 + hex(c[2]));
		if (*to++ == '\0')
			return false;
		c += 2;
	}
	*to = '\0';
	return true;
}

static int find_kind(const char *word, enum journal_kind *ret)
{
	for (int i = 0; i < JOURNAL_KINDS; i++) {
		if (str_eq(journal_kinds[i].word, word)) {
			*ret = (enum journal_kind)i;
			return 0;
		}
	}
	return -ENOENT;
}

/* One line without its newline, which it takes apart. */
static int parse_entry(char *line, struct journal_entry *e, struct err *err)
{
	MEM_AUTO char *shown = mem_dup(line);
	char *field[4];
	char *rest = line;

	if ((line[0] != '+' && line[0] != '-') || line[1] != ' ')
		return err_set(err, EPROTO, "'%s' is not an entry", shown);
	e->live = line[0] == '+';
	rest = line + 2;
	for (size_t i = 0; i < 4; i++) {
		field[i] = strsep(&rest, " ");
		if (!field[i] || !decode(field[i]))
			return err_set(err, EPROTO, "'%s' is not an entry", shown);
	}
	if (rest)
		return err_set(err, EPROTO, "'%s' has more than four fields", shown);
	if (find_kind(field[0], &e->kind) < 0)
		return err_set(err, EPROTO, "'%s' is of no kind that this version knows", shown);
	e->a = mem_dup(field[1]);
	e->before = mem_dup(field[2]);
	e->set = mem_dup(field[3]);
	return 0;
}

static void add_entry(struct journal_text *text, const struct journal_entry *entry)
{
	text->entries = mem_grow(text->entries, text->n + 1, sizeof(*text->entries));
	text->entries[text->n++] = *entry;
}

static int parse_lines(char *copy, struct journal_text *ret, struct err *err)
{
	char *line = copy;
	int length = 0;
	char *end;

	for (int number = 1; (end = strchr(line, '\n')); number++, line = end + 1) {
		struct journal_entry entry = {.offset = line - copy};
		int rc;

		*end = '\0';
		if (number > 1) {
			rc = parse_entry(line, &entry, err);
			if (rc == 0)
				add_entry(ret, &entry);
		} else {
			rc = sscanf(line, "oomlab-journal 1 boot=%39s pid=%ld start=%" SCNu64 "%n",
				    ret->boot, &ret->pid, &ret->start, &length) == 3 &&
					     line[length] == '\0' && length > 0
				     ? 0
				     : err_set(err, EPROTO,
					       "'%s' does not begin a journal of this version",
					       line);
		}
		if (rc < 0)
			return err_wrap(err, "line %d", number);
	}
	if (length == 0)
		return err_set(err, EPROTO, "the first line is not complete");
	return 0;
}

int journal_parse(const char *source, struct journal_text *ret, struct err *err)
{
	MEM_AUTO char *copy = mem_dup(source);
	struct journal_text text = {.n = 0};
	int rc = parse_lines(copy, &text, err);

	if (rc < 0) {
		journal_text_free(&text);
		return rc;
	}
	*ret = text;
	return 0;
}

int journal_load(int fd, struct journal_text *ret, struct err *err)
{
	STR_AUTO text = STR_INIT;
	char chunk[4096];
	ssize_t n;

	while ((n = pread(fd, chunk, sizeof(chunk), (off_t)text.len)) != 0) {
		if (n > 0)
			str_addn(&text, chunk, (size_t)n);
		else if (errno != EINTR)
			return err_errno(err, errno, "cannot read");
	}
	return journal_parse(str_text(&text), ret, err);
}

void journal_text_free(struct journal_text *text)
{
	for (size_t i = 0; i < text->n; i++) {
		free(text->entries[i].a);
		free(text->entries[i].before);
		free(text->entries[i].set);
	}
	free(text->entries);
	*text = (struct journal_text){.n = 0};
}

int journal_strike(int fd, const struct journal_entry *entry, struct err *err)
{
	/* One byte, so that a crash leaves the old line or the new one. It need not reach the
	 * disk: undoing an entry twice is harmless. */
	if (pwrite(fd, "-", 1, entry->offset) != 1)
		return err_errno(err, errno, "cannot strike an entry out");
	return 0;
}
