package checks

import (
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gopreflight/gopreflight/internal/hostinfo"
	gomodcache "github.com/gopreflight/gopreflight/internal/modcache"
	"github.com/gopreflight/gopreflight/internal/plain"
)

// cacheTally sums up what became of the wanted modules. Counts of modules leave
// out versions of which a build reads the go.mod file only; those are mods.
type cacheTally struct {
	total, proven, consistent, broken, disputed, absent, unknown int
	mods, modsProven                                             int
	files                                                        int
	bytes                                                        int64
	// left are modules with files that interrupted downloads left behind.
	left      []*wantedModule
	leftFiles []string
	leftBytes int64
	// Of the proven modules: trees and zips are how many folders and zips were
	// proven, listed how many zips were held against the proven folder by their
	// directory only.
	trees, zips, listed int
	// seen counts the versions of which the cache holds anything.
	seen int
	// noInfo are modules without an .info file, unreadable those that could
	// not be read, busy those that another process extracts right now.
	noInfo, unreadable, busy []*wantedModule
	readErrs                 []error
	// unwritable are modules that have to be extracted where this user may not
	// write, and whyUnwritable what the system says of the first.
	unwritable    []*wantedModule
	whyUnwritable string
	// toolchains are the Go releases in the cache, replaced the folders that stand
	// in for modules.
	toolchains toolchainTally
	replaced   []*replacedFolder
	// errs are why a part of the question has no answer.
	errs []error
	// held are the hashes of what the cache holds where go.sum lines contradict
	// each other, by "path@version" and "path@version/go.mod".
	held map[string]any
}

// factDisputed names, among the check's facts, the hashes of what the cache holds
// where go.sum lines contradict each other. Check gosum reads it.
const factDisputed = "disputed"

func (t *cacheTally) add(w *wantedModule, e gomodcache.Evidence, outcome gomodcache.Outcome) {
	if outcome == gomodcache.Proven && w.disputed() {
		t.hold(w.id(), w.Zip, e.Zip.Hash, e.Tree.Hash)
		t.hold(w.id()+"/go.mod", w.Mod, e.Mod.Hash)
	}
	if outcome != gomodcache.Cold {
		t.seen++
	}
	if len(e.Errs) > 0 {
		t.unreadable = append(t.unreadable, w)
		t.readErrs = append(t.readErrs, e.Errs...)
	}
	if w.ModOnly {
		t.mods++
		if outcome == gomodcache.Proven && !w.disputed() {
			t.modsProven++
		}
		return
	}
	if outcome == gomodcache.Cold && len(w.Zip) == 0 {
		return // required, but no line says that the build needs its packages
	}
	t.total++
	if len(e.Leftovers) > 0 {
		t.left = append(t.left, w)
		t.leftFiles = append(t.leftFiles, e.Leftovers...)
		t.leftBytes += e.LeftoverBytes
	}
	if e.Busy {
		t.busy = append(t.busy, w)
	}
	switch outcome {
	case gomodcache.Cold:
		t.absent++
		return
	case gomodcache.Broken:
		t.broken++
	case gomodcache.Unknown:
		t.unknown++
	case gomodcache.Consistent:
		t.consistent++
	case gomodcache.Proven:
		if w.disputed() {
			t.disputed++
			break
		}
		t.proven++
		t.files += e.Files
		t.bytes += e.Bytes
		t.addProven(e)
	}
	if extracts := e.Zip.State == gomodcache.Sound && e.Tree.State != gomodcache.Sound; extracts {
		t.extracts(w, e)
	}
	if e.Info.State == gomodcache.Absent {
		t.noInfo = append(t.noInfo, w)
	}
}

// addProven counts what exactly is proven of a module.
func (t *cacheTally) addProven(e gomodcache.Evidence) {
	if e.Tree.State == gomodcache.Sound {
		t.trees++
	}
	switch e.Zip.State {
	case gomodcache.Sound:
		t.zips++
	case gomodcache.Listed:
		t.listed++
	}
}

// extracts notes a module that a build has to extract, where it could not.
func (t *cacheTally) extracts(w *wantedModule, e gomodcache.Evidence) {
	for _, dir := range []string{filepath.Dir(e.Tree.Path), filepath.Dir(e.Zip.Path)} {
		if p := hostinfo.LookAt(dir); p.Writable == hostinfo.No {
			t.unwritable = append(t.unwritable, w)
			if t.whyUnwritable == "" {
				t.whyUnwritable = fmt.Sprintf("%s: %s", p.Nearest, p.Why)
			}
			return
		}
	}
}

// hold notes which of several hashes the cache has.
func (t *cacheTally) hold(id string, lines []string, has ...string) {
	if i := slices.IndexFunc(has, func(h string) bool { return slices.Contains(lines, h) }); i >= 0 && len(lines) > 1 {
		if t.held == nil {
			t.held = map[string]any{}
		}
		t.held[id] = has[i]
	}
}

func (t *cacheTally) cold() bool { return t.seen == 0 }

