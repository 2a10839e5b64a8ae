/*
 * A command of the host's ('oomlab vm --exec') with what it prints in pipes. Private to the guest.
 */
#ifndef OOMLAB_GUEST_COMMAND_H
#define OOMLAB_GUEST_COMMAND_H

#include <jansson.h>
#include <sys/types.h>

struct command {
	int out, err; /* what it prints, not blocking; -1: nobody prints any more */
};

#define COMMAND_INIT ((struct command){-1, -1})

/* Starts {"command": TEXT} by the shell. Returns its pid, -1: it could not be started. */
pid_t command_start(struct command *command, const json_t *wish);
/* What it has printed and nobody has read, as a line for the host; NULL: nothing now. */
json_t *command_printed(struct command *command);
void command_close(struct command *command);

#endif
