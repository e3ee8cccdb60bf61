package buildcache

import (
	"bytes"
	"encoding/base64"
)

// A step is the beginning of the ID of a step, as far as a build ID names it
// (cmd/go/internal/work, buildIDHash: 120 bits).
type step [15]byte

// maxHeader is where a build ID is looked for, as by cmd/internal/buildid.
const maxHeader = 1024

// madeBy reads which step made a compiled package: its archive begins with
//
//	!<arch>
//	__.PKGDEF       0           0     0     644     7955      `
//	go object linux amd64 go1.26.8 ...
//	build id "STEP/CONTENT"
//
// where STEP is the ID of the step under which the go command keeps it
// (cmd/go/internal/work/buildid.go, updateBuildID). ok is false for all else.
func madeBy(head []byte) (made step, ok bool) {
	head = head[:min(len(head), maxHeader)]
	for _, prefix := range []string{"!<arch>", "__.PKGDEF", "go object "} {
		line, rest, found := bytes.Cut(head, []byte("\n"))
		if !found || !bytes.HasPrefix(line, []byte(prefix)) {
			return made, false
		}
		head = rest
	}
	rest, found := bytes.CutPrefix(head, []byte(`build id "`))
	n := base64.RawURLEncoding.EncodedLen(len(made))
	if !found || len(rest) <= n || rest[n] != '/' {
		return made, false
	}
	_, err := base64.RawURLEncoding.Decode(made[:], rest[:n])
	return made, err == nil
}
