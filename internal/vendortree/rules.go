package vendortree

import (
	"go/version"
	"path"
	"slices"
	"strings"
)

// Rules are those by which go mod vendor copies, as far as they depend on a
// version. Between Go 1.20 and 1.26 (compared: modcmd/vendor.go and load/pkg.go
// of 1.20.14, 1.21.13, 1.22.12, 1.23.12, 1.24.13, 1.25.7 and 1.26.8) only the
// two that are methods here differ; both ask the go line of the main module, or
// of go.work in a workspace, so that an older folder stays right.
type Rules struct {
	// GoLine is that go line: "1.21". Empty: the go command's default, 1.16 for
	// a module.
	GoLine string
	// Release is the release that runs: "go1.22.1". Empty: a current one.
	Release string
}

// atLeast compares the go line (modload.MainModules.GoVersion).
func (r Rules) atLeast(v string) bool {
	line := r.GoLine
	if line == "" {
		line = "1.16" // gover.DefaultGoModVersion
	}
	return version.Compare("go"+line, "go"+v) >= 0
}

// leavesOutGoMod: since a go line of 1.17 go.mod and go.sum files are not copied
// (matchPotentialSourceFile, golang/go#42970).
func (r Rules) leavesOutGoMod() bool { return r.atLeast("1.17") }

// copiesTestEmbeds: until a go line of 1.22, and for any by a release before
// 1.22, what only tests embed is copied (vendorPkg, golang/go#63473).
func (r Rules) copiesTestEmbeds() bool {
	old := version.IsValid(r.Release) && version.Compare(r.Release, "go1.22") < 0
	return old || !r.atLeast("1.22")
}

// metaPrefixes are how the names of files begin that are copied from the parents
// of packages too (metaPrefixes, matchMetadata).
var metaPrefixes = []string{
	"AUTHORS", "CONTRIBUTORS", "COPYLEFT", "COPYING", "COPYRIGHT", "LEGAL", "LICENSE", "NOTICE", "PATENTS",
}

func isMetadata(name string) bool {
	return slices.ContainsFunc(metaPrefixes, func(p string) bool { return strings.HasPrefix(name, p) })
}

// copies reports whether a file of a package's directory is copied as far as its
// name says (matchPotentialSourceFile); a Go file's header may still leave it out.
func (r Rules) copies(name string) bool {
	switch {
	case strings.HasSuffix(name, "_test.go"):
		return false
	case name == "go.mod" || name == "go.sum":
		return !r.leavesOutGoMod()
	}
	return true
}

// buildExtensions are those of files that go build hands to a compiler
// (go/build, matchFile and fileListForExt), and of what they include.
var buildExtensions = []string{
	".go", ".c", ".cc", ".cpp", ".cxx", ".m", ".h", ".hh", ".hpp", ".hxx", ".f", ".F", ".for", ".f90",
	".s", ".S", ".sx", ".swig", ".swigcxx", ".syso",
}

// documentExtensions are those of files that no compiler includes, whatever a
// #cgo line or an #include says.
var documentExtensions = []string{
	".md", ".txt", ".rst", ".adoc", ".yml", ".yaml", ".toml", ".json", ".html", ".png", ".svg", ".jpg", ".gif",
	".pdf", ".proto", ".sh", ".mod", ".sum", ".work", ".ps1", ".bat", ".py",
}

// isCode reports whether a build can read a file of a package's directory that
// is not embedded. cgo says that the package has C code, which can include and
// link what it likes.
func isCode(name string, cgo bool) bool {
	base := path.Base(name)
	ext := path.Ext(base)
	switch {
	case strings.HasSuffix(base, "_test.go"):
		return false
	case ext == ".go":
		return base[0] != '.' && base[0] != '_'
	case base[0] == '.':
		return false
	case slices.Contains(buildExtensions, ext):
		return cgo || base[0] != '_'
	}
	return cgo && !slices.Contains(documentExtensions, ext) && !isMetadata(base)
}
