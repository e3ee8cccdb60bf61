package checks

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gopreflight/gopreflight/internal/config"
	"github.com/gopreflight/gopreflight/internal/faultdoc"
	"github.com/gopreflight/gopreflight/internal/git"
	"github.com/gopreflight/gopreflight/internal/gocmd"
	"github.com/gopreflight/gopreflight/internal/goenv"
	"github.com/gopreflight/gopreflight/internal/repo"
)

// vendorModules are what the proxy of the vendor lab serves.
var vendorModules = map[string]map[string]string{
	"example.com/lib@v1.0.0": {
		"go.mod": "module example.com/lib\n\ngo 1.16\n", "LICENSE": "free\n", "README.md": "lib\n",
		"lib.go":      "package lib\n\nimport \"embed\"\n\n//go:embed text\nvar FS embed.FS\n\nfunc F() string { return \"lib\" + G() }\n",
		"more.go":     "package lib\n\nfunc G() string { return \"more\" }\n",
		"register.go": "package lib\n\nfunc init() {}\n",
		"text/a.txt":  "a\n", "lib_test.go": "package lib\n", "sub/sub.go": "package sub\n",
	},
	"example.com/lib@v1.1.0": {
		"go.mod": "module example.com/lib\n\ngo 1.16\n", "LICENSE": "free\n", "README.md": "lib\n",
		"lib.go":   "package lib\n\nimport \"embed\"\n\n//go:embed text\nvar FS embed.FS\n\nfunc F() string { return \"lib 1.1\" }\n",
		"more.go":  "package lib\n\nfunc G() string { return \"more 1.1\" }\n",
		"other.go": "package lib\n", "text/a.txt": "a 1.1\n", "sub/sub.go": "package sub\n",
	},
	"example.com/user@v1.0.0": {
		"go.mod": "module example.com/user\n\ngo 1.16\n\nrequire example.com/lib v1.0.0\n", "user.go": "package user\n\nimport _ \"example.com/lib\"\n",
	},
	"example.com/fork@v1.0.0":                {"go.mod": "module example.com/orig\n\ngo 1.21\n", "orig.go": "package orig\n\nfunc F() string { return \"fork\" }\n"},
	"github.com/Azure/Thing@v1.2.0":          {"go.mod": "module github.com/Azure/Thing\n\ngo 1.21\n", "thing.go": "package thing\n\nfunc F() string { return \"thing\" }\n"},
	"example.com/compat@v2.0.0+incompatible": {"compat.go": "package compat\n\nfunc F() string { return \"compat\" }\n"},
}

var vendorRepo = map[string]string{
	"go.mod": `module example.com/app

go 1.21

require (
	example.com/compat v2.0.0+incompatible
	example.com/lib v1.0.0
	example.com/local v0.0.0
	example.com/orig v1.0.0
	github.com/Azure/Thing v1.2.0
)

replace example.com/orig => example.com/fork v1.0.0

replace example.com/local => ./local
`,
	"app.go": `package app

import (
	"example.com/compat"
	"example.com/lib"
	"example.com/local"
	"example.com/orig"
	thing "github.com/Azure/Thing"
)

func F() string { return lib.F() + orig.F() + thing.F() + compat.F() + local.F() }
`,
	"local/go.mod": "module example.com/local\n\ngo 1.21\n", "local/local.go": "package local\n\nfunc F() string { return \"local\" }\n",
}

const (
	vendorLib = "example.com/lib@v1.0.0"
	libDir    = "vendor/example.com/lib/"
)

// newVendorLab builds a repository and vendors it.
func newVendorLab(t *testing.T) *cacheLab {
	t.Helper()
	return newLab(t, vendorModules, vendorRepo, "mod tidy", "mod vendor", "build ./...", "mod download")
}

// A vendorFault breaks one thing.
type vendorFault struct {
	name string
	do   func(t *testing.T, l *cacheLab)
	// policy changes the configuration, offline forbids the network.
	policy  func(c *config.Config)
	offline bool
	// want are the findings of modcache and vendor: rule, place, module.
	want []string
	link LinkState
	// blocked is the rule that keeps vendor from an answer.
	blocked string
	// build, verify and compare are what go build and go mod verify exit with, and
	// whether go mod vendor -o and a recursive comparison find a difference; -1
	// where the command cannot be asked.
	build, verify, compare int
	// says is how compare is told where it is more than yes or no.
	says string
	// mended is whether the fix of the first finding mends it.
	mended bool
}

