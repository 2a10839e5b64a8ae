#!/bin/sh
# Replays: each of SCENARIOS on each of KERNELS once with a seed, then REPLAYS times again by
# 'oomlab vm --replay', which compares console, kills and times itself. JOBS kernels at once; records
# below RESULTS. Prints a line for each and the sum; exit status 1 when a replay was another run.
results=${RESULTS:-build/replay}
scenarios=${SCENARIOS:-global/three-race global/largest-dies global/allocating-task \
	global/panic-on-oom-1 global/tmpfs-filled limits/three-race limits/exact-to-the-page \
	fork/parent-or-children-large-child score/exact-tie v2/group-nested}

# Both print the record's first console hash; a scenario that is skipped is no test.
hash_of() { sed -n 's/.*"console_sha256": "\(............\).*/\1/p' "$1/latest/record.json" | head -n 1; }

# One scenario on one kernel: a line, and its status.
replay() {
	kernel=$1 scenario=$2 same=0 seed=${SEED:-42}
	folder="$results/$kernel/$scenario"
	mkdir -p "$folder"
	"$OOMLAB" vm -k "$kernel" -m "${MEMORY:-256M}" --seed "$seed" --results "$folder" "$scenario" \
		>"$folder/out" 2>&1
	status=$?
	if [ $status -ne 0 ] && [ $status -ne 1 ]; then
		echo "not ok $kernel $scenario: exit status $status, see $folder/out"
		return 1
	fi
	i=0
	while [ $i -lt "${REPLAYS:-5}" ]; do
		i=$((i + 1))
		if "$OOMLAB" vm --replay "$folder/latest" --results "$folder/again" >"$folder/out-$i" 2>&1; then
			same=$((same + 1))
		fi
	done
	word=ok
	[ $same -eq $i ] || word='not ok'
	echo "$word $kernel $scenario seed $seed: $same of $i the same, console $(hash_of "$folder")"
	[ $same -eq $i ]
}

# Called again by itself for one kernel: its scenarios one after the other.
if [ -n "${1:-}" ]; then
	worst=0
	for scenario in $scenarios; do
		replay "$1" "$scenario" || worst=1
	done
	exit $worst
fi

rm -rf "$results"
mkdir -p "$results"
export RESULTS="$results"
status=0
# shellcheck disable=SC2086 # a list of kernels
printf '%s\n' ${KERNELS:-debian:5.10 debian:6.1 debian:6.12 debian:7.3} |
	xargs -P "${JOBS:-1}" -I {} sh "$0" {} >"$results/lines" || status=1
sort -k 2 "$results/lines"
echo "$(grep -c '^ok' "$results/lines") of $(grep -c . "$results/lines") scenario runs replayed as they were"
exit $status
