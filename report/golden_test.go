package report

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/gopreflight/gopreflight/checks"
)

var update = flag.Bool("update", false, "write testdata/report/golden anew")

const saved = "../testdata/report"

// commentText is the comment as a format, for the goldens.
var commentText = &Reporter{Name: "comment", Write: func(_ context.Context, d Dest, r *checks.Report) error {
	_, err := io.WriteString(d.Out, Comment(r, "", maxComment))
	return err
}}

// savedReports reads every saved report of the repository, by name.
func savedReports(t *testing.T) map[string]*checks.Report {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(saved, "*.json"))
	if err != nil || len(files) < 11 {
		t.Fatalf("found %d saved reports (%v), want at least 11", len(files), err)
	}
	reports := map[string]*checks.Report{}
	for _, file := range files {
		reports[strings.TrimSuffix(filepath.Base(file), ".json")] = readSaved(t, file)
	}
	return reports
}

func readSaved(t *testing.T, file string) *checks.Report {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := ReadJSON(f)
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return r
}

// render is what a reporter makes of a report. For github that is its stream,
// the step summary and the outputs, as three parts.
func render(t *testing.T, reporter *Reporter, r *checks.Report, d Dest) string {
	t.Helper()
	var b bytes.Buffer
	d.Out = &b
	if reporter != GitHub {
		if err := reporter.Write(t.Context(), d, r); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	step := newStep(t)
	d.Getenv, d.Append = step.getenv, step.open
	if err := reporter.Write(t.Context(), d, r); err != nil {
		t.Fatal(err)
	}
	return b.String() + "==> GITHUB_OUTPUT <==\n" + step.read(t, "GITHUB_OUTPUT") +
		"==> GITHUB_STEP_SUMMARY <==\n" + step.read(t, "GITHUB_STEP_SUMMARY")
}

// step is a step of a workflow with its files.
type step map[string]string

func newStep(t *testing.T) step {
	t.Helper()
	dir := t.TempDir()
	s := step{}
	for _, name := range []string{"GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"} {
		s[name] = filepath.Join(dir, name)
		if err := os.WriteFile(s[name], nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func (s step) getenv(name string) string { return s[name] }

func (s step) open(name string) (*os.File, error) {
	return os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
}

func (s step) read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(s[name])
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestGolden replays every saved report into every format. The goldens show
// what changes; what must hold is tested beside each format.
func TestGolden(t *testing.T) {
	t.Parallel()
	for name, r := range savedReports(t) {
		for _, reporter := range append(slices.Clip(All), commentText) {
			t.Run(name+"/"+reporter.Name, func(t *testing.T) {
				t.Parallel()
				// What people read meets in a job log on GitHub; the others have a file there.
				inLog := reporter == Terminal || reporter == GitHub || reporter == Markdown
				d := Dest{Log: inLog, ReportPath: "gopreflight-report.json"}
				got := render(t, reporter, r, d)
				if again := render(t, reporter, r, d); again != got {
					t.Error("the same report was written in two ways")
				}
				got = withoutRules(reporter, got)
				golden := filepath.Join(saved, "golden", name+"."+reporter.Name)
				if reporter == JSON { // a saved report is its own golden
					golden = filepath.Join(saved, name+".json")
				}
				if *update {
					if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
						t.Fatal(err)
					}
					return
				}
				want, err := os.ReadFile(golden)
				if err != nil {
					t.Fatalf("%v (write it with: go test ./report -run TestGolden -update)", err)
				}
				if got != string(want) {
					t.Errorf("differs from %s at line %d; look at it, then: go test ./report -run TestGolden -update\ngot:\n%s",
						golden, firstDifference(got, string(want)), got)
				}
			})
		}
	}
}

func firstDifference(a, b string) int {
	x, y := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range x {
		if i >= len(y) || x[i] != y[i] {
			return i + 1
		}
	}
	return len(x)
}

// TestGoldenComplete: no golden without its report and format.
func TestGoldenComplete(t *testing.T) {
	t.Parallel()
	files, err := os.ReadDir(filepath.Join(saved, "golden"))
	if err != nil {
		t.Fatal(err)
	}
	reports := savedReports(t)
	for _, f := range files {
		name, format, _ := strings.Cut(f.Name(), ".")
		if reports[name] == nil && name != large || Lookup(format) == nil && format != commentText.Name && format != "sums" {
			t.Errorf("%s belongs to no saved report and format", f.Name())
		}
	}
}

// TestSchemaValidatesSavedReports: what we write is what our schema says.
func TestSchemaValidatesSavedReports(t *testing.T) {
	t.Parallel()
	schema := resolvedSchema(t)
	for name, r := range savedReports(t) {
		var v any
		if err := json.Unmarshal([]byte(render(t, JSON, r, Dest{})), &v); err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(v); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func resolvedSchema(t *testing.T) *jsonschema.Resolved {
	t.Helper()
	b, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	var s jsonschema.Schema
	if err := json.Unmarshal(b, &s); err != nil {
		t.Fatal(err)
	}
	resolved, err := s.Resolve(nil)
	if err != nil {
		t.Fatal(err)
	}
	return resolved
}
