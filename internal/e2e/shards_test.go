//go:build unix

package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gopreflight/gopreflight/checks"
)

// shardsRepo is a workspace of three modules, two of which build from the first,
// and six modules that stand alone, most of them with the same dependencies.
const shardsRepo = `
-- go.work --
go 1.21

use (
	./ws/a
	./ws/b
	./ws/c
)
-- ws/a/go.mod --
module example.org/many/a

go 1.21

require example.com/lib v1.0.0
-- ws/a/a.go --
package a

import "example.com/lib"

const Name = "a with " + lib.Name
-- ws/b/go.mod --
module example.org/many/b

go 1.21

require example.org/many/a v0.0.0

replace example.org/many/a => ../a
-- ws/b/b.go --
package b

import "example.org/many/a"

const Name = "b with " + a.Name
-- ws/c/go.mod --
module example.org/many/c

go 1.21
-- ws/c/c.go --
package c

import "example.org/many/a"

const Name = "c with " + a.Name
-- ws/c/more.go --
package c
-- one/go.mod --
module example.org/many/one

go 1.21

require example.com/lib v1.1.0
-- one/m.go --
package one

import _ "example.com/lib"
-- two/go.mod --
module example.org/many/two

go 1.21

require example.com/dep v1.0.0

require example.com/lib v1.1.0 // indirect
-- two/m.go --
package two

import _ "example.com/dep"
-- two/more.go --
package two
-- three/go.mod --
module example.org/many/three

go 1.21

require example.com/other v1.1.0
-- three/m.go --
package three

import _ "example.com/other"
-- four/go.mod --
module example.org/many/four

go 1.21
-- four/m.go --
package four
-- five/go.mod --
module example.org/many/five

go 1.21

require example.com/lib v1.1.0
-- five/m.go --
package five

import _ "example.com/lib"
-- six/go.mod --
module example.org/many/six

go 1.21

require example.com/lib v1.0.0
-- six/m.go --
package six

import _ "example.com/lib"
`

// faultyShards are the faults that shards have to tell as one run does.
var faultyShards = []struct {
	name string
	// spoil alters the machine or its repository, which is committed then.
	spoil func(m *machine)
	// args are those of every run, beside --skip proxy.
	args []string
	// findings are those of the whole run, as "RULE DIR".
	findings []string
	code     int
}{
	{
		name: "healthy",
	},
	{
		// A compile error of which two other modules are made, in a workspace; a module
		// that is not tidy; one that lacks a line of go.sum; exceptions of which one
		// has its finding in a single module, and one nowhere.
		name: "faults of modules",
		spoil: func(m *machine) {
			m.files("-- ws/a/wrong.go --\npackage a\n\nvar Wrong int = \"text\"\n" +
				"-- four/go.mod --\nmodule example.org/many/four\n\ngo 1.21\n\nrequire example.com/lib v1.0.0\n" +
				"-- six/go.mod --\nmodule example.org/many/six\n\ngo 1.22\n\nrequire example.com/lib v1.1.0\n" +
				"-- .gopreflight.yml --\nversion: 1\nexceptions:\n  - {rule: tidy/unused-require, module: example.com/lib, reason: known}\n" +
				"  - {rule: build/import, module: example.com/none, reason: nothing has it}\n")
			m.mustRun("go", "-C", "six", "mod", "tidy")
			m.edit("five/go.sum", func(lines []string) []string { return lines[:1] })
		},
		args: []string{"--base", "HEAD~1"}, code: 1,
		findings: []string{
			"gosum/missing five", "tidy/unused-require four", "policy/exception-unused ", "deps/go-raised six",
			"build/compile ws/a",
		},
	},
	{
		// The same bump in most files, which is one finding.
		name: "another release",
		spoil: func(m *machine) {
			for _, name := range []string{"ws/a", "ws/b", "one", "three", "four"} {
				m.edit(name+"/go.mod", func(lines []string) []string {
					lines[2] = "go 1.22\n"
					return lines
				})
			}
			m.edit("go.work", func(lines []string) []string {
				lines[0] = "go 1.22\n"
				return lines
			})
		},
		args:     []string{"--base", "HEAD~1"},
		findings: []string{"deps/go-raised ", "deps/go-raised four"},
	},
	{
		// It keeps every module from being built, also those that do without it.
		name: "a shared dependency was tampered with",
		spoil: func(m *machine) {
			name := filepath.Join(m.home, ".home", "mod", "example.com", "lib@v1.1.0", "lib.go")
			if err := errors.Join(os.Chmod(name, 0o644), os.WriteFile(name, []byte("package lib\n\nconst Name = \"evil\"\n"), 0o644)); err != nil {
				m.Fatal(err)
			}
			m.files("-- four/wrong.go --\npackage four\n\nvar Wrong int = \"text\"\n")
		},
		code:     1,
		findings: []string{"modcache/tree-modified "},
	},
	{
		// Each shard holds the lines of its own modules against the database.
		name: "go.sum against the checksum database",
		spoil: func(m *machine) {
			m.edit("three/go.sum", func(lines []string) []string {
				lines[0] = strings.Replace(lines[0], "h1:", "h1:AAAAAAAA", 1)
				at := strings.Index(lines[0], "h1:AAAAAAAA") + len("h1:AAAAAAAA")
				lines[0] = lines[0][:at] + lines[0][at+8:]
				return lines
			})
			m.edit("six/go.sum", func(lines []string) []string {
				return append(lines[:len(lines)-1], "example.net/unknown v1.0.0 h1:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n")
			})
		},
		args: []string{"--base", "HEAD~1"}, code: 1,
		findings: []string{"gosum/database-mismatch three", "gosum/database-unknown six", "modcache/gosum-mismatch "},
	},
	{
		// What go.mod of one module says keeps it and its siblings from being built.
		name: "a go.mod that does not parse",
		spoil: func(m *machine) {
			m.files("-- ws/a/go.mod --\nmodule example.org/many/a\n\ngo 1.21\n\nrequires x\n")
		},
		code:     1,
		findings: []string{"gomod/syntax ws/a", "build/environment ws/b", "build/environment ws/c"},
	},
	{
		// One cause that every module meets, and that only the attribution tells, once.
		name: "no network and a cold cache",
		spoil: func(m *machine) {
			m.set("GOMODCACHE="+filepath.Join(m.home, "cold"), "GOPROXY=http://127.0.0.1:1")
		},
		code:     1,
		findings: []string{"build/environment five"},
	},
}

