#!/bin/sh
# Many virtual machines in a row, each by a command of its own: none may break, and nothing of them
# may be left. For 'make test-vm-starts'; $STARTS machines of $KERNEL.
. tests/lib/tap.sh

STARTS=${STARTS:-200} KERNEL=${KERNEL:-debian:6.12}
mark=oomlab.starts=$$ # a word of the kernel's command line
mkdir "$tap_dir/tmp"

# How many processes have our mark in their command line.
left() {
	cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\0' '\n' | grep -c -- "[o]${mark#o}"
}

if ! command -v qemu-system-x86_64 >/dev/null; then
	skip "$STARTS machines" 'qemu-system-x86_64 is not installed'
	done_testing
fi
n=0 bad=0
began=$(date +%s)
while [ $n -lt "$STARTS" ]; do
	n=$((n + 1))
	TMPDIR=$tap_dir/tmp timeout 300 "$OOMLAB" vm -k "$KERNEL" --append "$mark" \
		--results "$tap_dir/r" score/all-protected >"$tap_dir/out" 2>"$tap_dir/err"
	status=$?
	[ $status -eq 0 ] && grep -q '^1 passed, 0 failed, 0 skipped, 0 broken' "$tap_dir/out" &&
		[ ! -s "$tap_dir/err" ] && continue
	bad=$((bad + 1))
	echo "# start $n: exit status $status"
	cat "$tap_dir/out" "$tap_dir/err" | sed 's/^/# /'
done
echo "# $n machines in $(($(date +%s) - began)) s"
is 'all passed, and nobody complained' 0 "$bad"
is 'no QEMU is left' 0 "$(left)"
is 'no temporary file is left' '' "$(ls -A "$tap_dir/tmp")"
done_testing
