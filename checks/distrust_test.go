package checks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gopreflight/gopreflight/internal/config"
	"github.com/gopreflight/gopreflight/internal/plain"
	"github.com/gopreflight/gopreflight/internal/repo"
)

var distrustDay = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// saved is a report after it was written and read.
func saved(t *testing.T, r *Report) *Report {
	t.Helper()
	data, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var back Report
	if err := json.Unmarshal(data, &back); err != nil {
		t.Fatal(err)
	}
	return &back
}

// TestDistrustHonest: of an honest report nothing is lost but what is left out
// on purpose.
func TestDistrustHonest(t *testing.T) {
	t.Parallel()
	root, soft, note, later := rule("a/root", Error, true), rule("a/soft", Warning, false), rule("a/note", Notice, false), rule("f/later", Error, false)
	root.Transient = true
	accepted := rule("d/accepted", Error, false)
	a := fake("a", nil, func(context.Context, *Session) (Facts, []Finding, error) {
		var list []Finding
		for _, r := range []*Rule{note, soft, root, soft} {
			f := r.Finding("%s happened", r.ID)
			f.File, f.Line, f.Evidence = "go.mod", len(list)+1, []string{"one", "\ttwo"}
			list = append(list, f)
		}
		return Facts{Link: &Link{Link: "gosum", State: Proven, Against: "go.sum", Proven: 3, Total: 3, Unit: "modules"}}, list, nil
	}, root, soft, note)
	b := fake("b", []*Check{a}, nil)
	c := fake("c", nil, func(context.Context, *Session) (Facts, []Finding, error) { return Facts{}, nil, errors.New("no idea") })
	d := fake("d", nil, reports(accepted, "x"), accepted)
	e := fake("e", nil, func(context.Context, *Session) (Facts, []Finding, error) { return Facts{}, nil, Skip("offline") })
	f := fake("f", nil, func(ctx context.Context, s *Session) (Facts, []Finding, error) {
		statuses, findings := s.forEachModule(ctx, func(_ context.Context, m *repo.Module) (string, []Finding, error) {
			switch m.Dir {
			case "x":
				f := later.Finding("in x")
				f.Dir = m.Dir
				return "", []Finding{f}, nil
			case "y":
				return "", nil, errors.New("no answer for y")
			}
			return "well", nil, nil
		})
		return Facts{Modules: statuses}, findings, nil
	}, later)
	g := fake("g", []*Check{c}, nil)
	g.Needs = append(g.Needs, e)
	s := testSession(".", "x", "y")
	s.Now = func() time.Time { return distrustDay }
	s.Config.Severity = map[string]string{"a/note": config.Warning}
	s.Config.Exceptions = []config.Exception{{Rule: "d/accepted", Reason: "known", Owner: "platform"}}
	list := []*Check{a, b, c, d, e, f, g}
	want := runFakes(t, s, list...)
	want.Results[5].Findings[0].CausedBy = want.Results[0].Findings[0].Fingerprint // as attribute does
	Conclude(want, want.Chain)

	got := Distrust(saved(t, want), list, s.Config, distrustDay)
	if !reflect.DeepEqual(got.RootCauses, want.RootCauses) || got.Verdict != Fail || !got.Retryable || !got.Untrusted {
		t.Errorf("verdict %s, retryable %v, untrusted %v, root causes %+v, want %+v", got.Verdict, got.Retryable, got.Untrusted, got.RootCauses, want.RootCauses)
	}
	for i := range want.Results {
		want.Results[i].Facts = nil
		if len(want.Results[i].Findings) == 0 {
			want.Results[i].Findings = []Finding{}
		}
		g, _ := json.Marshal(got.Results[i])
		w, _ := json.Marshal(want.Results[i])
		if string(g) != string(w) {
			t.Errorf("%s is\n%s, want\n%s", want.Results[i].Check, g, w)
		}
	}
	if l := got.Chain[slices.Index(Links, "gosum")]; l != (Link{Link: "gosum", State: Unproven, Why: "an untrusted run says: proven"}) {
		t.Errorf("the link is %+v", l)
	}
}

