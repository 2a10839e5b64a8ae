/*
 * One candidate of a shrinking scenario: whether it is a scenario at all, and whether it fails
 * alike. Each change of a race makes another race of it, so some seeds are tried, as many at once
 * as there are lanes.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>

#include "base/fd.h"
#include "harness/cmd/catalogue.h"
#include "harness/cmd/vm_seed.h"
#include "harness/cmd/vm_shrink_internal.h"

/* ---- a candidate ---------------------------------------------------------------------------- */

int vm_shrink_write(const char *path, const struct str *header, const struct node *root,
		    struct err *err)
{
	STR_AUTO text = STR_INIT;

	str_add(&text, str_text(header));
	shrink_write(root, &text);
	FD_AUTO fd = fd_open_at(AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, 0644, err);
	int r = fd < 0 ? fd : fd_write_full(fd, str_text(&text), text.len);
	return r < 0 ? err_errno(err, -r, "cannot write '%s'", path) : 0;
}

/* Most candidates are no scenarios; no machine needs to be booted for that. */
static bool is_scenario(struct shrink *shrink)
{
	const struct opt_list none = {0};
	const struct catalogue_query query = {shrink->scenarios, 1, &none, &none, NULL};
	struct facts facts = *shrink->facts;
	struct catalogue catalogue = {0};
	struct diags diags = {0};
	struct err ignored;
	int r = catalogue_load(&query, &facts, NULL, &catalogue, &diags, &ignored);
	bool is = r >= 0 && catalogue.n_plans == 1 && !catalogue.plans[0]->skip;

	if (r >= 0)
		catalogue_free(&catalogue);
	diags_free(&diags);
	return is;
}

static int wait_for(const struct shrink *shrink, struct vm_seed *seed, char **ret_text,
		    struct err *err)
{
	struct pollfd polled[] = {{seed->pidfd, POLLIN, 0},
				  {shrink->job->session->interrupt_fd, POLLIN, 0}};

	while (poll(polled, 2, -1) < 0 && errno == EINTR)
		;
	bool interrupted = polled[1].revents & POLLIN;
	if (interrupted)
		(void)fd_pidfd_signal(seed->pidfd, SIGTERM);
	int r = vm_seed_end(seed, ret_text, err);
	return interrupted ? err_set(err, EINTR, "interrupted") : r;
}

static bool fails_alike(const struct shrink *shrink, const char *text)
{
	struct vm_seed_found found;
	struct err ignored;
	bool alike = false;

	if (vm_seed_read(text, &found, &ignored) < 0)
		return false;
	if (found.record->n == 1 && found.record->results[0]->verdict == VERDICT_FAIL) {
		MEM_AUTO char *failed = vm_outcome_failed(found.record->results[0]);
		MEM_AUTO char *missed = vm_outcome_missed(found.record->results[0]);
		alike = str_eq(failed, shrink->outcome->failed) && str_eq(missed, shrink->missed);
	}
	vm_seed_clear(&found);
	return alike;
}

/* As many at once; *ret_text: of the first in order that fails alike, which is returned, or n. */
static size_t run_some(struct shrink *shrink, const uint64_t *numbers, size_t n, char **ret_text,
		       struct err *err)
{
	struct vm_seed seeds[VM_SHRINK_SEEDS_MAX];
	size_t started = 0, alike = n;
	int r = 0;

	for (; started < n && r >= 0; started += r >= 0)
		r = vm_seed_start(shrink->job->session, &shrink->wish, shrink->job->kernel, -1,
				  numbers[started], &seeds[started], err);
	shrink->n_runs += started;
	for (size_t i = 0; i < started; i++) {
		MEM_AUTO char *text = NULL;
		struct err lost = ERR_INIT;
		int end = wait_for(shrink, &seeds[i], &text, &lost);
		if (end == -EINTR)
			*err = lost;
		if (end < 0 || alike < n || !fails_alike(shrink, text))
			continue;
		alike = i;
		*ret_text = text;
		text = NULL;
	}
	return alike;
}

static void first_seed(struct shrink *shrink, size_t at)
{
	uint64_t seed = shrink->seeds[at];

	shrink->seeds[at] = shrink->seeds[0];
	shrink->seeds[0] = seed;
}

int vm_shrink_try(struct shrink *shrink, struct node *candidate, size_t n, struct err *err)
{
	size_t lanes = shrink->job->lanes, some, alike = n;
	char *text = NULL;

	if (vm_shrink_write(shrink->path, &shrink->header, candidate, err) < 0)
		return -err->code;
	if (!is_scenario(shrink))
		return 0;
	for (size_t i = 0; i < n && !text; i += some) {
		some = n - i < lanes ? n - i : lanes;
		err->code = 0;
		alike = i + run_some(shrink, &shrink->seeds[i], some, &text, err);
		if (err->code) {
			free(text);
			return -err->code;
		}
	}
	if (!text)
		return 0;
	first_seed(shrink, alike);
	free(shrink->found);
	shrink->found = text;
	struct node before = shrink->best;
	shrink->best = *candidate;
	*candidate = before;
	return 1;
}
