package report

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gopreflight/gopreflight/checks"
)

// hostileString is one string of testdata/hostile.
type hostileString struct {
	// name is where it stands: "runner.txt:12".
	name string
	text string
}

// minHostile is how many strings there must be: a corpus that is not read
// proves nothing.
const minHostile = 600

// hostileStrings reads the corpus: a string a line, as Go quotes it, "* N"
// behind one that stands N times in a row.
func hostileStrings(t testing.TB) []hostileString {
	t.Helper()
	files, err := filepath.Glob("testdata/hostile/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	var list []hostileString
	for _, file := range files {
		f, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		scanner := bufio.NewScanner(f)
		for n := 1; scanner.Scan(); n++ {
			line := scanner.Text()
			if line == "" || line[0] == '#' {
				continue
			}
			h := hostileString{name: fmt.Sprintf("%s:%d", filepath.Base(file), n)}
			if h.text, err = parseHostile(line); err != nil {
				t.Fatalf("%s: %v", h.name, err)
			}
			list = append(list, h)
		}
		if err := scanner.Err(); err != nil {
			t.Fatal(err)
		}
	}
	if len(list) < minHostile {
		t.Fatalf("the corpus has %d strings, want at least %d", len(list), minHostile)
	}
	return list
}

func parseHostile(line string) (string, error) {
	quoted, err := strconv.QuotedPrefix(line)
	if err != nil {
		return "", err
	}
	text, err := strconv.Unquote(quoted)
	if err != nil {
		return "", err
	}
	times, ok := strings.CutPrefix(strings.TrimSpace(line[len(quoted):]), "*")
	if !ok {
		return text, nil
	}
	n, err := strconv.Atoi(strings.TrimSpace(times))
	if err != nil {
		return "", err
	}
	return strings.Repeat(text, n), nil
}

// fill puts text into every string below v, two elements into every list and
// one into every map. Words of which a report has a fixed choice (verdict,
// status and the like have types of their own) are left alone.
func fill(v reflect.Value, text string) {
	switch v.Kind() {
	case reflect.String:
		if v.Type() == reflect.TypeFor[string]() || v.Type() == reflect.TypeFor[checks.Stage]() {
			v.SetString(text)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Field(i); f.CanSet() && inReport(v.Type().Field(i)) {
				fill(f, text)
			}
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fill(v.Index(0), text)
		fill(v.Index(1), text)
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(reflect.ValueOf(text), reflect.ValueOf(text))
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), text)
	}
}

// inReport reports whether a field is one of a report's form, and not of the
// process alone.
func inReport(f reflect.StructField) bool { return f.Tag.Get("json") != "-" }

// forgedReport has the text in every field, as only a forged report can: in the
// names of checks and rules, fingerprints and addresses, too. It has a check of
// every status and a link of every state.
func forgedReport(text string) *checks.Report {
	r := new(checks.Report)
	fill(reflect.ValueOf(r).Elem(), text)
	r.Schema, r.Scope, r.Verdict, r.FailOn = checks.Schema, checks.ScopeContainer, checks.Fail, "error"
	r.StartedAt, r.DurationMs, r.Retryable = time.Date(2026, 11, 20, 6, 0, 0, 0, time.UTC), 4800, true
	r.Results = nil
	for i, status := range statuses {
		var res checks.Result
		fill(reflect.ValueOf(&res).Elem(), text)
		res.Status, res.StartMs, res.DurationMs = status, int64(10*i), 40
		res.Modules[0].Status, res.Modules[1].Status = checks.Passed, status
		res.Part.Own.Status, res.Part.Unasked[0].Status, res.Part.Unasked[1].Status = status, status, status
		for _, list := range [][]checks.Finding{res.Part.Unused, res.Part.Unanswered[0].Findings, res.Part.Unanswered[1].Findings} {
			for j := range list {
				list[j].Severity = checks.Notice
			}
		}
		res.Findings = nil
		for j, severity := range severities {
			if i > 0 && j != i%len(severities) { // the first check has one of each, the others one
				continue
			}
			var f checks.Finding
			fill(reflect.ValueOf(&f).Elem(), text)
			f.Severity, f.Line, f.Column, f.EndLine = severity, 3, 2, 3
			res.Findings = append(res.Findings, f)
		}
		r.Results = append(r.Results, res)
	}
	r.Chain = nil
	for _, state := range linkStates {
		var l checks.Link
		fill(reflect.ValueOf(&l).Elem(), text)
		l.State, l.Proven, l.Total = state, 1, 2
		r.Chain = append(r.Chain, l)
	}
	return r
}

