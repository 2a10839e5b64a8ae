/*
 * Dates in front of log lines: RFC 3164 ("Jan 25 14:59:30 host kernel: "), ISO 8601 as journalctl,
 * rsyslog, dmesg, Docker and Kubernetes print it, logcat's, Unix seconds; and their Unix time.
 * See prefix.h.
 */
#include <time.h>

#include "harness/oomlog/prefix.h"

static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

/* N digits at an offset; -1: not there. */
static int digits(struct span s, size_t at, size_t n)
{
	int value = 0;

	if (at + n > s.n)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (!is_digit(s.p[at + i]))
			return -1;
		value = value * 10 + (s.p[at + i] - '0');
	}
	return value;
}

/* Length of "HH:MM:SS[.fraction]" at an offset; 0: none. */
static size_t clock_length(struct span s, size_t at)
{
	size_t n = 8;

	if (digits(s, at, 2) < 0 || digits(s, at + 3, 2) < 0 || digits(s, at + 6, 2) < 0 ||
	    s.p[at + 2] != ':' || s.p[at + 5] != ':')
		return 0;
	if (at + n + 1 < s.n && (s.p[at + n] == '.' || s.p[at + n] == ',') &&
	    is_digit(s.p[at + n + 1]))
		for (n++; at + n < s.n && is_digit(s.p[at + n]); n++)
			;
	return n;
}

/* "Z", "+0200", "+02:00" */
static size_t zone_length(struct span s, size_t at)
{
	if (at < s.n && s.p[at] == 'Z')
		return 1;
	if (at >= s.n || (s.p[at] != '+' && s.p[at] != '-') || digits(s, at + 1, 2) < 0)
		return 0;
	if (digits(s, at + 3, 2) >= 0)
		return 5;
	return at + 3 < s.n && s.p[at + 3] == ':' && digits(s, at + 4, 2) >= 0 ? 6 : 0;
}

/* "2020-01-31T00:00:00.0Z": length, 0: none. */
static size_t iso_length(struct span s)
{
	if (s.n < 19 || digits(s, 0, 4) < 0 || s.p[4] != '-' || digits(s, 5, 2) < 0 ||
	    s.p[7] != '-' || digits(s, 8, 2) < 0 || (s.p[10] != 'T' && s.p[10] != ' '))
		return 0;
	size_t clock = clock_length(s, 11);
	return clock ? 11 + clock + zone_length(s, 11 + clock) : 0;
}

/* "Jan 25 14:59:30[ 2022]", "Jan 25 2022 14:59:30": length, 0: none. Any word may be the month. */
static size_t month_date_length(struct span s)
{
	size_t at = 0, n;

	while (at < s.n && at < 10 && s.p[at] != ' ' && !is_digit(s.p[at]) && s.p[at] != ':')
		at++;
	if (at < 3 || at >= s.n || s.p[at] != ' ')
		return 0;
	while (at < s.n && s.p[at] == ' ')
		at++;
	size_t day = at;
	while (at < s.n && is_digit(s.p[at]))
		at++;
	if (at == day || at - day > 2 || at >= s.n || s.p[at] != ' ')
		return 0;
	at++;
	if (digits(s, at, 4) >= 0 && at + 4 < s.n && s.p[at + 4] == ' ')
		at += 5;
	n = clock_length(s, at);
	if (!n)
		return 0;
	at += n;
	if (at < s.n && s.p[at] != ' ' && s.p[at] != ':')
		return 0;
	if (digits(s, at + 1, 4) >= 0 && (at + 5 == s.n || (at + 5 < s.n && s.p[at + 5] == ' ')))
		at += 5;
	return at;
}

static void take(struct prefix *p, size_t n)
{
	p->date = (struct span){p->text.p, n};
	p->text = span_from(p->text, n);
	while (p->text.n && (*p->text.p == ' ' || *p->text.p == ':'))
		p->text = span_from(p->text, 1);
	p->any = true;
}

/* "stderr F " of the CRI; "P" lines are parts of one, which the runtime has cut. */
static bool cri(struct prefix *p)
{
	struct span s = p->text;

	if (!span_skip(&s, "stdout ") && !span_skip(&s, "stderr "))
		return false;
	p->part = span_skip(&s, "P ");
	if (!p->part && !span_skip(&s, "F "))
		return false;
	p->text = s;
	p->whole = s;
	return true;
}

