#!/bin/sh
# 'oomlab kernels build' with a source of the test's own in which make only pretends: what is
# missing is said, half a build goes on after kill -9, a broken one shows its log, lost options are
# told. No kernel is built here.
. tests/lib/tap.sh
. tests/lib/archive.sh

# ---- before anything is fetched

run "$OOMLAB" kernels build
is_status 2
like "$err" 'expected what to build, such as 6.12'
for word in ../x 'tiny:' debian:6.12 -- '6 12'; do
	run "$OOMLAB" kernels build -- "$word"
	is_status 2 "'$word' is nothing to build"
	like "$err" "'$word' is no kernel to build: expected a version such as 6.12"
done
run "$OOMLAB" kernels build --jobs 5000 6.12
is_status 2
like "$err" '^oomlab kernels: --jobs: expected 1 to'
run "$OOMLAB" kernels fetch tiny:6.12
is_status 2 "what is built cannot be fetched"
like "$err" "'tiny:6.12' has not been built here: 'oomlab kernels build 6.12' does so"
run "$OOMLAB" kernels remove tiny:6.12
is_status 2
run env PATH=/nonexistent "$OOMLAB" kernels build 6.12
is_status 3 "missing tools are trouble"
is "and told as packages, those of packages-kernel.txt" \
	"$(sed '/^#/d' packages-kernel.txt | tr '\n' ' ')" \
	"$(sed -n 's/.* is not installed here: apt-get install //p' "$err") "
is "in one line" 1 "$(wc -l <"$err")"

need_archive_tools
make_key

# ---- a source

# Nothing of this is called, so it need not be installed.
bin=$tap_dir/bin
mkdir "$bin" "$tap_dir/include"
for program in bc bison flex; do
	printf '#!/bin/sh\nexit 1\n' >"$bin/$program"
	chmod +x "$bin/$program"
done
command -v xz >/dev/null || ln -s bc "$bin/xz"
: >"$tap_dir/include/gelf.h"
PATH=$bin:$PATH
CPATH=$tap_dir/include
export PATH CPATH

# source VERSION: its make does what files in $tap_dir tell it
source_package() {
	tree=$tap_dir/linux-source-6.12
	mkdir -p "$tree/arch/x86" "$tree/arch/arm" "$tree/mm" "$tree/Documentation" "$tap_dir/root/usr/src"
	echo 'int x;' >"$tree/mm/oom_kill.c"
	echo 'int x;' >"$tree/arch/arm/head.c"
	echo 'config FAKE_OF_ARM' >"$tree/arch/arm/Kconfig"
	printf 'config MEMCG_V1\nconfig KSM\n' >"$tree/arch/x86/Kconfig"
	sed "s|TAP|$tap_dir|; s|RELEASE|${1%-*}-tiny|" >"$tree/Makefile" <<'END'
.RECIPEPREFIX := >
t := TAP
allnoconfig:
> @echo '  GEN     .config'
> @mkdir -p $(O)/include/config
> @touch $t/lost
> @grep -vxFf $t/lost $(KCONFIG_ALLCONFIG) >$(O)/.config
> @echo RELEASE >$(O)/include/config/kernel.release
vmlinux: $(O)/1.o $(O)/2.o $(O)/3.o
> @cp $t/elf $(O)/vmlinux
$(O)/%.o:
> @echo '  CC      mm/$*.o'
> @echo $* >>$t/steps
> @test ! -e $t/broken || { echo 'mm/oom_kill.c:1:1: error: no such thing' >&2; exit 1; }
> @test ! -p $t/stop || test $* != 2 || { echo x >$t/stop; sleep 1000; }
> @env >$t/environment
> @touch $@
.NOTPARALLEL:
END
	tar -czf "$tap_dir/root/usr/src/linux-source-6.12.tar.xz" -C "$tap_dir" linux-source-6.12
	rm -r "$tree"
	package linux-source-6.12 "$1" xz-utils
	publish trixie stable
	sign trixie
}

suite=trixie
cp build/oomhog "$tap_dir/elf"
source_package 6.12.9-1
built=$OOMLAB_CACHE/kernels/6.12.9-tiny_6.12.9-1

run "$OOMLAB" kernels build 6.13
is_status 2 "what the mirror lacks"
like "$err" "no source of a kernel '6.13'; it has 6.12 \(6.12.9-1\)"

# ---- trouble, and going on after it

touch "$tap_dir/broken"
run "$OOMLAB" kernels build 6.12
is_status 3 "a build that fails"
like "$err" 'mm/oom_kill.c:1:1: error: no such thing' "shows the end of its log"
like "$err" "building the kernel failed \(make: status 2\); the log is '$OOMLAB_CACHE/build/6.12.9-1/log'"
ok "which is there" grep -q 'CC      mm/1.o' "$OOMLAB_CACHE/build/6.12.9-1/log"
rm "$tap_dir/broken"

