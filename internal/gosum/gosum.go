// Package gosum reads go.sum and go.work.sum files, line by line and with
// positions, the way the go command does (cmd/go, modfetch/fetch.go, readGoSum
// and haveModSumLocked), and keeps what the go command hides: lines that it
// ignores, and lines that contradict each other.
//
// It works on bytes: it opens no file, asks no checksum database, and does not
// know which lines a build needs.
package gosum

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"

	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"
)

const (
	// MaxSize is the largest file that Parse accepts, in bytes. The largest
	// go.sum files of public repositories have about 1 MiB.
	MaxSize = 64 << 20
	// MaxLine is the longest line that Parse takes apart, in bytes. A module
	// path, a version and a hash of h1 together have well below 1 KiB.
	MaxLine = 16 << 10
	// maxQuote is how much of a malformed line is kept, in bytes.
	maxQuote = 160
)

// goModSuffix marks, in the version field, a line about the go.mod file alone.
const goModSuffix = "/go.mod"

// h1 is the prefix of the only hash algorithm that any go command knows.
const h1 = "h1:"

// emptyGoModHash is the hash of a tree that holds only an empty go.mod. Early
// go commands wrote it for things that are no modules; all later ones drop
// such lines (cmd/go, modfetch/fetch.go, emptyGoModHash).
const emptyGoModHash = "h1:G7mAYYxgmS0lVkHyy2hEOLQCFB0DlQFTMLWggykrydY="

// A Line is one line that names a hash of a module version.
type Line struct {
	// Num is the line number, from 1.
	Num int
	// Path is the module path, unescaped.
	Path string
	// Version is the module version, without the suffix "/go.mod".
	Version string
	// GoMod says that the hash is that of the go.mod file alone, not of the
	// whole module.
	GoMod bool
	// Hash is the third field: "h1:" and base64, or a hash of an algorithm
	// that no go command knows (see Known).
	Hash string
}

// Known reports whether the go command knows the line's hash algorithm. A line
// with another one counts as missing.
func (l Line) Known() bool { return strings.HasPrefix(l.Hash, h1) }

// Mod is the key by which the go command looks the line up: the version has
// the suffix "/go.mod" where the line is about the go.mod file.
func (l Line) Mod() module.Version {
	if l.GoMod {
		return module.Version{Path: l.Path, Version: l.Version + goModSuffix}
	}
	return module.Version{Path: l.Path, Version: l.Version}
}

// Kind says in which way a line is bad.
type Kind string

// The kinds of bad lines, and what the go command makes of them.
const (
	// Marker is a line that a merge left behind ("<<<<<<< ours"). Most have
	// other than three fields and stop every command but go mod tidy; one with
	// three fields is taken for a module and ignored.
	Marker Kind = "conflict marker"
	// Fields is a line with other than three fields. It stops every command
	// but go mod tidy, which drops it.
	Fields Kind = "wrong number of fields"
	// Hash is a hash that no content can have. With "h1:" in front it is a
	// checksum mismatch as soon as the module is needed, else it counts as missing.
	Hash Kind = "malformed hash"
	// Module is a module path or version that cannot exist. The go command
	// never looks the line up.
	Module Kind = "invalid module version"
	// Algorithm is a hash of an algorithm that no go command knows. The line
	// is kept among the File's Lines also.
	Algorithm Kind = "unknown hash algorithm"
)

// A Bad is one line that is not what a go command writes.
type Bad struct {
	// Num is the line number, from 1.
	Num  int
	Kind Kind
	// Reason is one line of plain text; what it quotes of the file is bounded
	// and escaped.
	Reason string
	// Text is the line without its end, "" when it is too long to be quoted whole.
	Text string
}

// A File is what one go.sum or go.work.sum says.
type File struct {
	// Lines are the lines that name a hash, in the file's order.
	Lines []Line
	// Bad are the others, in the file's order, without blank lines.
	Bad []Bad
	// CRLF counts the lines that end in CR LF. The go command reads them well
	// and writes LF.
	CRLF int
	// Dropped are the numbers of lines that the go command drops silently:
	// those with the hash of an empty go.mod, which an old bug wrote.
	Dropped []int
}

