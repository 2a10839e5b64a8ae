/*
 * The head of a report: "invoked oom-killer", the cpuset line, the CPU line with the kernel's
 * release, and the stack and registers around them, which are known but not kept. See forms.h.
 */
#include "harness/oomlog/forms.h"

enum { HEADER_AT = OOM_COMM_MAX + 32 }; /* a name of a task is in front of it */

static const char invoked[] = " invoked oom-killer:";

bool is_header(struct span text)
{
	struct span start = {text.p, text.n < HEADER_AT ? text.n : HEADER_AT};

	return span_find(start, invoked) || span_starts(text, "oom-killer: gfp_mask=");
}

/* The header of 2.6.9 to 2.6.12 has a mask alone, so only what hangs in the air is open. */
bool header_open(struct span text)
{
	if (text.n && (text.p[text.n - 1] == ',' || text.p[text.n - 1] == ':'))
		return true;
	const char *mask = span_find(text, "gfp_mask=");
	if (!mask)
		return true;
	struct span rest = span_after(text, mask);
	bool braces = memchr(rest.p, '(', rest.n) && !memchr(rest.p, ')', rest.n);
	if (braces)
		return true;
	if (span_find(text, "order=") && !span_find(text, "adj="))
		return span_find(text, "),") != NULL || span_find(text, "nodemask");
	return !span_find(text, "order=") && span_find(text, invoked);
}

/* "mkfs.ext4 invoked", "mkfs.ext4 invoked oom-killer": a mailer broke behind it. */
bool is_invoked_part(struct span text)
{
	struct span s = span_trim(text);

	return span_ends(s, " invoked") || span_ends(s, " invoked oom-killer");
}

/* The value of "key=" up to one of the separators; false: not there. */
static bool value_of(struct span text, const char *key, const char *ends, struct span *ret)
{
	const char *at = span_find(text, key);

	if (!at)
		return false;
	struct span rest = span_after(text, at + strlen(key));
	size_t n = 0;
	while (n < rest.n && !strchr(ends, rest.p[n]))
		n++;
	*ret = (struct span){rest.p, n};
	return true;
}

static int32_t number_of(struct span text, const char *key, bool *ret_said)
{
	struct span value;
	int64_t number;

	*ret_said = false;
	if (!value_of(text, key, ", \t", &value) || !span_i64(&value, &number) ||
	    number > INT32_MAX || number <= INT32_MIN)
		return INT32_MIN;
	*ret_said = true;
	return (int32_t)number;
}

static void read_mask(struct oom_report *r, struct span text)
{
	struct span mask, flags;
	bool said;

	if (value_of(text, "gfp_mask=", "(, ", &mask))
		span_copy(r->gfp_mask, sizeof(r->gfp_mask), mask);
	const char *open = span_find(text, "(");
	if (open) {
		const char *close = memchr(open, ')', (size_t)(text.p + text.n - open));
		flags = span_between(open + 1, close ? close : text.p + text.n);
		span_copy(r->gfp_flags, sizeof(r->gfp_flags), flags);
	}
	r->order = number_of(text, "order=", &said);
	r->oom_score_adj = number_of(text, "oom_score_adj=", &said);
	r->oom_adj = number_of(text, " oom_adj=", &said);
	if (!said)
		r->oom_adj = number_of(text, "oomkilladj=", &said);
	/* a list may have commas: it ends where the order begins */
	const char *nodes = span_find(text, "nodemask=");
	const char *order = nodes ? span_find(span_after(text, nodes), "order=") : NULL;
	if (order) {
		struct span list = span_trim(span_between(nodes + strlen("nodemask="), order));
		while (list.n && (list.p[list.n - 1] == ',' || list.p[list.n - 1] == ' '))
			list.n--;
		span_copy(r->nodemask, sizeof(r->nodemask), list);
	}
}

struct span read_header(struct builder *b, const struct msg *msg)
{
	struct oom_report *r = &b->report;
	const char *at = span_find(msg->text, invoked);
	struct span rest = msg->text;

	r->header_line = msg->line;
	b->caller = msg->caller;
	b->section = SECTION_HEAD;
	if (at) {
		span_copy(r->comm, sizeof(r->comm), span_trim(span_between(msg->text.p, at)));
		rest = span_after(msg->text, at + strlen(invoked));
	}
	read_mask(r, rest);
	struct span mask = span_of(r->gfp_mask);
	uint64_t bits = 1;
	if (span_skip(&mask, "0x")) {
		bits = 0;
		for (size_t i = 0; i < mask.n; i++)
			bits |= mask.p[i] != '0';
	}
	b->pagefault = !bits;
	return (struct span){0};
}

bool is_cpuset(struct span text)
{
	const char *mems = span_find(text, " mems_allowed=");

	return mems && span_find(span_between(text.p, mems), " cpuset=");
}

struct span read_cpuset(struct builder *b, const struct msg *msg)
{
	const char *mems = span_find_last(msg->text, " mems_allowed=");
	const char *name = span_find_last(span_between(msg->text.p, mems), " cpuset=");
	struct oom_report *r = &b->report;

