# An archive of the tests' own, as Debian's is made, below $tap_dir; sourced after tap.sh, POSIX sh.
# shellcheck shell=sh disable=SC2154 # $suite is the caller's
OOMLAB_CACHE=$tap_dir/cache
OOMLAB_MIRROR=file://$tap_dir/archive
OOMLAB_KEYRING=$tap_dir/keys.gpg
GNUPGHOME=$tap_dir/gnupg
export OOMLAB_CACHE OOMLAB_MIRROR OOMLAB_KEYRING GNUPGHOME
archive=$tap_dir/archive

# Ends the test with a skip where there is nothing to make one with.
need_archive_tools() {
	for program in apt-get /usr/lib/apt/apt-helper gpg dpkg-deb; do
		command -v $program >/dev/null && continue
		skip "fetching" "there is no $program"
		done_testing
	done
}

# A key to sign with.
make_key() {
	mkdir -m 700 "$GNUPGHOME"
	if ! gpg --batch --quiet --passphrase '' --quick-gen-key tests ed25519 sign never 2>"$tap_dir/gpg"; then
		skip "fetching" "gpg makes no key: $(head -n 1 "$tap_dir/gpg")"
		done_testing
	fi
	trap 'gpgconf --kill all; rm -rf "$tap_dir"' EXIT
	gpg --batch --export >"$OOMLAB_KEYRING"
	chmod 755 "$tap_dir"
}

# package NAME VERSION DEPENDS: of what lies in $tap_dir/root; adds its paragraph to the index
package() {
	mkdir -p "$tap_dir/root/DEBIAN" "$archive/pool"
	cat >"$tap_dir/root/DEBIAN/control" <<-END
		Package: $1
		Version: $2
		Architecture: amd64
		Maintainer: nobody <nobody@localhost>
		Depends: $3
		Description: none
	END
	dpkg-deb -Zgzip --root-owner-group -b "$tap_dir/root" "$archive/pool/$1_$2.deb" >/dev/null
	rm -r "$tap_dir/root"
	cat >>"$tap_dir/Packages.$suite" <<-END
		Package: $1
		Version: $2
		Architecture: amd64
		Depends: $3
		Filename: pool/$1_$2.deb
		Size: $(wc -c <"$archive/pool/$1_$2.deb")
		SHA256: $(sha256sum <"$archive/pool/$1_$2.deb" | cut -d' ' -f1)

	END
}

publish() { # SUITE ALIAS
	dist=$archive/dists/$1
	index=$dist/main/binary-amd64/Packages
	mkdir -p "${index%/*}"
	cp "$tap_dir/Packages.$1" "$index"
	{
		printf 'Origin: Debian\nSuite: %s\nCodename: %s\nDate: %s\n' "$2" "$1" \
			"$(LC_ALL=C date -uR)"
		printf 'Architectures: amd64\nComponents: main\nSHA256:\n %s %s %s\n' \
			"$(sha256sum <"$index" | cut -d' ' -f1)" "$(wc -c <"$index")" \
			main/binary-amd64/Packages
	} >"$dist/Release"
}

sign() {
	rm -f "$archive/dists/$1/InRelease"
	gpg --batch --quiet --clearsign -o "$archive/dists/$1/InRelease" "$archive/dists/$1/Release"
}
