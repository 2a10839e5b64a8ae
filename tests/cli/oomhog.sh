#!/bin/sh
# oomhog started by hand: its pages, its patterns with small sizes, its messages and exit codes.
# shellcheck disable=SC2154 # out and err come from tap.sh
. tests/lib/tap.sh
hog=${OOMLAB_HOG:-build/oomhog}

run "$hog" --help
is_status 0
like "$out" '^usage: oomhog WORKLOAD' "--help shows the usage"
run "$hog" --version
like "$out" '^oomhog [0-9]' "--version"

run "$hog" list
is_status 0
for file in workloads/wl_*.c; do
	name=$(echo "${file##*/wl_}" | sed 's/\.c$//; s/_/-/g')
	like "$out" "^$name +[a-z]" "'list' has $name"
done

# Every pattern, small, to its end.
for words in 'blocks --total 2M' 'reserve --total 2M' 'brk --total 2M' 'fault --size 2M' \
	'fault --size 2M --order random --access read' 'fault --size 2M --populate madvise' \
	'file --total 2M' 'file --mode write --total 2M' 'file --mode mapped --total 2M' \
	'shmem --total 2M' 'shmem --kind memfd --total 2M' 'shmem --kind anon --total 2M' \
	'shmem --kind sysv --total 2M' 'mlock --total 2M' 'threads --total 2M' \
	'threads --leader-exits --total 2M' 'shared-mm --total 2M' 'vfork --total 2M' \
	'mix' 'free --size 2M' 'curve --rows 0,1M;12h,2M --speed 8640000' 'heartbeat --count 2 --interval 1ms' \
	'fork --children 2 --size 1M' 'fork --bomb --children 3 --total 3 --size 1M'; do
	case $words in
	mix*) run "$hog" mix --recipe '1M anon + 1M file + 1M shmem' --then exit ;;
	*)
		# shellcheck disable=SC2086 # a list of words
		run "$hog" $words --then exit
		;;
	esac
	is_status 0 "$words"
	like "$out" ': done, holds ' "$words tells what it holds"
done

run "$hog" blocks --block 1M --total 2M --then exit
is "one line a block and one at the end" 3 "$(wc -l <"$out")"

# Wrong words: one line on stderr, exit status 2, nothing done.
usage() {
	want=$1
	shift
	run "$hog" "$@"
	is_status 2
	is "$* says one line" 1 "$(wc -l <"$err")"
	like "$err" "$want"
}
usage "unknown workload 'blok', did you mean 'blocks'" blok
usage "unknown option '--sise', did you mean '--size'" fault --sise 1M
usage "'80MX' is not a size" blocks --block 80MX
usage "a percentage of the group's limit is for scenarios" blocks --total 50%
usage "unexpected argument 'twice'" blocks twice
usage "'step' has no pattern of its own" step
usage "--control-fd and --status-fd go together" step --control-fd 3
run "$hog"
is_status 2 "no workload"

# Setups that cannot be: exit status 1.
run "$hog" mix --recipe '1M anon + 2M swap'
is_status 1
like "$err" "part 2: expected anon, file, shmem, mlock, tables or swapped, got 'swap'"
run "$hog" file --dir /dev/shm
is_status 1
like "$err" 'is a tmpfs'
run "$hog" fork --children 100 --depth 3
is_status 1
like "$err" 'are more than 2048 processes'
run "$hog" fault --size 1M --order stride --stride 0
is_status 1
like "$err" '--stride expects 1 to 256 pages, got 0'

# An allocation that fails: RLIMIT_AS.
run sh -c "ulimit -v 65536 && exec $hog blocks --total 1G --then exit"
is_status 1 "a failed malloc is exit status 1"
like "$err" 'blocks: failed after [0-9]+ pages: Cannot allocate memory'

# It holds until a signal, whose default action ends it.
mkfifo "$tap_dir/lines"
"$hog" blocks --total 1M >"$tap_dir/lines" &
pid=$!
last=$(while read -r line; do
	case $line in *': done,'*)
		echo "$line"
		kill -TERM "$pid"
		;;
	esac
done <"$tap_dir/lines")
status=0
wait "$pid" || status=$?
is "SIGTERM ends it with its own status" 143 "$status"
is "after the pattern" "blocks: done, holds 1.00M (257 pages)" "$last"

done_testing