// TestDistrustSaved: saved reports whose rules and severities are today's come to
// the same end.
func TestDistrustSaved(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"pass", "fail", "inconclusive"} {
		data, err := os.ReadFile("../testdata/report/" + name + ".json")
		if err != nil {
			t.Fatal(err)
		}
		var r Report
		if err := json.Unmarshal(data, &r); err != nil {
			t.Fatal(err)
		}
		cfg := config.Default()
		for _, f := range r.Findings {
			if e := f.Exception; e != nil {
				cfg.Exceptions = append(cfg.Exceptions, config.Exception{Rule: f.Rule, Reason: e.Reason, Until: e.Until, Owner: e.Owner})
			}
		}
		registry := slices.DeleteFunc(slices.Clone(All), func(c *Check) bool {
			return !slices.ContainsFunc(r.Results, func(res Result) bool { return res.Check == c.Name })
		})
		got := Distrust(&r, registry, cfg, distrustDay)
		rules := func(r *Report) (list []string) {
			for _, c := range r.RootCauses {
				list = append(list, c.Rule)
			}
			return list
		}
		if got.Verdict != r.Verdict || !slices.Equal(statuses(got), statuses(&r)) || !slices.Equal(rules(got), rules(&r)) {
			t.Errorf("%s: %s %v %v, want %s %v %v", name, got.Verdict, statuses(got), rules(got), r.Verdict, statuses(&r), rules(&r))
		}
	}
}

// forgedChecks is a registry of two checks for forged reports.
func forgedChecks() []*Check {
	a := fake("a", nil, nil, rule("a/hard", Error, true), rule("a/soft", Warning, false), rule("a/note", Notice, false))
	b := fake("b", []*Check{a}, nil, rule("b/hard", Error, false))
	return []*Check{a, b}
}

