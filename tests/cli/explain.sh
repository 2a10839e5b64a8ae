#!/bin/sh
# oomlab explain: exit statuses, where logs come from and how they are packed, choosing by number
# and time, following, streams that go wrong. What the reports themselves say is tested elsewhere.
# shellcheck disable=SC2154,SC2016 # out, err and status come from tap.sh
. tests/lib/tap.sh

case $OOMLAB in /*) ;; *) OOMLAB=$PWD/$OOMLAB ;; esac
cd "$tap_dir" || exit 1
export TZ=UTC LC_ALL=C

# report TIME PID COMM: as a 6.1 kernel prints it
report() {
	cat <<END
$1 host kernel: $3 invoked oom-killer: gfp_mask=0x140cca(GFP_HIGHUSER_MOVABLE|__GFP_COMP), order=0, oom_score_adj=0
$1 host kernel: CPU: 0 PID: $2 Comm: $3 Not tainted 6.1.0-18-amd64 #1
$1 host kernel: Mem-Info:
$1 host kernel: active_anon:1000 inactive_anon:200000 isolated_anon:0
$1 host kernel:  active_file:10 inactive_file:20 isolated_file:0
$1 host kernel:  free:5000 free_pcp:0 free_cma:0
$1 host kernel: Free swap  = 0kB
$1 host kernel: Total swap = 0kB
$1 host kernel: 262144 pages RAM
$1 host kernel: 0 pages HighMem/MovableOnly
$1 host kernel: 12144 pages reserved
$1 host kernel: Tasks state (memory values in pages):
$1 host kernel: [  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name
$1 host kernel: [      1]     0     1    42000     1200    90112        0             0 systemd
$1 host kernel: [    $2]     0  $2   300000   190000  1600000        0             0 $3
$1 host kernel: oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,global_oom,task_memcg=/,task=$3,pid=$2,uid=0
$1 host kernel: Out of memory: Killed process $2 ($3) total-vm:1200000kB, anon-rss:760000kB, file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:1563kB oom_score_adj:0
END
}
{
	echo '2026-11-20T09:59:00+00:00 host sshd[9]: hello'
	report 2026-11-20T10:00:00+00:00 101 first
	report 2026-11-20T11:00:00+00:00 102 second
	report 2026-11-20T12:00:00+00:00 103 third
} >log
explain() { run "$OOMLAB" explain "$@"; }
# killed FILE NAME EXPECTED: the names in a list, in order
killed() { is "$2" "$3" "$(sed -n 's/.* 10[0-9] \([a-z]*\) .*/\1/p' "$1" | tr '\n' ' ')"; }

# ---- statuses ----------------------------------------------------------------------------------

explain log
is_status 0
like "$out" '^OOM 1  2026-11-20 10:00:00  kernel 6\.1\.0-18-amd64  lines 2-18$'
like "$out" "^Died       'first' \\(pid 101\\)"
like "$out" "^Audit      the kernel's choice is the highest"
like "$out" "^>     101 first"
empty "$err" "nothing on standard error"
explain --list log
is_status 0
killed "$out" "--list has one line each" 'first second third '
explain --json log
is_status 0
is "--json has one line each" 3 "$(wc -l <"$out")"
ok "and each is JSON" perl -MJSON::PP -ne 'decode_json($_)' "$out"

echo 'a log without any' >none
explain none
is_status 1
empty "$out"
like "$err" '^oomlab explain: no OOM report in 1 lines$'
: >zero
explain zero
is_status 1
like "$err" 'no OOM report in 0 lines'
head -c 300000 /dev/urandom >garbage
explain garbage
is_status 1 "binary garbage: exit status 1"
head -c 8000000 /dev/zero | tr '\0' x >huge
explain huge
is_status 1 "a line of 8 MB: exit status 1"
cat huge log >huge-first
explain --list huge-first
is_status 0 "reports behind a line of 8 MB"

