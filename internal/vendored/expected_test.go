package vendored

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/module"
)

// healthy is a go.mod and what go mod vendor makes of it; internal/vendortree
// holds Expected against the real one.
var healthy = map[string]string{
	"go.mod": `module example.com/m

go 1.21

require (
	example.com/a v1.0.0
	example.com/b v1.0.0
	example.com/c v1.0.0
)

replace (
	example.com/b => ./b
	example.com/unused v1.0.0 => example.com/fork v1.0.0
)
`,
	"vendor/modules.txt": `# example.com/a v1.0.0
## explicit; go 1.18
example.com/a
example.com/a/b
# example.com/b v1.0.0 => ./b
## explicit; go 1.20
example.com/b
# example.com/c v1.0.0
## explicit
# example.com/b => ./b
# example.com/unused v1.0.0 => example.com/fork v1.0.0
`,
}

// goLines are those of the modules; of example.com/c nothing is known.
var goLines = map[string]string{"example.com/a": "1.18", "example.com/b": "1.20"}

func TestCompare(t *testing.T) {
	t.Parallel()
	text := healthy["vendor/modules.txt"]
	for _, tt := range []struct{ name, old, new, want string }{
		{name: "nothing"},
		{name: "carriage returns", old: "\n", new: "\r\n"},
		{name: "a blank line", old: "# example.com/c", new: "\n# example.com/c"},
		{name: "go line", old: "go 1.18", new: "go 1.23", want: `2 "## explicit; go 1.23" "## explicit; go 1.18" example.com/a@v1.0.0 go`},
		{name: "go line gone", old: "; go 1.18", want: `2 "## explicit" "## explicit; go 1.18" example.com/a@v1.0.0 go`},
		{
			name: "both go lines", old: "explicit; go 1.", new: "explicit; go 1.1",
			want: `2 "## explicit; go 1.118" "## explicit; go 1.18" example.com/a@v1.0.0 go, 6 "## explicit; go 1.120" "## explicit; go 1.20" example.com/b@v1.0.0 go`,
		},
		{name: "a go line that nobody knows", old: "v1.0.0\n## explicit\n", new: "v1.0.0\n## explicit; go 1.4\n"},
		{name: "order of packages", old: "example.com/a\nexample.com/a/b\n", new: "example.com/a/b\nexample.com/a\n", want: `3 "example.com/a/b" "example.com/a" example.com/a@v1.0.0`},
		{name: "a package twice", old: "example.com/a/b\n", new: "example.com/a/b\nexample.com/a/b\n", want: `5 "example.com/a/b" "# example.com/b v1.0.0 => ./b" example.com/b@v1.0.0`},
		{name: "a module for nothing", old: "# example.com/c", new: "# example.com/bb v1.0.0\n# example.com/c", want: `8 "# example.com/bb v1.0.0" "# example.com/c v1.0.0" example.com/c@v1.0.0`},
		{name: "an explicit module gone", old: "# example.com/c v1.0.0\n## explicit\n", want: `8 "# example.com/b => ./b" "# example.com/c v1.0.0" example.com/c@v1.0.0`},
		{name: "a replacement gone", old: "# example.com/unused v1.0.0 => example.com/fork v1.0.0\n", want: `10 "" "# example.com/unused v1.0.0 => example.com/fork v1.0.0" example.com/unused@v1.0.0`},
		{name: "a line too many", old: "fork v1.0.0\n", new: "fork v1.0.0\n# example.com/z v1.0.0\n", want: `12 "# example.com/z v1.0.0" "" example.com/unused@v1.0.0`},
		{name: "a replacement repeated, as Go 1.21 does", old: "# example.com/unused", new: "# example.com/b v1.0.0 => ./b\n# example.com/unused"},
		{name: "a workspace's", old: "# example.com/a v", new: "## workspace\n# example.com/a v", want: `1 "## workspace" "# example.com/a v1.0.0" example.com/a@v1.0.0`},
	} {
		changed := strings.ReplaceAll(text, tt.old, tt.new)
		if tt.name == "nothing" {
			changed = text
		}
		f, err := Parse([]byte(changed))
		if err != nil {
			t.Fatal(err)
		}
		mains, _ := load(t, healthy)
		var got []string
		for _, d := range f.Compare(f.Expected(mains, nil, "1.21", func(v module.Version) (string, bool) { g, ok := goLines[v.Path]; return g, ok })) {
			line := fmt.Sprintf("%d %q %q %s", d.Line, d.Is, d.Want, describe(d.Module))
			if d.GoVersion {
				line += " go"
			}
			got = append(got, line)
		}
		if got := strings.Join(got, ", "); got != tt.want {
			t.Errorf("%s:\ngot  %s\nwant %s", tt.name, got, tt.want)
		}
	}
}

// TestExpectedWorkspace: replacements as seen from go.work, and go lines of main
// modules.
func TestExpectedWorkspace(t *testing.T) {
	t.Parallel()
	files := map[string]string{
		"go.work":  "go 1.22\n\nuse ./x\n\nuse ./y\n\nreplace example.com/b => ./forks/b\n",
		"x/go.mod": "module example.com/x\n\ngo 1.21\n\nrequire example.com/a v1.0.0\n\nreplace example.com/a => ../forks/a\n",
		"y/go.mod": "module example.com/y\n\ngo 1.22\n\nrequire (\n\texample.com/x v1.0.0\n\texample.com/a v1.1.0\n)\n",
	}
	f, err := Parse([]byte("## workspace\n# example.com/a v1.1.0 => ./forks/a\n## explicit; go 1.20\nexample.com/a\n"))
	if err != nil {
		t.Fatal(err)
	}
	mains, work := load(t, files)
	var got []string
	for _, l := range f.Expected(mains, work, "1.22", func(module.Version) (string, bool) { return "1.20", true }) {
		got = append(got, l.Text)
	}
	want := []string{
		"## workspace",
		"# example.com/a v1.0.0 => ./forks/a", "## explicit; go 1.20",
		"# example.com/a v1.1.0 => ./forks/a", "## explicit; go 1.20", "example.com/a",
		"# example.com/x v1.0.0", "## explicit; go 1.21",
		"# example.com/b => ./forks/b", "# example.com/a => ./forks/a",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
