package checks

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gopreflight/gopreflight/internal/goenv"
)

// vendoredModule is a module that go mod vendor has run on.
func vendoredModule() map[string]string {
	return map[string]string{
		"go.mod":                    goModM + withA,
		"m.go":                      "package m\n\nimport _ \"example.com/a\"\n",
		"a/go.mod":                  goModA,
		"a/a.go":                    "package a\n",
		"vendor/modules.txt":        "# example.com/a v1.0.0 => ./a\n## explicit; go 1.20\nexample.com/a\n# example.com/a => ./a\n",
		"vendor/example.com/a/a.go": "package a\n",
	}
}

// vendoredWorkspace is a workspace that go work vendor has run on.
func vendoredWorkspace() map[string]string {
	return map[string]string{
		"go.work":                   "go 1.22\n\nuse ./m\n\nuse ./n\n",
		"m/go.mod":                  "module example.com/m\n\ngo 1.22\n\nrequire example.com/a v1.0.0\n\nreplace example.com/a => ../a\n",
		"m/m.go":                    "package m\n\nimport _ \"example.com/a\"\n",
		"n/go.mod":                  "module example.com/n\n\ngo 1.22\n",
		"n/n.go":                    "package n\n",
		"a/go.mod":                  goModA,
		"a/a.go":                    "package a\n",
		"vendor/modules.txt":        "## workspace\n# example.com/a v1.0.0 => ./a\n## explicit; go 1.20\nexample.com/a\n# example.com/a => ./a\n",
		"vendor/example.com/a/a.go": "package a\n",
	}
}

const embeds = "package a\n\nimport \"embed\"\n\n//go:embed templates\nvar FS embed.FS\n"

