package checks

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// vendoredRepo is the vendor lab with another repository, vendored anew.
func (l *cacheLab) vendoredRepo(t *testing.T, files map[string]string, commands ...string) *cacheLab {
	t.Helper()
	c := *l
	c.root = filepath.Join(t.TempDir(), "repository")
	for name, text := range files {
		labWrite(t, c.at(name), text)
	}
	for _, command := range commands {
		if out, err := c.run(l.proxy, "sh", "-c", command); err != nil {
			t.Fatalf("%s: %v\n%s", command, err, out)
		}
	}
	return &c
}

// ask runs the check alone, for all modules of the repository.
func (l *cacheLab) ask(t *testing.T) (Facts, []Finding) {
	t.Helper()
	s := l.vendorSession(t, false)
	s.Modules = s.Repo.Modules
	facts, findings, err := runVendor(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	return facts, findings
}

// expect wants findings and a link, and no module without an answer.
func (l *cacheLab) expect(t *testing.T, what string, link LinkState, want ...string) []Finding {
	t.Helper()
	facts, findings := l.ask(t)
	if got := told(findings); !slices.Equal(got, want) {
		t.Errorf("%s: got  %q\nwant %q", what, got, want)
		for _, f := range findings {
			t.Logf("%s\n%s", f.Message, strings.Join(f.Evidence, "\n"))
		}
	}
	if facts.Link.State != link {
		t.Errorf("%s: link %+v, want %s", what, facts.Link, link)
	}
	for _, m := range facts.Modules {
		if m.err != nil {
			t.Errorf("%s: %s: %v", what, m.Dir, m.err)
		}
	}
	return findings
}

// TestVendorWorkspace: what go work vendor makes is proven alike, and go.work.sum
// is not written.
func TestVendorWorkspace(t *testing.T) {
	t.Parallel()
	l := newVendorLab(t).vendoredRepo(t, map[string]string{
		"go.work":      "go 1.22\n\nuse (\n\t./m\n\t./n\n)\n",
		"m/go.mod":     "module example.com/m\n\ngo 1.21\n\nrequire (\n\texample.com/lib v1.0.0\n\texample.com/orig v1.0.0\n)\n\nreplace example.com/orig => example.com/fork v1.0.0\n",
		"m/m.go":       "package m\n\nimport (\n\t_ \"example.com/lib\"\n\t_ \"example.com/n\"\n\t_ \"example.com/orig\"\n)\n",
		"n/go.mod":     "module example.com/n\n\ngo 1.22\n\nrequire example.com/lib v1.1.0\n\nrequire example.com/local v0.0.0\n\nreplace example.com/local => ../local\n",
		"n/n.go":       "package n\n\nimport _ \"example.com/lib\"\n",
		"n/n_test.go":  "package n\n\nimport _ \"example.com/local\"\n",
		"local/go.mod": "module example.com/local\n\ngo 1.21\n", "local/local.go": "package local\n",
	}, "go work sync", "go work vendor")
	before := labSnapshot(t, l.root)
	l.expect(t, "healthy", Consistent)
	if labSnapshot(t, l.root) != before {
		t.Error("the repository was written to")
	}
	labWrite(t, l.at("vendor/example.com/lib/other.go"), "package lib\n\nfunc init() {}\n")
	labWrite(t, l.at("n/z_windows.go"), "package n\n\nimport _ \"example.com/missing\"\n")
	labWrite(t, l.at("local/local.go"), "package local // new\n")
	findings := l.expect(t, "edited", Broken,
		"vendor/file-modified vendor/example.com/lib/other.go:2 example.com/lib@v1.1.0",
		"vendor/file-modified vendor/example.com/local/local.go:1 example.com/local@v0.0.0")
	if got, want := findings[0].Fix.Command, "go work vendor"; got != want {
		t.Errorf("fix %q, want %q", got, want)
	}
	if out, err := l.run(l.proxy, "sh", "-c", "rm n/z_windows.go && "+findings[0].Fix.Command); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	l.expect(t, "mended", Consistent)
	// An import that is missing is told once the files are right.
	labWrite(t, l.at("n/z_windows.go"), "package n\n\nimport (\n\t_ \"fmt\"\n\t_ \"example.com/missing\"\n)\n")
	l.expect(t, "an import", Broken, "vendor/import-not-vendored n/z_windows.go:5")
}

// TestVendorUnrequired: packages of versions that go.mod does not require, which
// only the build list can tell to be right.
func TestVendorUnrequired(t *testing.T) {
	t.Parallel()
	lab := newVendorLab(t)
	files := map[string]string{
		"go.mod": "module example.com/app\n\ngo 1.16\n\nrequire example.com/user v1.0.0\n",
		"app.go": "package app\n\nimport _ \"example.com/user\"\n",
	}
	l := lab.vendoredRepo(t, files, "go mod tidy", "go mod vendor")
	l.expect(t, "healthy", Proven)
	labEdit(t, l.at("vendor/modules.txt"), "lib v1.0.0", "lib v1.1.0")
	l.vendorOther(t)
	findings := l.expect(t, "another version", Broken,
		"vendor/not-compared vendor/modules.txt:1 example.com/lib@v1.1.0",
		"vendor/version-differs vendor/modules.txt:1 example.com/lib@v1.1.0")
	i := slices.IndexFunc(findings, func(f Finding) bool { return f.Rule == ruleVendorVersionDiffers.ID })
	if got, want := findings[i].Message, "packages of example.com/lib@v1.1.0 are vendored, but the build list has v1.0.0"; got != want {
		t.Errorf("message %q, want %q", got, want)
	}

	// With a go line of 1.17 go.mod requires all that packages come from.
	newer := maps.Clone(files)
	newer["go.mod"] = strings.Replace(files["go.mod"], "1.16", "1.17", 1)
	l = lab.vendoredRepo(t, newer, "go mod tidy", "go mod vendor")
	l.expect(t, "healthy", Proven)
	labWrite(t, l.at("vendor/evil.example/x/x.go"), "package x\n")
	labWrite(t, l.at("vendor/modules.txt"), labRead(t, l.at("vendor/modules.txt"))+"# evil.example/x v1.0.0\n## go 1.16\nevil.example/x\n")
	l.expect(t, "a module that nobody requires", Broken,
		"vendor/not-compared vendor/modules.txt:7 evil.example/x@v1.0.0",
		"vendor/stale-package vendor/modules.txt:9 evil.example/x@v1.0.0",
		"vendor/version-differs vendor/modules.txt:7 evil.example/x@v1.0.0")
}

// TestVendorOutside: a directory outside of the repository is compared with, and
// not quoted.
func TestVendorOutside(t *testing.T) {
	t.Parallel()
	const secret = "not for everybody"
	l := newVendorLab(t).vendoredRepo(t, map[string]string{
		"../outside/go.mod": "module example.com/out\n\ngo 1.21\n", "../outside/out.go": "package out // " + secret + "\n",
		"go.mod": "module example.com/app\n\ngo 1.21\n\nrequire example.com/out v0.0.0\n\nreplace example.com/out => ../outside\n",
		"app.go": "package app\n\nimport _ \"example.com/out\"\n",
	}, "go mod vendor")
	l.expect(t, "healthy", Consistent)
	labWrite(t, l.at("vendor/example.com/out/out.go"), "package out\n")
	findings := l.expect(t, "edited", Broken, "vendor/file-modified vendor/example.com/out/out.go:1 example.com/out@v0.0.0")
	if text := strings.Join(findings[0].Evidence, "\n"); strings.Contains(text, secret) {
		t.Errorf("evidence quotes what lies outside:\n%s", text)
	}
	labRemove(t, l.at("../outside"))
	l.expect(t, "gone", Unproven, "vendor/not-compared vendor/modules.txt:1 example.com/out@v0.0.0")
}

// TestVendorCache: the zip serves where there is no folder, and what is downloaded
// has to be what go.sum names.
func TestVendorCache(t *testing.T) {
	t.Parallel()
	lab := newVendorLab(t)
	t.Run("zip alone", func(t *testing.T) {
		t.Parallel()
		l := lab.copy(t)
		labRemove(t, l.dir(vendorLib))
		l.expect(t, "no folder", Consistent)
		labWrite(t, l.at(libDir+"more.go"), "package lib\n")
		l.expect(t, "edited", Broken, "vendor/file-modified vendor/example.com/lib/more.go:2 "+vendorLib)
	})
	t.Run("zip of another module", func(t *testing.T) {
		t.Parallel()
		l := lab.copy(t)
		labRemove(t, l.dir(vendorLib))
		served := t.TempDir()
		serveModule(t, served, vendorLib, vendorModules["example.com/lib@v1.1.0"])
		labCopy(t, filepath.Join(served, escapeID(vendorLib, "%s/@v/%s.zip")), l.file(vendorLib, "zip"))
		findings := l.expect(t, "another zip", Unproven, "vendor/not-compared vendor/modules.txt:4 "+vendorLib)
		if got, want := findings[0].Evidence[0], vendorLib+": what the module cache holds of it is not what go.sum names"; got != want {
			t.Errorf("evidence %q, want %q", got, want)
		}
	})
	t.Run("proxy that lies", func(t *testing.T) {
		t.Parallel()
		l := lab.copy(t)
		labRemove(t, l.cache)
		served := t.TempDir()
		for id, files := range vendorModules {
			if id == vendorLib {
				files = vendorModules["example.com/lib@v1.1.0"]
			}
			serveModule(t, served, id, files)
		}
		server := httptest.NewServer(http.FileServer(http.Dir(served)))
		t.Cleanup(server.Close)
		l.proxy = server.URL
		_, findings := l.ask(t)
		if len(findings) != 1 || findings[0].Rule != ruleVendorNotCompared.ID {
			t.Fatalf("got %q", told(findings))
		}
		if text := strings.Join(findings[0].Evidence, "\n"); !strings.Contains(text, vendorLib+": not in the module cache, and it cannot be downloaded: ") ||
			!strings.Contains(text, "checksum") && !strings.Contains(text, "go.sum") {
			t.Errorf("evidence:\n%s", text)
		}
		if _, err := os.Stat(l.dir(vendorLib)); err == nil {
			t.Error("the go command extracted it all the same")
		}
	})
	t.Run("a module of one's own", func(t *testing.T) {
		t.Parallel()
		l := lab.copy(t)
		labEdit(t, l.at("go.mod"), "module example.com/app", "module github.com/Azure/app")
		l.expect(t, "warm", Consistent)
		labRemove(t, l.cache)
		findings := l.expect(t, "cold", Unproven, "vendor/not-compared vendor/modules.txt:13 github.com/Azure/Thing@v1.2.0")
		if text := findings[0].Evidence[0]; !strings.Contains(text, "no proxy is asked for a module of this repository's own host and owner") {
			t.Errorf("evidence %q", text)
		}
		if _, err := os.Stat(l.file("github.com/Azure/Thing@v1.2.0", "info")); err == nil {
			t.Error("it was asked for all the same")
		}
	})
	t.Run("a module path that is a flag", func(t *testing.T) {
		t.Parallel()
		l := lab.copy(t)
		labWrite(t, l.at("vendor/modules.txt"), labRead(t, l.at("vendor/modules.txt"))+"# -reuse=x v1.0.0\nexample.com/evil\n")
		labWrite(t, l.at("vendor/example.com/evil/evil.go"), "package evil\n")
		labWrite(t, l.at("go.sum"), labRead(t, l.at("go.sum"))+"-reuse=x v1.0.0 h1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n")
		_, findings := l.ask(t)
		i := slices.IndexFunc(findings, func(f Finding) bool { return f.Rule == ruleVendorNotCompared.ID })
		if i < 0 || !strings.Contains(findings[i].Evidence[0], "-reuse=x@v1.0.0: ") {
			t.Fatalf("got %q", told(findings))
		}
		if text := findings[i].Evidence[0]; !strings.Contains(text, "not to be asked for") && !strings.Contains(text, "cannot be read") {
			t.Errorf("evidence %q", text)
		}
	})
	t.Run("hashes that contradict each other", func(t *testing.T) {
		t.Parallel()
		l := lab.copy(t)
		labWrite(t, l.at("go.sum"), labRead(t, l.at("go.sum"))+"example.com/lib v1.0.0 h1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n")
		facts, _ := l.ask(t)
		if facts.Link.State != Consistent || facts.Link.Proven != 3 {
			t.Errorf("link %+v, want consistent, without lib's files", facts.Link)
		}
	})
	t.Run("no go.sum", func(t *testing.T) {
		t.Parallel()
		l := lab.copy(t)
		labRemove(t, l.at("go.sum"))
		facts, findings := l.ask(t)
		if facts.Link.State != Consistent || facts.Link.Proven != 0 || len(findings) > 0 {
			t.Errorf("link %+v, findings %q, want consistent and none", facts.Link, told(findings))
		}
	})
}
