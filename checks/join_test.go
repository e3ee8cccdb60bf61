package checks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gopreflight/gopreflight/internal/failure"
	"github.com/gopreflight/gopreflight/internal/repo"
	"github.com/gopreflight/gopreflight/internal/shard"
)

var joinDay = time.Date(2026, 11, 20, 6, 0, 0, 0, time.UTC)

// shardOf runs a shard with some of the modules, or the whole with count 1, and
// saves its report and reads it again.
func shardOf(t *testing.T, list []*Check, dirs, own []string, index, count int) *Report {
	t.Helper()
	s := testSession(dirs...)
	s.Now = func() time.Time { return joinDay }
	if count > 1 {
		s.Shard = &ShardModules{Index: index, Count: count}
		for _, m := range s.Modules {
			if slices.Contains(own, m.Dir) {
				s.Shard.Modules = append(s.Shard.Modules, m)
			}
		}
	}
	r := runWith(t, t.Context(), &Runner{Checks: list}, s)
	r.Shard, r.StartedAt = Shard{Index: index, Count: count}, joinDay
	if count > 1 {
		r.Shard.Dirs = own
	}
	for _, m := range s.Modules {
		r.Repository.Modules = append(r.Repository.Modules, RepositoryMod{m.Path, m.Dir})
	}
	data, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	again := new(Report)
	if err := json.Unmarshal(data, again); err != nil {
		t.Fatal(err)
	}
	return again
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	data, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(data), "null", "[]") // the JSON report has no nil list
}

// difference is where two texts part, with some lines around it.
func difference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(g), len(w)) {
		if g[i] != w[i] {
			near := func(lines []string) string { return strings.Join(lines[max(0, i-12):min(len(lines), i+8)], "\n") }
			return "got\n" + near(g) + "\nwant\n" + near(w)
		}
	}
	return fmt.Sprintf("got %d lines, want %d", len(g), len(w))
}

// fates are what may become of one question about one module.
var fates = map[string]func(*Check) (string, []Finding, error){
	"passed":  func(*Check) (string, []Finding, error) { return "well", nil, nil },
	"skipped": func(*Check) (string, []Finding, error) { return "", nil, Skip("not here") },
	"errored": func(*Check) (string, []Finding, error) { return "", nil, errors.New("it broke") },
	"error": func(c *Check) (string, []Finding, error) {
		return "", []Finding{c.Rules[0].Finding("an error")}, nil
	},
	"warning": func(c *Check) (string, []Finding, error) {
		return "", []Finding{c.Rules[1].Finding("a warning"), c.Rules[1].Finding("another")}, nil
	},
	"unknown": func(*Check) (string, []Finding, error) {
		return "", nil, &causeError{command: "go x", output: "nobody knows\nthis"}
	},
	"network": func(*Check) (string, []Finding, error) {
		return "", nil, &causeError{command: "go x", output: "down", causes: []failure.Cause{{Class: "net", Summary: "the network is down", Outside: true}}}
	},
	"module": func(*Check) (string, []Finding, error) {
		return "", nil, &causeError{command: "go x", output: "lost", causes: []failure.Cause{
			{Class: "lost", Summary: "example.com/d is lost", Module: "example.com/d@v1.0.0", Rules: []string{"all/error", "first/error"}},
		}}
	},
}

// fatedChecks are checks that each module has its fate with: one that every shard
// is asked for all modules, and two with Join, which need it. told are the checks'
// fates by name and directory.
func fatedChecks(told map[string]string) []*Check {
	with := func(name string, unanswered Severity, needs ...*Check) *Check {
		c := &Check{Name: name, Stage: StageTidy, Title: name + " is fine", Needs: needs}
		c.Rules = []*Rule{rule(name+"/error", Error, len(needs) == 0), rule(name+"/warning", Warning, false)}
		if unanswered != "" {
			c.Unanswered = rule(name+"/unanswered", unanswered, false)
			c.Rules = append(c.Rules, c.Unanswered)
		}
		c.Run = func(ctx context.Context, s *Session) (Facts, []Finding, error) {
			statuses, findings := s.forEachModule(ctx, func(_ context.Context, m *repo.Module) (string, []Finding, error) {
				reason, found, err := fates[told[name+":"+m.Dir]](c)
				for i := range found {
					found[i].File, found[i].Module = m.Dir+"/go.mod", "example.com/d@v1.0.0"
				}
				return reason, found, err
			})
			return Facts{Summary: answered(statuses), Modules: statuses}, findings, nil
		}
		return c
	}
	all := with("all", Error)
	first, second := with("first", Warning, all), with("second", Error, all)
	for _, c := range []*Check{first, second} {
		c.Join = func(j *Joint) Facts { return Facts{Summary: answered(j.Modules)} }
	}
	first.After = []*Check{second}
	return []*Check{all, first, second}
}