// vendorTests change a healthy folder: an empty content removes the file. dir
// is where the go command is asked; says what it prints when it fails.
var vendorTests = []struct {
	name    string
	base    func() map[string]string
	change  map[string]string
	goflags string
	dir     string
	want    []string
	// skipped is the reason why the module in dir is not judged.
	skipped string
	link    LinkState
	says    string
	// mended is whether the finding's fix, run in a shell, mends it.
	mended bool
}{
	{name: "healthy", link: Consistent},
	{name: "healthy workspace", base: vendoredWorkspace, dir: "m", link: Consistent},
	{
		name:   "no modules.txt",
		change: map[string]string{"vendor/modules.txt": ""},
		want:   []string{"vendor/missing-modules-txt go.mod:5"},
		link:   Broken, says: "inconsistent vendoring", mended: true,
	},
	{
		name:   "another tool's folder",
		change: map[string]string{"vendor/modules.txt": "", "vendor/example.com/a/a.go": "", "vendor/autoload.php": "<?php\n"},
		want:   []string{"vendor/missing-modules-txt go.mod:5"},
		link:   Broken, says: "inconsistent vendoring",
	},
	{
		name:    "another tool's folder, told so",
		change:  map[string]string{"vendor/modules.txt": "", "vendor/autoload.php": "<?php\n"},
		goflags: "-mod=readonly",
		skipped: "vendor has no modules.txt, and GOFLAGS has -mod=readonly: the go command does not build from it",
		link:    Absent,
	},
	{
		name: "another tool's folder, nothing required",
		change: map[string]string{
			"vendor/modules.txt": "", "vendor/autoload.php": "<?php\n",
			"go.mod": goModM, "m.go": "package m\n", "a/go.mod": "", "a/a.go": "",
		},
		skipped: "vendor has no modules.txt, and go.mod requires nothing: the folder is not Go's",
		link:    Absent,
	},
	{
		name: "a module's folder beside a go.work",
		change: map[string]string{"go.work": "go 1.22\n\nuse .\n\nuse ./n\n", "n/go.mod": "module example.com/n\n\ngo 1.22\n\nrequire example.com/b v1.0.0\n\nreplace example.com/b => ../b\n",
			"b/go.mod": "module example.com/b\n\ngo 1.20\n", "b/b.go": "package b\n", "n/n.go": "package n\n\nimport _ \"example.com/b\"\n", "go.mod": strings.ReplaceAll(goModM, "go 1.20", "go 1.22") + withA},
		link: Consistent,
	},
	{
		name:   "upgraded",
		change: map[string]string{"go.mod": goModM + strings.ReplaceAll(withA, "v1.0.0", "v1.1.0")},
		want: []string{
			"vendor/not-explicit go.mod:5 example.com/a@v1.1.0",
			"vendor/stale-explicit vendor/modules.txt:1 example.com/a@v1.0.0",
		},
		link: Broken, says: "example.com/a@v1.1.0: is explicitly required in go.mod, but not marked as explicit", mended: true,
	},
	{
		name:   "replacement removed",
		change: map[string]string{"go.mod": goModM, "m.go": "package m\n"},
		want: []string{
			"vendor/replace-stale vendor/modules.txt:1 example.com/a@v1.0.0",
			"vendor/replace-stale vendor/modules.txt:4 example.com/a",
			"vendor/stale-explicit vendor/modules.txt:1 example.com/a@v1.0.0",
		},
		link: Broken, says: "is marked as replaced in vendor/modules.txt, but not replaced in go.mod", mended: true,
	},
	{
		name:   "requirement added",
		change: map[string]string{"go.mod": goModM + withA + "\nrequire example.com/b v1.0.0\n\nreplace example.com/b v1.0.0 => ./b\n", "b/go.mod": "module example.com/b\n", "b/b.go": "package b\n"},
		want:   []string{"vendor/not-explicit go.mod:9 example.com/b@v1.0.0", "vendor/replace-missing go.mod:11 example.com/b@v1.0.0"},
		link:   Broken, says: "example.com/b@v1.0.0: is explicitly required in go.mod", mended: true,
	},
	{
		name:   "replacement changed",
		change: map[string]string{"go.mod": goModM + strings.ReplaceAll(withA, "./a", "./fork"), "fork/go.mod": goModA, "fork/a.go": "package a\n"},
		want:   []string{"vendor/replace-differs go.mod:7 example.com/a"},
		link:   Broken, says: "is replaced by ./fork in go.mod, but marked as replaced by ./a", mended: true,
	},
	{
		name:   "a vendored module needs a newer Go",
		change: map[string]string{"a/go.mod": "module example.com/a\n\ngo 1.999\n", "vendor/modules.txt": "# example.com/a v1.0.0 => ./a\n## explicit; go 1.999\nexample.com/a\n# example.com/a => ./a\n"},
		want:   []string{"vendor/go-too-new vendor/modules.txt:2 example.com/a@v1.0.0"},
		link:   Broken, says: "example.com/a in vendor/modules.txt requires go >= 1.999",
	},
	{
		name:   "package not committed",
		change: map[string]string{"vendor/example.com/a/a.go": ""},
		want:   []string{"vendor/package-missing vendor/modules.txt:3 example.com/a@v1.0.0"},
		link:   Broken, says: "cannot find module providing package example.com/a: import lookup disabled by -mod=vendor", mended: true,
	},
	{
		name: "code copied by hand",
		change: map[string]string{
			"go.mod":                      strings.Replace(goModM+withA, "go 1.20", "go 1.23", 1),
			"m.go":                        "package m\n\nimport (\n\t_ \"example.com/a\"\n\t_ \"example.com/b/c\"\n)\n",
			"vendor/example.com/b/c/c.go": "package c\n",
			// Data of a package that is listed, and what no build looks at.
			"a/a.go": embeds, "vendor/example.com/a/a.go": embeds, "a/templates/t.go": "package t\n",
			"vendor/example.com/a/templates/t.go": "package t\n", "vendor/example.com/b/testdata/t.go": "package t\n",
		},
		want: []string{"vendor/data-added vendor/example.com/b/testdata/t.go", "vendor/unlisted-package vendor/modules.txt"},
		link: Unproven, says: "ignoring package example.com/b/c which exists in the vendor directory but is missing from vendor/modules.txt",
	},
	{
		name:   "a merge conflict that the go command does not see",
		change: map[string]string{"vendor/modules.txt": "<<<<<<< HEAD\n# example.com/a v1.0.0 => ./a\n=======\n# example.com/a v1.0.0 => ./a\n>>>>>>> other\n## explicit; go 1.20\nexample.com/a\n# example.com/a => ./a\n"},
		want:   []string{"vendor/malformed vendor/modules.txt:1"},
		link:   Consistent, mended: true,
	},
	{
		name: "go line below 1.14",
		change: map[string]string{
			"go.mod": "module example.com/m\n\ngo 1.13\n\n" + withA, "vendor/modules.txt": "# example.com/a v9.0.0\nexample.com/a\n",
		},
		skipped: "the go line is 1.13: below Go 1.14 the go command does not build from vendor by itself",
		link:    Absent,
	},
	{
		name: "go line below 1.14, but -mod=vendor",
		change: map[string]string{
			"go.mod": "module example.com/m\n\ngo 1.13\n\n" + withA, "vendor/modules.txt": "# example.com/a v1.1.0\nexample.com/a\n",
		},
		goflags: "-mod=vendor",
		want:    []string{"vendor/version-differs go.mod:5 example.com/a@v1.0.0"},
		link:    Broken, says: "vendor/modules.txt indicates example.com/a@v1.1.0",
	},
	{
		name:    "a workspace's folder without go.work",
		change:  map[string]string{"vendor/modules.txt": "## workspace\n# example.com/a v9.0.0\n## explicit\nexample.com/a\n"},
		skipped: "vendor was made by go work vendor, and no go.work here uses this module: the go command does not build from it",
		link:    Absent,
	},
	{
		name: "a module's folder in a workspace",
		change: map[string]string{
			"go.work": "go 1.20\n\nuse .\n", "vendor/modules.txt": "# example.com/a v1.0.0 => ./a\n## go 1.20\nexample.com/a\n# example.com/a => ./a\n",
		},
		want: []string{"vendor/not-explicit go.mod:5 example.com/a@v1.0.0"},
		link: Broken, mended: true, // in the workspace the go command does not look
	},
	{
		name: "workspace: requirement added",
		base: vendoredWorkspace,
		change: map[string]string{
			"n/go.mod": "module example.com/n\n\ngo 1.22\n\nrequire example.com/c v1.0.0\n\nreplace example.com/c => ../c\n",
			"c/go.mod": "module example.com/c\n", "c/c.go": "package c\n",
		},
		dir:  "m",
		want: []string{"vendor/not-explicit n/go.mod:5 example.com/c@v1.0.0", "vendor/replace-missing n/go.mod:7 example.com/c"},
		link: Broken, says: "example.com/c@v1.0.0: is explicitly required in go.mod", mended: true,
	},
	{
		name:   "workspace: replacement in go.work",
		base:   vendoredWorkspace,
		change: map[string]string{"go.work": "go 1.22\n\nuse ./m\n\nuse ./n\n\nreplace example.com/a v1.0.0 => ./fork\n", "fork/go.mod": goModA, "fork/a.go": "package a\n"},
		dir:    "m",
		want:   []string{"vendor/replace-differs go.work:7 example.com/a@v1.0.0"},
		link:   Broken, says: "is replaced by ./fork in ../go.work, but marked as replaced by ./a", mended: true,
	},
}

