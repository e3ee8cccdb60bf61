package checks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gopreflight/gopreflight/internal/config"
	"github.com/gopreflight/gopreflight/internal/failure"
	"github.com/gopreflight/gopreflight/internal/plain"
	"github.com/gopreflight/gopreflight/internal/repo"
)

// fake is a check whose Run is given; its rules are found by the rule IDs.
func fake(name string, needs []*Check, run func(context.Context, *Session) (Facts, []Finding, error), rules ...*Rule) *Check {
	if run == nil {
		run = func(context.Context, *Session) (Facts, []Finding, error) { return Facts{Summary: "fine"}, nil, nil }
	}
	return &Check{Name: name, Stage: StageEnv, Title: name + " is fine", Needs: needs, Rules: rules, Run: run}
}

// reports is a Run that reports one finding of a rule, about some main module.
func reports(r *Rule, dir string) func(context.Context, *Session) (Facts, []Finding, error) {
	return func(context.Context, *Session) (Facts, []Finding, error) {
		f := r.Finding("%s happened", r.ID)
		f.Dir = dir
		return Facts{}, []Finding{f}, nil
	}
}

func testSession(dirs ...string) *Session {
	s := &Session{Config: config.Default(), Now: time.Now}
	for _, d := range dirs {
		s.Modules = append(s.Modules, &repo.Module{Dir: d, Path: "example.com/" + d})
	}
	return s
}

func rule(id string, severity Severity, blocks bool) *Rule {
	return &Rule{ID: id, Severity: severity, Blocks: blocks, Summary: "s", Help: "h"}
}

// runFakes runs checks on a session and returns the concluded report.
func runFakes(t *testing.T, s *Session, list ...*Check) *Report {
	t.Helper()
	return runWith(t, t.Context(), &Runner{Checks: list}, s)
}

func runWith(t *testing.T, ctx context.Context, r *Runner, s *Session) *Report {
	t.Helper()
	if r.Redactor == nil {
		r.Redactor = plain.NewRedactor(nil)
	}
	results, links, changes := r.Run(ctx, s)
	rep := &Report{Schema: Schema, FailOn: "error", Results: results, ModuleChanges: changes}
	Conclude(rep, links)
	if len(results) != len(r.Checks) {
		t.Errorf("%d results for %d checks", len(results), len(r.Checks))
	}
	for i, c := range r.Checks {
		if results[i].Check != c.Name {
			t.Errorf("result %d is %s, want %s", i, results[i].Check, c.Name)
		}
		if results[i].Status == "" || results[i].Reason == "" {
			t.Errorf("%s: status %q, reason %q; both must be said", c.Name, results[i].Status, results[i].Reason)
		}
	}
	return rep
}

// statuses is "name=status" of every result.
func statuses(r *Report) []string {
	var out []string
	for _, res := range r.Results {
		out = append(out, res.Check+"="+string(res.Status))
	}
	return out
}

