package checks

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// skipReason is the reason of a check that was skipped, "" for any other error.
func skipReason(err error) string {
	var s *skip
	if errors.As(err, &s) {
		return s.reason
	}
	return ""
}

func TestModcacheCold(t *testing.T) {
	t.Parallel()
	lab := newCacheLab(t)
	for _, name := range []string{"empty", "missing", "metadata only"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := lab.copy(t)
			l.cache = filepath.Join(t.TempDir(), "mc")
			switch name {
			case "empty":
				if err := os.Mkdir(l.cache, 0o777); err != nil {
					t.Fatal(err)
				}
			case "metadata only":
				labCopy(t, lab.file(labLib, "info"), l.file(labLib, "info"))
				labCopy(t, lab.file(labLib, "mod"), l.file(labLib, "mod"))
			}
			facts, findings, err := runModcache(t.Context(), l.session(t, l.proxy))
			want := "cold: none of 5 modules is in GOMODCACHE (" + l.cache + ")"
			if got := skipReason(err); got != want {
				t.Errorf("error %v, want skipped: %s", err, want)
			}
			if len(findings) != 0 || facts.Link.State != Absent || facts.Link.Proven != 0 || facts.Link.Total != 5 {
				t.Errorf("findings %v, link %+v", told(findings), facts.Link)
			}
		})
	}
}

func TestModcachePartlyCold(t *testing.T) {
	t.Parallel()
	l := newCacheLab(t)
	labRemove(t, l.dir(labAzure))
	labRemove(t, filepath.Dir(l.file(labAzure, "zip")))
	facts, findings, err := runModcache(t.Context(), l.session(t, l.proxy))
	if err != nil || len(findings) != 0 {
		t.Fatalf("findings %v, %v", told(findings), err)
	}
	if want := (Link{Link: "modcache", State: Proven, Against: "go.sum", Proven: 4, Total: 5, Unit: "modules", Why: "1 not in the cache, 4 zips by directory only"}); *facts.Link != want {
		t.Errorf("link %+v, want %+v", *facts.Link, want)
	}
	size := 0
	for id, files := range labModules {
		for _, text := range files {
			if id != labAzure {
				size += len(text)
			}
		}
	}
	if want := fmt.Sprintf("4 of 5 modules proven against go.sum (8 files, %d B), 4 zips by directory only, 1 not in the cache", size); facts.Summary != want {
		t.Errorf("summary %q, want %q", facts.Summary, want)
	}
}

func TestModcacheNotAsked(t *testing.T) {
	t.Parallel()
	lab := newCacheLab(t)
	t.Run("no dependencies", func(t *testing.T) {
		t.Parallel()
		s := filesSession(t, map[string]string{"go.mod": "module example.com/app\n\ngo 1.21\n"})
		s.Env = lab.session(t, lab.proxy).Env
		_, findings, err := runModcache(t.Context(), s)
		if skipReason(err) != "no dependencies" || len(findings) != 0 {
			t.Errorf("%v, %v", told(findings), err)
		}
	})
	t.Run("only local replacements", func(t *testing.T) {
		t.Parallel()
		s := filesSession(t, map[string]string{"go.mod": "module example.com/app\n\ngo 1.21\n\nrequire example.com/lib v1.0.0\n\nreplace example.com/lib => ../lib\n"})
		s.Env = lab.session(t, lab.proxy).Env
		if _, _, err := runModcache(t.Context(), s); skipReason(err) != "no dependencies" {
			t.Errorf("%v", err)
		}
	})
	t.Run("container, cache outside", func(t *testing.T) {
		t.Parallel()
		s := lab.session(t, lab.proxy)
		s.Scope = ScopeContainer
		if _, _, err := runModcache(t.Context(), s); !strings.Contains(skipReason(err), "use host/") {
			t.Errorf("%v", err)
		}
	})
	t.Run("container, cache in the work tree", func(t *testing.T) {
		t.Parallel()
		l := lab.copy(t)
		l.cache = filepath.Join(l.root, ".mc")
		if err := os.CopyFS(l.cache, os.DirFS(lab.cache)); err != nil {
			t.Fatal(err)
		}
		s := l.session(t, l.proxy)
		s.Scope = ScopeContainer
		if facts, _, err := runModcache(t.Context(), s); err != nil || facts.Link.State != Proven {
			t.Errorf("%v", err)
		}
	})
	t.Run("cache is a file", func(t *testing.T) {
		t.Parallel()
		l := lab.copy(t)
		l.cache = filepath.Join(l.root, "go.mod")
		if _, _, err := runModcache(t.Context(), l.session(t, l.proxy)); err == nil || skipReason(err) != "" {
			t.Errorf("error %v, want one that says could not find out", err)
		}
	})
	t.Run("go.sum cannot be read", func(t *testing.T) {
		t.Parallel()
		l := lab.copy(t)
		labRemove(t, filepath.Join(l.root, "go.sum"))
		labWrite(t, filepath.Join(l.root, "go.sum", "x"), "")
		if _, _, err := runModcache(t.Context(), l.session(t, l.proxy)); err == nil || !strings.Contains(err.Error(), "go.sum") {
			t.Errorf("error %v, want one that names go.sum", err)
		}
	})
}

