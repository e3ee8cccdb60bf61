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