func TestRunnerStatuses(t *testing.T) {
	t.Parallel()
	blocking, harmless, soft := rule("a/blocking", Error, true), rule("a/harmless", Error, false), rule("a/soft", Warning, false)
	notice := rule("a/note", Notice, false)
	failing := func(context.Context, *Session) (Facts, []Finding, error) {
		return Facts{}, nil, errors.New("no idea")
	}
	tests := []struct {
		name    string
		a       func(context.Context, *Session) (Facts, []Finding, error)
		want    []string // of a, of b that needs a, of c that comes after a
		verdict Verdict
	}{
		{"all pass", nil, []string{"a=passed", "b=passed", "c=passed"}, Pass},
		{"a finding that blocks", reports(blocking, ""), []string{"a=failed", "b=blocked", "c=passed"}, Fail},
		{"a finding that does not block", reports(harmless, ""), []string{"a=failed", "b=passed", "c=passed"}, Fail},
		{"a warning", reports(soft, ""), []string{"a=warned", "b=passed", "c=passed"}, Pass},
		{"a notice", reports(notice, ""), []string{"a=passed", "b=passed", "c=passed"}, Pass},
		{"could not find out", failing, []string{"a=errored", "b=blocked", "c=passed"}, Inconclusive},
		{"does not arise", func(context.Context, *Session) (Facts, []Finding, error) {
			return Facts{}, nil, Skip("no vendor folder")
		},
			[]string{"a=skipped", "b=passed", "c=passed"}, Pass},
		{"a panic", func(context.Context, *Session) (Facts, []Finding, error) { panic("oh no") },
			[]string{"a=errored", "b=blocked", "c=passed"}, Inconclusive},
		{"a finding beside an error", func(ctx context.Context, s *Session) (Facts, []Finding, error) {
			_, f, _ := reports(harmless, "")(ctx, s)
			return Facts{}, f, errors.New("and the rest is unknown")
		}, []string{"a=failed", "b=passed", "c=passed"}, Fail},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := fake("a", nil, tt.a, blocking, harmless, soft, notice)
			b := fake("b", []*Check{a}, nil)
			c := fake("c", nil, nil)
			c.After = []*Check{a}
			r := runFakes(t, testSession("."), a, b, c)
			if got := statuses(r); !slices.Equal(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
			if r.Verdict != tt.verdict {
				t.Errorf("verdict %s, want %s", r.Verdict, tt.verdict)
			}
		})
	}
}

// TestBlockedChain: a chain of blocked checks names the one root cause.
func TestBlockedChain(t *testing.T) {
	t.Parallel()
	blocking := rule("a/blocking", Error, true)
	a := fake("a", nil, reports(blocking, ""), blocking)
	b := fake("b", []*Check{a}, nil)
	c := fake("c", []*Check{b}, nil)
	r := runFakes(t, testSession("."), a, b, c)
	if len(r.RootCauses) != 1 {
		t.Fatalf("root causes %v, want one", r.RootCauses)
	}
	root := r.RootCauses[0]
	if root.Rule != "a/blocking" || !slices.Equal(root.Blocks, []string{"b", "c"}) {
		t.Errorf("root cause %+v, want a/blocking that blocks b and c", root)
	}
}

// TestBlockedModule: a finding about one main module blocks only that one.
func TestBlockedModule(t *testing.T) {
	t.Parallel()
	blocking := rule("a/blocking", Error, true)
	a := fake("a", nil, reports(blocking, "x"), blocking)
	var asked []string
	b := fake("b", []*Check{a}, func(ctx context.Context, s *Session) (Facts, []Finding, error) {
		for _, m := range s.Modules {
			asked = append(asked, m.Dir)
		}
		st, f := s.forEachModule(ctx, func(context.Context, *repo.Module) (string, []Finding, error) { return "ok", nil, nil })
		return Facts{Modules: st}, f, nil
	})
	r := runFakes(t, testSession("x", "y"), a, b)
	if !slices.Equal(asked, []string{"y"}) {
		t.Errorf("b judged %v, want only y", asked)
	}
	got := r.Results[1]
	if got.Status != Blocked || len(got.Modules) != 2 || got.Modules[0].Status != Blocked || got.Modules[1].Status != Passed {
		t.Errorf("b = %+v, want x blocked, y passed", got)
	}
	if root := r.RootCauses[0].Fingerprint; got.BlockedBy != root || got.Modules[0].BlockedBy != root || got.Modules[1].BlockedBy != "" {
		t.Errorf("blocked by %q, its modules %+v, want %q", got.BlockedBy, got.Modules, root)
	}
}

