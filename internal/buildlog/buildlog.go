// Package buildlog reads what go build printed into diagnostics at their places.
//
// It takes both forms of the output: the events of `go build -json` (Go 1.24
// and newer, `go help buildjson`) and plain text. It only reads the bytes that
// it is given: it runs no command, opens no file, and does not judge what a
// failure of the environment was caused by.
package buildlog

import (
	"encoding/json"
	"strings"
)

// Log is the output of one go build.
type Log struct {
	// Packages are those that the toolchain said something about, in the order
	// in which they first appear.
	Packages []Package
	// Loose is what the go command said while it loaded packages, before
	// anything was compiled: imports that nothing provides, import cycles.
	Loose []Diagnostic
	// Other is all other text: fatal errors, warnings, progress.
	Other string
	// Text is the whole output as plain text, one package after the other.
	Text string
	// Dropped counts the diagnostics over the limits of this package.
	Dropped int
}

// Package is the output about one package.
type Package struct {
	// ImportPath is never empty; named files are "command-line-arguments".
	ImportPath  string
	Diagnostics []Diagnostic
	// TooMany says that the compiler stopped early ("too many errors").
	TooMany bool
}

// Diagnostic is one message.
type Diagnostic struct {
	// Package is the import path that the go command names beside a loose
	// message: the missing package, or the first of a chain of imports. It is
	// empty inside of a Package, and where none is named.
	Package string
	// File is the file as it was printed: relative to the working directory
	// of the go command (with or without ./), or absolute. Empty for none.
	File string
	// Line and Column are 1-based; 0 means none. Column counts bytes.
	Line, Column int
	// Message is one line.
	Message string
	// More are the lines that belong to it, with their indentation.
	More []string
	// Compile says that the source is at fault. It is false for what the
	// source cannot help: packages, modules, headers, tools that are missing.
	Compile bool
}

// Bounds on what is kept of an output, whoever wrote it.
const (
	// maxOutput is how many bytes of each stream are read.
	maxOutput = 8 << 20
	// maxText cuts Log.Text and Log.Other.
	maxText = 512 << 10
	// maxLine cuts a line.
	maxLine = 4 << 10
	// maxDiagnostics is how many packages and how many diagnostics are kept in all.
	maxDiagnostics = 1000
	// maxMore is how many lines are kept with one diagnostic.
	maxMore = 20
)

// Failed reports whether the log holds a diagnostic of any kind.
func (l *Log) Failed() bool { return len(l.Packages) > 0 || len(l.Loose) > 0 }

// event is what go build -json prints on each line of its standard output.
type event struct {
	ImportPath string
	Action     string // build-output, build-fail
	Output     string
}

// Parse reads what a go build printed. jsonMode says that it ran with -json,
// so that events are on stdout; errors before any package was loaded are plain
// text on stderr even then.
func Parse(stdout, stderr []byte, jsonMode bool) Log {
	var p parser
	out, errs := bound(stdout), bound(stderr)
	if !jsonMode {
		p.read(errs, "")
		p.read(out, "")
		return p.finish()
	}
	var order []string
	outputs := map[string]*strings.Builder{}
	var plain strings.Builder
	for line := range strings.SplitAfterSeq(out, "\n") {
		var e event
		if !strings.HasPrefix(line, "{") || json.Unmarshal([]byte(line), &e) != nil || e.Action == "" {
			plain.WriteString(line)
			continue
		}
		if outputs[e.ImportPath] == nil {
			order = append(order, e.ImportPath)
			outputs[e.ImportPath] = new(strings.Builder)
		}
		outputs[e.ImportPath].WriteString(e.Output)
	}
	for _, path := range order {
		p.read(outputs[path].String(), path)
	}
	p.read(plain.String(), "")
	p.read(errs, "")
	return p.finish()
}

func bound(output []byte) string {
	return strings.ToValidUTF8(string(output[:min(len(output), maxOutput)]), "�")
}
