#!/bin/sh
# 'oomlab kernels' against an archive of the test's own, signed with a key of its own: nothing
# unsigned is taken, what was fetched stays, without the archive too, and a kill in between leaves
# nothing half.
. tests/lib/tap.sh
. tests/lib/archive.sh

flavour=cloud-amd64

# ---- without any archive

run "$OOMLAB" kernels
is_status 0 "an empty cache is listed"
like "$out" '^0 kernels in '
like "$out" 'oomlab kernels --update'
run "$OOMLAB" kernels --json
is_status 0 "and as JSON"
like "$out" '"available": \[\]'
run "$OOMLAB" kernels fecth debian:6.1
is_status 2
like "$err" "'fecth' is none of list, fetch, build, update, remove; did you mean 'fetch'"
run "$OOMLAB" kernels fetch
is_status 2
like "$err" 'expected what to fetch'
run "$OOMLAB" kernels remove
is_status 2
for spec in debian: 6.1 debian:../x 'debian:6 1' debian:-o; do
	run "$OOMLAB" kernels fetch "$spec"
	is_status 2
	like "$err" "is no kernel of Debian's: expected 'debian:VERSION'"
done
run "$OOMLAB" kernels remove debian:6.1
is_status 2
like "$err" "'debian:6.1' is not in the cache"
run env OOMLAB_KEYRING="$tap_dir/none" "$OOMLAB" kernels --update
is_status 2
like "$err" 'OOMLAB_KEYRING'
run env PATH=/nonexistent OOMLAB_MIRROR= OOMLAB_KEYRING=/dev/null "$OOMLAB" kernels --update
is_status 2
like "$err" 'there is no apt on this machine'
run env OOMLAB_CACHE=/dev/null/x "$OOMLAB" kernels
is_status 3
like "$err" "cannot make the folder '/dev/null"

need_archive_tools

# ---- an archive

module() {
	mkdir -p "$tap_dir/root/$1/kernel"
	echo module >"$tap_dir/root/$1/kernel/zram.ko"
}

# kernel RELEASE VERSION: any ELF file will do
kernel() {
	mkdir -p "$tap_dir/root/boot"
	cp build/oomhog "$tap_dir/root/boot/vmlinuz-$1-$flavour"
	module "lib/modules/$1-$flavour"
	package "linux-image-$1-$flavour" "$2" kmod
	package "linux-image-$flavour" "$2" "linux-image-$1-$flavour (= $2)"
}

make_key

suite=bookworm
kernel 6.1.0-1 6.1.10-1
publish bookworm oldstable
run "$OOMLAB" kernels fetch debian:6.1
is_status 3 "an archive without a signature is refused"
like "$err" "refused what is not signed by Debian's archive: .*is not signed"
is "and nothing of it is kept" "" "$(find "$OOMLAB_CACHE/kernels" "$OOMLAB_CACHE/pins" -mindepth 1)"

gpg --batch --quiet --passphrase '' --quick-gen-key other ed25519 sign never 2>/dev/null
gpg --batch --quiet --default-key other --clearsign -o "$archive/dists/bookworm/InRelease" \
	"$archive/dists/bookworm/Release" 2>/dev/null
run "$OOMLAB" kernels fetch debian:6.1
is_status 3 "nor one signed by somebody else"
like "$err" 'is not signed'

sign bookworm
run "$OOMLAB" kernels fetch debian:6.1 debian:oldstable
is_status 0 "a signed one is fetched"
like "$out" "^debian:6.1: 6.1.0-1-$flavour\$"
like "$out" "^debian:oldstable: 6.1.0-1-$flavour\$"
empty "$err" "in a pipe nothing is said about progress"
folder=$OOMLAB_CACHE/kernels/6.1.0-1-${flavour}_6.1.10-1
ok "the kernel is there" cmp build/oomhog "$folder/vmlinux"
ok "its modules are there" test -s "$folder/modules/kernel/zram.ko"
is "nothing is left of the work" "" "$(find "$OOMLAB_CACHE/work" -type f)"
run "$OOMLAB" kernels
like "$out" '^debian:6.1, debian:oldstable$' "what it is called is listed"
like "$out" "vmlinux sha256 $(sha256sum <build/oomhog | cut -d' ' -f1)"
like "$out" '^debian:6.1.0-1 .*bookworm.*cached' "and what can be had"
run "$OOMLAB" kernels fetch debian:6.2
is_status 2
like "$err" "has no kernel '6.2'; nearest: 6.1.0-1-$flavour"
run "$OOMLAB" kernels fetch debian:trixie
is_status 2
like "$err" "no kernel in a suite 'trixie'; it has some in bookworm"

