#!/bin/sh
# oomlab curve on this machine's groups: who dies and when, held against what can be computed; who
# lives; nothing is left after kill -9 and SIGTERM.
# shellcheck disable=SC2154 # variables come from tap.sh
. tests/lib/tap.sh

if [ "$(id -u)" -ne 0 ]; then
	echo "1..0 # SKIP not root: tests/integration/curve.sh makes control groups"
	exit 0
fi
export OOMLAB_STATE="$tap_dir/state"
printf 'time,bytes\n0,10M\n12h,30M\n' >"$tap_dir/web.csv"
printf 'time,bytes\n0,20M\n' >"$tap_dir/cache.csv"
run "$OOMLAB" curve -l 128M --days 1 --speed 864000 "$tap_dir/web.csv"
if [ "$status" -eq 3 ]; then
	skip "curve" "$(head -n 1 "$err")"
	done_testing
fi

# Steps that come late on a busy machine: by the clock, in seconds.
late=0.2
speed=86400

# values KEY: all values of this key, in their order
values() {
	sed -n "s/^ *\"$1\": \"\{0,1\}\([^\",]*\)\"\{0,1\},\{0,1\}\$/\1/p" "$out" | tr '\n' ' '
}

# ---- who, and when ----------------------------------------------------------------------------------

run "$OOMLAB" curve -l 64M --speed $speed --leak web=1M/h --json "$tap_dir/web.csv" "$tap_dir/cache.csv"
is_status 1 "a leak kills"
like "$out" '"by_log": true' "the kernel's log says so"
like "$out" '"by_counter": true' "the group's counter says so"
is "the one that was to be expected, and no other" "web cache web web " "$(values role)"
# "at": of the forecast, of the death, of the samples
expected=$(values at | cut -d' ' -f1) got=$(values at | cut -d' ' -f2)
ok "when it was to be expected: after $expected s of the curve, $got" \
	awk -v a="$expected" -v b="$got" -v most="$(echo "$late" | awk -v s=$speed '{print $1 * s}')" \
	'BEGIN {d = b - a; exit !(d > -300 && d < most)}'
# The kernel prints 10 reports in 5 s, whoever is killed.
usage=$(sed -n '/^  "deaths"/,/^  ]/s/^ *"usage": \([0-9]*\),*$/\1/p' "$out")
if [ "$usage" ]; then
	is "its report has the limit's usage" "67108864" "$usage"
else
	skip "its report has the limit's usage" "the kernel printed none"
fi

run "$OOMLAB" curve -l 64M --speed $speed --leak web=1M/h --adj cache=500 "$tap_dir/web.csv" \
	"$tap_dir/cache.csv"
is_status 1
like "$out" '^died +day [12], [0-9:]+: cache, pid [0-9]+$' "oom_score_adj decides"
like "$out" "its end .SIGKILL., the group's counter, the kernel's log"
like "$out" 'cache +held 20\.0 MiB .the curve 20\.0 MiB, leaked 0\.0 MiB., oom_score_adj 500'

run "$OOMLAB" curve -l 64M --speed $speed --leak web=2M/h --leak cache=1M/h --deaths 2 \
	"$tap_dir/web.csv" "$tap_dir/cache.csv"
is_status 1
is "--deaths 2: one after the other" "web cache" \
	"$(sed -n 's/^died .*: \([a-z]*\), pid.*/\1/p' "$out" | tr '\n' ' ' | sed 's/ $//')"

run "$OOMLAB" curve -l 64M --days 2 --speed $speed "$tap_dir/web.csv" "$tap_dir/cache.csv"
is_status 0 "without a leak all live"
like "$out" '^all lived +until day 3, 00:00$'
like "$out" '^was to be expected +nobody dies; the most is 5[01]\.[0-9] MiB, on day 1, 1[12]:'

run "$OOMLAB" curve -l 1M --speed $speed --days 1 "$tap_dir/web.csv"
ok "a limit that is too low for a hog is said or kills" test "$status" -eq 1 -o "$status" -eq 3
run "$OOMLAB" curve -l 100000G "$tap_dir/web.csv"
is_status 2
like "$err" '^oomlab curve: --limit: no more than .* can be risked here'

# ---- the end of the harness ---------------------------------------------------------------------------

# starts SIGNAL: the signal once a hog runs; its exit status
starts() {
	"$OOMLAB" curve -l 64M --speed 1 "$tap_dir/web.csv" >"$out" 2>"$err" </dev/null &
	pid=$!
	inner=
	# The hogs tell nobody but oomlab that they run: looked at until there is one.
	while [ -z "$inner" ] && kill -0 $pid; do
		inner=$(sed -n '1p' "/proc/$pid/task/$pid/children" | tr ' ' '\n' | while read -r child; do
			[ "$(cat "/proc/$child/comm" 2>"$tap_dir/gone")" != web ] || echo "$child"
		done)
	done
	kill "-$1" $pid
	status=0
	wait $pid 2>"$tap_dir/killed" || status=$?
	"$OOMLAB" clean >"$tap_dir/clean" 2>&1
	is "SIG$1: no group is left" "" "$(find /sys/fs/cgroup -maxdepth 3 -name "oomlab-$pid-*")"
	ok "SIG$1: the hog is gone" test ! -d "/proc/$inner" -o "$(sed -n 's/^State:\t\(.\).*/\1/p' \
		"/proc/$inner/status" 2>"$tap_dir/gone")" = Z
}
starts KILL
starts TERM
is "SIGTERM: exit status" 130 "$status"
like "$err" '^oomlab curve: interrupted'
like "$out" '^all lived +until day 1, 00:00, interrupted'
is "no journal is left" "" "$(find "$OOMLAB_STATE" -name '*.journal')"

done_testing