// TestDistrustForged: what a report may claim, and what it then is.
func TestDistrustForged(t *testing.T) {
	t.Parallel()
	finding := func(rule string) Finding {
		return Finding{Rule: rule, Severity: Notice, Message: "m " + rule, Fingerprint: "old " + rule}
	}
	fine := Result{Check: "b", Status: Passed, Reason: "fine"}
	a := func(s Status, findings ...Finding) []Result {
		return []Result{{Check: "a", Status: s, Reason: "claimed", Findings: findings}, fine}
	}
	inDir := func(r Result, modules ...ModuleStatus) []Result {
		r.Check, r.Modules = "a", modules
		return []Result{r, fine}
	}
	for _, tt := range []struct {
		name    string
		results []Result
		want    []string // "check=status: reason"
		verdict Verdict
	}{
		{"a pass with an error in it", a(Passed, finding("a/hard")),
			[]string{"a=failed: m a/hard", "b=passed: fine"}, Fail},
		{"a pass with a warning in it", a(Passed, finding("a/soft"), finding("a/note")),
			[]string{"a=warned: 2 findings, first: m a/soft", "b=passed: fine"}, Pass},
		{"a failure without a finding", a(Failed),
			[]string{"a=errored: said to have failed, but no known finding tells why: claimed", "b=passed: fine"}, Inconclusive},
		{"a failure of an unknown rule", a(Failed, finding("a/new")),
			[]string{"a=errored: 1 finding of unknown rules left out; said to have failed, but no known finding tells why: claimed", "b=passed: fine"}, Inconclusive},
		{"a failure of which a warning is known", a(Failed, finding("a/soft"), finding("a/new")),
			[]string{"a=errored: 1 finding of unknown rules left out; said to have failed, but no known finding tells why: claimed", "b=passed: fine"}, Inconclusive},
		{"a failure of which enough is known", a(Failed, finding("a/hard"), finding("a/new")),
			[]string{"a=failed: 1 finding of unknown rules left out; m a/hard", "b=passed: fine"}, Fail},
		{"a warning of which enough is known", a(Warned, finding("a/soft"), finding("a/new")),
			[]string{"a=warned: 1 finding of unknown rules left out; m a/soft", "b=passed: fine"}, Pass},
		{"an unknown rule in a pass", a(Passed, finding("a/new"), finding("x\n::error::")),
			[]string{"a=passed: 2 findings of unknown rules left out; claimed", "b=passed: fine"}, Pass},
		{"a rule of another check", a(Passed, finding("b/hard")),
			[]string{"a=passed: 1 finding of unknown rules left out; claimed", "b=passed: fine"}, Pass},
		{"skipped, with an error in it", a(Skipped, finding("a/hard")),
			[]string{"a=failed: m a/hard", "b=passed: fine"}, Fail},
		{"skipped", a(Skipped), []string{"a=skipped: claimed", "b=passed: fine"}, Pass},
		{"errored without a word", []Result{{Check: "a", Status: Errored}, fine},
			[]string{"a=errored: no reason is given", "b=passed: fine"}, Inconclusive},
		{"no status", a(""), []string{"a=errored: the report gives it no known status", "b=passed: fine"}, Inconclusive},
		{"a status that is none", a("great"), []string{"a=errored: the report gives it no known status", "b=passed: fine"}, Inconclusive},
		{"a finding without a message", a(Failed, Finding{Rule: "a/hard", Message: "\x1b[0m\u202e"}),
			[]string{"a=failed: s", "b=passed: fine"}, Fail},
		{"missing", []Result{fine}, []string{"a=errored: the report says nothing about it", "b=passed: fine"}, Inconclusive},
		{"empty", nil, []string{"a=errored: the report says nothing about it", "b=errored: the report says nothing about it"}, Inconclusive},
		{"unknown, twice and in another order", slices.Concat([]Result{{Check: "evil", Status: Passed}, fine}, a(Passed), []Result{{Check: "a", Status: Failed}}),
			[]string{"a=passed: claimed", "b=passed: fine"}, Pass},
		{"a reason of many lines", []Result{{Check: "a", Status: Passed, Reason: "one\x1b[31m\n::error::two"}, fine},
			[]string{"a=passed: one", "b=passed: fine"}, Pass},
		{"modules", inDir(Result{Status: Passed}, ModuleStatus{Dir: "x", Status: Failed, Reason: "r"}, ModuleStatus{Dir: "y", Status: Passed}),
			[]string{"a=errored: x: said to have failed, but no known finding tells why: r", "b=passed: fine"}, Inconclusive},
		{"a module's finding", inDir(Result{Status: Passed, Findings: []Finding{{Rule: "a/soft", Message: "m", Dir: "x"}}}, ModuleStatus{Dir: "x", Status: Passed, Reason: "well"}),
			[]string{"a=warned: m", "b=passed: fine"}, Pass},
		{"a module's status", inDir(Result{Status: Passed}, ModuleStatus{Dir: "x", Status: "great"}),
			[]string{"a=errored: the report gives it no known status", "b=passed: fine"}, Inconclusive},
		{"a module twice", inDir(Result{Status: Passed, Reason: "fine"}, ModuleStatus{Dir: "x", Status: Passed}, ModuleStatus{Dir: "x", Status: Errored}),
			[]string{"a=passed: fine", "b=passed: fine"}, Pass},
		{"modules outside", inDir(Result{Status: Passed, Reason: "fine"}, ModuleStatus{Dir: "../x", Status: Errored}, ModuleStatus{Dir: "/x", Status: Errored}, ModuleStatus{Status: Errored}),
			[]string{"a=passed: fine", "b=passed: fine"}, Pass},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := Distrust(&Report{Verdict: Pass, FailOn: "never", Results: tt.results}, forgedChecks(), config.Default(), distrustDay)
			var got []string
			for _, res := range r.Results {
				got = append(got, res.Check+"="+string(res.Status)+": "+res.Reason)
				if res.Title != res.Check+" is fine" || res.Stage != StageEnv {
					t.Errorf("%s: title %q, stage %q", res.Check, res.Title, res.Stage)
				}
			}
			if !slices.Equal(got, tt.want) || r.Verdict != tt.verdict || r.FailOn != "error" {
				t.Errorf("got %q, verdict %s, fail-on %s; want %q, %s", got, r.Verdict, r.FailOn, tt.want, tt.verdict)
			}
		})
	}
}

