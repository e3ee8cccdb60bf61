package cli

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"

	"github.com/gopreflight/gopreflight/checks"
)

var update = flag.Bool("update", false, "write generated documents anew")

// TestRulesDocument: docs/rules.md is made of the registry, the only copy of
// the rules' prose.
func TestRulesDocument(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString("# Rules\n\nGenerated from the program (`go test ./internal/cli -run TestRulesDocument -update`);\n" +
		"`gopreflight explain RULE` prints the same. A rule is never renamed.\n")
	for _, c := range checks.All {
		fmt.Fprintf(&b, "\n## %s\n\n%s: %s.\n", c.Name, checks.StageTitle(c.Stage), c.Title)
		for _, r := range c.Rules {
			fmt.Fprintf(&b, "\n### %s\n\n%s\n\n%s\n\n%s\n", r.ID, traits(r), r.Summary, strings.TrimSpace(r.Help))
		}
	}
	compare(t, "../../docs/rules.md", b.String())
}

// traits is what a rule is, in one line.
func traits(r *checks.Rule) string {
	words := []string{"**" + string(r.Severity) + "**"}
	if r.Blocks {
		words = append(words, "blocks what needs this check")
	}
	if r.Transient {
		words = append(words, "trying again may help")
	}
	if r.Retired {
		words = append(words, "retired")
	}
	return strings.Join(words, ", ")
}

func compare(t *testing.T, name, want string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(name, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s is not up to date: go test ./internal/cli -update", filepath.Base(name))
	}
}

// TestDocumentsNameEveryCheck: the tables that people read first are complete.
func TestDocumentsNameEveryCheck(t *testing.T) {
	t.Parallel()
	readme := read(t, "../../README.md")
	doc := read(t, "../../docs/checks.md")
	for _, c := range checks.All {
		row := fmt.Sprintf("| %s | `%s` | %s |", c.Stage, c.Name, c.Title)
		if !strings.Contains(readme, row) {
			t.Errorf("README.md lacks the row %q", row)
		}
		if !strings.Contains(doc, "**"+c.Name+"**") {
			t.Errorf("docs/checks.md does not speak of %s", c.Name)
		}
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestActionInputs: action.yml and the table in the code say the same.
func TestActionInputs(t *testing.T) {
	t.Parallel()
	var action struct {
		Inputs  map[string]struct{ Description string }
		Outputs map[string]struct{ Description string }
		Runs    struct{ Using, Image string }
	}
	if err := yaml.Unmarshal([]byte(read(t, "../../action.yml")), &action); err != nil {
		t.Fatal(err)
	}
	var want []string
	(&system{}).runCommand().Flags().VisitAll(func(f *pflag.Flag) { want = append(want, f.Name) })
	want = append(want, ownInputs...)
	var got []string
	for name, in := range action.Inputs {
		got = append(got, name)
		if in.Description == "" {
			t.Errorf("input %s has no description", name)
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("action.yml has the inputs\n%v\nthe program knows\n%v", got, want)
	}
	for _, name := range []string{"verdict", "errors", "warnings", "root-cause", "report"} {
		if action.Outputs[name].Description == "" {
			t.Errorf("output %s is not declared", name)
		}
	}
	if action.Runs.Using != "docker" || action.Runs.Image != "Dockerfile" {
		t.Errorf("runs %+v, want the Dockerfile", action.Runs)
	}
}
