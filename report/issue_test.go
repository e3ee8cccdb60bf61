package report

import (
	"fmt"
	"testing"

	"github.com/gopreflight/gopreflight/checks"
)

// TestIssuePlaces: every issue stands in a file of the repository, its own or
// else the go.mod of what it is about.
func TestIssuePlaces(t *testing.T) {
	t.Parallel()
	mods := []checks.RepositoryMod{{Path: "example.com/tools", Dir: "tools"}, {Path: "example.com/shop", Dir: "."}}
	for _, tt := range []struct {
		name string
		mods []checks.RepositoryMod
		f    checks.Finding
		want string
	}{
		{"file and line", mods, checks.Finding{File: "a/b.go", Line: 3, Column: 7}, "a/b.go:3:7-0 true"},
		{"several lines", mods, checks.Finding{File: "go.mod", Line: 3, EndLine: 5}, "go.mod:3:0-5 true"},
		{"an end before the line", mods, checks.Finding{File: "go.mod", Line: 3, EndLine: 2}, "go.mod:3:0-0 true"},
		{"file without a line", mods, checks.Finding{File: "go.sum", Column: 4, EndLine: 4}, "go.sum:1:0-0 false"},
		{"hidden file", mods, checks.Finding{File: ".gopreflight.yml", Line: 2}, ".gopreflight.yml:2:0-0 true"},
		{"nothing", mods, checks.Finding{}, "go.mod:1:0-0 false"},
		{"module", mods, checks.Finding{Dir: "tools"}, "tools/go.mod:1:0-0 false"},
		{"no module at the root", mods[:1], checks.Finding{}, "tools/go.mod:1:0-0 false"},
		{"no module at all", nil, checks.Finding{}, "go.mod:1:0-0 false"},
		{"absolute", mods, checks.Finding{File: "/etc/passwd", Line: 3}, "go.mod:1:0-0 false"},
		{"outside", mods, checks.Finding{File: "../x.go", Line: 3, Dir: ".."}, "go.mod:1:0-0 false"},
		{"not clean", mods, checks.Finding{File: "./a.go", Line: 3, Dir: "tools"}, "tools/go.mod:1:0-0 false"},
		{"Windows", mods, checks.Finding{File: `a\b.go`, Line: 3}, "go.mod:1:0-0 false"},
		{"the root itself", mods, checks.Finding{File: ".", Line: 3}, "go.mod:1:0-0 false"},
	} {
		r := &checks.Report{Repository: checks.Repository{Modules: tt.mods}, Results: []checks.Result{{Findings: []checks.Finding{tt.f}}}}
		i := issues(r)[0]
		if got := fmt.Sprintf("%s:%d:%d-%d %t", i.file, i.line, i.column, i.endLine, i.placed); got != tt.want {
			t.Errorf("%s: it stands at %s, want %s", tt.name, got, tt.want)
		}
	}
}

// TestIssuesComplete: every finding and every question without an answer is an
// issue, with an identity of its own that does not change.
func TestIssuesComplete(t *testing.T) {
	t.Parallel()
	for name, r := range savedReports(t) {
		errors, warnings, notices := r.Counts()
		want := errors + warnings + notices
		for _, res := range r.Results {
			n := 0
			for _, m := range res.Modules {
				if m.Status == checks.Errored {
					n++
				}
			}
			if res.Status == checks.Errored {
				n = max(n, 1)
			}
			want += n
		}
		list := issues(r)
		if len(list) != want {
			t.Errorf("%s: %d issues, want %d", name, len(list), want)
		}
		seen := map[string]bool{}
		for n, again := range issues(r) {
			i := list[n]
			if seen[i.id] || !identityForm.MatchString(i.id) || i.id != again.id {
				t.Errorf("%s: %q is no identity of its own", name, i.id)
			}
			seen[i.id] = true
			if i.finding != nil && i.id != i.finding.Fingerprint {
				t.Errorf("%s: %s has the identity %s, want its fingerprint %s", name, i.rule, i.id, i.finding.Fingerprint)
			}
			if i.rule == "" || i.summary == "" || i.text == "" || !isRepoFile(i.file) || i.line < 1 {
				t.Errorf("%s: incomplete: %+v", name, i)
			}
		}
	}
}

// TestIdentities: fingerprints that are shared, forged or missing.
func TestIdentities(t *testing.T) {
	t.Parallel()
	const good = "0123456789abcdef0123456789abcdef"
	ids := identities{}
	seen := map[string]bool{}
	for n, fingerprint := range []string{good, good, good, "", "", "../x", "0123456789ABCDEF0123456789ABCDEF"} {
		id := ids.next(fingerprint, "rule", "file")
		if seen[id] || !identityForm.MatchString(id) {
			t.Errorf("%d: %q is no identity of its own", n, id)
		}
		if n == 0 && id != good {
			t.Errorf("a good fingerprint became %q", id)
		}
		seen[id] = true
	}
	// What a question is made of tells it from a finding and from its siblings.
	r := &checks.Report{Verdict: checks.Inconclusive, Results: []checks.Result{{Check: "proxy", Status: checks.Errored, Reason: "timeout",
		Modules: []checks.ModuleStatus{{Dir: ".", Status: checks.Passed}, {Dir: "a", Status: checks.Errored, Reason: "no answer"}, {Dir: "b", Status: checks.Errored}}}}}
	got := issues(r)
	if len(got) != 2 || got[0].id == got[1].id || got[0].file != "a/go.mod" || got[1].file != "b/go.mod" ||
		got[0].summary != "proxy in a: could not find out: no answer" || got[0].severity != checks.Error {
		t.Errorf("questions are %+v", got)
	}
}

func TestIssueOneLine(t *testing.T) {
	t.Parallel()
	r := &checks.Report{Results: []checks.Result{{Check: "env", Status: checks.Errored, Reason: "no go command", Findings: []checks.Finding{
		{Rule: "env/x", Message: "two\nlines", Key: "GOPROXY", Fix: checks.Fix{Description: "mend it", Command: "go env -u GOPROXY\ngo env"}},
		{},
	}}}}
	list := issues(r)
	for n, want := range []string{
		"two lines: GOPROXY (env/x); fix: mend it: go env -u GOPROXY; go env",
		"no message (unknown)",
		"env: could not find out: no go command",
	} {
		if got := list[n].oneLine(); got != want {
			t.Errorf("issue %d is %q, want %q", n, got, want)
		}
	}
}
