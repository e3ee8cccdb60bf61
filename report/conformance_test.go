package report

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gopreflight/gopreflight/checks"
)

// conformance is the folder into which .ci/conformance wants the outputs that
// the programs of other people judge; empty when nobody asks for them. Then a
// program that is not installed is no failure.
func conformance() string { return os.Getenv("GOPREFLIGHT_CONFORMANCE") }

// TestConformanceOutputs writes every saved report, and the hostile strings
// file by file, in every format that a program of somebody else can judge.
func TestConformanceOutputs(t *testing.T) {
	t.Parallel()
	dir := conformance()
	if dir == "" {
		t.Skip("GOPREFLIGHT_CONFORMANCE names no folder")
	}
	write := func(format, name, text string) {
		t.Helper()
		file := filepath.Join(dir, format, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	reports := savedReports(t)
	for _, h := range hostileStrings(t) {
		file, _, _ := strings.Cut(h.name, ".")
		name := "hostile-" + file
		if reports[name] == nil {
			reports[name] = realReport(h.text, "github")
		}
		reports[name].Results = append(reports[name].Results, forgedReport(h.text).Results...)
	}
	type golden struct {
		Line  string            `json:"line"`
		Name  string            `json:"name"`
		Props map[string]string `json:"props"`
		Data  string            `json:"data"`
	}
	lines := []golden{}
	for name, r := range reports {
		write("junit", name+".xml", render(t, JUnit, r, Dest{}))
		write("checkstyle", name+".xml", render(t, Checkstyle, r, Dest{}))
		write("metrics", name+".prom", render(t, Metrics, r, Dest{}))
		write("markdown", name+"-summary.md", markdownText(r, MaxSummary))
		write("markdown", name+"-comment.md", Comment(r, "", maxComment))
		write("log", name+".txt", render(t, Terminal, r, Dest{Log: true, Verbose: true}))
		log, _, _ := strings.Cut(render(t, GitHub, r, Dest{}), "==> GITHUB_OUTPUT <==\n")
		for line := range strings.Lines(log) {
			line = strings.TrimSuffix(line, "\n")
			c, ok := parseCommand(line)
			if !ok {
				t.Errorf("%s: %q is no annotation", name, line)
			}
			lines = append(lines, golden{line, c.name, c.props, c.data})
		}
	}
	for _, h := range hostileStrings(t) {
		r := &checks.Report{Verdict: checks.Fail, Results: forgedReport(h.text).Results[:1]}
		log, _, _ := strings.Cut(render(t, GitHub, r, Dest{}), "==> GITHUB_OUTPUT <==\n")
		line, _, _ := strings.Cut(log, "\n")
		c, _ := parseCommand(line)
		lines = append(lines, golden{line, c.name, c.props, c.data})
	}
	text, err := json.Marshal(lines)
	if err != nil {
		t.Fatal(err)
	}
	write("annotations", "lines.json", string(text))
}
