#!/bin/sh
# tests/bench/size.sh in virtual machines: size_vm.sh KERNEL:CGROUP..., such as debian:6.12:v2. A
# Markdown table each. The CPU is emulated, so inputs are smaller; the programs are this machine's,
# with the files that they open at their start. No privilege; a quarter of an hour each. THP: what
# the machines' transparent_hugepage is.
PATH=/usr/bin:/bin:/usr/sbin:/sbin
OOMLAB=${OOMLAB:-build/oomlab}
bench=$(cd "$(dirname "$0")" && pwd)/size.sh
machines=${*:-debian:6.12:v2 debian:6.1:v2}

set -- --with "$bench"
for program in awk cut mktemp mkdir tail tr sort sha256sum cksum xz make tar gzip python3 gcc as; do
	command -v "$program" >/dev/null && set -- "$@" --with "$program"
done
if command -v python3 >/dev/null; then
	for file in $(python3 -c 'import encodings, sys
print(encodings.__path__[0])
for m in list(sys.modules.values()):
	print(getattr(m, "__file__", None) or "")'); do
		set -- "$@" --with "$file"
	done
fi
if command -v gcc >/dev/null; then
	set -- "$@" --with "$(gcc -print-prog-name=cc1)" --with /usr/include/stdc-predef.h
fi

for machine in $machines; do
	printf '\n%s:\n\n' "$machine"
	"$OOMLAB" vm -k "${machine%:*}" -c "${machine##*:}" -m 2G --boot-timeout 5m \
		--append "transparent_hugepage=${THP:-madvise}" "$@" \
		-e "BENCH_DIR=/var/tmp/bench OOMLAB=oomlab REPEAT=${REPEAT:-10} \
		BENCH_LINES=${BENCH_LINES:-200000} BENCH_FUNCTIONS=${BENCH_FUNCTIONS:-20} \
		ROWS='${ROWS:-.}' sh $bench"
done
