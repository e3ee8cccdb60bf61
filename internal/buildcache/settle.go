package buildcache

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// maxLooks is how often an object that changes meanwhile is looked at again.
const maxLooks = 5

// A look is what one look at an object saw.
type look struct {
	// gone says that it is there no more.
	gone bool
	// problem is what is wrong with it; nil for nothing. Its Kind is Modified for
	// any content that the name does not say.
	problem *Problem
	// size and changed are those of the file that was hashed; for what has none
	// they are the entry's.
	size    int64
	changed time.Time
	err     error
}

// lookAt looks at one object from the beginning.
func (h *hasher) lookAt(o *object) (l look) {
	path, name := h.v.path(o.id, 'd'), o.id.String()+"-d"
	defer func() {
		if errors.Is(l.err, fs.ErrNotExist) {
			l = look{gone: true}
		}
	}()
	info, err := os.Lstat(path)
	if err != nil {
		return look{err: err}
	}
	l.size, l.changed = info.Size(), info.ModTime()
	file := path
	switch {
	case info.IsDir():
		inner, _, problem, err := lookInside(path, name)
		if err != nil || problem != nil {
			l.problem, l.err = problem, err
			return l
		}
		file = filepath.Join(path, inner)
		if info, err = os.Lstat(file); err != nil {
			return look{err: err}
		}
		l.size, l.changed = info.Size(), info.ModTime()
	case !info.Mode().IsRegular():
		p := irregular(path, name, info.Mode())
		l.problem = &p
		return l
	}
	if l.err = h.file(file, l.size, 0); l.err == nil && h.sum != o.id {
		l.problem = &Problem{Kind: Modified, Path: path, Name: name, Detail: fmt.Sprintf("holds what has the SHA-256 %x", h.sum)}
	}
	if l.problem != nil {
		l.problem.Changed = l.changed
	}
	return l
}

// settle looks again at every object with which something was wrong: a go
// command may have been at work just then. What was written in the last minute is left
// alone for a moment and looked at until it is sound or stays as it is.
func (v *verifier) settle() {
	var suspects []*object
	for i := range v.folders {
		for j := range v.folders[i].objects {
			if o := &v.folders[i].objects[j]; o.has(suspect) {
				suspects = append(suspects, o)
			}
		}
	}
	before := make([]look, len(suspects))
	for round := 1; len(suspects) > 0 && v.ctx.Err() == nil; round++ {
		if round > maxLooks {
			v.Changing = len(suspects)
			return
		}
		looks := make([]look, len(suspects))
		v.each(len(suspects), func(*tally) func(int) {
			h := v.newHasher()
			return func(i int) { looks[i] = h.lookAt(suspects[i]) }
		})
		now := v.Now()
		var again []*object
		var kept []look
		for i, o := range suspects {
			l := looks[i]
			still := round > 1 && l.size == before[i].size && l.changed.Equal(before[i].changed)
			if fresh := now.Sub(l.changed) < Fresh; l.problem != nil && fresh && !still {
				again, kept = append(again, o), append(kept, l)
				continue
			}
			v.judge(o, l)
		}
		if suspects, before = again, kept; len(suspects) > 0 {
			v.wait(v.pause)
		}
	}
}

// wait lets a time pass, unless ctx ends.
func (v *verifier) wait(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-v.ctx.Done():
	}
}

// judge tells what the last look at an object saw.
func (v *verifier) judge(o *object, l look) {
	switch {
	case l.gone || v.ctx.Err() != nil:
	case l.err != nil:
		v.found.unread(l.err)
	case l.problem == nil:
		o.flags |= sound
		v.Sound++
		v.SoundBytes += l.size
	default:
		p := *l.problem
		if p.Kind == Modified && !v.usable(o, l.size) {
			p.Kind = Damaged
			if o.has(namedWrong) {
				p.Detail = fmt.Sprintf("is %d bytes long, which is not what the index says", l.size)
			} else {
				p.Detail += ", and no index entry names it"
			}
		}
		v.found.problem(p)
	}
}
