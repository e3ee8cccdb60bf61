package buildcache

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"sync/atomic"
	"time"
)

// readIndex reads the entries of the index, and notes which objects they name.
func (v *verifier) readIndex() {
	list := make([]ID, 0, v.Entries)
	for i := range v.folders {
		list = append(list, v.folders[i].entries...)
	}
	const batch = 64 // entries at a time: one is read in microseconds
	var unread atomic.Int64
	v.each((len(list)+batch-1)/batch, func(t *tally) func(int) {
		r := newEntryReader(v)
		return func(i int) {
			part := list[i*batch : min((i+1)*batch, len(list))]
			if v.timeUp(v.MaxTime) {
				unread.Add(int64(len(part)))
				return
			}
			for _, id := range part {
				switch e, err := r.read(id); {
				case err == nil:
					v.note(t, e)
				case errors.As(err, new(*malformedError)):
					v.mu.Lock()
					v.malformed = append(v.malformed, id)
					v.mu.Unlock()
				case !errors.Is(err, fs.ErrNotExist): // trimmed meanwhile
					t.unread(err)
				}
			}
		}
	})
	v.UnseenEntries = int(unread.Load())
}

// note remembers what an entry says.
func (v *verifier) note(t *tally, e Entry) {
	f := &v.folders[e.Output[0]]
	o := f.find(e.Output)
	if o != nil && o.size == e.Size {
		flags := atomic.OrUint32(&o.flags, namedRight)
		if flags&hasStep != 0 && o.made != step(e.ID[:len(o.made)]) {
			t.problem(Problem{Kind: Misdirected, Path: v.path(e.ID, 'a'), Name: e.ID.String() + "-a",
				Detail: fmt.Sprintf("leads to %s-d, which another step made", e.Output)})
		}
		return
	}
	if o != nil {
		atomic.OrUint32(&o.flags, namedWrong)
	}
	v.mu.Lock()
	f.mismatched = append(f.mismatched, e)
	v.mu.Unlock()
}

// judgeIndex tells of the entries that are none, or name what is not there,
// after a second look at each.
func (v *verifier) judgeIndex() {
	t := &tally{}
	r := newEntryReader(v)
	if len(v.malformed) > 0 {
		v.wait(v.pause) // one may be written just now
	}
	for _, id := range v.malformed {
		if _, err := r.read(id); errors.As(err, new(*malformedError)) {
			t.problem(Problem{Kind: Malformed, Path: v.path(id, 'a'), Name: id.String() + "-a", Detail: err.Error()})
		}
	}
	for i := range v.folders {
		f := &v.folders[i]
		for _, e := range f.mismatched {
			if v.ctx.Err() != nil {
				return
			}
			if o := f.find(e.Output); o != nil && o.has(suspect) {
				continue // the object itself is at fault, or was, or is being written
			}
			if detail := v.dangling(r, e); detail != "" {
				t.problem(Problem{Kind: Dangling, Path: v.path(e.ID, 'a'), Name: e.ID.String() + "-a", Detail: detail})
			}
		}
	}
	v.merge(t)
}

// dangling says what is wrong with an entry that named no object of that size;
// empty when nothing is, any more.
func (v *verifier) dangling(r *entryReader, e Entry) string {
	path := v.path(e.Output, 'd')
	info, err := os.Lstat(path)
	missing := errors.Is(err, fs.ErrNotExist)
	if err != nil && !missing {
		return ""
	}
	var size int64
	if !missing {
		size = info.Size()
		if info.IsDir() {
			if _, size, _, err = lookInside(path, ""); err != nil {
				return ""
			}
		}
		if size == e.Size {
			return ""
		}
	}
	if now, err := r.read(e.ID); err != nil || now != e {
		return "" // written again, or trimmed
	}
	// Objects and entries are trimmed one by one: of a pair that nobody used the
	// object may go a day before the entry.
	entry, err := os.Lstat(v.path(e.ID, 'a'))
	if err != nil || missing && v.start.Sub(entry.ModTime()) > TrimLimit-2*time.Hour {
		return ""
	}
	if missing {
		return fmt.Sprintf("names the object %s-d, which is not there", e.Output)
	}
	return fmt.Sprintf("says that the object %s-d is %d bytes long; it has %d", e.Output, e.Size, size)
}

// A malformedError says that the content of an index entry is none.
type malformedError struct{ error }

// An entryReader reads index entries, one at a time.
type entryReader struct {
	v   *verifier
	buf []byte
}

func newEntryReader(v *verifier) *entryReader {
	return &entryReader{v, make([]byte, entrySize+1)} // one more tells whether it is too long
}

// read reads the entry of a step. The error is a malformedError where the go
// command would take the entry for none.
func (r *entryReader) read(id ID) (Entry, error) {
	path := r.v.path(id, 'a')
	f, err := open(path)
	if err != nil {
		return Entry{}, err
	}
	defer f.Close()
	n := 0
	for n < len(r.buf) {
		k, err := f.Read(r.buf[n:])
		n += k
		if errors.Is(err, io.EOF) || err == nil && n == entrySize {
			break // less than was asked for: the file ends there
		}
		if err != nil {
			return Entry{}, &fs.PathError{Op: "read", Path: path, Err: err}
		}
	}
	e, err := ParseEntry(r.buf[:n])
	switch {
	case err != nil:
		return e, &malformedError{fmt.Errorf("is no index entry: %w", err)}
	case e.ID != id:
		return e, &malformedError{fmt.Errorf("is about another step, %s", e.ID)}
	}
	return e, nil
}

// usable reports whether a build may take an object of that size: an entry of
// the index names it so, or may do.
func (v *verifier) usable(o *object, size int64) bool {
	if size == o.size && o.has(namedRight) {
		return true
	}
	named := slices.ContainsFunc(v.folders[o.id[0]].mismatched, func(e Entry) bool { return e.Output == o.id && e.Size == size })
	return named || !o.has(namedRight|namedWrong) && v.UnseenEntries > 0
}
