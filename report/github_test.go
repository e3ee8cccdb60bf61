package report

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/gopreflight/gopreflight/checks"
)

// writeStep writes a report as a step of a workflow would, and returns the
// commands in its log.
func writeStep(t *testing.T, s step, r *checks.Report) []command {
	t.Helper()
	var b bytes.Buffer
	d := Dest{Out: &b, Getenv: s.getenv, Append: s.open, ReportPath: "out/report.json"}
	if err := GitHub.Write(t.Context(), d, r); err != nil {
		t.Fatal(err)
	}
	commands := logCommands(b.String())
	if lines := strings.Count(b.String(), "\n"); lines != len(commands) {
		t.Errorf("the log has %d lines and %d commands", lines, len(commands))
	}
	return commands
}

// TestAnnotationsDecode: what the runner reads is what the report says.
func TestAnnotationsDecode(t *testing.T) {
	t.Parallel()
	nasty := "100%25 a:b,c=d \u2028 ::error::x ##[group]y 50%"
	r := &checks.Report{Verdict: checks.Fail, Results: []checks.Result{{Check: "build", Status: checks.Failed, Findings: []checks.Finding{
		{Rule: "build/compile", Severity: checks.Error, Message: nasty, File: "a,b:c%/x.go", Line: 3, Column: 7, Key: "k,e:y",
			Fix: checks.Fix{Description: "mend it, please", Command: "go vet ./...\ngo build ./..."}},
		{Rule: "build/vet", Severity: checks.Warning, Message: "two lines\nat once", File: "x.go", Line: 3, Column: 2, EndLine: 5},
		{Rule: "build/note", Severity: checks.Notice, Message: "no place", Line: 4, Column: 1},
	}}}}
	got := writeStep(t, step{}, r)
	want := []command{
		{"error", map[string]string{"title": "build/compile", "file": "a,b:c%/x.go", "line": "3", "col": "7"},
			`100%25 a:b,c=d ::error::x ##\[group]y 50%` + "\nk,e:y\nfix: mend it, please\n    go vet ./...\n    go build ./..."},
		{"warning", map[string]string{"title": "build/vet", "file": "x.go", "line": "3", "endLine": "5"}, "two lines at once"},
		{"notice", map[string]string{"title": "build/note"}, "no place"},
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("the runner reads\n%q, want\n%q", got, want)
	}
}

// TestAnnotationLimits: ten of each type, the most telling ones, and the rest
// counted.
func TestAnnotationLimits(t *testing.T) {
	t.Parallel()
	for name, r := range savedReports(t) {
		if r.Untrusted {
			continue // see TestUntrustedHasNoAnnotations
		}
		n := map[string]int{}
		commands := writeStep(t, newStep(t), r)
		for _, c := range commands {
			n[c.name]++
			if len(c.data) > maxAnnotation || !utf8.ValidString(c.data) {
				t.Errorf("%s: a message has %d bytes", name, len(c.data))
			}
			if c.name != "error" && c.name != "warning" && c.name != "notice" {
				t.Errorf("%s: %q is no annotation", name, c.name)
			}
		}
		for kind, got := range n {
			if got > maxAnnotations {
				t.Errorf("%s: %d annotations of type %s", name, got, kind)
			}
		}
		// Shown and counted together are all findings and all open questions.
		errors, warnings, notices := r.Counts()
		want := errors + warnings + notices + countStatus(r, checks.Errored)
		got := len(commands)
		if last := commands; len(last) > 0 && strings.HasPrefix(last[len(last)-1].data, "not shown here: ") {
			got--
			for part := range strings.SplitSeq(strings.TrimPrefix(last[len(last)-1].data, "not shown here: "), ", ") {
				var more int
				if _, err := fmt.Sscan(part, &more); err != nil {
					t.Errorf("%s: %q has no number", name, part)
				}
				got += more
			}
		}
		if got != want {
			t.Errorf("%s: annotations account for %d findings, want %d", name, got, want)
		}
	}
}

