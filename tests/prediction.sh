#!/bin/sh
# Predicts and makes at least KILLS kills (10,000) in generated groups, and counts how the predictions
# came out. Fails with one that was wrong, and with 1 % or more that did not decide. Records are kept
# below RESULTS (build/prediction). In slices, so that other runs on the machine get their turn at
# the kernel's log, which has 10 reports in 5 s for everybody.
kills_wanted=${KILLS:-10000} results=${RESULTS:-build/prediction} jobs=${JOBS:-2}
slice=20 seed=1 kills=0 right=0 undecidable=0 wrong=0 failed=0
line=$(mktemp) || exit 1
trap 'rm -f "$line"' EXIT

# The number before a word of the line "audit: 106 kills, 50 predicted, 56 undecidable; ...", else 0.
count() {
	sed -n "s/^audit: \(.*[ ,]\)*\([0-9][0-9]*\) $1.*/\2/p" "$line" | grep . || echo 0
}

# scenario, first seed, jobs, more options
run() {
	scenario=$1 first=$2 at_once=$3
	shift 3
	"$OOMLAB" run -j "$at_once" "scenarios/prediction/$scenario.yaml" \
		-p "seed=$first..$((first + slice - 1))" -p kills=all "$@" --results "$results" >"$line" 2>&1
	status=$?
	if [ $status -eq 77 ]; then
		grep . "$line" | head -3
		exit 77
	fi
	[ $status -eq 0 ] || { failed=$((failed + 1)); grep -v '^pass' "$line"; }
	kills=$((kills + $(count 'kills\{0,1\}')))
	right=$((right + $(count predicted)))
	undecidable=$((undecidable + $(count undecidable)))
	wrong=$((wrong + $(count WRONG)))
	echo "$kills kills: $right predicted, $undecidable undecidable, $wrong wrong"
}

while [ $kills -lt "$kills_wanted" ]; do
	run generated $seed 1 -p size=64K..4M
	run generated $((seed + slice)) "$jobs" -p size=64K..4M
	run generated-asker $seed 1
	seed=$((seed + 2 * slice))
done
[ $wrong -eq 0 ] && [ $failed -eq 0 ] && [ $((undecidable * 100)) -lt $kills ]
