package buildcache

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"hash"
	"io"
	"io/fs"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// A verifier is one look at a build cache.
type verifier struct {
	Options
	Survey
	ctx   context.Context
	start time.Time

	folders [256]folder
	// remembered counts the files that maxEntries bounds, forgotten those beyond.
	remembered, forgotten atomic.Int64

	mu    sync.Mutex
	found tally
	// malformed are the index entries that are none.
	malformed []ID
}

const (
	// chunk is how much is read at once.
	chunk = 256 << 10
	// wave is how much is put in order of size: the largest first, so that no
	// worker is left with a large one at the end, and the waves newest first.
	wave = 256 << 20
)

// errTimeUp is the error of a hash for which there was no time.
var errTimeUp = errors.New("no time left")

// timeUp reports whether nothing more is to be read after a time since the
// start; 0 means that there is all the time.
func (v *verifier) timeUp(after time.Duration) bool {
	return v.ctx.Err() != nil || after > 0 && v.Now().Sub(v.start) >= after
}

// each does work for the numbers below n on all workers; start gives a worker
// its function, with the tally for what it finds.
func (v *verifier) each(n int, start func(*tally) func(int)) {
	var next atomic.Int64
	var workers sync.WaitGroup
	for range min(v.Jobs, n) {
		workers.Go(func() {
			t := &tally{}
			do := start(t)
			for v.ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= n {
					break
				}
				do(i)
			}
			v.merge(t)
		})
	}
	workers.Wait()
}

// A hasher hashes one file at a time.
type hasher struct {
	v    *verifier
	hash hash.Hash
	buf  []byte
	sum  [sha256.Size]byte
	// made is the step that the content says made it, if hasStep.
	made    step
	hasStep bool
}

func (v *verifier) newHasher() *hasher {
	return &hasher{v: v, hash: sha256.New(), buf: make([]byte, chunk)}
}

// file hashes a file of a known size into h.sum, and reads which step made it. One that holds more is not read
// to its end: it is another one already.
func (h *hasher) file(path string, size int64, until time.Duration) error {
	f, err := open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	h.hash.Reset()
	h.hasStep = false
	for n := int64(0); n <= size; {
		k, err := f.Read(h.buf)
		h.hash.Write(h.buf[:k])
		if n == 0 {
			h.made, h.hasStep = madeBy(h.buf[:k])
		}
		n += int64(k)
		if errors.Is(err, io.EOF) || err == nil && n == size && k < len(h.buf) {
			break // less than was asked for: the file ends there
		}
		if err != nil {
			return &fs.PathError{Op: "read", Path: path, Err: err}
		}
		if n < size && h.v.timeUp(until) {
			return errTimeUp
		}
	}
	h.hash.Sum(h.sum[:0])
	return nil
}

// order is the objects to hash, in their order: newest first, as far as MaxBytes
// goes; what lies beyond is marked as not looked at.
func (v *verifier) order() []*object {
	list := make([]*object, 0, v.Objects)
	for i := range v.folders {
		for j := range v.folders[i].objects {
			if o := &v.folders[i].objects[j]; !o.has(suspect) {
				list = append(list, o)
			}
		}
	}
	slices.SortFunc(list, func(a, b *object) int {
		return cmp.Or(cmp.Compare(b.used, a.used), bytes.Compare(a.id[:], b.id[:]))
	})
	kept, total := list[:0], int64(0)
	begin, inWave := 0, int64(0)
	end := func() {
		slices.SortFunc(kept[begin:], func(a, b *object) int { return cmp.Compare(b.size, a.size) })
		begin, inWave = len(kept), 0
	}
	for _, o := range list {
		if v.MaxBytes > 0 && o.size > v.MaxBytes-total {
			o.flags |= unseen
			continue
		}
		total += o.size
		inWave += o.size
		if kept = append(kept, o); inWave >= wave {
			end()
		}
	}
	end()
	return kept
}

// hashObjects hashes the objects and marks those that are not what they should be.
func (v *verifier) hashObjects() {
	list := v.order()
	// The index has to be read, too.
	until := v.MaxTime * 4 / 5
	var done, bytes atomic.Int64
	stop := v.report(len(list), &done, &bytes)
	defer stop()
	v.each(len(list), func(t *tally) func(int) {
		h := v.newHasher()
		return func(i int) {
			o := list[i]
			if v.timeUp(until) {
				o.flags |= unseen
				return
			}
			switch err := h.file(v.file(o), o.size, until); {
			case errors.Is(err, errTimeUp):
				o.flags |= unseen
			case errors.Is(err, fs.ErrNotExist): // trimmed meanwhile
			case err != nil:
				o.flags |= suspect // it may have become another file than it was; see settle
			case h.sum != o.id:
				o.flags |= suspect
			default:
				o.flags |= sound
				if h.hasStep {
					o.flags |= hasStep
					o.made = h.made
				}
			}
			done.Add(1)
			bytes.Add(o.size)
		}
	})
	for i := range v.folders {
		for j := range v.folders[i].objects {
			switch o := &v.folders[i].objects[j]; {
			case o.has(unseen):
				v.Unseen++
				v.UnseenBytes += o.size
			case o.has(sound):
				v.Sound++
				v.SoundBytes += o.size
			}
		}
	}
}

// reportEvery is how often Progress is told.
const reportEvery = 500 * time.Millisecond

// report tells Progress how far it has come, until it is stopped.
func (v *verifier) report(of int, done, bytes *atomic.Int64) (stop func()) {
	if v.Progress == nil {
		return func() {}
	}
	ended := make(chan struct{})
	var reporter sync.WaitGroup
	reporter.Go(func() {
		ticker := time.NewTicker(reportEvery)
		defer ticker.Stop()
		for {
			select {
			case <-ended:
				return
			case <-ticker.C:
				v.Progress(int(done.Load()), of, bytes.Load())
			}
		}
	})
	return func() { close(ended); reporter.Wait() }
}
