#!/bin/sh
# Half a minute of libFuzzer on the parser of OOM reports, from the logs that are at hand; longer:
# 'make fuzz SECONDS=3600'. Skips where clang has no libFuzzer.
. tests/lib/tap.sh

fuzzer=build/fuzz/fuzz_oomlog
if [ ! -x "$fuzzer" ]; then
	skip "fuzz" "clang with libFuzzer is not installed (packages-test.txt)"
	done_testing
fi
set -- tests/fixtures/oomlog
[ -d ../shared/oomlogs ] && set -- "$@" ../shared/oomlogs
mkdir "$tap_dir/corpus"
run "$fuzzer" -max_total_time="${FUZZ_SECONDS:-30}" -max_len=65536 -timeout=20 \
	-artifact_prefix="$tap_dir/" -dict=tests/fuzz/oomlog.dict "$tap_dir/corpus" "$@"
if [ "$status" -eq 0 ]; then
	pass "$(sed -n 's/^Done \([0-9]*\) runs in \([0-9]*\) .*/\1 inputs in \2 s/p' "$err")"
else
	# The input that failed goes with the folder of this test: show it.
	for input in "$tap_dir"/crash-* "$tap_dir"/timeout-* "$tap_dir"/oom-*; do
		[ -f "$input" ] && base64 <"$input" | head -c 4000
	done >"$tap_dir/input"
	fail "no crash, hang or leak" "$(tail -n 40 "$err")" "input (base64): $(cat "$tap_dir/input")"
fi

done_testing