// TestJoinIsOneRun: whatever becomes of the modules, and however they are divided,
// the joined report is that of a single run: findings, their causes and
// fingerprints, statuses, reasons, blocks and root causes.
func TestJoinIsOneRun(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(3, 4))
	var names []string
	for name := range fates {
		names = append(names, name, "passed")
	}
	slices.Sort(names)
	dirs := []string{".", "a", "b", "c/d", "e"}
	for range 300 {
		told := map[string]string{}
		for _, check := range []string{"all", "first", "second"} {
			for _, dir := range dirs {
				told[check+":"+dir] = names[random.IntN(len(names))]
				if check == "all" && random.IntN(3) > 0 {
					told[check+":"+dir] = "passed" // most can be asked on
				}
			}
		}
		list := fatedChecks(told)
		want := asJSON(t, shardOf(t, list, dirs, nil, 1, 1))
		n := 2 + random.IntN(6)
		costs := make([]int64, len(dirs))
		for i := range costs {
			costs[i] = random.Int64N(9)
		}
		var shards []*Report
		for i, items := range shard.Split(costs, n) {
			var own []string
			for _, item := range items {
				own = append(own, dirs[item])
			}
			shards = append(shards, shardOf(t, list, dirs, own, i+1, n))
		}
		random.Shuffle(n, func(i, j int) { shards[i], shards[j] = shards[j], shards[i] })
		before := asJSON(t, shards)
		joined, err := join(shards, list)
		if err != nil {
			t.Fatal(err)
		}
		if got := asJSON(t, joined); got != want {
			t.Fatalf("%d shards of %v:\n%s", n, told, difference(got, want))
		}
		if asJSON(t, shards) != before {
			t.Fatal("the shards were changed")
		}
	}
}

// healthyShards are n shards of n modules with nothing wrong.
func healthyShards(t *testing.T, n int) ([]*Report, []*Check) {
	t.Helper()
	told := map[string]string{}
	var dirs []string
	for i := range n {
		dir := fmt.Sprintf("m%04d", i)
		dirs = append(dirs, dir)
		for _, check := range []string{"all", "first", "second"} {
			told[check+":"+dir] = "passed"
		}
	}
	list := fatedChecks(told)
	var shards []*Report
	for i, dir := range dirs {
		shards = append(shards, shardOf(t, list, dirs, []string{dir}, i+1, n))
	}
	return shards, list
}

