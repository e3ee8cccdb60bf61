package report

import (
	"encoding/xml"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gopreflight/gopreflight/checks"
)

// TestCheckstyle: every issue is there, every file once, all as readers take it
// apart.
func TestCheckstyle(t *testing.T) {
	t.Parallel()
	reports := savedReports(t)
	reports["empty"] = &checks.Report{}
	for name, r := range reports {
		var doc struct {
			XMLName xml.Name `xml:"checkstyle"`
			Version string   `xml:"version,attr"`
			Files   []struct {
				Name   string `xml:"name,attr"`
				Errors []struct {
					Line     int    `xml:"line,attr"`
					Column   int    `xml:"column,attr"`
					Severity string `xml:"severity,attr"`
					Message  string `xml:"message,attr"`
					Source   string `xml:"source,attr"`
				} `xml:"error"`
			} `xml:"file"`
		}
		text := render(t, Checkstyle, r, Dest{})
		if err := xml.Unmarshal([]byte(text), &doc); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if doc.Version != "4.3" || !strings.HasPrefix(text, `<?xml version="1.0" encoding="UTF-8"?>`) {
			t.Errorf("%s: version %q of %.60q", name, doc.Version, text)
		}
		n := 0
		seen := map[string]bool{}
		for _, f := range doc.Files {
			if seen[f.Name] || !isRepoFile(f.Name) || len(f.Errors) == 0 {
				t.Errorf("%s: file %q", name, f.Name)
			}
			seen[f.Name] = true
			for _, e := range f.Errors {
				if e.Line < 1 || e.Column < 0 || e.Message == "" || strings.Contains(e.Message, "\n") ||
					!strings.HasPrefix(e.Source, "gopreflight.") || !slices.Contains([]string{"error", "warning", "info"}, e.Severity) {
					t.Errorf("%s: %+v", name, e)
				}
			}
			n += len(f.Errors)
		}
		if want := len(issues(r)); n != want {
			t.Errorf("%s: %d errors, want %d", name, n, want)
		}
	}
}

// TestCheckstyleExact: one file with two issues, and how Jenkins takes a source
// apart.
func TestCheckstyleExact(t *testing.T) {
	t.Parallel()
	r := &checks.Report{Results: []checks.Result{{Check: "env", Findings: []checks.Finding{
		{Rule: "gomod/replace-local", Severity: checks.Error, Message: `a "b" <c>`, File: "go.mod", Line: 3, Column: 2},
		{Rule: "env/x", Severity: checks.Warning, Message: "no place"},
	}}}}
	want := xml.Header + `<checkstyle version="4.3">
  <file name="go.mod">
    <error line="3" column="2" severity="error" message="a &#34;b&#34; &lt;c&gt; (gomod/replace-local)" source="gopreflight.gomod.replace-local"></error>
    <error line="1" severity="warning" message="no place (env/x)" source="gopreflight.env.x"></error>
  </file>
</checkstyle>
`
	if got := render(t, Checkstyle, r, Dest{}); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	jenkins := regexp.MustCompile(`([^.]*)\.([^.]*)$`)
	if got := jenkins.FindStringSubmatch(checkstyleSource("gomod/replace-local")); got[1] != "gomod" || got[2] != "replace-local" {
		t.Errorf("Jenkins reads the category %q and the type %q", got[1], got[2])
	}
}
