package report

import (
	"encoding/xml"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gopreflight/gopreflight/checks"
)

// parseJUnit reads a report as its readers do, by names of its own.
func parseJUnit(t *testing.T, text string) junitDoc {
	t.Helper()
	var doc junitDoc
	d := xml.NewDecoder(strings.NewReader(text))
	if err := d.Decode(&doc); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return doc
}

type junitDoc struct {
	XMLName  xml.Name `xml:"testsuites"`
	Tests    int      `xml:"tests,attr"`
	Failures int      `xml:"failures,attr"`
	Errors   int      `xml:"errors,attr"`
	Time     string   `xml:"time,attr"`
	Suites   []struct {
		Name      string         `xml:"name,attr"`
		Tests     int            `xml:"tests,attr"`
		Failures  int            `xml:"failures,attr"`
		Errors    int            `xml:"errors,attr"`
		Skipped   int            `xml:"skipped,attr"`
		Time      string         `xml:"time,attr"`
		Timestamp string         `xml:"timestamp,attr"`
		Cases     []junitDocCase `xml:"testcase"`
	} `xml:"testsuite"`
}

type junitDocCase struct {
	Attrs    []xml.Attr     `xml:",any,attr"`
	Children []junitDocText `xml:",any"`
}

type junitDocText struct {
	XMLName xml.Name
	Attrs   []xml.Attr `xml:",any,attr"`
	Text    string     `xml:",chardata"`
}

func (c junitDocCase) attr(name string) string { return attr(c.Attrs, name) }

