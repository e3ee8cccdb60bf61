// Package vendored reads vendor/modules.txt, the file in which go mod vendor
// and go work vendor record what a vendor directory holds, and compares it
// with go.mod and go.work as the go command does before it builds from vendor
// (https://go.dev/ref/mod#vendoring; cmd/go, modload/vendor.go).
//
// It works on bytes and parsed files only: it opens no file, runs no command
// and never looks at the vendored packages themselves. modules.txt contains no
// hashes, so nothing here says that vendored source is what its module contains.
package vendored

import (
	"bytes"
	"fmt"
	"strings"

	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"
)

// MaxSize is the largest modules.txt that Parse reads, in bytes. The largest
// public one is below 200 KiB.
const MaxSize = 32 << 20

// MaxIgnored is how many ignored lines Parse records; more are only counted.
const MaxIgnored = 100

// A File is a parsed modules.txt. The zero value is what the go command makes
// of a vendor directory without one.
type File struct {
	// Workspace says that go work vendor wrote the file: its first line is
	// "## workspace".
	Workspace bool
	// Modules are the modules of the file, in order of appearance. Lines that
	// repeat a module add to the first one.
	Modules []*Module
	// Ignored are the lines, at most MaxIgnored, that the go command skips
	// without a word although they are not blank. It never writes such a line.
	Ignored []Ignored
	// IgnoredCount is the number of all such lines.
	IgnoredCount int

	// lines are those that are not blank, without carriage returns.
	lines     []numbered
	byVersion map[module.Version]*Module
	// selected maps a module path to the version that provides packages;
	// providers are the modules that raised it, in order (cmd/go: vendorVersion
	// and vendorList).
	selected  map[string]string
	providers []*Module
}

// numbered is a line and its 1-based number.
type numbered struct {
	num  int
	text string
}

// A Module is what modules.txt says of one module version, or of all versions
// of a module (Version is empty) for a replacement without a left-side version.
type Module struct {
	module.Version
	// Line is the 1-based line of its first "# " line.
	Line int
	// Explicit says that it is marked as required by go.mod.
	Explicit bool
	// GoVersion is the go line of its go.mod ("1.21"); empty if not recorded.
	// GoLine is the line that says so, 0 for none.
	GoVersion string
	GoLine    int
	// Replacement is what replaces it; the zero value for none.
	Replacement module.Version
	// ReplaceLines are the lines that say so.
	ReplaceLines []int
	// Packages are the packages of it that are vendored.
	Packages []Package
}

// A Package is a vendored package.
type Package struct {
	// Path is the import path, and the directory below vendor.
	Path string
	// Line is its 1-based line.
	Line int
}

// An Ignored line is one that the go command does not understand.
type Ignored struct {
	// Line is its 1-based number and Text its content.
	Line int
	Text string
	// Conflict says that it is a marker of an unresolved merge.
	Conflict bool
}

// Find returns what the file says of a module version, or nil.
func (f *File) Find(m module.Version) *Module { return f.byVersion[m] }

// Packages returns the number of packages that the file lists.
func (f *File) Packages() int {
	n := 0
	for _, m := range f.Modules {
		n += len(m.Packages)
	}
	return n
}

// Parse reads a modules.txt with the tolerance of the go command (cmd/go:
// readVendorList): what it does not understand is recorded in Ignored. The only
// error is a file larger than MaxSize.
func Parse(data []byte) (*File, error) {
	if len(data) > MaxSize {
		return nil, fmt.Errorf("modules.txt has %d bytes, more than the %d that are read", len(data), MaxSize)
	}
	f := &File{
		byVersion: map[module.Version]*Module{},
		selected:  map[string]string{},
	}
	var current *Module
	n := 0
	for line := range strings.SplitSeq(string(data), "\n") {
		n++
		if strings.TrimSpace(line) != "" {
			f.lines = append(f.lines, numbered{n, strings.TrimRight(line, "\r")})
		}
		switch {
		case strings.TrimSpace(line) == "":
		case n == 1 && isWorkspaceLine(line):
			f.Workspace = true
		case strings.HasPrefix(line, "# "):
			if current = f.moduleLine(line, n); current == nil {
				f.ignore(n, line)
			}
		case current == nil:
			f.ignore(n, line)
		case strings.HasPrefix(line, "## "):
			current.annotate(line, n)
		default:
			pkg := strings.Fields(line)
			if len(pkg) != 1 || module.CheckImportPath(pkg[0]) != nil {
				f.ignore(n, line)
				continue
			}
			f.provide(current, Package{Path: pkg[0], Line: n})
		}
	}
	return f, nil
}

