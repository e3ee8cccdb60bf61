package report

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gopreflight/gopreflight/checks"
)

// told is an outline in short: rank, rule and what follows, group by group.
func told(groups []group) string {
	var parts []string
	for _, g := range groups {
		s := fmt.Sprintf("%d %s", g.rank, g.rule)
		for _, it := range g.items {
			s += " " + it.Fingerprint
			for _, f := range it.follows {
				s += ">" + f.Fingerprint
			}
			if len(it.blocks) > 0 {
				s += "!" + strings.Join(it.blocks, "+")
			}
		}
		parts = append(parts, s)
	}
	return strings.Join(parts, "; ")
}

func TestOutline(t *testing.T) {
	t.Parallel()
	f := func(id, rule string, s checks.Severity, by string) checks.Finding {
		return checks.Finding{Fingerprint: id, Rule: rule, Severity: s, CausedBy: by}
	}
	for _, tt := range []struct {
		name     string
		findings []checks.Finding
		causes   []checks.RootCause
		want     string
	}{
		{"nothing", nil, nil, ""},
		{
			"hard before soft, equals in order",
			[]checks.Finding{f("n", "a/n", checks.Notice, ""), f("w", "a/w", checks.Warning, ""), f("e2", "b/e", checks.Error, ""), f("e1", "a/e", checks.Error, ""), f("e3", "b/e", checks.Error, "")},
			[]checks.RootCause{{Fingerprint: "e1"}, {Fingerprint: "e2"}, {Fingerprint: "e3"}},
			"1 b/e e2 e3; 1 a/e e1; 2 a/w w; 3 a/n n",
		},
		{
			"the only cause is the root cause",
			[]checks.Finding{f("w", "a/w", checks.Warning, ""), f("e", "b/e", checks.Error, "")},
			[]checks.RootCause{{Fingerprint: "e"}},
			"0 b/e e; 2 a/w w",
		},
		{
			"what blocks is told first, in the report's order",
			[]checks.Finding{f("e", "a/e", checks.Error, ""), f("w", "b/w", checks.Warning, ""), f("x", "c/x", checks.Error, "")},
			[]checks.RootCause{{Fingerprint: "x", Blocks: []string{"tidy", "build"}}, {Fingerprint: "w", Blocks: []string{"tidy"}}, {Fingerprint: "e"}},
			"0 c/x x!tidy+build; 0 b/w w!tidy; 1 a/e e",
		},
		{
			"consequences of consequences stand under the root",
			[]checks.Finding{f("c", "a/c", checks.Error, "b"), f("r", "a/r", checks.Error, ""), f("b", "a/b", checks.Error, "r"), f("o", "a/o", checks.Error, "")},
			[]checks.RootCause{{Fingerprint: "r"}, {Fingerprint: "o"}},
			"0 a/r r>c>b; 1 a/o o",
		},
		{
			"a circle, itself, or nobody causes nothing",
			[]checks.Finding{f("a", "a/a", checks.Error, "b"), f("b", "a/b", checks.Error, "a"), f("s", "a/s", checks.Notice, "s"), f("u", "a/u", checks.Notice, "gone"), f("into", "a/i", checks.Notice, "a")},
			nil,
			"1 a/a a; 1 a/b b; 3 a/s s; 3 a/u u; 3 a/i into",
		},
		{
			"a root cause without a finding is no group",
			[]checks.Finding{f("e", "a/e", checks.Error, "")},
			[]checks.RootCause{{Fingerprint: "gone"}, {Fingerprint: "e"}},
			"0 a/e e",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := &checks.Report{RootCauses: tt.causes, Results: []checks.Result{{Findings: tt.findings}}}
			if got := told(outline(r)); got != tt.want {
				t.Errorf("outline = %q, want %q", got, tt.want)
			}
		})
	}
}

