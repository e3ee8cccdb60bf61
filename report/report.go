// Package report turns a checks.Report into what people and machines read: one
// file per output format.
//
// A reporter sees a report and a Dest, nothing else: it never computes a
// verdict, never runs the go command, never talks to the network, never calls
// another reporter, and never reads the process environment or the clock. What
// it writes depends on the report and the Dest alone, so that a saved report
// (ReadJSON) gives the same output as the run that made it.
//
// All text of a report counts as hostile: it quotes file names, module paths
// and the output of child processes. Every format escapes for itself, so that
// nothing in it can be a terminal escape, a workflow command, markup, a link, a
// mention or an output.
package report

import (
	"context"
	"io"
	"os"
	"strings"

	"github.com/gopreflight/gopreflight/checks"
)

// A Reporter is one output format. Reporters are struct literals, one per
// file, listed in All.
type Reporter struct {
	// Name is what --format calls it.
	Name string
	// Doc is one line: who reads this format.
	Doc string
	// Write writes the report. An error means that the output is missing or
	// incomplete; it says nothing about the verdict.
	Write func(ctx context.Context, d Dest, r *checks.Report) error
}

// All lists the reporters in the order of --help.
var All = []*Reporter{Terminal, GitHub, JSON, SARIF, JUnit, CodeQuality, Checkstyle, Markdown, Metrics}

// Lookup returns the reporter of a name, or nil.
func Lookup(name string) *Reporter {
	for _, r := range All {
		if r.Name == name {
			return r
		}
	}
	return nil
}

// Names is the names of all reporters, in order.
func Names() []string {
	names := make([]string, len(All))
	for i, r := range All {
		names[i] = r.Name
	}
	return names
}

// Dest is where a report goes and how it may look there.
type Dest struct {
	// Out takes the format's stream: standard output or a file. Required.
	Out io.Writer
	// Getenv reads the variables by which a CI names its files
	// (GITHUB_STEP_SUMMARY, GITHUB_OUTPUT). Nil means that none is set.
	Getenv func(name string) string
	// Append opens a file that a CI named for appending; os.OpenFile with
	// O_APPEND in the command. Nil means that such files are not written.
	Append func(name string) (*os.File, error)
	// ReportPath is where the JSON report of this run was written, relative to
	// the work tree and with slashes; empty when there is none inside.
	ReportPath string
	// Color allows ANSI colours.
	Color bool
	// ASCII draws our own signs with ASCII characters, for a terminal or a log
	// that would break others. Text of the repository stays what it is.
	ASCII bool
	// Sections says that Out is a GitLab job log, parts of which can be folded.
	Sections bool
	// Width is the columns of the terminal that Out is; 0 means that lines
	// are never broken, as in a log.
	Width int
	// Log says that a CI reads Out line by line as a job log and obeys the
	// commands in it: text that would be one is broken up (see guardLog).
	Log bool
	// ListShown says that a Live view already left the lines of the checks on
	// Out: they are not repeated, but for Verbose, which adds facts to them.
	ListShown bool
	// Quiet leaves out everything but the verdict, what fails the run and what
	// could not be found out.
	Quiet bool
	// Verbose shows facts, every finding of a rule and every consequence.
	Verbose bool
}

// getenv is Getenv with its zero value's meaning.
func (d Dest) getenv(name string) string {
	if d.Getenv == nil {
		return ""
	}
	return strings.TrimSpace(d.Getenv(name))
}