// TestDistrustPolicy: severities and exceptions are the policy's, not the file's.
func TestDistrustPolicy(t *testing.T) {
	t.Parallel()
	claim := &Report{Results: []Result{
		{Check: "a", Status: Failed, Findings: []Finding{
			{Rule: "a/hard", Severity: Error, Message: "m", Module: "example.com/known@v1.0.0"},
			{Rule: "a/soft", Severity: Off, Message: "m", Exception: &Exception{Reason: "forged"}},
			{Rule: "a/note", Severity: Error, Message: "m"},
		}},
		{Check: "b", Status: Passed, Findings: []Finding{{Rule: "b/hard", Severity: Notice, Message: "m", Transient: true}}},
	}}
	cfg := config.Default()
	cfg.Severity = map[string]string{"a/note": config.Off}
	cfg.Exceptions = []config.Exception{
		{Rule: "a/hard", Module: "example.com/known", Reason: "agreed", Until: "2026-11-20"},
		{Rule: "b/hard", Reason: "was agreed", Until: "2026-11-19"},
	}
	r := Distrust(claim, forgedChecks(), cfg, distrustDay)
	if got, want := statuses(r), []string{"a=warned", "b=failed"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	var got []string
	for _, f := range r.Findings {
		got = append(got, fmt.Sprint(f.Rule, " ", f.Severity, " ", f.Transient, " ", f.Exception != nil && f.Exception.Reason == "agreed"))
	}
	if want := []string{"a/soft warning false false", "a/hard notice false true", "b/hard error false false"}; !slices.Equal(got, want) {
		t.Errorf("findings %q, want %q", got, want)
	}
}

// TestDistrustPlaces: a place is inside the repository, or none.
func TestDistrustPlaces(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		file      string
		line, end int
		want      string
	}{
		{"go.mod", 3, 5, "go.mod 3 2 5"},
		{"a b/[x](y).go", 1, 0, "a b/[x](y).go 1 2 0"},
		{"../../etc/passwd", 3, 3, " 0 0 0"},
		{"a/../../b", 3, 3, " 0 0 0"},
		{".\x00./b", 3, 3, " 0 0 0"},
		{"/etc/passwd", 3, 3, " 0 0 0"},
		{".", 3, 3, " 0 0 0"},
		{"", 3, 3, " 0 0 0"},
		{"go.mod", math.MaxInt, -1, "go.mod 0 2 0"},
		{"https://user:hunter22@host/x", 1, 1, " 0 0 0"},
	} {
		f := Finding{Rule: "a/hard", Message: "m", File: tt.file, Line: tt.line, Column: 2, EndLine: tt.end, Dir: tt.file}
		r := Distrust(&Report{Results: []Result{{Check: "a", Status: Failed, Findings: []Finding{f}}}}, forgedChecks(), config.Default(), distrustDay)
		got := r.Results[0].Findings[0]
		if text := fmt.Sprint(got.File, " ", got.Line, " ", got.Column, " ", got.EndLine); text != tt.want {
			t.Errorf("%q: %q, want %q", tt.file, text, tt.want)
		}
		if got.Dir != "" && !fs.ValidPath(got.Dir) {
			t.Errorf("%q: the directory is %q", tt.file, got.Dir)
		}
	}
}

