#!/bin/sh
# oomlab size when it takes long: runs that are kept and gone on from, copies side by side, samples of
# a need that varies, what is known when it is interrupted.
# shellcheck disable=SC2154 # variables come from tap.sh
. tests/lib/tap.sh

if [ "$(id -u)" -ne 0 ]; then
	echo "1..0 # SKIP not root: tests/integration/size_long.sh makes control groups"
	exit 0
fi
export OOMLAB_STATE="$tap_dir/state"
need=$tap_dir/need save=$tap_dir/save
if ! ${CC:-cc} -D_GNU_SOURCE -O1 -static -pthread -o "$need" tests/fixtures/size/need.c \
	2>"$tap_dir/cc"; then
	skip "size" "no static program can be built here"
	done_testing
fi
run "$OOMLAB" size --slow 0 -- "$need" touch 1
if [ "$status" -eq 3 ]; then
	skip "size" "$(head -n 1 "$err")"
	done_testing
fi

# A program that takes 8, 9, 10, 8, ... MiB from run to run.
cat >"$tap_dir/varies" <<END
#!/bin/sh
read -r n <"$tap_dir/turn"
echo \$(((n + 1) % 3)) >"$tap_dir/turn"
exec "$need" touch \$((8 + n))
END
chmod +x "$tap_dir/varies"
echo 0 >"$tap_dir/turn"

# field NAME: of the JSON object on $out, its own ones only
field() {
	sed -n "s/^  \"$1\": \(.*[^,]\),*\$/\1/p" "$out"
}

# ---- kept and gone on from ---------------------------------------------------------------------

run "$OOMLAB" size --slow 0 --json --save "$save" -- "$need" touch 12
is_status 0 "--save"
is "--save: the limit" 13631488 "$(field limit)"
is "--save: nothing was known" 0 "$(field known_runs)"
runs=$(field runs)
is "--save: a line about it and one a run" $((runs + 1)) "$(wc -l <"$save")"
printf '{"run":"limit","from":136' >>"$save" # kill -9 in the middle of a line
run "$OOMLAB" size --slow 0 --json --save "$save" -- "$need" touch 12
is "again: the limit" 13631488 "$(field limit)"
is "again: all of it was known" "$runs" "$(field known_runs)"
is "again: nothing is added, what was cut is gone" $((runs + 1)) "$(wc -l <"$save")"
sed -i '$d' "$save"
run "$OOMLAB" size --slow 0 --save "$save" -- "$need" touch 12
like "$out" "^runs +1 in .*, and $((runs - 1)) that were known" "one is missing: one is made"
run "$OOMLAB" size --slow 0 --save "$save" -- "$need" touch 13
is_status 2 "another command"
like "$err" "is of another command: .*12.*there.*13"
run "$OOMLAB" size --slow 0 --save "$save" --step 2M -- "$need" touch 12
is_status 2 "another step"
like "$err" "is of another --step"
sum_of() {
	{ cksum <"$1"; } 2>/dev/null
}
# refused NAME FILE TEXT: one line, at once, and the file is as it was
refused() {
	before=$(sum_of "$2")
	run timeout -k 1 10 "$OOMLAB" size --slow 0 --save "$2" -- "$need" touch 12
	is "$1" "2 oomlab size: --save '$2'$3" "$status $(cat "$out" "$err")"
	is "$1: left alone" "$before" "$(sum_of "$2")"
}
mkdir "$tap_dir/folder"
refused "a folder" "$tap_dir/folder" ": Is a directory"
ln -s loop "$tap_dir/loop"
refused "a link to itself" "$tap_dir/loop" ": Too many levels of symbolic links"
refused "a folder that takes no file" /proc/oomlab.save ": No such file or directory"
head -c 3000000 /dev/urandom >"$tap_dir/binary"
refused "no text" "$tap_dir/binary" " is no file of oomlab size"
head -c 3000000 /dev/zero | tr '\0' '[' >"$tap_dir/long"
refused "a long line" "$tap_dir/long" " is no file of oomlab size"
(head -n 1 "$save" && cat "$tap_dir/long" && echo) >"$tap_dir/deep"
refused "a long line behind the first" "$tap_dir/deep" ": line 2: maximum parsing depth reached near '['"
(head -n 1 "$save" && sed -n 's/"limit":[0-9]*/"limit":-1/; 2p' "$save") >"$tap_dir/negative"
refused "a limit below 0" "$tap_dir/negative" ": line 2 is no run of oomlab size"
(head -n 2 "$save" && printf 'not ours') >"$tap_dir/other"
refused "what is not ours to cut" "$tap_dir/other" ": line 3 is no run of oomlab size"
mkfifo "$tap_dir/fifo"
run timeout -k 1 10 "$OOMLAB" size --slow 0 --save "$tap_dir/fifo" -- "$need" touch 12
is "a FIFO" "2 oomlab size: --save '$tap_dir/fifo': expected a file" "$status $(cat "$err")"
touch "$need"
run "$OOMLAB" size --slow 0 --save "$save" -- "$need" touch 12
is_status 2 "another program"
like "$err" "is of another '$need': it was changed since"
run "$OOMLAB" size --slow 0 --save "$need" -- "$need" touch 12
is_status 2 "no such file"
like "$err" "is no file of oomlab size"
run "$OOMLAB" size --slow 0 --save /nosuch/file -- "$need" touch 12
is_status 2 "no such folder"
cp "$save" "$tap_dir/locked"
run flock "$tap_dir/locked" "$OOMLAB" size --slow 0 --save "$tap_dir/locked" -- "$need" touch 12
like "$err" "another oomlab writes to it" "two at once"
run "$OOMLAB" sweep --save "$tap_dir/sweep" --from 1M --to 9M --points 3 -- "$need" touch 8
cp "$out" "$tap_dir/first"
run "$OOMLAB" sweep --save "$tap_dir/sweep" --from 1M --to 9M --points 3 -- "$need" touch 8
ok "sweep: the very same again" cmp "$out" "$tap_dir/first"

