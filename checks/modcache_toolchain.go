package checks

import (
	"fmt"
	"slices"
	"strings"

	gomodcache "github.com/gopreflight/gopreflight/internal/modcache"
	"github.com/gopreflight/gopreflight/internal/plain"
)

var (
	ruleCachedReleaseModified = &Rule{
		ID:       "modcache/toolchain-modified",
		Severity: Error,
		Blocks:   true,
		Summary:  "A Go release in the module cache is not what the cache's own records say.",
		Help: "The go command runs other Go releases from `golang.org/toolchain@...` in the module cache. Each time it\n" +
			"compares the recorded hash with the checksum database, and never the folder with the recorded hash: a\n" +
			"compiler that was changed there compiles everything, without a word.\n\n" +
			"Remove the release; the go command downloads it again. If nobody knows who changed it, treat the machine\n" +
			"or the shared cache as compromised.",
	}
)

// A cachedToolchain is a Go release that lies in the module cache. What can be
// said of it is that folder, zip, recorded hash and the kept answer of the checksum
// database agree; nothing of that is proven, as all of it is the cache's own.
type cachedToolchain struct {
	gomodcache.Want
	// release is "go1.26.1", name is for people: "go1.26.1 for linux-amd64".
	release, name string
	// lookup is the file with the kept answer; empty for none.
	lookup string
}

// cachedToolchains are those that the modules' go and toolchain lines or GOTOOLCHAIN
// ask for; with --deep all of them, as each is a quarter of a gigabyte.
func (s *Session) cachedToolchains(cache string) ([]cachedToolchain, error) {
	wanted := map[string]bool{}
	for _, m := range s.allModules() {
		if c, err := s.choice(m); err == nil && c.Switch {
			wanted[c.Version] = true
		}
	}
	if len(wanted) == 0 && !s.Deep {
		return nil, nil
	}
	versions, err := gomodcache.Toolchains(cache)
	if err != nil {
		return nil, err
	}
	var found []cachedToolchain
	for _, version := range versions {
		release, system := gomodcache.ToolchainRelease(version)
		if !wanted[release] && !s.Deep {
			continue
		}
		t := cachedToolchain{release: release, name: release + " for " + system, Want: gomodcache.Want{Path: gomodcache.Toolchain, Version: version}}
		t.Zip, t.lookup = gomodcache.LookupHashes(cache, version)
		found = append(found, t)
	}
	return found, nil
}

// finding tells one problem of a cached release; nil for one that the go command
// mends by itself.
func (t *cachedToolchain) finding(p gomodcache.Problem, e gomodcache.Evidence) *Finding {
	rule, text := ruleCachedReleaseModified, ""
	switch p.Kind {
	case gomodcache.TreeModified:
		text = "the folder of " + t.name + " is not what its records say" + diffText(e.Diff)
	case gomodcache.ZipUnreadable:
		text = "the zip of " + t.name + " cannot be read: " + e.Zip.Damage
	case gomodcache.ZipModified:
		text = "the zip of " + t.name + " is not what its records say"
	case gomodcache.SumMismatch:
		text = "all that the module cache holds of " + t.name + " agrees with itself, but not with the kept answer of the checksum database"
	case gomodcache.ZiphashWrong:
		text = "the recorded hash of " + t.name + " is not that of its content"
	case gomodcache.IrregularEntry:
		text = "the module cache holds something of " + t.name + " that is neither file nor folder: " + irregularEntry(p, e)
	case gomodcache.Interrupted:
		rule, text = ruleInterrupted, "the extraction of "+t.name+" was interrupted"
	default:
		return nil
	}
	f := rule.Finding("%s", text)
	f.Module = t.Path + "@" + t.Version
	f.Key = string(p.Kind)
	f.Evidence = append(f.Evidence, "zip: "+contentText(e.Zip), "folder: "+contentText(e.Tree), "recorded hash: "+contentText(e.Ziphash))
	for _, hash := range t.Zip {
		f.Evidence = append(f.Evidence, fmt.Sprintf("checksum database, as kept in %s: %s", plain.Line(t.lookup), plain.Line(hash)))
	}
	f.Evidence = append(f.Evidence, "at: "+p.Path)
	remove := []string{e.Zip.Path, e.Ziphash.Path}
	if e.Partial.State == gomodcache.Sound {
		remove = append(remove, e.Partial.Path)
	}
	if e.Tree.State != gomodcache.Absent {
		remove = append(remove, e.Tree.Path)
	}
	f.Fix.Description = "Remove the release; the go command downloads it again when it needs it."
	f.Fix.Command = removeCommand(remove, e)
	f.Fix.Aside = []string{e.Zip.Path, e.Ziphash.Path, e.Tree.Path, e.Partial.Path}
	return &f
}

// toldBy is the fingerprint of the finding by which check toolchain tells that the
// files of this release, which it runs, are not those that were released.
func (t *cachedToolchain) toldBy(r *Result) string {
	if r != nil {
		for _, f := range r.Findings {
			if f.Rule == ruleReleaseModified.ID && f.Key == t.release {
				return f.Fingerprint
			}
		}
	}
	return ""
}

// toolchainTally counts what became of the Go releases in the cache.
type toolchainTally struct {
	total, consistent, broken int
	errs                      []error
	names                     []string
}

func (t *toolchainTally) add(tc *cachedToolchain, e gomodcache.Evidence, outcome gomodcache.Outcome) {
	t.total++
	t.errs = append(t.errs, e.Errs...)
	switch outcome {
	case gomodcache.Proven, gomodcache.Consistent:
		t.consistent++
		t.names = append(t.names, tc.name)
	case gomodcache.Broken:
		t.broken++
	case gomodcache.Unknown:
		if e.Busy {
			t.errs = append(t.errs, fmt.Errorf("another process is extracting %s right now", tc.name))
		}
	case gomodcache.Cold:
		t.total--
	}
}

// text is for the summary: "go1.26.1 for linux-amd64 consistent".
func (t *toolchainTally) text() string {
	var parts []string
	switch {
	case len(t.names) == 1:
		parts = append(parts, t.names[0]+" consistent")
	case t.consistent > 0:
		parts = append(parts, plain.Count(t.consistent, "Go release")+" consistent")
	}
	if t.broken > 0 {
		parts = append(parts, plain.Count(t.broken, "Go release")+" modified")
	}
	return strings.Join(slices.Clip(parts), ", ")
}
