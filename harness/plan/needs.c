/*
 * THE table of needs: what a scenario (or a part of it, by 'when' and 'unless') may ask of a
 * machine, and what would provide it where it is missing. Reads facts alone, asks no kernel.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/parse.h"
#include "harness/plan/build.h"

struct need;
/* Appends to missing what this machine lacks of value; mistakes in value go to diags. */
typedef void (*need_fn)(struct build *b, const struct need *need, const struct node *value,
			struct str *missing);

struct need {
	const char *name;
	need_fn fn;
	size_t offset;	    /* of the field of struct facts it is about */
	const char *noun;   /* "needs NOUN" */
	const char *remedy; /* what would provide it */
};

static const void *fact(const struct build *b, const struct need *need)
{
	return (const char *)b->facts + need->offset;
}

static uint64_t fact_u64(const struct build *b, const struct need *need)
{
	uint64_t value;

	memcpy(&value, fact(b, need), sizeof(value));
	return value;
}

static void miss(struct str *missing, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void miss(struct str *missing, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	str_add(missing, missing->len ? "; needs " : "needs ");
	str_vaddf(missing, fmt, ap);
	va_end(ap);
}

/* ---- there or not: "yes", or "no" for a scenario about its absence ------------------------- */

static void presence(struct build *b, const struct need *need, const struct node *value, bool have,
		     const char *why, struct str *missing)
{
	bool wanted;

	if (!read_bool(b, value, need->name, &wanted) || wanted == have)
		return;
	if (!wanted)
		miss(missing, "a machine without %s", need->noun);
	else if (why[0])
		miss(missing, "%s: %s", need->noun, why);
	else
		miss(missing, "%s (%s)", need->noun, need->remedy);
}

/* A no_... text: why it is missing, "" where it is there. */
static void need_reasoned(struct build *b, const struct need *need, const struct node *value,
			  struct str *missing)
{
	const char *why = fact(b, need);

	presence(b, need, value, !why[0], why, missing);
}

static void need_flag(struct build *b, const struct need *need, const struct node *value,
		      struct str *missing)
{
	const bool *have = fact(b, need);

	presence(b, need, value, *have, "", missing);
}

static void need_text(struct build *b, const struct need *need, const struct node *value,
		      struct str *missing)
{
	const char *text = fact(b, need);

	presence(b, need, value, text[0] != '\0', "", missing);
}

static void need_version(struct build *b, const struct need *need, const struct node *value,
			 struct str *missing)
{
	presence(b, need, value, fact_u64(b, need) != 0, "", missing);
}

/* A list names stressors; which of them this build has, only running it tells. */
static void need_stress_ng(struct build *b, const struct need *need, const struct node *value,
			   struct str *missing)
{
	static const char text_yes[] = "yes";
	struct node yes = *value;
	const char **names;

	if (value->kind != NODE_LIST) {
		need_text(b, need, value, missing);
		return;
	}
	read_texts(b, value, need->name, &names);
	MEM_AUTO char *word = mem_dup(text_yes);
	yes.kind = NODE_SCALAR;
	yes.text = word;
	need_text(b, need, &yes, missing);
}

/* ---- quantities ---------------------------------------------------------------------------- */

static void need_at_least(struct build *b, const struct need *need, const struct node *value,
			  struct str *missing)
{
	uint64_t least, have = fact_u64(b, need);

	if (read_u64(b, value, need->name, 1, 1 << 20, &least) && have < least)
		miss(missing, "%" PRIu64 " %s; here are %" PRIu64, least, need->noun, have);
}

static void need_bytes(struct build *b, const struct need *need, const struct node *value,
		       struct str *missing)
{
	char want[PARSE_TEXT_MAX], got[PARSE_TEXT_MAX];
	uint64_t least, have = fact_u64(b, need);

	if (read_size(b, value, need->name, &least) && have < least)
		miss(missing, "%s of %s; here are %s", format_size(least, want), need->noun,
		     format_size_short(have, got));
}

static void need_page_size(struct build *b, const struct need *need, const struct node *value,
			   struct str *missing)
{
	char want[PARSE_TEXT_MAX], got[PARSE_TEXT_MAX];
	uint64_t size, have = fact_u64(b, need);

	if (!read_size(b, value, need->name, &size) || have == size)
		return;
	if (have)
		miss(missing, "%s of %s; here they have %s", need->noun, format_size(size, want),
		     format_size(have, got));
	else
		miss(missing, "%s of %s; here are none (%s)", need->noun, format_size(size, want),
		     need->remedy);
}

/* ---- special ones -------------------------------------------------------------------------- */

static void need_memory(struct build *b, const struct need *need, const struct node *value,
			struct str *missing)
{
	static const char *const names[] = {"any", "v1", "v2", NULL};
	static const char *const remedies[] = {
		"boot without cgroup_disable=memory",
		"boot with systemd.unified_cgroup_hierarchy=0, or mount the v1 controller",
		"boot with systemd.unified_cgroup_hierarchy=1 cgroup_no_v1=memory",
	};
	uint64_t have = fact_u64(b, need);
	char here[40] = "not available";
	int want;

	if (!read_choice(b, value, need->name, names, &want))
		return;
	if (want ? have == (uint64_t)want : have != 0)
		return;
	if (have)
		snprintf(here, sizeof(here), "on cgroup v%" PRIu64, have);
	miss(missing, "memory on %s%s; here it is %s (%s)", want ? "cgroup " : "any cgroup version",
	     want ? names[want] : "", here, remedies[want]);
}

/* Swap as it will be while the scenario runs: 'host: {swap: ...}' comes first. */
static uint64_t swap_bytes(const struct build *b)
{
	const struct plan_host *host = &b->plan->host;

	return host->swap == PLAN_SWAP_ANY ? b->facts->swap_total_bytes : host->swap_bytes;
}

/* Its own is filled first, and where that ends the machine's would go on. */
static void need_own_swap(struct build *b, const struct node *value, struct str *missing)
{
	enum plan_swap own = b->plan->host.swap;
	char got[PARSE_TEXT_MAX];

	if (own != PLAN_SWAP_FILE && own != PLAN_SWAP_ZRAM)
		diag_add(
			b->diags, b->file, value,
			"swap: the scenario has no swap of its own, expected 'host: {swap: SIZE}'");
	else if (b->facts->swap_total_bytes)
		miss(missing,
		     "no swap but its own; here %s of the machine's are on ('swapoff -a'; 'oomlab "
		     "vm' "
		     "without --swap)",
		     format_size_short(b->facts->swap_total_bytes, got));
}

static void need_swap(struct build *b, const struct need *need, const struct node *value,
		      struct str *missing)
{
	char want[PARSE_TEXT_MAX], got[PARSE_TEXT_MAX];
	uint64_t have = swap_bytes(b), least;
	const char *text;

	format_size_short(have, got);
	if (!read_scalar(b, value, need->name, "none, any, own, can or a size", &text))
		return;
	if (str_eq(text, "none")) {
		if (have)
			miss(missing,
			     "swap off; here %s are on ('swapoff -a', or give the scenario "
			     "'host: {swap: none}')",
			     got);
	} else if (str_eq(text, "any")) {
		if (!have)
			miss(missing, "swap; here none is on ('swapon FILE', or give the scenario "
				      "'host: {swap: SIZE}')");
	} else if (str_eq(text, "own")) {
		need_own_swap(b, value, missing);
	} else if (str_eq(text, "can")) {
		if (b->facts->no_swap[0])
			miss(missing, "to turn swap on: %s", b->facts->no_swap);
	} else if (read_size(b, value, need->name, &least) && have < least) {
		miss(missing, "%s of swap; here are %s", format_size(least, want), got);
	}
}

static void need_cap(struct build *b, const struct need *need, const struct node *value,
		     struct str *missing)
{
	static const char *const names[] = {"sys_resource", "sys_admin", NULL};
	static const char *const uses[] = {"CAP_SYS_RESOURCE", "CAP_SYS_ADMIN"};
	const bool have[] = {b->facts->cap_sys_resource, b->facts->cap_sys_admin};
	const struct node *items = value->kind == NODE_LIST ? value->items : value;
	size_t n = value->kind == NODE_LIST ? value->n : 1;
	int cap;

	for (size_t i = 0; i < n; i++)
		if (read_choice(b, &items[i], need->name, names, &cap) && !have[cap])
			miss(missing, "%s (run as root in a container or VM that keeps it)",
			     uses[cap]);
}

static void need_user(struct build *b, const struct need *need, const struct node *value,
		      struct str *missing)
{
	static const char *const names[] = {"any", "root", "ordinary", NULL};
	uint64_t uid = fact_u64(b, need);
	int want;

	if (!read_choice(b, value, need->name, names, &want))
		return;
	if (want == 1 && uid != 0)
		miss(missing, "root; here it runs as user %" PRIu64 " (sudo)", uid);
	if (want == 2 && uid == 0)
		miss(missing, "an ordinary user; here it runs as root");
}

/* The first three numbers of a release; distributions append what they like. */
static bool read_release(const char *text, unsigned release[3])
{
	release[0] = release[1] = release[2] = 0;
	return sscanf(text, "%5u.%5u.%5u", &release[0], &release[1], &release[2]) >= 2;
}

static bool holds(const char *op, size_t len, int order)
{
	bool equal = len == 2 || op[0] == '=';

	if (equal && order == 0)
		return true;
	return op[0] == '>' ? order > 0 : op[0] == '<' ? order < 0 : false;
}

/* The last resort: distributions backport, so a feature says more than a number. */
static void need_kernel(struct build *b, const struct need *need, const struct node *value,
			struct str *missing)
{
	static const char form[] = "an operator and a release such as '>=5.3'";
	unsigned want[3], have[3];
	const char *text;
	int order = 0;

	if (!read_scalar(b, value, need->name, form, &text))
		return;
	size_t len = strspn(text, "<>=");
	const char *release = text + len + strspn(text + len, " ");
	bool op_fine = (len == 1 && text[0] != '=') || (len == 2 && text[1] == '=');
	if (!op_fine || strspn(release, "0123456789.") != strlen(release) ||
	    !read_release(release, want)) {
		bad(b, value, need->name, form);
		return;
	}
	if (!read_release(b->facts->kernel, have))
		have[0] = have[1] = have[2] = 0;
	for (int i = 0; i < 3 && order == 0; i++)
		order = have[i] < want[i] ? -1 : have[i] > want[i];
	if (!holds(text, len, order))
		miss(missing, "kernel %s; here is %s", text, b->facts->kernel);
}

/* Files of groups: by feature, where a version would be a guess. */
static void need_files(struct build *b, const struct need *need, const struct node *value,
		       struct str *missing)
{
	bool writable = str_eq(need->name, "writable");
	struct err err = ERR_INIT;
	const char **names;
	size_t n = read_texts(b, value, need->name, &names);

	for (size_t i = 0; i < n && b->cg && !b->facts->no_groups[0]; i++) {
		MEM_AUTO char *raw = mem_printf("raw:%s", names[i]);
		if (cg_knob_supported(b->cg, raw, &err) < 0)
			miss(missing, "the file %s of groups: %s", names[i], err.text);
		else if (writable && !cg_file_writable(b->cg, names[i]))
			miss(missing, "a file %s that can be written to; this kernel's cannot",
			     names[i]);
	}
}

static void need_counters(struct build *b, const struct need *need, const struct node *value,
			  struct str *missing)
{
	struct err err = ERR_INIT;
	const char **names;
	size_t n = read_texts(b, value, need->name, &names);

	for (size_t i = 0; i < n; i++) {
		if (cg_counter_check(names[i], &err) < 0)
			diag_add(b->diags, b->file, value, "%s: %s", need->name, err.text);
		else if (b->cg && !b->facts->no_groups[0] &&
			 cg_counter_supported(b->cg, names[i], &err) < 0)
			miss(missing, "%s", err.text);
	}
}

/* What takes the whole machine down must be judged from outside of it. */
static void need_vm(struct build *b, const struct need *need, const struct node *value,
		    struct str *missing)
{
	const bool *have = fact(b, need);
	bool wanted;

	if (!read_bool(b, value, need->name, &wanted) || *have == wanted)
		return;
	if (wanted)
		miss(missing, "a virtual machine of its own: 'oomlab vm' boots one");
	else
		miss(missing, "a machine that is not one of 'oomlab vm'");
}

/* Which are there is found when it runs: the planner asks no file system. */
static void need_programs(struct build *b, const struct need *need, const struct node *value,
			  struct str *missing)
{
	(void)missing;
	b->plan->n_programs = read_texts(b, value, need->name, &b->plan->programs);
}

#define FIELD(member) offsetof(struct facts, member)

static const struct need needs[] = {
	{"memory", need_memory, FIELD(memory_version), NULL, NULL},
	{"swap", need_swap, 0, NULL, NULL},
	{"memsw", need_flag, FIELD(memsw), "swap accounting of cgroup v1 (memory.memsw.*)",
	 "memory on v1, a kernel with CONFIG_SWAP, booted without swapaccount=0"},
	{"swapfile", need_reasoned, FIELD(no_swap), "to turn a swap file on", ""},
	{"zram", need_reasoned, FIELD(no_zram), "zram", ""},
	{"cap", need_cap, 0, NULL, NULL},
	{"psi", need_reasoned, FIELD(no_psi), "memory pressure (PSI)", ""},
	{"kmsg", need_reasoned, FIELD(no_kmsg), "the kernel's log", ""},
	{"tracefs", need_reasoned, FIELD(no_tracefs), "tracefs", ""},
	{"twin", need_flag, FIELD(twin), "a cgroup v2 hierarchy",
	 "mount -t cgroup2 none /sys/fs/cgroup/unified"},
	{"localevents", need_flag, FIELD(localevents),
	 "memory.events of groups without those below",
	 "mount -o remount,memory_localevents /sys/fs/cgroup"},
	{"counters", need_counters, 0, NULL, NULL},
	{"files", need_files, 0, NULL, NULL},
	{"writable", need_files, 0, NULL, NULL},
	{"pids", need_version, FIELD(pids_version), "the pids controller",
	 "a kernel with CONFIG_CGROUP_PIDS; in a container, delegation of 'pids'"},
	{"cpuset", need_version, FIELD(cpuset_version), "the cpuset controller",
	 "a kernel with CONFIG_CPUSETS; in a container, delegation of 'cpuset'"},
	{"pid_ns", need_flag, FIELD(init_pid_ns), "the machine's first pid namespace",
	 "run outside of containers, or with --pid=host"},
	{"user", need_user, FIELD(uid), NULL, NULL},
	{"cpus", need_at_least, FIELD(cpus), "CPUs", NULL},
	{"nodes", need_at_least, FIELD(nodes), "NUMA nodes", NULL},
	{"free", need_bytes, FIELD(mem_available_bytes), "free memory", NULL},
	{"page_size", need_page_size, FIELD(page_size), "pages", "the machine tells no size"},
	{"huge_page_size", need_page_size, FIELD(huge_page_size), "huge pages",
	 "a kernel with CONFIG_HUGETLBFS"},
	{"thp", need_text, FIELD(thp), "transparent huge pages",
	 "a kernel with CONFIG_TRANSPARENT_HUGEPAGE"},
	{"stress-ng", need_stress_ng, FIELD(stress_ng), "stress-ng", "apt-get install stress-ng"},
	{"disposable", need_flag, FIELD(disposable), "a machine that may go down",
	 "on such a machine give --this-machine-is-disposable"},
	{"programs", need_programs, 0, NULL, NULL},
	{"vm", need_vm, FIELD(vm), NULL, NULL},
	{"kernel", need_kernel, FIELD(kernel), NULL, NULL},
};

enum { N_NEEDS = sizeof(needs) / sizeof(needs[0]) };

static const struct need *find_need(struct build *b, const struct node *key)
{
	const char *names[N_NEEDS + 1] = {0};

	for (size_t i = 0; i < N_NEEDS; i++) {
		if (str_eq(needs[i].name, key->text))
			return &needs[i];
		names[i] = needs[i].name;
	}
	bad_name(b, key, "need", key->text, names);
	return NULL;
}

static void check(struct build *b, const struct node *map, const char *what, struct str *missing)
{
	if (!is_map(b, map, what, "a map such as {memory: v1, swap: none}"))
		return;
	for (size_t i = 0; i < map->n; i++) {
		const struct need *need = find_need(b, &map->keys[i]);
		if (need)
			need->fn(b, need, &map->items[i], missing);
	}
}

void build_needs(struct build *b, const struct node *map)
{
	STR_AUTO missing = STR_INIT;
	const struct node *vm = map->kind == NODE_MAP ? node_get(map, "vm") : NULL;
	struct err err = ERR_INIT;
	int wanted;

	b->plan->vm =
		vm && vm->kind == NODE_SCALAR && parse_bool(vm->text, &wanted, &err) >= 0 && wanted;
	check(b, map, "needs", &missing);
	if (missing.len)
		skip(b, "%s", str_text(&missing));
}

bool build_has(struct build *b, const struct node *map, const char *what)
{
	STR_AUTO missing = STR_INIT;

	check(b, map, what, &missing);
	return missing.len == 0;
}

bool build_when(struct build *b, const struct node *map)
{
	const struct node *when = node_get(map, "when"), *unless = node_get(map, "unless");
	bool applies = !when || build_has(b, when, "when");
	bool excluded = unless && build_has(b, unless, "unless");

	return applies && !excluded;
}
