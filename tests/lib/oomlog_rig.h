/* Reads OOM reports out of text for tests: copies of all reports, however the text is cut. */
#ifndef OOMLAB_TESTS_OOMLOG_RIG_H
#define OOMLAB_TESTS_OOMLOG_RIG_H

#include "harness/oomlog/report.h"

struct oomlog_rig {
	size_t n;
	struct oom_report *reports; /* deep copies */
	uint64_t lines;
};

/* 'piece': bytes a call, 0: all at once. Ends the test when memory is short. */
struct oomlog_rig *oomlog_rig_read(const char *text, size_t n, size_t piece,
				   const struct oomlog_options *options);
struct oomlog_rig *oomlog_rig_text(const char *text);
void oomlog_rig_free(struct oomlog_rig *rig);
/* Everything that was read, as text that tests can compare. Free it. */
char *oomlog_rig_print(const struct oomlog_rig *rig);

#endif