/* "  479  479 I lowmemorykiller: " behind logcat's date */
static bool logcat_tag(struct prefix *p)
{
	struct span s = p->text;
	struct span pid = span_word(&s), tid = span_word(&s), kind = span_word(&s);

	if (!pid.n || !is_digit(*pid.p) || !tid.n || !is_digit(*tid.p) || kind.n != 1)
		return false;
	const char *colon = span_find(s, ": ");
	if (!colon)
		return false;
	span_skip_blanks(&s);
	prefix_tag(p, span_trim(span_between(s.p, colon)));
	p->whole = s;
	p->text = span_after(s, colon + 2);
	return true;
}

static void zone_word(struct prefix *p)
{
	struct span s = p->text;
	struct span word = span_word(&s);

	for (size_t i = 0; i < word.n; i++)
		if (!is_digit(word.p[i]) && word.p[i] != '+' && word.p[i] != '-' &&
		    !(word.p[i] >= 'A' && word.p[i] <= 'Z'))
			return;
	if (word.n >= 3 && word.n <= 5)
		p->text = s;
	span_skip_blanks(&p->text);
}

/* "Fri " before a date */
static size_t weekday_length(struct span s)
{
	if (s.n < 5 || s.p[3] != ' ' || !is_alpha(s.p[0]) || !is_alpha(s.p[1]) || !is_alpha(s.p[2]))
		return 0;
	return 4;
}

static bool iso(struct prefix *p, bool weekday)
{
	size_t n = iso_length(p->text);

	if (!n)
		return false;
	take(p, n);
	if (weekday)
		zone_word(p);
	if (!cri(p) && !logcat_tag(p))
		prefix_host_tag(p, false);
	return true;
}

bool prefix_date(struct prefix *p)
{
	struct span s = p->text;
	size_t n;

	if (p->tag.n)
		return false;
	if (is_digit(*s.p)) {
		if (iso(p, false))
			return true;
		if (s.n > 18 && digits(s, 0, 2) >= 0 && s.p[2] == '-' && digits(s, 3, 2) >= 0 &&
		    s.p[5] == ' ' && (n = clock_length(s, 6))) {
			take(p, 6 + n);
			logcat_tag(p);
			return true;
		}
		uint64_t seconds, micros; /* journalctl -o short-unix */
		if (digits(s, 0, 9) >= 0 && span_u64(&s, &seconds) && span_skip(&s, ".") &&
		    span_u64(&s, &micros) && span_skip(&s, " ") && seconds < 1ULL << 40 &&
		    micros < 1000000) {
			struct prefix trial = *p;
			trial.text = s;
			if (!prefix_host_tag(&trial, false))
				return false;
			*p = trial;
			p->any = true;
			p->has_unix = true;
			p->unix_us = (int64_t)(seconds * 1000000 + micros);
			return true;
		}
		return false;
	}
	n = month_date_length(s);
	if (n) {
		take(p, n);
		if (!prefix_host_tag(p, true))
			span_word(&p->text); /* only a host, as before "last message repeated" */
		span_skip_blanks(&p->text);
		return true;
	}
	n = weekday_length(s);
	if (!n)
		return false;
	struct prefix trial = *p;
	trial.text = span_from(s, n);
	size_t month = month_date_length(trial.text);
	if (month) { /* OpenWrt's logread: no host */
		take(&trial, month);
		prefix_host_tag(&trial, true);
		*p = trial;
		return true;
	}
	if (!iso(&trial, true))
		return false;
	*p = trial;
	return true;
}

size_t prefix_syslog_length(struct span text)
{
	struct prefix p = {.text = text, .caller = OOMLOG_NO_CALLER};

	if (text.n < 16 || !memmem(months, sizeof(months) - 1, text.p, 3))
		return 0;
	size_t n = month_date_length(text);
	if (!n)
		return 0;
	take(&p, n);
	return prefix_host_tag(&p, true) ? (size_t)(p.text.p - text.p) : 0;
}

/* ---- Unix time ------------------------------------------------------------------------------ */

