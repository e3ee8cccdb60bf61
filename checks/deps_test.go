package checks

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/gopreflight/gopreflight/internal/config"
	"github.com/gopreflight/gopreflight/internal/plain"
)

const baseCommit = "0123456789abcdef0123456789abcdef01234567"

// baseOf is a base revision of some files; others do not exist there.
func baseOf(files map[string]string) *Base {
	return &Base{Commit: baseCommit, ReadFile: func(_ context.Context, name string) ([]byte, error) {
		data, ok := files[name]
		if !ok {
			return nil, fmt.Errorf("%s: %w", name, fs.ErrNotExist)
		}
		return []byte(data), nil
	}}
}

// toldChanges is each change in one line.
func toldChanges(changes []ModuleChange) []string {
	var lines []string
	for _, c := range changes {
		line := fmt.Sprintf("%s %s %q %q", c.Kind, c.Path, c.Old, c.New)
		if c.Direct {
			line = "direct " + line
		}
		if len(c.By) > 0 {
			line += " by " + strings.Join(c.By, " ")
		}
		lines = append(lines, line)
	}
	return lines
}

// goModN is a go.mod of a module with pruning.
func goModN(lines string) string { return "module example.com/m\n\ngo 1.21\n\n" + lines }

var manyV2, manyV1 = manyRequires("v1.2.0"), manyRequires("v1.1.0")

func manyRequires(version string) string {
	var b strings.Builder
	for i := range maxDowngraded + 1 {
		fmt.Fprintf(&b, "require example.com/m%02d %s\n", i, version)
	}
	return goModN(b.String())
}

