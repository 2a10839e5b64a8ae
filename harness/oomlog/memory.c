/*
 * Mem-Info: totals, node and zone lines, free lists, huge pages, of 2.4 to 7.x. Names and units
 * stay as printed. What follows is in counts.c. See forms.h.
 */
#include "harness/oomlog/forms.h"

static const struct span nothing;

static bool in_list(struct span word, const char *const *list)
{
	for (; *list; list++)
		if (span_is(word, *list))
			return true;
	return false;
}

/* The rest of a word of digits that a cut left: "057 slab:220275". */
static struct span behind_cut(struct span text)
{
	size_t n = 0;

	while (n < text.n && is_digit(text.p[n]))
		n++;
	struct span rest = span_from(text, n);
	span_skip_blanks(&rest);
	return n ? rest : text;
}

struct span read_meminfo(struct builder *b, const struct msg *msg)
{
	(void)msg;
	b->section = SECTION_MEMORY;
	b->memory = true;
	return nothing;
}

bool is_totals(struct span text)
{
	static const char *const keys[] = {"Active",
					   "active",
					   "Active_anon",
					   "active_anon",
					   "active_file",
					   "inactive",
					   "inactive_anon",
					   "inactive_file",
					   "unevictable",
					   "slab",
					   "slab_reclaimable",
					   "slab_unreclaimable",
					   "mapped",
					   "free",
					   "sec_pagetables",
					   "kernel_misc_reclaimable",
					   "isolated_anon",
					   "isolated_file",
					   "dirty",
					   "writeback",
					   "pagetables",
					   "free_pcp",
					   "bounce",
					   "shmem",
					   "zspages",
					   "unstable",
					   "gpu_active",
					   "free_cma",
					   NULL};
	struct span rest = behind_cut(text);
	struct pair pair;

	return pair_starts(rest) && pair_next(&rest, &pair) && !pair.unit.n &&
	       in_list(pair.key, keys);
}

struct span read_totals(struct builder *b, const struct msg *msg)
{
	struct span rest = behind_cut(msg->text);
	struct pair pair;

	b->section = SECTION_MEMORY;
	b->memory = true;
	while (pair_next(&rest, &pair))
		builder_figure(b, nothing, pair.key, pair.value, pair_unit(&pair, OOM_PAGES),
			       msg_line(msg, pair.at));
	return nothing;
}

/* Cuts "Node 0 DMA32" or "Normal" off; the words without the colon of a free list. */
static bool place(struct span *text, struct span *ret, bool *ret_colon)
{
	static const char *const zones[] = {"DMA",     "DMA32",	 "Normal", "HighMem",
					    "Movable", "Device", NULL};
	struct span s = *text;
	const char *from = s.p, *to = s.p;
	uint64_t number;

	*ret_colon = false;
	if (span_skip(&s, "Node ")) {
		if (!span_u64(&s, &number))
			return false;
		to = s.p;
		*ret_colon = span_skip(&s, ":");
		span_skip_blanks(&s);
	}
	struct span rest = s;
	struct span word = span_word(&rest);
	bool colon = word.n && word.p[word.n - 1] == ':';
	word.n -= colon;
	if (!*ret_colon && in_list(word, zones)) {
		to = word.p + word.n;
		*ret_colon = colon;
		s = rest;
	}
	*ret = span_between(from, to);
	span_skip_blanks(&s);
	*text = s;
	return ret->n > 0;
}

bool is_zone(struct span text)
{
	struct span rest = text, where;
	struct pair pair;
	bool colon;

	return place(&rest, &where, &colon) && !colon && pair_starts(rest) &&
	       pair_next(&rest, &pair) && pair.unit.n;
}

/* "isolated(anon):0kB isolated(file):0kB ...": of a node or zone whose line was broken */
bool is_figures_part(struct span text)
{
	struct span rest = text;
	struct pair pair;

	return pair_starts(text) && pair_next(&rest, &pair) && pair.unit.n &&
	       memchr("kK", *pair.unit.p, 2);
}

/* A terminal breaks within words: the end of the first line tells. */
bool zone_open(struct span text)
{
	return text.n &&
	       (is_lower(text.p[text.n - 1]) || text.p[text.n - 1] == '_' ||
		text.p[text.n - 1] == ':' || text.p[text.n - 1] == '(') &&
	       !span_ends(text, " yes") && !span_ends(text, " no");
}

bool zone_joins(struct span text, struct span next)
{
	(void)text;
	return is_figures_part(next) || span_starts(next, "all_unreclaimable?") ||
	       span_starts(next, "pages_scanned:") || is_totals(next) ||
	       (span_ends(next, ">") && next.n < 16); /* a pager's cut */
}

struct span read_zone(struct builder *b, const struct msg *msg)
{
	struct span rest = msg->text, where;
	struct pair pair;
	bool colon;

