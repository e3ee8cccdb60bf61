package checks

import (
	"slices"
	"testing"

	"github.com/gopreflight/gopreflight/internal/config"
	"github.com/gopreflight/gopreflight/internal/repo"
)

func TestPolicy(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		files  map[string]string
		policy config.Dependencies
		want   []string
	}{
		{
			name:  "nothing replaced",
			files: map[string]string{"go.mod": goModM + "require example.com/a v1.0.0\n"},
		},
		{
			name:  "outside",
			files: map[string]string{"go.mod": goModM + "replace example.com/a => ../a\n\nreplace example.com/b v1.0.0 => /srv/b\n"},
			want:  []string{"policy/replace-outside go.mod:5 example.com/a", "policy/replace-outside go.mod:7 example.com/b@v1.0.0"},
		},
		{
			name:  "outside, wanted and not there: gomod's to report",
			files: map[string]string{"go.mod": goModM + "require example.com/a v1.0.0\n\nreplace example.com/a => ../a\n"},
		},
		{
			name:  "inside",
			files: map[string]string{"go.mod": goModM + "replace example.com/a => ./fork\n", "fork/go.mod": "module example.com/fork\n\ngo 1.20\n"},
			want:  []string{"policy/replace-local go.mod:5 example.com/a"},
		},
		{
			name: "one module of the repository",
			files: map[string]string{
				"go.mod": goModM, "sub/go.mod": "module example.com/m/sub\n\ngo 1.20\n\nreplace example.com/m => ../\n",
			},
		},
		{
			name: "modules of the repository together",
			files: map[string]string{
				"go.mod":   goModM + "replace (\n\texample.com/a => ./a\n\texample.com/m/b => ./b\n\texample.com/c => ./gone\n)\n",
				"a/go.mod": goModA, "b/go.mod": "module example.com/m/b\n\ngo 1.20\n",
			},
			want: []string{"policy/replace-local go.mod:8 example.com/c"},
		},
		{
			name:   "allowed",
			files:  map[string]string{"go.mod": goModM + "replace example.com/a/x => ../a\n\nreplace example.com/b => ../b\n"},
			policy: config.Dependencies{ReplaceAllow: []string{"example.com/a", "example.org/*"}},
			want:   []string{"policy/replace-outside go.mod:7 example.com/b"},
		},
		{
			name: "unpinned",
			files: map[string]string{"go.mod": goModM + `require (
	example.com/a v1.0.0
	example.com/b v1.0.0
	example.com/c v1.0.0
	example.com/d v1.0.0
)

replace (
	example.com/a => example.com/fork v1.2.0
	example.com/b v1.0.0 => example.com/fork v1.2.0
	example.com/c => example.com/c v1.0.0
	example.com/d => example.com/d v0.9.0
	example.com/unused => example.com/fork v1.2.0
)
`},
			want: []string{"policy/replace-unpinned go.mod:13 example.com/a", "policy/replace-unpinned go.mod:16 example.com/d"},
		},
		{
			name: "denied",
			files: map[string]string{"go.mod": goModM + `require (
	example.com/a v1.0.0
	example.com/ab v1.0.0
	example.com/a/v2 v2.0.0 // indirect
)

replace example.com/ab v1.0.0 => example.com/bad/fork v1.0.0
`},
			policy: config.Dependencies{Deny: []config.DeniedModule{
				{Module: "example.com/a", Reason: "archived", UseInstead: "errors"},
				{Module: "example.com/bad"},
			}},
			want: []string{
				"policy/denied-module go.mod:11 example.com/bad/fork@v1.0.0",
				"policy/denied-module go.mod:6 example.com/a@v1.0.0",
				"policy/denied-module go.mod:8 example.com/a/v2@v2.0.0",
			},
		},
		{
			name: "workspace",
			files: map[string]string{
				"go.work": "go 1.20\n\nuse .\n\nreplace example.com/a => ../a\n\nreplace example.com/b v1.0.0 => example.com/bad v1.0.0\n",
				"go.mod":  goModM,
			},
			policy: config.Dependencies{Deny: []config.DeniedModule{{Module: "example.com/bad"}}},
			want:   []string{"policy/denied-module go.work:7 example.com/bad@v1.0.0", "policy/replace-outside go.work:5 example.com/a"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := filesSession(t, tt.files)
			s.Config.Dependencies = tt.policy
			_, findings, err := runPolicy(t.Context(), s)
			if err != nil {
				t.Fatal(err)
			}
			if got := told(findings); !slices.Equal(got, tt.want) {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
}

// TestPolicyFixes runs every command that policy proposes, and asks again.
// TestPolicyBelow: a module of the repository is its own also where the run is
// about another folder.
func TestPolicyBelow(t *testing.T) {
	t.Parallel()
	s := filesSession(t, map[string]string{
		"go.mod": goModM, "sub/go.mod": "module example.com/m/sub\n\ngo 1.20\n\nreplace example.com/m => ../\n\nreplace example.com/x => ./testdata/y\n",
		"sub/testdata/y/go.mod": "module example.com/y\n\ngo 1.20\n",
	})
	s.Repo.Modules = slices.DeleteFunc(s.Repo.Modules, func(m *repo.Module) bool { return m.Dir == "." })
	s.Modules = s.Repo.Modules
	_, findings, err := runPolicy(t.Context(), s)
	if want := []string{"policy/replace-local sub/go.mod:7 example.com/x"}; err != nil || !slices.Equal(told(findings), want) {
		t.Errorf("got %q, %v; want %q", told(findings), err, want)
	}
}

func TestPolicyFixes(t *testing.T) {
	t.Parallel()
	s := filesSession(t, map[string]string{
		"go.work": "go 1.22\n\nuse \"./my sub\"\n\nreplace example.com/w => ../w\n",
		"my sub/go.mod": `module example.com/m

go 1.22

require example.com/a v1.0.0

replace example.com/a => example.com/fork v1.2.0

replace example.com/b v1.0.0 => ../../b
`,
	})
	_, findings, err := runPolicy(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"policy/replace-outside go.work:5 example.com/w",
		"policy/replace-outside my sub/go.mod:9 example.com/b@v1.0.0",
		"policy/replace-unpinned my sub/go.mod:7 example.com/a",
	}
	if got := told(findings); !slices.Equal(got, want) {
		t.Fatalf("got  %q\nwant %q", got, want)
	}
	for _, f := range findings {
		if out, err := shellIn(t, s.Root(), f.Fix.Command); err != nil {
			t.Errorf("%s: %v\n%s", f.Fix.Command, err, out)
		}
	}
	loadFiles(t, s, s.Root())
	if _, again, err := runPolicy(t.Context(), s); err != nil || len(again) > 0 {
		t.Errorf("after the fixes: %q, %v", told(again), err)
	}
	mod, err := s.Repo.ReadFile("my sub/go.mod")
	if err != nil {
		t.Fatal(err)
	}
	if want := "module example.com/m\n\ngo 1.22\n\nrequire example.com/a v1.0.0\n\nreplace example.com/a v1.0.0 => example.com/fork v1.2.0\n"; string(mod) != want {
		t.Errorf("go.mod after the fixes:\n%s\nwant:\n%s", mod, want)
	}
}

func TestPolicyWords(t *testing.T) {
	t.Parallel()
	s := filesSession(t, map[string]string{"go.mod": goModM + "require example.com/a v1.0.0 // indirect\n\nreplace example.com/a => example.com/f v1.1.0\n"})
	s.Config.Dependencies.Deny = []config.DeniedModule{{Module: "example.com/a", Reason: "archived", UseInstead: "errors"}}
	_, findings, err := runPolicy(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"policy/replace-unpinned": "every version of example.com/a is replaced by example.com/f@v1.1.0; the required v1.0.0 says nothing",
		"policy/denied-module":    "example.com/a@v1.0.0 (required indirectly) is denied: archived",
	}
	for _, f := range findings {
		if f.Message != want[f.Rule] {
			t.Errorf("%s: got %q, want %q", f.Rule, f.Message, want[f.Rule])
		}
	}
	if len(findings) != len(want) {
		t.Errorf("got %d findings, want %d", len(findings), len(want))
	}
}
