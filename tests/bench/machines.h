/*
 * Virtual machines beside that kernel's bare boot to a static init, with the same QEMU options.
 */
#ifndef OOMLAB_BENCH_MACHINES_H
#define OOMLAB_BENCH_MACHINES_H

/* lab: build/oomlab; init: the static program to boot; results: a folder of the caller's. */
void bench_machines(const char *lab, const char *init, const char *results);

#endif
