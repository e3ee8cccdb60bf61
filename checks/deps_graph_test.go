package checks

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gopreflight/gopreflight/internal/gocmd"
	"github.com/gopreflight/gopreflight/internal/goenv"
)

// The module graph tells who brings a module and, before pruning, what is built.
func TestDepsGraph(t *testing.T) {
	t.Parallel()
	head := map[string]string{
		"go.mod": "module example.com/m\n\ngo 1.21\n\nrequire example.com/dep v1.0.0\n\nrequire example.com/lib v1.1.0 // indirect\n",
		"m.go":   "package m\n\nimport _ \"example.com/dep\"\n",
	}
	bare := map[string]string{"go.mod": "module example.com/m\n\ngo 1.21\n"}
	old := func(s string) string { return strings.Replace(s, "go 1.21", "go 1.16", 1) }
	oldHead := map[string]string{
		"go.mod": "module example.com/m\n\ngo 1.16\n\nrequire example.com/dep v1.0.0\n",
		"m.go":   head["m.go"],
	}
	for _, tt := range []struct {
		name string
		base map[string]string
		head map[string]string
		// cold leaves the module cache empty.
		cold   bool
		want   []string
		reason string
	}{
		{
			name: "added", base: bare, head: head,
			want:   []string{`direct added example.com/dep "" "v1.0.0"`, `added example.com/lib "" "v1.1.0" by example.com/dep`},
			reason: "2 added since 0123456789ab",
		},
		{
			name: "removed: the base's graph tells", base: head, head: map[string]string{"go.mod": bare["go.mod"], "m.go": "package m\n"},
			want:   []string{`direct removed example.com/dep "v1.0.0" ""`, `removed example.com/lib "v1.1.0" "" by example.com/dep`},
			reason: "2 removed since 0123456789ab",
		},
		{
			name: "a cold cache", base: bare, head: head, cold: true,
			want:   []string{`direct added example.com/dep "" "v1.0.0"`, `added example.com/lib "" "v1.1.0"`},
			reason: "2 added since 0123456789ab",
		},
		{
			name: "before pruning go.mod does not say it", base: map[string]string{"go.mod": old(bare["go.mod"])}, head: oldHead,
			want:   []string{`direct added example.com/dep "" "v1.0.0"`, `added example.com/lib "" "v1.1.0" by example.com/dep`},
			reason: "2 added since 0123456789ab",
		},
		{
			name: "before pruning, a cold cache", base: map[string]string{"go.mod": old(bare["go.mod"])}, head: oldHead, cold: true,
			want:   []string{`direct added example.com/dep "" "v1.0.0"`},
			reason: "1 added (of the requirements in go.mod alone, because the module graph cannot be read here) since 0123456789ab",
		},
		{
			name: "pruning comes: lines that appear are no new modules", base: map[string]string{"go.mod": oldHead["go.mod"]}, head: head,
			reason: "no module changes since 0123456789ab",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := goSession(t, tt.head)
			s.shared = &shared{}
			s.Base = baseOf(tt.base)
			if !tt.cold {
				for _, id := range []string{"example.com/dep@v1.0.0", "example.com/lib@v1.1.0"} {
					out, err := s.Go.Ask(t.Context(), gocmd.Question{
						Dir: t.TempDir(), Args: []string{"mod", "download", id}, Env: []string{"GOFLAGS=-modcacherw", "GOWORK=off"},
					})
					if err != nil || out.Exit != 0 {
						t.Fatalf("%v %s", err, out.Stderr)
					}
				}
			}
			facts, findings, err := runDeps(t.Context(), s)
			if err != nil {
				t.Fatal(err)
			}
			if got := toldChanges(facts.Changes); !slices.Equal(got, tt.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
			}
			if facts.Summary != tt.reason {
				t.Errorf("reason %q, want %q", facts.Summary, tt.reason)
			}
			for _, f := range findings {
				if f.Rule != ruleDepsGoRaised.ID {
					t.Errorf("unexpected finding: %s", f.Message)
				}
			}
		})
	}
}

// Who brings a module is not worth a toolchain.
func TestDepsFetchesNoToolchain(t *testing.T) {
	t.Parallel()
	s := goSession(t, map[string]string{"go.mod": "module example.com/m\n\ngo 1.999.0\n"})
	s.shared = &shared{}
	s.Env = goenv.FromMap(map[string]string{"GOVERSION": s.Env.Get("GOVERSION"), "GOTOOLCHAIN": "auto"})
	m := s.Modules[0]
	if c, err := s.choice(m); err != nil || !c.Switch {
		t.Fatalf("choice %+v, %v: want another release", c, err)
	}
	if _, err := s.moduleGraph(t.Context(), m, m.GoMod.Data, nil); !errors.Is(err, errNoGraph) {
		t.Errorf("error %v, want %v", err, errNoGraph)
	}
}

func TestBringers(t *testing.T) {
	t.Parallel()
	g := parseGraph(`example.com/m example.com/d1@v1.0.0
example.com/m example.com/d2@v1.0.0
example.com/m example.com/x@v1.3.0
example.com/m go@1.21
example.com/d1@v1.0.0 example.com/mid@v1.0.0
example.com/d1@v1.0.0 go@1.20
example.com/d2@v1.0.0 example.com/x@v1.0.0
example.com/d1@v0.9.0 example.com/lost@v1.0.0
example.com/mid@v1.0.0 example.com/deep@v1.0.0
example.com/mid@v1.0.0 example.com/d1@v0.9.0
example.com/deep@v1.0.0 example.com/mid@v1.0.0
nonsense
three words here
`)
	direct := func(path string) bool { return strings.HasPrefix(path, "example.com/d") && path != "example.com/deep" }
	for path, want := range map[string][]string{
		"example.com/mid":    {"example.com/d1"},
		"example.com/deep":   {"example.com/d1"}, // through mid, and not round the circle
		"example.com/x":      {"example.com/d2"}, // only the main module asks for v1.3.0
		"example.com/lost":   {},                 // nobody who is built
		"example.com/nobody": {},
	} {
		if got := g.bringers(path, direct); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
	want := map[string]string{
		"example.com/d1": "v1.0.0", "example.com/d2": "v1.0.0", "example.com/x": "v1.3.0",
		"example.com/mid": "v1.0.0", "example.com/deep": "v1.0.0", "example.com/lost": "v1.0.0",
	}
	if fmt.Sprint(g.selected) != fmt.Sprint(want) {
		t.Errorf("selected %v, want %v", g.selected, want)
	}
}

func FuzzParseGraph(f *testing.F) {
	for _, seed := range []string{
		"", "m a@v1.0.0\n", "m a@v1.0.0\na@v1.0.0 b@v1.0.0\nb@v1.0.0 a@v1.0.0", "a@ @\n@ a@", "m m@v1\nm@v1 m@v1\n", "\xff a@v1 \n",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		g := parseGraph(text)
		for path := range g.selected {
			if g.parents[path+"@"+g.selected[path]] == nil {
				t.Errorf("nobody asks for the selected %s %s", path, g.selected[path])
			}
			found := g.bringers(path, func(p string) bool { return len(p)%2 == 0 })
			if len(found) > maxBringers || !slices.IsSorted(found) || slices.ContainsFunc(found, func(p string) bool { return len(p)%2 != 0 }) {
				t.Errorf("%s is brought by %q", path, found)
			}
		}
	})
}
