#!/bin/sh
# tests/run.sh itself: a crash, a short plan or silence must never look like a pass.
. tests/lib/tap.sh

# sums NAME EXPECTED-LAST-LINE EXPECTED-STATUS: of a TAP script given on stdin
sums() {
	cat >"$tap_dir/case.sh"
	run sh tests/run.sh "$tap_dir/case.sh"
	is "$1: sum" "$2" "$(tail -n 1 "$out")"
	is_status "$3" "$1: exit status $3"
}

sums 'all pass' '2 passed, 0 failed, 0 skipped' 0 <<'END'
echo 1..2; echo ok 1 - a; echo ok 2 - b
END
sums 'one fails' '1 passed, 1 failed, 0 skipped' 1 <<'END'
echo ok 1 - a; echo not ok 2 - b; echo 1..2
END
sums 'one skips' '1 passed, 0 failed, 1 skipped' 0 <<'END'
echo ok 1 - a; echo "ok 2 - b # SKIP no reason"; echo 1..2
END
sums 'all skipped by plan' '0 passed, 0 failed, 1 skipped' 0 <<'END'
echo "1..0 # SKIP not root"
END
sums 'plan too long' '1 passed, 1 failed, 0 skipped' 1 <<'END'
echo 1..2; echo ok 1 - a
END
sums 'silence' '0 passed, 1 failed, 0 skipped' 1 <<'END'
exit 0
END
sums 'ends badly after passing' '1 passed, 1 failed, 0 skipped' 1 <<'END'
echo 1..1; echo ok 1 - a; exit 3
END
sums 'killed' '1 passed, 1 failed, 0 skipped' 1 <<'END'
echo 1..1; echo ok 1 - a; kill -9 $$
END
sums 'libcheck with a failure and a skip' '4 passed, 1 failed, 1 skipped' 1 <<'END'
echo "skip: b: no swap"; echo "Running suite(s): a"
echo "80%: Checks: 5, Failures: 0, Errors: 1"; echo "x.c:12:E:b:c:0: (after this point) Received signal 11"
exit 1
END
sums 'libcheck that dies between suites' '5 passed, 1 failed, 0 skipped' 1 <<'END'
echo "Running suite(s): a"; echo "100%: Checks: 5, Failures: 0, Errors: 0"; exit 134
END
sums 'libcheck that dies in a suite after one that failed' '0 passed, 2 failed, 0 skipped' 1 <<'END'
echo "Running suite(s): a"; echo "0%: Checks: 1, Failures: 1, Errors: 0"
echo "Running suite(s): b"; kill -9 $$
END
like "$out" "ended with status 137 in .*/b;" "says where it died"

done_testing
