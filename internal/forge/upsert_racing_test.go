package forge

import (
	"context"
	"net/http"
	"sync"
	"testing"
)

// racing are runs at the same time.
var racing = map[string]func(*testing.T, site){
	"eight writers that all find none": func(t *testing.T, s site) {
		const writers = 8
		var all sync.WaitGroup
		all.Add(writers)
		for range writers { // nobody's first list ends before everybody's began
			s.add("list", func(w http.ResponseWriter, r *http.Request, serve http.HandlerFunc) {
				all.Done()
				all.Wait()
				serve(w, r)
			})
		}
		// To create, too, all have to have listed.
		var listed sync.WaitGroup
		listed.Add(writers)
		for range writers {
			s.add("create", func(w http.ResponseWriter, r *http.Request, serve http.HandlerFunc) {
				listed.Done()
				listed.Wait()
				serve(w, r)
			})
		}
		together(t, s, writers, func(i int) Post { return post(shaA, int64(i+1)) })
		if got := s.asked("create"); got != writers {
			t.Errorf("%d creates, want %d", got, writers)
		}
		wantComments(t, s, Comment{Author: s.bot(), Body: text(post(shaA, writers))})
	},
	"eight writers of one comment": func(t *testing.T, s site) {
		s.comment(s.bot(), text(post(shaB, 100)))
		together(t, s, 8, func(i int) Post { return post(shaA, int64(i+1)) })
		wantOneOf(t, s, shaA)
	},
	"eight writers of two commits": func(t *testing.T, s site) {
		s.push(shaB)
		together(t, s, 8, func(i int) Post {
			if i%2 == 0 {
				return post(shaA, int64(i+100))
			}
			return post(shaB, int64(i))
		})
		wantOneOf(t, s, shaB)
	},
	"eight steps of one run": func(t *testing.T, s site) {
		together(t, s, 8, func(int) Post { return post(shaA, 1) })
		wantComments(t, s, Comment{Author: s.bot(), Body: text(post(shaA, 1))})
	},
	"a later run that edits while an earlier one creates": func(t *testing.T, s site) {
		later := post(shaA, 9)
		s.add("create", func(w http.ResponseWriter, r *http.Request, serve http.HandlerFunc) {
			s.comment(s.bot(), text(later))
			serve(w, r)
		})
		wantOutcome(t, mustUpsert(t, s.forge(), post(shaA, 1)), "comment left as it is (#7, 1 duplicate removed): run 9, attempt 1, is newer")
		wantComments(t, s, Comment{Author: s.bot(), Body: text(later)})
	},
	"an earlier run that overwrites a later one": func(t *testing.T, s site) {
		id := s.comment(s.bot(), text(post(shaB, 1)))
		earlier := text(post(shaA, 2))
		s.add("edit", func(w http.ResponseWriter, r *http.Request, serve http.HandlerFunc) {
			serve(w, r)
			if err := s.forge().Edit(context.Background(), pr, id, earlier); err != nil {
				t.Error(err)
			}
		})
		p := post(shaA, 3)
		wantOutcome(t, mustUpsert(t, s.forge(), p), "comment updated (#7)")
		wantComments(t, s, Comment{Author: s.bot(), Body: text(p)})
	},
}

// together runs writers at once, each with a client of its own; none may fail.
func together(t *testing.T, s site, writers int, of func(i int) Post) {
	t.Helper()
	var wg sync.WaitGroup
	for i := range writers {
		f := s.forge()
		wg.Go(func() {
			if out, err := Upsert(t.Context(), f, of(i)); err != nil {
				t.Errorf("writer %d: %v (%+v)", i, err, out)
			}
		})
	}
	wg.Wait()
}

// wantOneOf wants one comment that a run of this commit wrote, whole.
func wantOneOf(t *testing.T, s site, sha string) {
	t.Helper()
	got := s.comments()
	if len(got) != 1 {
		t.Fatalf("%d comments, want 1: %+v", len(got), got)
	}
	_, stamp, _ := readMarker(got[0].Body)
	if want := text(post(sha, stamp.Run)); got[0].Body != want {
		t.Errorf("got %q, want %q", got[0].Body, want)
	}
}