// TestJoinRefuses: what is not all of one run is no report, and the error says
// what is wrong with which shard.
func TestJoinRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		make func([]*Report) []*Report
		want string
	}{
		{"none", func([]*Report) []*Report { return nil }, "no report to join"},
		{"one alone", func(s []*Report) []*Report { return s[:1] }, "2 of 3 shards are missing: 2, 3"},
		{"one missing", func(s []*Report) []*Report { return s[:2] }, "shard 3/3 is missing"},
		{"twice", func(s []*Report) []*Report { return append(s, s[1]) }, "shard 2/3 is there twice"},
		{"a whole run", func(s []*Report) []*Report { s[1].Shard = Shard{Index: 1, Count: 1}; return s }, "one of 3 reports is of a whole run"},
		{"two whole runs", func(s []*Report) []*Report {
			s[0].Shard, s[1].Shard = Shard{Index: 1, Count: 1}, Shard{Index: 1, Count: 1}
			return s[:2]
		}, "one of 2 reports is of a whole run"},
		{"of no run", func(s []*Report) []*Report { s[0].Shard = Shard{}; return s }, "is of a whole run"},
		{"below one", func(s []*Report) []*Report { s[2].Shard.Index = 0; return s }, "there is no shard 0/3"},
		{"negative", func(s []*Report) []*Report { s[2].Shard.Index = -1; return s }, "there is no shard -1/3"},
		{"above all", func(s []*Report) []*Report { s[2].Shard.Index = 4; return s }, "there is no shard 4/3"},
		{"a negative count", func(s []*Report) []*Report { s[2].Shard.Count = -3; return s }, "is of a whole run"},
		{"far too many", func(s []*Report) []*Report { s[0].Shard.Count = 1 << 40; return s }, "there is no shard 1/1099511627776"},
		{"another division", func(s []*Report) []*Report { s[2].Shard.Count = 4; return s }, "shard 1/3 and shard 3/4 are not of the same run"},
		{"many missing", func(s []*Report) []*Report { s[0].Shard.Count = shard.Max; return s[:1] }, "999 of 1000 shards are missing: 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, ..."},
		{"two commits", func(s []*Report) []*Report { s[2].Repository.Commit = "def"; return s }, `shard 1/3 and shard 3/3 differ in their commit: "" and "def"`},
		{"two bases", func(s []*Report) []*Report { s[1].Repository.Base = "b"; return s }, "shard 1/3 and shard 2/3 differ in their base"},
		{"two versions", func(s []*Report) []*Report { s[1].Tool.Version = "v9"; return s }, "differ in their version"},
		{"two schemas", func(s []*Report) []*Report { s[1].Schema = "v9"; return s }, "differ in their schema"},
		{"two limits", func(s []*Report) []*Report { s[1].FailOn = "never"; return s }, "differ in their fail-on"},
		{"two scopes", func(s []*Report) []*Report { s[1].Scope = ScopeContainer; return s }, "differ in their scope"},
		{"two repositories", func(s []*Report) []*Report { s[1].Repository.URL = "https://example.com/x"; return s }, "differ in their repository"},
		{"two pull requests", func(s []*Report) []*Report { s[1].CI.PullRequest = 7; return s }, "differ in their pull request"},
		{"trusted and not", func(s []*Report) []*Report { s[1].Untrusted = true; return s }, "differ in their trust"},
		{"other modules", func(s []*Report) []*Report {
			s[1].Repository.Modules = s[1].Repository.Modules[:1]
			return s
		}, "differ in the repository's modules"},
		{"other checks", func(s []*Report) []*Report { s[1].Results = s[1].Results[:1]; return s }, "differ in their checks"},
		{"a check that one left out", func(s []*Report) []*Report { s[1].Results[2].Part.Unselected = true; return s }, "shard 1/3 and shard 2/3 differ in whether second was selected"},
		{"a check of another name", func(s []*Report) []*Report { s[1].Results[0].Check = "x"; return s }, "differ in their checks"},
		{"a module twice", func(s []*Report) []*Report { s[1].Shard.Dirs = s[0].Shard.Dirs; return s }, `shard 1/3 and shard 2/3 both judge "m0000"`},
		{"a module of none", func(s []*Report) []*Report { s[1].Shard.Dirs = nil; return s }, `no shard judges "m0001"`},
		{"an unknown module", func(s []*Report) []*Report { s[1].Shard.Dirs = []string{"../x"}; return s }, `shard 2/3 judges "../x", which is no module`},
		{"no module at all", func(s []*Report) []*Report {
			for _, r := range s {
				r.Shard.Dirs, r.Repository.Modules = nil, nil
			}
			return s
		}, "has no module"},
	} {
		shards, list := healthyShards(t, 3)
		r, err := join(tt.make(shards), list)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, %v, want %q", tt.name, r, err, tt.want)
		}
	}
}

// TestJoinWhole: a report that is no shard is what it was.
func TestJoinWhole(t *testing.T) {
	t.Parallel()
	list := fatedChecks(map[string]string{"all:.": "passed", "first:.": "error", "second:.": "network"})
	r := shardOf(t, list, []string{"."}, nil, 1, 1)
	if got, err := join([]*Report{r}, list); err != nil || got != r {
		t.Errorf("%v, %v", got, err)
	}
}

