/*
 * See team.h.
 */
#include "workloads/team.h"

#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

static void futex_wait(uint32_t *word, uint32_t value)
{
	(void)syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
}

static void futex_wake(uint32_t *word)
{
	(void)syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

static void touch_share(const struct worker *worker)
{
	const struct team *team = worker->team;
	struct hog *hog = team->hog;
	uint64_t from = team->pages * worker->number / team->n;
	uint64_t to = team->pages * (worker->number + 1) / team->n;

	for (uint64_t i = from; i < to; i++) {
		*(volatile char *)(team->start + i * hog->page_size) = 1;
		__atomic_fetch_add(hog->touched, 1, __ATOMIC_RELAXED);
		__atomic_fetch_add(hog->total, 1, __ATOMIC_RELAXED);
		if (worker->slot)
			__atomic_fetch_add(&worker->slot->touched_pages, 1, __ATOMIC_RELAXED);
	}
}

_Noreturn void team_work(struct worker *worker)
{
	struct team *team = worker->team;

	for (uint32_t seen = 0;;) {
		uint32_t round = __atomic_load_n(&team->round, __ATOMIC_ACQUIRE);

		if (round == seen) {
			futex_wait(&team->round, seen);
			continue;
		}
		seen = round;
		if (worker->slot)
			worker->slot->state = HOG_STATE_BUSY;
		touch_share(worker);
		if (worker->slot)
			worker->slot->state = HOG_STATE_DONE;
		if (__atomic_sub_fetch(&team->working, 1, __ATOMIC_ACQ_REL) == 0)
			futex_wake(&team->working);
	}
}

void team_touch(struct team *team, char *start, uint64_t pages)
{
	uint32_t left;

	team->start = start;
	team->pages = pages;
	__atomic_store_n(&team->working, team->n, __ATOMIC_RELEASE);
	__atomic_add_fetch(&team->round, 1, __ATOMIC_ACQ_REL);
	futex_wake(&team->round);
	while ((left = __atomic_load_n(&team->working, __ATOMIC_ACQUIRE)) != 0)
		futex_wait(&team->working, left);
}
