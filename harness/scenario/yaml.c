/*
 * YAML text -> tree, by libfyaml's events. Anchors, aliases, merge keys and tags are refused: a
 * scenario says each thing once, '${name}' repeats values, and nothing can expand without bound.
 * Duplicate keys are found here, so that all of them are told at once.
 */
#include <errno.h>
#include <fcntl.h>
#include <libfyaml.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "harness/scenario/tree.h"

enum { FILE_MAX = 1 << 20, DEPTH_MAX = 24 };

struct reader {
	struct fy_parser *parser;
	const char *file;
	struct diags *diags;
};

static struct node place(struct fy_event *event)
{
	const struct fy_mark *mark = fy_event_start_mark(event);

	if (!mark)
		return (struct node){.line = 1, .column = 1};
	struct node at = {.line = mark->line + 1, .column = mark->column + 1};
	/* Marks of quoted scalars are behind the quote (libfyaml 0.7). */
	if (event->type == FYET_SCALAR && at.column > 1) {
		enum fy_scalar_style style = fy_token_scalar_style(event->scalar.value);
		at.column -= style == FYSS_SINGLE_QUOTED || style == FYSS_DOUBLE_QUOTED;
	}
	return at;
}

static void refuse_extras(struct reader *reader, struct fy_event *event, const struct node *at)
{
	if (fy_event_get_anchor_token(event))
		diag_add(
			reader->diags, reader->file, at,
			"anchor, expected none: scenarios repeat values with params and '${name}'");
	if (fy_event_get_tag_token(event))
		diag_add(reader->diags, reader->file, at,
			 "YAML tag ('!...'), expected a plain value");
}

/* "null" and "~" without quotes are nothing, as an empty value is. */
static char *scalar_text(struct fy_event *event)
{
	struct fy_token *token = event->scalar.value;
	size_t len = 0;
	const char *text = fy_token_get_text(token, &len);

	if (!text)
		return mem_dup("");
	bool plain = fy_token_scalar_style(token) == FYSS_PLAIN;
	if (plain && ((len == 1 && text[0] == '~') || (len == 4 && !memcmp(text, "null", 4))))
		return mem_dup("");
	char *copy = mem_new(len + 1);
	memcpy(copy, text, len);
	copy[len] = '\0';
	return copy;
}

static int read_node(struct reader *reader, struct fy_event *event, int depth, struct node *ret);

static void check_key(struct reader *reader, const struct node *map, const struct node *key)
{
	if (key->kind != NODE_SCALAR || !key->text[0]) {
		char got[80];
		diag_add(reader->diags, reader->file, key, "key, expected a name, got %s",
			 node_describe(key, got, sizeof(got)));
		return;
	}
	if (str_eq(key->text, "<<"))
		diag_add(reader->diags, reader->file, key,
			 "merge key '<<', expected a name: merging is not supported");
	for (size_t i = 0; &map->keys[i] != key; i++)
		if (str_eq(map->keys[i].text, key->text)) {
			diag_add(reader->diags, reader->file, key,
				 "key '%s' given twice in one map, first on line %d", key->text,
				 map->keys[i].line);
			return;
		}
}

/* Keys are names. One that is a map, list or alias has been told; it stays as "?". */
static void settle_key(struct node *key)
{
	if (key->kind == NODE_SCALAR)
		return;
	struct node plain = {.line = key->line, .column = key->column, .text = mem_dup("?")};
	node_clear(key);
	*key = plain;
}

/* Items up to the closing event; for maps, keys and values take turns. */
static int read_items(struct reader *reader, int depth, struct node *node)
{
	enum fy_event_type end = node->kind == NODE_MAP ? FYET_MAPPING_END : FYET_SEQUENCE_END;
	struct fy_event *event;
	bool is_key = node->kind == NODE_MAP;

	while ((event = fy_parser_parse(reader->parser))) {
		bool ended = event->type == end;
		int r = 0;
		if (!ended) {
			size_t at =
				is_key || node->kind == NODE_LIST ? node_append(node) : node->n - 1;
			struct node *to = is_key ? &node->keys[at] : &node->items[at];
			r = read_node(reader, event, depth + 1, to);
			if (r >= 0 && is_key) {
				check_key(reader, node, to);
				settle_key(to);
			}
			if (node->kind == NODE_MAP)
				is_key = !is_key;
		}
		fy_parser_event_free(reader->parser, event);
		if (ended || r < 0)
			return r;
	}
	return -EINVAL;
}

