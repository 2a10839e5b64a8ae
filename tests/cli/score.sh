#!/bin/sh
# oomlab score: the machine, single processes, groups, other kernels' rules, JSON, watching.
# shellcheck disable=SC2154,SC2016,SC2317 # variables come from tap.sh; done_testing may be the end
. tests/lib/tap.sh

run "$OOMLAB" score
is_status 0
empty "$err"
like "$out" '^ RANK +PID +ADJ +RSS +SWAP +TABLES +POINTS +BADNESS SCORE +OURS +NAME$'
like "$out" '^ +1 +[0-9]+ .*'
like "$out" '^[0-9]+ of [0-9]+ can be chosen, [0-9]+ shown; a step of oom_score_adj weighs '
like "$out" '^Next to die when the machine runs out of memory: .* \(pid [0-9]+\), [0-9-]+ points? \('
like "$out" 'would not be chosen any more at an oom_score_adj of -?[0-9]+ or below'
is "no more than 20 rows" "" "$(grep -E '^ +(2[1-9]|[3-9][0-9]) ' "$out")"

run "$OOMLAB" score --top 1
is "--top 1 shows one row" 1 "$(grep -cE '^( +[0-9]+|never) +[0-9]+ ' "$out")"
run "$OOMLAB" score --all --top 0
is_status 0
like "$out" " $$ .* sh$" "--top 0 shows this shell"
is "no oom_score differs from ours" "" "$(grep -E '^( +[0-9]+|never) .*[0-9]!  ' "$out")"

# processes
sleep 1000 &
sleeper=$!
run "$OOMLAB" score $sleeper
is_status 0
like "$out" "^ +[0-9]+ +$sleeper .* sleep$"
like "$out" "^sleep \(pid $sleeper\): (number [0-9]+|the first) of [0-9]+ to die when the machine"
is "other rows are left out" 1 "$(grep -cE '^( +[0-9]+|never) +[0-9]+ ' "$out")"
echo 1000 >/proc/$sleeper/oom_score_adj
run "$OOMLAB" score $sleeper --json
like "$out" '"oom_score_adj": 1000'
like "$out" '"match": "same"'
kill -9 $sleeper
wait $sleeper 2>"$tap_dir/killed"
run "$OOMLAB" score $sleeper
is_status 1
like "$err" "^oomlab score: no process $sleeper$"
empty "$out"
run "$OOMLAB" score $$ $sleeper
is_status 1
like "$out" " $$ .* sh$" "the process that is there is shown all the same"

# wrong words
for words in '--top x' '--top -3' 'x' '0' '-5' '--all 1' '--all --cgroup /' '--cgroup / 1' \
	'--generation zzz' '--generation 2.6.18' '--interval 3' '--colour maybe'; do
	# shellcheck disable=SC2086 # words
	run "$OOMLAB" score $words
	is "score $words: exit status" 2 "$status"
	like "$err" '^oomlab score: ' "score $words: says why"
	empty "$out" "score $words: prints nothing"
done

# other kernels
run "$OOMLAB" score --generation 4.4
is_status 0
like "$out" 'ranked by the rules of 4\.0 to 4\.6'
for version in 2.6.36 3.0 3.4 3.10 3.18 4.4 4.8 4.14 4.16 4.19 5.2 5.4 5.15 6.1 7.2; do
	run "$OOMLAB" score --generation $version --top 2
	is "--generation $version" 0 "$status"
done

# JSON: every key is in the document, and the other way round
run "$OOMLAB" score --json --cgroup /
if [ "$status" -ne 0 ]; then
	run "$OOMLAB" score --json # no memory controller here
fi
is_status 0
"$OOMLAB" score --json $$ >"$tap_dir/one"
keys() { sed -n 's/^ *"\([a-z_]*\)":.*/\1/p' "$@" | sort -u; }
documented=$(sed -n '/^|/p' docs/score-json.md | grep -o '`[a-z_]*`' | tr -d '`' | sort -u)
undocumented=
for key in $(keys "$out" "$tap_dir/one"); do
	echo "$documented" | grep -qx "$key" || undocumented="$undocumented $key"