static int month_of(struct span word)
{
	const char *at = word.n >= 3 ? memmem(months, sizeof(months) - 1, word.p, 3) : NULL;

	return at && (at - months) % 3 == 0 ? (int)(at - months) / 3 : -1;
}

static void fraction(struct span s, size_t at, int64_t *us)
{
	int64_t scale = 100000;

	if (at >= s.n || (s.p[at] != '.' && s.p[at] != ','))
		return;
	for (at++; at < s.n && is_digit(s.p[at]) && scale; at++, scale /= 10)
		*us += (s.p[at] - '0') * scale;
}

static bool set_clock(struct span s, size_t at, struct tm *tm, int64_t *us)
{
	if (!clock_length(s, at))
		return false;
	tm->tm_hour = digits(s, at, 2);
	tm->tm_min = digits(s, at + 3, 2);
	tm->tm_sec = digits(s, at + 6, 2);
	fraction(s, at + 8, us);
	return tm->tm_hour < 24 && tm->tm_min < 60 && tm->tm_sec <= 60;
}

static bool iso_unix(struct span s, int64_t now_us, int64_t *ret_us)
{
	struct tm tm = {.tm_isdst = -1};
	int64_t us = 0;

	tm.tm_year = digits(s, 0, 4) - 1900;
	tm.tm_mon = digits(s, 5, 2) - 1;
	tm.tm_mday = digits(s, 8, 2);
	if (!set_clock(s, 11, &tm, &us))
		return false;
	size_t at = 11 + clock_length(s, 11), zone = zone_length(s, at);
	if (!zone && !now_us)
		return false;
	int64_t seconds = zone ? timegm(&tm) : mktime(&tm);
	if (zone > 1) {
		int minutes = digits(s, at + 1, 2) * 60 + digits(s, at + zone - 2, 2);
		seconds -= (s.p[at] == '-' ? -60 : 60) * minutes;
	}
	*ret_us = seconds * 1000000 + us;
	return true;
}

/* "Jan 25 14:59:30 2022", "Fri Sep 25 15:29:46 2020", "Jan 25 14:59:30", "01-25 14:59:30.1" */
static bool month_unix(struct span s, int64_t now_us, int64_t *ret_us)
{
	struct tm tm = {.tm_isdst = -1, .tm_mon = -1, .tm_year = -1};
	int64_t us = 0;
	bool clock = false;

	if (digits(s, 0, 2) > 0 && s.n > 5 && s.p[2] == '-' && digits(s, 3, 2) > 0) {
		tm.tm_mon = digits(s, 0, 2) - 1;
		tm.tm_mday = digits(s, 3, 2);
		s = span_from(s, 5);
	}
	for (struct span word = span_word(&s); word.n; word = span_word(&s)) {
		if (memchr(word.p, ':', word.n))
			clock = set_clock(word, 0, &tm, &us);
		else if (is_digit(*word.p) && word.n == 4)
			tm.tm_year = digits(word, 0, 4) - 1900;
		else if (is_digit(*word.p) && word.n <= 2)
			tm.tm_mday = digits(word, 0, word.n);
		else if (month_of(word) >= 0)
			tm.tm_mon = month_of(word);
	}
	if (!clock || tm.tm_mon < 0 || !tm.tm_mday)
		return false;
	if (tm.tm_year >= 0) {
		*ret_us = (int64_t)mktime(&tm) * 1000000 + us;
		return true;
	}
	struct tm now;
	time_t now_s = now_us / 1000000;
	if (!localtime_r(&now_s, &now))
		return false;
	for (int back = 0; back < 9; back++) { /* the 29th of February needs up to eight */
		struct tm guess = tm;
		guess.tm_year = now.tm_year - back;
		time_t seconds = mktime(&guess);
		if (seconds <= now_s && guess.tm_mday == tm.tm_mday) {
			*ret_us = (int64_t)seconds * 1000000 + us;
			return true;
		}
	}
	return false;
}

bool date_unix(struct span date, int64_t now_us, int64_t *ret_us)
{
	if (iso_length(date))
		return iso_unix(date, now_us, ret_us);
	return now_us && month_unix(date, now_us, ret_us);
}
