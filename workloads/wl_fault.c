/*
 * The workload 'fault': one mapping of a given size, faulted in sequentially, by stride or at
 * random, by stores or by loads (the zero page), page by page or by a populating call.
 */
#include <errno.h>
#include <sys/mman.h>

#include "base/random.h"
#include "workloads/hog_run.h"

static const char *const orders[] = {"sequential", "stride", "random", NULL};
enum { ORDER_SEQUENTIAL, ORDER_STRIDE, ORDER_RANDOM };
static const char *const accesses[] = {"write", "read", NULL};
enum { ACCESS_WRITE, ACCESS_READ };
static const char *const populates[] = {"no", "madvise", "mmap", NULL};
enum { POPULATE_NO, POPULATE_MADVISE, POPULATE_MMAP };

struct values {
	struct hog_pace pace;
	uint64_t size_bytes;
	uint64_t stride_pages;
	uint64_t seed;
	int order;
	int access;
	int populate;
	int thp;
	/* state */
	char *start;
	uint64_t pages;
	uint64_t next; /* position in the order */
	uint64_t walk; /* of the random walk */
};

static const struct opt opts[] = {
	{.name = "size",
	 .letter = 's',
	 .kind = OPT_SIZE,
	 .offset = offsetof(struct values, size_bytes),
	 .arg = "SIZE",
	 .help = "size of the mapping (default 64M)"},
	{.name = "order",
	 .kind = OPT_CHOICE,
	 .offset = offsetof(struct values, order),
	 .arg = "ORDER",
	 .choices = orders,
	 .help = "order in which its pages are touched (default sequential)"},
	{.name = "stride",
	 .kind = OPT_U64,
	 .offset = offsetof(struct values, stride_pages),
	 .arg = "PAGES",
	 .help = "distance of two touches with --order stride (default 512)"},
	{.name = "seed",
	 .kind = OPT_U64,
	 .offset = offsetof(struct values, seed),
	 .arg = "N",
	 .help = "start of the random order, the same order for the same seed (default: drawn "
		 "from --run-seed, 1 without)"},
	{.name = "access",
	 .kind = OPT_CHOICE,
	 .offset = offsetof(struct values, access),
	 .arg = "HOW",
	 .choices = accesses,
	 .help = "store into each page, or load, which maps the zero page (default write)"},
	{.name = "populate",
	 .kind = OPT_CHOICE,
	 .offset = offsetof(struct values, populate),
	 .arg = "CALL",
	 .choices = populates,
	 .help = "fault in by MADV_POPULATE_WRITE (_READ for loads) or by mmap with MAP_POPULATE "
		 "instead of touching (default no)"},
	{.name = "thp",
	 .kind = OPT_CHOICE,
	 .offset = offsetof(struct values, thp),
	 .arg = "MODE",
	 .choices = hog_thp_names,
	 .help = "transparent huge pages (default never)"},
	HOG_PACE_OPTS(struct values),
	OPT_END,
};

/* ---- orders: position -> page, each page once ---------------------------------------------- */

/* Columns of a table that is 'stride' wide: 0, s, 2s, ..., 1, s + 1, ... */
static uint64_t stride_page(const struct values *values, uint64_t position)
{
	uint64_t stride = values->stride_pages, rows = values->pages / stride;
	uint64_t long_columns = values->pages % stride; /* these have one row more */
	uint64_t in_long = long_columns * (rows + 1);

	if (position < in_long)
		return position % (rows + 1) * stride + position / (rows + 1);
	position -= in_long;
	return position % rows * stride + long_columns + position / rows;
}

/* A full-period generator modulo the next power of two, whose values beyond the end are left
 * out: every page once, without a table that would cost memory itself. */
static uint64_t random_page(struct values *values)
{
	uint64_t mask = values->pages - 1;

	for (int shift = 1; shift < 64; shift *= 2)
		mask |= mask >> shift;
	do {
		values->walk =
			(values->walk * 6364136223846793005ULL + 1442695040888963407ULL) & mask;
	} while (values->walk >= values->pages);
	return values->walk;
}

static uint64_t next_page(struct values *values)
{
	uint64_t position = values->next++;

	if (values->order == ORDER_STRIDE)
		return stride_page(values, position);
	return values->order == ORDER_RANDOM ? random_page(values) : position;
}

/* ---- ways ---------------------------------------------------------------------------------- */

static int touch_pages(struct hog *hog, struct values *values, uint64_t pages)
{
	while (pages-- > 0) {
		char *page = values->start + next_page(values) * hog->page_size;

		if (values->access == ACCESS_WRITE)
			hog_touch(hog, page, 1);
		else
			hog_peek(hog, page, 1);
	}
	return 0;
}