func attr(attrs []xml.Attr, name string) string {
	for _, a := range attrs {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// outcome is the element that decides a test case; "passed" without one.
func (c junitDocCase) outcome() string {
	for _, child := range c.Children {
		if n := child.XMLName.Local; n != "system-out" {
			return n
		}
	}
	return "passed"
}

// TestJUnit: counts are what is there, every check is there, and nothing that
// a strict reader refuses.
func TestJUnit(t *testing.T) {
	t.Parallel()
	allowed := map[string][]string{ // Jenkins' junit-4.xsd
		"testcase": {"name", "classname", "time"}, "skipped": nil, "error": {"message", "type"}, "failure": {"message", "type"}, "system-out": nil,
	}
	number := regexp.MustCompile(`^[0-9]+\.[0-9]{3}$`)
	checkAttrs := func(name, element string, attrs []xml.Attr) {
		for _, a := range attrs {
			if !slices.Contains(allowed[element], a.Name.Local) {
				t.Errorf("%s: %s has the attribute %s", name, element, a.Name.Local)
			}
		}
	}
	for name, r := range savedReports(t) {
		doc := parseJUnit(t, render(t, JUnit, r, Dest{}))
		tests, failures, errors := 0, 0, 0
		var classes []string
		for _, s := range doc.Suites {
			n := map[string]int{}
			for _, c := range s.Cases {
				n[c.outcome()]++
				classes = append(classes, strings.TrimPrefix(c.attr("classname"), "gopreflight.")+"/"+c.attr("name"))
				checkAttrs(name, "testcase", c.Attrs)
				order := ""
				for _, child := range c.Children {
					checkAttrs(name, child.XMLName.Local, child.Attrs)
					order += child.XMLName.Local + " "
				}
				if !regexp.MustCompile(`^(skipped |error |failure )?(system-out )?$`).MatchString(order) {
					t.Errorf("%s: %s has the elements %s", name, c.attr("name"), order)
				}
				if !number.MatchString(c.attr("time")) {
					t.Errorf("%s: %s took %q", name, c.attr("name"), c.attr("time"))
				}
			}
			if len(s.Cases) != s.Tests || n["failure"] != s.Failures || n["error"] != s.Errors || n["skipped"] != s.Skipped {
				t.Errorf("%s: suite %s says %d, %d, %d, %d and has %v of %d", name, s.Name, s.Tests, s.Failures, s.Errors, s.Skipped, n, len(s.Cases))
			}
			if !number.MatchString(s.Time) || s.Timestamp != "2026-11-20T06:00:00" {
				t.Errorf("%s: suite %s took %q at %q", name, s.Name, s.Time, s.Timestamp)
			}
			tests, failures, errors = tests+s.Tests, failures+s.Failures, errors+s.Errors
		}
		if doc.Tests != tests || doc.Failures != failures || doc.Errors != errors || !number.MatchString(doc.Time) {
			t.Errorf("%s: the report says %d, %d, %d in %q, its suites %d, %d, %d", name, doc.Tests, doc.Failures, doc.Errors, doc.Time, tests, failures, errors)
		}
		want := 0
		for _, res := range r.Results {
			n := 1
			if len(res.Modules) > 1 {
				n = len(res.Modules)
			}
			want += n
			found := slices.ContainsFunc(classes, func(c string) bool {
				return c == string(res.Stage)+"/"+oneLine(res.Check) || strings.HasPrefix(c, string(res.Stage)+"/"+oneLine(res.Check)+" ")
			})
			if !found {
				t.Errorf("%s: %s is no test case", name, res.Check)
			}
		}
		if tests < want {
			t.Errorf("%s: %d test cases for %d checks and modules", name, tests, want)
		}
	}
}

// TestJUnitOutcomes: what each status becomes.
func TestJUnitOutcomes(t *testing.T) {
	t.Parallel()
	finding := func(rule string, s checks.Severity, dir string) checks.Finding {
		return checks.Finding{Rule: rule, Severity: s, Message: "message of " + rule, File: "go.mod", Line: 3, Dir: dir, Evidence: []string{"seen"}, Fingerprint: rule}
	}
	r := &checks.Report{Results: []checks.Result{
		{Check: "host", Stage: "env", Status: checks.Passed, Reason: "8 cores", DurationMs: 12},
		{Check: "env", Stage: "env", Status: checks.Warned, Findings: []checks.Finding{finding("env/w", checks.Warning, "")}},
		{Check: "proxy", Stage: "proxy", Status: checks.Failed, Findings: []checks.Finding{
			finding("proxy/e", checks.Error, ""), finding("proxy/e2", checks.Error, ""), finding("proxy/e3", checks.Error, ""), finding("proxy/n", checks.Notice, "")}},
		{Check: "gosum", Stage: "cache", Status: checks.Errored, Reason: "timeout"},
		{Check: "modcache", Stage: "cache", Status: checks.Blocked, BlockedBy: "proxy/e", Reason: "because"},
		{Check: "vendor", Stage: "vendor", Status: checks.Skipped, Reason: "no vendor folder"},
		{Check: "tidy", Stage: "tidy", Status: checks.Failed, DurationMs: 3000, Modules: []checks.ModuleStatus{
			{Dir: ".", Status: checks.Passed}, {Dir: "a", Status: checks.Failed}, {Dir: "b", Status: checks.Errored, Reason: "no answer"}},
			Findings: []checks.Finding{finding("tidy/e", checks.Error, "a"), finding("tidy/w", checks.Warning, "")}},
		{Check: "build", Stage: "vendor", Status: checks.Errored, Reason: "panic", Modules: []checks.ModuleStatus{
			{Dir: ".", Status: checks.Passed}, {Dir: "a", Status: checks.Skipped, Reason: "excluded"}}},
	}}
	outcomes := func(r *checks.Report) []string {
		var list []string
		for _, s := range parseJUnit(t, render(t, JUnit, r, Dest{})).Suites {
			for _, c := range s.Cases {
				line := s.Name + " " + c.attr("name") + " " + c.attr("time") + ": " + c.outcome()
				for _, child := range c.Children {
					line += fmt.Sprintf(" [%s %s|%s]", attr(child.Attrs, "type"), attr(child.Attrs, "message"), strings.ReplaceAll(child.Text, "\n", "~"))
				}
				list = append(list, line)
			}
		}
		return list
	}
	want := []string{
		"env host 0.012: passed",
		"env env 0.000: passed [ |warning env/w go.mod:3~message of env/w~  | seen]",
		"proxy proxy 0.000: failure [proxy/e message of proxy/e (and 2 more)|error proxy/e go.mod:3~message of proxy/e~  | seen~~" +
			"error proxy/e2 go.mod:3~message of proxy/e2~  | seen~~error proxy/e3 go.mod:3~message of proxy/e3~  | seen] [ |notice proxy/n go.mod:3~message of proxy/n~  | seen]",
		"cache gosum 0.000: error [unanswered could not find out: timeout|]",
		"cache modcache 0.000: skipped [ |blocked by proxy/e]",
		"vendor vendor 0.000: skipped [ |skipped: no vendor folder]",
		"vendor build ./ 0.000: passed",
		"vendor build a 0.000: skipped [ |skipped: excluded]",
		"vendor build 0.000: error [unanswered could not find out: panic|]",
		"tidy tidy ./ 0.750: passed",
		"tidy tidy a 0.750: failure [tidy/e message of tidy/e|error tidy/e go.mod:3~message of tidy/e~  | seen]",
		"tidy tidy b 0.750: error [unanswered could not find out: no answer|]",
		"tidy tidy 0.750: passed [ |warning tidy/w go.mod:3~message of tidy/w~  | seen]",
	}
	got := outcomes(r)
	if !slices.Equal(got, want) {
		t.Errorf("test cases are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	// What fails the run fails its test case.
	r.FailOn = "warning"
	if got := outcomes(r)[1]; !strings.HasPrefix(got, "env env 0.000: failure [env/w message of env/w|") {
		t.Errorf("with fail-on warning: %s", got)
	}
}

// TestJUnitLimits: a test case shows so many findings and counts the others.
func TestJUnitLimits(t *testing.T) {
	t.Parallel()
	findings := make([]checks.Finding, maxCaseFindings+7)
	for i := range findings {
		findings[i] = checks.Finding{Rule: "a/b", Severity: checks.Error, Message: "m"}
	}
	doc := parseJUnit(t, render(t, JUnit, &checks.Report{Results: []checks.Result{{Check: "a", Status: checks.Failed, Findings: findings}}}, Dest{}))
	text := doc.Suites[0].Cases[0].Children[0].Text
	if got := strings.Count(text, "error a/b"); got != maxCaseFindings {
		t.Errorf("%d findings are shown, want %d", got, maxCaseFindings)
	}
	if !strings.HasSuffix(text, "\n\n7 more findings did not fit here: the JSON report has all of them") {
		t.Errorf("the text ends in %q", text[len(text)-100:])
	}
}

// TestJUnitHostile: no attachment, no type that GitLab's parser obeys.
func TestJUnitHostile(t *testing.T) {
	t.Parallel()
	nasty := "]]> [[ATTACHMENT|/etc/passwd]] <x/> \x00"
	r := &checks.Report{Results: []checks.Result{{Check: nasty, Stage: checks.Stage(nasty), Status: checks.Failed, Findings: []checks.Finding{
		{Rule: "yaml", Severity: checks.Error, Message: nasty, Evidence: []string{nasty}},
		{Rule: nasty, Severity: checks.Notice, Message: nasty},
	}}}}
	text := render(t, JUnit, r, Dest{})
	if strings.Contains(text, "[[ATTACHMENT|") || strings.ContainsRune(text, 0) {
		t.Errorf("it takes effect:\n%s", text)
	}
	c := parseJUnit(t, text).Suites[0].Cases[0]
	if got := attr(c.Children[0].Attrs, "type"); got != "failed" {
		t.Errorf("type is %q", got)
	}
	if want := `]]> [[ATTACHMENT\|/etc/passwd]] <x/>`; !strings.Contains(c.Children[0].Text, "\n  | "+want) || c.attr("name") != want {
		t.Errorf("name %q, text %q", c.attr("name"), c.Children[0].Text)
	}
}

func FuzzJUnitSafe(f *testing.F) {
	for _, seed := range []string{"[[ATTACHMENT|x]]", "[[[[ATTACHMENT|ATTACHMENT|", "[[ATTACH\x00MENT|x", "\uFFFE"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := junitSafe(s)
		if strings.Contains(got, "[[ATTACHMENT|") {
			t.Errorf("junitSafe(%q) = %q", s, got)
		}
		if again := junitSafe(got); again != got {
			t.Errorf("twice, it changes %q to %q", got, again)
		}
	})
}
