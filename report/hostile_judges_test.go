package report

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/url"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/gopreflight/gopreflight/checks"
)

// faults collects what a format let through.
type faults []string

func (f *faults) addf(format string, args ...any) { *f = append(*f, fmt.Sprintf(format, args...)) }

// tell fails with what was found, each fault once, and the string by its name.
func (f *faults) tell(t *testing.T, h hostileString, kind string) {
	t.Helper()
	slices.Sort(*f)
	for _, fault := range slices.Compact(*f) {
		t.Errorf("%s %.80q in a %s report: %s", h.name, h.text, kind, fault)
	}
}

// unseen are the characters that are not seen, or change how others are, beside
// those that Unicode calls control and format characters.
const unseen = "\u2028\u2029\u034f\u115f\u1160\u3164\uffa0"

// judgeText finds what no text may hold, in a log or in a file: characters that
// are not seen or change how others are, and sections of GitLab's log.
func judgeText(found *faults, what, text string) {
	if !utf8.ValidString(text) {
		found.addf("%s is not UTF-8", what)
	}
	for i, c := range text {
		if c != '\n' && c != '\t' && (unicode.IsControl(c) || unicode.Is(unicode.Cf, c) || strings.ContainsRune(unseen, c)) {
			found.addf("%s has the character %U behind %q", what, c, text[max(0, i-20):i])
			break
		}
	}
	if m := sectionMark.FindString(text); m != "" {
		found.addf("%s has the section %q", what, m)
	}
}

// judgeLog finds what a job log may not hold: characters that are not seen, and
// commands.
func judgeLog(found *faults, what, text string) {
	judgeText(found, what, text)
	for _, c := range logCommands(text) {
		found.addf("%s has the command %q", what, c.name)
	}
}

// judgeShown finds out whether the text of a report is shown as it is, or as
// the format breaks it up: pairs of what and by what. One that a format shortens
// is not looked for.
func judgeShown(found *faults, what, shown string, r *checks.Report, pairs ...string) {
	want := strings.Join(strings.Fields(oneLine(r.Results[0].Findings[0].Message)), " ")
	broken := strings.NewReplacer(pairs...).Replace(want)
	if utf8.RuneCountInString(want) <= maxCell && !strings.Contains(strings.Join(strings.Fields(shown), " "), broken) {
		found.addf("%s does not show it", what)
	}
}

// ownColour are the colours that style paints with.
var ownColour = regexp.MustCompile("\x1b\\[(?:[012]|3[1-6]|1;3[123])m")

func judgeTerminal(t *testing.T, found *faults, _ string, r *checks.Report) {
	for _, d := range []Dest{{Log: true, Verbose: true}, {Log: true, Quiet: true}, {Log: true, Width: 40}} {
		judgeLog(found, fmt.Sprintf("the log (quiet %t, width %d)", d.Quiet, d.Width), render(t, Terminal, r, d))
	}
	color := ownColour.ReplaceAllString(render(t, Terminal, r, Dest{Color: true, Verbose: true}), "")
	judgeText(found, "the terminal", color)
	judgeShown(found, "the terminal", color, r)
	var b bytes.Buffer
	l := NewLive(LiveOptions{Out: &b, Log: true})
	l.Settle(r.Results)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	judgeLog(found, "the live log", b.String())
}

func judgeGitHub(t *testing.T, found *faults, _ string, r *checks.Report) {
	s := newStep(t)
	var b bytes.Buffer
	writeErr := GitHub.Write(t.Context(), Dest{Out: &b, Getenv: s.getenv, Append: s.open, ReportPath: r.Repository.Dir}, r)
	judgeText(found, "the log", b.String())
	commands := logCommands(b.String())
	if lines := strings.Count(b.String(), "\n"); lines != len(commands) || lines == 0 {
		found.addf("the log has %d lines and %d commands", lines, len(commands))
	}
	for _, c := range commands {
		if !slices.Contains([]string{"error", "warning", "notice"}, c.name) {
			found.addf("the log has the command %q", c.name)
		}
		for name := range c.props {
			if !slices.Contains([]string{"title", "file", "line", "endLine", "col"}, name) {
				found.addf("an annotation has the property %q", name)
			}
		}
	}
	if len(commands) > 0 {
		judgeShown(found, "the first annotation", commands[0].data, r, "##[", `##\[`)
	}
	outputs, err := stepOutputs(s.read(t, "GITHUB_OUTPUT"))
	names := slices.Sorted(maps.Keys(outputs))
	want := []string{"errors", "report", "root-cause", "verdict", "warnings"}
	if err != nil || !slices.Equal(names, want) && (writeErr == nil || len(names) > 0) {
		found.addf("the outputs are %q (%v), want %q", names, err, want)
	}
	if v := outputs["verdict"]; v != "" && v != "fail" {
		found.addf("the verdict is %q", v)
	}
	// Which is judged as the format markdown.
	if s.read(t, "GITHUB_STEP_SUMMARY") != markdownText(r, MaxSummary) {
		found.addf("the summary is not the Markdown report")
	}
}