// facts are the summary and the link of the chain.
func (t *cacheTally) facts(dir string) Facts {
	link := &Link{Link: "modcache", Against: "go.sum", Proven: t.proven, Total: t.total, Unit: "modules", Why: t.why(dir)}
	switch {
	case t.broken > 0 || t.toolchains.broken > 0:
		link.State = Broken
	case t.cold():
		link.State = Absent
	case t.proven > 0 && t.proven+t.absent == t.total:
		link.State = Proven
	default:
		link.State = Unproven
	}
	values := map[string]any{
		"gomodcache": dir,
		"modules":    t.total, "proven": t.proven, "absent": t.absent, "broken": t.broken,
		"consistent": t.consistent, "contradicted": t.disputed, "unknown": t.unknown,
		"goMods": t.mods, "goModsProven": t.modsProven,
		"files": t.files, "bytes": t.bytes, "temporaryFiles": len(t.leftFiles), "temporaryBytes": t.leftBytes,
		"toolchains": t.toolchains.total, "toolchainsConsistent": t.toolchains.consistent, "toolchainsBroken": t.toolchains.broken,
		"foldersProven": t.trees, "zipsProven": t.zips, "zipsByDirectory": t.listed,
	}
	maps.Copy(values, t.replacedValues())
	if len(t.held) > 0 {
		values[factDisputed] = t.held
	}
	return Facts{Summary: t.summary(), Link: link, Values: values}
}

// summary is one line for people: "560 modules proven against go.sum (121,084
// files, 1.9 GB), 560 zips by their directory only", and what is not proven where
// there is any.
func (t *cacheTally) summary() string {
	size := fmt.Sprintf(" (%s, %s)", plain.Count(t.files, "file"), plain.Bytes(t.bytes))
	if t.proven == t.total {
		return joined(plain.Count(t.total, "module")+" proven against go.sum"+size, t.byDirectory(), t.toolchains.text(), t.unprovenFolders())
	}
	return joined(fmt.Sprintf("%s of %s proven against go.sum%s",
		plain.Thousands(t.proven), plain.Count(t.total, "module"), size), t.byDirectory(), t.rest(), t.toolchains.text(), t.unprovenFolders())
}

// byDirectory says how many zips were not proven, though their modules were.
func (t *cacheTally) byDirectory() string {
	if t.listed == 0 {
		return ""
	}
	return plain.Count(t.listed, "zip") + " by directory only"
}

// unprovenFolders says how many folders that replace modules are not as committed,
// or cannot be compared.
func (t *cacheTally) unprovenFolders() string {
	differs, unproven := 0, 0
	for _, f := range t.replaced {
		switch {
		case f.unproven != "":
			unproven++
		case len(f.differs) > 0:
			differs++
		}
	}
	text := ""
	if differs > 0 {
		text = plain.Count(differs, "replacing folder") + " not as committed"
	}
	if unproven > 0 {
		text = joined(text, plain.Count(unproven, "replacing folder")+" unproven")
	}
	return text
}

// replacedValues are the facts about folders that replace modules.
func (t *cacheTally) replacedValues() map[string]any {
	if len(t.replaced) == 0 {
		return nil
	}
	clean, files, unproven := 0, 0, map[string]any{}
	for _, f := range t.replaced {
		files += f.files
		switch {
		case f.unproven != "":
			unproven[f.old] = f.unproven
		case len(f.differs) == 0:
			clean++
		}
	}
	return map[string]any{
		"replacingFolders": len(t.replaced), "replacingFoldersAsCommitted": clean, "replacingFiles": files, "replacingFoldersUnproven": unproven,
	}
}

// joined joins what is not empty by commas.
func joined(parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(part string) bool { return part == "" }), ", ")
}

// rest says what became of the modules that are not proven.
func (t *cacheTally) rest() string {
	var parts []string
	for _, part := range []struct {
		n    int
		text string
	}{
		{t.broken, "broken"},
		{t.unknown, "could not be read"},
		{t.disputed, "with go.sum lines that contradict each other"},
		{t.consistent, "without a line in go.sum"},
		{t.absent, "not in the cache"},
	} {
		if part.n > 0 {
			parts = append(parts, plain.Thousands(part.n)+" "+part.text)
		}
	}
	return strings.Join(parts, ", ")
}

func (t *cacheTally) why(dir string) string {
	switch {
	case t.cold() && t.total > 0:
		return fmt.Sprintf("cold: none of %s is in GOMODCACHE (%s)", plain.Count(t.total, "module"), dir)
	case t.cold() && t.mods == 0:
		return "nothing to prove: no go.sum names a module"
	case t.cold():
		return fmt.Sprintf("cold: none of %s is in GOMODCACHE (%s)", plain.Count(t.mods, "go.mod file"), dir)
	}
	broken := ""
	if t.toolchains.broken > 0 {
		broken = t.toolchains.text()
	}
	return joined(broken, t.rest(), t.byDirectory(), t.unprovenFolders())
}

// err is why the check could not find out everything; nil when it could.
func (t *cacheTally) err() error {
	errs := slices.Concat(t.errs, t.toolchains.errs)
	if n := len(t.unreadable); n > 0 {
		errs = append(errs, fmt.Errorf("could not read what the module cache holds of %s: %w", plain.Count(n, "module"), t.readErrs[0]))
	}
	if n := len(t.busy); n > 0 {
		errs = append(errs, fmt.Errorf("another process is extracting %s right now, first: %s", plain.Count(n, "module"), t.busy[0].id()))
	}
	return errors.Join(errs...)
}