func TestVendor(t *testing.T) {
	t.Parallel()
	for _, tt := range vendorTests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := vendorSession(t, tt.base, tt.change, tt.goflags)
			facts, findings, err := runVendor(t.Context(), s)
			if err != nil {
				t.Fatal(err)
			}
			if got := told(findings); !slices.Equal(got, tt.want) {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
			if facts.Link == nil || facts.Link.State != tt.link {
				t.Errorf("link: got %+v, want %s", facts.Link, tt.link)
			}
			dir := "."
			if tt.dir != "" {
				dir = tt.dir
			}
			for _, m := range facts.Modules {
				switch {
				case m.err != nil:
					t.Errorf("%s: %v", m.Dir, m.err)
				case m.Dir == dir && tt.skipped != "" && (m.Status != Skipped || m.Reason != tt.skipped):
					t.Errorf("%s: got %s (%s), want skipped (%s)", m.Dir, m.Status, m.Reason, tt.skipped)
				case m.Dir == dir && tt.skipped == "" && m.Status != Passed:
					t.Errorf("%s: got %s (%s), want passed", m.Dir, m.Status, m.Reason)
				}
			}

			out, err := goIn(t, s, dir, "list", tt.goflags, "-deps", "-test", "./...")
			switch {
			case tt.says == "" && err != nil:
				t.Errorf("the go command fails: %v\n%s", err, out)
			case tt.says != "" && (err == nil || !strings.Contains(out, tt.says)):
				t.Errorf("the go command does not say %q: %v\n%s", tt.says, err, out)
			}
			// Only in vendor mode the go command cannot tell "all".
			all, _ := goIn(t, s, dir, "list", tt.goflags, "-m", "all")
			fromVendor := strings.Contains(all, "using the vendor directory") || strings.Contains(all, "vendor/modules.txt")
			for _, m := range s.Modules {
				if m.Dir == dir && s.buildsFromVendor(m) != fromVendor {
					t.Errorf("builds from vendor: %v, but the go command says %s", !fromVendor, all)
				}
			}
			if tt.mended {
				vendorMended(t, s, findings[0].Fix.Command, dir)
			}
		})
	}
}