// TestDistrustLists: what is about no module at all is left out.
func TestDistrustLists(t *testing.T) {
	t.Parallel()
	r := Distrust(&Report{
		Repository: Repository{Modules: []RepositoryMod{{"example.com/m", "."}, {"example.com/up", ".."}, {"\x1b[0m", "x"}}},
		ModuleChanges: []ModuleChange{
			{Path: "example.com/d", New: "v1.0.0", Kind: ChangeAdded, By: []string{"example.com/m\x07"}},
			{Path: "\u202e", New: "v1.0.0", Kind: ChangeAdded}, {Path: "example.com/e", Kind: "stolen"},
		},
	}, forgedChecks(), config.Default(), distrustDay)
	if want := []RepositoryMod{{"example.com/m", "."}}; !slices.Equal(r.Repository.Modules, want) {
		t.Errorf("modules %v, want %v", r.Repository.Modules, want)
	}
	if want := []ModuleChange{{Path: "example.com/d", New: "v1.0.0", Kind: ChangeAdded, By: []string{"example.com/m"}}}; !reflect.DeepEqual(r.ModuleChanges, want) {
		t.Errorf("changes %v, want %v", r.ModuleChanges, want)
	}
}

// TestDistrustRelations: causes and blocks point into the report, and nothing is
// its own cause.
func TestDistrustRelations(t *testing.T) {
	t.Parallel()
	finding := func(key, causedBy string) Finding {
		return Finding{Rule: "a/hard", Message: "m", Key: key, Fingerprint: "old-" + key, CausedBy: causedBy}
	}
	r := Distrust(&Report{Results: []Result{
		{Check: "a", Status: Failed, Findings: []Finding{
			finding("1", "old-2"), finding("2", "old-3"), finding("3", "old-1"), // a circle
			finding("4", "old-4"), // its own
			finding("5", "old-1"), // behind the circle
			finding("6", "elsewhere"), finding("7", ""),
			finding("8", "old-b"), // across checks
			{Rule: "a/hard", Message: "m", Key: "9", CausedBy: ""}, // no fingerprint
		}},
		{Check: "b", Status: Blocked, BlockedBy: "old-5", Findings: []Finding{{Rule: "b/new", Fingerprint: "old-b"}}},
	}}, forgedChecks(), config.Default(), distrustDay)
	by := map[string]string{"": ""}
	for _, f := range r.Findings {
		by[f.Fingerprint] = f.Key
	}
	var got []string
	for _, f := range r.Findings {
		key, ok := by[f.CausedBy]
		if !ok {
			t.Errorf("%s is caused by %q, which is not in the report", f.Key, f.CausedBy)
		}
		got = append(got, f.Key+"<"+key)
	}
	if want := strings.Fields("1<2 2<3 3< 4< 5<1 6< 7< 8< 9<"); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := by[r.Results[1].BlockedBy]; got != "5" || r.Results[1].Status != Blocked {
		t.Errorf("b is %s by %q", r.Results[1].Status, got)
	}
	for _, tt := range []struct{ by, want string }{{"a", "a"}, {"b", ""}, {"c", ""}, {"old-9", ""}, {"", ""}} {
		r := Distrust(&Report{Results: []Result{{Check: "a", Status: Errored}, {Check: "b", Status: Blocked, BlockedBy: tt.by}}},
			forgedChecks(), config.Default(), distrustDay)
		if got := r.Results[1]; got.BlockedBy != tt.want || got.Status != Blocked || r.Verdict != Inconclusive {
			t.Errorf("blocked by %q: %s by %q, verdict %s", tt.by, got.Status, got.BlockedBy, r.Verdict)
		}
	}
}

// TestDistrustLarge: as many findings as can be read, in one chain of causes but
// for half of them, which are transient root causes. The texts are left out: what
// they cost grows with their number and no more.
func TestDistrustLarge(t *testing.T) {
	t.Parallel()
	const n = 100_000
	d := &distrust{Runner: &Runner{Checks: forgedChecks()}, prints: map[string]string{}}
	o := &outcome{Result: Result{Check: "a", Status: Failed}}
	for i := range n {
		f := Finding{Rule: "a/hard", Severity: Error, Transient: true, Fingerprint: fmt.Sprint("new-", i)}
		if i < n/2 {
			f.CausedBy = fmt.Sprint(i + 1)
		}
		o.Findings = append(o.Findings, f)
		d.prints[fmt.Sprint(i)] = f.Fingerprint
	}
	start := time.Now()
	d.relate([]*outcome{o})
	r := &Report{FailOn: "error", Results: []Result{o.Result}}
	Conclude(r, nil)
	if o.Findings[n/2-1].CausedBy != fmt.Sprint("new-", n/2) || len(r.RootCauses) != n/2 || !r.Retryable {
		t.Errorf("%d root causes, retryable %v, the last is caused by %q", len(r.RootCauses), r.Retryable, o.Findings[n/2-1].CausedBy)
	}
	if took := time.Since(start); took > 10*time.Second { // half a second as a rule; something quadratic takes minutes
		t.Errorf("it took %s", took)
	}
}

