/*
 * What stands in front of a kernel message in a log, taken off layer by layer: mail quotes, levels,
 * /dev/kmsg headers, kernel time stamps and caller ids, dates of syslog, journalctl, dmesg and
 * container runtimes, host and tag, JSON around all of it. Called by lines.c for each line.
 */
#ifndef OOMLAB_OOMLOG_PREFIX_H
#define OOMLAB_OOMLOG_PREFIX_H

#include "harness/oomlog/text.h"

enum { OOMLOG_LINE_MAX = 64 << 10 }; /* what is beyond it is not read */

enum oomlog_source {
	OOMLOG_ANY = 0, /* nothing tells: dmesg, a pasted log */
	OOMLOG_KERNEL,	/* said to be the kernel's */
	OOMLOG_USER,	/* a daemon's: may look like a kill, is none of the kernel's */
};

#define OOMLOG_NO_CALLER INT64_MIN

struct prefix {
	struct span text;  /* the message */
	struct span whole; /* the same with a daemon's tag in front, for unknown lines */
	struct span tag;   /* "kernel", "systemd-oomd" */
	struct span date;  /* as printed */
	enum oomlog_source source;
	bool any;     /* there was some: begins a message */
	bool kmsg;    /* " KEY=value" lines may follow */
	bool encoded; /* text may hold newlines */
	bool part;    /* a container runtime has cut the line: the next one goes on with it */
	bool has_mono, has_unix;
	uint64_t mono_us;
	int64_t unix_us;
	int64_t caller; /* task id, or -1 - CPU; OOMLOG_NO_CALLER */
};

/* Decoded text lives here until the next line. */
struct prefix_room {
	char plain[OOMLOG_LINE_MAX];
	char json[OOMLOG_LINE_MAX];
};

void prefix_read(struct span line, struct prefix_room *room, struct prefix *ret);

/* Parts of it, each in a file of its own: true when there was one, cut off the text. */
bool prefix_date(struct prefix *p);
bool prefix_json(struct prefix *p, char *room);
/* "HOST TAG[PID]: "; any_tag: also tags that nothing but their colon tells. */
bool prefix_host_tag(struct prefix *p, bool any_tag);
void prefix_tag(struct prefix *p, struct span tag);
/* Length of a "Jan 25 14:59:30 host tag: " at the front; 0: none. For records in one line. */
size_t prefix_syslog_length(struct span text);
/* "[  123.456789] " at the front; returns its length, 0: none. */
size_t prefix_stamp(struct span text, uint64_t *ret_us);

/* Unix time of a date as text; zone and year from 'now_us' where the date lacks them (0: fails). */
bool date_unix(struct span date, int64_t now_us, int64_t *ret_us);

#endif
