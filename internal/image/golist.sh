#!/bin/sh
# golist.sh GOROOT - the files that a Go release's module is made of, and their hashes.
#
# It prints what the checksum database's record of golang.org/toolchain@VERSION was
# computed from (golang.org/x/mod/sumdb/dirhash, Hash1). One line for each file, as
# sha256sum writes it, ended by a line feed:
#
#   <SHA-256 in 64 lower-case hexadecimal digits><two spaces><NAME>
#
# NAME is golang.org/toolchain@VERSION/PATH: VERSION as in v0.0.1-go1.26.8.linux-amd64,
# PATH relative to GOROOT, with slashes, and go.mod as _go.mod (a module's zip may not
# hold another module's go.mod). The lines are in the order of the names' bytes, each
# name once; nothing else is in the list. So the hash of this text is the recorded one,
# if and only if GOROOT is what was released:
#
#   h1:$(sha256sum <LIST | xxd -r -p | base64)
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