// TestModcacheTwoModules: what two main modules share is judged once, and lines
// that contradict each other prove nothing.
func TestModcacheTwoModules(t *testing.T) {
	t.Parallel()
	lab := newCacheLab(t)
	addSub := func(t *testing.T, l *cacheLab) {
		for name := range labRepo {
			labCopy(t, filepath.Join(l.root, name), filepath.Join(l.root, "sub", name))
		}
		labCopy(t, filepath.Join(l.root, "go.sum"), filepath.Join(l.root, "sub", "go.sum"))
		l.commit(t)
	}
	t.Run("broken once", func(t *testing.T) {
		t.Parallel()
		l := lab.copy(t)
		addSub(t, l)
		labWrite(t, filepath.Join(l.dir(labLib), "lib.go"), "package lib\n")
		facts, findings, err := runModcache(t.Context(), l.session(t, l.proxy))
		if err != nil || len(findings) != 1 || findings[0].Module != labLib || facts.Link.Total != 5 {
			t.Errorf("%v, %v, link %+v", told(findings), err, facts.Link)
		}
	})
	t.Run("contradiction", func(t *testing.T) {
		t.Parallel()
		l := lab.copy(t)
		addSub(t, l)
		sub := *l
		sub.root = filepath.Join(l.root, "sub")
		sub.swapSum(t, labLib, "")
		s := l.session(t, l.proxy)
		facts, findings, err := runModcache(t.Context(), s)
		if err != nil || len(findings) != 0 {
			t.Fatalf("%v, %v", told(findings), err)
		}
		if facts.Link.State != Unproven || facts.Link.Why != "1 with go.sum lines that contradict each other, 4 zips by directory only" {
			t.Errorf("link %+v", facts.Link)
		}
		s.result = func(*Check) *Result { return &Result{Facts: facts.Values} }
		_, findings, err = runGosum(t.Context(), s)
		want := []string{"gosum/conflict " + fileLine{"sub/go.sum", sub.sumLine(t, labLib)}.String() + " " + labLib}
		if got := told(findings); err != nil || !slices.Equal(got, want) {
			t.Fatalf("gosum: %q, %v, want %q", got, err, want)
		}
		if last := findings[0].Evidence[2]; !strings.Contains(last, "the module cache holds what go.sum:") {
			t.Errorf("evidence %q", findings[0].Evidence)
		}
	})
}

// TestModcacheWorkspace: a workspace needs no lines in its members' go.sum, so
// what go.mod requires is held against itself.
func TestModcacheWorkspace(t *testing.T) {
	t.Parallel()
	l := newCacheLab(t)
	labWrite(t, filepath.Join(l.root, "go.work"), "go 1.21\n\nuse .\n")
	labRemove(t, filepath.Join(l.root, "go.sum"))
	facts, findings, err := runModcache(t.Context(), l.session(t, l.proxy))
	if err != nil || len(findings) != 0 {
		t.Fatalf("%v, %v", told(findings), err)
	}
	if facts.Link.State != Unproven || facts.Link.Why != "5 without a line in go.sum" || facts.Link.Total != 5 {
		t.Errorf("link %+v", facts.Link)
	}
	labWrite(t, filepath.Join(l.dir(labFork), "orig.go"), "package orig\n")
	_, findings, err = runModcache(t.Context(), l.session(t, l.proxy))
	// The requirement that is replaced by the fork stands in line 8.
	if got, want := told(findings), []string{"modcache/tree-modified go.mod:8 " + labFork}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%q, %v, want %q", got, err, want)
	}

	// A line in go.work.sum is as good as one in go.sum.
	labWrite(t, filepath.Join(l.root, "go.work.sum"), "example.com/fork v1.0.0 "+strings.TrimSpace(labRead(t, l.file(labFork, "ziphash")))+"\n")
	facts, findings, err = runModcache(t.Context(), l.session(t, l.proxy))
	if got, want := told(findings), []string{"modcache/tree-modified go.work.sum:1 " + labFork}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%q, %v, want %q", got, err, want)
	}
	if facts.Link.State != Broken {
		t.Errorf("link %+v", facts.Link)
	}
}

