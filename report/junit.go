package report

import (
	"cmp"
	"context"
	"encoding/xml"
	"fmt"
	"strings"

	"github.com/gopreflight/gopreflight/checks"
	"github.com/gopreflight/gopreflight/internal/plain"
)

// JUnit is for what shows test results, GitLab and Jenkins above all: a stage
// is a suite, a check is a test case, and so is each main module of a check
// that judges several. There is no standard; what is written is what Jenkins'
// strict schema (junit-4.xsd) allows, which all readers take.
var JUnit = &Reporter{
	Name: "junit",
	Doc:  "for test results in GitLab and Jenkins: JUnit XML, a test case for each check",
	Write: func(_ context.Context, d Dest, r *checks.Report) error {
		return writeXML(d, "the JUnit report", junit(r))
	},
}

// maxCaseFindings is how many findings the text of a test case shows: it is
// read in a box on a web page.
const maxCaseFindings = 100

type junitReport struct {
	XMLName  xml.Name      `xml:"testsuites"`
	Name     string        `xml:"name,attr"`
	Tests    int           `xml:"tests,attr"`
	Failures int           `xml:"failures,attr"`
	Errors   int           `xml:"errors,attr"`
	Time     string        `xml:"time,attr"`
	Suites   []*junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name      string      `xml:"name,attr"`
	Tests     int         `xml:"tests,attr"`
	Failures  int         `xml:"failures,attr"`
	Errors    int         `xml:"errors,attr"`
	Skipped   int         `xml:"skipped,attr"`
	Time      string      `xml:"time,attr"`
	Timestamp string      `xml:"timestamp,attr,omitempty"`
	Cases     []junitCase `xml:"testcase"`

	seconds float64
}

type junitCase struct {
	Name  string `xml:"name,attr"`
	Class string `xml:"classname,attr"`
	Time  string `xml:"time,attr"`
	// At most one of these three is set. Skipped has no attribute: the schema
	// allows none, and Jenkins and GitLab read its text.
	Skipped *junitText `xml:"skipped"`
	Error   *junitText `xml:"error"`
	Failure *junitText `xml:"failure"`
	// Out is what else was found.
	Out *junitText `xml:"system-out"`
}

type junitText struct {
	Message string `xml:"message,attr,omitempty"`
	Type    string `xml:"type,attr,omitempty"`
	Text    string `xml:",cdata"`
}

func junit(r *checks.Report) junitReport {
	rep := junitReport{Name: "gopreflight"}
	suites := map[checks.Stage]*junitSuite{}
	for i := range r.Results {
		res := &r.Results[i]
		s := suites[res.Stage]
		if s == nil {
			s = &junitSuite{Name: junitLine(cmp.Or(string(res.Stage), "unknown"))}
			if !r.StartedAt.IsZero() {
				s.Timestamp = r.StartedAt.UTC().Format("2006-01-02T15:04:05")
			}
			suites[res.Stage] = s
			rep.Suites = append(rep.Suites, s)
		}
		s.seconds += seconds(res.DurationMs)
		parts := junitParts(r, res)
		for _, p := range parts {
			// Nobody measured the parts of a check: they share its time.
			c := p.testCase(r, seconds(res.DurationMs)/float64(len(parts)))
			c.Class = "gopreflight." + s.Name
			s.add(c)
		}
	}
	total := 0.0
	for _, s := range rep.Suites {
		s.Time = junitTime(s.seconds)
		total += s.seconds
		rep.Tests += s.Tests
		rep.Failures += s.Failures
		rep.Errors += s.Errors
	}
	rep.Time = junitTime(total)
	return rep
}

func (s *junitSuite) add(c junitCase) {
	s.Cases = append(s.Cases, c)
	s.Tests++
	switch {
	case c.Failure != nil:
		s.Failures++
	case c.Error != nil:
		s.Errors++
	case c.Skipped != nil:
		s.Skipped++
	}
}

// junitPart is what becomes a test case: a check, or one main module of it.
type junitPart struct {
	name   string
	status checks.Status
	// why is why it has its status, in words that are clear by themselves.
	why      string
	findings []*checks.Finding
}

