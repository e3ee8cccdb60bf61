package forge

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"testing"
)

// memory is a forge without a wire, fast enough for many races.
type memory struct {
	mu   sync.Mutex
	last int64
	list []Comment
}

// race lets others go first, now and then.
func (m *memory) race() func() {
	for range rand.IntN(4) {
		runtime.Gosched()
	}
	m.mu.Lock()
	return m.mu.Unlock
}

func (m *memory) Author(context.Context) (string, error) { return "bot", nil }

func (m *memory) Pull(_ context.Context, number int) (Pull, error) {
	return Pull{Number: number, HeadSHA: shaA}, nil
}

func (m *memory) FindPull(context.Context, string, string, string) (Pull, error) {
	return Pull{}, ErrNoPull
}

func (m *memory) Comments(context.Context, int) ([]Comment, error) {
	defer m.race()()
	return slices.Clone(m.list), nil
}

func (m *memory) Create(_ context.Context, _ int, body string) (Comment, error) {
	defer m.race()()
	m.last++
	c := Comment{ID: m.last, Author: "bot", Body: body}
	m.list = append(m.list, c)
	return c, nil
}

func (m *memory) at(id int64) int {
	return slices.IndexFunc(m.list, func(c Comment) bool { return c.ID == id })
}

func (m *memory) Edit(_ context.Context, _ int, id int64, body string) error {
	defer m.race()()
	i := m.at(id)
	if i < 0 {
		return ErrGone
	}
	m.list[i].Body = body
	return nil
}

func (m *memory) Delete(_ context.Context, _ int, id int64) error {
	defer m.race()()
	i := m.at(id)
	if i < 0 {
		return ErrGone
	}
	m.list = slices.Delete(m.list, i, i+1)
	return nil
}

// TestUpsertConverges races writers many times, over none, one and several
// comments: one is left each time, whole, by one of them.
func TestUpsertConverges(t *testing.T) {
	t.Parallel()
	for round := range 2000 {
		m := &memory{}
		for i := range round % 4 {
			m.Create(t.Context(), pr, text(post(shaB, int64(i))))
		}
		const writers = 6
		posts := map[string]bool{}
		var wg sync.WaitGroup
		for i := range writers {
			p := post(shaA, int64(i/2+1)) // two steps of each run
			p.Body = fmt.Sprint("writer ", i)
			posts[text(p)] = true
			wg.Go(func() {
				if out, err := Upsert(t.Context(), m, p); err != nil {
					t.Errorf("writer %d: %v (%+v)", i, err, out)
				}
			})
		}
		wg.Wait()
		if len(m.list) != 1 || !posts[m.list[0].Body] {
			t.Fatalf("round %d: at the end %+v", round, m.list)
		}
	}
}