{
	report 2026-11-20T10:00:00+00:00 101 first | sed 's/order=0/order=3/; /262144 pages RAM/,$d'
	awk 'BEGIN { for (i = 0; i < 100000; i++) {
		print "Node " i " Normal free:9000kB min:4kB low:4kB high:4kB present:9000kB"
		print "Node " i " Normal: 9*4kB 0*8kB 0*16kB 0*32kB 0*64kB = 36kB" } }'
	report 2026-11-20T10:00:00+00:00 101 first | sed '1,/262144 pages RAM/d'
} >zones
# a second, where a search of all for each took minutes
run timeout 60 "$OOMLAB" explain zones
is_status 0 "a hundred thousand zones: linear time"
like "$out" "'Node 3 Normal' had 8\.79M free, but no block of order 3 or more"
like "$out" 'So were [0-9]* more zones\.$'

explain /nonexistent
is_status 2
like "$err" "^oomlab explain: /nonexistent: cannot open it: No such file or directory$"
explain .
is_status 2
like "$err" "^oomlab explain: \.: is a directory"
explain --list /nonexistent log
is_status 2 "one of two cannot be read: exit status 2"
killed "$out" "the other one is explained" 'first second third '
explain --json --list log
is_status 2
for words in '--since soon' '--until 2026-13-01' '--generation nonsense' '--since now --until yesterday' \
	'--report -1001' '--report -1 --follow'; do
	# shellcheck disable=SC2086 # words
	explain $words log
	is_status 2 "$words: exit status 2"
	like "$err" "^oomlab explain: --" "$words: names the option"
done

# ---- what became of a log on its way -----------------------------------------------------------

explain --list log
cp "$out" whole
for width in 66 72 76 79 80 81 90 132; do
	fold -w $width log >folded
	explain --list folded
	ok "cut hard at $width columns" cmp whole "$out"
	fold -s -w $width log >folded
	explain --list folded
	ok "wrapped at $width columns" cmp whole "$out"
done
sed 's/^[^ ]* host kernel: //' log >bare
{
	echo '2026-11-20T09:00:00+00:00 host kernel: Linux version 6.1.0'
	echo '2026-11-20T09:00:00+00:00 host systemd[1]: Started something.'
	cat bare
} >prefix-first
explain --list prefix-first
killed "$out" "no prefixes behind a daemon's line with one" 'first second third '
like "$out" '^   1 line 4  ' "and no date is taken from it"
sed '5a systemd[1]: Started something.' bare >daemon-within
explain --list daemon-within
like "$out" '^   1 .* highest  *101 first' "a daemon's line within a report without prefixes"

sed 's/first/a#012b/' log >newline-name
explain --list newline-name
like "$out" '^   1 .* 101 a#012b ' "a name like an escaped newline does not hide its kill"

# ---- choosing ----------------------------------------------------------------------------------

explain --list --report 2 log
killed "$out" "--report 2" 'second '
explain --list --report -1 log
killed "$out" "--report -1 is the last" 'third '
like "$out" '^   3 ' "with its own number"
explain --list --report -3 log
killed "$out" "--report -3 of three" 'first '
explain --report 4 log
is_status 1
like "$err" 'no report 4: there are 3$'
explain --report -4 log
is_status 1
explain --list --since '2026-11-20 11:00' log
killed "$out" "--since" 'second third '
explain --list --since 2026-11-20T12:00:00+01:00 --until @1795172400 log
killed "$out" "--since and --until" 'second '
explain --since '2026-11-21' log
is_status 1
like "$err" 'none of 3 reports is of that time'
sed '1d; s/^[^ ]* host kernel: //' log >dateless
explain --since yesterday dateless
is_status 1
like "$err" '3 reports left out: the log does not tell their date'
explain --list log log
like "$out" '^   6 .*log:36$' "several files are numbered on, and named"

explain --fail-unexplained log
is_status 0
sed 's/ 190000  1600000/ 190  1600000/; s/42000     1200/42000   200000/; s/\[      1\]     0     1/[     11]     0    11/' \
	log >wrong
explain --fail-unexplained wrong
is_status 1 "--fail-unexplained tells"
like "$out" '^Audit      NOT explained by the formula'
explain wrong
is_status 0 "without it an unexplained kill is no failure"

