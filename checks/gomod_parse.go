package checks

import (
	"bytes"
	"errors"
	"fmt"
	"go/version"
	"strings"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"

	"github.com/gopreflight/gopreflight/internal/nearest"
)

var (
	ruleGoModUnreadable = &Rule{
		ID: "gomod/unreadable", Severity: Error, Blocks: true,
		Summary: "A go.mod or go.work cannot be read.",
		Help:    "It is not a regular file, too large, a symbolic link out of the repository, or this user may not read it. The go command reads it first of all.",
	}
	ruleGoModSyntax = &Rule{
		ID: "gomod/syntax", Severity: Error, Blocks: true,
		Summary: "A line of go.mod or go.work does not parse.",
		Help:    "Every go command fails with \"errors parsing go.mod\". The grammar is https://go.dev/ref/mod#go-mod-file; `go mod edit` and `go get` never write a wrong line.",
	}
	ruleGoModMergeConflict = &Rule{
		ID: "gomod/merge-conflict", Severity: Error, Blocks: true,
		Summary: "A merge conflict was left in go.mod or go.work.",
		Help: "Every go command fails with \"unknown directive\". Keep the lines of both sides without the markers: of two requirements of one " +
			"module the higher counts, and `go mod tidy` merges them.",
	}
	ruleGoModGoVersion = &Rule{
		ID: "gomod/go-version", Severity: Error, Blocks: true,
		Summary: "The go line has no valid Go version.",
		Help:    "Every go command fails. It reads `go 1.24` or `go 1.24.3`: no `v`, no `go1.24`, no `1.x`, nothing after the numbers but `rc1` or `beta1`.",
	}
	ruleGoModToolchainVersion = &Rule{
		ID: "gomod/toolchain-version", Severity: Error, Blocks: true,
		Summary: "The toolchain line has no valid toolchain name.",
		Help:    "Every go command fails. It reads `toolchain go1.24.3` or `toolchain default`. Correct the line, or take it out: without it the go line decides.",
	}
	ruleGoModVersionNotCanonical = &Rule{
		ID: "gomod/version-not-canonical", Severity: Error, Blocks: true,
		Summary: "A version in go.mod must first be looked up in the network.",
		Help: "A branch, a hash, `latest` or a shortened version like `v1` makes every go command ask the module proxy what it means, before anything else, " +
			"and then refuse to go on, because go.mod would have to be rewritten. `go get MODULE@BRANCH` writes the version that a branch stands for.",
	}
	ruleGoModMajorVersion = &Rule{
		ID: "gomod/major-version", Severity: Error, Blocks: true,
		Summary: "A version does not go with the major version in the module's path.",
		Help: "Every go command fails with \"should be v0 or v1, not v2\". From v2 on, the path of a module ends in `/v2` (https://go.dev/ref/mod#major-version-suffixes); " +
			"of a repository without go.mod, the version is written `v2.0.0+incompatible`.",
	}
)

func unreadable(name string, err error) Finding {
	f := ruleGoModUnreadable.Finding("%s cannot be read: %v", name, err)
	f.File = name
	return f
}

// parseGoMod parses a go.mod as the go command does, but asks the network for
// nothing. The file is nil when there are findings.
func parseGoMod(name string, data []byte) (*modfile.File, []Finding) {
	file, err := modfile.Parse(name, data, canonical)
	if err != nil {
		return nil, parseErrors(name, data, err, goModDirectives)
	}
	return file, nil
}

// parseGoWork does the same for go.work, whose versions the go command never
// looks up.
func parseGoWork(name string, data []byte) (*modfile.WorkFile, []Finding) {
	file, err := modfile.ParseWork(name, data, nil)
	if err != nil {
		return nil, parseErrors(name, data, err, goWorkDirectives)
	}
	return file, nil
}

var (
	goModDirectives  = []string{"module", "go", "toolchain", "godebug", "require", "exclude", "replace", "retract", "tool", "ignore"}
	goWorkDirectives = []string{"go", "toolchain", "godebug", "use", "replace"}
)

// canonical stands where the go command has fixVersion (modload/init.go), which
// asks the network for what a version means unless it is canonical.
func canonical(path, vers string) (string, error) {
	if strings.HasPrefix(path, "gopkg.in/") {
		if _, after, ok := strings.Cut(vers, "-gopkgin-"); ok {
			vers = after
		}
	}
	_, pathMajor, ok := module.SplitPathVersion(path)
	if !ok {
		return "", fmt.Errorf("malformed module path %q", path)
	}
	if vers == "" || module.CanonicalVersion(vers) != vers {
		return "", &notCanonicalError{path, vers}
	}
	if err := module.CheckPathMajor(vers, pathMajor); err != nil {
		return "", module.VersionError(module.Version{Path: path, Version: vers}, err)
	}
	return vers, nil
}

type notCanonicalError struct{ path, version string }

func (e *notCanonicalError) Error() string {
	return fmt.Sprintf("%s: %q is not a canonical version: the go command asks the network what it means", e.path, e.version)
}