// TestAnnotationOrder: root causes, then the first of each rule, consequences
// last; with too many, those are what is left out.
func TestAnnotationOrder(t *testing.T) {
	t.Parallel()
	root := checks.Finding{Rule: "z/root", Severity: checks.Error, Message: "root", Fingerprint: "r"}
	var findings []checks.Finding
	for i := range 12 {
		findings = append(findings, checks.Finding{Rule: "a/many", Severity: checks.Error, Message: fmt.Sprint("many ", i)})
	}
	for i := range 3 {
		findings = append(findings, checks.Finding{Rule: "b/follows", Severity: checks.Error, Message: fmt.Sprint("follows ", i), CausedBy: "r"})
	}
	findings = append(findings, checks.Finding{Rule: "c/single", Severity: checks.Error, Message: "single"}, root)
	r := &checks.Report{
		Verdict:    checks.Fail,
		RootCauses: []checks.RootCause{{Rule: "z/root", Fingerprint: "r", Blocks: []string{"tidy"}}},
		Results:    []checks.Result{{Check: "a", Status: checks.Failed, Findings: findings}},
	}
	var got []string
	for _, c := range writeStep(t, newStep(t), r) {
		first, _, _ := strings.Cut(c.data, "\n")
		got = append(got, first)
	}
	want := []string{"root", "many 0", "single", "many 1", "many 2", "many 3", "many 4", "many 5", "many 6", "many 7",
		"not shown here: 7 more errors; see the job summary"}
	if !slices.Equal(got, want) {
		t.Errorf("annotations are %q, want %q", got, want)
	}
}

// TestAnnotationUnanswered: an open question is an error only where it decides.
func TestAnnotationUnanswered(t *testing.T) {
	t.Parallel()
	for verdict, want := range map[checks.Verdict]string{checks.Inconclusive: "error", checks.Fail: "warning"} {
		r := &checks.Report{Verdict: verdict, Results: []checks.Result{{Check: "proxy", Status: checks.Errored, Reason: "timeout"}}}
		got := writeStep(t, step{}, r)
		if len(got) != 1 || got[0].name != want || got[0].props["title"] != "proxy" || got[0].data != "could not find out: timeout" {
			t.Errorf("%s: %q, want one %s", verdict, got, want)
		}
	}
}

func TestOutputs(t *testing.T) {
	t.Parallel()
	s := newStep(t)
	writeStep(t, s, readSaved(t, saved+"/fail.json"))
	want := "verdict=fail\nerrors=3\nwarnings=1\nroot-cause=proxy/tls-expired\nreport=out/report.json\n"
	if got := s.read(t, "GITHUB_OUTPUT"); got != want {
		t.Errorf("outputs are %q, want %q", got, want)
	}
	s = newStep(t)
	writeStep(t, s, readSaved(t, saved+"/pass.json"))
	want = "verdict=pass\nerrors=0\nwarnings=0\nroot-cause=\nreport=out/report.json\n"
	if got := s.read(t, "GITHUB_OUTPUT"); got != want {
		t.Errorf("outputs are %q, want %q", got, want)
	}
}

// TestOutputsRefuseLineBreaks: neither a forged report nor the name of a file
// can set an output of its own, and the other outputs are there.
func TestOutputsRefuseLineBreaks(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, rule, path, want, complaint string }{
		{"rule, line feed", "a/b\nverdict=pass", "r.json", "root-cause=\nreport=r.json\n", `the output root-cause is left empty, it has a line break: "a/b\nverdict=pass"`},
		{"rule, carriage return", "a/b\rverdict=pass", "r.json", "root-cause=\nreport=r.json\n", `the output root-cause is left empty, it has a line break: "a/b\rverdict=pass"`},
		{"path", "a/b", "x\nverdict=pass/r.json", "root-cause=a/b\nreport=\n", `the output report is left empty, it has a line break: "x\nverdict=pass/r.json"`},
	} {
		s := newStep(t)
		r := &checks.Report{Verdict: checks.Fail, RootCauses: []checks.RootCause{{Rule: tt.rule}}}
		err := GitHub.Write(t.Context(), Dest{Out: &bytes.Buffer{}, Getenv: s.getenv, Append: s.open, ReportPath: tt.path}, r)
		if err == nil || !strings.Contains(err.Error(), tt.complaint) {
			t.Errorf("%s: error %v, want %s", tt.name, err, tt.complaint)
		}
		if got, want := s.read(t, "GITHUB_OUTPUT"), "verdict=fail\nerrors=0\nwarnings=0\n"+tt.want; got != want {
			t.Errorf("%s: outputs are %q, want %q", tt.name, got, want)
		}
		if got := s.read(t, "GITHUB_STEP_SUMMARY"); !strings.Contains(got, "gopreflight: failed") {
			t.Errorf("%s: the summary is missing: %q", tt.name, got)
		}
	}
}