// TestOutlineComplete: every finding of every saved report is told once.
func TestOutlineComplete(t *testing.T) {
	t.Parallel()
	for name, r := range savedReports(t) {
		n := map[*checks.Finding]int{}
		size := 0
		for _, g := range outline(r) {
			size += g.size()
			for _, it := range g.items {
				n[it.Finding]++
				for _, f := range it.follows {
					n[f]++
				}
			}
		}
		want := 0
		for _, f := range r.Findings {
			want++
			if n[f] != 1 {
				t.Errorf("%s: %s is told %d times", name, f.Rule, n[f])
			}
		}
		if size != want {
			t.Errorf("%s: groups count %d findings, want %d", name, size, want)
		}
	}
}

func TestTally(t *testing.T) {
	t.Parallel()
	e := checks.Finding{Severity: checks.Error}
	for _, tt := range []struct {
		name    string
		causes  int
		results []checks.Result
		want    string
	}{
		{"clean", 0, []checks.Result{{Status: checks.Passed}}, ""},
		{"one", 1, []checks.Result{{Findings: []checks.Finding{e}}}, "one root cause"},
		{"one of three", 1, []checks.Result{{Findings: []checks.Finding{e, e, e}}}, "one root cause, 3 errors"},
		{"two of three", 2, []checks.Result{{Findings: []checks.Finding{e, e, e}}}, "3 errors from 2 root causes"},
		{"as many", 2, []checks.Result{{Findings: []checks.Finding{e, e}}}, "2 errors"},
		{"all else", 0, []checks.Result{{Status: checks.Errored}, {Findings: []checks.Finding{{Severity: checks.Warning}, {Severity: checks.Notice}}}}, "1 check without an answer, 1 warning, 1 notice"},
	} {
		r := &checks.Report{RootCauses: make([]checks.RootCause, tt.causes), Results: tt.results}
		if got := tally(r); got != tt.want {
			t.Errorf("%s: tally = %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestModulesText(t *testing.T) {
	t.Parallel()
	m := func(dir string, s checks.Status, why string) checks.ModuleStatus {
		return checks.ModuleStatus{Dir: dir, Status: s, Reason: why}
	}
	var many []checks.ModuleStatus
	for i := range 1000 {
		many = append(many, m(fmt.Sprintf("m%d", i), checks.Failed, ""))
	}
	for _, tt := range []struct {
		name    string
		status  checks.Status
		modules []checks.ModuleStatus
		want    []string
	}{
		{"one module", checks.Failed, many[:1], nil},
		{"all the same", checks.Failed, many, nil},
		{"those that passed are left out", checks.Failed, []checks.ModuleStatus{m(".", checks.Failed, ""), m("a", checks.Passed, ""), m("b", checks.Skipped, "offline"), m("c", checks.Failed, "")}, []string{"failed ./, c failed"}},
		{"each end has a line", checks.Failed, []checks.ModuleStatus{m("a", checks.Failed, ""), m("b", checks.Errored, "timeout"), m("c", checks.Blocked, "blocked by x/y")}, []string{"failed a failed", "errored b could not find out: timeout", "blocked c blocked by x/y"}},
		{"many are counted", checks.Failed, append(slices.Clone(many), m("z", checks.Passed, "")), []string{"failed m0, m1, m2, m3, m4, m5, … 994 more modules failed"}},
	} {
		var got []string
		for _, l := range modulesText(&checks.Result{Status: tt.status, Modules: tt.modules}, false) {
			got = append(got, fmt.Sprint(l.status, " ", l.dirs, " ", l.why))
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestExplainCommand(t *testing.T) {
	t.Parallel()
	for rule, want := range map[string]string{
		"proxy/tls-expired": "gopreflight explain proxy/tls-expired",
		"proxy":             "",
		"a/b c":             "",
		"a/$(x)":            "",
		"--help/x":          "",
		"a/b/c":             "",
		"a/":                "",
	} {
		if got := explainCommand(rule); got != want {
			t.Errorf("explainCommand(%q) = %q, want %q", rule, got, want)
		}
	}
}