func TestDeps(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		// base and files are the files at the base and now.
		base, files map[string]string
		policy      config.Dependencies
		findings    []string
		changes     []string
		reason      string
		// says is what a message of a finding holds.
		says string
	}{
		{
			name: "nothing changed", base: map[string]string{"go.mod": goModN("require example.com/a v1.0.0\n")},
			files:  map[string]string{"go.mod": goModN("require example.com/a v1.0.0\n")},
			reason: "no module changes since 0123456789ab",
		},
		{
			name:  "every kind, direct ones first",
			base:  map[string]string{"go.mod": goModN("require (\n\texample.com/up v1.0.0\n\texample.com/down v1.1.0\n\texample.com/gone v1.0.0 // indirect\n\texample.com/same v1.0.0\n)\n")},
			files: map[string]string{"go.mod": goModN("require (\n\texample.com/up v1.1.0\n\texample.com/down v1.0.0\n\texample.com/a v1.0.0 // indirect\n\texample.com/same v1.0.0\n\texample.com/zoo v1.0.0\n)\n")},
			changes: []string{
				`direct downgraded example.com/down "v1.1.0" "v1.0.0"`,
				`direct upgraded example.com/up "v1.0.0" "v1.1.0"`,
				`direct added example.com/zoo "" "v1.0.0"`,
				`added example.com/a "" "v1.0.0"`,
				`removed example.com/gone "v1.0.0" ""`,
			},
			findings: []string{"deps/downgraded go.mod:7 example.com/down@v1.0.0"},
			reason:   "2 added, 1 removed, 1 upgraded, 1 downgraded since 0123456789ab",
			says:     "this change lowers example.com/down from v1.1.0 to v1.0.0",
		},
		{
			name:    "pseudo-versions, pre-releases and a requirement twice",
			base:    map[string]string{"go.mod": goModN("require example.com/a v0.0.0-20260101000000-aaaaaaaaaaaa\nrequire example.com/b v1.0.0-rc.1\nrequire example.com/c v1.0.0\nrequire example.com/c v1.2.0\n")},
			files:   map[string]string{"go.mod": goModN("require example.com/a v0.0.0-20260201000000-bbbbbbbbbbbb\nrequire example.com/b v1.0.0\nrequire example.com/c v1.2.0\n")},
			changes: []string{`direct upgraded example.com/a "v0.0.0-20260101000000-aaaaaaaaaaaa" "v0.0.0-20260201000000-bbbbbbbbbbbb"`, `direct upgraded example.com/b "v1.0.0-rc.1" "v1.0.0"`},
			reason:  "2 upgraded since 0123456789ab",
		},
		{
			name:    "indirect becomes direct, lines move, comments change",
			base:    map[string]string{"go.mod": goModN("require example.com/a v1.0.0 // indirect\nrequire example.com/b v1.0.0\n")},
			files:   map[string]string{"go.mod": goModN("// sorted\nrequire (\n\texample.com/b v1.0.0\n\texample.com/a v1.0.0\n)\n")},
			changes: nil, reason: "no module changes since 0123456789ab",
		},
		{
			name:  "replaced",
			base:  map[string]string{"go.mod": goModN("require example.com/a v1.0.0\nrequire example.com/b v1.0.0\n\nreplace example.com/b v1.0.0 => example.com/fork v1.0.0\n")},
			files: map[string]string{"go.mod": goModN("require example.com/a v1.0.0\nrequire example.com/b v1.1.0\n\nreplace example.com/a => example.com/fork v1.2.0\n")},
			changes: []string{
				`direct replaced example.com/a "v1.0.0" "v1.0.0 => example.com/fork@v1.2.0"`,
				`direct replaced example.com/b "v1.0.0 => example.com/fork@v1.0.0" "v1.1.0"`,
			},
			findings: []string{"deps/replace-added go.mod:8 example.com/a"},
			says:     "this change replaces example.com/a by example.com/fork@v1.2.0",
		},
		{
			name:     "a replacement altered, and a lowered requirement that it hides",
			base:     map[string]string{"go.mod": goModN("require example.com/a v1.1.0\nrequire example.com/b v1.1.0\nreplace example.com/a => ../a\nreplace example.com/b => example.com/fork v1.0.0\n")},
			files:    map[string]string{"go.mod": goModN("require example.com/a v1.0.0\nrequire example.com/b v1.1.0\nreplace example.com/a => ../a\nreplace example.com/b v1.1.0 => example.com/fork v1.1.0\n")},
			changes:  []string{`direct downgraded example.com/a "v1.1.0 => ../a" "v1.0.0 => ../a"`, `direct replaced example.com/b "v1.1.0 => example.com/fork@v1.0.0" "v1.1.0 => example.com/fork@v1.1.0"`},
			findings: []string{"deps/replace-added go.mod:8 example.com/b@v1.1.0"},
			says:     "this change replaces example.com/b@v1.1.0 by example.com/fork@v1.1.0, before it was example.com/b by example.com/fork@v1.0.0",
		},
		{
			name:   "replacements that are allowed, of this repository, or removed",
			base:   map[string]string{"go.mod": goModN("replace example.com/old => ../old\n"), "sub/go.mod": "module example.com/m/sub\n\ngo 1.21\n"},
			files:  map[string]string{"go.mod": goModN("replace example.com/ok/x => ../x\nreplace example.com/m/sub => ./sub\n"), "sub/go.mod": "module example.com/m/sub\n\ngo 1.21\n"},
			policy: config.Dependencies{ReplaceAllow: []string{"example.com/ok"}},
			reason: "no module changes since 0123456789ab",
		},
		{
			name:     "go raised and toolchain added",
			base:     map[string]string{"go.mod": "module example.com/m\n\ngo 1.24.0\n"},
			files:    map[string]string{"go.mod": "module example.com/m\n\ngo 1.25.1\n\ntoolchain go1.26.2\n"},
			findings: []string{"deps/go-raised go.mod:3", "deps/toolchain-changed go.mod:5"},
			says:     "from 1.24.0 to 1.25.1: everybody who builds or requires this module needs Go 1.25.1",
		},
		{
			name:     "no go line before",
			base:     map[string]string{"go.mod": "module example.com/m\n"},
			files:    map[string]string{"go.mod": "module example.com/m\n\ngo 1.20\n"},
			findings: []string{"deps/go-raised go.mod:3"},
			says:     "from 1.16 (without a line) to 1.20",
		},
		{
			name:   "the same release in other words, and a lowered one",
			base:   map[string]string{"go.mod": "module example.com/m\n\ngo 1.24\n", "n/go.mod": "module example.com/n\n\ngo 1.25.0\n"},
			files:  map[string]string{"go.mod": "module example.com/m\n\ngo 1.24.0\n", "n/go.mod": "module example.com/n\n\ngo 1.24.0\n"},
			reason: "no module changes since 0123456789ab",
		},
		{
			name:     "the go line takes the place of the toolchain line",
			base:     map[string]string{"go.mod": "module example.com/m\n\ngo 1.24.0\n\ntoolchain go1.25.1\n"},
			files:    map[string]string{"go.mod": "module example.com/m\n\ngo 1.25.1\n"},
			findings: []string{"deps/go-raised go.mod:3"},
		},
		{
			name:     "the toolchain line removed",
			base:     map[string]string{"go.mod": "module example.com/m\n\ngo 1.24.0\n\ntoolchain go1.25.1\n"},
			files:    map[string]string{"go.mod": "module example.com/m\n\ngo 1.24.0\n"},
			findings: []string{"deps/toolchain-changed go.mod:3"},
			says:     "this change removes the toolchain line, which was go1.25.1",
		},
		{
			name:     "the toolchain line altered",
			base:     map[string]string{"go.mod": "module example.com/m\n\ngo 1.24.0\n\ntoolchain go1.25.1\n"},
			files:    map[string]string{"go.mod": "module example.com/m\n\ngo 1.24.0\n\ntoolchain go1.25.2\n"},
			findings: []string{"deps/toolchain-changed go.mod:5"},
			says:     "this change alters the toolchain line from go1.25.1 to go1.25.2",
		},
		{
			name:     "many downgrades are one finding",
			base:     map[string]string{"go.mod": manyV2},
			files:    map[string]string{"go.mod": manyV1},
			findings: []string{"deps/downgraded go.mod:5"},
			says:     "this change lowers 11 module versions, first: example.com/m00 from v1.2.0 to v1.1.0",
			changes: func() (want []string) {
				for i := range maxDowngraded + 1 {
					want = append(want, fmt.Sprintf(`direct downgraded example.com/m%02d "v1.2.0" "v1.1.0"`, i))
				}
				return want
			}(),
		},
		{
			name:     "a new module",
			base:     map[string]string{"go.sum": ""},
			files:    map[string]string{"go.mod": goModN("toolchain go1.25.1\nrequire example.com/a v1.0.0\nrequire example.com/b v1.0.0 // indirect\nreplace example.com/a => ../a\n")},
			changes:  []string{`direct added example.com/a "" "v1.0.0 => ../a"`},
			findings: []string{"deps/replace-added go.mod:8 example.com/a"},
		},
		{
			name: "the same change in two modules",
			base: map[string]string{
				"go.mod": goModN("require example.com/a v1.0.0\n"), "n/go.mod": "module example.com/n\n\ngo 1.21\n\nrequire example.com/a v1.0.0 // indirect\n",
			},
			files: map[string]string{
				"go.mod": goModN("require example.com/a v1.1.0\n"), "n/go.mod": "module example.com/n\n\ngo 1.21\n\nrequire example.com/a v1.1.0 // indirect\n",
			},
			changes: []string{`direct upgraded example.com/a "v1.0.0" "v1.1.0"`},
			reason:  "1 upgraded since 0123456789ab",
		},
		{
			name: "one directory, named in three ways",
			base: map[string]string{
				"go.mod":     goModN("require example.com/m/lib v1.0.0\nreplace example.com/m/lib => ./lib\n"),
				"n/go.mod":   "module example.com/m/n\n\ngo 1.21\n\nrequire example.com/m/lib v1.0.0\nreplace example.com/m/lib => ../lib\n",
				"n/o/go.mod": "module example.com/m/n/o\n\ngo 1.21\n\nrequire example.com/m v1.0.0\nreplace example.com/m => ../..\n",
				"lib/go.mod": "module example.com/m/lib\n\ngo 1.21\n",
			},
			files: map[string]string{
				"go.mod":     goModN("require example.com/m/lib v1.1.0\nreplace example.com/m/lib => ./lib\n"),
				"n/go.mod":   "module example.com/m/n\n\ngo 1.21\n\nrequire example.com/m/lib v1.1.0\nreplace example.com/m/lib => ../lib/\n",
				"n/o/go.mod": "module example.com/m/n/o\n\ngo 1.21\n\nrequire example.com/m v1.1.0\nreplace example.com/m => ../../\n",
				"lib/go.mod": "module example.com/m/lib\n\ngo 1.21\n",
			},
			changes: []string{
				`direct upgraded example.com/m "v1.0.0 => ./" "v1.1.0 => ./"`,
				`direct upgraded example.com/m/lib "v1.0.0 => ./lib" "v1.1.0 => ./lib"`,
			},
			reason: "2 upgraded since 0123456789ab",
		},
		{
			name: "a workspace",
			base: map[string]string{"go.mod": goModN(""), "go.work": "go 1.21\n\nuse .\n"},
			files: map[string]string{
				"go.mod": goModN(""), "go.work": "go 1.23\n\nuse .\n\nreplace example.com/a => ../a\n",
			},
			findings: []string{"deps/go-raised go.work:1", "deps/replace-added go.work:5 example.com/a"},
			says:     "from 1.21 to 1.23: every build in this workspace needs Go 1.23",
		},
		{
			name:   "a workspace that does not parse at the base",
			base:   map[string]string{"go.mod": goModN(""), "go.work": "go 1.21\n\nuse\nnonsense\n"},
			files:  map[string]string{"go.mod": goModN(""), "go.work": "go 1.23\n\nuse .\n"},
			reason: "no module changes since 0123456789ab; go.work: it does not parse at the base 0123456789ab: go.work:3: usage: use local/dir",
		},
		{
			name:     "a new workspace",
			base:     map[string]string{"go.mod": goModN("")},
			files:    map[string]string{"go.mod": goModN(""), "go.work": "go 1.23\n\ntoolchain go1.25.1\n\nuse .\n\nreplace example.com/a => ../a\n"},
			findings: []string{"deps/replace-added go.work:7 example.com/a"},
		},
		{
			name:    "before pruning, without the module graph",
			base:    map[string]string{"go.mod": "module example.com/m\n\ngo 1.16\n\nrequire example.com/a v1.0.0\nrequire example.com/c v1.0.0 // indirect\nrequire example.com/d v1.0.0 // indirect\n"},
			files:   map[string]string{"go.mod": "module example.com/m\n\ngo 1.16\n\nrequire example.com/a v1.1.0\nrequire example.com/b v1.0.0 // indirect\nrequire example.com/d v1.2.0 // indirect\n"},
			changes: []string{`direct upgraded example.com/a "v1.0.0" "v1.1.0"`, `upgraded example.com/d "v1.0.0" "v1.2.0"`},
			reason:  "2 upgraded (of the requirements in go.mod alone, because the module graph cannot be read here) since 0123456789ab",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := filesSession(t, tt.files)
			s.Config.Dependencies = tt.policy
			s.Base = baseOf(tt.base)
			facts, findings, err := runDeps(t.Context(), s)
			if err != nil {
				t.Fatal(err)
			}
			if got := told(findings); !slices.Equal(got, tt.findings) {
				t.Errorf("findings\n%q, want\n%q", got, tt.findings)
			}
			if got := toldChanges(facts.Changes); !slices.Equal(got, tt.changes) {
				t.Errorf("changes\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tt.changes, "\n"))
			}
			if len(findings) == 0 && facts.Summary != tt.reason {
				t.Errorf("reason %q, want %q", facts.Summary, tt.reason)
			}
			if tt.says != "" && !slices.ContainsFunc(findings, func(f Finding) bool { return strings.Contains(f.Message, tt.says) }) {
				t.Errorf("no message says %q: %v", tt.says, findings)
			}
			for _, m := range facts.Modules {
				if m.err != nil {
					t.Errorf("%s: %v", m.Dir, m.err)
				}
			}
		})
	}
}