// TestModcacheGoModOnly: of a version in the module graph only the .mod file counts.
func TestModcacheGoModOnly(t *testing.T) {
	t.Parallel()
	l := newCacheLab(t)
	path := filepath.Join(l.root, "go.sum")
	labWrite(t, path, labRead(t, path)+"example.com/old v0.9.0/go.mod h1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n")
	line := strings.Count(labRead(t, path), "\n")
	_, findings, err := runModcache(t.Context(), l.session(t, l.proxy))
	if err != nil || len(findings) != 0 {
		t.Fatalf("not in the cache: %v, %v", told(findings), err)
	}
	old := "example.com/old@v0.9.0"
	labWrite(t, l.file(old, "mod"), "module example.com/old\n")
	labWrite(t, l.file(old, "zip"), "another project's, none of our business")
	_, findings, err = runModcache(t.Context(), l.session(t, l.proxy))
	want := []string{"modcache/mod-modified " + fileLine{"go.sum", line}.String() + " " + old}
	if got := told(findings); err != nil || !slices.Equal(got, want) {
		t.Fatalf("%q, %v, want %q", got, err, want)
	}
	if out, err := l.run("off", "sh", "-c", findings[0].Fix.Command); err != nil {
		t.Errorf("fix: %v\n%s", err, out)
	}
	if _, findings, err = runModcache(t.Context(), l.session(t, l.proxy)); err != nil || len(findings) != 0 {
		t.Errorf("after the fix: %v, %v", told(findings), err)
	}
}

func TestModcacheTwoThingsBroken(t *testing.T) {
	t.Parallel()
	l := newCacheLab(t)
	labTruncate(t, l.file(labLib, "zip"), 100)
	labWrite(t, filepath.Join(l.dir(labLib), "lib.go"), "package lib\n")
	labWrite(t, l.file(labDep, "mod"), "")
	_, findings, err := runModcache(t.Context(), l.session(t, l.proxy))
	lib, dep := fileLine{"go.sum", l.sumLine(t, labLib)}.String()+" "+labLib, fileLine{"go.sum", l.sumLine(t, labDep) + 1}.String()+" "+labDep
	want := []string{"modcache/mod-modified " + dep, "modcache/tree-modified " + lib, "modcache/zip-unreadable " + lib}
	if got := told(findings); err != nil || !slices.Equal(got, want) {
		t.Fatalf("%q, %v, want %q", got, err, want)
	}
	l.mend(t, "")
}

// TestModcacheUnreadable: what may not be read is a warning and an error, and
// neither broken nor proven.
func TestModcacheUnreadable(t *testing.T) {
	t.Parallel()
	if os.Geteuid() == 0 || runtime.GOOS == "windows" {
		t.Skip("root reads everything")
	}
	l := newCacheLab(t)
	path := l.file(labLib, "zip")
	if err := os.Chmod(path, 0); err != nil {
		t.Fatal(err)
	}
	facts, findings, err := runModcache(t.Context(), l.session(t, l.proxy))
	want := []string{"modcache/unreadable " + fileLine{"go.sum", l.sumLine(t, labLib)}.String() + " " + labLib}
	if got := told(findings); err == nil || skipReason(err) != "" || !slices.Equal(got, want) {
		t.Errorf("%q, %v, want %q", got, err, want)
	}
	if facts.Link.State != Unproven || facts.Link.Proven != 4 {
		t.Errorf("link %+v", facts.Link)
	}
}

func TestReplacement(t *testing.T) {
	t.Parallel()
	s := filesSession(t, map[string]string{
		"go.mod": `module example.com/app

go 1.21

require (
	example.com/all v1.0.0
	example.com/one v1.0.0
	example.com/plain v1.0.0
	example.com/overridden v1.0.0
	example.com/member v1.0.0
	example.com/local v1.0.0
)

replace (
	example.com/all => example.com/all-fork v1.1.0
	example.com/one => example.com/not-this v1.0.0
	example.com/one v1.0.0 => example.com/one-fork v1.2.0
	example.com/overridden => example.com/not-this v1.0.0
	example.com/local => ./local
)
`,
		"member/go.mod": "module example.com/member\n\ngo 1.21\n",
		"go.work":       "go 1.21\n\nuse (\n\t.\n\t./member\n)\n\nreplace example.com/overridden => example.com/by-work v1.3.0\n",
	})
	wanted, err := wantedModules(s.Modules, s.Repo.Modules)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, w := range wanted {
		got = append(got, w.id()+" "+w.zip.String())
	}
	want := []string{
		"example.com/all-fork@v1.1.0 go.mod:6",
		"example.com/by-work@v1.3.0 go.mod:9",
		"example.com/one-fork@v1.2.0 go.mod:7",
		"example.com/plain@v1.0.0 go.mod:8",
	}
	if !slices.Equal(got, want) {
		t.Errorf("wanted %q, want %q", got, want)
	}
}
