/*
 * A sum over everything that a command wrote, to tell whether two runs had the same result. It
 * finds accidents, not forgers: FNV-1a, 64 bits.
 */
#ifndef OOMLAB_SIZE_OUTPUT_H
#define OOMLAB_SIZE_OUTPUT_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OUTPUT_SUM_INIT 0xcbf29ce484222325ULL

uint64_t output_sum(uint64_t sum, const void *bytes, size_t n);
/* Adds a file's content and size; a file that is not there is a result as well. */
void output_add_file(const char *path, uint64_t *sum, uint64_t *bytes);

/* Runs a shell command, outside of any limit; true: it exited with 0. The signal mask is for it. */
bool output_check(const char *command, const sigset_t *mask);

#endif