	b->section = SECTION_MEMORY;
	b->memory = true;
	if (!place(&rest, &where, &colon))
		return nothing;
	span_copy(b->zone, sizeof(b->zone), where);
	const char *dead = span_find_last(rest, "all_unreclaimable? ");
	while (pair_next(&rest, &pair)) {
		bool pages = span_is(pair.key, "pages_scanned");
		builder_figure(b, where, pair.key, pair.value,
			       pair_unit(&pair, pages ? OOM_PAGES : OOM_COUNT),
			       msg_line(msg, pair.at));
	}
	if (dead) {
		struct span word = span_after(msg->text, dead + strlen("all_unreclaimable? "));
		builder_figure(b, where, span_of("all_unreclaimable"), span_starts(word, "yes"),
			       OOM_COUNT, msg_line(msg, dead));
	}
	return nothing;
}

bool is_reserve(struct span text)
{
	return span_starts(text, "lowmem_reserve[]:") || span_starts(text, "protections[]:");
}

bool reserve_joins(struct span text, struct span next)
{
	(void)text;
	for (size_t i = 0; i < next.n; i++)
		if (!is_digit(next.p[i]) && next.p[i] != ' ')
			return false;
	return next.n > 0;
}

struct span read_reserve(struct builder *b, const struct msg *msg)
{
	const char *colon = memchr(msg->text.p, ':', msg->text.n);
	struct span rest = span_after(msg->text, colon + 1), word;
	struct span base = span_between(msg->text.p, colon - 2);
	char name[48];
	uint64_t value;

	for (unsigned int i = 0; i < 16 && (word = span_word(&rest)).n; i++) {
		const char *at = word.p;
		if (!span_u64(&word, &value) || word.n)
			break;
		span_copy(name, sizeof(name) - 5, base);
		size_t n = strlen(name);
		name[n++] = '[';
		if (i >= 10)
			name[n++] = (char)('0' + i / 10);
		name[n++] = (char)('0' + i % 10);
		name[n++] = ']';
		name[n] = '\0';
		builder_figure(b, span_of(b->zone), span_of(name), value, OOM_PAGES,
			       msg_line(msg, at));
	}
	return nothing;
}

/* "Node 0 DMA per-cpu:", "CPU    0: hi:  186, btch:  31 usd:   0", "cpu 0 hot: low 2, high 6" */
bool is_per_cpu(struct span text)
{
	if (span_ends(text, "per-cpu:") || span_ends(text, "per-cpu: empty"))
		return true;
	struct span s = text;
	uint64_t number;
	if (!span_skip(&s, "CPU ") && !span_skip(&s, "cpu "))
		return false;
	span_skip_blanks(&s);
	if (!span_u64(&s, &number))
		return false;
	return span_starts(s, ":") || span_starts(s, " hot:") || span_starts(s, " cold:");
}

/* ---- free lists ----------------------------------------------------------------------------- */

/* "12*4kB" */
static bool blocks(struct span *s, uint64_t *ret_count, uint64_t *ret_kb)
{
	struct span rest = *s;

	if (!span_u64(&rest, ret_count) || !span_skip(&rest, "*") || !span_u64(&rest, ret_kb) ||
	    !span_skip(&rest, "kB"))
		return false;
	*s = rest;
	return true;
}

bool is_buddy(struct span text)
{
	struct span rest = text, where;
	uint64_t count, kb;
	bool colon;

	return place(&rest, &where, &colon) && colon && blocks(&rest, &count, &kb);
}

bool buddy_open(struct span text)
{
	const char *total = span_find_last(text, "= ");

	if (span_ends(text, ">")) /* a pager has cut it */
		return false;
	return !total || !span_ends(span_after(text, total), "kB");
}

struct span read_buddy(struct builder *b, const struct msg *msg)
{
	struct span rest = msg->text, where;
	uint64_t count, kb;
	bool colon, first = true;

	b->section = SECTION_MEMORY;
	b->memory = true;
	if (!place(&rest, &where, &colon))
		return nothing;
	while (rest.n) {
		const char *at = rest.p;
		if (blocks(&rest, &count, &kb)) {
			if (first && !b->first_order_bytes && kb <= UINT64_MAX / 1024)
				b->first_order_bytes = kb * 1024;
			first = false;
			const char *star = memchr(at, '*', (size_t)(rest.p - at));
			builder_figure(b, where, span_between(star + 1, rest.p), count, OOM_COUNT,
				       msg_line(msg, at));
		} else if (span_skip(&rest, "= ") && span_u64(&rest, &kb)) {
			builder_figure(b, where, span_of("free lists"), kb, OOM_KB,
				       msg_line(msg, at));
			break;
		} else {
			rest = span_from(rest, 1);
		}
	}
	return nothing;
}

bool is_hugepages(struct span text)
{
	return span_starts(text, "hugepages_") ||
	       (span_starts(text, "Node ") && span_find(text, " hugepages_total="));
}

bool hugepages_open(struct span text)
{
	return !span_find(text, "hugepages_size=");
}

struct span read_hugepages(struct builder *b, const struct msg *msg)
{
	struct span rest = msg->text, where = nothing;
	struct pair pair;
	bool colon;

	if (span_starts(rest, "Node "))
		place(&rest, &where, &colon);
	while (pair_next(&rest, &pair))
		builder_figure(b, where, pair.key, pair.value, pair_unit(&pair, OOM_COUNT),
			       msg_line(msg, pair.at));
	return nothing;
}