static int populate_pages(struct hog *hog, struct values *values, uint64_t pages)
{
	int advice = values->access == ACCESS_WRITE ? MADV_POPULATE_WRITE : MADV_POPULATE_READ;
	char *start = values->start + values->next * hog->page_size;
	size_t bytes = pages * hog->page_size;
	int r = 0;

	if (values->populate == POPULATE_MADVISE)
		r = madvise(start, bytes, advice) < 0 ? -errno : 0;
	else if (mmap(start, bytes, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_POPULATE, -1, 0) == MAP_FAILED)
		r = -errno;
	pages = hog_resident(hog, start, pages);
	hog_count(hog, pages);
	values->next += pages;
	return r;
}

/* ---- the workload -------------------------------------------------------------------------- */

static int setup(struct hog *hog, void *data, struct err *err)
{
	struct values *values = data;

	values->pages = hog_pages(hog, values->size_bytes);
	if (values->seed == UINT64_MAX)
		values->seed = hog->seeded ? random_next(&hog->draws) : 1;
	values->walk = values->seed;
	if (values->pages == 0)
		return err_set(err, EINVAL, "--size expects a size above 0, got 0");
	if (values->stride_pages == 0 ||
	    (values->order == ORDER_STRIDE && values->stride_pages > values->pages))
		return err_set(err, EINVAL, "--stride expects 1 to %llu pages, got %llu",
			       (unsigned long long)values->pages,
			       (unsigned long long)values->stride_pages);
	if (values->populate != POPULATE_NO && values->order != ORDER_SEQUENTIAL)
		return err_set(err, EINVAL, "--populate works in sequential order alone");
	if (values->populate == POPULATE_MMAP && values->access == ACCESS_READ)
		return err_set(err, EINVAL,
			       "--populate mmap always writes; --access read needs "
			       "--populate madvise");
	/* Loads need no memory for their pages: there may be more of them than the machine has. */
	if (values->access == ACCESS_READ)
		hog->region.room_pages = values->pages;
	int r = hog_region_open(hog, values->thp, err);
	if (r < 0)
		return r;
	if (hog_region_next(hog, values->pages, &values->start) < 0)
		return err_set(err, ENOMEM, "--size is more than this machine's memory and swap");
	return hog_pace_check(&values->pace, err);
}

/* -ENOSPC when the mapping is used up. */
static int alloc(struct hog *hog, void *data, uint64_t bytes)
{
	struct values *values = data;
	uint64_t pages = hog_pages(hog, bytes), left = values->pages - values->next;
	int r;

	if (pages > left && left == 0)
		return -ENOSPC;
	if (values->populate == POPULATE_NO)
		r = touch_pages(hog, values, pages < left ? pages : left);
	else
		r = populate_pages(hog, values, pages < left ? pages : left);
	return r < 0 || pages <= left ? r : -ENOSPC;
}

/* Only all of it: with an order, the last pages are anywhere. */
static int release(struct hog *hog, void *data, uint64_t bytes)
{
	struct values *values = data;

	if (bytes < *hog->touched * hog->page_size)
		return -ENOTSUP;
	if (madvise(values->start, values->pages * hog->page_size, MADV_DONTNEED) < 0)
		return -errno;
	hog_uncount(hog, *hog->touched);
	values->next = 0;
	values->walk = values->seed;
	return 0;
}

static int run(struct hog *hog, void *data)
{
	struct values *values = data;
	struct hog_pace pace = values->pace;
	uint64_t left = (values->pages - values->next) * hog->page_size;

	if (pace.total_bytes > left)
		pace.total_bytes = left;
	return hog_pace_run(hog, &pace);
}

const struct wl wl_fault = {
	.name = "fault",
	.summary = "one mapping, faulted in by order, access and populating call",
	.description =
		"Maps --size bytes and faults them in, block by block. Loads map the zero page, "
		"which costs page tables alone. Populating calls report their errors (EFAULT or "
		"ENOMEM at the limit); mmap reports none and leaves pages out.",
	.opts = opts,
	.values_size = sizeof(struct values),
	.defaults =
		&(const struct values){
			.pace = {.block_bytes = 1 << 20, .total_bytes = UINT64_MAX},
			.size_bytes = 64 << 20,
			.stride_pages = 512,
			.seed = UINT64_MAX,
		},
	.needs = WL_MEMORY,
	.free_running = true,
	.setup = setup,
	.alloc = alloc,
	.free = release,
	.run = run,
};