// junitParts are a check's main modules when it judges several, and the check
// itself when it does not, or when there is more to it than they say.
func junitParts(r *checks.Report, res *checks.Result) []junitPart {
	whole := junitPart{name: cmp.Or(oneLine(res.Check), "unknown"), status: res.Status, why: statusText(res, blocker(r, res))}
	if len(res.Modules) < 2 {
		for i := range res.Findings {
			whole.findings = append(whole.findings, &res.Findings[i])
		}
		return []junitPart{whole}
	}
	parts := make([]junitPart, len(res.Modules))
	at := map[string]int{}
	worst := 0
	for i, m := range res.Modules {
		one := checks.Result{Status: m.Status, Reason: m.Reason}
		parts[i] = junitPart{name: whole.name + " " + dirName(m.Dir), status: m.Status, why: statusText(&one, "")}
		at[m.Dir] = i
		worst = max(worst, m.Status.Rank())
	}
	for i := range res.Findings {
		f := &res.Findings[i]
		if j, ok := at[f.Dir]; ok {
			parts[j].findings = append(parts[j].findings, f)
		} else {
			whole.findings = append(whole.findings, f)
		}
	}
	if len(whole.findings) == 0 && worst >= res.Status.Rank() {
		return parts
	}
	if worst >= res.Status.Rank() {
		// The modules account for the check's status; what is left is judged by
		// its own findings.
		whole.status, whole.why = statusOf(whole.findings), ""
	}
	return append(parts, whole)
}

// statusOf is what findings alone make of a check.
func statusOf(findings []*checks.Finding) checks.Status {
	status := checks.Passed
	for _, f := range findings {
		switch f.Severity {
		case checks.Error:
			return checks.Failed
		case checks.Warning:
			status = checks.Warned
		}
	}
	return status
}

// testCase is the part as a test case. Failed is what fails the run by its
// status: with fail-on "warning" that is a warning, too.
func (p junitPart) testCase(r *checks.Report, time float64) junitCase {
	c := junitCase{Name: junitLine(p.name), Time: junitTime(time)}
	limit := checks.Error
	if r.FailOn == string(checks.Warning) {
		limit = checks.Warning
	}
	var failing, others []*checks.Finding
	for _, f := range p.findings {
		if f.Severity.Rank() >= limit.Rank() {
			failing = append(failing, f)
		} else {
			others = append(others, f)
		}
	}
	switch p.status {
	case checks.Failed, checks.Warned:
		if p.status == checks.Warned && limit != checks.Warning {
			break
		}
		c.Failure = &junitText{
			Message: junitLine(failureMessage(failing, p.why)), Type: failureType(failing), Text: junitFindings(failing),
		}
	case checks.Errored:
		c.Error = &junitText{Message: junitLine(p.why), Type: "unanswered", Text: junitFindings(failing)}
	case checks.Blocked, checks.Skipped:
		c.Skipped = &junitText{Text: junitLine(p.why)}
		others = p.findings
	case checks.Passed:
	}
	if text := junitFindings(others); text != "" {
		c.Out = &junitText{Text: text}
	}
	return c
}

// failureMessage is one line for a list of failures.
func failureMessage(failing []*checks.Finding, why string) string {
	if len(failing) == 0 {
		return cmp.Or(why, "failed")
	}
	first := oneLine(failing[0].Message)
	if more := len(failing) - 1; more > 0 {
		return first + " (and " + plain.Thousands(more) + " more)"
	}
	return first
}

// failureType is the first finding's rule, if it is well formed: GitLab's
// parser (Rails, Hash.from_xml) refuses a file in which some words are types.
func failureType(failing []*checks.Finding) string {
	if len(failing) == 0 || explainCommand(failing[0].Rule) == "" {
		return "failed"
	}
	return failing[0].Rule
}

// junitFindings tells findings in full, one below the other.
func junitFindings(findings []*checks.Finding) string {
	var b strings.Builder
	for i, f := range findings {
		if i > 0 {
			b.WriteString("\n\n")
		}
		if i == maxCaseFindings {
			b.WriteString(plain.Count(len(findings)-i, "more finding") + " did not fit here: the JSON report has all of them")
			break
		}
		b.WriteString(strings.TrimRight(string(f.Severity)+" "+oneLine(f.Rule)+" "+place(f), " ") + "\n")
		b.WriteString(annotate(f, nil).message)
		for _, l := range plain.Lines(f.Evidence) {
			b.WriteString("\n  | " + l)
		}
		if f.Exception != nil {
			b.WriteString("\nwaived: " + exceptionText(f.Exception))
		}
	}
	return junitSafe(b.String())
}

// junitLine is one line of a JUnit report.
func junitLine(s string) string { return junitSafe(oneLine(s)) }

// junitSafe is text for a JUnit report: fit for XML, and without what GitLab
// and Jenkins take for a file to attach ("[[ATTACHMENT|path]]": GitLab
// documentation, "Unit test reports"; Jenkins' JUnit Attachments plugin).
func junitSafe(s string) string {
	return strings.ReplaceAll(xmlText(s), "[[ATTACHMENT|", `[[ATTACHMENT\|`)
}

// seconds is a duration that a report claims, never negative.
func seconds(ms int64) float64 { return float64(max(ms, 0)) / 1000 }

// junitTime has no exponent: Jenkins' schema refuses one.
func junitTime(s float64) string { return fmt.Sprintf("%.3f", s) }
