/*
 * What follows the zones of Mem-Info: page counts, swap, and the lists of slabs and of allocations.
 * See forms.h.
 */
#include "harness/oomlog/forms.h"

static const struct span nothing;

/* "4194303 pages RAM", "79792 total pagecache pages", "0 pages HighMem/MovableOnly" */
bool is_pages(struct span text)
{
	struct span rest = text;
	uint64_t count;

	if (!span_u64(&rest, &count) || !span_skip(&rest, " ") || rest.n > 40)
		return false;
	for (size_t i = 0; i < rest.n; i++)
		if (!is_alpha(rest.p[i]) && !strchr(" -/", rest.p[i]))
			return false;
	return span_starts(rest, "pages") || span_ends(rest, " pages") || span_is(rest, "pages");
}

/* "91830" and "pages reserved", "0 pages" and "HighMem/MovableOnly" in the next line */
bool is_pages_part(struct span text)
{
	struct span rest = text;
	uint64_t count;

	return span_u64(&rest, &count) && !rest.n;
}

bool pages_join(struct span text, struct span next)
{
	if (is_pages_part(text))
		return span_starts(next, "pages") || span_starts(next, "total pagecache");
	return span_ends(text, " pages") && (span_is(next, "HighMem/MovableOnly") ||
					     span_is(next, "reserved") || span_is(next, "RAM"));
}

struct span read_pages(struct builder *b, const struct msg *msg)
{
	struct span rest = msg->text;
	uint64_t count;

	if (span_u64(&rest, &count))
		builder_figure(b, nothing, span_trim(rest), count, OOM_PAGES, msg->line);
	return nothing;
}

/* "Free swap  = 20904kB", "Free swap:       0kB", "Free pages:    9196kB (1856kB HighMem)" */
bool is_swap(struct span text)
{
	return span_starts(text, "Free swap") || span_starts(text, "Total swap") ||
	       span_starts(text, "Free pages:");
}

struct span read_swap(struct builder *b, const struct msg *msg)
{
	size_t n = 0;
	uint64_t value;

	b->memory = true;
	while (n < msg->text.n && msg->text.p[n] != '=' && msg->text.p[n] != ':')
		n++;
	struct span name = span_trim((struct span){msg->text.p, n});
	struct span rest = span_from(msg->text, n + 1);
	span_skip_blanks(&rest);
	if (!span_u64(&rest, &value))
		return nothing;
	builder_figure(b, nothing, name, value, OOM_KB, msg->line);
	const char *open = memchr(rest.p, '(', rest.n);
	if (open && span_find(rest, "kB HighMem")) {
		struct span high = span_after(rest, open + 1);
		span_skip_blanks(&high);
		if (span_u64(&high, &value))
			builder_figure(b, nothing, span_of("Free pages HighMem"), value, OOM_KB,
				       msg->line);
	}
	return nothing;
}

/* "Swap cache stats: add 0, delete 0, find 0/0", without "stats" up to 2.6.16 */
struct span read_swap_cache(struct builder *b, const struct msg *msg)
{
	static const char *const words[] = {"add ", "delete ", NULL};
	static const char *const names[] = {"Swap cache stats add", "Swap cache stats delete"};
	uint64_t value;

	for (int i = 0; words[i]; i++) {
		const char *at = span_find(msg->text, words[i]);
		if (!at)
			continue;
		struct span rest = span_after(msg->text, at + strlen(words[i]));
		if (span_u64(&rest, &value))
			builder_figure(b, nothing, span_of(names[i]), value, OOM_COUNT,
				       msg_line(msg, at));
	}
	return nothing;
}

/* ---- lists behind Mem-Info ------------------------------------------------------------------ */

struct span read_slab_head(struct builder *b, const struct msg *msg)
{
	(void)msg;
	b->section = SECTION_SLAB;
	return nothing;
}

/* "kmalloc-512           107357KB     135296KB" */
static bool slab(struct span text, struct span *ret_name, uint64_t *ret_used, uint64_t *ret_total)
{
	struct span rest = text;

	*ret_name = span_word(&rest);
	span_skip_blanks(&rest);
	if (!span_u64(&rest, ret_used) || !span_skip(&rest, "KB"))
		return false;
	span_skip_blanks(&rest);
	return span_u64(&rest, ret_total) && span_skip(&rest, "KB") && !span_trim(rest).n;
}

bool is_slab(struct span text)
{
	struct span name;
	uint64_t used, total;

	return slab(text, &name, &used, &total);
}

struct span read_slab(struct builder *b, const struct msg *msg)
{
	struct span name, where = span_of("Unreclaimable slab");
	uint64_t used, total;
	char text[48];

	if (!slab(msg->text, &name, &used, &total))
		return nothing;
	span_copy(text, sizeof(text) - 7, name);
	size_t n = strlen(text);
	memcpy(text + n, " used", 6);
	builder_figure(b, where, span_of(text), used, OOM_KB, msg->line);
	memcpy(text + n, " total", 7);
	builder_figure(b, where, span_of(text), total, OOM_KB, msg->line);
	return nothing;
}

struct span read_allocations_head(struct builder *b, const struct msg *msg)
{
	(void)msg;
	b->section = SECTION_ALLOCATIONS;
	return nothing;
}

/* "  3176243200   247900 mm/slub.c:2264 func:alloc_slab_page" (6.10), "    38.4 MiB ..." later:
 * where code allocated, not figures of the machine */
bool is_allocation(struct span text)
{
	return text.n && is_digit(*text.p) && span_find(text, " func:");
}