# ---- packed, piped -----------------------------------------------------------------------------

for packer in gzip xz zstd; do
	command -v $packer >/dev/null || {
		skip "$packer" "$packer is not installed"
		continue
	}
	$packer -qc log >log.$packer
	explain --list log.$packer
	is_status 0
	killed "$out" "$packer: all reports" 'first second third '
	run sh -c "\"$OOMLAB\" explain --list - <log.$packer"
	killed "$out" "$packer from standard input" 'first second third '
	# Noise that does not pack, so that a cut in it leaves the reports whole.
	{ cat log && head -c 400000 /dev/urandom | od -An -tx1; } | $packer -qc >big
	head -c "$(($(wc -c <big) * 3 / 4))" big >cut.$packer
	explain --list cut.$packer
	is_status 2 "$packer, cut: exit status 2"
	killed "$out" "$packer, cut: what was there is explained" 'first second third '
	is "$packer, cut: one line of complaint" 1 "$(wc -l <"$err")"
	like "$err" "cut.$packer: $packer: truncated"
done
run sh -c 'cat log | "$0" explain --list' "$OOMLAB"
killed "$out" "a pipe without FILE" 'first second third '
run sh -c '"$0" explain --list <log' "$OOMLAB"
killed "$out" "a file as standard input" 'first second third '
like "$out" 'machine \(by first\)$' "standard input alone is not named"

# ---- streams that go wrong ---------------------------------------------------------------------

status=0
"$OOMLAB" explain log >/dev/full 2>"$err" || status=$?
is "a full disk: exit status" 3 "$status"
like "$err" 'cannot write to standard output: No space left on device'
cat log log log log log log log log >some
cat some some some some some some some some >many
{ "$OOMLAB" explain many 2>"$err" && echo 0 >"$tap_dir/status"; } | head -n 1 >/dev/null
is "a reader that leaves is no failure" 0 "$(cat "$tap_dir/status")"
empty "$err" "and nothing is said"

# ---- following ---------------------------------------------------------------------------------

# next NAME EXPECTED: the next line of what is followed
next() {
	IFS= read -r line <&3
	like_line=$(printf '%s\n' "$line" | sed -n 's/.* 10[0-9] \([a-z]*\) .*/\1/p')
	is "$1" "$2" "$like_line"
}
# timeout(1) only ends a test that fails: the pipe closes, and reading from it does.
mkfifo pipe
report 2026-11-20T10:00:00+00:00 101 first >grow
timeout 60 "$OOMLAB" explain --list --follow grow >pipe 2>"$err" &
pid=$!
exec 3<pipe
IFS= read -r line <&3
next "follow: what is there, when the log is quiet" first
report 2026-11-20T11:00:00+00:00 102 second >>grow
next "follow: what is added" second
mv grow grow.1
report 2026-11-20T12:00:00+00:00 103 third >grow
next "follow: a new file of the same name" third
report 2026-11-20T10:00:00+00:00 104 fourth >grow
next "follow: a truncated file" fourth
# The next report tells that this one is whole: no waiting.
{
	report 2026-11-20T10:00:00+00:00 105 fifth
	report 2026-11-20T10:00:00+00:00 106 sixth
} >>grow
next "follow: two at once, the first" fifth
next "follow: two at once, the second" sixth
kill -TERM "$pid"
status=0
wait "$pid" || status=$?
is "follow: interrupted" 130 "$status"
exec 3<&-

timeout 60 "$OOMLAB" explain --list --follow grow >pipe 2>"$err" &
pid=$!
exec 3<pipe
IFS= read -r line <&3
exec 3<&-
status=0
wait "$pid" || status=$?
is "follow: the reader leaves" 0 "$status"
empty "$err" "and nothing is said"

run sh -c 'cat log | "$0" explain --list --follow -' "$OOMLAB"
is_status 0 "follow: a pipe that ends"
killed "$out" "follow: all of it" 'first second third '
if [ -s log.gzip ]; then
	explain --follow log.gzip
	is_status 2
	like "$err" 'log.gzip: is packed \(gzip\) and does not grow'
fi
done_testing