// schemaOf compiles a JSON Schema that may assert formats.
func schemaOf(name string, text []byte) (*jsonschema.Schema, error) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource(name, doc); err != nil {
		return nil, err
	}
	return c.Compile(name)
}

// schemaFile compiles a JSON Schema of testdata once.
func schemaFile(name string) func() (*jsonschema.Schema, error) {
	return sync.OnceValues(func() (*jsonschema.Schema, error) {
		text, err := os.ReadFile("testdata/" + name)
		if err != nil {
			return nil, err
		}
		return schemaOf(name, text)
	})
}

var (
	sarifSchemaFile       = schemaFile("sarif-2.1.0.json")
	codeQualitySchemaFile = schemaFile("codequality.schema.json")
	reportSchemaMade      = sync.OnceValues(func() (*jsonschema.Schema, error) {
		text, err := Schema()
		if err != nil {
			return nil, err
		}
		return schemaOf("report.json", text)
	})
)

// judgeSchema finds what a schema refuses.
func judgeSchema(t *testing.T, found *faults, text string, schema func() (*jsonschema.Schema, error)) {
	t.Helper()
	s, err := schema()
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		found.addf("it is no JSON: %v", err)
	} else if err := s.Validate(doc); err != nil {
		found.addf("the schema refuses it: %v", err)
	}
}

func judgeJSON(t *testing.T, found *faults, _ string, r *checks.Report) {
	for i := range r.Results { // stages are words of a fixed choice, too, but nobody is hurt by another
		r.Results[i].Stage = checks.StageEnv
	}
	text := render(t, JSON, r, Dest{Log: true})
	judgeLog(found, "the log", text)
	judgeSchema(t, found, text, reportSchemaMade)
	again, err := ReadJSON(strings.NewReader(text))
	if err != nil {
		found.addf("it is not read back: %v", err)
		return
	}
	// JSON has no way to say what is not UTF-8.
	if utf8.ValidString(r.Go.GOROOT) && !reflect.DeepEqual(again, r) {
		found.addf("it is read back as another report")
	}
}

func judgeSARIF(t *testing.T, found *faults, _ string, r *checks.Report) {
	// The registry's rules are the same in every report, and judged elsewhere.
	var b bytes.Buffer
	if err := writeJSON(Dest{Out: &b, Log: true}, "SARIF", sarif(r, nil, maxSARIFResults)); err != nil {
		t.Fatal(err)
	}
	judgeLog(found, "the log", b.String())
	judgeSchema(t, found, b.String(), sarifSchemaFile)
	var log sarifLog
	if err := json.Unmarshal(b.Bytes(), &log); err != nil {
		found.addf("it is not read back: %v", err)
		return
	}
	results := log.Runs[0].Results
	if errors, warnings, notices := r.Counts(); len(results) != errors+warnings+notices {
		found.addf("it has %d results", len(results))
		return
	}
	for _, res := range results {
		uri := res.Locations[0].Physical.Artifact.URI
		u, err := url.Parse(uri)
		if err != nil || u.IsAbs() || u.Host != "" || u.RawQuery != "" || u.Fragment != "" || !isRepoFile(u.Path) {
			found.addf("%q is no address of a file in the repository (%v)", uri, err)
		}
		if strings.Contains(res.Message.Text, "](") {
			found.addf("the message has a link: %q", res.Message.Text)
		}
	}
	judgeShown(found, "the first message", results[0].Message.Text, r, "](", "] (")
}