// Parse reads a go.sum or go.work.sum file. Bad lines are listed, not returned
// as an error; the only error is that data is larger than MaxSize.
func Parse(data []byte) (*File, error) {
	if len(data) > MaxSize {
		return nil, fmt.Errorf("larger than %d bytes", MaxSize)
	}
	f := &File{}
	for num := 1; len(data) > 0; num++ {
		line, rest, _ := bytes.Cut(data, []byte("\n"))
		data = rest
		if bytes.HasSuffix(line, []byte("\r")) {
			line = line[:len(line)-1]
			f.CRLF++
		}
		f.add(num, line)
	}
	return f, nil
}

// add takes one line apart.
func (f *File) add(num int, line []byte) {
	bad := func(kind Kind, format string, args ...any) {
		b := Bad{Num: num, Kind: kind, Reason: fmt.Sprintf(format, args...)}
		if len(line) <= MaxLine {
			b.Text = string(line)
		}
		f.Bad = append(f.Bad, b)
	}
	if len(line) > MaxLine {
		bad(Fields, "line of %d bytes", len(line))
		return
	}
	text := string(line)
	if isMarker(text) {
		bad(Marker, "merge conflict marker %s", quote(text))
		return
	}
	fields := strings.Fields(text)
	switch {
	case len(fields) == 0:
		return
	case len(fields) != 3:
		bad(Fields, "wrong number of fields: %d, not 3", len(fields))
		return
	case fields[2] == emptyGoModHash:
		f.Dropped = append(f.Dropped, num)
		return
	}
	l := Line{Num: num, Path: fields[0], Hash: fields[2]}
	l.Version, l.GoMod = strings.CutSuffix(fields[1], goModSuffix)
	if err := checkModule(l.Path, l.Version); err != nil {
		bad(Module, "no valid module version: %s", quoteError(err))
		return
	}
	switch alg, _, ok := strings.Cut(l.Hash, ":"); {
	case l.Known():
		if err := checkH1(l.Hash); err != nil {
			bad(Hash, "malformed hash %s: %v", quote(l.Hash), err)
			return
		}
	case ok && isAlgorithm(alg):
		bad(Algorithm, "unknown hash algorithm %s", quote(alg))
	default:
		bad(Hash, "malformed hash %s: no algorithm in front", quote(l.Hash))
		return
	}
	f.Lines = append(f.Lines, l)
}

// markers begin the lines that git and diff3 leave where a merge needs help.
var markers = []string{"<<<<<<<", "|||||||", "=======", ">>>>>>>"}

// isMarker reports whether a line is a merge conflict marker. No module path
// can begin like one.
func isMarker(line string) bool {
	for _, m := range markers {
		if rest, ok := strings.CutPrefix(line, m); ok && (rest == "" || rest[0] == ' ') {
			return true
		}
	}
	return false
}

// checkModule reports why a module version cannot stand in the module cache
// (cmd/go, modfetch/cache.go, CachePath).
func checkModule(path, version string) error {
	if err := module.CheckPath(path); err != nil {
		return err
	}
	if !semver.IsValid(version) || module.CanonicalVersion(version) != version {
		return fmt.Errorf("version %q is not canonical", version)
	}
	return nil
}

// checkH1 reports why no content can have a hash of h1: it is base64 of
// a SHA-256 (golang.org/x/mod/sumdb/dirhash, Hash1).
func checkH1(hash string) error {
	// Strict refuses what the go command, which compares text, can never match.
	sum, err := base64.StdEncoding.Strict().DecodeString(hash[len(h1):])
	if err != nil {
		return err
	}
	if len(sum) != sha256.Size {
		return fmt.Errorf("%d bytes, not %d", len(sum), sha256.Size)
	}
	return nil
}

// isAlgorithm reports whether a word can name a hash algorithm: a letter and digits, as in h1.
func isAlgorithm(word string) bool {
	if len(word) < 2 || len(word) > 8 || word[0] < 'a' || word[0] > 'z' {
		return false
	}
	return strings.Trim(word[1:], "0123456789") == ""
}

// quote bounds and escapes a text of the file for a reason.
func quote(text string) string {
	if len(text) > maxQuote {
		return fmt.Sprintf("%+q...", text[:maxQuote])
	}
	return fmt.Sprintf("%+q", text)
}

// quoteError bounds an error that quotes the file; x/mod escapes what it quotes.
func quoteError(err error) string {
	text := err.Error()
	if len(text) > 2*maxQuote {
		text = text[:2*maxQuote] + "..."
	}
	return strings.ToValidUTF8(text, "?")
}
