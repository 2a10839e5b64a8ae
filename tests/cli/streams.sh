#!/bin/sh
# Where output goes wrong or goes to a terminal: closed and full streams, readers that leave,
# escape codes. Runs real scenarios where this machine lets it, else those tests are skipped.
# shellcheck disable=SC2154 # out, err and status come from tap.sh
. tests/lib/tap.sh

case $OOMLAB in /*) ;; *) OOMLAB=$PWD/$OOMLAB ;; esac
export OOMLAB OOMLAB_STATE="$tap_dir/state"
schema=$PWD/tests/fixtures/report/junit-10.xsd
cd "$tap_dir" || exit 1
out=$tap_dir/out err=$tap_dir/err
esc=$(printf '\033')

# unread COMMAND...: with a pipe for stdout that nobody reads any more; its exit status in $status.
unread() {
	rm -f "$tap_dir/pipe"
	mkfifo "$tap_dir/pipe"
	: <"$tap_dir/pipe" &
	reader=$!
	exec 9>"$tap_dir/pipe"
	wait "$reader"
	status=0
	"$@" >&9 9>&- 2>"$err" || status=$?
	exec 9>&-
}

# Output of commands that touch nothing.
for words in list 'list --json' 'completion bash' 'run --help' --version; do
	# shellcheck disable=SC2086 # words
	{
		status=0
		"$OOMLAB" $words >/dev/full 2>"$err" || status=$?
	}
	is "$words to a full disk: exit status" 3 "$status"
	like "$err" 'cannot write to standard output: No space left on device' "$words says so"
	status=0
	# shellcheck disable=SC2086 # words
	"$OOMLAB" $words >&- 2>"$err" || status=$?
	is "$words without stdout: exit status" 3 "$status"
	# shellcheck disable=SC2086 # words
	unread "$OOMLAB" $words
	is "$words into a closed pipe is no failure" 0 "$status"
	empty "$err" "$words into a closed pipe says nothing"
done

# Scenarios: text that needs every escape that there is, and one that fails.
cat >pass.yaml <<'END'
name: pass
groups: {g: {memory.max: 16M}}
tasks: {a: {run: step, group: g}}
steps:
  - step: {task: a, size: 1M}
  - expect: {alive: [a]}
END
odd=$(printf "odd <&>\"' \\377 \\033[31m.yaml")
cat >"$odd" <<'END'
title: "<&>\"' ]]> \e[31m \u0007 \u202e \ufffe"
groups: {g: {memory.max: 16M}}
tasks: {a: {run: step, group: g}}
steps:
  - expect: {killed: [a], within: 1ms}
END

run "$OOMLAB" run pass.yaml
if [ "$status" -ne 0 ]; then
	skip "output of runs" "$(head -n 1 "$out")"
	done_testing
fi
is "piped output has no escape codes" 0 "$(grep -c "$esc" "$out")"

status=0
"$OOMLAB" run pass.yaml >/dev/full 2>"$err" || status=$?
is "a run to a full disk: exit status" 3 "$status"
like "$err" 'cannot write the report: No space left on device'
run "$OOMLAB" run --output /dev/full pass.yaml
is_status 3
like "$err" 'cannot write the report: No space left on device' "--output to a full disk says so"
run "$OOMLAB" run --output "$tap_dir/none/x" pass.yaml
is_status 3
like "$err" "^oomlab run: --output: cannot open '.*/none/x': No such file or directory"
unread "$OOMLAB" run pass.yaml
is "a run into a closed pipe keeps its verdict" 0 "$status"

# Without standard descriptors nothing of what is printed may end up in another file.
status=0
"$OOMLAB" run --format json --output "$tap_dir/report.json" pass.yaml <&- >&- 2>&- || status=$?
is "a run without any standard descriptor" 0 "$status"
ok "its report is whole" grep -q '"verdict": "pass"' "$tap_dir/report.json"
status=0
"$OOMLAB" run pass.yaml >&- 2>"$err" || status=$?
is "a run without stdout: exit status" 3 "$status"
status=0
(ulimit -f 0 && exec "$OOMLAB" run pass.yaml) >/dev/null 2>/dev/null || status=$?
is "a run that may write no files is told, not killed" 3 "$status"

# Formats of names that are hostile, each read by somebody else's parser.
for format in text tap junit json; do
	run "$OOMLAB" run --format $format "$odd"
	is_status 1 "$format of hostile names: the scenario fails as it should"
	is "$format of hostile names: no escape sequence" 0 "$(grep -c "$esc" "$out")"
	cp "$out" "report.$format"
done
like report.tap '^ +findings:$' "TAP has the finding, whatever the file's name"
if command -v xmllint >/dev/null; then
	ok "JUnit validates" xmllint --noout --schema "$schema" report.junit
else
	skip "JUnit validates" "xmllint is not installed: apt-get install libxml2-utils"
fi
if command -v prove >/dev/null; then
	run prove -e cat report.tap
	like "$out" 'Failed tests?: +1$|Failed 1/1' "prove reads it"
else
	skip "prove reads it" "prove is not installed: apt-get install perl"
fi
ok "the JSON is JSON" perl -MJSON::PP -e 'local $/; decode_json(<>)' report.json

# A terminal, by script(1).
if command -v script >/dev/null; then
	# on_terminal VARIABLE=VALUE... -- ARGUMENT...
	on_terminal() {
		run script -qec "env -u NO_COLOR $1 '$OOMLAB' run $2 pass.yaml" /dev/null
	}
	on_terminal TERM=xterm ''
	like "$out" "$esc\\[32m" "a terminal gets colour"
	like "$out" "$esc\\[J" "a terminal gets live lines"
	on_terminal TERM=dumb ''
	is "a dumb terminal gets no escape codes" 0 "$(grep -c "$esc" "$out")"
	on_terminal TERM= ''
	is "nor does an unknown one" 0 "$(grep -c "$esc" "$out")"
	on_terminal 'TERM=xterm NO_COLOR=1' ''
	is "NO_COLOR is heard" 0 "$(grep -c "$esc\\[3" "$out")"
	on_terminal 'TERM=xterm NO_COLOR=' ''
	like "$out" "$esc\\[32m" "an empty NO_COLOR means nothing"
	on_terminal TERM=xterm '--quiet --colour never'
	is "--quiet --colour never: plain" 0 "$(grep -c "$esc" "$out")"
	run "$OOMLAB" run --colour always pass.yaml
	like "$out" "$esc\\[32m" "--colour always in a pipe"
else
	skip "output on a terminal" "script is not installed: apt-get install bsdutils"
fi

is "no journal is left" "" "$(find "$OOMLAB_STATE" -name '*.journal')"
done_testing