static int read_node(struct reader *reader, struct fy_event *event, int depth, struct node *ret)
{
	*ret = place(event);
	if (depth > DEPTH_MAX) {
		diag_add(reader->diags, reader->file, ret,
			 "nested too deeply, expected at most %d levels", DEPTH_MAX);
		return -EINVAL;
	}
	refuse_extras(reader, event, ret);
	if (event->type == FYET_SCALAR) {
		ret->text = scalar_text(event);
		return 0;
	}
	if (event->type == FYET_MAPPING_START || event->type == FYET_SEQUENCE_START) {
		ret->kind = event->type == FYET_MAPPING_START ? NODE_MAP : NODE_LIST;
		return read_items(reader, depth, ret);
	}
	diag_add(reader->diags, reader->file, ret,
		 "alias ('*...'), expected a value: write names that end in '*' in quotes");
	ret->text = mem_dup("");
	return 0;
}

/* The first complaint of libfyaml, as one line. Later ones follow from the first. */
static void tell_syntax(struct reader *reader, const char *text, struct fy_diag *diag)
{
	void *prev = NULL;
	const struct fy_diag_error *error = fy_diag_errors_iterate(diag, &prev);
	struct node at = {.line = 1, .column = 1};

	if (!error) {
		diag_add(reader->diags, reader->file, &at, "cannot be read as YAML");
		return;
	}
	at.line = error->line > 0 ? error->line : 1;
	at.column = error->column > 0 ? error->column : 1;
	const char *line = text;
	for (int i = 1; i < at.line && line; i++) {
		line = strchr(line, '\n');
		line = line ? line + 1 : NULL;
	}
	size_t indent = line ? strspn(line, " \t") : 0;
	if (line && memchr(line, '\t', indent)) {
		at.column = (int)strcspn(line, "\t") + 1;
		diag_add(reader->diags, reader->file, &at,
			 "tab in the indentation, expected spaces");
		return;
	}
	diag_add(reader->diags, reader->file, &at, "not YAML: %s", error->msg);
}

/* One document, and nothing after it. */
static int read_stream(struct reader *reader, struct node *root, bool *ret_found)
{
	struct fy_event *event;
	int documents = 0, r = 0;

	while (r >= 0 && (event = fy_parser_parse(reader->parser))) {
		if (event->type == FYET_DOCUMENT_START && ++documents == 2) {
			struct node at = place(event);
			diag_add(reader->diags, reader->file, &at,
				 "a second document ('---'), expected one scenario a file");
			r = -EINVAL;
		} else if (event->type == FYET_SCALAR || event->type == FYET_MAPPING_START ||
			   event->type == FYET_SEQUENCE_START || event->type == FYET_ALIAS) {
			r = read_node(reader, event, 0, root);
			*ret_found = true;
		}
		fy_parser_event_free(reader->parser, event);
	}
	return r;
}

static int read_tree(const char *file, const char *text, size_t len, struct node *root,
		     struct diags *diags)
{
	struct fy_diag_cfg diag_cfg;
	fy_diag_cfg_default(&diag_cfg);
	diag_cfg.fp = NULL;
	struct fy_diag *diag = fy_diag_create(&diag_cfg);
	if (!diag)
		return -ENOMEM;
	fy_diag_set_collect_errors(diag, true);
	struct fy_parse_cfg cfg = {.flags = FYPCF_QUIET | FYPCF_DEFAULT_VERSION_1_2, .diag = diag};
	struct reader reader = {fy_parser_create(&cfg), file, diags};
	size_t before = diags->n;
	bool found = false;
	int r = -ENOMEM;

	if (reader.parser && fy_parser_set_string(reader.parser, text, len) == 0)
		r = read_stream(&reader, root, &found);
	if (r != -ENOMEM && fy_diag_got_error(diag) && diags->n == before) {
		tell_syntax(&reader, text, diag);
		r = -EINVAL;
	}
	if (r == 0 && !found)
		diag_add(diags, file, NULL, "empty file, expected a scenario (a map)");
	fy_parser_destroy(reader.parser);
	fy_diag_destroy(diag);
	return r == -ENOMEM ? r : diags->n > before ? -EINVAL : 0;
}

/* ---- text before it is YAML ---------------------------------------------------------------- */

