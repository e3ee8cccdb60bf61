package report

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gopreflight/gopreflight/checks"
	"github.com/gopreflight/gopreflight/internal/plain"
)

// large is the name of a report with ten thousand findings, which is made here
// and not saved: as a file it would have ten megabytes.
const large = "tenthousand"

// tenThousand is a monorepo after a bad night: one root cause, 1,999
// consequences of it, and 8,000 findings of three more rules and severities.
func tenThousand() *checks.Report {
	modules := checks.Repository{Dir: ".", VCS: "git", URL: "https://github.com/example/mono", Commit: strings.Repeat("4f", 20)}
	for i := range 40 {
		modules.Modules = append(modules.Modules, checks.RepositoryMod{Path: fmt.Sprintf("example.com/mono/m%02d", i), Dir: fmt.Sprintf("m%02d", i)})
	}
	finding := func(i int, rule string, s checks.Severity) checks.Finding {
		dir := fmt.Sprintf("m%02d", i%40)
		return checks.Finding{
			Rule: rule, Severity: s, Message: fmt.Sprintf("example.com/dep%d is not what %s says", i, rule), File: dir + "/go.mod", Line: i + 1, Dir: dir,
			Module: fmt.Sprintf("example.com/dep%d@v1.%d.0", i, i), Evidence: []string{"have h1:AAAA", "want h1:BBBB"}, Fix: checks.Fix{Description: "write it anew", Command: "go -C " + dir + " mod tidy"},
			Fingerprint: fmt.Sprintf("%032x", i),
		}
	}
	var proxy, tidy, policy, build []checks.Finding
	proxy = append(proxy, finding(0, "proxy/dns", checks.Error))
	for i := 1; i < 10_000; i++ {
		switch {
		case i%5 == 0:
			f := finding(i, "build/environment", checks.Error)
			f.CausedBy = proxy[0].Fingerprint
			build = append(build, f)
		case i%5 < 3:
			tidy = append(tidy, finding(i, "tidy/requirement-missing", checks.Error))
		case i%5 == 3:
			tidy = append(tidy, finding(i, "tidy/requirement-unused", checks.Warning))
		default:
			policy = append(policy, finding(i, "policy/replace-local", checks.Notice))
		}
	}
	r := &checks.Report{
		Schema: checks.Schema, Scope: checks.ScopeJob, FailOn: "error", Repository: modules, DurationMs: 61_000,
		CI: checks.CI{Provider: "github", RunURL: "https://github.com/example/mono/actions/runs/1"},
		Results: []checks.Result{
			{Check: "proxy", Stage: checks.StageProxy, Status: checks.Failed, DurationMs: 900, Findings: proxy},
			{Check: "tidy", Stage: checks.StageTidy, Status: checks.Failed, StartMs: 900, DurationMs: 20_000, Findings: tidy},
			{Check: "policy", Stage: checks.StageTidy, Status: checks.Passed, StartMs: 900, DurationMs: 10, Findings: policy},
			{Check: "build", Stage: checks.StageVendor, Status: checks.Failed, StartMs: 20_900, DurationMs: 40_000, Findings: build},
		},
	}
	for i := range 3000 {
		r.ModuleChanges = append(r.ModuleChanges, checks.ModuleChange{Path: fmt.Sprintf("example.com/dep%d", i), New: "v1.0.0", Kind: checks.ChangeAdded, Direct: i < 10, By: []string{"example.com/dep0"}})
	}
	checks.Conclude(r, nil)
	return r
}

// TestTenThousand: the summary and the comment keep to their limits, tell the
// root cause first, give every rule room, and account for every finding and
// every module change.
func TestTenThousand(t *testing.T) {
	t.Parallel()
	r := tenThousand()
	// Findings are counted in the summary of a fold, or one by one.
	fold := regexp.MustCompile(`<details><summary>\S+ <code>([a-z/-]+)</code> (?:([0-9,]+) findings</summary>)?`)
	for name, want := range map[string]struct {
		page           string
		limit, changes int
	}{
		"summary": {markdownText(r, MaxSummary), MaxSummary, maxChanges},
		"comment": {Comment(r, "", maxComment), maxComment, maxCommentChanges},
	} {
		if len(want.page) > want.limit {
			t.Errorf("the %s has %d bytes, more than %d", name, len(want.page), want.limit)
		}
		accounted := map[string]string{}
		for _, m := range fold.FindAllStringSubmatch(want.page, -1) {
			accounted[m[1]] = m[2]
		}
		if got, all := fmt.Sprint(accounted), "map[policy/replace-local:2,000 proxy/dns: tidy/requirement-missing:4,000 tidy/requirement-unused:2,000]"; got != all {
			t.Errorf("the %s has the folds %s, want %s", name, got, all)
		}
		for _, say := range []string{
			"**Root cause:** <code>proxy/dns</code>", "3,000 module changes: 3,000 added</summary>",
			"… " + plain.Count(3000-want.changes, "more module change") + ": the JSON report has all of them",
			"… 1,979 more: the JSON report has all of them", // of 1,999 consequences
		} {
			if !strings.Contains(want.page, say) {
				t.Errorf("the %s does not say %q", name, say)
			}
		}
		if got := strings.Count(want.page, "| added | <code>v1.0.0</code> |"); got != want.changes {
			t.Errorf("the %s lists %d module changes, want %d", name, got, want.changes)
		}
	}
}

// TestLargeGolden: what every format makes of ten thousand findings changes only
// when somebody means it to. What must hold is above and in TestLimits.
func TestLargeGolden(t *testing.T) {
	t.Parallel()
	r := tenThousand()
	var b strings.Builder
	for _, reporter := range append(slices.Clip(All), commentText) {
		got := withoutRules(reporter, render(t, reporter, r, Dest{ReportPath: "gopreflight-report.json"}))
		fmt.Fprintf(&b, "%-12s %9d bytes  %x\n", reporter.Name, len(got), sha256.Sum256([]byte(got)))
	}
	golden := filepath.Join(saved, "golden", large+".sums")
	if *update {
		if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(golden)
	if err != nil || b.String() != string(want) {
		t.Errorf("%s differs (%v); if that is meant: go test ./report -run TestLargeGolden -update\ngot:\n%swant:\n%s", golden, err, b.String(), want)
	}
}