// TestPolicyFindingsDoNotBlock: only rules with Blocks block, however hard the
// policy makes them bite.
func TestSeverityAndExceptions(t *testing.T) {
	t.Parallel()
	r1, r2, r3 := rule("a/one", Error, false), rule("a/two", Warning, false), rule("a/three", Error, false)
	a := fake("a", nil, func(context.Context, *Session) (Facts, []Finding, error) {
		one, two, three := r1.Finding("1"), r2.Finding("2"), r3.Finding("3")
		one.Module = "example.com/dep@v1.0.0"
		return Facts{}, []Finding{one, two, three}, nil
	}, r1, r2, r3)
	s := testSession(".")
	s.Config.Severity = map[string]string{"a/two": "error", "a/three": "off"}
	s.Config.Exceptions = []config.Exception{{Rule: "a/one", Module: "example.com/dep", Reason: "known", Owner: "me"}}
	rep := runFakes(t, s, a, fake("b", []*Check{a}, nil))
	got := rep.Results[0].Findings
	if len(got) != 2 || got[0].Rule != "a/two" || got[0].Severity != Error || got[1].Rule != "a/one" || got[1].Severity != Notice {
		t.Fatalf("findings %+v", got)
	}
	if got[1].Exception == nil || got[1].Exception.Reason != "known" {
		t.Errorf("exception %+v, want its reason", got[1].Exception)
	}
	if rep.Results[1].Status != Passed {
		t.Errorf("b is %s, want passed: nothing blocks", rep.Results[1].Status)
	}
}

// TestAcceptedFindingDoesNotBlock: who accepts a finding wants the rest judged.
func TestAcceptedFindingDoesNotBlock(t *testing.T) {
	t.Parallel()
	blocking := rule("a/blocking", Error, true)
	s := testSession(".")
	s.Config.Exceptions = []config.Exception{{Rule: "a/blocking", Reason: "known"}}
	a := fake("a", nil, reports(blocking, ""), blocking)
	r := runFakes(t, s, a, fake("b", []*Check{a}, nil))
	if got, want := statuses(r), []string{"a=passed", "b=passed"}; !slices.Equal(got, want) || r.Verdict != Pass {
		t.Errorf("got %v (%s), want %v", got, r.Verdict, want)
	}
}

// TestExceptionNotices: an expired exception, and one that matches nothing, are
// said once each; one that serves is not.
func TestExceptionNotices(t *testing.T) {
	t.Parallel()
	r1 := rule("a/one", Error, false)
	a := fake("a", nil, reports(r1, ""), r1)
	p := *policy
	p.Needs, p.Run = nil, func(context.Context, *Session) (Facts, []Finding, error) { return Facts{Summary: "fine"}, nil, nil }
	s := testSession(".")
	s.ConfigFile = config.FileName
	s.Config.Exceptions = []config.Exception{
		{Rule: "a/one", Reason: "serves", Line: 3},
		{Rule: "a/one", Module: "example.com/other", Reason: "nothing", Line: 4},
		{Rule: "a/one", Reason: "over", Until: "2001-01-01", Line: 5},
		{Rule: "never/ran", Reason: "its check did not run", Line: 6},
	}
	runner := &Runner{Checks: []*Check{a, &p}}
	rep := runWith(t, t.Context(), runner, s)
	var got []string
	for _, f := range rep.Results[1].Findings {
		got = append(got, fmt.Sprintf("%s %s", f.Rule, f.Place()))
	}
	want := []string{"policy/exception-unused .gopreflight.yml:4", "policy/exception-expired .gopreflight.yml:5"}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if rep.Verdict != Pass {
		t.Errorf("verdict %s, want pass", rep.Verdict)
	}
}

