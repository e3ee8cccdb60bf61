package report

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/sethvargo/go-githubactions"

	"github.com/gopreflight/gopreflight/checks"
	"github.com/gopreflight/gopreflight/internal/plain"
)

// GitHub is for GitHub Actions: annotations on the lines of a change, the job
// summary, and the step's outputs. It shares standard output with the terminal
// format: an annotation is a line of the job log.
var GitHub = &Reporter{
	Name:  "github",
	Doc:   "for GitHub Actions: annotations, the job summary, and outputs",
	Write: writeGitHub,
}

// Limits of GitHub.
const (
	// maxAnnotations is how many annotations of each type one step may make;
	// more are dropped without a word (GitHub documentation, "Usage limits",
	// and actions/runner, ExecutionContext.AddIssue: _maxIssueCount).
	maxAnnotations = 10
	// maxAnnotation is the length of an annotation's message, in bytes to be
	// safe; GitHub counts characters (actions/runner, ExecutionContext:
	// _maxIssueMessageLength).
	maxAnnotation = 4096
	// maxAnnotationTitle is the length of its title, in bytes to be safe (GitHub
	// documentation, "Update a check run", annotations: 255 characters).
	maxAnnotationTitle = 255
	// MaxSummary is the size in bytes of the summary of one step; a larger one
	// is dropped as a whole (actions/runner, CreateStepSummaryCommand:
	// AttachmentSizeLimit).
	MaxSummary = 1 << 20
)

func writeGitHub(_ context.Context, d Dest, r *checks.Report) error {
	return errors.Join(writeAnnotations(d, r), writeSummary(d, r), writeOutputs(d, r))
}

// annotation is one annotation, before GitHub's limits.
type annotation struct {
	severity checks.Severity
	title    string
	message  string
	file     string
	line     int
	endLine  int
	col      int
}

// writeAnnotations writes the most telling annotations and counts the others. An
// untrusted report gets none: they would stand at the commit of the job that
// renders it, which is not the one that was judged.
func writeAnnotations(d Dest, r *checks.Report) error {
	if r.Untrusted {
		return nil
	}
	// go-githubactions panics when it cannot write: it writes to memory.
	var b bytes.Buffer
	action := githubactions.New(githubactions.WithWriter(&b), githubactions.WithGetenv(d.getenv))
	all := annotations(r)
	kept, left := fitAnnotations(all)
	if left != nil {
		kept = append(kept, annotation{
			severity: checks.Notice,
			title:    "gopreflight",
			message:  "not shown here: " + strings.Join(left, ", ") + "; see the " + pointer(d),
		})
	}
	for _, a := range kept {
		act := action.WithFieldsMap(a.fields())
		message := plain.Cut(guardTag(a.message), maxAnnotation)
		switch a.severity {
		case checks.Error:
			act.Errorf("%s", message)
		case checks.Warning:
			act.Warningf("%s", message)
		default:
			act.Noticef("%s", message)
		}
	}
	if _, err := d.Out.Write(b.Bytes()); err != nil {
		return fmt.Errorf("writing the annotations: %w", err)
	}
	return nil
}

// pointer is where all findings are.
func pointer(d Dest) string {
	if d.getenv("GITHUB_STEP_SUMMARY") != "" && d.Append != nil {
		return "job summary"
	}
	return "job log"
}

// annotations is everything worth an annotation, the most telling first: root
// causes, then of every rule its first finding before the second of any, and
// consequences last, behind what is to be mended.
func annotations(r *checks.Report) []annotation {
	type ranked struct {
		annotation
		rank  rank
		index int
	}
	var all []ranked
	for _, g := range outline(r) {
		for i, it := range g.items {
			all = append(all, ranked{annotate(it.Finding, it.blocks), g.rank, i})
			for _, f := range it.follows {
				all = append(all, ranked{annotate(f, nil), rankNotice + 1, i})
			}
		}
	}
	slices.SortStableFunc(all, func(a, b ranked) int {
		return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(a.index, b.index))
	})
	list := make([]annotation, 0, len(all))
	for _, a := range all {
		list = append(list, a.annotation)
	}
	// A question without an answer has no finding; when it decides the verdict
	// it is the reason why the step is red.
	severity := checks.Warning
	if r.Verdict == checks.Inconclusive {
		severity = checks.Error
	}
	for i := range r.Results {
		if res := &r.Results[i]; res.Status == checks.Errored {
			list = append(list, annotation{severity: severity, title: oneLine(res.Check), message: statusText(res, "")})
		}
	}
	return list
}