// realReport has the text in all fields that a repository, its proxies and
// its compiler control, in the frame that a run makes: known checks and rules, a
// root cause with what it blocks and what follows from it, a commit to which
// places are linked.
func realReport(text, provider string) *checks.Report {
	r := forgedReport(text)
	r.Tool = checks.Tool{Name: "gopreflight", Version: "v1.0.0"}
	r.Repository.VCS, r.Repository.URL = "git", "https://git.example/shop"
	r.Repository.Commit = strings.Repeat("9a8b7c6d5e", 4)
	r.CI = checks.CI{Provider: provider, Event: "pull_request", RunURL: "https://ci.example/run/42", PullRequest: 7, HeadSHA: r.Repository.Commit}
	n := 0
	fingerprint := func() string { n++; return fmt.Sprintf("%032x", n) }
	root := &r.Results[0].Findings[0]
	for i := range r.Results {
		res, c := &r.Results[i], checks.All[i]
		res.Check, res.Stage, res.Title, res.BlockedBy = c.Name, c.Stage, c.Title, ""
		if res.Status == checks.Blocked {
			res.BlockedBy = root.Fingerprint
		}
		for j := range res.Findings {
			f := &res.Findings[j]
			f.Rule, f.Fingerprint, f.CausedBy = c.Rules[0].ID, fingerprint(), ""
			if i == 1 {
				f.CausedBy = root.Fingerprint
			}
		}
	}
	r.RootCauses = []checks.RootCause{{Check: root.CheckName(), Rule: root.Rule, Fingerprint: root.Fingerprint, Blocks: []string{text}}}
	for i := range r.Chain {
		r.Chain[i].Link = checks.Links[i]
	}
	return r
}

// hostileReports are the reports that a string is put into, by kind.
func hostileReports(text string) map[string]*checks.Report {
	provider := []string{"github", "gitlab", "gitea"}[len(text)%3] // which decides how places are linked
	return map[string]*checks.Report{"forged": forgedReport(text), "real": realReport(text, provider)}
}

// TestHostile: no string takes effect, wherever it stands and in whatever
// format (invariant 3), and none is lost.
func TestHostile(t *testing.T) {
	t.Parallel()
	judges := map[*Reporter]func(t *testing.T, found *faults, kind string, r *checks.Report){
		Terminal: judgeTerminal, GitHub: judgeGitHub, JSON: judgeJSON, SARIF: judgeSARIF, JUnit: judgeJUnit,
		CodeQuality: judgeCodeQuality, Checkstyle: judgeCheckstyle, Markdown: judgeMarkdown, Metrics: judgeMetrics,
	}
	corpus := hostileStrings(t)
	for _, reporter := range All {
		judge := judges[reporter]
		if judge == nil {
			t.Errorf("nobody judges %s", reporter.Name)
			continue
		}
		t.Run(reporter.Name, func(t *testing.T) {
			t.Parallel()
			for i := 0; i < len(corpus); i += hostileStep {
				h := corpus[i]
				for kind, r := range hostileReports(h.text) {
					var found faults
					judge(t, &found, kind, r)
					found.tell(t, h, kind)
				}
			}
		})
	}
}

// TestHostileFields: the text stands in every field of a report that holds text,
// also in those that are added to the types one day.
func TestHostileFields(t *testing.T) {
	t.Parallel()
	const text = "hostile"
	words := []string{checks.Schema, string(checks.ScopeContainer), string(checks.Fail), "error"}
	for _, s := range statuses {
		words = append(words, string(s))
	}
	for _, s := range severities {
		words = append(words, string(s))
	}
	for _, s := range linkStates {
		words = append(words, string(s))
	}
	n := 0
	var walk func(path string, v reflect.Value)
	walk = func(path string, v reflect.Value) {
		switch v.Kind() {
		case reflect.String:
			if n++; v.String() != text && !slices.Contains(words, v.String()) {
				t.Errorf("%s is %q", path, v.String())
			}
		case reflect.Struct:
			for i := range v.NumField() {
				if f := v.Type().Field(i); f.IsExported() && inReport(f) && f.Type != reflect.TypeFor[time.Time]() {
					walk(path+"."+f.Name, v.Field(i))
				}
			}
		case reflect.Slice:
			if v.Len() == 0 {
				t.Errorf("%s is empty", path)
			}
			for i := range v.Len() {
				walk(fmt.Sprintf("%s[%d]", path, i), v.Index(i))
			}
		case reflect.Map:
			for _, k := range v.MapKeys() {
				walk(path+" key", k)
				walk(path+" value", v.MapIndex(k))
			}
			if v.Len() == 0 {
				t.Errorf("%s is empty", path)
			}
		case reflect.Interface, reflect.Pointer:
			walk(path, v.Elem())
		case reflect.Int, reflect.Int64, reflect.Bool:
		default:
			t.Errorf("%s: no text is put into a %s", path, v.Kind())
		}
	}
	walk("report", reflect.ValueOf(forgedReport(text)).Elem())
	if n < 200 {
		t.Errorf("the report has %d texts", n)
	}
}