var vendorFaults = []vendorFault{
	{name: "nothing", do: func(*testing.T, *cacheLab) {}, link: Consistent},
	{
		name: "a Go file edited",
		do: func(t *testing.T, l *cacheLab) {
			labWrite(t, l.at(libDir+"more.go"), "package lib\n\nfunc G() string { return \"evil\" }\n")
		},
		want: []string{"vendor/file-modified vendor/example.com/lib/more.go:3 " + vendorLib}, link: Broken, compare: 1, mended: true,
	},
	{
		name: "a Go file added, with an init function",
		do: func(t *testing.T, l *cacheLab) {
			labWrite(t, l.at(libDir+"zz.go"), "package lib\n\nfunc init() { println() }\n")
		},
		want: []string{"vendor/file-added vendor/example.com/lib/zz.go " + vendorLib}, link: Broken, compare: 1, mended: true,
	},
	{
		name: "a Go file removed that registers something",
		do:   func(t *testing.T, l *cacheLab) { labRemove(t, l.at(libDir+"register.go")) },
		want: []string{"vendor/file-missing vendor/modules.txt:6 " + vendorLib}, link: Broken, compare: 1, mended: true,
	},
	{
		name: "an embedded file edited",
		do:   func(t *testing.T, l *cacheLab) { labWrite(t, l.at(libDir+"text/a.txt"), "b\n") },
		want: []string{"vendor/file-modified vendor/example.com/lib/text/a.txt:1 " + vendorLib}, link: Broken, compare: 1, mended: true,
	},
	{
		name: "a file added that an embed pattern matches",
		do:   func(t *testing.T, l *cacheLab) { labWrite(t, l.at(libDir+"text/b.txt"), "b\n") },
		want: []string{"vendor/file-added vendor/example.com/lib/text/b.txt " + vendorLib}, link: Broken, compare: 1, mended: true,
	},
	{
		name: "a licence edited",
		do:   func(t *testing.T, l *cacheLab) { labWrite(t, l.at(libDir+"LICENSE"), "free\nnot so free\n") },
		want: []string{"vendor/data-modified vendor/example.com/lib/LICENSE:2 " + vendorLib}, link: Unproven, compare: 1, mended: true,
	},
	{
		name: "a licence removed",
		do:   func(t *testing.T, l *cacheLab) { labRemove(t, l.at(libDir+"LICENSE")) },
		want: []string{"vendor/data-missing vendor/modules.txt:6 " + vendorLib}, link: Unproven, compare: 1, mended: true,
	},
	{
		name: "a test and notes added",
		do: func(t *testing.T, l *cacheLab) {
			labWrite(t, l.at(libDir+"lib_test.go"), "package lib\n")
			labWrite(t, l.at(libDir+"testdata/x.go"), "package x\n")
		},
		want: []string{"vendor/data-added vendor/example.com/lib/lib_test.go " + vendorLib}, link: Unproven, compare: 1, mended: true,
	},
	{
		name: "another version under the right path",
		do:   func(t *testing.T, l *cacheLab) { l.vendorOther(t) },
		want: []string{"vendor/foreign-module vendor/modules.txt:4 " + vendorLib}, link: Broken, compare: 1, mended: true,
	},
	{
		name: "another version, and go.mod and modules.txt edited to fit",
		do: func(t *testing.T, l *cacheLab) {
			l.vendorOther(t)
			labEdit(t, l.at("go.mod"), "lib v1.0.0", "lib v1.1.0")
			labEdit(t, l.at("vendor/modules.txt"), "lib v1.0.0", "lib v1.1.0")
		},
		want: []string{"vendor/not-compared vendor/modules.txt:4 example.com/lib@v1.1.0"}, link: Unproven, verify: 0, compare: -1,
		says: "fails: missing go.sum entry",
	},
	{
		name: "modules.txt says another go line",
		do: func(t *testing.T, l *cacheLab) {
			labEdit(t, l.at("vendor/modules.txt"), "lib v1.0.0\n## explicit; go 1.16", "lib v1.0.0\n## explicit; go 1.22")
		},
		want: []string{"vendor/go-version-differs vendor/modules.txt:5 " + vendorLib}, link: Broken, compare: 1, mended: true,
	},
	{
		name: "modules.txt in another order",
		do: func(t *testing.T, l *cacheLab) {
			data := labRead(t, l.at("vendor/modules.txt"))
			first, rest, _ := strings.Cut(data, "# example.com/lib")
			labWrite(t, l.at("vendor/modules.txt"), "# example.com/lib"+rest+first)
		},
		want: []string{"vendor/modules-txt-differs vendor/modules.txt:1 example.com/compat@v2.0.0+incompatible"}, link: Consistent, compare: 1, mended: true,
	},
	{
		name: "patched, as the policy allows",
		do: func(t *testing.T, l *cacheLab) {
			labWrite(t, l.at(libDir+"more.go"), "package lib\n\nfunc G() string { return \"fixed\" }\n")
			labRemove(t, l.at(libDir+"LICENSE"))
		},
		policy: func(c *config.Config) {
			c.Vendor.Patched = []config.PatchedModule{{Module: "example.com/lib", Reason: "a fix", Line: 3}}
		},
		want: []string{"vendor/patched vendor/example.com/lib/more.go:3 " + vendorLib}, link: Unproven, compare: 1,
	},
	{
		name: "not patched, though the policy allows it",
		do:   func(*testing.T, *cacheLab) {},
		policy: func(c *config.Config) {
			c.Vendor.Patched = []config.PatchedModule{{Module: "example.com/l*", Reason: "a fix", Line: 3}, {Module: "example.com/none", Reason: "gone", Line: 4}}
		},
		want: []string{"vendor/patched-unused .gopreflight.yml:3", "vendor/patched-unused .gopreflight.yml:4"}, link: Consistent,
	},
	{
		name: "a replaced directory drifted",
		do: func(t *testing.T, l *cacheLab) {
			labWrite(t, l.at("local/local.go"), "package local\n\n// F is new.\nfunc F() string { return \"new\" }\n")
		},
		want: []string{"vendor/file-modified vendor/example.com/local/local.go:3 example.com/local@v0.0.0"}, link: Broken, compare: 1, mended: true,
	},
	{
		name: "a replaced module edited",
		do: func(t *testing.T, l *cacheLab) {
			labWrite(t, l.at("vendor/example.com/orig/orig.go"), "package orig\n\nfunc F() string { return \"orig\" }\n")
		},
		want: []string{"vendor/file-modified vendor/example.com/orig/orig.go:3 example.com/orig@v1.0.0"}, link: Broken, compare: 1, mended: true,
	},
	{
		name: "a module with capital letters edited",
		do: func(t *testing.T, l *cacheLab) {
			labWrite(t, l.at("vendor/github.com/Azure/Thing/thing.go"), "package thing\n\nfunc F() string { return \"evil\" }\n")
		},
		want: []string{"vendor/file-modified vendor/github.com/Azure/Thing/thing.go:3 github.com/Azure/Thing@v1.2.0"}, link: Broken, compare: 1,
	},
	{
		name: "a symbolic link to the same content",
		do: func(t *testing.T, l *cacheLab) {
			labRemove(t, l.at(libDir+"more.go"))
			labLink(t, filepath.Join(l.dir(vendorLib), "more.go"), l.at(libDir+"more.go"))
		},
		want: []string{"vendor/irregular vendor/example.com/lib/more.go " + vendorLib}, link: Broken, mended: true, says: "0, as it follows links",
	},
	{
		name: "line endings that git converted",
		do: func(t *testing.T, l *cacheLab) {
			for _, name := range []string{"lib.go", "README.md"} {
				file := l.at(libDir + name)
				labWrite(t, file, strings.ReplaceAll(labRead(t, file), "\n", "\r\n"))
			}
		},
		want: []string{"vendor/line-endings vendor/example.com/lib/README.md:1 " + vendorLib}, link: Unproven, compare: 1, mended: true,
	},
	{
		name: "documentation that a .gitignore keeps out",
		do: func(t *testing.T, l *cacheLab) {
			l.ignore(t, "*.md\n")
			labRemove(t, l.at(libDir+"README.md"))
		},
		link: Consistent, compare: 1, says: "1, a false alarm",
	},
	{
		name: "Go code that a .gitignore keeps out",
		do: func(t *testing.T, l *cacheLab) {
			l.ignore(t, "register*\n")
			labRemove(t, l.at(libDir+"register.go"))
		},
		want: []string{"vendor/ignored-by-git vendor/modules.txt:6 " + vendorLib}, link: Consistent, compare: 1,
	},
	{
		name: "a package that nothing imports",
		do: func(t *testing.T, l *cacheLab) {
			labWrite(t, l.at(libDir+"sub/sub.go"), "package sub\n")
			labEdit(t, l.at("vendor/modules.txt"), "example.com/lib\n", "example.com/lib\nexample.com/lib/sub\n")
		},
		want: []string{"vendor/stale-package vendor/modules.txt:7 " + vendorLib}, link: Consistent, compare: 1, mended: true,
	},
	{
		name: "an import that is not vendored",
		do: func(t *testing.T, l *cacheLab) {
			labWrite(t, l.at("app_plan9.go"), "package app\n\nimport _ \"example.com/lib/sub\"\n")
		},
		want: []string{"vendor/import-not-vendored app_plan9.go:3"}, link: Broken, compare: 1, mended: true,
	},
	{
		name: "a package copied by hand",
		do: func(t *testing.T, l *cacheLab) {
			labWrite(t, l.at("vendor/example.com/evil/evil.go"), "package evil\n")
		},
		want: []string{"vendor/unlisted-package vendor/modules.txt"}, link: Unproven, compare: 1, mended: true,
	},
	{
		name: "a package removed as a whole",
		do:   func(t *testing.T, l *cacheLab) { labRemove(t, l.at("vendor/example.com/compat")) },
		want: []string{"vendor/package-missing vendor/modules.txt:3 example.com/compat@v2.0.0+incompatible"}, link: Broken, build: 1, compare: 1, mended: true,
	},
	{
		name: "a module cache that is cold, offline", offline: true,
		do:   func(t *testing.T, l *cacheLab) { labRemove(t, l.cache) },
		want: []string{"vendor/not-compared vendor/modules.txt:1"}, link: Unproven, verify: 1, compare: -1, says: "fails: the network is off",
	},
	{
		name: "a module cache that is cold",
		do:   func(t *testing.T, l *cacheLab) { labRemove(t, l.cache) }, link: Consistent,
	},
	{
		name: "a folder of the cache edited, and vendored from",
		do: func(t *testing.T, l *cacheLab) {
			for _, file := range []string{filepath.Join(l.dir(vendorLib), "more.go"), l.at(libDir + "more.go")} {
				labWrite(t, file, "package lib\n\nfunc G() string { return \"evil\" }\n")
			}
		},
		want: []string{
			"modcache/tree-modified go.sum:5 " + vendorLib,
			"vendor/file-modified vendor/example.com/lib/more.go:3 " + vendorLib,
		},
		link: Broken, verify: 1,
	},
	{
		name: "zip, folder and recorded hash of the cache replaced",
		do: func(t *testing.T, l *cacheLab) {
			l.foreign(t, vendorLib, vendorModules["example.com/lib@v1.1.0"])
		},
		want: []string{"modcache/gosum-mismatch go.sum:5 " + vendorLib}, link: Unproven, blocked: "modcache/gosum-mismatch", compare: -1,
		says: "fails: checksum mismatch",
	},
}

