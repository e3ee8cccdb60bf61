package modcache

import (
	"cmp"
	"os"
	"slices"
	"sync"
)

// A pool shares the work between workers. A module's files are listed only when
// none are left to be hashed, so that memory holds the lists of as many modules
// as there are workers, and no more.
type pool struct {
	o        Options
	wants    []Want
	evidence []Evidence

	mu   sync.Mutex
	cond *sync.Cond
	// order are the modules that nobody has begun, by their index, the largest first.
	order []int
	// chunks wait to be hashed.
	chunks []chunk
	// beginning is how many modules are being listed, of which chunks may come.
	beginning int
	// panicked is what a worker died of; the others end then.
	panicked any
	// done of total modules are; versions of which only the go.mod counts are left out.
	done, total int
}

func newPool(o Options, wants []Want, evidence []Evidence) *pool {
	p := &pool{o: o, wants: wants, evidence: evidence}
	p.cond = sync.NewCond(&p.mu)
	sizes := make([]int64, len(wants))
	for i, w := range wants {
		p.order = append(p.order, i)
		if w.ModOnly {
			continue
		}
		p.total++
		f, err := locate(o.Dir, w.Path, w.Version)
		if err != nil {
			continue
		}
		// Without a zip nobody knows; what may be large comes early.
		sizes[i] = 1 << 40
		if info, err := os.Lstat(f.with("zip")); err == nil {
			sizes[i] = info.Size() + 1
		}
	}
	slices.SortStableFunc(p.order, func(a, b int) int { return cmp.Compare(sizes[b], sizes[a]) })
	return p
}

// work takes what there is to do until nothing is left, or m's context ends.
func (p *pool) work(m *meter) {
	w := newWorker(m)
	defer w.folder.close()
	defer func() {
		if v := recover(); v != nil {
			p.mu.Lock()
			p.panicked = v
			p.mu.Unlock()
			p.cond.Broadcast()
		}
	}()
	for {
		c, index, ok := p.take()
		switch {
		case !ok:
			return
		case c.look != nil:
			if m.ctx.Err() != nil {
				c.look.odd.Store(true)
			}
			w.hash(c)
			if c.look.left.Add(-1) == 0 {
				p.end(w, c.look)
			}
		default:
			p.begin(w, index)
		}
	}
}

// take is the next chunk, or else the index of a module that is to be begun.
func (p *pool) take() (c chunk, index int, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		switch {
		case p.panicked != nil:
			return chunk{}, 0, false
		case len(p.chunks) > 0:
			c, p.chunks = p.chunks[0], p.chunks[1:]
			return c, 0, true
		case len(p.order) > 0:
			index, p.order = p.order[0], p.order[1:]
			p.beginning++
			return chunk{}, index, true
		case p.beginning == 0:
			return chunk{}, 0, false
		}
		p.cond.Wait()
	}
}

// begin lists one module, and lets everybody hash it.
func (p *pool) begin(w *worker, index int) {
	want := p.wants[index]
	l := &look{index: index, want: want, deep: p.o.Deep}
	var chunks []chunk
	var err error
	if l.files, err = locate(p.o.Dir, want.Path, want.Version); err != nil || w.ctx.Err() != nil {
		l.odd.Store(true)
	} else {
		chunks = l.begin(w.meter)
	}
	p.mu.Lock()
	p.beginning--
	p.chunks = append(p.chunks, chunks...)
	p.cond.Broadcast()
	p.mu.Unlock()
	if len(chunks) == 0 {
		p.end(w, l)
	}
}

// end settles one module: a second look where anything is wrong or not as
// expected. A go command may have been at work just then, and have changed the
// marker, the folder and the recorded hash between the looks at them. What the
// second look finds, stands.
func (p *pool) end(w *worker, l *look) {
	fine := l.end(w)
	if fine {
		_, problems := Judge(l.want, l.e)
		fine = len(problems) == 0 && len(l.e.Errs) == 0
	}
	if !fine && w.ctx.Err() == nil {
		l.e = gather(w.meter, p.o.Dir, l.want)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.evidence[l.index] = l.e
	if l.want.ModOnly {
		return
	}
	p.done++
	if p.o.Progress != nil && w.ctx.Err() == nil {
		p.o.Progress(p.done, p.total)
	}
}

// run does all the work, with some workers. It panics as a worker did: who calls
// can make an error of it, which nobody can in a goroutine.
func (p *pool) run(workers int, newMeter func() *meter) {
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() { p.work(newMeter()) })
	}
	wg.Wait()
	if p.panicked != nil {
		panic(p.panicked)
	}
}
