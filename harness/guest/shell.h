/*
 * A shell for a person on the machine's console. Private to the guest.
 */
#ifndef OOMLAB_GUEST_SHELL_H
#define OOMLAB_GUEST_SHELL_H

#include <jansson.h>

/* In a child of the first process: never returns. {"rows": N, "columns": N, "term": NAME} */
void guest_shell(const json_t *wish) __attribute__((noreturn));
/* What programs find in their environment. */
void guest_environment(void);

#endif
