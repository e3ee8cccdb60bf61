package report

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/gopreflight/gopreflight/checks"
	"github.com/gopreflight/gopreflight/internal/plain"
)

// Findings of the report that is larger than any platform takes.
const (
	manyErrors   = 12_000
	manyWarnings = 10_000
	manyNotices  = 8_000
	manyFindings = manyErrors + manyWarnings + manyNotices
)

// huge is a report with 30,000 findings, each with all that one can have.
func huge() *checks.Report {
	res := checks.Result{Check: "tidy", Stage: checks.StageTidy, Status: checks.Failed}
	for i := range manyFindings {
		severity, rule := checks.Error, "tidy/requirement-unused"
		switch {
		case i%30 >= 22:
			severity, rule = checks.Notice, "tidy/note"
		case i%30 >= 12:
			severity, rule = checks.Warning, "tidy/warning"
		}
		res.Findings = append(res.Findings, checks.Finding{
			Rule: rule, Severity: severity, Message: fmt.Sprintf("example.com/m%d is required and not used", i),
			File: "go.mod", Line: i + 1, Dir: ".", Module: fmt.Sprintf("example.com/m%d@v1.0.%d", i, i),
			Evidence: []string{"go mod why says: (main module does not need it)"},
			Fix:      checks.Fix{Description: "remove the line", Command: fmt.Sprintf("go mod edit -droprequire=example.com/m%d", i)}, Fingerprint: fmt.Sprintf("%032x", i),
		})
	}
	r := &checks.Report{
		Schema: checks.Schema, Scope: checks.ScopeJob, Verdict: checks.Fail, FailOn: "error",
		Repository: checks.Repository{Dir: ".", VCS: "git", Modules: []checks.RepositoryMod{{Path: "example.com/shop", Dir: "."}}},
		Results:    []checks.Result{res},
	}
	checks.Conclude(r, nil)
	return r
}

// TestLimits: 30,000 findings in every format. Each keeps to its platform's
// limits; shown and counted together are all findings, and what is cut points to
// where all are.
func TestLimits(t *testing.T) {
	t.Parallel()
	r := huge()
	// counted is the sum of the numbers that a pattern finds.
	counted := func(t *testing.T, text, pattern string) int {
		t.Helper()
		sum := 0
		for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
			n, err := strconv.Atoi(strings.ReplaceAll(m[1], ",", ""))
			if err != nil {
				t.Fatal(err)
			}
			sum += n
		}
		return sum
	}
	for reporter, judge := range map[*Reporter]func(t *testing.T, text string){
		Terminal: func(t *testing.T, text string) {
			const shown = 3 * maxPerRule
			left := counted(t, text, `… ([0-9,]+) more findings: --verbose shows all`)
			if got := strings.Count(text, "\n      go.mod:"); got != shown || shown+left != manyFindings {
				t.Errorf("%d findings are shown and %d counted", got, left)
			}
		},
		GitHub: func(t *testing.T, text string) {
			log, files, _ := strings.Cut(text, "==> GITHUB_OUTPUT <==\n")
			outputs, summary, _ := strings.Cut(files, "==> GITHUB_STEP_SUMMARY <==\n")
			n := map[checks.Severity]int{}
			more := ""
			for _, c := range logCommands(log) {
				a, ok := issueOf(c)
				if n[a.severity]++; !ok || len(a.message) > maxAnnotation || len(a.title) > maxAnnotationTitle {
					t.Errorf("%+v is no annotation", c)
				}
				if strings.HasPrefix(a.message, "not shown here: ") {
					more = a.message
				}
			}
			if want := "not shown here: 11,990 more errors, 9,990 more warnings, 7,991 more notices; see the job summary"; more != want {
				t.Errorf("the annotations end in %q, want %q", more, want)
			}
			if n[checks.Error] != maxAnnotations || n[checks.Warning] != maxAnnotations || n[checks.Notice] != maxAnnotations {
				t.Errorf("there are %v annotations, want %d of each", n, maxAnnotations)
			}
			if got, err := stepOutputs(outputs); err != nil || got["errors"] != strconv.Itoa(manyErrors) {
				t.Errorf("outputs are %q (%v)", got, err)
			}
			if len(summary) > MaxSummary {
				t.Errorf("the summary has %d bytes", len(summary))
			}
		},
		JSON: func(t *testing.T, text string) {
			again, err := ReadJSON(strings.NewReader(text))
			if err != nil {
				t.Fatal(err)
			}
			if n := len(again.Results[0].Findings); n != manyFindings {
				t.Errorf("%d findings", n)
			}
		},
		SARIF: func(t *testing.T, text string) {
			var log sarifLog
			if err := json.Unmarshal([]byte(text), &log); err != nil {
				t.Fatal(err)
			}
			left := counted(t, text, `"([0-9,]+) more findings did not fit here: the JSON report has all of them"`)
			if got := len(log.Runs[0].Results); got > maxSARIFResults || got+left != manyFindings || log.Runs[0].Results[manyErrors-1].Level != "error" {
				t.Errorf("%d results, %d left out", got, left)
			}
		},
		JUnit: func(t *testing.T, text string) {
			shown := strings.Count(text, "\n"+`    go mod edit -droprequire`)
			left := counted(t, text, `([0-9,]+) more findings did not fit here: the JSON report has all of them`)
			if shown != 2*maxCaseFindings || shown+left != manyFindings {
				t.Errorf("%d findings are shown and %d counted", shown, left)
			}
		},
		CodeQuality: func(t *testing.T, text string) {
			var list []codeQualityIssue
			if err := json.Unmarshal([]byte(text), &list); err != nil || len(list) != manyFindings {
				t.Errorf("%d issues (%v)", len(list), err)
			}
		},
		Checkstyle: func(t *testing.T, text string) {
			if got := strings.Count(text, "<error "); got != manyFindings {
				t.Errorf("%d errors", got)
			}
		},
		Markdown: func(t *testing.T, text string) {
			if len(text) > MaxSummary || !strings.Contains(text, "12,000 errors") {
				t.Errorf("%d bytes, and all errors are counted: %t", len(text), strings.Contains(text, "12,000 errors"))
			}
		},
		Metrics: func(t *testing.T, text string) {
			for _, want := range []string{`severity="error"} 12000`, `severity="warning"} 10000`, `severity="notice"} 8000`} {
				if !strings.Contains(text, want) {
					t.Errorf("no %s", want)
				}
			}
		},
	} {
		t.Run(reporter.Name, func(t *testing.T) {
			t.Parallel()
			judge(t, render(t, reporter, r, Dest{ReportPath: "report.json"}))
		})
	}
}