// at is a file of the repository.
func (l *cacheLab) at(name string) string { return filepath.Join(l.root, filepath.FromSlash(name)) }

// ignore commits the repository anew, without what a .gitignore now keeps out.
func (l *cacheLab) ignore(t *testing.T, text string) {
	t.Helper()
	labWrite(t, l.at(".gitignore"), text)
	if out, err := l.run("off", "git", "rm", "-r", "-q", "--cached", "."); err != nil {
		t.Fatalf("git rm: %v\n%s", err, out)
	}
	l.commit(t)
}

// vendorOther puts the files of lib v1.1.0 in the place of those of v1.0.0.
func (l *cacheLab) vendorOther(t *testing.T) {
	t.Helper()
	labRemove(t, l.at(libDir))
	for name, text := range vendorModules["example.com/lib@v1.1.0"] {
		if name != "go.mod" && !strings.HasPrefix(name, "sub/") {
			labWrite(t, l.at(libDir+name), text)
		}
	}
}

// foreign replaces all that the cache holds of a module by other content, so
// that it agrees with itself.
func (l *cacheLab) foreign(t *testing.T, id string, files map[string]string) {
	t.Helper()
	dir := t.TempDir()
	serveModule(t, dir, id, files)
	labCopy(t, filepath.Join(dir, escapeID(id, "%s/@v/%s.zip")), l.file(id, "zip"))
	labWrite(t, l.file(id, "ziphash"), labHashZip(t, l.file(id, "zip")))
	l.unzip(t, id)
}

