/*
 * Reports of oomlab explain on their way: read, chosen by number and time, audited, printed as soon
 * as each is complete.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "harness/cmd/explain.h"

static const char *shown_name(const char *name)
{
	return str_eq(name, INPUT_STDIN) ? "standard input" : name;
}

void explain_say(struct explain_session *session, const char *name, const struct err *err)
{
	struct err named = *err;

	err_wrap(&named, "%s", shown_name(name));
	session->trouble = true;
	(void)cmd_fail(session->ctx, CMD_USAGE, &named);
}

/* ---- choosing ------------------------------------------------------------------------------- */

static bool in_time(struct explain_session *session, const struct oom_report *report)
{
	const struct oom_time *time =
		report->first_time.has_unix ? &report->first_time : &report->last_time;

	if (session->since_us == INT64_MIN && session->until_us == INT64_MAX)
		return true;
	if (!time->has_unix) {
		session->undated++;
		return false;
	}
	return time->unix_us >= session->since_us && time->unix_us <= session->until_us;
}

static bool is_asked_for(struct explain_session *session, const struct oom_report *report)
{
	if (session->report > 0 && session->number != (uint64_t)session->report)
		return false;
	return in_time(session, report);
}

/* ---- printing ------------------------------------------------------------------------------- */

static void print(struct explain_session *session, const struct str *text)
{
	fwrite(str_text(text), 1, text->len, stdout);
	/* Whoever reads a pipe sees each report when it is known. */
	errno = 0;
	if (fflush(stdout) != 0 || ferror(stdout)) {
		session->done = true;
		session->lost = errno;
	}
	session->printed++;
}

static void render(struct explain_session *session, const struct explain_item *item,
		   struct str *out)
{
	static void (*const formats[])(struct str *, const struct explain_item *,
				       const struct explain_view *) = {
		[EXPLAIN_FORMAT_TEXT] = explain_text,
		[EXPLAIN_FORMAT_LIST] = explain_list,
	};

	if (session->format == EXPLAIN_FORMAT_JSON) {
		explain_json(out, item);
		return;
	}
	if (!session->head_printed && session->format == EXPLAIN_FORMAT_LIST)
		explain_list_head(out, &session->view);
	else if (session->head_printed && session->format == EXPLAIN_FORMAT_TEXT)
		str_add(out, "\n");
	session->head_printed = session->report >= 0;
	formats[session->format](out, item, &session->view);
}

/* --report -N: what is printed in the end is not known before. */
static void keep(struct explain_session *session, struct str *text)
{
	uint64_t n = (uint64_t)-session->report;
	struct str *slot = &session->last[session->printed++ % n];

	str_free(slot);
	*slot = *text;
	*text = STR_INIT;
}

static int on_report(void *data, const struct oom_report *report)
{
	struct explain_stream *stream = data;
	struct explain_session *session = stream->session;
	struct audit_options options = session->audit;
	struct audit audit = {0};
	STR_AUTO text = STR_INIT;

	session->number++;
	if (is_asked_for(session, report)) {
		audit_victims_near(&stream->victims, report, &options);
		audit_report(report, &options, &audit);
		session->unexplained += audit.verdict == AUDIT_UNEXPLAINED;
		struct explain_item item = {report, &audit, session->number, stream->name};
		render(session, &item, &text);
		audit_clear(&audit);
		if (session->report < 0)
			keep(session, &text);
		else
			print(session, &text);
	}
	audit_victims_add(&stream->victims, report);
	session->done |= session->report > 0 && session->number == (uint64_t)session->report;
	return session->done;
}

void explain_end(struct explain_session *session)
{
	uint64_t n = session->report < 0 ? (uint64_t)-session->report : 0;

	if (n == 0)
		return;
	if (session->printed >= n) {
		struct str *wanted = &session->last[session->printed % n];
		session->printed = 0;
		print(session, wanted);
	} else {
		session->printed = 0;
	}
	for (uint64_t i = 0; i < n; i++)
		str_free(&session->last[i]);
	free(session->last);
}

/* ---- reading -------------------------------------------------------------------------------- */

static int64_t boot_unix_us(void)
{
	struct timespec now, up;

	clock_gettime(CLOCK_REALTIME, &now);
	clock_gettime(CLOCK_BOOTTIME, &up);
	return (now.tv_sec - up.tv_sec) * 1000000LL + (now.tv_nsec - up.tv_nsec) / 1000;
}

void explain_stream_open(struct explain_stream *stream, struct explain_session *session,
			 const char *name)
{
	struct oomlog_options options = session->log;

	/* A file's stamps are of whatever machine and boot it comes from. */
	if (str_eq(name, INPUT_KMSG))
		options.boot_unix_us = boot_unix_us();
	*stream = (struct explain_stream){.session = session, .name = name};
	stream->log = oomlog_new(&options, on_report, stream);
}

void explain_stream_close(struct explain_stream *stream)
{
	if (!stream->log)
		return;
	if (!stream->session->done)
		(void)oomlog_end(stream->log);
	stream->session->lines += oomlog_lines(stream->log);
	oomlog_free(stream->log);
	stream->log = NULL;
}

void explain_read(struct explain_session *session, const char *name)
{
	struct explain_stream stream;
	struct input *input = NULL;
	struct err err = ERR_INIT;
	const char *bytes;
	ssize_t n;

	if (input_open(name, &input, &err) < 0) {
		explain_say(session, name, &err);
		return;
	}
	explain_stream_open(&stream, session, name);
	while (!session->done && (n = input_read(input, &bytes, &err)) > 0)
		(void)oomlog_feed(stream.log, bytes, (size_t)n);
	explain_stream_close(&stream);
	if (err.code && !session->done)
		explain_say(session, name, &err);
	input_free(input);
}
