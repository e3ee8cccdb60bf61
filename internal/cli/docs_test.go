package cli

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
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

// action is what an action.yml declares.
type action struct {
	Inputs  map[string]struct{ Description, Default string }
	Outputs map[string]struct{ Description, Value string }
	Runs    struct {
		Using, Image string
		Steps        []struct {
			ID, Shell, Run string
			Env            map[string]string
		}
	}
}

func readAction(t *testing.T, name string) action {
	t.Helper()
	var a action
	if err := yaml.Unmarshal([]byte(read(t, name)), &a); err != nil {
		t.Fatal(err)
	}
	return a
}

// publishedImage is what the image of a released action is: by digest, since a tag
// can be moved.
var publishedImage = regexp.MustCompile(`^docker://ghcr\.io/gopreflight/gopreflight@sha256:[0-9a-f]{64}$`)

// TestActionInputs: action.yml and the table in the code say the same.
func TestActionInputs(t *testing.T) {
	t.Parallel()
	a := readAction(t, "../../action.yml")
	var want []string
	(&system{}).runCommand().Flags().VisitAll(func(f *pflag.Flag) { want = append(want, f.Name) })
	want = append(want, ownInputs...)
	var got []string
	for name, in := range a.Inputs {
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
		if a.Outputs[name].Description == "" {
			t.Errorf("output %s is not declared", name)
		}
	}
	if a.Runs.Using != "docker" || a.Runs.Image != "Dockerfile" && !publishedImage.MatchString(a.Runs.Image) {
		t.Errorf("runs %+v, want the Dockerfile, or in a release the published image", a.Runs)
	}
}

// TestHostAction: host/action.yml has the inputs and outputs of action.yml, hands
// every input on as the environment alone, and every output back.
func TestHostAction(t *testing.T) {
	t.Parallel()
	a, host := readAction(t, "../../action.yml"), readAction(t, "../../host/action.yml")
	for name, in := range a.Inputs {
		if host.Inputs[name] != in {
			t.Errorf("input %s: %+v, action.yml says %+v", name, host.Inputs[name], in)
		}
	}
	for name := range host.Inputs {
		if _, ok := a.Inputs[name]; !ok && name != "version" && name != "releases" {
			t.Errorf("action.yml has no input %s", name)
		}
	}
	if len(host.Runs.Steps) != 1 || host.Runs.Using != "composite" {
		t.Fatalf("runs %+v, want one step", host.Runs)
	}
	step := host.Runs.Steps[0]
	if strings.Contains(step.Run, "${{") || step.Shell != "bash" {
		t.Errorf("%s: %q; an expression in a script is an injection", step.Shell, step.Run)
	}
	for name := range host.Inputs {
		if got, want := step.Env[inputVariable(name)], "${{ inputs."+name+" }}"; got != want {
			t.Errorf("%s is %q, want %q", inputVariable(name), got, want)
		}
	}
	if len(step.Env) != len(host.Inputs) {
		t.Errorf("the step's env has %d names for %d inputs", len(step.Env), len(host.Inputs))
	}
	for name, out := range a.Outputs {
		if got := host.Outputs[name]; got.Description != out.Description || got.Value != "${{ steps."+step.ID+".outputs."+name+" }}" {
			t.Errorf("output %s is %+v", name, got)
		}
	}
	if len(host.Outputs) != len(a.Outputs) {
		t.Errorf("%d outputs, action.yml has %d", len(host.Outputs), len(a.Outputs))
	}
}