// TestSARIFZipped: GitHub refuses a file that is too large once compressed;
// findings whose text does not compress are left out and counted, errors last.
func TestSARIFZipped(t *testing.T) {
	t.Parallel()
	const findings, limit = 2000, 500_000
	res := checks.Result{Check: "tidy", Status: checks.Failed}
	random := rand.New(rand.NewPCG(1, 2))
	for i := range findings {
		message := make([]byte, 450)
		for j := range message {
			message[j] = byte(random.UintN(1 << 8))
		}
		severity := checks.Notice
		if i >= findings*3/4 {
			severity = checks.Error
		}
		res.Findings = append(res.Findings, checks.Finding{Rule: "tidy/x", Severity: severity, Message: hex.EncodeToString(message), Fingerprint: fmt.Sprintf("%032x", i)})
	}
	text, err := encodeSARIF(&checks.Report{Verdict: checks.Fail, Results: []checks.Result{res}}, nil, limit)
	if err != nil {
		t.Fatal(err)
	}
	var log sarifLog
	if err := json.Unmarshal([]byte(text), &log); err != nil {
		t.Fatal(err)
	}
	run := log.Runs[0]
	if size := zippedSize(text); size > limit || size < limit*8/10 {
		t.Errorf("%d bytes compressed, with %d results", size, len(run.Results))
	}
	want := plain.Count(findings-len(run.Results), "more finding") + " did not fit here: the JSON report has all of them"
	if notes := run.Invocations[0].Notes; len(notes) != 1 || notes[0].Message.Text != want {
		t.Errorf("notes are %+v, want %q", notes, want)
	}
	for i, result := range run.Results {
		if want := map[bool]string{true: "error", false: "note"}[i < findings/4]; result.Level != want {
			t.Fatalf("result %d is %s, want %s", i, result.Level, want)
		}
	}
}

// TestSARIFRuleLimits: no rule has too many tags, and a forged report cannot
// declare too many rules.
func TestSARIFRuleLimits(t *testing.T) {
	t.Parallel()
	for _, rule := range registered() {
		if n := len(rule.Property.Tags); n > maxSARIFTags {
			t.Errorf("%s has %d tags", rule.ID, n)
		}
	}
	res := checks.Result{Check: "env", Status: checks.Failed}
	for i := range maxSARIFResults {
		res.Findings = append(res.Findings, checks.Finding{Rule: fmt.Sprint("forged/r", i), Severity: checks.Error, Message: "m"})
	}
	rules := registered()
	run := sarif(&checks.Report{Results: []checks.Result{res}}, rules, maxSARIFResults).Runs[0]
	if n := len(run.Tool.Driver.Rules); n != maxSARIFRules {
		t.Errorf("%d rules, want %d", n, maxSARIFRules)
	}
	if got, want := run.Invocations[0].Notes[0].Message.Text, fmt.Sprintf("%d more findings did not fit here: the JSON report has all of them", len(rules)); got != want {
		t.Errorf("the note is %q, want %q", got, want)
	}
}
