package checks

import (
	archive "archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
	"golang.org/x/mod/zip"

	gomodcache "github.com/gopreflight/gopreflight/internal/modcache"
	"github.com/gopreflight/gopreflight/internal/plain"
	"github.com/gopreflight/gopreflight/internal/vendored"
)

// A vendorSource is where the content of a vendored module is, and how well it
// is known.
type vendorSource struct {
	// listed is what modules.txt says of it.
	listed *vendored.Module
	// origin is the module version that the content is of: listed, or what
	// replaces it; Version is empty for a directory.
	origin module.Version
	// sums are what go.sum files name for it.
	sums []string

	// dir is a directory with the content, zip a module zip; both empty where
	// there is none, and why then says so.
	dir, zip string
	// inRepository says that dir is a slash path relative to the root.
	inRepository bool
	// proven says that the content as a whole is what go.sum names.
	proven bool
	why    string
	// blocked is the finding of check modcache that keeps it from being used.
	blocked *blockedError

	// goLine is the go line of its go.mod; goKnown is false where none was read.
	goLine  string
	goKnown bool
}

// id is path@version of what was vendored, as findings name it.
func (v *vendorSource) id() string { return describeModule(v.listed.Version) }

// known reports whether there is content to compare with.
func (v *vendorSource) known() bool { return v.dir != "" || v.zip != "" }

// sources finds the content of every module with packages in the tree: what
// check modcache has proven, else what is in the cache once it is, else what can
// be downloaded.
func (t *vendorTree) sources(ctx context.Context, s *Session) ([]*vendorSource, error) {
	sums := t.sums()
	var all, cached []*vendorSource
	for _, m := range t.text.Modules {
		if len(m.Packages) == 0 {
			continue
		}
		v := &vendorSource{listed: m, origin: m.Version}
		if m.Replacement.Path != "" {
			v.origin = m.Replacement
		}
		all = append(all, v)
		if v.origin.Version == "" {
			t.directory(s, v)
			continue
		}
		v.sums = sums[v.origin]
		cached = append(cached, v)
	}
	missing, err := s.findCached(ctx, cached)
	if err != nil || len(missing) == 0 {
		return all, err
	}
	wanted := slices.DeleteFunc(missing, func(v *vendorSource) bool { return len(v.sums) == 0 || !s.mayAskFor(v) })
	switch {
	case len(wanted) == 0:
	case s.Offline || s.Go == nil:
		for _, v := range wanted {
			v.why = "not in the module cache, and offline"
			if s.Go == nil {
				v.why = "not in the module cache, and there is no go command to download it"
			}
		}
	default:
		err = t.download(ctx, s, wanted)
	}
	return all, err
}

// sumFiles are the go.sum files that count for the tree: those of all members of
// its workspace, whichever are judged, or of its module.
func (t *vendorTree) sumFiles() []sumFile {
	if t.work == nil {
		return sumFiles(t.modules)
	}
	return sumFiles(t.members)
}

// sums are the hashes that the go.sum files of the tree's modules name.
func (t *vendorTree) sums() map[module.Version][]string {
	sums := map[module.Version][]string{}
	for _, f := range t.sumFiles() {
		if f.parse() != nil {
			continue // check gosum says why
		}
		for _, l := range f.parsed.Lines {
			v := module.Version{Path: l.Path, Version: l.Version}
			if l.Known() && !l.GoMod && !slices.Contains(sums[v], l.Hash) {
				sums[v] = append(sums[v], l.Hash)
			}
		}
	}
	return sums
}

// directory finds the content of a module that a directory replaces, which may
// lie outside of the repository.
func (t *vendorTree) directory(s *Session, v *vendorSource) {
	dir := filepath.FromSlash(v.origin.Path)
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(s.Repo.Abs(t.dir), dir)
	}
	if strings.HasPrefix(filepath.ToSlash(dir), "//") {
		v.why = "it is replaced by a network share, which is not asked" // Windows would log in there
		return
	}
	info, err := os.Stat(dir)
	switch {
	case err != nil:
		v.why = "its directory cannot be read: " + err.Error()
	case !info.IsDir():
		v.why = "it is replaced by something that is no directory"
	default:
		if name, inside := relative(s.Root(), dir); inside {
			v.dir, v.inRepository = name, true
		} else {
			v.dir = dir
		}
	}
}

// findCached finds what GOMODCACHE holds, and returns what it does not hold.
func (s *Session) findCached(ctx context.Context, sources []*vendorSource) (missing []*vendorSource, err error) {
	var ask []*vendorSource
	for _, v := range sources {
		if held, ok := s.heldModule(v.origin); ok && (held.Tree != "" || held.Zip != "") {
			v.use(held.Tree, held.Zip, held.Outcome == gomodcache.Proven)
			continue
		}
		ask = append(ask, v)
	}
	if len(ask) == 0 {
		return nil, nil
	}
	dir := s.Env.Get("GOMODCACHE")
	if dir == "" {
		for _, v := range ask {
			v.why = "GOMODCACHE is not known"
		}
		return nil, nil
	}
	wants := make([]gomodcache.Want, len(ask))
	for i, v := range ask {
		wants[i] = gomodcache.Want{Path: v.origin.Path, Version: v.origin.Version, Zip: v.sums}
	}
	if s.Progress != nil {
		s.Progress("hashing %s of the module cache", plain.Count(len(wants), "module"))
	}
	evidence, err := gomodcache.Verify(ctx, gomodcache.Options{Dir: dir}, wants)
	if err != nil {
		if ctx.Err() != nil {
			return nil, err
		}
		for _, v := range ask {
			v.why = err.Error()
		}
		return nil, nil
	}
	for i, v := range ask {
		if s.judgeCached(v, evidence[i]) {
			missing = append(missing, v)
		}
	}
	return missing, nil
}

