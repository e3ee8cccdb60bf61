package cli

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const house = "github.com/gopreflight/gopreflight"

// TestArrows holds the arrows of the house (docs/architecture.md) by what the
// go command says that each package is made of.
func TestArrows(t *testing.T) {
	t.Parallel()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", "-json=ImportPath,Deps,Imports", house+"/...")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	type pkg struct {
		ImportPath    string
		Imports, Deps []string
	}
	seen := 0
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		name, ok := strings.CutPrefix(p.ImportPath, house+"/")
		if !ok {
			if p.ImportPath == house && !slices.Equal(own(p.Imports), []string{"internal/cli"}) {
				t.Errorf("main imports %v, want only internal/cli", own(p.Imports))
			}
			continue
		}
		seen++
		for _, dep := range own(p.Deps) {
			var bad string
			switch {
			case dep == "internal/cli":
				bad = "only main starts the command line"
			case name == "internal/cli":
			case name == "checks" && dep == "report":
				bad = "a check does not know how it is shown"
			case strings.HasPrefix(name, "internal/") && !strings.HasPrefix(dep, "internal/"):
				bad = "an engine knows nothing of checks or reports"
			}
			if bad != "" {
				t.Errorf("%s -> %s: %s", name, dep, bad)
			}
		}
		if name == "report" {
			for _, dep := range own(p.Imports) {
				if dep != "checks" && dep != "internal/plain" {
					t.Errorf("report -> %s: a reporter sees the report and nothing else", dep)
				}
			}
			if slices.Contains(p.Imports, "os/exec") || slices.Contains(p.Imports, "net/http") {
				t.Error("report starts nothing and asks nobody")
			}
		}
		if strings.HasPrefix(name, "checks") && slices.ContainsFunc(p.Deps, func(d string) bool { return strings.Contains(d, "go-github") }) {
			t.Errorf("%s depends on a client of the CI", name)
		}
	}
	if seen < 10 {
		t.Errorf("only %d packages were looked at", seen)
	}
}

// own are the packages of this module, relative to it.
func own(paths []string) []string {
	var list []string
	for _, p := range paths {
		if rel, ok := strings.CutPrefix(p, house+"/"); ok {
			list = append(list, rel)
		}
	}
	return list
}
