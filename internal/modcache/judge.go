package modcache

import "slices"

// Kind is one way in which a module version in the cache can be wrong.
type Kind string

// The kinds. Of all but the last three a build takes harm, or would if it took
// the file at its word.
const (
	// IrregularEntry: a symbolic link, pipe, device or the like where a
	// regular file or folder is due.
	IrregularEntry Kind = "irregular"
	// ZipUnreadable: the zip is truncated or no zip at all.
	ZipUnreadable Kind = "zip-unreadable"
	// ZipModified: the zip has other content than go.sum names; the folder too
	// where it was extracted from it.
	ZipModified Kind = "zip"
	// TreeModified: the extracted folder has other content than go.sum names.
	TreeModified Kind = "tree"
	// SumMismatch: what the cache holds agrees with itself, but not with go.sum.
	SumMismatch Kind = "gosum"
	// ZiphashWrong: the recorded hash is not that of the content.
	ZiphashWrong Kind = "ziphash"
	// Interrupted: the marker of an extraction that never ended.
	Interrupted Kind = "partial"
	// ModModified: the .mod file has other content than go.sum names.
	ModModified Kind = "mod"

	// ZiphashDamaged: no usable recorded hash; the go command makes it again from the zip.
	ZiphashDamaged Kind = "ziphash-damaged"
	// ZiphashMissing: none at all; the go command makes it again from the zip, which
	// it downloads where there is none, and uses the folder as it is.
	ZiphashMissing Kind = "ziphash-missing"
	// InfoDamaged: the .info file is no JSON about this version. Builds do not read it.
	InfoDamaged Kind = "info-damaged"
)

// Harmless reports whether builds repair or do not read what is wrong.
func (k Kind) Harmless() bool {
	return k == ZiphashDamaged || k == ZiphashMissing || k == InfoDamaged
}

// A Problem is one thing that is wrong with a module version in the cache.
type Problem struct {
	Kind Kind
	// Path is the file or folder at fault, absolute.
	Path string
	// GoMod says, for SumMismatch, that it is about the .mod file and its
	// "/go.mod" line.
	GoMod bool
	// Remove are the files and folders that have to go so that the go command
	// fetches or extracts them again, absolute. It is the same list for every
	// problem of a version, as half of it would leave it broken; empty where
	// removing is not the way.
	Remove []string
}

// Outcome is how well the content of a module version is known.
type Outcome int

// The outcomes.
const (
	// Cold: the cache does not hold it. The go command checks what it downloads.
	Cold Outcome = iota
	// Proven: all that the cache holds of it is what go.sum names.
	Proven
	// Consistent: go.sum has no line, but what the cache holds agrees with itself.
	Consistent
	// Broken: at least one problem that is not harmless.
	Broken
	// Unknown: something could not be read.
	Unknown
)

// Judge compares what the cache holds of a module version with go.sum and with
// itself. One broken thing makes one problem: a folder extracted from a modified
// zip is that zip's consequence, and so is a hash recorded from it.
func Judge(w Want, e Evidence) (Outcome, []Problem) {
	j := judge{w: w, e: e}
	if !w.ModOnly {
		j.content()
		j.notices()
	}
	j.mod()
	for i := range j.problems {
		if p := &j.problems[i]; p.Kind != SumMismatch && !p.Kind.Harmless() {
			p.Remove = j.remove
		}
	}
	return j.outcome(), j.problems
}

type judge struct {
	w        Want
	e        Evidence
	problems []Problem
	remove   []string
}

// blame adds a problem with c, and what has to go for it.
func (j *judge) blame(kind Kind, c Content, remove ...Content) {
	j.problems = append(j.problems, Problem{Kind: kind, Path: c.Path})
	for _, r := range remove {
		if r.State != Absent && !slices.Contains(j.remove, r.Path) {
			j.remove = append(j.remove, r.Path)
		}
	}
}

// right reports whether a content's hash is one that it may have: one of
// go.sum's, or without a line the recorded hash.
func (j *judge) right(c Content) bool {
	if c.State != Sound {
		return false
	}
	if len(j.w.Zip) > 0 {
		return contains(j.w.Zip, c.Hash)
	}
	return j.e.Ziphash.State != Sound || c.Hash == j.e.Ziphash.Hash
}

// wrong reports whether a content's hash is known and not right.
func (j *judge) wrong(c Content) bool { return c.State == Sound && !j.right(c) }

// content judges zip, folder and recorded hash.
func (j *judge) content() {
	zip, tree, hash := j.e.Zip, j.e.Tree, j.e.Ziphash
	for _, c := range []Content{zip, tree, hash, j.e.Info, j.e.Lock} {
		if c.State == Irregular {
			j.blame(IrregularEntry, c, c)
		}
	}
	if j.agreed() {
		c := zip
		if c.State != Sound {
			c = tree
		}
		j.blame(SumMismatch, c)
		return
	}

	zipBad := true
	switch {
	case zip.State == Damaged:
		j.blame(ZipUnreadable, zip, zip, hash)
	case j.wrong(zip):
		j.blame(ZipModified, zip, zip, hash)
		if tree.State == Sound && tree.Hash == zip.Hash {
			j.remove = append(j.remove, tree.Path)
		}
	default:
		zipBad = false
	}
	fromZip := zip.State == Sound && tree.Hash == zip.Hash
	// Without go.sum's line and a recorded hash the zip is what the tree is held against.
	unlike := len(j.w.Zip) == 0 && hash.State != Sound && zip.State == Sound && !fromZip
	treeBad := tree.State == Damaged || j.wrong(tree) && !fromZip || tree.State == Sound && unlike
	if treeBad {
		j.blame(TreeModified, tree, tree)
	}
	j.ziphash(zipBad, treeBad)
	// A marker without a folder means nothing to the go command.
	marked := j.e.Partial.State == Sound || j.e.Partial.State == Irregular
	if marked && tree.State == NotAsked && !j.e.Busy && !zipBad {
		j.blame(Interrupted, j.e.Partial, tree, j.e.Partial)
	}
}

