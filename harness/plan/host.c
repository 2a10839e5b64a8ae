/*
 * 'host': what a scenario changes on the machine while it runs. Only what is in these tables can
 * be changed; harness/exec/host.c does it and puts it back.
 */

#include "harness/plan/build.h"

enum { SWAP_PAGES_MIN = 10 }; /* mkswap(8) and swapon(2) want ten pages at least */

/* ---- swap ---------------------------------------------------------------------------------- */

static void swap_sized(struct build *b, const struct node *value, enum plan_swap kind)
{
	struct plan_host *host = &b->plan->host;
	uint64_t page = b->facts->page_size ? b->facts->page_size : 4096, bytes;

	if (!read_size(b, value, "swap", &bytes))
		return;
	if (bytes < SWAP_PAGES_MIN * page || bytes == UINT64_MAX) {
		bad(b, value, "swap", "a size of at least ten pages");
		return;
	}
	host->swap = kind;
	host->swap_bytes = bytes;
	const char *why = kind == PLAN_SWAP_ZRAM ? b->facts->no_zram : b->facts->no_swap;
	if (why[0])
		skip(b, "needs %s for its swap: %s",
		     kind == PLAN_SWAP_ZRAM ? "zram" : "a swap file", why);
}

static void swap_file(struct build *b, const struct node *value, void *data)
{
	(void)data;
	swap_sized(b, value, PLAN_SWAP_FILE);
}

static void swap_zram(struct build *b, const struct node *value, void *data)
{
	(void)data;
	swap_sized(b, value, PLAN_SWAP_ZRAM);
}

static void host_swap(struct build *b, const struct node *value, void *data)
{
	static const struct key kinds[] = {
		{"file", swap_file, false}, {"zram", swap_zram, false}, {NULL, NULL, false}};

	(void)data;
	if (value->kind == NODE_SCALAR && str_eq(value->text, "none")) {
		b->plan->host.swap = PLAN_SWAP_NONE;
		return;
	}
	if (value->kind == NODE_SCALAR && value->text[0]) {
		swap_sized(b, value, PLAN_SWAP_FILE);
		return;
	}
	if (value->kind != NODE_MAP || value->n != 1) {
		bad(b, value, "swap", "none, a size, {file: SIZE} or {zram: SIZE}");
		return;
	}
	read_keys(b, value, "'swap'", kinds, NULL, NULL);
}

/* ---- sysctls ------------------------------------------------------------------------------- */

static const struct sysctl {
	const char *name;
	uint64_t max;
} sysctls[] = {
	{"vm.oom_kill_allocating_task", 1},
	{"vm.panic_on_oom", 2},
	{"vm.oom_dump_tasks", 1},
	{"vm.overcommit_memory", 2},
	{"vm.overcommit_ratio", 1000},
	{"vm.overcommit_kbytes", 1ULL << 40},
	{"vm.swappiness", 200},
	{"vm.min_free_kbytes", 1ULL << 24},
	{"kernel.sysrq", 511},
	{"vm.nr_hugepages", 64}, /* memory that nobody else can use: little of it */
};

enum { N_SYSCTLS = sizeof(sysctls) / sizeof(sysctls[0]) };

static void add_sysctl(struct build *b, const struct node *key, const struct node *value)
{
	const char *names[N_SYSCTLS + 1] = {0};
	struct plan_host *host = &b->plan->host;
	const struct sysctl *row = NULL;
	uint64_t number;

	for (size_t i = 0; i < N_SYSCTLS; i++) {
		names[i] = sysctls[i].name;
		if (str_eq(names[i], key->text))
			row = &sysctls[i];
	}
	if (!row) {
		bad_name(b, key, "sysctl", key->text, names);
		return;
	}
	if (!read_u64(b, value, row->name, 0, row->max, &number))
		return;
	host->sysctls =
		arena_grow(b->arena, host->sysctls, host->n_sysctls, sizeof(*host->sysctls));
	host->sysctls[host->n_sysctls++] = (struct plan_sysctl){row->name, value->text, value};
}

static void host_sysctl(struct build *b, const struct node *map, void *data)
{
	(void)data;
	if (!is_map(b, map, "sysctl", "a map such as {vm.overcommit_memory: 2}"))
		return;
	for (size_t i = 0; i < map->n; i++)
		add_sysctl(b, &map->keys[i], &map->items[i]);
}

static void host_thp(struct build *b, const struct node *value, void *data)
{
	static const char *const modes[] = {"always", "madvise", "never", NULL};
	int mode;

	(void)data;
	if (!read_choice(b, value, "thp", modes, &mode))
		return;
	b->plan->host.thp = modes[mode];
	if (!b->facts->thp[0])
		skip(b, "needs transparent huge pages (a kernel with "
			"CONFIG_TRANSPARENT_HUGEPAGE)");
}

void build_host(struct build *b, const struct node *map)
{
	static const struct key keys[] = {{"swap", host_swap, false},
					  {"sysctl", host_sysctl, false},
					  {"thp", host_thp, false},
					  {NULL, NULL, false}};
	const struct plan_host *host = &b->plan->host;

	if (!is_map(b, map, "host", "a map with swap, sysctl or thp"))
		return;
	read_keys(b, map, "'host'", keys, NULL, NULL);
	b->plan->exclusive = host->swap != PLAN_SWAP_ANY || host->n_sysctls || host->thp;
	if (b->plan->exclusive && b->facts->uid != 0)
		skip(b,
		     "needs root to change the machine (its 'host' part); here it runs as user "
		     "%llu",
		     (unsigned long long)b->facts->uid);
}