done
is "docs/score-json.md has every key" "" "$undocumented"
if command -v python3 >"$tap_dir/which"; then
	ok "JSON is JSON" python3 -m json.tool "$out"
fi

# watching
"$OOMLAB" score --watch --interval 50ms --top 3 >"$tap_dir/watch" 2>&1 &
watcher=$!
tries=0
until [ "$(grep -c '^Next to die' "$tap_dir/watch")" -ge 3 ] || [ $tries -ge 500 ]; do
	tries=$((tries + 1))
	sleep 0.02 # a shell has no event for a file that grows
done
kill -TERM $watcher
status=0
wait $watcher || status=$?
is "a watch ends cleanly" 0 "$status"
like "$tap_dir/watch" '^20[0-9-]+ [0-9:]+$' "a watch into a file says when"
is "and has no escape sequences" "" "$(grep "$(printf '\033')" "$tap_dir/watch")"
status=$({ "$OOMLAB" score --json -i 20ms --top 1 2>&1; echo $? >"$tap_dir/status"; } |
	head -n 2 | grep -c '^{"schema":1,')
is "a watch in JSON has a line a look" 2 "$status"
is "and ends when its reader has gone" 0 "$(cat "$tap_dir/status")"
run "$OOMLAB" score --colour always --top 1
like "$out" "$(printf '\033')\\[1m" "colour can be had"

# groups
run "$OOMLAB" score --cgroup /no/such/group
is_status 1
like "$err" "no memory cgroup '.*/no/such/group'"
parent=$(awk '$0 ~ / - cgroup / && $0 ~ /[ ,]memory(,|$)/ { print $5; exit }' /proc/self/mountinfo)
group=$parent/oomlab-test-score-$$
if [ "$(id -u)" -ne 0 ] || [ -z "$parent" ] || ! mkdir "$group" 2>"$tap_dir/mkdir"; then
	skip "groups" "needs root and the memory controller on v1, where the test makes a group"
	done_testing
	exit
fi
mkdir "$group/inner"
echo 32M >"$group/memory.limit_in_bytes"
sh -c "echo \$\$ >'$group/inner/cgroup.procs'; exec '${OOMLAB%/*}/oomhog' blocks --total 8M" \
	>"$tap_dir/hog" &
hog=$!
tries=0
until grep -q 8M "$tap_dir/hog" || [ $tries -ge 500 ]; do
	tries=$((tries + 1))
	sleep 0.02
done
name=/oomlab-test-score-$$
run "$OOMLAB" score --cgroup $name
is_status 0
like "$out" "^Next to die when '$name' comes to its limit of 32.0M \\(it uses [0-9.]+M\\): oomhog \\(pid $hog\\)"
like "$out" '^It is the only one that can be chosen\.$'
cp "$out" "$tap_dir/by_name"
for path in "$group" "$group/" "${name#/}"; do
	run "$OOMLAB" score --cgroup "$path"
	is "score --cgroup $path" "$(grep -c . "$tap_dir/by_name")" "$(grep -c . "$out")"
done
run "$OOMLAB" score --cgroup $name/inner
like "$out" "'$name/inner' comes to a limit, of which it has none now"
run "$OOMLAB" score $hog
like "$out" "^oomhog \\(pid $hog\\): the first of 1 to die when '$name' comes to its limit of 32.0M"
is "a group without a limit is no place to die" "" "$(grep "'$name/inner'" "$out")"
kill -9 $hog
wait $hog 2>"$tap_dir/killed"
run "$OOMLAB" score --cgroup $name
is_status 0
like "$out" "^Nobody can be chosen when '$name' comes to its limit"
rmdir "$group/inner" "$group"

done_testing
