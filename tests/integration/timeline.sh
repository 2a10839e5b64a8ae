#!/bin/sh
# The course of a kill in the output of 'oomlab run -v', on this kernel's tracepoints; and that the
# run's instance of tracefs is gone afterwards, after kill -9 too (test_run_kill asks for that).
. tests/lib/tap.sh

scenario=limits/limit-kills-largest
run "$OOMLAB" run -v --results "$tap_dir/r" "$scenario"
if [ "$status" -ne 0 ] || grep -qE 'timeline: none: (absent|denied|namespace)' "$out"; then
	skip "timeline" "$(grep -oE 'timeline: none.*|^skip .*' "$out" | head -n 1)"
	done_testing
fi
like "$out" "timeline: .*signal.*marked" "signal and mark were seen"
like "$out" "timeline: limit hit," "it begins with the limit"
# One order whatever the kernel: the victim is marked before it gets the signal and goes, its memory
# is back before the allocator, which is not the victim here, runs again.
like "$out" "marked \+.*delivered \+.*memory back \+.*waiter runs \+" "in the order of a kill"
like "$tap_dir/r/latest/record.json" '"limit_hit": *[0-9]+' "the record has the moments"

run "$OOMLAB" run -v --no-timeline --results "$tap_dir/r" "$scenario"
is_status 0 "--no-timeline"
like "$out" "timeline: none: off" "--no-timeline is said in one word"

# By its own mount: tracefs need not be mounted where people see it.
run unshare -m sh -c 'mount -t tracefs tracefs /sys/kernel/tracing && ls /sys/kernel/tracing/instances'
is "no instance is left" "$(grep -c '^oomlab-' "$out" || true)" 0

done_testing