# ---- newer ones, and another suite in split packages

kernel 6.1.0-2 6.1.11-1
publish bookworm oldstable
sign bookworm
suite=sid
for release in 7.3.1 7.3.2; do
	mkdir -p "$tap_dir/root/usr/lib/modules/$release-$flavour"
	cp build/oomhog "$tap_dir/root/usr/lib/modules/$release-$flavour/vmlinuz"
	package linux-binary-$release-$flavour $release-1 kmod
done
module "usr/lib/modules/7.3.1-$flavour"
package linux-modules-7.3.1-$flavour 7.3.1-1 kmod
publish sid unstable
sign sid
run "$OOMLAB" kernels fetch debian:6.1
like "$out" '6.1.0-1-' "a spec means the same kernel"
run "$OOMLAB" kernels update debian:6.1
is_status 0 "until it is updated"
like "$out" '^debian:6.1: 6.1.0-2-'
run "$OOMLAB" kernels fetch debian:oldstable
like "$out" '6.1.0-1-' "and others are left alone"
run "$OOMLAB" kernels fetch debian:7.3 debian:7.3.2
is_status 0 "split packages are fetched"
like "$out" "^debian:7.3: 7.3.1-$flavour\$" "those with modules first"
like "$out" "^debian:7.3.2: 7.3.2-$flavour, without modules"

# ---- what goes wrong

mv "$archive" "$archive.away"
run "$OOMLAB" kernels fetch debian:6.1 debian:7.3
is_status 0 "without the archive the cache is enough"
run "$OOMLAB" kernels fetch debian:6.1.10
is_status 0 "for another name of what is there, too"
mv "$archive.away" "$archive"

for deb in "$archive"/pool/*7.3*.deb; do
	echo more >>"$deb"
done
run "$OOMLAB" kernels remove debian:7.3
is_status 0
run "$OOMLAB" kernels fetch debian:7.3
is_status 3 "a file that is not what was signed is refused"
like "$err" 'refused what is not what the archive has signed'
is "and nothing of it is kept" "" "$(find "$OOMLAB_CACHE/kernels" -name '7.3.1*')"

# Two at once, and killed at any moment: the next one has all of it or makes it.
run "$OOMLAB" kernels remove debian:6.1
is_status 0
"$OOMLAB" kernels fetch debian:6.1 >"$tap_dir/one" 2>&1 &
"$OOMLAB" kernels fetch debian:6.1 >"$tap_dir/two" 2>&1
wait $!
is "two at once agree" "$(cat "$tap_dir/one")" "$(cat "$tap_dir/two")"
broken=0
for i in 1 2 3 4 5 6 7 8; do
	"$OOMLAB" kernels remove debian:6.1 >/dev/null 2>&1
	timeout -s KILL "0.0$((i * 2))" "$OOMLAB" kernels fetch debian:6.1 >/dev/null 2>&1
	for cached in "$OOMLAB_CACHE"/kernels/6.1.0-2*; do
		[ ! -e "$cached" ] || cmp -s build/oomhog "$cached/vmlinux" || broken=$((broken + 1))
	done
done
is "a kill leaves nothing half" 0 $broken
run "$OOMLAB" kernels fetch debian:6.1
is_status 0 "and the next one goes on"
ok "to the whole kernel" cmp build/oomhog "$OOMLAB_CACHE/kernels/6.1.0-2-${flavour}_6.1.11-1/vmlinux"

# ---- removing

run "$OOMLAB" kernels remove debian:6.1.10
is_status 0
ok "what another spec means stays" test -d "$folder"
run "$OOMLAB" kernels remove debian:oldstable
is_status 0
ok "and goes with the last" test ! -e "$folder"
run "$OOMLAB" kernels remove --all
is_status 0
is "everything goes" "" "$(find "$OOMLAB_CACHE" -type f ! -name '*lock')"

done_testing