// TestJoinManyShards: a thousand shards take no time to speak of.
func TestJoinManyShards(t *testing.T) {
	t.Parallel()
	one, list := healthyShards(t, 2)
	template := one[0]
	template.Repository.Modules = nil
	for i := range shard.Max {
		template.Repository.Modules = append(template.Repository.Modules, RepositoryMod{"example.com/m", fmt.Sprint("m", i)})
	}
	var shards []*Report
	for i := range shard.Max {
		r := *template
		dir := fmt.Sprint("m", i)
		r.Shard = Shard{Index: i + 1, Count: shard.Max, Dirs: []string{dir}}
		r.Results = slices.Clone(r.Results)
		for k := range r.Results {
			r.Results[k].Modules = []ModuleStatus{{Dir: dir, Status: Passed, Reason: "well"}}
		}
		shards = append(shards, &r)
	}
	start := time.Now()
	r, err := join(shards, list)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Results[1].Modules) != shard.Max || r.Results[1].Reason != "1,000 modules" || r.Verdict != Pass {
		t.Errorf("%d modules, %q, %s", len(r.Results[1].Modules), r.Results[1].Reason, r.Verdict)
	}
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("it took %s", took)
	}
}

// TestJoinMachines: where the machines do not agree the worst counts, and says
// which shard it is of; times are those of the whole run.
func TestJoinMachines(t *testing.T) {
	t.Parallel()
	shards, list := healthyShards(t, 3)
	list[0].Stage = StageEnv
	bad := rule("all/error", Error, true).Finding("no space left")
	bad.Severity = Error
	findings := []Finding{bad}
	SetFingerprints(findings)
	for i, r := range shards {
		r.Results[0].Stage = StageEnv
		r.StartedAt, r.DurationMs = joinDay.Add(time.Duration(-i)*time.Minute), int64(10*i)
		r.Chain = []Link{{Link: "all", State: Proven, Against: "go.sum", Proven: 3, Total: 3, Unit: "modules"}}
	}
	second := shards[1]
	second.Results[0].Status, second.Results[0].Reason, second.Results[0].Findings = Failed, bad.Message, findings
	second.Results[0].Part.Own = nil
	for k := range second.Results[1:] {
		res := &second.Results[k+1]
		res.Status, res.Reason, res.BlockedBy, res.Modules = Blocked, "blocked by all/error", findings[0].Fingerprint, nil
		res.Part.Own = &ModuleStatus{Status: Blocked, Reason: res.Reason, BlockedBy: res.BlockedBy}
	}
	r, err := join(shards, list)
	if err != nil {
		t.Fatal(err)
	}
	if !r.StartedAt.Equal(joinDay.Add(-2*time.Minute)) || r.DurationMs != 20 {
		t.Errorf("started at %s, took %d ms", r.StartedAt, r.DurationMs)
	}
	all, first := r.Results[0], r.Results[1]
	if all.Status != Failed || all.Reason != "shard 2/3: no space left" || len(all.Findings) != 1 || r.Verdict != Fail {
		t.Errorf("%s: %s %q, %d findings, verdict %s", all.Check, all.Status, all.Reason, len(all.Findings), r.Verdict)
	}
	var statuses []string
	for _, m := range first.Modules {
		statuses = append(statuses, m.Dir+" "+string(m.Status))
	}
	if want := "m0000 passed, m0001 blocked, m0002 passed"; first.Status != Blocked || first.BlockedBy != findings[0].Fingerprint || strings.Join(statuses, ", ") != want {
		t.Errorf("%s: %s by %q, modules %v, want blocked, %s", first.Check, first.Status, first.BlockedBy, statuses, want)
	}
	if len(r.RootCauses) != 1 || fmt.Sprint(r.RootCauses[0].Blocks) != "[first second]" {
		t.Errorf("root causes %+v", r.RootCauses)
	}
}