// decision says what becomes of a field of an untrusted report.
type decision string

const (
	ours    decision = "ours"    // whatever the file says changes nothing
	checked decision = "checked" // one of a few words or numbers, or nothing
	text    decision = "text"    // the run's own word, cleaned
)

// decisions has every field of Report: a new one has to be decided here.
var decisions = map[string]decision{
	"schema": ours, "tool.name": ours, "tool.version": text, "scope": checked, "failOn": ours, "verdict": ours,
	"untrusted": ours, "interrupted": checked, "retryable": ours, "startedAt": checked, "durationMs": checked,
	"rootCauses[].check": ours, "rootCauses[].rule": ours, "rootCauses[].fingerprint": ours, "rootCauses[].blocks[]": ours,
	"repository.dir": ours, "repository.url": ours, "repository.vcs": ours, "repository.commit": ours, "repository.base": ours,
	"repository.modules[].path": text, "repository.modules[].dir": text,
	"ci.provider": ours, "ci.event": ours, "ci.runURL": ours, "ci.pullRequest": ours, "ci.headSHA": ours, "ci.fork": ours, "ci.conclusion": ours,
	"go.version": text, "go.goroot": ours, "go.env{}": ours, "shard.index": checked, "shard.count": checked, "shard.dirs[]": text,
	"chain[].link": checked, "chain[].state": checked, "chain[].against": ours, "chain[].proven": ours,
	"chain[].total": ours, "chain[].unit": ours, "chain[].why": ours,
	"moduleChanges[].path": text, "moduleChanges[].old": text, "moduleChanges[].new": text, "moduleChanges[].kind": checked,
	"moduleChanges[].direct": checked, "moduleChanges[].by[]": text,
	"results[].check": checked, "results[].stage": ours, "results[].title": ours, "results[].status": checked,
	"results[].reason": text, "results[].blockedBy": checked, "results[].startMs": checked, "results[].durationMs": checked,
	"results[].modules[].dir": text, "results[].modules[].status": checked, "results[].modules[].reason": text,
	"results[].modules[].blockedBy": ours, "results[].facts{}": ours,
	"results[].part.unselected": ours, "results[].part.own.dir": ours, "results[].part.own.status": ours, "results[].part.own.reason": ours, "results[].part.own.blockedBy": ours,
	"results[].part.unasked[].dir": ours, "results[].part.unasked[].status": ours, "results[].part.unasked[].reason": ours,
	"results[].part.unasked[].blockedBy": ours, "results[].part.attributed[]": ours,
	"results[].part.unanswered[].dir": ours, "results[].part.unanswered[].reason": ours,
	"results[].part.unanswered[].causes[].class": ours, "results[].part.unanswered[].causes[].summary": ours,
	"results[].part.unanswered[].causes[].module": ours, "results[].part.unanswered[].causes[].outside": ours,
	"results[].part.unanswered[].causes[].rules[]": ours,
	"results[].findings[].rule":                    checked, "results[].findings[].severity": ours, "results[].findings[].message": text,
	"results[].findings[].file": text, "results[].findings[].line": checked, "results[].findings[].column": checked,
	"results[].findings[].endLine": checked, "results[].findings[].dir": text, "results[].findings[].module": text,
	"results[].findings[].key": text, "results[].findings[].evidence[]": text,
	"results[].findings[].fix.description": ours, "results[].findings[].fix.command": ours, "results[].findings[].fix.patch": ours,
	"results[].findings[].transient": ours, "results[].findings[].causedBy": checked,
	"results[].findings[].exception.reason": ours, "results[].findings[].exception.until": ours, "results[].findings[].exception.owner": ours,
	"results[].findings[].fingerprint": checked,
}

