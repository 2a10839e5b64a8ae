/*
 * A tree as YAML text: maps in blocks, lists of scalars in one line, everything in quotes that
 * could be read as something else.
 */
#include <string.h>

#include "harness/scenario/shrink.h"

static void write_scalar(const char *text, struct str *out)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789_./%+-";

	/* Nothing is nothing; "null" in quotes is a word. */
	if (!text || !text[0])
		return;
	if (text[0] != '-' && strspn(text, plain) == strlen(text) && !str_eq(text, "null")) {
		str_add(out, text);
		return;
	}
	str_add(out, "\"");
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			str_addf(out, "\\%c", *text);
		else if (text[0] == '$' && text[1] == '{')
			str_add(out, "$$"); /* it was one that is no parameter */
		else if ((unsigned char)*text < ' ')
			str_addf(out, "\\x%02x", (unsigned char)*text);
		else
			str_addn(out, text, 1);
	}
	str_add(out, "\"");
}

static bool is_flat(const struct node *node)
{
	for (size_t i = 0; i < node->n; i++)
		if (node->items[i].kind != NODE_SCALAR)
			return false;
	return true;
}

static void write_flat(const struct node *node, struct str *out)
{
	str_add(out, node->kind == NODE_MAP ? "{" : "[");
	for (size_t i = 0; i < node->n; i++) {
		str_add(out, i ? ", " : "");
		if (node->keys) {
			write_scalar(node->keys[i].text, out);
			str_add(out, ": ");
		}
		/* In a line of its own, an empty value would be the next key. */
		if (node->items[i].text && node->items[i].text[0])
			write_scalar(node->items[i].text, out);
		else
			str_add(out, "~");
	}
	str_add(out, node->kind == NODE_MAP ? "}" : "]");
}

static void write_block(const struct node *node, int depth, struct str *out)
{
	for (size_t i = 0; i < node->n; i++) {
		const struct node *item = &node->items[i];
		/* The first key of a map in a list stands behind the dash. */
		str_addf(out, "%*s", depth * 2, "");
		if (node->keys)
			write_scalar(node->keys[i].text, out);
		str_add(out, node->keys ? ":" : "-");
		if (item->kind == NODE_SCALAR) {
			str_add(out, " ");
			write_scalar(item->text, out);
			str_add(out, "\n");
		} else if (is_flat(item)) {
			str_add(out, " ");
			write_flat(item, out);
			str_add(out, "\n");
		} else {
			str_add(out, "\n");
			write_block(item, depth + 1, out);
		}
	}
}

void shrink_write(const struct node *root, struct str *out)
{
	write_block(root, 0, out);
}
