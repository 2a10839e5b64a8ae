/*
 * What every command does that makes groups on this machine, before it does: see cmd.h.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"
#include "harness/cmd/cmd.h"
#include "harness/exec/host.h"
#include "harness/exec/journal.h"
#include "harness/record/folder.h"

void cmd_recover(struct cg_host *host)
{
	STR_AUTO done = STR_INIT;
	STR_AUTO warnings = STR_INIT;

	if (journal_recover(host, false, &done, &warnings) > 0)
		fprintf(stderr, "oomlab: put back what a dead run left:\n%s", str_text(&done));
	fputs(str_text(&warnings), stderr);
}

void cmd_recover_records(const char *base)
{
	STR_AUTO done = STR_INIT;
	STR_AUTO warnings = STR_INIT;

	record_recover(base, &done, &warnings);
	if (done.len)
		fprintf(stderr, "oomlab: kept what a dead run had found:\n");
	cmd_print_clean(stderr, str_text(&done));
	char *rest = warnings.s, *line;
	while ((line = strsep(&rest, "\n")) != NULL && *line) {
		fprintf(stderr, "oomlab: what a dead run had found is not kept: ");
		cmd_print_clean(stderr, line);
	}
}

/* From outside a container its pids mean nothing: no digit, no owner to look for. */
char *cmd_run_id(void)
{
	return mem_printf("%s%d-%llx", facts_in_init_pid_ns() ? "" : "ns-", (int)getpid(),
			  (unsigned long long)clock_ns());
}