// judgeXML reads a document strictly and finds what is not of its format: an
// element or an attribute of an unknown name, a declaration, an instruction, a
// comment. It returns how many elements of each name there are, and all text.
func judgeXML(found *faults, text string, attributes map[string]string) (map[string]int, string) {
	n := map[string]int{}
	var shown strings.Builder
	d := xml.NewDecoder(strings.NewReader(text))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return n, shown.String()
		}
		if err != nil {
			found.addf("it cannot be read: %v", err)
			return n, shown.String()
		}
		switch e := token.(type) {
		case xml.StartElement:
			n[e.Name.Local]++
			names, ok := attributes[e.Name.Local]
			if !ok || e.Name.Space != "" {
				found.addf("it has an element %q", e.Name)
			}
			for _, a := range e.Attr {
				if !slices.Contains(strings.Fields(names), a.Name.Local) || a.Name.Space != "" {
					found.addf("%s has an attribute %q", e.Name.Local, a.Name)
				}
				shown.WriteString(a.Value + "\n")
			}
		case xml.CharData:
			shown.Write(e)
		case xml.ProcInst:
			if e.Target != "xml" || n["testsuites"]+n["checkstyle"] > 0 {
				found.addf("it has an instruction %q", e.Target)
			}
		case xml.Comment, xml.Directive:
			found.addf("it has a comment or a declaration")
		}
	}
}

func judgeJUnit(t *testing.T, found *faults, _ string, r *checks.Report) {
	judgeLog(found, "the log", render(t, JUnit, r, Dest{Log: true}))
	n, shown := judgeXML(found, render(t, JUnit, r, Dest{}), map[string]string{
		"testsuites": "name tests failures errors time", "testsuite": "name tests failures errors skipped time timestamp",
		"testcase": "name classname time", "skipped": "", "error": "message type", "failure": "message type", "system-out": "",
	})
	if n["testsuites"] != 1 || n["testcase"] < len(r.Results) || n["failure"] == 0 || n["error"] == 0 || n["skipped"] == 0 {
		found.addf("it has the elements %v", n)
	}
	if strings.Contains(shown, "[[ATTACHMENT|") {
		found.addf("it has an attachment")
	}
	judgeShown(found, "it", shown, r, "[[ATTACHMENT|", `[[ATTACHMENT\|`, "\ufffe", "\ufffd", "\uffff", "\ufffd")
}

func judgeCheckstyle(t *testing.T, found *faults, _ string, r *checks.Report) {
	judgeLog(found, "the log", render(t, Checkstyle, r, Dest{Log: true}))
	n, shown := judgeXML(found, render(t, Checkstyle, r, Dest{}), map[string]string{
		"checkstyle": "version", "file": "name", "error": "line column severity message source",
	})
	if n["checkstyle"] != 1 || n["error"] != len(issues(r)) {
		found.addf("it has the elements %v", n)
	}
	judgeShown(found, "it", shown, r, "\ufffe", "\ufffd", "\uffff", "\ufffd")
}

func judgeCodeQuality(t *testing.T, found *faults, _ string, r *checks.Report) {
	text := render(t, CodeQuality, r, Dest{Log: true})
	judgeLog(found, "the log", text)
	judgeSchema(t, found, text, codeQualitySchemaFile)
	var list []codeQualityIssue
	if err := json.Unmarshal([]byte(text), &list); err != nil || len(list) != len(issues(r)) {
		found.addf("%d issues are read back (%v)", len(list), err)
		return
	}
	for _, i := range list {
		if !isRepoFile(i.Location.Path) {
			found.addf("%q is no file of the repository", i.Location.Path)
		}
	}
	judgeShown(found, "the first issue", list[0].Description, r)
}

func judgeMetrics(t *testing.T, found *faults, _ string, r *checks.Report) {
	text := render(t, Metrics, r, Dest{Log: true})
	judgeLog(found, "the log", text)
	series, err := readMetrics(text)
	if err != nil {
		found.addf("it cannot be read: %v", err)
	}
	verdicts := 0
	for id, value := range series {
		if strings.HasPrefix(id, "gopreflight_verdict{") && value == 1 {
			verdicts++
		}
	}
	if verdicts != 1 {
		found.addf("it has %d verdicts", verdicts)
	}
}

func judgeMarkdown(t *testing.T, found *faults, kind string, r *checks.Report) {
	judgeLog(found, "the log", render(t, Markdown, r, Dest{Log: true}))
	for name, page := range pages(r) {
		judgePage(found, kind, name, page, goldmarkHTML, r)
	}
	if kind == "forged" { // which has its text in what an untrusted report's head says, too
		untrusted := *r
		untrusted.Untrusted = true
		for name, page := range pages(&untrusted) {
			judgePage(found, "untrusted", name+" of an untrusted run", page, goldmarkHTML, &untrusted)
		}
	}
}