func labEdit(t *testing.T, file, old, with string) {
	t.Helper()
	data := labRead(t, file)
	if !strings.Contains(data, old) {
		t.Fatalf("%s has no %q:\n%s", file, old, data)
	}
	labWrite(t, file, strings.Replace(data, old, with, 1))
}

// vendorSession is what modcache and vendor see of the lab.
func (l *cacheLab) vendorSession(t *testing.T, offline bool) *Session {
	t.Helper()
	goPath, err := exec.LookPath("go")
	if err != nil {
		t.Fatal(err)
	}
	s := &Session{
		Config: config.Default(), ConfigFile: config.FileName, Now: time.Now, Scope: ScopeJob, Offline: offline,
		Env: goenv.FromMap(map[string]string{
			"GOMODCACHE": l.cache, "GOPROXY": l.proxy, "GOFLAGS": "-modcacherw", "GOTOOLCHAIN": "local", "GOVERSION": runtimeVersion(t),
		}),
		Getenv: func(string) string { return "" },
		Temp:   func(name string) (string, error) { return os.MkdirTemp(t.TempDir(), name) },
		Go:     gocmd.New(goPath, append(slices.Clone(l.env), "GOMODCACHE="+l.cache, "GOPROXY="+l.proxy), 0),
	}
	if _, err := os.Stat(l.at(".git")); err == nil {
		gitPath, err := exec.LookPath("git")
		if err != nil {
			t.Fatal(err)
		}
		if s.Git, err = git.Open(t.Context(), gitPath, l.root, l.env); err != nil {
			t.Fatal(err)
		}
	}
	r, err := repo.Load(t.Context(), repo.Options{Dir: l.root, GOMODCACHE: l.cache, Git: s.Git})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	// The module that is a replacement is none to be judged.
	s.Repo, s.Modules = r, r.Modules[:1]
	return s
}