// TestSummary: appended to what is there, within GitHub's limit for both.
func TestSummary(t *testing.T) {
	t.Parallel()
	r := readSaved(t, saved+"/many.json")
	for _, before := range []int{0, 100, MaxSummary - 20_000, MaxSummary - minMarkdown} {
		s := newStep(t)
		if err := os.WriteFile(s["GITHUB_STEP_SUMMARY"], bytes.Repeat([]byte("x"), before), 0o600); err != nil {
			t.Fatal(err)
		}
		writeStep(t, s, r)
		got := s.read(t, "GITHUB_STEP_SUMMARY")
		if len(got) > MaxSummary {
			t.Errorf("after %d bytes: the summary has %d bytes, over the limit", before, len(got))
		}
		if !strings.HasPrefix(got[before:], "## ❌ gopreflight: failed") {
			t.Errorf("after %d bytes: the summary begins with %.60q", before, got[before:])
		}
	}

	s := newStep(t)
	if err := os.WriteFile(s["GITHUB_STEP_SUMMARY"], bytes.Repeat([]byte("x"), MaxSummary-100), 0o600); err != nil {
		t.Fatal(err)
	}
	err := GitHub.Write(t.Context(), Dest{Out: &bytes.Buffer{}, Getenv: s.getenv, Append: s.open}, r)
	if err == nil || !strings.Contains(err.Error(), "GITHUB_STEP_SUMMARY: the step's summary has 1048476 bytes already") {
		t.Errorf("a full summary: error %v", err)
	}
}

// TestGitHubElsewhere: without the variables of a step there are annotations
// and nothing else.
func TestGitHubElsewhere(t *testing.T) {
	t.Parallel()
	commands := writeStep(t, step{}, readSaved(t, saved+"/many.json"))
	last := commands[len(commands)-1].data
	if !strings.HasSuffix(last, "; see the job log") {
		t.Errorf("the pointer is %q, want one to the job log", last)
	}
	var b bytes.Buffer
	if err := GitHub.Write(t.Context(), Dest{Out: &b}, readSaved(t, saved+"/fail.json")); err != nil || b.Len() == 0 {
		t.Errorf("with neither Getenv nor Append: %d bytes, error %v", b.Len(), err)
	}
}

// TestGitHubFilesFail: every output is tried, every failure is told by name.
func TestGitHubFilesFail(t *testing.T) {
	t.Parallel()
	s := newStep(t)
	denied := errors.New("denied")
	d := Dest{Out: full{}, Getenv: s.getenv, Append: func(name string) (*os.File, error) { return nil, denied }}
	err := GitHub.Write(t.Context(), d, readSaved(t, saved+"/fail.json"))
	for _, want := range []string{"writing the annotations: no space left", "GITHUB_STEP_SUMMARY: denied", "GITHUB_OUTPUT: denied"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v does not say %q", err, want)
		}
	}
	// A file that can be opened but not written.
	d = Dest{Out: &bytes.Buffer{}, Getenv: s.getenv, Append: os.Open}
	if err := GitHub.Write(t.Context(), d, readSaved(t, saved+"/fail.json")); err == nil || !strings.Contains(err.Error(), "GITHUB_OUTPUT: ") {
		t.Errorf("a file that cannot be written: error %v", err)
	}
}

// TestUntrustedHasNoAnnotations: they would stand at another commit's lines.
func TestUntrustedHasNoAnnotations(t *testing.T) {
	t.Parallel()
	r := readSaved(t, saved+"/fail.json")
	got := func() string {
		var b bytes.Buffer
		if err := GitHub.Write(t.Context(), Dest{Out: &b}, r); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	if !strings.Contains(got(), "::error ") {
		t.Fatalf("a trusted report has no annotation: %q", got())
	}
	r.Untrusted = true
	if log := got(); log != "" {
		t.Errorf("an untrusted report wrote %q", log)
	}
}
