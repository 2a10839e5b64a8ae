#!/bin/sh
# 'make install' into an empty folder: everything is there, works from there without the source
# tree's environment, and 'make uninstall' leaves no file behind.
. tests/lib/tap.sh

root=$tap_dir/root
# The environment of the make that runs this test is not this one's.
install_make() {
	run env -u MAKEFLAGS -u MAKELEVEL make -s "$1" DESTDIR="$root" PREFIX=/usr
}

install_make install
is_status 0 "make install"
for file in bin/oomlab bin/oomhog share/man/man1/oomlab.1 share/man/man1/oomhog.1 \
	share/bash-completion/completions/oomlab; do
	ok "installs $file" test -s "$root/usr/$file"
done
for page in docs/*.5; do
	ok "installs ${page##*/}" test -s "$root/usr/share/man/man5/${page##*/}"
done
is "installs every scenario" "$(cd scenarios && find . -name '*.yaml' | sort)" \
	"$(cd "$root/usr/share/oomlab/scenarios" && find . -name '*.yaml' | sort)"

ok "there are scenarios" test -n "$(find scenarios -name '*.yaml')"

run env -u OOMLAB_HOG -u OOMLAB_SCENARIOS "$root/usr/bin/oomlab" completion scenarios
is_status 0 "the installed program finds the installed scenarios"
is "and no others" "$(find "$root/usr/share/oomlab/scenarios" -name '*.yaml' | wc -l)" \
	"$(grep -c / "$out")"
run env -u OOMLAB_HOG PATH=/nonexistent "$root/usr/bin/oomlab" hog list
is_status 0 "the installed program finds the installed oomhog"

install_make uninstall
is_status 0 "make uninstall"
is "leaves no file" "" "$(find "$root" ! -type d)"

done_testing