// ForWorkspace reports whether go work vendor wrote a modules.txt: what Parse
// says in Workspace, of any file.
func ForWorkspace(data []byte) bool {
	first, _, _ := bytes.Cut(data, []byte("\n"))
	return isWorkspaceLine(string(first))
}

// isWorkspaceLine is cmd/go's modulesTextIsForWorkspace, which looks at the
// first line only.
func isWorkspaceLine(line string) bool {
	annotations, ok := strings.CutPrefix(line, "## ")
	if !ok {
		return false
	}
	for entry := range strings.SplitSeq(annotations, ";") {
		if strings.TrimSpace(entry) == "workspace" {
			return true
		}
	}
	return false
}

// moduleLine reads "# path version", "# path version => replacement" or
// "# path => replacement". It returns nil for anything else, after which the
// go command skips lines up to the next module.
func (f *File) moduleLine(line string, n int) *Module {
	fields := strings.Fields(line)
	if len(fields) < 3 {
		return nil
	}
	v := module.Version{Path: fields[1]}
	rest := fields[2:]
	if semver.IsValid(rest[0]) {
		v.Version, rest = rest[0], rest[1:]
	} else if rest[0] != "=>" {
		return nil
	}
	m := f.byVersion[v]
	if m == nil {
		m = &Module{Version: v, Line: n}
		f.byVersion[v] = m
		f.Modules = append(f.Modules, m)
	}
	switch {
	case len(rest) == 2 && rest[0] == "=>":
		m.Replacement = module.Version{Path: rest[1]}
		m.ReplaceLines = append(m.ReplaceLines, n)
	case len(rest) == 3 && rest[0] == "=>" && semver.IsValid(rest[2]):
		m.Replacement = module.Version{Path: rest[1], Version: rest[2]}
		m.ReplaceLines = append(m.ReplaceLines, n)
	case len(rest) > 0:
		// The module counts, its replacement does not.
		f.ignore(n, line)
	}
	return m
}

// annotate reads "## explicit; go 1.21"; other entries are reserved.
func (m *Module) annotate(line string, n int) {
	for entry := range strings.SplitSeq(strings.TrimPrefix(line, "## "), ";") {
		entry = strings.TrimSpace(entry)
		if entry == "explicit" {
			m.Explicit = true
		}
		if v, ok := strings.CutPrefix(entry, "go "); ok {
			m.GoVersion, m.GoLine = v, n
		}
	}
}

// provide records a package. A module that provides one is in the build list
// at that version.
func (f *File) provide(m *Module, p Package) {
	m.Packages = append(m.Packages, p)
	if v, ok := f.selected[m.Path]; !ok || semver.Compare(v, m.Version.Version) < 0 {
		f.selected[m.Path] = m.Version.Version
		f.providers = append(f.providers, m)
	}
}

func (f *File) ignore(n int, text string) {
	f.IgnoredCount++
	if len(f.Ignored) == MaxIgnored {
		return
	}
	text = strings.TrimRight(text, "\r")
	f.Ignored = append(f.Ignored, Ignored{Line: n, Text: text, Conflict: isConflictMarker(text)})
}

// isConflictMarker reports whether git wrote the line into an unresolved merge.
func isConflictMarker(line string) bool {
	for _, marker := range []string{"<<<<<<<", "=======", ">>>>>>>", "|||||||"} {
		if rest, ok := strings.CutPrefix(line, marker); ok {
			return rest == "" || rest[0] == ' '
		}
	}
	return false
}
