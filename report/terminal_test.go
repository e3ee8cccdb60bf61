package report

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/gopreflight/gopreflight/checks"
)

var sgr = regexp.MustCompile("\x1b\\[[0-9;]*m")

// TestTerminalColor: colour adds to the text and takes nothing from it.
func TestTerminalColor(t *testing.T) {
	t.Parallel()
	for name, r := range savedReports(t) {
		for _, d := range []Dest{{}, {Verbose: true}, {Width: 60}, {Quiet: true}} {
			without := render(t, Terminal, r, d)
			d.Color = true
			with := render(t, Terminal, r, d)
			if got := sgr.ReplaceAllString(with, ""); got != without {
				t.Errorf("%s %+v: without its colours the text differs at line %d", name, d, firstDifference(got, without))
			}
			if !strings.Contains(with, "\x1b[") {
				t.Errorf("%s %+v has no colour", name, d)
			}
			for line := range strings.SplitSeq(with, "\n") {
				if codes := sgr.FindAllString(line, -1); len(codes) > 0 && codes[len(codes)-1] != "\x1b[0m" {
					t.Errorf("%s: a colour runs over the end of %q", name, line)
				}
			}
		}
	}
}

// TestTerminalChecks: every check has its line, in order, with its mark.
func TestTerminalChecks(t *testing.T) {
	t.Parallel()
	marks := map[checks.Status]string{checks.Passed: "✓", checks.Warned: "!", checks.Failed: "✗", checks.Blocked: "⊘", checks.Skipped: "–", checks.Errored: "?"}
	for name, r := range savedReports(t) {
		rest := render(t, Terminal, r, Dest{})
		for i := range r.Results {
			res := &r.Results[i]
			want := "\n  " + marks[res.Status] + " " + pad(oneLine(res.Check), nameWidth)
			_, after, ok := strings.Cut(rest, want)
			if !ok {
				t.Errorf("%s: no line %q after the one before", name, want)
				break
			}
			rest = after
		}
	}
}

// TestTerminalVerbose: with --verbose every finding is shown with all it has.
func TestTerminalVerbose(t *testing.T) {
	t.Parallel()
	for name, r := range savedReports(t) {
		got := render(t, Terminal, r, Dest{Verbose: true})
		for _, f := range r.Findings {
			if !strings.Contains(got, oneLine(f.Message)) {
				t.Errorf("%s: the finding %q is missing", name, f.Message)
			}
		}
		if strings.Contains(got, "--verbose shows all") {
			t.Errorf("%s: --verbose does not show all", name)
		}
	}
	got := render(t, Terminal, readSaved(t, saved+"/modules.json"), Dest{Verbose: true})
	for _, want := range []string{"+++ b/svc/billing/go.mod", "✓ ./", "svc/cart: could not find out"} {
		if !strings.Contains(got, want) {
			t.Errorf("modules: no %q in\n%s", want, got)
		}
	}
	if got := render(t, Terminal, readSaved(t, saved+"/pass.json"), Dest{Verbose: true}); !strings.Contains(got, `freeBytes {"GOMODCACHE":85899345920}`) {
		t.Errorf("pass: the facts are missing in\n%s", got)
	}
}

// TestTerminalCaps: what is not shown is counted.
func TestTerminalCaps(t *testing.T) {
	t.Parallel()
	got := render(t, Terminal, readSaved(t, saved+"/many.json"), Dest{})
	for _, want := range []string{
		"✗ tidy/requirement-unused  150 findings\n", "… 130 more findings: --verbose shows all\n",
		"! policy/replace-unpinned  38 findings\n", "… 18 more findings: --verbose shows all\n",
		"· gosum/unused  12 findings\n", "| … 19 more lines\n",
	} {
		if strings.Count(got, want) != 1 {
			t.Errorf("%q stands %d times in the report, want once", want, strings.Count(got, want))
		}
	}
	if n := strings.Count(got, "\n      go.mod:"); n != 2*maxPerRule {
		t.Errorf("%d findings in go.mod are shown, want %d", n, 2*maxPerRule)
	}
	if n := strings.Count(got, "go mod tidy\n"); n != 1 {
		t.Errorf("the fix that 150 findings share is shown %d times", n)
	}
}

// TestTerminalQuiet: the verdict and the errors, nothing else.
func TestTerminalQuiet(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"pass":     "PASS in 1.9 s\n",
		"warnings": "PASS in 1.1 s, 2 warnings, 1 notice\n",
	} {
		if got := render(t, Terminal, readSaved(t, saved+"/"+name+".json"), Dest{Quiet: true}); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	got := render(t, Terminal, readSaved(t, saved+"/fail.json"), Dest{Quiet: true})
	if !strings.HasPrefix(got, "FAIL in 4.8 s, one root cause, 3 errors, 1 warning, 1 notice\n\n  ✗ proxy/tls-expired") || strings.Contains(got, "env/gosumdb-off") || strings.Contains(got, "Environment") {
		t.Errorf("fail:\n%s", got)
	}
	got = render(t, Terminal, readSaved(t, saved+"/inconclusive.json"), Dest{Quiet: true})
	if !strings.Contains(got, "? proxy\n      could not find out: no answer within 30s (--timeout)\n") {
		t.Errorf("inconclusive does not say why:\n%s", got)
	}
}