// use takes content of the cache: the folder if it may be used, else the zip.
func (v *vendorSource) use(tree, zip string, proven bool) {
	v.why, v.blocked, v.proven = "", nil, proven
	v.dir, v.zip = tree, ""
	if tree == "" {
		v.zip = zip
	}
}

// judgeCached takes what the evidence shows to be right, a zip too whose folder
// is not, and reports whether the cache holds nothing.
func (s *Session) judgeCached(v *vendorSource, e gomodcache.Evidence) (missing bool) {
	right := func(c gomodcache.Content) string {
		if c.State == gomodcache.Sound && slices.Contains(v.sums, c.Hash) {
			return c.Path
		}
		return ""
	}
	if len(v.sums) > 0 {
		tree, zip := right(e.Tree), right(e.Zip)
		if tree != "" || zip != "" {
			// Where go.sum lines contradict each other, to equal one proves nothing.
			v.use(tree, zip, len(v.sums) == 1)
			return false
		}
	} else {
		outcome, _ := gomodcache.Judge(gomodcache.Want{Path: v.origin.Path, Version: v.origin.Version}, e)
		if outcome == gomodcache.Consistent && e.Tree.State == gomodcache.Sound {
			v.use(e.Tree.Path, "", false)
			return false
		}
		if outcome == gomodcache.Consistent && e.Zip.State == gomodcache.Sound {
			v.use("", e.Zip.Path, false)
			return false
		}
	}
	there := func(c gomodcache.Content) bool {
		return c.State != gomodcache.Absent && c.State != gomodcache.NotAsked
	}
	switch {
	case len(e.Errs) > 0:
		v.why = "what the module cache holds of it cannot be read: " + e.Errs[0].Error()
	case !there(e.Tree) && !there(e.Zip):
		v.why = "not in the module cache"
		if len(v.sums) == 0 {
			v.why += ", and no go.sum names it"
		}
		return true
	default:
		v.why = "what the module cache holds of it is not what go.sum names"
		v.blocked = s.brokenInCache(describeModule(v.origin))
	}
	return false
}

// brokenInCache is the finding of check modcache that blocks a module version;
// nil where there is none.
func (s *Session) brokenInCache(id string) *blockedError {
	r := s.Result(modcache)
	if r == nil {
		return nil
	}
	for i := range r.Findings {
		if f := &r.Findings[i]; f.Module == plain.Line(id) && modcache.blocks(f) {
			return &blockedError{f.Rule, f.Fingerprint}
		}
	}
	return nil
}

// open opens the content for the comparison, and reads its go line on the way.
func (v *vendorSource) open(s *Session) (fs.FS, io.Closer, error) {
	content, closer, err := v.openContent(s)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", v.id(), err)
	}
	v.readGoLine(content)
	return content, closer, nil
}

func (v *vendorSource) openContent(s *Session) (fs.FS, io.Closer, error) {
	switch {
	case v.zip != "":
		z, err := archive.OpenReader(v.zip)
		if err != nil {
			return nil, nil, err
		}
		content, err := fs.Sub(z, describeModule(v.origin))
		if err != nil {
			return nil, nil, errors.Join(err, z.Close())
		}
		return content, z, nil
	case v.inRepository:
		top, err := os.OpenRoot(s.Root())
		if err != nil {
			return nil, nil, err
		}
		defer top.Close()
		root, err := top.OpenRoot(filepath.FromSlash(v.dir))
		if err != nil {
			return nil, nil, err
		}
		return root.FS(), root, nil
	}
	root, err := os.OpenRoot(v.dir)
	if err != nil {
		return nil, nil, err
	}
	return root.FS(), root, nil
}

// readGoLine reads the go line of the content's go.mod; without a go.mod it has
// none.
func (v *vendorSource) readGoLine(content fs.FS) {
	info, err := fs.Lstat(content, "go.mod")
	if errors.Is(err, fs.ErrNotExist) {
		v.goKnown = true
		return
	}
	if err != nil || !info.Mode().IsRegular() || info.Size() > zip.MaxGoMod {
		return
	}
	data, err := fs.ReadFile(content, "go.mod")
	if err != nil {
		return
	}
	file, err := modfile.ParseLax("go.mod", data, nil)
	if err != nil {
		return
	}
	v.goKnown = true
	if file.Go != nil {
		v.goLine = file.Go.Version
	}
}