# ---- samples --------------------------------------------------------------------------------------

run "$OOMLAB" size --slow 0 --samples 6 -- "$tap_dir/varies"
is_status 0 "--samples"
like "$out" '^limit without a kill +11.0 MiB' "--samples: the most that it takes"
like "$out" '^  samples +6, from 9.0 MiB to 11.0 MiB'
like "$out" '^ +11.0 MiB +6 of 6 +\(>= 60.7 %\) +6 of 6 +\(>= 60.7 %\)$' "the curve's end"
like "$out" '^ +9.0 MiB +[1-3] of 6 +\(>= +[0-9.]+ %\) +-$' "the curve's beginning"
run "$OOMLAB" size --slow 0 --samples 6 --json -- "$tap_dir/varies"
like "$out" '"within_at_least": 0.606' "the curve in JSON"

# ---- side by side ---------------------------------------------------------------------------------

for jobs in 2 3; do
	run "$OOMLAB" size --slow 0 --json --jobs $jobs --method bisect -- "$need" touch 24
	is "--jobs $jobs, bisection: the limit" 26214400 "$(field limit)"
	run "$OOMLAB" size --slow 0 --jobs $jobs --samples 6 -- "$need" touch 8
	like "$out" '6 of 6 runs passed at 8.8 MiB' "--jobs $jobs: samples"
done
# Copies that get in each other's way: nothing of theirs is believed.
cat >"$tap_dir/only" <<END
#!/bin/sh
exec 9>"$tap_dir/only.lock"
flock -n 9 || exit 5
exec "$need" touch 24
END
chmod +x "$tap_dir/only"
run "$OOMLAB" size --slow 0 --json --jobs 3 --method bisect -- "$tap_dir/only"
is "copies that disturb each other: the limit" 26214400 "$(field limit)"
run "$OOMLAB" size --jobs 2 --output-file x -- true
is_status 2 "--jobs and --output-file"
like "$err" "copies side by side would share"
run "$OOMLAB" size --jobs 0 -- true
is_status 2
# Groups of runs of somebody else's are not ours to count.
left=$(find /sys/fs/cgroup -maxdepth 3 -name "oomlab-*-*" -newer "$tap_dir/varies" | while read -r group; do
	owner=${group##*/oomlab-}
	[ -d "/proc/${owner%%-*}" ] || echo "$group"
done)
is "no group is left" "" "$left"

# ---- interrupted ----------------------------------------------------------------------------------

# interrupt OPTION...: sizes what stays when it is run for the third time, and is interrupted there
interrupt() {
	mkfifo "$tap_dir/third"
	cat >"$tap_dir/stays" <<-END
	#!/bin/sh
	read -r n <"$tap_dir/turn"
	echo \$((n + 1)) >"$tap_dir/turn"
	[ "\$n" -lt 2 ] || { echo \$\$ >"$tap_dir/third"; exec sleep 1000; }
	exec "$need" touch 8
	END
	chmod +x "$tap_dir/stays"
	echo 0 >"$tap_dir/turn"
	"$OOMLAB" size --slow 0 --method bisect "$@" -- "$tap_dir/stays" >"$out" 2>"$err" </dev/null &
	pid=$!
	read -r inner <"$tap_dir/third"
	kill -TERM $pid # SIGINT is ignored by what a shell starts in the background
	status=0
	wait $pid || status=$?
	rm "$tap_dir/third"
}
interrupt
is_status 130 "ended"
like "$err" 'interrupted; what is known so far'
like "$out" '^so far +(passed|failed) at ' "ended: what is known"
like "$out" '^without a limit +peak' "ended: what it has without a limit"
interrupt --json --save "$tap_dir/cut"
is "ended: in JSON" '"interrupted"' "$(field trouble)"
like "$out" '"trials": \[' "ended: the trials"
is "ended: what was found is kept" 3 "$(wc -l <"$tap_dir/cut")"
interrupt --jobs 2
is_status 130 "ended with copies side by side"
ok "and the command is gone" test ! -d "/proc/$inner" -o "$(sed -n 's/^State:\t\(.\).*/\1/p' \
	"/proc/$inner/status" 2>"$tap_dir/gone")" = Z

done_testing