func vendorSession(t *testing.T, base func() map[string]string, change map[string]string, goflags string) *Session {
	t.Helper()
	if base == nil {
		base = vendoredModule
	}
	files := base()
	for name, data := range change {
		if data == "" {
			delete(files, name)
		} else {
			files[name] = data
		}
	}
	s := filesSession(t, files)
	if len(change) > 0 && files["vendor/modules.txt"] == "" {
		if err := os.MkdirAll(s.Repo.Abs("vendor"), 0o777); err != nil {
			t.Fatal(err)
		}
		loadFiles(t, s, s.Root())
	}
	s.Env = goenv.FromMap(map[string]string{
		"GOVERSION": s.Env.Get("GOVERSION"), "GOTOOLCHAIN": "local", "GOFLAGS": goflags,
	})
	return s
}

// vendorMended runs a fix as a user would and asks both again.
func vendorMended(t *testing.T, s *Session, command, dir string) {
	t.Helper()
	if out, err := shellIn(t, s.Root(), command); err != nil {
		t.Fatalf("%s: %v\n%s", command, err, out)
	}
	if out, err := goIn(t, s, dir, "list", "-deps", "./..."); err != nil {
		t.Errorf("after %s the go command fails: %v\n%s", command, err, out)
	}
	loadFiles(t, s, s.Root())
	_, again, err := runVendor(t.Context(), s)
	if sk := (*skip)(nil); errors.As(err, &sk) {
		err = nil // nothing was left to vendor, and the folder is gone
	}
	if err != nil || len(again) > 0 {
		t.Errorf("after %s: %q, %v", command, told(again), err)
	}
}

func TestVendorNone(t *testing.T) {
	t.Parallel()
	s := filesSession(t, map[string]string{"go.mod": goModM})
	facts, findings, err := runVendor(t.Context(), s)
	var sk *skip
	if !errors.As(err, &sk) || len(findings) > 0 {
		t.Errorf("got %q, %v, want a skip", told(findings), err)
	}
	if facts.Link == nil || facts.Link.State != Absent {
		t.Errorf("link: got %+v, want absent", facts.Link)
	}
}