// fullReport has a value in every field.
func fullReport() *Report {
	return &Report{
		Schema: Schema, Tool: Tool{"gopreflight", "v1.0.0"}, Scope: ScopeJob, FailOn: "warning", Verdict: Fail, Untrusted: true,
		Interrupted: "terminated", Retryable: true,
		RootCauses: []RootCause{{"a", "a/note", "f", []string{"b"}}},
		Repository: Repository{"x", "https://example.com/x", "git", "c", "b", []RepositoryMod{{"example.com/m", "."}}},
		CI:         CI{"github", "push", "https://example.com/r", 7, "h", true, "failure"},
		Go:         Go{"go1.26.8", "/go", map[string]string{"GOOS": "linux"}}, Shard: Shard{1, 2, []string{"."}},
		StartedAt: distrustDay.Add(-time.Hour), DurationMs: 5,
		Chain:         []Link{{"gosum", Proven, "go.sum", 1, 2, "modules", "w"}},
		ModuleChanges: []ModuleChange{{"example.com/d", "v1.0.0", "v1.1.0", ChangeUpgraded, true, []string{"example.com/m"}}},
		Results: []Result{{
			Check: "a", Stage: StageEnv, Title: "t", Status: Passed, Reason: "fine", BlockedBy: "x", StartMs: 1, DurationMs: 2,
			Modules: []ModuleStatus{{Dir: ".", Status: Passed, Reason: "well", BlockedBy: "f"}}, Facts: map[string]any{"k": "v"},
			Findings: []Finding{{
				"a/note", Error, "m", "go.mod", 1, 2, 3, ".", "example.com/d@v1.0.0", "k", []string{"e"}, Fix{"d", "c", "p", nil, nil}, true, "x",
				&Exception{"r", "2027-01-01", "o"}, "f", false,
			}},
			Part: &Part{
				Unselected: true, Own: &ModuleStatus{Dir: "x", Status: Errored, Reason: "r", BlockedBy: "f"}, Unasked: []ModuleStatus{{Dir: ".", Status: Blocked, Reason: "r", BlockedBy: "f"}}, Attributed: []string{"f"},
				Unanswered: []Unanswered{{".", "r", []UnansweredCause{{"c", "s", "example.com/d", true, []string{"a/note"}}}, nil}},
			},
		}, {Check: "b", Status: Passed, Reason: "fine"}},
	}
}

