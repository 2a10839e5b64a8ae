/*
 * See syslog.h. Names and numbers are invented; the forms are those of 5.10.
 */
#include "tests/bench/syslog.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

enum { ROWS = 100, STACK = 22 };

static const char *const ordinary[] = {
	"systemd[1]: Started Session %u of user deploy.",
	"kernel: [%u.204117] eth0: renamed from veth7a1c9e2",
	"nginx[814]: 10.0.4.17 - - \"GET /api/v1/items/%u HTTP/1.1\" 200 5316 \"-\" "
	"\"curl/7.74.0\"",
	"CRON[%u]: (root) CMD (   cd / && run-parts --report /etc/cron.hourly)",
	"kernel: [%u.551020] audit: type=1400 apparmor=\"ALLOWED\" operation=\"open\" "
	"profile=\"x\"",
	"postgres[2201]: LOG:  checkpoint complete: wrote %u buffers (0.4%%); 0 WAL file(s) added",
	"sshd[%u]: Accepted publickey for deploy from 10.0.4.2 port 51822 ssh2: ED25519 SHA256:abc",
	"dockerd[977]: time=\"2026-11-20T10:00:00Z\" level=info msg=\"ignoring event\" id=%u",
};

static const char *const memory[] = {
	"Mem-Info:",
	"active_anon:171 inactive_anon:481204 isolated_anon:0",
	" active_file:14 inactive_file:32 isolated_file:0",
	" free:13290 free_pcp:61 free_cma:0",
	"Node 0 active_anon:684kB inactive_anon:1924816kB active_file:56kB inactive_file:128kB",
	"Node 0 DMA32 free:44608kB min:44776kB low:55968kB high:67160kB present:2080628kB",
	"lowmem_reserve[]: 0 0 0 0 0",
	"Node 0 DMA32: 52*4kB (UME) 31*8kB (UE) 20*16kB (UE) 1369*32kB (UE) = 44584kB",
	"1090 total pagecache pages",
	"Free swap  = 0kB",
	"Total swap = 0kB",
	"524155 pages RAM",
	"13290 pages reserved",
};

static void put(FILE *out, unsigned second, const char *text)
{
	fprintf(out, "Nov 20 10:%02u:%02u web-3 kernel: [%u.123456] %s\n", second / 60 % 60,
		second % 60, second, text);
}

static void put_report(FILE *out, unsigned second, unsigned number)
{
	char text[256];

	put(out, second,
	    "worker invoked oom-killer: gfp_mask=0x100cca(GFP_HIGHUSER_MOVABLE), order=0, "
	    "oom_score_adj=0");
	put(out, second, "CPU: 0 PID: 411 Comm: worker Not tainted 5.10.0-10-amd64 #1 Debian");
	put(out, second, "Call Trace:");
	for (int i = 0; i < STACK; i++)
		put(out, second, " ? do_user_addr_fault+0x1b8/0x3f0");
	for (size_t i = 0; i < sizeof(memory) / sizeof(memory[0]); i++)
		put(out, second, memory[i]);
	put(out, second, "Tasks state (memory values in pages):");
	put(out, second,
	    "[  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name");
	for (unsigned i = 0; i < ROWS; i++) {
		(void)snprintf(text, sizeof(text),
			       "[%7u]  1000 %5u   590364   %6u    94208        0             0 w%u",
			       400 + i, 400 + i, i == number % ROWS ? 422324 : 400 + i, i);
		put(out, second, text);
	}
	unsigned pid = 400 + number % ROWS;
	(void)snprintf(
		text, sizeof(text),
		"oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,"
		"global_oom,task_memcg=/x,task=w%u,pid=%u,uid=1000",
		pid - 400, pid);
	put(out, second, text);
	(void)snprintf(text, sizeof(text),
		       "Out of memory: Killed process %u (w%u) total-vm:2361456kB, "
		       "anon-rss:1689296kB, file-rss:0kB, shmem-rss:0kB, UID:1000 pgtables:92kB "
		       "oom_score_adj:0",
		       pid, pid - 400);
	put(out, second, text);
}

int syslog_make(const char *path, uint64_t bytes, struct err *err)
{
	enum { KINDS = sizeof(ordinary) / sizeof(ordinary[0]) };
	FILE *out = fopen(path, "we");
	unsigned reports = 0;

	if (!out)
		return err_errno(err, errno, "cannot make '%s'", path);
	for (unsigned n = 0; reports < SYSLOG_REPORTS || (uint64_t)ftello(out) < bytes; n++) {
		unsigned second = n / 64;
		fprintf(out, "Nov 20 10:%02u:%02u web-3 ", second / 60 % 60, second % 60);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		fprintf(out, ordinary[n % KINDS], n);
#pragma GCC diagnostic pop
		(void)fputc('\n', out);
		if ((uint64_t)ftello(out) > (reports + 1) * (bytes / SYSLOG_REPORTS))
			put_report(out, second, reports++);
	}
	if (fclose(out) != 0)
		return err_errno(err, errno, "cannot write '%s'", path);
	return 0;
}
