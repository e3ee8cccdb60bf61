#!/bin/bash
# The image's entrypoint: gopreflight, or the command that a CI brings along.
#
#   docker run IMAGE                     gopreflight in the working directory
#   docker run IMAGE list --json         a command of ours, a flag or a folder: gopreflight
#   docker run IMAGE sh -c 'go version'  any other program is executed: this is how GitLab
#                                        starts a job's script, and Jenkins a `cat` to hold on to
#
# What is no program either goes to gopreflight, which knows how to say that.
# A folder that has the name of a program is written ./NAME.
#
# Caches: where the default place cannot be written (a read-only root, a mounted
# HOME of another uid), they go below TMPDIR. A setting of the caller's own is
# never touched, also when it is wrong: to say so is the program's work.
#
# bash and not sh: Debian's sh is dash, which drops variables with names that are
# not its own kind of name, and GitHub passes an input as INPUT_FAIL-ON.
set -eu

# writable PATH: PATH, or else the nearest parent that exists, is a folder that we
# may write. Nothing is created to find out.
writable() {
	local path=$1
	while [ ! -e "$path" ]; do path=$(dirname "$path"); done
	[ -d "$path" ] && [ -w "$path" ] && [ -x "$path" ]
}

tmp=${TMPDIR:-/tmp}
# What Docker itself says for a uid without a passwd entry.
export HOME="${HOME:-/}"
if [ -z "${GOCACHE-}${XDG_CACHE_HOME-}" ] && ! writable "$HOME/.cache/go-build"; then
	export XDG_CACHE_HOME="$tmp/.cache"
fi
# GOPATH and not GOMODCACHE alone: the checksum database's cache is below it too.
if [ "${GOPATH-}" = /go ] && ! writable /go/pkg/mod; then
	export GOPATH="$tmp/go"
fi

# Our commands come first, also where a program has the same name.
case ${1-} in
run | list | explain | fix | report | init | schema | completion | version | help) ;;
*) ! type -P -- "${1-}" >/dev/null || exec "$@" ;;
esac
exec gopreflight "$@"