echo 'CONFIG_MEMCG_V1=y' >"$tap_dir/lost"
run "$OOMLAB" kernels build 6.12
is_status 3 "a kernel without what it is for is not built"
like "$err" 'this kernel cannot have CONFIG_MEMCG_V1=y with the other options \(needed: v1'
printf 'CONFIG_KSM=y\nCONFIG_PSI=y\n' >"$tap_dir/lost"

ok "other architectures' code is not unpacked" test ! -e "$OOMLAB_CACHE/build/6.12.9-1/source/arch/arm/head.c"
ok "their Kconfig files are" test -e "$OOMLAB_CACHE/build/6.12.9-1/source/arch/arm/Kconfig"

mkfifo "$tap_dir/stop"
: >"$tap_dir/steps"
"$OOMLAB" kernels build 6.12 >"$tap_dir/killed" 2>&1 &
read -r _ <"$tap_dir/stop" # the second object is being made
run "$OOMLAB" kernels remove --all
is_status 3 "nobody takes away what is being built"
like "$err" 'another oomlab builds a kernel'
run "$OOMLAB" kernels
is_status 0 "and others need not wait"
kill -KILL $!
wait $! 2>/dev/null
rm "$tap_dir/stop"
mv "$archive" "$archive.away"
run "$OOMLAB" kernels build -j 1 tiny:6.12
is_status 0 "after kill -9 the next call goes on, without the archive"
mv "$archive.away" "$archive"
is "with what is not there yet" "1 2 2 3 " "$(tr '\n' ' ' <"$tap_dir/steps")"
like "$out" "^tiny:6.12: 6.12.9-tiny, of Debian's 6.12.9-1\$"
like "$err" 'this kernel does without CONFIG_KSM=y' "an option of less weight that got lost is told"
is "and one that no Kconfig file knows is not" 1 "$(grep -c 'does without' "$err")"
ok "not that one" sh -c "! grep -q PSI '$err'"

# ---- what came out

strip -o "$tap_dir/stripped" "$tap_dir/elf"
ok "the kernel is there, without symbols" cmp "$tap_dir/stripped" "$built/vmlinux"
ok "and its configuration" grep -qx CONFIG_MEMCG_V1=y "$built/config"
is "nothing is left of the build" "" "$(find "$OOMLAB_CACHE/build" "$OOMLAB_CACHE/work" -mindepth 1)"
is "date, user and host are no accident" "oomlab oomlab" \
	"$(sed -n 's/^KBUILD_BUILD_\(USER\|HOST\)=//p' "$tap_dir/environment" | tr '\n' ' ' | sed 's/ $//')"
ok "and our environment is not make's" sh -c "! grep -q ^OOMLAB '$tap_dir/environment'"

: >"$tap_dir/steps"
run "$OOMLAB" kernels build 6.12
is_status 0 "what is built is not built again"
empty "$tap_dir/steps"
run "$OOMLAB" kernels build 6.12.9
is_status 0 "nor for another name"
empty "$tap_dir/steps"
run "$OOMLAB" kernels
like "$out" '^tiny:6.12, tiny:6.12.9$' "what it is called is listed"
like "$out" '    built here by .*gcc'
like "$out" '^tiny:6.12 +6.12.9-1 +trixie .* built$' "and that the source is built"
run "$OOMLAB" kernels --json
like "$out" '"options_sha256": "[0-9a-f]{64}"'
like "$out" '"package": "linux-source-6.12"'

# ---- newer ones

source_package 6.12.10-1
run "$OOMLAB" kernels update
is_status 0 "an update builds nothing"
empty "$tap_dir/steps"
like "$out" "^tiny:6.12: 6.12.9-tiny is out of date \(there is Debian's 6.12.10-1\): 'oomlab kernels build"
run "$OOMLAB" kernels build 6.12
is_status 0 "until it is asked for"
like "$out" '6.12.10-tiny'
run "$OOMLAB" kernels update tiny:6.12 tiny:6.12.9
like "$out" '^tiny:6.12: 6.12.10-tiny$'
like "$out" '^tiny:6.12.9: 6.12.9-tiny$' "a version as it was meant is not old"

# ---- removing

run "$OOMLAB" kernels remove tiny:6.12
is_status 0
ok "removed" test ! -e "$OOMLAB_CACHE/kernels/6.12.10-tiny_6.12.10-1"
ok "and another left alone" test -e "$built/vmlinux"
run "$OOMLAB" kernels remove tiny:6.12.9
is_status 0
touch "$tap_dir/broken"
run "$OOMLAB" kernels build 6.12
is_status 3
run "$OOMLAB" kernels remove tiny:6.12
is_status 0 "half a build is removed by its name, too"
is "all of it" "" "$(find "$OOMLAB_CACHE/build" -mindepth 1)"

# A package larger than any disk: found out before a byte of it is fetched.
sed -i 's/^Size: .*/Size: 9000000000000000/' "$tap_dir/Packages.trixie"
publish trixie stable
sign trixie
run "$OOMLAB" kernels build --update 6.12
is_status 3 "without room nothing is begun"
like "$err" "the disk of '.*' is full: .* needed, .* left"

done_testing