// A repository that goes to another release as a whole is one finding for each
// kind of line, at its first file, unless the policy accepts it for some.
func TestDepsSameInManyFiles(t *testing.T) {
	t.Parallel()
	base, files := map[string]string{}, map[string]string{}
	for _, dir := range []string{"", "a/", "b/", "c/"} {
		base[dir+"go.mod"] = "module example.com/m/" + dir + "x\n\ngo 1.24.0\n"
		files[dir+"go.mod"] = "module example.com/m/" + dir + "x\n\ngo 1.25.0\n\ntoolchain go1.26.2\n"
	}
	s := filesSession(t, files)
	s.Base = baseOf(base)
	_, findings, err := runDeps(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := told(findings), []string{"deps/go-raised go.mod:3", "deps/toolchain-changed go.mod:5"}; !slices.Equal(got, want) {
		t.Fatalf("findings %q, want %q", got, want)
	}
	if got, want := findings[1].Message, "this change adds the toolchain line go1.26.2 (the same in 3 more files)"; got != want {
		t.Errorf("message %q, want %q", got, want)
	}
	if got, want := findings[1].Evidence, []string{"go.mod:5", "a/go.mod:5", "b/go.mod:5", "c/go.mod:5"}; !slices.Equal(got, want) {
		t.Errorf("evidence %q, want %q", got, want)
	}

	s.Config.Exceptions = []config.Exception{{Rule: "deps/go-raised", File: "a/go.mod", Reason: "a tool"}}
	_, findings, err = runDeps(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{ // sorted
		"deps/go-raised a/go.mod:3", "deps/go-raised b/go.mod:3", "deps/go-raised c/go.mod:3",
		"deps/go-raised go.mod:3", "deps/toolchain-changed go.mod:5",
	}
	if got := told(findings); !slices.Equal(got, want) {
		t.Errorf("with an exception: findings %q, want %q", got, want)
	}
}

// What cannot be found out leaves a run as it is, and is said.
func TestDepsUnanswered(t *testing.T) {
	t.Parallel()
	good := map[string]string{"go.mod": goModN("")}
	for _, tt := range []struct {
		name  string
		base  *Base
		files map[string]string
		want  Status
		says  string
	}{
		{"no base", nil, good, Skipped, "why there is none"},
		{"a broken go.mod at the base", baseOf(map[string]string{"go.mod": "modul\n"}), good, Skipped, "it does not parse at the base 0123456789ab: go.mod:1: unknown directive: modul"},
		{"versions that are none at the base", baseOf(map[string]string{"go.mod": goModN("require example.com/a main\n")}), good, Skipped, "does not parse at the base"},
		{
			"a base that cannot be read",
			&Base{Commit: baseCommit, ReadFile: func(context.Context, string) ([]byte, error) { return nil, errors.New("not a regular file") }},
			good, Skipped, "it cannot be read at the base 0123456789ab: not a regular file",
		},
		{"a broken go.mod now", baseOf(good), map[string]string{"go.mod": "modul\n"}, Blocked, "blocked by gomod/syntax"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := filesSession(t, tt.files)
			s.Base, s.NoBase = tt.base, "why there is none"
			r := &Runner{Checks: []*Check{gomod, deps}, Redactor: plain.NewRedactor(nil)}
			results, _, changes := r.Run(t.Context(), s)
			got := results[1]
			if got.Status != tt.want || !strings.Contains(got.Reason, tt.says) {
				t.Errorf("%s: %s, want %s with %q", got.Status, got.Reason, tt.want, tt.says)
			}
			if len(got.Findings) > 0 || len(changes) > 0 {
				t.Errorf("findings %v, changes %v", got.Findings, changes)
			}
		})
	}
}

// Where one of several modules has no answer, the others' stands and says so.
func TestDepsPartly(t *testing.T) {
	t.Parallel()
	s := filesSession(t, map[string]string{
		"go.mod": goModN("require example.com/a v1.0.0\n"), "n/go.mod": "module example.com/n\n\ngo 1.21\n",
	})
	s.Base = baseOf(map[string]string{"go.mod": goModN(""), "n/go.mod": "modul\n"})
	rep := runFakes(t, s, deps)
	if got, want := rep.Results[0].Reason, "1 added since 0123456789ab; in 1 of 2 modules"; got != want || rep.Results[0].Status != Passed {
		t.Errorf("%s: %q, want %q", rep.Results[0].Status, got, want)
	}
	if rep.Verdict != Pass {
		t.Errorf("verdict %s, want %s", rep.Verdict, Pass)
	}
}

// One line is reported once: what check policy says of it counts, and what an
// exception accepts there is accepted here.
func TestDepsAfterPolicy(t *testing.T) {
	t.Parallel()
	files := map[string]string{"go.mod": goModN("replace example.com/a => ../a\n\nreplace example.com/b => ./b\n"), "b/go.mod": "module example.com/fork\n\ngo 1.21\n"}
	base := map[string]string{"go.mod": goModN(""), "b/go.mod": files["b/go.mod"]}
	for _, tt := range []struct {
		name       string
		exceptions []config.Exception
		want       []string
	}{
		{"an error there, a notice here", nil, []string{
			"policy/replace-outside go.mod:5 example.com/a", "policy/replace-local go.mod:7 example.com/b",
			"deps/replace-added go.mod:7 example.com/b",
		}},
		{"accepted", []config.Exception{{Rule: "policy/replace-local", Module: "example.com/b", Reason: "ours"}}, []string{
			"policy/replace-outside go.mod:5 example.com/a", "policy/replace-local go.mod:7 example.com/b",
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := filesSession(t, files)
			s.Base, s.Config.Exceptions = baseOf(base), tt.exceptions
			rep := runFakes(t, s, policy, deps)
			var got []string
			for _, f := range rep.Findings {
				got = append(got, f.Rule+" "+f.Place()+" "+f.Module)
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got\n%q, want\n%q", got, tt.want)
			}
		})
	}
}

// Changes come to a report as text that can be shown, and no more than it holds.
func TestDepsHostile(t *testing.T) {
	t.Parallel()
	var many strings.Builder
	for i := range maxChanges + 1 {
		fmt.Fprintf(&many, "require example.com/m%04d v1.0.0\n", i)
	}
	s := filesSession(t, map[string]string{"go.mod": goModN(many.String() + "replace example.com/m0000 => \"./a \u202eb ghp_" + strings.Repeat("a1B2", 9) + "\"\n")})
	s.Base = baseOf(map[string]string{"go.mod": goModN("")})
	rep := runFakes(t, s, deps)
	if got := len(rep.ModuleChanges); got != maxChanges {
		t.Errorf("%d changes, want %d", got, maxChanges)
	}
	if got, want := rep.ModuleChanges[0].New, "v1.0.0 => ./a b xxxxx"; got != want {
		t.Errorf("replacement %q, want %q", got, want)
	}
	if rep.ModuleChanges[0].By == nil {
		t.Error("by is null in JSON")
	}
	if got := rep.Results[0].Facts["added"]; fmt.Sprint(got) != fmt.Sprint(maxChanges+1) {
		t.Errorf("%v added, want all %d counted", got, maxChanges+1)
	}
}

// A run that is stopped has no answer, which is not the same as no base.
func TestDepsCancelled(t *testing.T) {
	t.Parallel()
	s := filesSession(t, map[string]string{"go.mod": goModN("")})
	ctx, cancel := context.WithCancelCause(t.Context())
	stop := errors.New("stop")
	s.Base = &Base{Commit: baseCommit, ReadFile: func(ctx context.Context, _ string) ([]byte, error) {
		cancel(stop)
		return nil, context.Cause(ctx)
	}}
	facts, _, err := runDeps(ctx, s)
	if err != nil || !errors.Is(facts.Modules[0].err, stop) {
		t.Errorf("error %v, module's %v, want the module's %v", err, facts.Modules[0].err, stop)
	}
}
