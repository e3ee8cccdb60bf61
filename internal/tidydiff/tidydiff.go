// Package tidydiff reads what "go mod tidy -diff" prints into the changes that
// tidy would make to go.mod and go.sum, and compares two versions of such files.
//
// It never runs the go command and writes nothing.
package tidydiff

import (
	"bytes"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/diff"
	udiff "github.com/sourcegraph/go-diff/diff"
)

// Diff is what tidy would change. That of go.mod starts from the formatted file,
// not from the one on disk (cmd/go, modload/init.go, UpdateGoModFromReqs).
type Diff struct {
	GoMod, GoSum Changes
}

// Changes is what would change in one file.
type Changes struct {
	// Removed are lines of the file as it is; Added lines of the file as tidy
	// would write it. A line that changes is in both.
	Removed, Added []Line

	hunks []*udiff.Hunk
}

// Line is one line that tidy would remove or add.
type Line struct {
	// Num is the 1-based line in the file as it is: where the line stands, or
	// in front of which it would be added.
	Num  int
	Text string
}

// Empty reports whether the file would stay as it is.
func (c Changes) Empty() bool { return len(c.hunks) == 0 }

// Parse reads the standard output of "go mod tidy -diff"; an empty one is an
// empty Diff.
func Parse(stdout []byte) (Diff, error) {
	var d Diff
	if len(bytes.TrimSpace(stdout)) == 0 {
		return d, nil
	}
	files, err := udiff.ParseMultiFileDiff(stdout)
	if err != nil {
		return Diff{}, fmt.Errorf("reading the diff of go mod tidy: %w", err)
	}
	for _, f := range files {
		changes := changesOf(f.Hunks)
		// The names are current/go.mod and tidy/go.mod, or those of the file
		// that -modfile names.
		switch path.Ext(f.OrigName) {
		case ".mod":
			d.GoMod = changes
		case ".sum":
			d.GoSum = changes
		default:
			return Diff{}, fmt.Errorf("reading the diff of go mod tidy: unexpected file %q", f.OrigName)
		}
	}
	if d.GoMod.Empty() && d.GoSum.Empty() {
		return Diff{}, fmt.Errorf("reading the diff of go mod tidy: no change in %q", firstBytes(stdout))
	}
	return d, nil
}

func firstBytes(b []byte) []byte { return b[:min(len(b), 80)] }

// Compare makes the Changes between two versions of a file.
func Compare(name string, before, after []byte) (Changes, error) {
	text := diff.Diff("current/"+name, before, "tidy/"+name, after)
	if len(text) == 0 {
		return Changes{}, nil
	}
	f, err := udiff.ParseFileDiff(text)
	if err != nil {
		return Changes{}, fmt.Errorf("comparing %s: %w", name, err)
	}
	return changesOf(f.Hunks), nil
}

// FirstLine is the first line that would change, in the file as it is; 0 for none.
func (c Changes) FirstLine() int {
	switch {
	case len(c.Removed) > 0 && (len(c.Added) == 0 || c.Removed[0].Num <= c.Added[0].Num):
		return c.Removed[0].Num
	case len(c.Added) > 0:
		return c.Added[0].Num
	}
	return 0
}

// Lines is the changed lines as a diff shows them.
func (c Changes) Lines() []string {
	var lines []string
	for _, l := range c.Removed {
		lines = append(lines, "- "+l.Text)
	}
	for _, l := range c.Added {
		lines = append(lines, "+ "+l.Text)
	}
	return lines
}

func changesOf(hunks []*udiff.Hunk) Changes {
	c := Changes{hunks: hunks}
	for _, h := range hunks {
		// An empty file's hunk starts at line 0.
		num := max(int(h.OrigStartLine), 1)
		for line := range bytes.Lines(h.Body) {
			text := strings.TrimRight(string(line[1:]), "\r\n")
			switch line[0] {
			case '-':
				c.Removed = append(c.Removed, Line{num, text})
				num++
			case '+':
				c.Added = append(c.Added, Line{num, text})
			case ' ':
				num++
			}
		}
	}
	return c
}

// Patch is the changes as a unified diff of a file, by its path from the root, as
// git apply takes it; empty where nothing would change.
func (c Changes) Patch(name string) (string, error) {
	if c.Empty() {
		return "", nil
	}
	text, err := udiff.PrintFileDiff(&udiff.FileDiff{OrigName: "a/" + name, NewName: "b/" + name, Hunks: c.hunks})
	if err != nil {
		return "", fmt.Errorf("writing the patch of %s: %w", name, err)
	}
	return string(text), nil
}

// Apply is the file as tidy would write it.
func (c Changes) Apply(before []byte) ([]byte, error) {
	lines := slices.Collect(bytes.Lines(before))
	var out []byte
	next := 0
	for _, h := range c.hunks {
		start := max(int(h.OrigStartLine)-1, 0)
		if start < next || start > len(lines) {
			return nil, fmt.Errorf("the diff does not fit the file at line %d", h.OrigStartLine)
		}
		for ; next < start; next++ {
			out = append(out, lines[next]...)
		}
		for line := range bytes.Lines(h.Body) {
			switch line[0] {
			case '+':
				out = append(out, line[1:]...)
				continue
			case '-', ' ':
			default:
				continue
			}
			if next >= len(lines) || strings.TrimRight(string(lines[next]), "\r\n") != strings.TrimRight(string(line[1:]), "\r\n") {
				return nil, fmt.Errorf("the diff does not fit the file at line %d", next+1)
			}
			if line[0] == ' ' {
				out = append(out, lines[next]...)
			}
			next++
		}
	}
	for ; next < len(lines); next++ {
		out = append(out, lines[next]...)
	}
	return out, nil
}