// TestJoinLinks: the weakest link counts.
func TestJoinLinks(t *testing.T) {
	t.Parallel()
	link := func(state LinkState, why string) *Link {
		return &Link{Link: "modcache", State: state, Unit: "modules", Why: why}
	}
	part := func(i int, l *Link) shardResult {
		return shardResult{shard: &Report{Shard: Shard{Index: i, Count: 3}}, link: l}
	}
	for _, tt := range []struct {
		links []*Link
		state LinkState
		why   string
	}{
		{[]*Link{link(Proven, ""), link(Proven, "")}, Proven, ""},
		{[]*Link{link(Proven, ""), link(Absent, "cold")}, Absent, "shard 2/3: cold"},
		{[]*Link{link(Broken, "1 broken"), link(Unproven, "x")}, Broken, "shard 1/3: 1 broken"},
		{[]*Link{link(Unproven, "x"), link(Unproven, "y")}, Unproven, "x"},
		{[]*Link{nil, link(Consistent, "c"), nil}, Consistent, "c"},
		{[]*Link{link(Consistent, "c"), link(Absent, "")}, Absent, "shard 2/3: absent"},
	} {
		var parts []shardResult
		for i, l := range tt.links {
			parts = append(parts, part(i+1, l))
		}
		if got := worstLink(parts); got == nil || got.State != tt.state || got.Why != tt.why {
			t.Errorf("%+v, want %s %q", got, tt.state, tt.why)
		}
	}
	if got := worstLink([]shardResult{part(1, nil)}); got != nil {
		t.Errorf("of no link: %+v", got)
	}
}

// TestJoinUntrusted: two reports of untrusted runs join, and nothing is proven by
// what they say.
func TestJoinUntrusted(t *testing.T) {
	t.Parallel()
	told := map[string]string{"all:a": "passed", "all:b": "passed", "first:a": "error", "first:b": "warning", "second:a": "passed", "second:b": "skipped"}
	list := fatedChecks(told)
	var shards []*Report
	for i, dir := range []string{"a", "b"} {
		r := shardOf(t, list, []string{"a", "b"}, []string{dir}, i+1, 2)
		r.Chain = append(r.Chain, Link{Link: "build", State: Proven, Unit: "modules"})
		shards = append(shards, Distrust(r, list, testSession().Config, joinDay.Add(time.Hour)))
	}
	r, err := join(shards, list)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, res := range r.Results {
		for _, m := range res.Modules {
			got = append(got, fmt.Sprintf("%s:%s %s", res.Check, m.Dir, m.Status))
		}
	}
	want := "all:a passed, all:b passed, first:a failed, first:b warned, second:a passed, second:b skipped"
	if strings.Join(got, ", ") != want || r.Verdict != Fail || !r.Untrusted || r.Shard.Count != 1 {
		t.Errorf("%v, verdict %s, untrusted %t, shard %v, want %s", got, r.Verdict, r.Untrusted, r.Shard, want)
	}
	for _, l := range r.Chain {
		if l.State != Unproven {
			t.Errorf("%+v is believed", l)
		}
	}
}

// FuzzJoin: reports of any content end in an error or a report, whose results are
// those of the shards, and joining it again changes nothing.
func FuzzJoin(f *testing.F) {
	for _, fate := range []string{"passed", "error", "network", "module", "errored"} {
		list := fatedChecks(map[string]string{"all:a": "passed", "all:b": fate, "first:a": fate, "first:b": "network", "second:a": "module", "second:b": fate})
		var shards []*Report
		for i, dir := range []string{"a", "b"} {
			s := testSession("a", "b")
			s.Shard = &ShardModules{Index: i + 1, Count: 2, Modules: s.Modules[i : i+1]}
			results, links, _ := (&Runner{Checks: list}).Run(context.Background(), s)
			r := &Report{Schema: Schema, Results: results, Shard: Shard{i + 1, 2, []string{dir}}}
			r.Repository.Modules = []RepositoryMod{{"example.com/a", "a"}, {"example.com/b", "b"}}
			Conclude(r, links)
			shards = append(shards, r)
		}
		data, err := json.Marshal(shards)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	list := fatedChecks(map[string]string{})
	f.Fuzz(func(t *testing.T, data []byte) {
		var shards []*Report
		if json.Unmarshal(data, &shards) != nil || slices.Contains(shards, nil) {
			return
		}
		r, err := join(shards, list)
		if err != nil {
			return
		}
		if len(shards) > 1 && (len(r.Results) != len(shards[0].Results) || r.Shard.Count != 1) {
			t.Errorf("%d results, %s", len(r.Results), r.Shard)
		}
		if again, err := join([]*Report{r}, list); err != nil || again != r {
			t.Errorf("joined again: %v", err)
		}
	})
}