// TestShardsJoin: however many shards a run is divided into, their reports join
// to the one of a single run, but for times.
func TestShardsJoin(t *testing.T) {
	for _, tt := range faultyShards {
		t.Run(tt.name, func(t *testing.T) {
			m := newMachine(t, "")
			for _, name := range m.files(shardsRepo) {
				// Tidy has no answer in c: only the workspace has what it imports.
				if dir := filepath.Dir(name); filepath.Base(name) == "go.mod" && filepath.Base(dir) != "c" {
					m.mustRun("go", "-C", dir, "mod", "tidy")
				}
			}
			m.commit()
			m.mustRun("gopreflight", "--quiet", "--skip", "proxy") // fills the caches
			if tt.spoil != nil {
				tt.spoil(m)
				m.mustRun("git", "add", ".")
				m.mustRun("git", "commit", "-q", "--allow-empty", "-m", "spoilt")
			}
			want, code := m.report(m.command("gopreflight", append(tt.args, "--skip", "proxy", "--format", "json")...))
			if code != tt.code {
				t.Errorf("the whole run: exit %d, want %d", code, tt.code)
			}
			var findings []string
			for res, f := range want.Findings {
				if res.Check != "host" {
					findings = append(findings, f.Rule+" "+f.Dir)
				}
			}
			if fmt.Sprint(findings) != fmt.Sprint(tt.findings) {
				t.Errorf("the whole run finds %q, want %q", findings, tt.findings)
			}
			for _, n := range []int{1, 3, 7, 12} { // with 12 there are shards without a module
				got, code := m.joined(n, tt.args)
				if code != tt.code {
					t.Errorf("%d shards: exit %d, want %d", n, code, tt.code)
				}
				if text, wanted := timeless(t, got), timeless(t, want); text != wanted {
					t.Errorf("%d shards:\n%s", n, firstDifference(text, wanted))
				}
			}
		})
	}
}

// joined runs n shards and joins their reports.
func (m *machine) joined(n int, args []string) (*checks.Report, int) {
	m.Helper()
	dir := filepath.Join(m.home, fmt.Sprint("shards", n))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		m.Fatal(err)
	}
	for i := range n {
		name := filepath.Join(dir, fmt.Sprintf("%d.json", i))
		cmd := m.command("gopreflight", append(args, "--skip", "proxy", "--shard", fmt.Sprintf("%d/%d", i+1, n), "--format", "json="+name, "--quiet")...)
		var exit *exec.ExitError
		if out, err := cmd.CombinedOutput(); err != nil && (!errors.As(err, &exit) || exit.ExitCode() == 2) {
			m.Fatalf("shard %d of %d: %v\n%s", i+1, n, err, out)
		}
	}
	return m.report(m.command("gopreflight", "report", "--from", dir, "--format", "json"))
}

// edit changes the lines of a file of the repository.
func (m *machine) edit(name string, change func([]string) []string) {
	m.Helper()
	name = filepath.Join(m.repo, filepath.FromSlash(name))
	data, err := os.ReadFile(name)
	if err != nil {
		m.Fatal(err)
	}
	lines := change(strings.SplitAfter(string(data), "\n"))
	if err := os.WriteFile(name, []byte(strings.Join(lines, "")), 0o644); err != nil {
		m.Fatal(err)
	}
}

// timeless is a report without what differs from run to run: times, the free space
// that check host saw, and how much each run found in a build cache that grows.
func timeless(t *testing.T, r *checks.Report) string {
	t.Helper()
	r.StartedAt, r.DurationMs = time.Time{}, 0
	for i := range r.Results {
		res := &r.Results[i]
		res.StartMs, res.DurationMs = 0, 0
		if res.Check == "host" || res.Check == "buildcache" {
			res.Reason, res.Facts = "", nil
		}
	}
	for i := range r.Chain {
		if l := &r.Chain[i]; l.Link == "buildcache" {
			l.Total = 0
		}
	}
	data, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// firstDifference is where two texts part, with some lines before it.
func firstDifference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range g {
		if i >= len(w) || g[i] != w[i] {
			near := func(lines []string) string { return strings.Join(lines[max(0, i-12):min(len(lines), i+6)], "\n") }
			return "got\n" + near(g) + "\nwant\n" + near(w)
		}
	}
	return "got less:\n" + strings.Join(w[len(g):], "\n")
}
