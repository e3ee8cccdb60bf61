#!/usr/bin/env bash
# run.sh - the step of host/action.yml: gets the program, then becomes it.
#
# Two ways to get it:
#   release  checksums.txt beside this file, which the release workflow puts into
#            the tagged commit, names an archive for this runner and its SHA-256:
#            it is downloaded, and used only if it is that one;
#   source   no such file: the action's own revision is built by the runner's Go.
#
# Getting it touches nothing that the program is about to judge: a build has
# caches of its own and none of the job's Go settings but those that say where
# modules come from. What the program then sees is the job's environment as it is.
#
# Inputs are in the environment (INPUT_*); not one is ever evaluated. It runs on
# the bash of all three kinds of runner: macOS has 3.2, Windows has Git's.
set -euo pipefail

readonly MODULE=github.com/gopreflight/gopreflight

# fail MESSAGE  ends the step with an annotation.
fail() {
	local message=$1
	message=${message//'%'/%25} message=${message//$'\r'/%0D} message=${message//$'\n'/%0A}
	printf '::error title=gopreflight::%s\n' "$message"
	exit 1
}

here=$(cd "${0%/*}" && pwd)
readonly here
# The runner empties this folder before and after each job.
[ -d "${RUNNER_TEMP-}" ] || fail "RUNNER_TEMP is no folder: host/run.sh is a step of an action"
work=$(cd "$RUNNER_TEMP" && pwd)/gopreflight-host
readonly work
mkdir -p "$work"

# RUNNER_OS and not uname: an emulated bash names the emulated machine.
suffix=''
case ${RUNNER_OS-} in
Linux) os=linux ;;
macOS) os=darwin ;;
Windows) os=windows suffix=.exe ;;
*) fail "RUNNER_OS is \"${RUNNER_OS-}\", not Linux, macOS or Windows" ;;
esac
case ${RUNNER_ARCH-} in
X64) arch=amd64 ;;
ARM64) arch=arm64 ;;
*) arch=${RUNNER_ARCH-} ;; # has no release; Go may still build for it
esac
readonly os arch suffix program=$work/gopreflight$suffix

# pinned  prints the version that checksums.txt is of, empty without one.
pinned() {
	local name
	[ -f "$here/checksums.txt" ] || return 0
	read -r _ name <"$here/checksums.txt"
	name=${name#gopreflight_}
	printf 'v%s' "${name%%_*}"
}

sha256() {
	if command -v sha256sum >/dev/null; then sha256sum; else shasum -a 256; fi <"$1" | cut -d ' ' -f 1
}

# install_release VERSION
install_release() {
	local archive=gopreflight_${1#v}_${os}_$arch.tar.gz want got url
	url=${INPUT_RELEASES%/}/$1/$archive
	want=$(awk -v name="$archive" '$2 == name { print $1 }' "$here/checksums.txt")
	[ -n "$want" ] || fail "gopreflight $1 has no binary for $os/$arch; with version: source it is built"
	rm -f "$work/$archive"
	curl --fail --silent --show-error --location --proto '=https,http' --retry 3 --connect-timeout 20 --max-time 300 \
		--max-filesize 100000000 --output "$work/$archive" --url "$url" || fail "could not download $url (curl's message is in the log); the input releases names a mirror"
	got=$(sha256 "$work/$archive")
	if [ "$got" != "$want" ]; then
		rm -f "$work/$archive"
		fail "$url is not the archive of that release: it has the SHA-256 $got, the action pins $want"
	fi
	# Relative names: to tar, C:/x is a file on the machine C.
	(cd "$work" && tar -xzf "$archive" "${program##*/}" && rm -f "$archive")
}

# forget NAME...  takes all Go settings out of the environment but these.
forget() {
	local name
	for name in $(compgen -e); do
		case $name in
		GOOGLE_*) ;; # none of Go's: what a GOAUTH command may need
		GO* | CGO_*) [[ " $* " == *" $name "* ]] || unset "$name" ;;
		esac
	done
}

# ask NAME [SETTING=VALUE]  prints a Go setting of the job, whatever its others are
# worth: outside every module, and with folders of our own.
ask() (
	forget GOENV "$1"
	cd "$work" && env GOWORK=off GOPATH="$work/go" GOCACHE="$work/gocache" ${2+"$2"} go env "$1"
)

# What says where modules and toolchains come from.
readonly SOURCES='GOPROXY GONOPROXY GOPRIVATE GOSUMDB GONOSUMDB GOINSECURE GOVCS GOAUTH'

# build VERSION  builds this revision; VERSION, if any, is stamped.
build() {
	local need name value sources=() toolchain=${GOTOOLCHAIN-}
	need=$(awk '$1 == "go" { print $2 }' "$here/../go.mod")
	command -v go >/dev/null ||
		fail "no go command on PATH: this revision of the action pins no release and has to be built. Run actions/setup-go first, or use a released version of the action"
	# Not with GOTOOLCHAIN=local, as the others: that would be the answer.
	[ -n "$toolchain" ] || toolchain=$(ask GOTOOLCHAIN) || fail "go env GOTOOLCHAIN fails; what it says is in the log"
	for name in $SOURCES; do
		value=$(ask "$name" GOTOOLCHAIN=local) || fail "go env $name fails; what it says is in the log"
		sources+=("$name=$value")
	done
	# Whether another Go may be fetched is the job's decision; which one is not.
	case $toolchain in
	local) ;;
	path | *+path) toolchain=path ;;
	*) toolchain=auto ;;
	esac
	(
		forget
		export "${sources[@]}" GOTOOLCHAIN="$toolchain"
		export GOENV=off GOWORK=off CGO_ENABLED=0 GOPATH="$work/go" GOCACHE="$work/gocache" GOFLAGS='-mod=readonly -modcacherw'
		cd "$here/.." && go build -trimpath -buildvcs=false -ldflags="-s -w -X $MODULE/internal/cli.release=$1" -o "$program" .
	) || fail "could not build gopreflight with $(ask GOVERSION GOTOOLCHAIN=local) and GOTOOLCHAIN=$toolchain (go's message is in the log). It needs Go $need: give actions/setup-go that version or a newer one, allow GOTOOLCHAIN=auto, or use a released version of the action, which needs no Go to start"
}

pinned=$(pinned)
case ${INPUT_VERSION:-$pinned} in
'' | source) build "$pinned" ;;
"$pinned") install_release "$pinned" ;;
*) fail "this revision of the action pins ${pinned:-no release}, not ${INPUT_VERSION}: the version is chosen by the revision, as uses: gopreflight/gopreflight/host@${INPUT_VERSION}" ;;
esac

# On Windows bash turns what looks like a path into a Windows path; an input is
# what the workflow says.
export MSYS2_ENV_CONV_EXCL=INPUT_
exec "$program"
