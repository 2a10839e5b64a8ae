#!/bin/sh
# Prints registry.c, the table of workloads, from the names of their files (wl_NAME.c), so that
# a new workload is one new file. Run by the Makefile:
#   workloads/gen-registry.sh workloads/wl_*.c > build/gen/registry.c
set -eu
LC_ALL=C
export LC_ALL

names=$(for file in "$@"; do basename "$file" .c; done | sort)

echo '/* Made by workloads/gen-registry.sh; do not edit. */'
echo '#include "workloads/workload.h"'
echo
for name in $names; do
	echo "extern const struct wl $name;"
done
echo
echo 'const struct wl *const wl_registry[] = {'
for name in $names; do
	echo "	&$name,"
done
echo '	NULL,'
echo '};'
