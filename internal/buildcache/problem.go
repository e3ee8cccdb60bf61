package buildcache

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// Kind is one way in which something in a build cache can be wrong.
type Kind string

// The kinds. Builds take harm from the first three; what the others are about the
// go command treats as not there, and makes again.
const (
	// Modified: an object is not what its name says, and has the size that the
	// index names: builds use it.
	Modified Kind = "modified"
	// Misdirected: an index entry leads to a compiled package that another step
	// made, by what the package says of itself: builds use it.
	Misdirected Kind = "misdirected"
	// Irregular: a symbolic link, pipe or device where a file or folder is due.
	// The go command would follow or open it.
	Irregular Kind = "irregular"

	// Damaged: an object is not what its name says, and no build uses it: it has
	// another size than the index names, or is a folder that does not hold exactly
	// one file.
	Damaged Kind = "damaged"
	// Malformed: an index entry cannot be read, or is about another step than its
	// name says.
	Malformed Kind = "malformed"
	// Dangling: an index entry names an object that is not there, or has another size.
	Dangling Kind = "dangling"
	// Foreign: a file that no go command writes or looks for, or an object or
	// entry in the folder of others.
	Foreign Kind = "foreign"
)

// kinds are all kinds, in the order in which problems are told.
var kinds = []Kind{Modified, Misdirected, Irregular, Damaged, Malformed, Dangling, Foreign}

// A Problem is one thing that is wrong.
type Problem struct {
	Kind Kind
	// Path is the file or folder at fault, absolute; of an executable the folder
	// that is the object.
	Path string
	// Name is the object's or the entry's own name, as "12ab...-d"; that of a
	// foreign file relative to the cache, with slashes.
	Name string
	// Detail says what is wrong with it, as the rest of a sentence.
	Detail string
	// Stays says that no build ever mends it.
	Stays bool
	// Changed is when an object's file was last changed or used; zero for others.
	Changed time.Time
}

// A tally collects problems and errors; the verifier has one for each worker.
type tally struct {
	problems   map[Kind][]Problem
	count      map[Kind]int
	errs       []error
	unreadable int
}

func (t *tally) problem(p Problem) {
	if t.count == nil {
		t.problems, t.count = map[Kind][]Problem{}, map[Kind]int{}
	}
	if t.count[p.Kind]++; len(t.problems[p.Kind]) < maxProblems {
		t.problems[p.Kind] = append(t.problems[p.Kind], p)
	}
}

func (t *tally) unread(err error) {
	if t.unreadable++; len(t.errs) < maxErrs {
		t.errs = append(t.errs, err)
	}
}

// merge adds what a worker found.
func (v *verifier) merge(t *tally) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, kind := range kinds {
		for _, p := range t.problems[kind] {
			v.found.problem(p)
		}
		if n := t.count[kind] - len(t.problems[kind]); n > 0 {
			v.found.count[kind] += n
		}
	}
	for _, err := range t.errs {
		v.found.unread(err)
	}
	v.found.unreadable += t.unreadable - len(t.errs)
}

// sum puts what all workers found into the survey, in one order.
func (v *verifier) sum() {
	for _, kind := range kinds {
		if n := v.found.count[kind]; n > 0 {
			v.Count[kind] = n
		}
		list := v.found.problems[kind]
		slices.SortFunc(list, func(a, b Problem) int {
			return cmp.Or(strings.Compare(a.Path, b.Path), strings.Compare(a.Detail, b.Detail))
		})
		v.Problems = append(v.Problems, list...)
	}
	slices.SortFunc(v.found.errs, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	v.Errs, v.Unreadable = v.found.errs, v.found.unreadable
}
