#!/bin/sh
# golist.sh GOROOT - the files that a Go release's module is made of, and their hashes.
#
# It prints what the checksum database's record of golang.org/toolchain@VERSION was
# computed from (golang.org/x/mod/sumdb/dirhash, Hash1): "SHA-256  NAME" in the
# order of the names. So the hash of this list is the recorded one, if and only if
# GOROOT is what was released:
#
#   sha256sum <LIST | xxd -r -p | base64
#
# The image takes the list before it takes files out of Go, so that those left can
# be proven and those gone counted.
#
# Which files of a GOROOT belong to the module, and under which name, is decided by
# cmd/distpack (modArch). No file of a release is outside of it but those below the
# four folders; one that was added afterwards makes the hash another one.
set -eu
export LC_ALL=C
cd "$1"

read -r version _ <VERSION
# Not another toolchain's answer, nor a build's target.
host() { GOTOOLCHAIN=local GOENV=off bin/go env "$1"; }
module=golang.org/toolchain@v0.0.1-$version.$(host GOHOSTOS)-$(host GOHOSTARCH)

find . -type f ! -path './api/*' ! -path './doc/*' ! -path './misc/*' ! -path './test/*' -exec sha256sum {} + |
	sed -e "s|^\([0-9a-f]*\)  \./|\1  $module/|" -e 's|/go\.mod$|/_go.mod|' |
	sort -k 2