// TestTerminalQuietWarnings: warnings that fail the run are what the short form
// is for.
func TestTerminalQuietWarnings(t *testing.T) {
	t.Parallel()
	r := readSaved(t, saved+"/warnings.json")
	r.FailOn, r.Verdict = string(checks.Warning), checks.Fail
	got := render(t, Terminal, r, Dest{Quiet: true})
	for _, f := range r.Findings {
		if told := strings.Contains(got, oneLine(f.Message)); told != (f.Severity == checks.Warning) {
			t.Errorf("%s %s is told: %t\n%s", f.Severity, f.Rule, told, got)
		}
	}
}

// TestTerminalASCII: where other characters would be broken, our own signs are
// ASCII, one for one; what the report quotes stays.
func TestTerminalASCII(t *testing.T) {
	t.Parallel()
	signs := strings.NewReplacer("✓ ", "+ ", "✗ ", "x ", "⊘ ", "/ ", "– ", "- ", "· ", "* ", "… ", "... ")
	for _, name := range []string{"pass", "fail", "warnings", "modules", "inconclusive", "many"} {
		r := readSaved(t, saved+"/"+name+".json")
		for _, d := range []Dest{{}, {Verbose: true}, {Color: true}, {Sections: true}} {
			want := strings.Split(signs.Replace(render(t, Terminal, r, d)), "\n")
			d.ASCII = true
			for i, got := range strings.Split(render(t, Terminal, r, d), "\n") {
				if sgr.ReplaceAllString(got, "") != signs.Replace(sgr.ReplaceAllString(want[i], "")) {
					t.Errorf("%s %+v: line %d is %q, want %q", name, d, i+1, got, want[i])
				}
			}
		}
	}
	r := &checks.Report{Verdict: checks.Fail, Results: []checks.Result{{Check: "build", Status: checks.Failed, Reason: "žluť ✓",
		Modules: manyModules(3 * maxModuleLines), Findings: []checks.Finding{{Rule: "a/b", Severity: checks.Error, Message: "· žluť", Fix: checks.Fix{Command: "rm 'a…b'"}}}}}}
	got := render(t, Terminal, r, Dest{ASCII: true})
	for _, want := range []string{"  x build ", "žluť ✓\n", " ... 20 more lines\n", "      · žluť\n", "rm 'a…b'\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}

// manyModules are main modules that all came to different ends.
func manyModules(n int) []checks.ModuleStatus {
	var mods []checks.ModuleStatus
	for i := range n {
		mods = append(mods, checks.ModuleStatus{Dir: fmt.Sprint("m", i), Status: checks.Failed, Reason: fmt.Sprint("why ", i)})
	}
	return mods
}

// TestTerminalJenkins: Jenkins' console obeys notes, which begin with an escape
// sequence (hudson.console.ConsoleNote, PREAMBLE_STR and POSTAMBLE_STR); none of
// them gets through, and a console without colour has no escape at all.
func TestTerminalJenkins(t *testing.T) {
	t.Parallel()
	const preamble, postamble = "\x1b[8mha:", "\x1b[0m"
	note := preamble + "AAAAwx+LCAAAAAAAAP9b85aBtbiIQTGjNKU4P08vOT+vOD8nVc83PyU1x6OyILUoJzMv2y+/JJUBAhiZGBgqihhk0NSjKDWzXb3RdlLBUSYGJk8GtpzUvPSSDB8G5tKinBIGIZ+sxLJE/ZzEvHT94JKizLx0a6BxUmjGOUNodHsLgAzWEgYu/dLi1CL9vNKcHACFIKlWvwAAAA==" + postamble + "text"
	r := &checks.Report{Verdict: checks.Fail, Results: []checks.Result{{Check: note, Status: checks.Failed, Reason: note, Facts: map[string]any{note: note},
		Findings: []checks.Finding{{Rule: note, Severity: checks.Error, Message: note, File: note, Evidence: []string{note}, Fix: checks.Fix{Description: note, Command: note, Patch: note}}}}}}
	for _, d := range []Dest{{}, {Verbose: true}, {Color: true, Verbose: true}, {Quiet: true}} {
		got := render(t, Terminal, r, d)
		if strings.Contains(got, preamble) || !d.Color && strings.Contains(got, "\x1b") {
			t.Errorf("%+v: the console has notes: %q", d, got)
		}
	}
}

// TestTerminalListShown: the list is not repeated.
func TestTerminalListShown(t *testing.T) {
	t.Parallel()
	got := render(t, Terminal, readSaved(t, saved+"/pass.json"), Dest{ListShown: true})
	if want := "\ngopreflight v1.0.0  example.com/greet, go1.26.8 linux/amd64\n\nPASS in 1.9 s\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestTerminalVerdict: the line says how it ended and what else there is to
// know about that.
func TestTerminalVerdict(t *testing.T) {
	t.Parallel()
	broken := []checks.Result{{Findings: []checks.Finding{{Severity: checks.Error}}}}
	for _, tt := range []struct {
		name string
		r    checks.Report
		want string
	}{
		{"pass", checks.Report{Verdict: checks.Pass}, "PASS in 0 ms"},
		{"retry", checks.Report{Verdict: checks.Fail, Retryable: true}, "FAIL in 0 ms; trying again may help"},
		{"nothing to retry", checks.Report{Verdict: checks.Pass, Retryable: true}, "PASS in 0 ms"},
		{"errors that do not fail", checks.Report{Verdict: checks.Pass, FailOn: "never", Results: broken}, "PASS in 0 ms, 1 error; fail-on is never"},
		{"never without errors", checks.Report{Verdict: checks.Pass, FailOn: "never"}, "PASS in 0 ms"},
		{"interrupted", checks.Report{Verdict: checks.Inconclusive, Interrupted: "interrupt"}, "INCONCLUSIVE in 0 ms, interrupted, partial report"},
		{"terminated", checks.Report{Verdict: checks.Fail, Interrupted: "terminated", Results: broken}, "FAIL in 0 ms, terminated, partial report, 1 error"},
	} {
		got, _, _ := strings.Cut(render(t, Terminal, &tt.r, Dest{Quiet: true}), "\n")
		if got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

// TestTerminalWidth: on a terminal, text that can be broken is; commands and
// evidence, which are to be copied, are not.
func TestTerminalWidth(t *testing.T) {
	t.Parallel()
	const width = 72
	for _, name := range []string{"pass", "warnings", "modules", "inconclusive", "interrupted"} {
		got := render(t, Terminal, readSaved(t, saved+"/"+name+".json"), Dest{Width: width})
		for i, line := range strings.Split(got, "\n") {
			if n := utf8.RuneCountInString(line); n > width && i > 0 && !strings.HasPrefix(line, "INCONCLUSIVE") && !strings.Contains(line, "https://") {
				t.Errorf("%s: %d columns: %q", name, n, line)
			}
		}
	}
	long := "go mod edit " + strings.Repeat("-replace=example.com/m=example.com/n@v1.0.0 ", 4) + "go.mod"
	r := &checks.Report{Verdict: checks.Fail, Results: []checks.Result{{Findings: []checks.Finding{{Rule: "a/b", Severity: checks.Error, Fix: checks.Fix{Description: "do it", Command: long}}}}}}
	if got := render(t, Terminal, r, Dest{Width: width}); !strings.Contains(got, "\n              "+long+"\n") {
		t.Errorf("the command is not on a line of its own:\n%s", got)
	}
}

// TestStatusText: the words are clear without the mark.
func TestStatusText(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		res     checks.Result
		blocker string
		want    string
	}{
		{checks.Result{Status: checks.Passed, Reason: "all is well"}, "", "all is well"},
		{checks.Result{Status: checks.Skipped, Reason: "offline"}, "", "skipped: offline"},
		{checks.Result{Status: checks.Skipped}, "", "skipped"},
		{checks.Result{Status: checks.Errored, Reason: "timeout"}, "", "could not find out: timeout"},
		{checks.Result{Status: checks.Blocked, Reason: "blocked by a/b"}, "", "blocked by a/b"},
		{checks.Result{Status: checks.Blocked, Reason: "proxy could not find out"}, "", "blocked: proxy could not find out"},
		{checks.Result{Status: checks.Blocked, Reason: "blocked by proxy"}, "proxy/dns", "blocked by proxy/dns"},
		{checks.Result{Status: checks.Blocked, Modules: []checks.ModuleStatus{{Status: checks.Passed}, {Status: checks.Blocked}}}, "a/b", "blocked in 1 of 2 modules by a/b"},
		{checks.Result{Status: checks.Failed, Findings: []checks.Finding{{Severity: checks.Error}, {Severity: checks.Error}, {Severity: checks.Notice}}}, "", "2 errors, 1 notice"},
		{checks.Result{Status: "odd", Reason: "why"}, "", "odd: why"},
	} {
		if got := statusText(&tt.res, tt.blocker); got != tt.want {
			t.Errorf("%s: %q, want %q", fmt.Sprint(tt.res.Status), got, tt.want)
		}
	}
}