// TestCleanText: no part of a secret is left where text is cut, and a command
// that would have to be changed is not shown at all.
func TestCleanText(t *testing.T) {
	t.Parallel()
	const secret = "s3cr3t-of-the-job"
	r := &Runner{Redactor: plain.NewRedactor([]string{"JOB_TOKEN=" + secret})}
	cut := strings.Repeat("x", plain.MaxLine-len(secret)/2) + secret
	f := Finding{Message: cut, Evidence: []string{cut, "a " + secret[:5] + "\x00" + secret[5:], strings.Repeat("y\n", 1<<20)}}
	r.cleanText(&f)
	for _, text := range append(f.Evidence, f.Message) {
		if strings.Contains(text, secret[:5]) {
			t.Errorf("part of a secret is left: %.40q...%q", text, text[max(len(text)-20, 0):])
		}
	}
	for command, want := range map[string]string{
		"go mod tidy":                "go mod tidy",
		"(cd 'a  b' && go mod tidy)": "",
		"rm 'a\u202eb'":              "",
		"export X=" + secret:         "",
		"echo " + strings.Repeat("long ", plain.MaxLine): "",
	} {
		f := Finding{Fix: Fix{Command: command}}
		if r.cleanText(&f); f.Fix.Command != want {
			t.Errorf("%.40q: got %.40q, want %q", command, f.Fix.Command, want)
		}
	}
}

// TestCleanPatch: a patch is kept as it is, or not at all.
func TestCleanPatch(t *testing.T) {
	t.Parallel()
	const secret = "s3cr3t-of-the-job"
	r := &Runner{Redactor: plain.NewRedactor([]string{"JOB_TOKEN=" + secret})}
	const fine = "--- a/go.mod\n+++ b/go.mod\n@@ -1,2 +1,2 @@\n \tmodule  m\n-a\n+b\n"
	for patch, want := range map[string]string{
		fine:                                    fine,
		fine + "\r\n":                           "",
		fine + "\x1b[31m":                       "",
		fine + "\u202e":                         "",
		fine + "\xff":                           "",
		fine + "+" + secret + "\n":              "",
		fine + strings.Repeat("+b\n", maxPatch): "",
	} {
		f := Finding{Fix: Fix{Patch: patch}}
		if r.cleanText(&f); f.Fix.Patch != want {
			t.Errorf("%.80q: got %.80q, want %.80q", patch, f.Fix.Patch, want)
		}
	}
}

// TestPolicyFileOfBlocked: what is said of the policy file does not make a check
// pass that was never asked.
func TestPolicyFileOfBlocked(t *testing.T) {
	t.Parallel()
	broken := rule("gomod/syntax", Error, true)
	a := fake("gomod", nil, reports(broken, ""), broken)
	p := *policy
	p.Needs = []*Check{a}
	s := testSession(".")
	for _, note := range []string{"", "no such commit"} {
		s.ConfigNote = note
		rep := runFakes(t, s, a, &p)
		got := rep.Results[1]
		if got.Status != Blocked || got.Reason != "blocked by gomod/syntax" || got.BlockedBy != rep.Results[0].Findings[0].Fingerprint {
			t.Errorf("note %q: got %s (%s) by %q, want blocked", note, got.Status, got.Reason, got.BlockedBy)
		}
		if told := len(got.Findings) == 1 && got.Findings[0].Rule == "policy/config-unread"; told != (note != "") {
			t.Errorf("note %q: findings %+v", note, got.Findings)
		}
	}
}

// TestAttribution: an errored check whose cause another check reported is
// blocked by that finding; a cause that nobody reported becomes its own finding.
func TestAttribution(t *testing.T) {
	t.Parallel()
	known := failure.Cause{Class: "dns", Summary: "no such host", Rules: []string{"proxy/dns"}}
	dns := rule("proxy/dns", Error, true)
	unanswered := rule("tidy/unanswered", Warning, false)
	asks := func(context.Context, *Session) (Facts, []Finding, error) {
		return Facts{}, nil, &causeError{command: "go mod tidy", output: "lookup x: no such host\n", causes: []failure.Cause{known}}
	}
	p := fake("proxy", nil, reports(dns, ""), dns)
	ok := fake("proxy", nil, nil, dns)
	ask := fake("tidy", nil, asks, unanswered)
	ask.Unanswered = unanswered

	r := runFakes(t, testSession("."), p, ask)
	if got, want := statuses(r), []string{"proxy=failed", "tidy=blocked"}; !slices.Equal(got, want) {
		t.Errorf("reported: got %v, want %v", got, want)
	}
	if len(r.Results[1].Findings) != 0 || r.Results[1].BlockedBy != r.RootCauses[0].Fingerprint || len(r.RootCauses) != 1 {
		t.Errorf("reported: tidy = %+v, root causes %v", r.Results[1], r.RootCauses)
	}

	r = runFakes(t, testSession("."), ok, ask)
	if got, want := statuses(r), []string{"proxy=passed", "tidy=errored"}; !slices.Equal(got, want) {
		t.Errorf("unreported: got %v, want %v", got, want)
	}
	if f := r.Results[1].Findings; len(f) != 1 || f[0].Rule != "tidy/unanswered" || f[0].Evidence[0] != "$ go mod tidy" {
		t.Errorf("unreported: findings %+v", f)
	}
	if r.Verdict != Inconclusive {
		t.Errorf("unreported: verdict %s, want inconclusive", r.Verdict)
	}
}

