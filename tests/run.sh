#!/bin/sh
# Runs test programs (libcheck's text or TAP on stdout, told apart by what they print), prints one
# line a suite and every failure, and as its last line the sum. A program that ends badly without
# having said why is a failure of its own, so that a crash cannot look like a pass.
# Usage: run.sh PROGRAM|SCRIPT.sh...   V=1 shows all output
set -u
out=$(mktemp) sum=$(mktemp) || exit 1
trap 'rm -f "$out" "$sum"' EXIT
trap 'exit 130' INT TERM

for program; do
	name=${program#*tests/}
	name=${name#build/*/}
	name=${name%.sh}
	case $program in
	*.sh) sh "$program" >"$out" 2>&1 ;;
	*) "$program" >"$out" 2>&1 ;;
	esac
	status=$?
	[ -z "${V:-}" ] || cat "$out"
	awk -v name="$name" -v status=$status -v sum="$sum" '
	function suite(what, p, f, s) {
		printf "  %-28s %4d passed", what, p
		if (f) printf ", %d failed", f
		if (s) printf ", %d skipped", s
		print ""
		passed += p; failed += f; skipped += s
	}
	function flush_check() {
		if (running == "") return
		suite(running, checks - bad, bad, skips)
		if (!counted) broke_off = " in " running
		running = ""; any = 1
	}
	/^Running suite\(s\): / {
		flush_check(); running = name "/" $3
		checks = bad = counted = 0; skips = early; early = 0; next
	}
	/^[0-9]+%: Checks: / {
		sub(/,/, "", $3); sub(/,/, "", $5)
		checks = $3; bad = $5 + $7; counted = 1; next
	}
	/^skip: / {	# decided while the suite is built, before it runs
		if (counted) flush_check()
		early++; print "    " $0; next
	}
	/^[^ ]*:[0-9]+:[FE]:/ { print "    " $0; next }
	/^1\.\./ { planned = substr($1, 4) + 0; tap = 1; if (planned == 0) whole = $0; next }
	/^not ok / && /# TODO/ { next }
	/^not ok / { told++; tap_bad++; print "    " $0; diag = 1; next }
	/^ok / { told++; diag = 0; if (/# SKIP/) { tap_skip++; print "    " $0 } else tap_ok++; next }
	/^# summary: / { print "    " substr($0, 12); next }
	/^#/ { if (diag) print "    " $0; next }
	/^Bail out!/ { tap_bad++; print "    " $0; next }
	{ last[++lines % 20] = $0 }
	END {
		flush_check()
		if (tap && planned == 0) { print "    " whole; tap_skip++ }
		if (tap && planned != told + 0) {
			printf "    %s: planned %d tests, told of %d\n", name, planned, told; tap_bad++
		}
		if (tap) suite(name, tap_ok, tap_bad, tap_skip)
		if ((status != 0 && !failed) || broke_off != "" || (!tap && !any)) {
			printf "    %s ended with status %d%s; its last lines:\n", name, status, broke_off
			for (i = lines > 20 ? lines - 19 : 1; i <= lines; i++) print "      " last[i % 20]
			suite(name " as a whole", 0, 1, 0)
		}
		print passed + 0, failed + 0, skipped + 0 >> sum
	}' "$out"
done

awk '{ p += $1; f += $2; s += $3 }
	END { printf "%d passed, %d failed, %d skipped\n", p, f, s; exit f > 0 || p + s == 0 }' "$sum"
