#!/bin/sh
# Values of options that would silently mean the default, or nothing: 'size', 'sweep', 'pack' and
# 'curve' refuse each with one line that says where, what was expected and what came. Needs no
# privilege: nothing is made.
# shellcheck disable=SC2154 # variables come from tap.sh
. tests/lib/tap.sh

export OOMLAB_STATE="$tap_dir/state"
printf '0,1M\n' >"$tap_dir/day.csv"

# refused COMMAND OPTION VALUE MESSAGE: the message is all that comes after "option '...': "
refused() {
	refused_command=$1
	case $1 in
	curve) run "$OOMLAB" curve -n --limit 64M "$2" "$3" "$tap_dir/day.csv" ;;
	pack) run "$OOMLAB" pack --memory 64M "$2" "$3" -- true ;;
	*) run "$OOMLAB" "$1" "$2" "$3" -- true ;;
	esac
	is "$tap_command" "2 oomlab $refused_command: option '$2': $4" \
		"$status $(cat "$out" "$err")"
}

# ranges COMMAND EXPECTED OPTION VALUE...: each is refused with "expected ..., got ..."
ranges() {
	ranges_command=$1 ranges_expected=$2 ranges_option=$3
	shift 3
	for ranges_value; do
		refused "$ranges_command" "$ranges_option" "$ranges_value" \
			"expected $ranges_expected, got '$ranges_value'"
	done
}

huge=99999999999999999999999
for command in size sweep pack; do
	ranges $command "1ms to 8760h" --timeout 0 0s 1ns 8761h ${huge}h
	ranges $command "1ms to 8760h" --for 0 0ms 999us 8761h
	ranges $command "0 to 255" --status 256 -1 $huge 1.5 ''
	refused $command --timeout 5 \
		"'5' is not a duration, expected a number and a unit such as 100ms, 2s or 5m"
	refused $command --for 5M5 \
		"'5M5' is not a duration, expected a number and a unit such as 100ms, 2s or 5m"
	refused $command --timeout -1s \
		"'-1s' is not a duration, expected a number and a unit such as 100ms, 2s or 5m"
done
for command in size sweep; do
	ranges $command "a size above 0" --max 0 0M ${huge}G
	ranges $command "a size above 0" --step 0 max
	ranges $command "a size above 0" --from 0 0.0K
	refused $command --max 5s \
		"'5s' is not a size, expected a number and a unit such as 80M, 1.5G or 4096"
	refused $command --max -1M \
		"'-1M' is not a size, expected a number and a unit such as 80M, 1.5G or 4096"
done
ranges size "1 to 10000" --samples 0 -1 10001 $huge 5x ''
ranges size "1 to 64" --jobs 0 -1 65 $huge
ranges size "0 to 10000 percent" --slow -1 10001 10%
ranges sweep "a size above 0" --to 0
ranges sweep "1 to 1000" --points 0 -1 1001 $huge
ranges sweep "1 to 1000" --repeat 0 -1 1001 $huge
ranges pack "1 to 1000" --repeat 0 -1 1001
ranges pack "1 to 1000000" --copies 0 -1 1000001 $huge
ranges pack "1M or more, and a limit" --memory 0 1023K max ${huge}P
ranges curve "1M or more, and a limit" --limit 0 1023K max ${huge}P
ranges curve "1 to 1000000" --speed 0 -1 1000001
ranges curve "1 to 3650" --days 0 -1 3651
ranges curve "1 to 16" --deaths 0 -1 17
ranges curve "1s to 87600h" --period 0 999ms 87601h
ranges curve "100us to 1s" --tick 0 99us 2s

# Not of one option alone, or of the machine's.
run "$OOMLAB" size --step 4K -- true
is_status 2
like "$err" '^oomlab size: --step: expected whole pages, at least [0-9]+ KiB, got 4K: '
run "$OOMLAB" sweep --from 64M --to 32M -- true
is "$tap_command" "2 oomlab sweep: --from: expected no more than --to, 32M, got 64M" \
	"$status $(cat "$out" "$err")"
for q in 0 1 -1 nan inf 90% 0.9x ''; do
	run "$OOMLAB" size --quantile "$q" -- true
	is "$tap_command" "2 oomlab size: --quantile: expected a number between 0 and 1 such as \
0.9, got '$q'" "$status $(cat "$out" "$err")"
done
# What would have no effect.
run "$OOMLAB" size --quantile 0.99 -- true
is "$tap_command" "2 oomlab size: --quantile is about samples, expected --samples N too" \
	"$status $(cat "$out" "$err")"
run "$OOMLAB" size --method bisect --from 8M -- true
is "$tap_command" "2 oomlab size: --from is the ratchet's; bisection takes none" \
	"$status $(cat "$out" "$err")"
ok "nothing was made" test ! -e "$OOMLAB_STATE"

done_testing