// TestDistrustDecides changes one field at a time to something that would pass
// for a version, a path and a text, and looks at what comes through.
func TestDistrustDecides(t *testing.T) {
	t.Parallel()
	const mark = "Forged-1.0"
	distrusted := func(r *Report) string {
		data, err := json.Marshal(Distrust(r, forgedChecks(), config.Default(), distrustDay))
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	before := distrusted(fullReport())
	r := fullReport()
	seen := map[string]bool{}
	eachField(reflect.ValueOf(r).Elem(), "", func(path string, v reflect.Value) {
		seen[path] = true
		want, ok := decisions[path]
		if !ok {
			t.Errorf("%s: nobody has decided what of it is to be believed", path)
		}
		if v.IsZero() {
			t.Errorf("%s has no value in fullReport", path)
		}
		old := reflect.New(v.Type()).Elem()
		old.Set(v)
		var forged []any
		switch v.Interface().(type) {
		case time.Time:
			forged = []any{time.Time{}.AddDate(1, 0, 0), time.Time{}, distrustDay.AddDate(4000, 0, 0), time.Unix(1<<40, 0)}
		case map[string]string:
			forged = []any{map[string]string{mark: mark}}
		case map[string]any:
			forged = []any{map[string]any{mark: mark}}
		default:
			switch v.Kind() {
			case reflect.String:
				forged = []any{mark}
			case reflect.Bool:
				forged = []any{!v.Bool()}
			case reflect.Int, reflect.Int64:
				forged = []any{int64(math.MaxInt64), int64(math.MinInt64), int64(-1), int64(1 << 40)}
			default:
				t.Fatalf("%s: no forged value for a %s", path, v.Type())
			}
		}
		for _, f := range forged {
			v.Set(reflect.ValueOf(f).Convert(v.Type()))
			after := distrusted(r)
			switch marked := strings.Contains(after, mark); {
			case want == text && !marked:
				t.Errorf("%s: the text is lost", path)
			case want != text && marked:
				t.Errorf("%s: the forged word comes through: %s", path, after)
			case want == ours && after != before:
				t.Errorf("%s = %v changes the report:\n%s\nwas\n%s", path, f, after, before)
			}
			for _, bad := range []string{"9223372036854775807", "-9223372036854775808", ":-1,", "1099511627776", "5926-", "0002-"} {
				if strings.Contains(after, bad) {
					t.Errorf("%s: %s comes through", path, bad)
				}
			}
		}
		v.Set(old)
	})
	for path := range decisions {
		if !seen[path] {
			t.Errorf("%s is decided, and no field", path)
		}
	}
}

// eachField calls f for every exported field below v that is no struct, by its
// names in JSON; of lists for the first element, of maps for the map.
func eachField(v reflect.Value, path string, f func(string, reflect.Value)) {
	if v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	switch _, isTime := v.Interface().(time.Time); {
	case isTime:
		f(path, v)
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			field := v.Type().Field(i)
			if !field.IsExported() {
				continue
			}
			name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			if name == "-" {
				continue // no saved report holds it
			}
			eachField(v.Field(i), strings.TrimPrefix(path+"."+name, "."), f)
		}
	case v.Kind() == reflect.Slice && v.Type() == reflect.TypeFor[[]Finding]() && strings.HasPrefix(path, "results[].part."):
		// those of a part, which is left out as a whole
	case v.Kind() == reflect.Slice:
		eachField(v.Index(0), path+"[]", f)
	case v.Kind() == reflect.Map:
		f(path+"{}", v)
	default:
		f(path, v)
	}
}

// TestDistrustCleans: the texts that stay are plain, bounded, without secrets.
func TestDistrustCleans(t *testing.T) {
	t.Parallel()
	hostile := "\x1b[31mred\x1b]0;title\x07 https://user:hunter22@host/ \u202e" + strings.Repeat("long ", 1000)
	r := fullReport()
	eachField(reflect.ValueOf(r).Elem(), "", func(path string, v reflect.Value) {
		if decisions[path] == text && !strings.HasSuffix(path, "ersion") {
			v.SetString(hostile)
		}
	})
	r.Results[0].Findings[0].Evidence = slices.Repeat([]string{hostile}, 1000)
	got := Distrust(r, forgedChecks(), config.Default(), distrustDay)
	if n := len(got.Results[0].Findings[0].Evidence); n != plain.MaxLines {
		t.Errorf("%d lines of evidence", n)
	}
	fields := 0
	eachField(reflect.ValueOf(fillEmpty(got)).Elem(), "", func(path string, v reflect.Value) {
		if v.Kind() != reflect.String {
			return
		}
		fields++
		if s := v.String(); plain.Line(s) != s || strings.Contains(s, "hunter22") {
			t.Errorf("%s is %.100q", path, s)
		}
	})
	if fields < 30 {
		t.Errorf("only %d texts were looked at", fields)
	}
}

// fillEmpty gives what Distrust leaves out an element, for eachField.
func fillEmpty(r *Report) *Report {
	r.RootCauses = append(r.RootCauses, RootCause{Blocks: []string{""}})
	r.Repository.Modules = append(r.Repository.Modules, RepositoryMod{})
	r.Results[0].Modules = append(r.Results[0].Modules, ModuleStatus{})
	r.Results[0].Findings[0].Exception = &Exception{}
	r.Results[0].Part, r.Shard.Dirs = fullReport().Results[0].Part, append(r.Shard.Dirs, ".")
	return r
}