func runtimeVersion(t *testing.T) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "env", "GOVERSION").Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// diffVendor is whether go mod vendor makes another folder: 0 or 1, and -1 where
// it fails.
func (l *cacheLab) diffVendor(t *testing.T, goproxy string) int {
	t.Helper()
	made := filepath.Join(t.TempDir(), "made")
	if _, err := l.run(goproxy, "go", "mod", "vendor", "-o", made); err != nil {
		return -1
	}
	differs := 0
	for _, pair := range [][2]string{{made, l.at("vendor")}, {l.at("vendor"), made}} {
		err := filepath.WalkDir(pair[0], func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			here, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			there, err := os.ReadFile(pair[1] + strings.TrimPrefix(path, pair[0]))
			if err != nil || !bytes.Equal(here, there) {
				differs = 1
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return differs
}

// TestVendorLab breaks one thing at a time, asks the go command and asks us.
func TestVendorLab(t *testing.T) {
	t.Parallel()
	l := newVendorLab(t)
	var rows [][]string
	for _, tt := range vendorFaults {
		row := []string{}
		t.Run(tt.name, func(t *testing.T) { row = vendorFaultRow(t, l.copy(t), tt) })
		rows = append(rows, row)
	}
	if t.Failed() || t.Skipped() {
		return
	}
	faultdoc.Table(t, "vendor", []string{
		"fault", "`go build`", "`go mod verify`", "`go mod vendor -o` and `diff -r`", "gopreflight", "at", "module", "link",
	}, rows)
}

func vendorFaultRow(t *testing.T, l *cacheLab, tt vendorFault) []string {
	tt.do(t, l)
	before := labSnapshot(t, l.root)
	s := l.vendorSession(t, tt.offline)
	if tt.policy != nil {
		tt.policy(s.Config)
	}
	runner := Runner{Checks: []*Check{modcache, vendor}}
	results, links, _ := runner.Run(t.Context(), s)
	if labSnapshot(t, l.root) != before {
		t.Error("the repository was written to")
	}
	var findings []Finding
	for _, r := range results {
		findings = append(findings, r.Findings...)
		if r.Status == Errored {
			t.Errorf("%s: %s: %s", r.Check, r.Status, r.Reason)
		}
	}
	if got := told(findings); !slices.Equal(got, tt.want) {
		t.Errorf("got  %q\nwant %q", got, tt.want)
		for _, f := range findings {
			t.Logf("%s: %s\n%s", f.Rule, f.Message, strings.Join(f.Evidence, "\n"))
		}
	}
	link := links[len(links)-1]
	if link.Link != "vendor" || link.State != tt.link {
		t.Errorf("link %+v, want %s", link, tt.link)
	}
	vendorResult := results[1]
	blocked := ""
	if vendorResult.Status == Blocked {
		blocked = strings.TrimPrefix(vendorResult.Reason, "blocked by ")
	}
	if blocked != tt.blocked {
		t.Errorf("%s (%s), want blocked by %q", vendorResult.Status, vendorResult.Reason, tt.blocked)
	}
	goproxy := l.proxy
	if tt.offline {
		goproxy = "off"
	}
	build, verify, compare := l.rc(t, "off", "build", "./..."), l.rc(t, goproxy, "mod", "verify"), l.diffVendor(t, goproxy)
	if build != tt.build || verify != tt.verify || compare != tt.compare {
		t.Errorf("go build %d, go mod verify %d, go mod vendor %d; want %d, %d, %d", build, verify, compare, tt.build, tt.verify, tt.compare)
	}
	if tt.mended {
		l.vendorMended(t, findings[len(findings)-1].Fix.Command)
	}
	return tt.row(findings, link)
}

// vendorMended runs a fix as a user would, and asks again.
func (l *cacheLab) vendorMended(t *testing.T, command string) {
	t.Helper()
	if out, err := l.run(l.proxy, "sh", "-c", command); err != nil {
		t.Fatalf("%s: %v\n%s", command, err, out)
	}
	s := l.vendorSession(t, false)
	_, findings, err := runVendor(t.Context(), s)
	if err != nil || len(findings) > 0 {
		t.Errorf("after %s: %q, %v", command, told(findings), err)
	}
}

// row is the fault's line in docs/faults.md.
func (tt vendorFault) row(findings []Finding, link Link) []string {
	yes := func(n int) string { return map[int]string{-1: "not asked", 0: "passes", 1: "fails"}[n] }
	compare := map[int]string{-1: tt.says, 0: "the same", 1: "differs"}[tt.compare]
	if tt.compare >= 0 && tt.says != "" {
		compare = strings.NewReplacer("0, ", "the same, ", "1, ", "differs, ").Replace(tt.says)
	}
	var rules, places, modules []string
	for _, f := range findings {
		rules = append(rules, "`"+f.Rule+"`")
		places = append(places, f.Place())
		if !slices.Contains(modules, f.Module) {
			modules = append(modules, f.Module)
		}
	}
	if len(rules) == 0 {
		rules = []string{"nothing"}
	}
	if tt.blocked != "" {
		rules = append(rules, "vendor is blocked by it")
	}
	return []string{
		tt.name, yes(tt.build), yes(tt.verify), compare, strings.Join(rules, "\n"), strings.Join(places, "\n"),
		strings.Join(modules, "\n"), fmt.Sprintf("%s, %d of %d files", link.State, link.Proven, link.Total),
	}
}