// TestVendorDetails holds what the table above leaves open.
func TestVendorDetails(t *testing.T) {
	t.Parallel()
	t.Run("words", func(t *testing.T) {
		t.Parallel()
		s := vendorSession(t, nil, map[string]string{"go.mod": goModM + strings.ReplaceAll(withA, "v1.0.0", "v1.1.0")}, "")
		_, findings, err := runVendor(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]string{
			"vendor/not-explicit":   "example.com/a@v1.1.0 is required in go.mod, but vendor/modules.txt lists v1.0.0",
			"vendor/stale-explicit": "example.com/a@v1.0.0 is listed as required, but go.mod requires v1.1.0",
		}
		for _, f := range findings {
			if f.Message != want[f.Rule] {
				t.Errorf("%s: got %q, want %q", f.Rule, f.Message, want[f.Rule])
			}
			if f.Dir != "." {
				t.Errorf("%s: Dir: got %q, want .", f.Rule, f.Dir)
			}
		}
	})
	t.Run("another tool's folder is not deleted", func(t *testing.T) {
		t.Parallel()
		s := vendorSession(t, nil, map[string]string{"vendor/modules.txt": "", "vendor/autoload.php": "<?php\n"}, "")
		_, findings, err := runVendor(t.Context(), s)
		if err != nil || len(findings) != 1 {
			t.Fatalf("got %q, %v", told(findings), err)
		}
		if fix := findings[0].Fix; fix.Command != "" || fix.Description == "" {
			t.Errorf("got the fix %+v, want a description only", fix)
		}
	})
	t.Run("two modules", func(t *testing.T) {
		t.Parallel()
		files := map[string]string{"go.mod": "module example.com/root\n\ngo 1.20\n"}
		for name, data := range vendoredModule() {
			files["sub dir/"+name] = data
		}
		files["sub dir/vendor/modules.txt"] = "# example.com/a v1.0.0\n## explicit\n"
		s := filesSession(t, files)
		facts, findings, err := runVendor(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := told(findings), []string{"vendor/replace-missing sub dir/go.mod:7 example.com/a"}; !slices.Equal(got, want) {
			t.Fatalf("got %q, want %q", got, want)
		}
		if got, want := findings[0].Fix.Command, "(cd 'sub dir' && go mod vendor)"; got != want {
			t.Errorf("fix: got %q, want %q", got, want)
		}
		if findings[0].Dir != "sub dir" {
			t.Errorf("Dir: got %q", findings[0].Dir)
		}
		if m := facts.Modules[0]; m.Dir != "." || m.Status != Skipped || m.Reason != "no vendor folder" {
			t.Errorf("got %+v, want . skipped", m)
		}
	})
	t.Run("modules.txt that leads out", func(t *testing.T) {
		t.Parallel()
		s := vendorSession(t, nil, map[string]string{"vendor/modules.txt": ""}, "")
		outside := filepath.Join(t.TempDir(), "modules.txt")
		if err := os.WriteFile(outside, nil, 0o666); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(outside, s.Repo.Abs("vendor/modules.txt")); err != nil {
			t.Skipf("no symbolic links here: %v", err)
		}
		facts, findings, err := runVendor(t.Context(), s)
		if err != nil || len(findings) > 0 {
			t.Fatalf("got %q, %v", told(findings), err)
		}
		if facts.Modules[0].err == nil || facts.Link.State != Unproven {
			t.Errorf("got %+v, link %+v, want an error and unproven", facts.Modules[0], facts.Link)
		}
	})
}

// TestVendoredReplacements: what builds from vendor needs no replacement's
// directory, and the go command agrees.
func TestVendoredReplacements(t *testing.T) {
	t.Parallel()
	files := vendoredWorkspace()
	files["go.work"] += "\nreplace example.com/a => ./a\n"
	files["m/go.mod"] = "module example.com/m\n\ngo 1.22\n\nrequire example.com/a v1.0.0\n"
	delete(files, "a/go.mod")
	delete(files, "a/a.go")
	for _, vendored := range []bool{true, false} {
		if !vendored {
			delete(files, "vendor/modules.txt")
		}
		s := filesSession(t, files)
		_, findings, err := runGoMod(t.Context(), s)
		if err != nil || (len(findings) == 0) != vendored {
			t.Errorf("vendored %v: got %q, %v", vendored, told(findings), err)
		}
		if out, err := goIn(t, s, "m", "list", "-deps", "./..."); (err == nil) != vendored {
			t.Errorf("vendored %v: the go command says %v\n%s", vendored, err, out)
		}
	}
}
