package checks

import (
	"errors"
	"path/filepath"
	"testing"

	"github.com/gopreflight/gopreflight/internal/child"
	"github.com/gopreflight/gopreflight/internal/repo"
)

// TestBuildPlaces: where a diagnostic stands in the repository, however the go
// command writes its file, and by which command it is seen again.
func TestBuildPlaces(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	tests := []struct {
		name           string
		output         string
		tags           []string
		place, command string
	}{
		{"in the module", "# example.com/m/a\na/a.go:3:5: undefined: x\n", nil, "sub/a/a.go:3", "(cd sub && go build -o /dev/null ./a)"},
		{"in its top", "# example.com/m\n./a.go:3:5: undefined: x\n", nil, "sub/a.go:3", "(cd sub && go build -o /dev/null .)"},
		{"tags", "# example.com/m\n./a.go:3:5: undefined: x\n", []string{"e2e", "a b"}, "sub/a.go:3", "(cd sub && go build -o /dev/null '-tags=e2e,a b' .)"},
		{"another module, by a relative path", "# example.com/y\n../y/y.go:3:5: undefined: x\n", nil, "y/y.go:3", "(cd sub && go build -o /dev/null example.com/y)"},
		{"another module, by an absolute path", "# example.com/y\n" + filepath.Join(root, "y", "y.go") + ":3:5: undefined: x\n", nil, "y/y.go:3", "(cd sub && go build -o /dev/null example.com/y)"},
		{"a //line comment", "# example.com/m/a\ngen/y.y:7: undefined: x\n", nil, "sub/gen/y.y:7", "(cd sub && go build -o /dev/null example.com/m/a)"},
		{"named files", "# command-line-arguments\ngen/y.y:7: undefined: x\n", nil, "sub/gen/y.y:7", "(cd sub && go build -o /dev/null ./...)"},
		{"outside", "# example.com/z\n../../z/z.go:3:5: undefined: x\n", nil, "", ""},
		{"outside, by an absolute path", "# example.com/z\n" + filepath.Join(filepath.Dir(root), "z.go") + ":3:5: undefined: x\n", nil, "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			j := buildJudge{root: root, module: &repo.Module{Dir: "sub", Path: "example.com/m"}, tags: tt.tags}
			findings, err := j.judge("go build", child.Output{Stderr: []byte(tt.output), Exit: 1}, false)
			if err != nil || len(findings) != 1 {
				t.Fatalf("got %q, %v", told(findings), err)
			}
			if f := findings[0]; f.Rule != "build/compile" || f.Place() != tt.place || f.Fix.Command != tt.command {
				t.Errorf("got %s at %q, shown again by %q; want %q, %q", f.Rule, f.Place(), f.Fix.Command, tt.place, tt.command)
			}
		})
	}
}

// TestBuildHeader: a C header that is missing is no fault of the source, but
// stands at the line that asks for it.
func TestBuildHeader(t *testing.T) {
	t.Parallel()
	j := buildJudge{root: t.TempDir(), module: &repo.Module{Dir: ".", Path: "example.com/m"}}
	out := child.Output{Stderr: []byte("# example.com/m/cg\ncg/c.go:3:11: fatal error: nope.h: No such file or directory\ncompilation terminated.\n"), Exit: 1}
	findings, err := j.judge("go build", out, false)
	var cause *causeError
	if len(findings) > 0 || !errors.As(err, &cause) || len(cause.own) != 1 {
		t.Fatalf("got %q, %v", told(findings), err)
	}
	if f := cause.own[0]; f.Rule != "build/environment" || f.Place() != "cg/c.go:3" || f.Message != "the C header nope.h was not found" {
		t.Errorf("got %s at %s: %s", f.Rule, f.Place(), f.Message)
	}
}