// TestAttributionOutside: what the network or the system says to every module is
// one cause; what is of a module's own files is each module's.
func TestAttributionOutside(t *testing.T) {
	t.Parallel()
	unanswered := rule("build/environment", Error, false)
	soft := rule("tidy/unanswered", Warning, false)
	for _, outside := range []bool{true, false} {
		asks := func(ctx context.Context, s *Session) (Facts, []Finding, error) {
			statuses, _ := s.forEachModule(ctx, func(context.Context, *repo.Module) (string, []Finding, error) {
				return "", nil, &causeError{command: "go build", output: "x", causes: []failure.Cause{{Class: "c", Summary: "x is down", Outside: outside}}}
			})
			return Facts{Modules: statuses}, nil, nil
		}
		build, tidy := fake("build", nil, asks, unanswered), fake("tidy", nil, asks, soft)
		build.Unanswered, tidy.Unanswered = unanswered, soft
		r := runFakes(t, testSession("a", "b", "c"), tidy, build)
		var got []string
		for _, m := range r.Results[1].Modules {
			got = append(got, m.Dir+"="+string(m.Status))
		}
		want, causes := []string{"a=failed", "b=blocked", "c=blocked"}, 1
		if !outside {
			want, causes = []string{"a=failed", "b=failed", "c=failed"}, 3
		}
		if !slices.Equal(got, want) || len(r.RootCauses) != causes {
			t.Errorf("outside %v: got %v, root causes %+v; want %v and %d", outside, got, r.RootCauses, want, causes)
		}
		if r.Results[0].Status != Blocked || len(r.Results[0].Findings) > 0 {
			t.Errorf("outside %v: tidy is %s with %+v, want blocked", outside, r.Results[0].Status, r.Results[0].Findings)
		}
	}
}

func TestTimeoutAndCancellation(t *testing.T) {
	t.Parallel()
	waits := func(ctx context.Context, _ *Session) (Facts, []Finding, error) {
		<-ctx.Done()
		return Facts{}, nil, ctx.Err()
	}
	r := runWith(t, t.Context(), &Runner{Checks: []*Check{fake("slow", nil, waits), fake("b", nil, nil)}, Timeout: 10 * time.Millisecond}, testSession("."))
	if got, want := statuses(r), []string{"slow=errored", "b=passed"}; !slices.Equal(got, want) {
		t.Errorf("timeout: got %v, want %v", got, want)
	}
	if got, want := r.Results[0].Reason, "no answer within 10ms (--timeout)"; got != want {
		t.Errorf("timeout: reason %q, want %q", got, want)
	}

	ctx, cancel := context.WithCancelCause(t.Context())
	started := make(chan bool)
	slow := fake("slow", nil, func(ctx context.Context, s *Session) (Facts, []Finding, error) {
		close(started)
		return waits(ctx, s)
	})
	go func() {
		<-started
		cancel(errors.New("stopped by signal: interrupt"))
	}()
	r = runWith(t, ctx, &Runner{Checks: []*Check{fake("a", nil, nil), slow, fake("next", []*Check{slow}, nil)}}, testSession("."))
	if got := r.Results[1]; got.Status != Errored || got.Reason != "stopped by signal: interrupt" {
		t.Errorf("cancelled: slow is %s (%s)", got.Status, got.Reason)
	}
	if got := r.Results[2]; got.Status != Errored || !strings.HasPrefix(got.Reason, "not started") {
		t.Errorf("cancelled: next is %s (%s)", got.Status, got.Reason)
	}
}

