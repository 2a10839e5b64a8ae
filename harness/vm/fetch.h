/*
 * Who is told how fetching kernels goes: libraries print nothing themselves.
 */
#ifndef OOMLAB_VM_FETCH_H
#define OOMLAB_VM_FETCH_H

struct fetch_watch {
	/* What is being done, and how much of it: 0 to 100, below 0: unknown. May be NULL. */
	void (*progress)(void *data, const char *what, double percent);
	/* What a person should know though it goes on. May be NULL. */
	void (*note)(void *data, const char *text);
	void *data;
};

/* A NULL watch is nobody. */
void fetch_progress(const struct fetch_watch *watch, const char *what, double percent);
void fetch_note(const struct fetch_watch *watch, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif
