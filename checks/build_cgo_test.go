package checks

import (
	"context"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gopreflight/gopreflight/internal/gocmd"
	"github.com/gopreflight/gopreflight/internal/goenv"
	"github.com/gopreflight/gopreflight/internal/plain"
)

// TestBuildWithoutCgo: where cgo is off and the repository cannot help it, what needs
// it is not judged, and all else is.
func TestBuildWithoutCgo(t *testing.T) {
	t.Parallel()
	const (
		cgo   = "package c\n\nimport \"C\"\n\nvar C C.int\n"
		wrong = "package w\n\nvar W int = \"text\"\n"
		fork  = "cgo is off for a change from a fork, and example.org/m/c needs it: set CGO_ENABLED=1 to build such changes too"
		image = "the action's container has no C compiler, and example.org/m/c needs one: use host/, which has the runner's"
	)
	for _, tt := range []struct {
		name   string
		files  map[string]string
		failed []string // of build, but for its status; nil for skipped
	}{
		{"a package is nothing but cgo", map[string]string{"c/c.go": cgo, "m.go": "package m\n\nimport \"example.org/m/c\"\n\nvar _ = c.C\n"}, nil},
		{"a name is missing", map[string]string{"c/c.go": cgo, "c/d.go": "package c\n\nvar D = C\n"}, nil},
		{"a name is missing where it is imported", map[string]string{"c/c.go": cgo, "c/d.go": "package c\n", "m.go": "package m\n\nimport \"example.org/m/c\"\n\nvar _ = c.C\n"}, nil},
		{"another fault beside it", map[string]string{"c/c.go": cgo, "c/d.go": "package c\n\nvar D = C\n", "w/w.go": wrong}, []string{"build/compile w/w.go:3"}},
		{"another fault alone", map[string]string{"c/c.go": cgo, "c/d.go": "package c\n", "w/w.go": wrong}, []string{"build/compile w/w.go:3"}},
		{"a syntax error beside it", map[string]string{"c/c.go": cgo, "w/w.go": "package w\n\nfunc 1() {}\n"}, []string{"build/compile w/w.go:3"}},
		{"no cgo anywhere", map[string]string{"w/w.go": wrong}, []string{"build/compile w/w.go:3"}},
		{"an import that nothing provides", map[string]string{"c/c.go": cgo, "c/d.go": "package c\n", "w/w.go": "package w\n\nimport _ \"example.org/m/none\"\n"}, []string{"build/import w/w.go:3"}},
	} {
		tt.files["go.mod"] = goMod()
		for place, reason := range map[string]string{"fork": fork, "container": image, "fork in a container": image} {
			t.Run(tt.name+", "+place, func(t *testing.T) {
				t.Parallel()
				s := goSession(t, tt.files)
				s.Fork = strings.HasPrefix(place, "fork")
				if strings.HasSuffix(place, "container") {
					s.Scope = ScopeContainer
					withoutCompiler(t, s)
				}
				want := append([]string{"build=failed"}, tt.failed...)
				if tt.failed == nil {
					want = []string{"build=skipped"}
				}
				results, _, _ := (&Runner{Checks: All, Redactor: plain.NewRedactor(nil), Selected: func(c *Check) (bool, string) { return c == build, "" }}).Run(t.Context(), s)
				res := results[slices.Index(All, build)]
				got := []string{"build=" + string(res.Status)}
				for _, f := range res.Findings {
					got = append(got, f.Rule+" "+f.Place())
				}
				if !slices.Equal(got, want) || tt.failed == nil && !strings.Contains(res.Reason, reason) {
					t.Errorf("got %q, %q, want %q", got, res.Reason, want)
				}
			})
		}
	}
}

// TestBuildWithoutCgoByWill: who switches cgo off, or has a machine without a
// compiler, is told that it does not build there.
func TestBuildWithoutCgoByWill(t *testing.T) {
	t.Parallel()
	files := map[string]string{"go.mod": goMod(), "c.go": "package m\n\nimport \"C\"\n\nvar c C.int\n", "m.go": "package m\n\nvar _ = c\n"}
	for name, tt := range map[string]struct {
		scope Scope
		env   []string
	}{
		"a container's job":            {ScopeContainer, []string{"CGO_ENABLED=0"}},
		"a machine without a compiler": {ScopeJob, nil},
	} {
		s := goSession(t, files)
		s.Scope = tt.scope
		withoutCompiler(t, s, tt.env...)
		if got, want := runOnly(t, s, "build"), []string{"build=failed", "build/compile m.go:3"}; !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

// withoutCompiler gives a session a go command that finds no C compiler, and the
// settings that it then has.
func withoutCompiler(t *testing.T, s *Session, env ...string) {
	t.Helper()
	home := t.TempDir()
	cache, err := exec.CommandContext(t.Context(), "go", "env", "GOCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	labWrite(t, filepath.Join(home, "go", "telemetry", "mode"), "off")
	bin := filepath.Join(s.Env.Get("GOROOT"), "bin")
	environ := append([]string{
		"PATH=" + bin, "HOME=" + home, "XDG_CONFIG_HOME=" + home, "GO_TELEMETRY_CHILD=2", "GOENV=off", "GOPATH=" + home,
		"GOCACHE=" + strings.TrimSpace(string(cache)), "GOPROXY=off", "GOTOOLCHAIN=local", "TMPDIR=" + t.TempDir(),
	}, env...)
	s.Go = gocmd.New(filepath.Join(bin, "go"), environ, 0)
	s.Getenv = func(name string) string {
		for _, e := range environ {
			if value, ok := strings.CutPrefix(e, name+"="); ok {
				return value
			}
		}
		return ""
	}
	s.Env, err = goenv.Read(t.Context(), goenv.Options{Environ: environ, Run: func(ctx context.Context, env []string, args ...string) ([]byte, error) {
		cmd := exec.CommandContext(ctx, filepath.Join(bin, "go"), args...)
		cmd.Dir, cmd.Env = home, env
		return cmd.Output()
	}})
	if err != nil {
		t.Fatal(err)
	}
}