// TestOrder: checks run together where they may, in the order of Needs and
// After, and findings come out in one order.
func TestOrder(t *testing.T) {
	t.Parallel()
	one := rule("a/one", Warning, false)
	var running, most atomic.Int32
	meet := make(chan bool)
	together := func(context.Context, *Session) (Facts, []Finding, error) {
		if n := running.Add(1); n > most.Load() {
			most.Store(n)
		}
		if running.Load() == 2 {
			close(meet)
		}
		select {
		case <-meet:
		case <-time.After(10 * time.Second):
			return Facts{}, nil, errors.New("the other one did not start")
		}
		f1, f2 := one.Finding("x"), one.Finding("y")
		f1.File, f1.Line, f2.File, f2.Line = "b", 2, "a", 9
		return Facts{}, []Finding{f1, f2}, nil
	}
	a, b := fake("a", nil, together, one), fake("b", nil, together, rule("b/one", Error, false))
	b.Run = func(ctx context.Context, s *Session) (Facts, []Finding, error) {
		_, _, err := together(ctx, s)
		return Facts{Summary: "met"}, nil, err
	}
	r := runFakes(t, testSession("."), a, b)
	if most.Load() != 2 {
		t.Errorf("%d ran together, want 2", most.Load())
	}
	if f := r.Results[0].Findings; len(f) != 2 || f[0].File != "a" || f[1].File != "b" {
		t.Errorf("findings in order %+v", f)
	}
}

// TestCleaned: what checks return is plain, without secrets, and the check may
// only report its own rules.
func TestCleaned(t *testing.T) {
	t.Parallel()
	one := rule("a/one", Error, false)
	a := fake("a", nil, func(context.Context, *Session) (Facts, []Finding, error) {
		f := one.Finding("red \x1b[31mhttps://user:hunter22@host/\x1b[0m\n::error::x")
		f.Evidence = []string{"token is s3cr3tvalue", "\tkept indent\x07"}
		return Facts{
			Summary: "s3cr3tvalue",
			Link:    &Link{Link: "gosum", State: Broken, Why: "s3cr3tvalue\x1b[31m"},
			Values:  map[string]any{"a s3cr3tvalue": []any{"https://user:hunter22@host/", map[string]any{"x": "s3cr\x003tvalue\x07"}}, "n": 3},
		}, []Finding{f}, nil
	}, one)
	r := runWith(t, t.Context(), &Runner{Checks: []*Check{a}, Redactor: plain.NewRedactor([]string{"MY_TOKEN=s3cr3tvalue"})}, testSession("."))
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"hunter22", "s3cr3tvalue", `\u001b`, `\u0007`, "\\n::error"} {
		if strings.Contains(string(text), bad) {
			t.Errorf("the report has %q: %s", bad, text)
		}
	}
	if got, want := r.Results[0].Findings[0].Message, "red https://xxxxx@host/ ::error::x"; got != want {
		t.Errorf("message %q, want %q", got, want)
	}

	foreign := fake("b", nil, reports(one, ""))
	r = runFakes(t, testSession("."), foreign)
	if r.Results[0].Status != Errored {
		t.Errorf("a foreign rule: %+v, want errored", r.Results[0])
	}
}

