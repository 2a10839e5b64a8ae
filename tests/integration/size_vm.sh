#!/bin/sh
# oomlab size in virtual machines of one kernel (tests/lib/kernel.sh): what this machine is not set up
# for, swap and transparent huge pages everywhere.
# shellcheck disable=SC2154 # variables come from tap.sh
. tests/lib/tap.sh
. tests/lib/kernel.sh

if ! command -v qemu-system-x86_64 >/dev/null; then
	skip 'size in a virtual machine' 'qemu-system-x86_64 is not installed'
	done_testing
fi
image=$(kernel)
if [ -z "$image" ]; then
	skip 'size in a virtual machine' "no kernel: $(head -n 1 "$tap_dir/why")"
	done_testing
fi
need=$tap_dir/need
if ! ${CC:-cc} -D_GNU_SOURCE -O1 -static -pthread -o "$need" tests/fixtures/size/need.c \
	2>"$tap_dir/cc"; then
	skip "size in a virtual machine" "no static program can be built here"
	done_testing
fi

share=$tap_dir/share web=$tap_dir/web.csv cache=$tap_dir/cache.csv
${CC:-cc} -D_GNU_SOURCE -O1 -static -o "$share" tests/fixtures/size/share.c
printf 'time,bytes\n0,10M\n12h,30M\n' >"$web"
printf 'time,bytes\n0,20M\n' >"$cache"

# field NAME: of the JSON object on $out, its own ones only
field() {
	sed -n "s/^  \"$1\": \(.*[^,]\),*\$/\1/p" "$out"
}
# guest OPTION... COMMAND: in a machine, with what the tests call
guest() {
	run timeout 300 "$OOMLAB" vm -k "$image" -m 512M --with "$need" --with "$tap_dir/worse" "$@"
}

# Needs 8 MiB, and 40 where it may have from 10 to 12: what khugepaged does now and then.
cat >"$tap_dir/worse" <<END
#!/bin/sh
group=\$(sed -n 's/^0:://p; s/.*:memory://p' /proc/self/cgroup | tail -n 1)
for file in /sys/fs/cgroup\$group/memory.max /sys/fs/cgroup/memory\$group/memory.limit_in_bytes; do
	[ ! -r \$file ] || read -r limit <\$file
done
[ "\$limit" -lt 10485760 ] || [ "\$limit" -ge 12582912 ] || exec "$need" touch 40
exec "$need" touch 8
END
chmod +x "$tap_dir/worse"

for version in v1 v2; do
	guest -c $version --append transparent_hugepage=madvise -e "oomlab size --slow 0 --json -- '$need' touch 24"
	if grep -q 'no memory controller' "$err"; then
		skip "cgroup $version" 'this kernel has it not'
		continue
	fi
	is "$version: the limit" 26214400 "$(field limit)"
	is "$version: by the ratchet" '"ratchet"' "$(field engine)"

	# What several processes need together, copies side by side, and a day's curves.
	guest -c $version --append transparent_hugepage=madvise --with "$share" --with "$web" --with "$cache" \
		-e "oomlab size --slow 0 --json -- sh -c '$need touch 24 & $need touch 16; wait'
		mkdir shared && mount -t tmpfs tmpfs shared || exit 77
		oomlab pack -m 60M --for 300ms -- '$share' shared/file 16 8
		oomlab curve -l 64M --speed 86400 --leak web=1M/h '$web' '$cache'"
	limit=$(field limit)
	ok "$version: two side by side need what both need ($limit)" \
		test "$limit" -ge 41943040 -a "$limit" -le 46137344
	like "$out" '^copies in 60M +5$' "$version: pack: 16 MiB once and 8 each"
	is_status 1 "$version: curve: a leak kills"
	like "$out" '^died +day 2, 0[34]:[0-9][0-9]: web, pid [0-9]+$' "$version: curve: who and when"
	like "$out" "its end .SIGKILL., the group's counter, the kernel's log" "$version: curve: seen by all"

	# By hand: a kernel with less than 512 MiB takes no word for it (hugepage_init).
	guest -c $version -e "echo always >/sys/kernel/mm/transparent_hugepage/enabled &&
		oomlab size --slow 0 '$tap_dir/worse'"
	like "$out" '^limit without a kill +12.0 MiB' "$version: THP always: above what failed above a pass"
	like "$out" '^note: not monotone: a limit failed above one that had passed; THP is .always' \
		"$version: THP always: is said"

	guest -c $version --swap 64M:zram --append transparent_hugepage=madvise \
		-e "oomlab size --slow 0 --json --swap 8M -- '$need' touch 24"
	limit=$(field limit)
	ok "$version: with swap it needs less ($limit)" test "$limit" -ge 17825792 -a "$limit" -le 18874368
	like "$out" '"swap_limit": 8388608' "$version: with how much is said"
	like "$out" '"swap": [1-9]' "$version: how much was used is said"
done
guest -e "oomlab size --swap 8M -- '$need' touch 1"
is_status 2 'swap where there is none'
like "$err" '^oomlab size: --swap: this machine has none' 'swap where there is none: says so'

done_testing