	if (!name)
		return (struct span){0};
	copy_path_end(r->cpuset, sizeof(r->cpuset), span_between(name + strlen(" cpuset="), mems));
	struct span list = span_after(msg->text, mems + strlen(" mems_allowed="));
	span_copy(r->mems_allowed, sizeof(r->mems_allowed), span_word(&list));
	return (struct span){0};
}

bool is_cpu(struct span text)
{
	if (span_starts(text, "CPU: "))
		return span_find(text, " PID: ") != NULL;
	return (span_starts(text, "Pid: ") && span_find(text, ", comm: ")) ||
	       (span_starts(text, "Comm: ") && span_find(text, "ainted"));
}

bool cpu_open(struct span text)
{
	return !span_find(text, "ainted") || !span_find(text, " #");
}

/* The release is the last word before the build number "#1". */
static struct span release_of(struct span text)
{
	const char *taint = span_find(text, "Not tainted");

	if (!taint)
		taint = span_find(text, "Tainted:");
	if (!taint)
		return (struct span){0};
	struct span rest = span_after(text, taint);
	const char *build = span_find(rest, " #");
	struct span upto = build ? span_between(rest.p, build) : rest, word = {0}, last = {0};
	while ((word = span_word(&upto)).n) {
		last = word;
		if (!build && is_digit(*word.p))
			break;
	}
	span_skip(&last, "(");
	return last.n && is_digit(*last.p) ? last : (struct span){0};
}

static int64_t id_of(struct span text, const char *key)
{
	struct span value;
	int64_t number;

	return value_of(text, key, " ,", &value) && span_i64(&value, &number) ? number : -1;
}

/* Another task's trace may be in between, or follow a report that was cut: this one is of the task
 * that the header names. */
bool cpu_fits(const struct builder *b, struct span text)
{
	const char *comm = span_find(text, "omm: ");
	const char *name = b->report.comm;

	return b->section == SECTION_HEAD && comm && *name &&
	       span_starts(span_after(text, comm + strlen("omm: ")), name);
}

struct span read_cpu(struct builder *b, const struct msg *msg)
{
	struct oom_report *r = &b->report;
	struct span release = release_of(msg->text);

	if (!r->kernel[0] && release.n)
		span_copy(r->kernel, sizeof(r->kernel), release);
	if (r->invoker_pid >= 0)
		return (struct span){0};
	bool old = span_starts(msg->text, "Pid: ");
	r->invoker_pid = id_of(msg->text, old ? "Pid: " : "PID: ");
	if (!old)
		r->cpu = id_of(msg->text, "CPU: ");
	r->invoker_uid = id_of(msg->text, " UID: ");
	return (struct span){0};
}

/* ---- stack and registers -------------------------------------------------------------------- */

bool is_stack(struct span text)
{
	if (span_starts(text, "[<"))
		return true;
	const char *at = memchr(text.p, '+', text.n);
	return at && span_starts(span_after(text, at), "+0x") &&
	       memchr(at, '/', (size_t)(text.p + text.n - at));
}

bool is_moom_frame(struct span text)
{
	return span_find(text, "moom_callback") || span_find(text, "sysrq_handle_moom");
}

struct span read_stack(struct builder *b, const struct msg *msg)
{
	if (b->section == SECTION_HEAD && is_moom_frame(msg->text))
		b->sysrq = true;
	if (b->section == SECTION_HEAD && span_find(msg->text, "sys_swapoff"))
		b->report.swapoff = true;
	return (struct span){0};
}

struct span read_workqueue(struct builder *b, const struct msg *msg)
{
	return read_stack(b, msg);
}

/* "RAX: 0000... RBX: ...", "x29: ffff...", "GPR04: ...", "dfa0:    a2000000 ..." */
bool is_registers(struct span text)
{
	struct span rest = text;
	struct span name = span_word(&rest), value = span_word(&rest);

	if (name.n < 2 || name.n > 9 || value.n < 1)
		return false;
	if (name.p[name.n - 1] != ':') {
		if (!span_is(value, ":"))
			return false;
		value = span_word(&rest);
	}
	size_t hex = 0;
	while (hex < value.n && (is_hex(value.p[hex]) || value.p[hex] == ':'))
		hex++;
	return hex >= 4 && (hex == value.n || value.p[hex] == '(');
}

/* "ffff88003bd86dd0 0000000031ad00a5", "89 ef <0f> 11 00", "00007faf24262a40 R15: 000000003b9aca00"
 */
bool is_words_of_stack(struct span text)
{
	struct span rest = text, word;
	int words = 0;

	while ((word = span_word(&rest)).n) {
		bool name = word.p[word.n - 1] == ':' && word.n <= 9;
		if (*word.p == '<' && word.p[word.n - 1] == '>' && word.n > 2)
			word = (struct span){word.p + 1, word.n - 2};
		for (size_t i = 0; !name && i < word.n; i++)
			if (!is_hex(word.p[i]))
				return false;
		if (!name && word.n != 2 && word.n < 8)
			return false;
		words++;
	}
	return words >= 2;
}