// TestFingerprint: neither wording nor line numbers change it; an equal sibling
// has another one.
func TestFingerprint(t *testing.T) {
	t.Parallel()
	base := Finding{Rule: "a/one", File: "go.mod", Line: 3, Message: "x", Module: "m@v1", Key: "k"}
	moved := base
	moved.Line, moved.Message = 30, "y"
	other := base
	other.Key = "k2"
	list := []Finding{base, other, moved}
	SetFingerprints(list)
	alone := []Finding{moved}
	SetFingerprints(alone)
	if list[0].Fingerprint != alone[0].Fingerprint {
		t.Error("a moved finding has another fingerprint")
	}
	if list[0].Fingerprint == list[1].Fingerprint || list[0].Fingerprint == list[2].Fingerprint {
		t.Error("siblings share a fingerprint")
	}
}

func TestVerdictAndExit(t *testing.T) {
	t.Parallel()
	finding := func(s Severity, transient bool) []Result {
		return []Result{{Check: "a", Status: findingStatus(s), Findings: []Finding{{Rule: "a/x", Severity: s, Transient: transient, Fingerprint: "f"}}}}
	}
	tests := []struct {
		name      string
		failOn    string
		results   []Result
		interrupt string
		verdict   Verdict
		exit      int
		retryable bool
	}{
		{"nothing", "error", nil, "", Pass, 0, false},
		{"error", "error", finding(Error, false), "", Fail, 1, false},
		{"transient error", "error", finding(Error, true), "", Fail, 1, true},
		{"warning", "error", finding(Warning, false), "", Pass, 0, false},
		{"warning fails", "warning", finding(Warning, false), "", Fail, 1, false},
		{"notice never fails", "warning", finding(Notice, false), "", Pass, 0, false},
		{"never", "never", finding(Error, false), "", Pass, 0, false},
		{"errored", "error", []Result{{Check: "a", Status: Errored}}, "", Inconclusive, 3, false},
		{"one module blocked", "error", []Result{{Check: "a", Status: Warned, Modules: []ModuleStatus{{Status: Blocked}}}}, "", Inconclusive, 3, false},
		{"skipped", "error", []Result{{Check: "a", Status: Skipped}}, "", Pass, 0, false},
		{"errored, never", "never", []Result{{Check: "a", Status: Errored}}, "", Pass, 0, false},
		{"interrupted", "error", finding(Error, false), "interrupt", Fail, 130, false},
		{"terminated", "never", nil, "terminated", Pass, 143, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := &Report{FailOn: tt.failOn, Results: tt.results, Interrupted: tt.interrupt}
			Conclude(r, nil)
			if r.Verdict != tt.verdict || r.ExitCode() != tt.exit || r.Retryable != tt.retryable {
				t.Errorf("verdict %s, exit %d, retryable %v; want %s, %d, %v", r.Verdict, r.ExitCode(), r.Retryable, tt.verdict, tt.exit, tt.retryable)
			}
			if len(r.Chain) != len(Links) {
				t.Errorf("chain has %d links, want %d", len(r.Chain), len(Links))
			}
		})
	}
}

// A check may only ask for what has ended: any other answer would depend on the
// scheduling.
func TestResultOfAnotherCheck(t *testing.T) {
	t.Parallel()
	first := fake("first", nil, nil)
	asks := func(_ context.Context, s *Session) (Facts, []Finding, error) {
		return Facts{Summary: string(s.Result(first).Status)}, nil, nil
	}
	after := fake("after", nil, asks)
	after.After = []*Check{first}
	r := runFakes(t, testSession("."), first, fake("needs", []*Check{first}, asks), after, fake("neither", nil, asks))
	for i, want := range []string{"fine", "passed", "passed"} {
		if got := r.Results[i]; got.Status != Passed || got.Reason != want {
			t.Errorf("%s: %s, %q; want passed, %q", got.Check, got.Status, got.Reason, want)
		}
	}
	if got := r.Results[3]; got.Status != Errored || !strings.Contains(got.Reason, "asks for the result of first, which it does not come after") {
		t.Errorf("neither: %s, %q", got.Status, got.Reason)
	}
}
