#!/bin/sh
# Wrong scenario files and wrong arguments: each mistake is one line with its place, exit status 2,
# and nothing is made: no results, no state, no group. Needs no privilege.
# shellcheck disable=SC2154,SC2016 # out, err and status come from tap.sh; '${b}' is oomlab's
. tests/lib/tap.sh

case $OOMLAB in /*) ;; *) OOMLAB=$PWD/$OOMLAB ;; esac
fixtures=$PWD/tests/fixtures/scenario
OOMLAB_STATE=$tap_dir/state
export OOMLAB_STATE
mkdir "$tap_dir/work"
cd "$tap_dir/work" || exit 1

groups=': {memory.max: 16M}
tasks:
  a: {run: step, group: g}
'
# file NAME TEXT: with %b escapes
file() { printf '%b' "$2" >"$1"; }
good() { printf 'groups:\n  g%ssteps:\n  - expect: {alive: [a]}\n' "$groups" >"$1"; }

# wrong ARGUMENT... : ends with 2 within 10 s, and the last line of stderr says which command
wrong() {
	run timeout -s KILL 10 "$OOMLAB" run "$@"
	is_status 2 "run $(printf '%s ' "$@" | tr -d '\n'): exit status 2"
	empty "$out" "run $(printf '%s ' "$@" | tr -d '\n'): nothing on stdout"
}
# says LINE: stderr has exactly this line
says() {
	if grep -qxF -e "$1" "$err"; then
		pass "says: $1"
	else
		fail "says: $1" "$(tap_shown)"
	fi
}

# All mistakes of a file, and of several files, at once.
cp "$fixtures/mistakes.yaml" t.yaml
wrong t.yaml
sed '$d' "$err" >told
ok "all mistakes of a file at once" cmp told "$fixtures/mistakes.txt"
says "oomlab run: $(grep -c . "$fixtures/mistakes.txt") mistakes in scenario files"
file tab.yaml 'name: x\nsteps:\n\t- quit: a\n'
file twice.yaml 'name: x\nname: y\nsteps:\n  - step: {task: a, task: b, size: 1M}\n'
wrong t.yaml tab.yaml twice.yaml
says 'tab.yaml:3:1: tab in the indentation, expected spaces'
says "twice.yaml:2:1: key 'name' given twice in one map, first on line 1"
says "twice.yaml:4:21: key 'task' given twice in one map, first on line 4"
says "t.yaml:3:1: unknown key 'titel', did you mean 'title'?"

# What is no scenario at all.
file empty.yaml ''
wrong empty.yaml
says 'empty.yaml: empty file, expected a scenario (a map)'
file list.yaml '- a\n- b\n'
wrong list.yaml
like "$err" '^list.yaml:1:1: expected a map \(name, groups, tasks, steps'
file latin1.yaml 'name: \0351t\0351\n'
wrong latin1.yaml
says 'latin1.yaml:1:7: byte 0xe9, expected UTF-8 text'
file nul.yaml 'name: x\0000y\n'
wrong nul.yaml
says 'nul.yaml:1:8: byte 0x00, expected UTF-8 text'
file two.yaml 'name: x\n---\nname: y\n'
wrong two.yaml
like "$err" "^two.yaml:2:1: a second document"
file bomb.yaml 'a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n'
wrong bomb.yaml
like "$err" '^bomb.yaml:1:7: anchor, expected none'
like "$err" "^bomb.yaml:2:9: alias"
awk 'BEGIN { for (i = 0; i < 200000; i++) printf "["; print "" }' >deep.yaml
wrong deep.yaml
like "$err" '^deep.yaml:1:[0-9]+: nested too deeply, expected at most [0-9]+ levels$'
head -c 10000000 /dev/zero | tr '\0' a >big.yaml
wrong big.yaml
says 'big.yaml: 10000000 bytes, expected a scenario of at most 1 MiB'

# What is no file that can be read. None of these may wait for a writer or read without end.
mkfifo fifo.yaml
wrong fifo.yaml
says "oomlab run: scenario 'fifo.yaml': not a regular file"
for device in /dev/zero /dev/full; do
	wrong "$device"
	says "oomlab run: scenario '$device': not a regular file"
done
ln -s loop2.yaml loop1.yaml
ln -s loop1.yaml loop2.yaml
wrong loop1.yaml
says "oomlab run: cannot open 'loop1.yaml': Too many levels of symbolic links"
wrong missing.yaml
says "oomlab run: cannot open 'missing.yaml': No such file or directory"
mkdir folder.yaml
wrong folder.yaml
says "oomlab run: no scenario (NAME.yaml) in folder 'folder.yaml'"
ln -s nowhere folder.yaml/dangling.yaml
wrong folder.yaml
says "oomlab run: cannot read 'folder.yaml/dangling.yaml': No such file or directory"
if [ -r /proc/self/pagemap ]; then
	run sh -c "ulimit -v 2000000; exec timeout -s KILL 10 '$OOMLAB' run /proc/self/pagemap"
	is_status 2 "a file of /proc without end: exit status 2"
	like "$err" 'is longer than [0-9]+ bytes'
else
	skip "a file of /proc without end" "/proc/self/pagemap cannot be read"
fi
good secret.yaml
chmod 0 secret.yaml
if [ -r secret.yaml ]; then
	skip "an unreadable file" "this user can read everything"
else
	wrong secret.yaml
	says "oomlab run: scenario 'secret.yaml': cannot open 'secret.yaml': Permission denied"
fi

# Names, and parameters.
wrong limit-kill-largest
like "$err" "no scenario, file or folder 'limit-kill-largest' \(did you mean 'limit-kills-largest'\?\)"
wrong ''
wrong '*nomatch*'
good good.yaml
wrong -p size=1G good.yaml
like "$err" "^oomlab run: -p 'size=1G': expected NAME=VALUE of a parameter that a chosen scenario declares"
wrong -p size good.yaml
wrong -p =1 good.yaml
file cycle.yaml 'params: {a: "${b}", b: "${a}"}\nsteps: [{expect: {killed: none}}]\n'
wrong cycle.yaml
like "$err" "^cycle.yaml:1:[0-9]+: parameter '.' refers to itself"

# What would get round the limits: refused by name.
printf 'groups:\n  g: {memory.max: 16M, "raw:cgroup.procs": 1, "raw:../x": 1}\n' >raw.yaml
printf 'tasks: {a: {run: step, group: g}}\nsteps:\n' >>raw.yaml
printf '  - set: {g: {"raw:memory.limit_in_bytes": -1}}\n' >>raw.yaml
wrong raw.yaml
says "raw.yaml:2:24: 'raw:cgroup.procs', expected 'group' of a task or a 'move' step"
says "raw.yaml:2:47: 'raw:../x': expected the name of a file of the group"
says "raw.yaml:5:15: 'raw:memory.limit_in_bytes', expected 'memory.max'"
printf 'groups:\n  ../g: {}\n  memory.max: {}\n' >paths.yaml
printf 'tasks: {"../a": {run: step}, b: {exec: [""]}}\nsteps: [{expect: {killed: none}}]\n' >>paths.yaml
wrong paths.yaml
like "$err" "^paths.yaml:2:3: group '\.\.', expected a letter or digit"
like "$err" "^paths.yaml:3:3: group 'memory.max', expected another name"
like "$err" "^paths.yaml:4:9: task '\.\./a', expected a letter or digit"
like "$err" "^paths.yaml:4:[0-9]+: exec, expected a program's name first, got nothing"

# Text of a scenario cannot steer the terminal.
esc=$(printf '\033')
good "odd ${esc}[31m.yaml"
printf 'title: "\\e[31m \\u202e \\n"\n' >>"odd ${esc}[31m.yaml"
for words in list 'run --dry-run'; do
	# shellcheck disable=SC2086 # words
	run "$OOMLAB" $words "odd ${esc}[31m.yaml"
	is_status 0 "$words of an odd file"
	is "$words prints no escape sequence" 0 "$(grep -c "$esc" "$out")"
	like "$out" 'odd .x1b\[31m' "$words shows it escaped"
done
file "bad ${esc}[31m.yaml" 'x: 1\n'
wrong "bad ${esc}[31m.yaml"
is "nor does a mistake" 0 "$(grep -c "$esc" "$err")"

# Bytes that are fine.
good plain.yaml
sed 's/$/\r/' plain.yaml >crlf.yaml
{ printf '\357\273\277' && cat plain.yaml; } >bom.yaml
run "$OOMLAB" run --dry-run crlf.yaml bom.yaml
is_status 0 "CRLF and a byte order mark are read"

# Options.
for words in '--shard 0/0' '--shard 2/1' '--shard 1' '--shard a/b' '--shard 1/1/1' '--repeat 0' \
	'--repeat -1' '--repeat 18446744073709551615' '--jobs 0' '--jobs 1000' '--format x' \
	'--timeout 0' '--timeout 1' '--timeout -1s' '--colour pink' '--nonsense' '--filter' \
	'--cgroup-parent nope' '--cgroup-parent /a/../b' '--filter nosuch' '--shard 2/2'; do
	# shellcheck disable=SC2086 # words
	wrong $words good.yaml
	is "$words: one line" 1 "$(wc -l <"$err")"
	like "$err" '^oomlab run: ' "$words: names the command"
done

# A program away from its catalogue still runs files.
mkdir "$tap_dir/bin"
cp "$OOMLAB" "$tap_dir/bin/oomlab"
run env -u OOMLAB_SCENARIOS "$tap_dir/bin/oomlab" run --dry-run good.yaml
is_status 0 "without a catalogue: a file is enough"
run env -u OOMLAB_SCENARIOS "$tap_dir/bin/oomlab" run --dry-run
is_status 2 "without a catalogue: no arguments"
like "$err" 'cannot find the scenario catalogue'
run env OOMLAB_SCENARIOS=/nonexistent "$OOMLAB" run --dry-run good.yaml
is_status 2 "a wrong OOMLAB_SCENARIOS is told"

ok "no results were made" test ! -e results
ok "no state was made" test ! -e "$OOMLAB_STATE"
done_testing