// annotate is the annotation of a finding: what is wrong, what mends it, what
// it blocks. The place is the annotation's own.
func annotate(f *checks.Finding, blocks []string) annotation {
	a := annotation{severity: f.Severity, title: oneLine(f.Rule), file: oneLine(f.File)}
	if a.file != "" && f.Line > 0 {
		a.line = f.Line
		if f.EndLine > f.Line {
			a.endLine = f.EndLine
		} else if f.Column > 0 {
			// The runner drops columns of annotations over several lines.
			a.col = f.Column
		}
	}
	lines := []string{oneLine(f.Message)}
	if about := about(f); about != "" {
		lines = append(lines, about)
	}
	if fix := oneLine(f.Fix.Description); fix != "" {
		lines = append(lines, "fix: "+fix)
	}
	for _, c := range verbatim(f.Fix.Command) {
		lines = append(lines, "    "+c)
	}
	if len(blocks) > 0 {
		lines = append(lines, "blocks: "+oneLine(strings.Join(blocks, ", ")))
	}
	a.message = strings.Join(lines, "\n")
	return a
}

// fields are the properties of the annotation's command.
func (a annotation) fields() map[string]string {
	m := map[string]string{}
	if a.title != "" {
		m["title"] = plain.Cut(guardTag(a.title), maxAnnotationTitle)
	}
	if a.file != "" {
		m["file"] = guardTag(a.file)
	}
	for name, n := range map[string]int{"line": a.line, "endLine": a.endLine, "col": a.col} {
		if n > 0 {
			m[name] = strconv.Itoa(n)
		}
	}
	return m
}

// fitAnnotations keeps as many annotations as GitHub shows, and says how many
// of which severity are left; then one place among the notices stays free for
// saying so.
func fitAnnotations(all []annotation) (kept []annotation, left []string) {
	n := map[checks.Severity]int{}
	for _, a := range all {
		n[a.severity]++
	}
	room := map[checks.Severity]int{checks.Error: maxAnnotations, checks.Warning: maxAnnotations, checks.Notice: maxAnnotations}
	if slices.Max([]int{n[checks.Error], n[checks.Warning], n[checks.Notice]}) > maxAnnotations {
		room[checks.Notice]--
	}
	for _, s := range []checks.Severity{checks.Error, checks.Warning, checks.Notice} {
		if more := n[s] - room[s]; more > 0 {
			left = append(left, plain.Count(more, "more "+string(s)))
		}
	}
	for _, a := range all {
		if room[a.severity] > 0 {
			room[a.severity]--
			kept = append(kept, a)
		}
	}
	return kept, left
}

// writeSummary appends the report in Markdown to the step's summary, if the
// step has one.
func writeSummary(d Dest, r *checks.Report) error {
	return appendTo(d, "GITHUB_STEP_SUMMARY", func(size int64) (string, error) {
		// What the step wrote before counts too.
		room := MaxSummary - size
		if room < minMarkdown {
			return "", fmt.Errorf("the step's summary has %d bytes already, of %d", size, MaxSummary)
		}
		return markdownText(r, int(room)), nil
	})
}

// writeOutputs appends the step's outputs to the file for them, if the step
// has one. The form NAME=VALUE has no delimiter that a value could forge; a
// value with a line break could add an output of its own. It is left empty and
// told, and the others are set.
func writeOutputs(d Dest, r *checks.Report) error {
	var refused []error
	err := appendTo(d, "GITHUB_OUTPUT", func(int64) (string, error) {
		var b strings.Builder
		for _, o := range outputs(d, r) {
			if strings.ContainsAny(o.value, "\r\n") {
				refused = append(refused, fmt.Errorf("GITHUB_OUTPUT: the output %s is left empty, it has a line break: %.100q", o.name, o.value))
				o.value = ""
			}
			fmt.Fprintf(&b, "%s=%s\n", o.name, o.value)
		}
		return b.String(), nil
	})
	return errors.Join(append(refused, err)...)
}

// output is one output of the step.
type output struct{ name, value string }

// outputs are the outputs that action.yml declares.
func outputs(d Dest, r *checks.Report) []output {
	errors, warnings, _ := r.Counts()
	root := ""
	if len(r.RootCauses) > 0 {
		root = r.RootCauses[0].Rule
	}
	return []output{
		{"verdict", string(r.Verdict)},
		{"errors", strconv.Itoa(errors)},
		{"warnings", strconv.Itoa(warnings)},
		{"root-cause", root},
		{"report", d.ReportPath},
	}
}

// appendTo appends to the file that a variable names what text makes of the
// file's present size. It does nothing where the variable is not set.
func appendTo(d Dest, variable string, text func(size int64) (string, error)) (err error) {
	name := d.getenv(variable)
	if name == "" || d.Append == nil {
		return nil
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("%s: %w", variable, err)
		}
	}()
	f, err := d.Append(name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	size, err := sizeOf(f)
	if err != nil {
		return err
	}
	s, err := text(size)
	if err != nil {
		return err
	}
	_, err = f.WriteString(s)
	return err
}

// sizeOf is the size of a regular file, 0 of anything else (a pipe, a device).
func sizeOf(f *os.File) (int64, error) {
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return 0, err
	}
	return info.Size(), nil
}
