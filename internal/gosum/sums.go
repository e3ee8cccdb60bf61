package gosum

import (
	"slices"

	"golang.org/x/mod/module"
)

// Sums are the lines of a file by what they are about, as Line.Mod names it, in
// the file's order: the order in which the go command tries them.
type Sums map[module.Version][]Line

// Sums indexes the file's lines, those of unknown algorithms included.
func (f *File) Sums() Sums {
	s := make(Sums, len(f.Lines))
	for _, l := range f.Lines {
		s[l.Mod()] = append(s[l.Mod()], l)
	}
	return s
}

// Hashes returns the different hashes of known algorithms that the file names
// for mod, in the file's order; none when the go command would call the entry missing.
func (s Sums) Hashes(mod module.Version) []string {
	var hashes []string
	for _, l := range s[mod] {
		if l.Known() && !slices.Contains(hashes, l.Hash) {
			hashes = append(hashes, l.Hash)
		}
	}
	return hashes
}

// A Conflict is two lines of one file that name different hashes for the same
// content; one of them is wrong. The go command tries lines from the top: it
// stops at the first that is equal (and never sees a wrong line after it), or
// at the first that differs, with a SECURITY ERROR
// (cmd/go, modfetch/fetch.go, haveModSumLocked).
type Conflict struct {
	// First is the line that the go command holds every download against.
	First Line
	// Other is a later line with another hash, which is never reached.
	Other Line
}

// Conflicts returns, in the order of their Other lines, every line that
// contradicts the first of its kind. Lines of unknown algorithms contradict nothing.
func (f *File) Conflicts() []Conflict {
	var conflicts []Conflict
	first := make(map[module.Version]Line, len(f.Lines))
	for _, l := range f.Lines {
		if !l.Known() {
			continue
		}
		if one, ok := first[l.Mod()]; !ok {
			first[l.Mod()] = l
		} else if one.Hash != l.Hash {
			conflicts = append(conflicts, Conflict{one, l})
		}
	}
	return conflicts
}