/* Length of the UTF-8 character at s, 0 when it is none (or a control character). */
static size_t utf8_length(const unsigned char *s, size_t left)
{
	static const struct {
		unsigned char first, last;
		unsigned char more;	 /* bytes after the first */
		unsigned char low, high; /* of the second byte */
	} forms[] = {
		{0xc2, 0xdf, 1, 0x80, 0xbf}, {0xe0, 0xe0, 2, 0xa0, 0xbf},
		{0xe1, 0xec, 2, 0x80, 0xbf}, {0xed, 0xed, 2, 0x80, 0x9f},
		{0xee, 0xef, 2, 0x80, 0xbf}, {0xf0, 0xf0, 3, 0x90, 0xbf},
		{0xf1, 0xf3, 3, 0x80, 0xbf}, {0xf4, 0xf4, 3, 0x80, 0x8f},
	};

	if (s[0] < 0x80)
		return s[0] >= 0x20 && s[0] != 0x7f ? 1
						    : s[0] == '\n' || s[0] == '\t' || s[0] == '\r';
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		if (s[0] < forms[i].first || s[0] > forms[i].last || left <= forms[i].more)
			continue;
		if (s[1] < forms[i].low || s[1] > forms[i].high)
			return 0;
		for (size_t k = 2; k <= forms[i].more; k++)
			if ((s[k] & 0xc0) != 0x80)
				return 0;
		return forms[i].more + 1U;
	}
	return 0;
}

static int check_bytes(const char *file, const char *text, size_t len, struct diags *diags)
{
	struct node at = {.line = 1, .column = 1};

	if (len > FILE_MAX) {
		diag_add(diags, file, NULL, "%zu bytes, expected a scenario of at most 1 MiB", len);
		return -EINVAL;
	}
	for (size_t i = 0, step; i < len; i += step) {
		step = utf8_length((const unsigned char *)text + i, len - i);
		if (!step) {
			diag_add(diags, file, &at, "byte 0x%02x, expected UTF-8 text",
				 (unsigned char)text[i]);
			return -EINVAL;
		}
		at.column++;
		if (text[i] == '\n')
			at = (struct node){.line = at.line + 1, .column = 1};
	}
	return 0;
}

/* ---- scenarios ----------------------------------------------------------------------------- */

/* "/usr/share/oomlab/scenarios/limits/x.yaml" -> "limits"; "" outside of a 'scenarios' folder. */
static char *suite_of(const char *file)
{
	static const char root[] = "scenarios/";
	const char *end = strrchr(file, '/'), *from = NULL;

	for (const char *p = file; (p = strstr(p, root)); p++)
		if (p == file || p[-1] == '/')
			from = p + sizeof(root) - 1;
	if (!from || !end || end <= from)
		return mem_dup("");
	return mem_printf("%.*s", (int)(end - from), from);
}

static char *name_of(const char *file, const struct node *root)
{
	const struct node *name = node_get(root, "name");

	if (name && name->kind == NODE_SCALAR && name->text[0])
		return mem_dup(name->text);
	const char *base = strrchr(file, '/');
	base = base ? base + 1 : file;
	size_t len = strlen(base);
	if (str_ends(base, ".yaml"))
		len -= strlen(".yaml");
	return mem_printf("%.*s", (int)len, base);
}

int scenario_parse(const char *file, const char *text, size_t len, struct scenario **ret,
		   struct diags *diags, struct err *err)
{
	struct node root = {0};

	int r = check_bytes(file, text, len, diags);
	if (r >= 0)
		r = read_tree(file, text, len, &root, diags);
	if (r >= 0 && root.kind != NODE_MAP) {
		char got[80];
		diag_add(diags, file, &root,
			 "expected a map (name, groups, tasks, steps ...), got %s",
			 node_describe(&root, got, sizeof(got)));
		r = -EINVAL;
	}
	if (r < 0) {
		node_clear(&root);
		return err_set(err, -r, "%s: %s", file,
			       r == -ENOMEM ? "cannot start the YAML parser" : "not a scenario");
	}
	struct scenario *scenario = mem_zero(1, sizeof(*scenario));
	*scenario = (struct scenario){mem_dup(file), name_of(file, &root), suite_of(file), root};
	*ret = scenario;
	return 0;
}

int scenario_load(const char *file, struct scenario **ret, struct diags *diags, struct err *err)
{
	STR_AUTO text = STR_INIT;
	struct stat st;

	if (stat(file, &st) < 0)
		return err_errno(err, errno, "scenario '%s'", file);
	if (!S_ISREG(st.st_mode))
		return err_set(err, EINVAL, "scenario '%s': not a regular file", file);
	if (st.st_size > FILE_MAX) {
		diag_add(diags, file, NULL, "%lld bytes, expected a scenario of at most 1 MiB",
			 (long long)st.st_size);
		return err_set(err, EINVAL, "%s: not a scenario", file);
	}
	int r = fd_read_at_most(AT_FDCWD, file, FILE_MAX, &text, err);
	if (r < 0)
		return err_wrap(err, "scenario '%s'", file);
	return scenario_parse(file, str_text(&text), text.len, ret, diags, err);
}

void scenario_free(struct scenario *scenario)
{
	if (!scenario)
		return;
	node_clear(&scenario->root);
	free(scenario->file);
	free(scenario->name);
	free(scenario->suite);
	free(scenario);
}
