# The image of gopreflight: Go, git, an ssh client, CA certificates and the
# program. It serves three masters, and each line below is owed to one of them:
#
#   GitHub   runs it as an action: as root, HOME=/github/home, on a work tree
#            that another uid owns.
#   GitLab   runs the job's script in it: whatever is not for gopreflight is
#            executed (see internal/image/entrypoint.sh).
#   Jenkins  runs it as the agent's uid, without a passwd entry and with HOME=/,
#            starts it with `cat` and then uses `docker exec`, which passes the
#            entrypoint by: so what can be settled here is settled here.
#
# There is no USER: GitHub needs root in the container of an action, and every
# other caller names its own uid, any of which works.
#
# It needs nothing of BuildKit: the classic builder, which act and older engines
# use, builds it too.

ARG GO_IMAGE=golang:1.26-bookworm
ARG BASE_IMAGE=debian:bookworm-slim

FROM ${GO_IMAGE} AS go
# The list of the release's files, for whoever proves those that are left (golist.sh
# says how), and Go without what no build reads. Both have to happen in this stage: a
# file that is removed after a COPY stays in the layer below. src/cmd stays: without
# it the coverage and pprof tools are gone.
#
# Every file and folder gets the release's own time, so that the same Go makes the
# same layer, byte for byte: the next version of this image is a small download.
COPY internal/image/golist.sh /golist.sh
RUN mkdir -p /out/usr/local/share/gopreflight \
 && sh /golist.sh /usr/local/go >/out/usr/local/share/gopreflight/go.sha256 \
 && mv /usr/local/go /out/usr/local/ \
 && cd /out/usr/local/go \
 && rm -rf api doc misc test \
 && find src -type d -name testdata -prune -exec rm -rf {} + \
 && find src -type f -name '*_test.go' -delete \
 && find /out -exec touch -h -r VERSION {} +

FROM ${GO_IMAGE} AS build
# Behind a mirror: --build-arg GOPROXY=https://goproxy.example
ARG GOPROXY
ARG GOSUMDB
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
# Compiled once for every version: only the linker is told which one it is.
RUN CGO_ENABLED=0 go build -trimpath -buildvcs=false -o /dev/null .
# The version of a release, "v1.2.3": what `gopreflight version` then says. No
# history and no time goes into the program, so the same source makes the same bytes.
ARG VERSION
RUN CGO_ENABLED=0 go build -trimpath -buildvcs=false \
      -ldflags="-s -w -X github.com/gopreflight/gopreflight/internal/cli.release=${VERSION}" \
      -o /out/usr/local/bin/gopreflight . \
 && install -m 755 internal/image/entrypoint.sh /out/entrypoint.sh \
 && mkdir /out/src \
 && find /out -exec touch -h -r /usr/local/go/VERSION {} +

FROM ${BASE_IMAGE}
LABEL org.opencontainers.image.title="gopreflight" \
      org.opencontainers.image.description="Checks a Go repository and the machine that is about to build it" \
      org.opencontainers.image.source="https://github.com/gopreflight/gopreflight" \
      org.opencontainers.image.licenses="Apache-2.0"
# procps: Jenkins asks `ps` inside the container whether a step still runs.
#
# --build-arg VARIANT=-cgo has a C and a C++ compiler as well, for cgo and the race
# detector: for GitLab and Jenkins, where the job itself runs in here.
#
# safe.directory: the work tree is mounted, and its owner is nearly never the uid
# in here. gopreflight names the one tree to each git that it starts and needs no
# more; but the job's own git, and the go command that asks git for the version
# to stamp, end in "dubious ownership" without it. The container is made for that
# one tree, so there is no second owner to be protected from.
#
# /go and /.cache are for everybody: GOPATH as in the golang images, and the cache
# folder of a uid without a home, for which Docker sets HOME=/.
#
# No version is pinned: Debian keeps the last one only, and with it the fixes. The
# same versions make the same layer, byte for byte: what has a time in it is emptied
# (logs, backups, a cache of inodes; a file of the base image's that is removed would
# leave a mark with the time), and what is newer than the packages' own files gets
# the time of the base image's. The engine's three files are not the layer's.
ARG VARIANT=""
RUN case "${VARIANT}" in '' | -cgo) ;; *) echo "no variant ${VARIANT}" >&2 && exit 1 ;; esac \
 && touch /started \
 && apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
      ca-certificates git openssh-client procps ${VARIANT:+g++ gcc libc6-dev pkg-config} \
 && git config --system --add safe.directory '*' \
 && mkdir -m 1777 /go /.cache \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin \
 && find /var/log /var/cache/ldconfig /var/cache/debconf/*-old /var/lib/dpkg/*-old -type f -exec truncate -s 0 {} + \
 && find / -xdev -newer /started ! -path /started ! -path /etc/hosts ! -path /etc/hostname ! -path /etc/resolv.conf \
      -exec touch -h -r /etc/debian_version {} + \
 && rm /started
COPY --from=go /out/ /
COPY --from=build /out/ /
# GOTOOLCHAIN: the golang images say `local`; here a repository that needs another
# Go gets it, unless its job or the policy says otherwise.
ENV GOPATH=/go \
    GOTOOLCHAIN=auto \
    PATH=/go/bin:/usr/local/go/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
WORKDIR /src
ENTRYPOINT ["/entrypoint.sh"]
