// Package buildcache looks at a build cache (GOCACHE) and says whether its
// objects are what their names say.
//
// The go command keeps the output of each step (a compiled package, the index
// of a module's packages, the result of a test) as an object, in the file
// "XX/SHA256-d", and notes in the index, in "XX/ID-a", which object a step led
// to (cmd/go/internal/cache). What a build takes from there it hardly looks at:
// for compiled packages and module indexes it compares the size alone (GetFile,
// GetMmap), so an object that was edited in its place, to the same length, gets
// linked without a word. Verify hashes the objects and reads the index.
//
// That is all that can be proven: that the cache agrees with itself. Nothing
// ties an object to the sources it was made of, so who writes a new object with
// its right name and an index entry for it is not noticed, neither here nor by
// the go command.
//
// The package only reads, runs nothing, repairs nothing, follows no symbolic
// link below the cache's folder and opens nothing but regular files and folders.
package buildcache

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"time"
)

// Options says where to look, and how hard.
type Options struct {
	// Dir is GOCACHE, an absolute path. It need not exist.
	Dir string
	// Jobs is how many files are read at once; 0 means GOMAXPROCS.
	Jobs int
	// MaxBytes bounds how much of the objects is hashed, newest first; 0 means all.
	MaxBytes int64
	// MaxTime bounds how long it may take; 0 means no bound. What was not looked
	// at by then is counted.
	MaxTime time.Duration
	// Now is the clock; it must be set.
	Now func() time.Time
	// Progress is told now and then how far the hashing has come, from one
	// goroutine; nil for nobody.
	Progress func(objects, of int, bytes int64)

	// pause is how long a file that may be written right now is left alone
	// before it is hashed again; tests shorten it.
	pause time.Duration
}

const (
	// maxEntries bounds how many files are remembered: some 80 bytes each. The
	// cache of a year's work on large repositories has some hundred thousands.
	maxEntries = 1 << 20
	// maxProblems bounds how many problems of each kind are told; all are counted.
	maxProblems = 1000
	// maxErrs bounds how many errors are told.
	maxErrs = 20
)

// Fresh is the age below which a file is taken for one that a build may be
// writing: the go command writes objects in their place.
const Fresh = time.Minute

// Times by which the go command trims the cache (cmd/go/internal/cache,
// trimInterval, trimLimit and mtimeInterval).
const (
	TrimInterval = 24 * time.Hour
	TrimLimit    = 5*24*time.Hour + time.Hour
)

// A Survey is what was seen of a build cache.
type Survey struct {
	// Exists says that the folder is there at all.
	Exists bool
	// Objects and Bytes are the objects that lie there, and their size;
	// Executables are those among them that are kept as a folder (Go 1.24).
	Objects, Executables int
	Bytes                int64
	// Entries are the entries of the index.
	Entries int
	// Sound are the objects that are what their names say, and SoundBytes their size.
	Sound      int
	SoundBytes int64
	// Unseen are the objects, and UnseenEntries the index entries, that were listed
	// but not looked at, because of MaxBytes or MaxTime. Unlisted are the folders,
	// of 256, for which there was no time at all, and Forgotten the files beyond
	// the first million, about which nothing is known.
	Unseen, UnseenEntries, Unlisted, Forgotten int
	UnseenBytes                                int64
	// Changing are the objects that changed as often as they were looked at.
	Changing int
	// Stale are the objects that were not used for TrimLimit, and their size: the
	// next trim removes them.
	Stale      int
	StaleBytes int64
	// Oldest and Newest are when an object was last used, to an hour; zero without any.
	Oldest, Newest time.Time
	// Trimmed is when the cache was last trimmed, by its trim.txt; zero if that
	// says nothing.
	Trimmed time.Time
	// Problems are what is wrong, by kind and then by path; at most 1000 of each
	// kind. Count has all.
	Problems []Problem
	Count    map[Kind]int
	// Errs say what could not be read, at most 20; Unreadable counts all.
	Errs       []error
	Unreadable int
}

// Verify looks at a build cache. An error means that the folder as a whole could
// not be looked at, or that ctx ended; what could not be read in it is counted.
func Verify(ctx context.Context, o Options) (*Survey, error) {
	if !filepath.IsAbs(o.Dir) {
		return nil, fmt.Errorf("build cache %q is not an absolute path", o.Dir)
	}
	switch info, err := os.Stat(o.Dir); {
	case errors.Is(err, fs.ErrNotExist):
		return &Survey{}, nil
	case err != nil:
		return nil, fmt.Errorf("build cache: %w", err)
	case !info.IsDir():
		return nil, fmt.Errorf("build cache %q is not a directory", o.Dir)
	}
	if o.Jobs <= 0 {
		o.Jobs = runtime.GOMAXPROCS(0)
	}
	if o.pause == 0 {
		o.pause = 300 * time.Millisecond
	}
	v := &verifier{Options: o, ctx: ctx, start: o.Now(), Survey: Survey{Exists: true, Count: map[Kind]int{}}}
	if err := v.list(); err != nil {
		return nil, err
	}
	v.hashObjects()
	v.readIndex()
	v.settle()
	v.judgeIndex()
	v.sum()
	v.Forgotten = int(v.forgotten.Load())
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return &v.Survey, nil
}
