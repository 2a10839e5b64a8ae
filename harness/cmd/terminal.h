/*
 * What is at the other end of a stream: colour, columns, characters.
 */
#ifndef OOMLAB_CMD_TERMINAL_H
#define OOMLAB_CMD_TERMINAL_H

#include <stdbool.h>
#include <stdio.h>

/* For an OPT_CHOICE: auto, always, never. */
extern const char *const terminal_colours[];

/* Whether what is at out knows escape sequences. */
bool terminal_is(FILE *out);
/* 'choice' is an index into terminal_colours; auto: on a terminal, unless $NO_COLOR. */
bool terminal_colour(FILE *out, int choice);
int terminal_width(FILE *out); /* 0: no terminal */
bool terminal_unicode(void);   /* the locale's characters are UTF-8 */

#endif
