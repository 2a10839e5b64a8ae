/*
 * Foreign bytes made fit to print: names, reasons and kernel lines may hold anything, and nothing
 * of it may steer a terminal or break a format. UTF-8 that can be seen passes, the rest is shown
 * escaped. Independent of the locale. Used by record/ and report/.
 */
#ifndef OOMLAB_RECORD_TEXT_H
#define OOMLAB_RECORD_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

/* Decodes one character: its length in bytes (1 to 4), 0 when the byte at 'at' begins no valid
 * UTF-8 (overlong forms, surrogates and values above 10FFFF are invalid). "" is one NUL. */
size_t text_next(const char *at, uint32_t *ret_char);

/* Appends bytes as one printable line: control characters, invisible and direction-changing
 * characters and invalid bytes come out as \n, \t, \x1b, \u202e. Backslashes stay as they are. */
void text_clean(struct str *out, const char *bytes);

/* Appends bytes as valid UTF-8: only invalid bytes are escaped. */
void text_utf8(struct str *out, const char *bytes);

/* Columns that cleaned text takes on a terminal: wide characters count 2, combining ones 0. */
size_t text_columns(const char *clean);

/* Appends cleaned text cut to at most 'columns' columns; a cut ends in "..". Returns how many
 * columns were appended. */
size_t text_cut(struct str *out, const char *clean, size_t columns);

#endif
