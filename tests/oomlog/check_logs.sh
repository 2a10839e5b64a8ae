#!/bin/sh
# That check_logs fails where it must: it is run in a tree of its own on a program that prints what
# the log holds, so each log says what 'oomlab explain --json' makes of it.
# shellcheck disable=SC2016 # "$any" is a word of the fixtures
. tests/lib/tap.sh

check_logs=$PWD/build/tests/check_logs
tree=$tap_dir/tree
fixtures=tests/fixtures/oomlog
mkdir -p "$tree/$fixtures"
cat >"$tap_dir/oomlab" <<'END'
#!/bin/sh
# explain --json FILE: prints FILE but for its first line, which says how to end
sed 1d "$3"
how=$(head -n 1 "$3")
case $how in
kill) kill -9 $$ ;;
*) exit "$how" ;;
esac
END
chmod +x "$tap_dir/oomlab"

# report NUMBER VERDICT: one line with every key
report() {
	printf '{"schema": 1, "number": %s, "audit": {"verdict": "%s"}, "tasks": {"complete": true}' \
		"$1" "$2"
	for key in killer scope cause kernel lines time cut invoked_by constraint chosen victim \
		kills oom_group allocating_task no_killable disabled panic page_size memory unknown \
		unknown_more summary; do
		printf ', "%s": null' $key
	done
	echo '}'
}

# fixture NAME REPORTS [NOTES]
fixture() {
	printf '{"log": "%s", "exit": 0, "reports": %s, "notes": "%s"}\n' "$1" "$2" "${3:-}" \
		>"$tree/$fixtures/$1.expected.json"
}

# log NAME HOW: with the reports from stdin
log() {
	{ echo "$2"; cat; } >"$tree/$fixtures/$1.log"
}

# check STATUS: runs it on what is there, and clears the tree
check() {
	mkdir -p "$tree/logs"
	run env OOMLAB="$tap_dir/oomlab" OOMLAB_LOGS="${logs-logs}" OOMLAB_NO_SKIP= \
		sh -c "cd '$tree' && exec '$check_logs'"
	is_status "$1"
	rm -rf "${tree:?}/logs" "${tree:?}/$fixtures/"*
}

fixture a '[{"audit": {"verdict": "highest"}}, {"number": 2}]'
{ report 1 highest; report 2 within-error; } | log a 0
check 0
like "$out" '^ok 1 - a$'
like "$out" '^# summary: 2 reports, 2 with .* 1 explained, 1 undecidable, 0 unexplained$'

fixture a '[{"audit": {"verdict": "tie"}}]'
report 1 highest | log a 0
check 1
like "$out" '^#   reports\[0\]\.audit\.verdict: expected "tie", got "highest"$'

fixture a '[{}]'
{ report 1 highest; report 2 tie; } | log a 0
check 1
like "$out" '^#   reports: expected 1 elements, got 2$' 'a report too many is found'

fixture a '[{}]'
report 2 highest | log a 0
check 1
like "$out" 'reports\[0\]\.number: is not 1' 'a wrong number is found'

fixture a '[{}]'
report 1 tie | sed 's/"summary": null/"sumary": null/' | log a 0
check 1
like "$out" 'reports\[0\]\.summary: the key is missing'

fixture a '[{"audit": {"verdict": "unexplained"}}]' ''
report 1 unexplained | log a 0
check 1
like "$out" 'which the fixture does not expect with a note' 'unexplained needs a note'

fixture a '[{}]' 'a note about something else'
report 1 unexplained | log a 0
check 1
like "$out" 'which the fixture does not expect with a note' 'unexplained must be expected'

fixture a '[{"audit": {"verdict": "unexplained"}}]' 'a bug of that kernel'
report 1 unexplained | log a 0
check 0
like "$out" '1 unexplained$'

fixture a '[{}]'
report 1 highest | log a 2
check 1
like "$out" '^#   exit: expected 0, got 2'

fixture a '[{}]'
report 1 highest | log a kill
check 1
like "$out" '^#   exit: expected 0, got 137'

fixture a '[{"$any": true}]'
report 1 highest | tr -d '}' | log a 0
check 1
like "$out" 'line 1 of the output is no JSON object'

report 1 highest | log a 0
check 1
like "$out" 'a\.log has no tests/fixtures/oomlog/a\.expected\.json'

fixture a '[{}]'
check 1
like "$out" 'no such log'

fixture a '[{}]'
mkdir "$tree/logs"
report 1 highest | { log a 0; cp "$tree/$fixtures/a.log" "$tree/logs/a.log"; }
check 1
like "$out" 'lies in both'

fixture a '[{}]'
mkdir "$tree/logs"
report 1 highest | { log a 0; mv "$tree/$fixtures/a.log" "$tree/logs/a.log"; }
check 0

fixture a '[{}'
report 1 highest | log a 0
check 1

fixture a '[{}]'
sed -i 's/"a"/"b"/' "$tree/$fixtures/a.expected.json"
report 1 highest | log a 0
check 1
like "$out" "is for the log 'b'"

check 1 # nothing to test is no success
fixture a '[{}]'
logs=nowhere
report 1 highest | log a 0
check 1
like "$out" '^not ok 1 - nowhere'

done_testing
