/*
 * See text.h. Widths follow East Asian Width (Unicode 15) in ranges coarse enough to read; a
 * wrong guess costs a column of alignment and nothing else.
 */
#include "harness/record/text.h"

#include <stdbool.h>

struct range {
	uint32_t first, last;
};

/* Never shown as they are: controls, invisible ones, direction marks, non-characters. */
static const struct range hidden[] = {
	{0x00, 0x1f},	    {0x7f, 0x9f},	 {0xad, 0xad},	   {0x61c, 0x61c},
	{0x180e, 0x180e},   {0x200b, 0x200f},	 {0x2028, 0x202e}, {0x2060, 0x206f},
	{0xfdd0, 0xfdef},   {0xfeff, 0xfeff},	 {0xfff9, 0xfffb}, {0xfffe, 0xffff},
	{0xe0000, 0xe0fff}, {0xf0000, 0x10ffff},
};

static const struct range combining[] = {
	{0x300, 0x36f},	  {0x483, 0x489},   {0x591, 0x5bd},   {0x610, 0x61a},	{0x64b, 0x65f},
	{0x1ab0, 0x1aff}, {0x1dc0, 0x1dff}, {0x20d0, 0x20ff}, {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f},
};

static const struct range wide[] = {
	{0x1100, 0x115f},   {0x2e80, 0x303e},	{0x3041, 0xa4cf},   {0xa960, 0xa97f},
	{0xac00, 0xd7a3},   {0xf900, 0xfaff},	{0xfe30, 0xfe6f},   {0xff00, 0xff60},
	{0xffe0, 0xffe6},   {0x1f300, 0x1f64f}, {0x1f680, 0x1f6ff}, {0x1f900, 0x1f9ff},
	{0x20000, 0x3fffd},
};

#define IN(c, ranges) in((c), (ranges), sizeof(ranges) / sizeof(*(ranges)))

static bool in(uint32_t c, const struct range *ranges, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (c >= ranges[i].first && c <= ranges[i].last)
			return true;
	return false;
}

static const struct {
	size_t len;
	uint32_t least; /* smaller values are overlong */
	unsigned char mask, lead;
} forms[] = {
	{1, 0, 0x80, 0x00},
	{2, 0x80, 0xe0, 0xc0},
	{3, 0x800, 0xf0, 0xe0},
	{4, 0x10000, 0xf8, 0xf0},
};

/* The NUL at the end is no continuation byte, so this never reads past it. */
static size_t decode(const char *at, size_t form, uint32_t *ret_char)
{
	uint32_t c = (unsigned char)at[0] & (unsigned char)~forms[form].mask;

	for (size_t i = 1; i < forms[form].len; i++) {
		unsigned char byte = (unsigned char)at[i];
		if ((byte & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (byte & 0x3f);
	}
	if (c < forms[form].least || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*ret_char = c;
	return forms[form].len;
}

size_t text_next(const char *at, uint32_t *ret_char)
{
	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++)
		if (((unsigned char)*at & forms[i].mask) == forms[i].lead)
			return decode(at, i, ret_char);
	return 0;
}

static void add_escaped(struct str *out, uint32_t c)
{
	if (c == '\n')
		str_add(out, "\\n");
	else if (c == '\t')
		str_add(out, "\\t");
	else if (c < 0x80)
		str_addf(out, "\\x%02x", c);
	else
		str_addf(out, c > 0xffff ? "\\U%08x" : "\\u%04x", c);
}

static void add_all(struct str *out, const char *bytes, bool escape_hidden)
{
	uint32_t c;

	for (const char *at = bytes; *at;) {
		size_t len = text_next(at, &c);
		if (len == 0) {
			str_addf(out, "\\x%02x", (unsigned char)*at++);
			continue;
		}
		if (escape_hidden && IN(c, hidden))
			add_escaped(out, c);
		else
			str_addn(out, at, len);
		at += len;
	}
}

void text_clean(struct str *out, const char *bytes)
{
	add_all(out, bytes, true);
}

void text_utf8(struct str *out, const char *bytes)
{
	add_all(out, bytes, false);
}

static size_t char_columns(uint32_t c)
{
	if (IN(c, combining))
		return 0;
	return IN(c, wide) ? 2 : 1;
}

/* The byte length of the longest prefix that fits, its width in *ret_columns. */
static size_t fit(const char *clean, size_t columns, size_t *ret_columns)
{
	const char *at = clean;
	size_t used = 0;

	while (*at) {
		uint32_t c = 0;
		size_t len = text_next(at, &c), width = len ? char_columns(c) : 1;
		if (width > columns - used)
			break;
		used += width;
		at += len ? len : 1;
	}
	*ret_columns = used;
	return (size_t)(at - clean);
}

size_t text_columns(const char *clean)
{
	size_t columns;

	fit(clean, SIZE_MAX, &columns);
	return columns;
}

size_t text_cut(struct str *out, const char *clean, size_t columns)
{
	static const char mark[] = "..";
	size_t mark_len = columns < 2 ? columns : 2, used, len = fit(clean, columns, &used);

	if (clean[len] == '\0') {
		str_addn(out, clean, len);
		return used;
	}
	len = fit(clean, columns - mark_len, &used);
	str_addn(out, clean, len);
	str_addn(out, mark, mark_len);
	return used + mark_len;
}