// agreed reports whether zip, folder and recorded hash, as far as they are
// there, agree with each other but not with go.sum: nothing in the cache says
// that the cache is wrong.
func (j *judge) agreed() bool {
	zip, tree, hash := j.e.Zip, j.e.Tree, j.e.Ziphash
	if len(j.w.Zip) == 0 || !j.wrong(hash) {
		return false
	}
	same := func(c Content) bool {
		return c.State == Absent || c.State == NotAsked || c.State == Listed || c.State == Sound && c.Hash == hash.Hash
	}
	return same(zip) && same(tree) && (zip.State == Sound || tree.State == Sound)
}

// ziphash judges the recorded hash, unless it was recorded from what is blamed
// already.
func (j *judge) ziphash(zipBad, treeBad bool) {
	zip, tree, hash := j.e.Zip, j.e.Tree, j.e.Ziphash
	switch {
	case hash.State == Damaged && zip.State == Absent && exists(tree):
		// The go command would make it again from the zip, and there is none:
		// "verifying M@V: open V.zip: no such file or directory".
		j.blame(ZiphashWrong, hash, hash)
	case len(j.w.Zip) == 0 || !j.wrong(hash):
		return
	case zipBad && (zip.State == Damaged || hash.Hash == zip.Hash):
		return // it goes with the zip
	case treeBad && hash.Hash == tree.Hash:
		j.remove = append(j.remove, hash.Path)
	case exists(zip) || exists(tree):
		j.blame(ZiphashWrong, hash, hash)
	}
}

// notices are about what builds repair or do not read.
func (j *judge) notices() {
	held := exists(j.e.Zip) || exists(j.e.Tree)
	// The go command makes the hash again when it fetches or extracts what has to go.
	gone := slices.Contains(j.remove, j.e.Zip.Path) || slices.Contains(j.remove, j.e.Tree.Path)
	switch {
	case !held || gone:
	case j.e.Ziphash.State == Damaged && j.e.Zip.State != Absent:
		j.blame(ZiphashDamaged, j.e.Ziphash)
	case j.e.Ziphash.State == Absent:
		j.blame(ZiphashMissing, j.e.Ziphash)
	}
	if j.e.Info.State == Damaged {
		j.blame(InfoDamaged, j.e.Info)
	}
}

// mod judges the .mod file.
func (j *judge) mod() {
	mod := j.e.Mod
	switch {
	case mod.State == Irregular:
		j.blame(IrregularEntry, mod, mod)
	case mod.State == Damaged:
		j.blame(ModModified, mod, mod)
	case mod.State != Sound || len(j.w.Mod) == 0 || contains(j.w.Mod, mod.Hash):
	case j.e.InnerMod.State == Sound && j.e.InnerMod.Hash == mod.Hash && j.proven():
		// The proven content has this very go.mod: go.sum's line is the odd one.
		j.problems = append(j.problems, Problem{Kind: SumMismatch, Path: mod.Path, GoMod: true})
	default:
		j.blame(ModModified, mod, mod)
	}
}

// proven reports whether there is content, and all of it that a build would read
// is what go.sum names.
func (j *judge) proven() bool {
	fine := func(c Content) bool {
		return c.State == Absent || c.State == NotAsked || c.State == Listed || j.right(c)
	}
	return len(j.w.Zip) > 0 && fine(j.e.Zip) && fine(j.e.Tree) &&
		(j.e.Zip.State == Sound || j.e.Tree.State == Sound)
}

func (j *judge) outcome() Outcome {
	for _, p := range j.problems {
		if !p.Kind.Harmless() {
			return Broken
		}
	}
	unreadable := func(cs ...Content) bool {
		return slices.ContainsFunc(cs, func(c Content) bool { return c.State == Unreadable })
	}
	if j.w.ModOnly {
		switch {
		case unreadable(j.e.Mod):
			return Unknown
		case j.e.Mod.State == Absent:
			return Cold
		case len(j.w.Mod) == 0:
			return Consistent
		}
		return Proven
	}
	switch {
	case unreadable(j.e.Mod, j.e.Zip, j.e.Tree, j.e.Ziphash, j.e.Partial) || j.e.Busy:
		return Unknown
	case !exists(j.e.Zip) && !exists(j.e.Tree):
		return Cold
	case j.proven():
		return Proven
	}
	return Consistent
}

// exists reports whether there is something, whatever it is.
func exists(c Content) bool { return c.State != NotAsked && c.State != Absent }

func contains(hashes []string, hash string) bool { return slices.Contains(hashes, hash) }