// parseErrors makes findings of what the parser said. Markers of a merge make
// one finding for all that follows from them.
func parseErrors(name string, data []byte, err error, directives []string) []Finding {
	if lines := conflictMarkers(data); len(lines) > 0 {
		f := ruleGoModMergeConflict.Finding("%s has a merge conflict in it", name)
		f.File, f.Line, f.EndLine = name, lines[0], lines[len(lines)-1]
		f.Fix.Description = "Resolve the conflict and remove the lines that begin with <<<<<<<, ======= and >>>>>>>."
		return []Finding{f}
	}
	var list modfile.ErrorList
	if !errors.As(err, &list) {
		f := ruleGoModSyntax.Finding("%v", err)
		f.File = name
		return []Finding{f}
	}
	var findings []Finding
	for _, e := range list {
		f := parseError(data, e, directives)
		f.File, f.Line = name, e.Pos.Line
		if e.Pos.LineRune > 1 {
			f.Column = e.Pos.LineRune
		}
		findings = append(findings, f)
	}
	return findings
}

func parseError(data []byte, e modfile.Error, directives []string) Finding {
	words := (&modfile.Error{Verb: e.Verb, ModPath: e.ModPath, Err: e.Err}).Error()
	var lookup *notCanonicalError
	var invalid *module.InvalidVersionError
	switch {
	case errors.As(e.Err, &lookup):
		f := ruleGoModVersionNotCanonical.Finding("%s", words)
		f.Module, f.Key = lookup.path, lookup.version
		f.Fix.Description = fmt.Sprintf("Write the exact version; go list -m %s@%s tells it.", lookup.path, lookup.version)
		return f
	case errors.As(e.Err, &invalid) && strings.Contains(words, "should be v"):
		return ruleGoModMajorVersion.Finding("%s", words)
	case strings.HasPrefix(words, "invalid go version "):
		return ruleGoModGoVersion.Finding("%s", words)
	case strings.HasPrefix(words, "invalid toolchain version "):
		return ruleGoModToolchainVersion.Finding("%s", words)
	case bytes.HasPrefix(data, []byte("\ufeff")) && e.Pos.Line == 1:
		f := ruleGoModSyntax.Finding("the file begins with a byte order mark: %s", words)
		f.Fix.Description = "Save the file as UTF-8 without a byte order mark."
		return f
	}
	f := ruleGoModSyntax.Finding("%s", words)
	for _, prefix := range []string{"unknown directive: ", "unknown block type: "} {
		if word, ok := strings.CutPrefix(words, prefix); ok {
			if near, ok := nearest.Word(word, directives); ok && near != word {
				f.Fix.Description = fmt.Sprintf("Did you mean %q?", near)
			}
		}
	}
	return f
}

// conflictMarkers returns the lines of a merge that was not resolved, of which
// the first one opens it.
func conflictMarkers(data []byte) []int {
	var lines []int
	n := 0
	for line := range bytes.Lines(data) {
		n++
		for _, marker := range []string{"<<<<<<< ", "=======", ">>>>>>> "} {
			if bytes.HasPrefix(line, []byte(marker)) && (len(lines) > 0 || marker == "<<<<<<< ") {
				lines = append(lines, n)
			}
		}
	}
	return lines
}

var ruleGoModDirectiveTooNew = &Rule{
	ID: "gomod/directive-too-new", Severity: Error, Blocks: true,
	Summary: "go.mod or go.work has a directive that the Go that builds does not know.",
	Help: "Every go command of that release fails with \"unknown directive\". `toolchain` came with Go 1.21, `godebug` with 1.23, `tool` with 1.24, `ignore` with 1.25. " +
		"Build with a newer Go, and raise the go line so that older ones say so.",
}

// directiveSince is the first release that knows a directive, for those that
// came after Go 1.18.
var directiveSince = map[string]string{"toolchain": "go1.21", "godebug": "go1.23", "tool": "go1.24", "ignore": "go1.25"}

// tooNew finds directives that goVersion ("go1.22.1", empty for unknown) does not know.
func tooNew(name string, file *modfile.FileSyntax, goVersion string) []Finding {
	release, _, _ := strings.Cut(goVersion, "-")
	if !version.IsValid(release) {
		return nil
	}
	var findings []Finding
	for _, stmt := range file.Stmt {
		var tokens []string
		switch x := stmt.(type) {
		case *modfile.Line:
			tokens = x.Token
		case *modfile.LineBlock:
			tokens = x.Token
		}
		if len(tokens) == 0 {
			continue
		}
		// Prereleases ("go1.24rc1") know the directives of their release.
		since, ok := directiveSince[tokens[0]]
		if !ok || version.Compare(version.Lang(release), since) >= 0 {
			continue
		}
		f := ruleGoModDirectiveTooNew.Finding("%s does not know the directive %s, which came with Go %s",
			goVersion, tokens[0], strings.TrimPrefix(since, "go"))
		start, _ := stmt.Span()
		f.File, f.Line, f.Key = name, start.Line, tokens[0]
		findings = append(findings, f)
	}
	return findings
}
