package checks

import (
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/module"

	gomodcache "github.com/gopreflight/gopreflight/internal/modcache"
)

// TestHeldModule: what other checks are told of the cache's modules.
func TestHeldModule(t *testing.T) {
	t.Parallel()
	l := newCacheLab(t)
	labWrite(t, filepath.Join(l.dir(labLib), "lib.go"), "package lib\n")
	labRemove(t, l.dir(labDep))
	labRemove(t, l.file(labCompat, "zip"))
	labRemove(t, l.dir(labAzure))
	labRemove(t, filepath.Dir(l.file(labAzure, "zip")))

	s := l.session(t, l.proxy)
	version := func(id string) module.Version {
		path, v, _ := strings.Cut(id, "@")
		return module.Version{Path: path, Version: v}
	}
	if _, ok := s.heldModule(version(labLib)); ok {
		t.Error("something is held before modcache ran")
	}
	s.shared = &shared{}
	if _, ok := s.heldModule(version(labLib)); ok {
		t.Error("something is held before modcache ended")
	}
	if _, _, err := runModcache(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]heldModule{
		labLib:    {Outcome: gomodcache.Broken},
		labDep:    {Outcome: gomodcache.Proven, Zip: l.file(labDep, "zip")},
		labCompat: {Outcome: gomodcache.Proven, Tree: l.dir(labCompat)},
		labAzure:  {Outcome: gomodcache.Cold},
	} {
		if got, ok := s.heldModule(version(id)); !ok || got != want {
			t.Errorf("%s: %+v, %v, want %+v", id, got, ok, want)
		}
	}
	if h, ok := s.heldModule(version("example.com/other@v1.0.0")); ok {
		t.Errorf("a module that nobody asked about is %+v", h)
	}
}

// TestReleaseToldOnce: what check toolchain says of a release, which it runs, the
// same finding of the module cache follows from.
func TestReleaseToldOnce(t *testing.T) {
	t.Parallel()
	l := newCacheLab(t)
	l.addToolchain(t)
	labWrite(t, filepath.Join(l.dir(labToolchain), "evil.go"), "package evil\n")
	for key, want := range map[string]string{"go1.99.0": "the cause", "go1.98.0": ""} {
		s := l.session(t, l.proxy)
		s.Deep = true
		s.result = func(c *Check) *Result {
			if c != toolchainCheck {
				return nil
			}
			return &Result{Findings: []Finding{{Rule: ruleReleaseModified.ID, Key: key, Fingerprint: "the cause"}}}
		}
		_, findings, err := runModcache(t.Context(), s)
		if err != nil || len(findings) != 1 || findings[0].Rule != ruleCachedReleaseModified.ID || findings[0].CausedBy != want {
			t.Errorf("%s: findings %+v, error %v, want one that follows from %q", key, findings, err, want)
		}
	}
}
