package checks

import (
	"slices"
	"strings"

	gomodcache "github.com/gopreflight/gopreflight/internal/modcache"
)

// mend adds to a fix what gopreflight fix can do about a problem by itself: what
// of the version is to be moved aside, and what to bring back.
//
// Of a version whose content is wrong everything goes that go.sum does not prove;
// what it proves stays, so that a right zip can be extracted again without a
// network. A mismatch with go.sum itself is not for a machine: which of the two
// is wrong has to be found out first.
func (w *wantedModule) mend(f *Fix, p gomodcache.Problem, e gomodcache.Evidence) {
	switch {
	case p.Kind == gomodcache.SumMismatch, w.agrees(p, e):
		return
	case p.Kind == gomodcache.InfoDamaged:
		f.Aside = []string{e.Info.Path}
	case !p.Kind.Harmless():
		f.Aside = w.aside(p, e)
	}
	f.Description = strings.TrimSuffix(f.Description, ".") + "; gopreflight fix " + cacheRules[p.Kind].ID + " does it, and keeps what it moves."
	f.Again = w.again()
	f.Again.Lock = e.Lock.Path
}

// agrees reports whether a problem of the go.mod stands beside content that go.sum
// does not name either, while nothing in the cache says that the content is
// wrong: then both lines of go.sum may be.
func (w *wantedModule) agrees(p gomodcache.Problem, e gomodcache.Evidence) bool {
	other := func(c gomodcache.Content) bool {
		return c.State == gomodcache.Sound && len(w.Zip) > 0 && !slices.Contains(w.Zip, c.Hash)
	}
	content := []gomodcache.Content{e.Zip, e.Tree, e.Ziphash}
	return aboutMod(p, e) && slices.ContainsFunc(content, other) &&
		!slices.ContainsFunc(content, func(c gomodcache.Content) bool { return slices.Contains(p.Remove, c.Path) })
}

// aside are the files and folders of a version that have to go. The zip is the
// first, so that no go command extracts it in between; the marker of an
// extraction that never ended the last, so that none takes the folder for whole.
func (w *wantedModule) aside(p gomodcache.Problem, e gomodcache.Evidence) []string {
	content := []gomodcache.Content{e.Zip, e.Ziphash, e.Tree, e.Partial}
	broken := slices.ContainsFunc(content, func(c gomodcache.Content) bool { return slices.Contains(p.Remove, c.Path) })
	var paths, proven []string
	for _, c := range content {
		switch {
		case c.State == gomodcache.Sound && slices.Contains(w.Zip, c.Hash):
			proven = append(proven, c.Path)
		case broken && c.State != gomodcache.Absent && c.Path != "":
			paths = append(paths, c.Path)
		}
	}
	if broken {
		paths = append(paths, e.Leftovers...)
	}
	for _, path := range p.Remove {
		if !slices.Contains(proven, path) && !slices.Contains(paths, path) {
			paths = append(paths, path)
		}
	}
	return paths
}

// again is the version as BringBack takes it.
func (w *wantedModule) again() *Again {
	return &Again{Path: w.Path, Version: w.Version, Dir: w.dir, Zip: w.Zip, Mod: w.Mod, ModOnly: w.ModOnly}
}
