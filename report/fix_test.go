package report

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/gopreflight/gopreflight/checks"
)

func fixFinding(rule, module string) checks.Finding {
	return checks.Finding{
		Rule: rule, Severity: checks.Error, Message: "the folder of " + module + " is another one", File: "go.sum", Line: 3, Module: module,
		Fix: checks.Fix{Description: "Find out which is wrong.", Command: "go version"}, Fingerprint: rule + module,
	}
}

func renderFix(t *testing.T, d Dest, r *FixReport) string {
	t.Helper()
	var b bytes.Buffer
	d.Out = &b
	if err := WriteFixPlan(d, r); err != nil {
		t.Fatal(err)
	}
	if err := WriteFixEnd(d, r); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func fixReport() *FixReport {
	lib := fixFinding("modcache/tree-modified", "example.com/lib@v1.0.0")
	left := fixFinding("modcache/gosum-mismatch", "example.com/odd@v1.0.0")
	waived := fixFinding("modcache/zip-modified", "example.com/ours@v1.0.0")
	waived.Exception = &checks.Exception{Reason: "patched on purpose"}
	return &FixReport{
		Report: &checks.Report{
			Tool: checks.Tool{Name: "gopreflight", Version: "1.0.0"}, Go: checks.Go{Version: "go1.26.0"}, DurationMs: 500,
			Repository: checks.Repository{Modules: []checks.RepositoryMod{{Path: "example.org/m", Dir: "."}}},
		},
		Actions: []FixAction{
			{Name: "example.com/lib@v1.0.0", Findings: []checks.Finding{lib}, Cache: "/mc", Aside: []string{"cache/x.zip", "example.com/lib@v1.0.0"}, Command: "go mod download example.com/lib@v1.0.0", Outcome: FixMended, Detail: "brought back"},
			{Name: "example.com/odd@v1.0.0", Findings: []checks.Finding{left}, Outcome: FixLeft},
			{Name: "example.com/ours@v1.0.0", Findings: []checks.Finding{waived}, Outcome: FixAccepted},
			{Name: "example.com/gone@v1.0.0", Outcome: FixMissing, Detail: "404"},
		},
		Skipped:     []string{"buildcache skipped: off"},
		Unanswered:  []string{"modcache could not find out: no such file"},
		Quarantines: []string{"/q/1"},
	}
}

func TestFixText(t *testing.T) {
	t.Parallel()
	want := `gopreflight 1.0.0  example.org/m, go1.26.0

  x modcache/tree-modified  go.sum:3
      the folder of example.com/lib@v1.0.0 is another one
      aside   cache/x.zip
              example.com/lib@v1.0.0
      from    /mc
      then    go mod download example.com/lib@v1.0.0  in a temporary module, held to go.sum

  x modcache/gosum-mismatch  go.sum:3
      the folder of example.com/odd@v1.0.0 is another one
      left    not for a machine to decide
      fix     Find out which is wrong.
              go version
      why     gopreflight explain modcache/gosum-mismatch

  x modcache/zip-modified  go.sum:3
      the folder of example.com/ours@v1.0.0 is another one
      waived  patched on purpose

  ! example.com/gone@v1.0.0
      404

Outcome
  + example.com/lib@v1.0.0  mended: brought back
  x example.com/odd@v1.0.0  left alone
  - example.com/ours@v1.0.0  accepted
  ? example.com/gone@v1.0.0  not brought back: 404

  - buildcache skipped: off

  ? modcache could not find out: no such file

STILL BROKEN in 0.5 s, 1 mended, 1 still broken, 2 without an answer
      aside   /q/1 (its manifest.json says what, why, and how to put it back)
`
	if got := renderFix(t, Dest{ASCII: true}, fixReport()); got != want {
		t.Errorf("it says\n%s\nwant\n%s", got, want)
	}
	// Colour adds to the text and takes nothing from it.
	if got := sgr.ReplaceAllString(renderFix(t, Dest{ASCII: true, Color: true}, fixReport()), ""); got != want {
		t.Errorf("without its colours it says\n%s", got)
	}
}

func TestFixVerdict(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(r *FixReport){
		"NOTHING TO MEND in 0.5 s":                                     func(r *FixReport) { r.Actions, r.Unanswered = nil, nil },
		"MENDED in 0.5 s, 1 mended":                                    func(r *FixReport) { r.Actions, r.Unanswered = r.Actions[:1], nil },
		"INCONCLUSIVE in 0.5 s, 1 without an answer":                   func(r *FixReport) { r.Actions = nil },
		"INTERRUPTED in 0.5 s, run the same command again to end it, ": func(r *FixReport) { r.Interrupted = "interrupt" },
		"DRY RUN in 0.5 s, nothing was changed, 1 would be mended, 1 not by a machine, 2 without an answer": func(r *FixReport) {
			r.DryRun, r.Actions[0].Outcome = true, FixPlanned
		},
	} {
		r := fixReport()
		change(r)
		got := renderFix(t, Dest{}, r)
		if !strings.Contains(got, "\n"+want) {
			t.Errorf("no %q in\n%s", want, got)
		}
		if r.DryRun && strings.Contains(got, "Outcome") {
			t.Errorf("a dry run has an outcome:\n%s", got)
		}
	}
}

// TestFixHostile: names from a cache are text, and many of them are counted.
func TestFixHostile(t *testing.T) {
	t.Parallel()
	hostile := "\x1b[31m\n::error::x\r##[command]\u202e"
	r := fixReport()
	a := &r.Actions[0]
	a.Name, a.Cache, a.Command, a.Detail, a.Findings[0].Message = hostile, hostile, hostile, hostile, hostile
	a.Aside = nil
	for i := range maxAside + 3 {
		a.Aside = append(a.Aside, fmt.Sprint(hostile, i))
	}
	r.Quarantines, r.Skipped, r.Unanswered, r.Into = []string{hostile}, []string{hostile}, []string{hostile}, []string{hostile}
	text := renderFix(t, Dest{Log: true}, r)
	for line := range strings.Lines(text) {
		if strings.HasPrefix(strings.TrimSpace(line), "::") || strings.Contains(line, "##[") || strings.ContainsAny(line, "\x1b\r\u202e") {
			t.Errorf("%q", line)
		}
	}
	if !strings.Contains(text, "… 3 more names: --verbose shows all") {
		t.Errorf("what is cut is not counted:\n%s", text)
	}
	if text := renderFix(t, Dest{Verbose: true}, r); strings.Contains(text, "more names") {
		t.Errorf("--verbose cuts:\n%s", text)
	}
}

// TestFixStaysInTheProcess: no report says what fix may move or bring back, and
// none that is read makes it do so.
func TestFixStaysInTheProcess(t *testing.T) {
	t.Parallel()
	r := fixReport().Report
	f := fixFinding("modcache/tree-modified", "example.com/lib@v1.0.0")
	f.Fix.Aside = []string{"/victim"}
	f.Fix.Again = &checks.Again{Path: "example.com/victim", Version: "v1.0.0"}
	r.Schema, r.Scope, r.Verdict, r.FailOn = checks.Schema, checks.ScopeJob, checks.Fail, "error"
	r.Results = []checks.Result{{Check: "modcache", Stage: checks.StageCache, Status: checks.Failed, Findings: []checks.Finding{f}}}
	for _, reporter := range All {
		if text := render(t, reporter, r, Dest{Verbose: true}); strings.Contains(text, "victim") {
			t.Errorf("%s says it: %s", reporter.Name, text)
		}
	}
	forged := strings.Replace(render(t, JSON, r, Dest{}), `"patch":`, `"aside":["/victim"],"Aside":["/victim"],"again":{"path":"victim"},"Again":{"Path":"victim"},"patch":`, 1)
	if !strings.Contains(forged, "/victim") {
		t.Fatal("the report was not forged")
	}
	again, err := ReadJSON(strings.NewReader(forged))
	if err == nil && again.Results[0].Findings[0].Fix.Mends() {
		t.Errorf("a report says what to move: %+v", again.Results[0].Findings[0].Fix)
	}
}
