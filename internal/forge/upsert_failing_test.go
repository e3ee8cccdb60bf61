package forge

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// failing are servers and ways to them that do not do as they should.
var failing = map[string]func(*testing.T, site){
	"a create that fails once": func(t *testing.T, s site) {
		s.add("create", answers(http.StatusInternalServerError, `{}`))
		p := post(shaA, 1)
		wantOutcome(t, mustUpsert(t, s.forge(), p), "comment created (#7)")
		wantComments(t, s, Comment{Author: s.bot(), Body: text(p)})
	},
	"a create that happened but failed": func(t *testing.T, s site) {
		s.add("create", doneBut(answers(http.StatusBadGateway, `<html>`)))
		p := post(shaA, 1)
		wantOutcome(t, mustUpsert(t, s.forge(), p), "comment created (#7)")
		wantComments(t, s, Comment{Author: s.bot(), Body: text(p)})
		if got := s.asked("create"); got != 1 {
			t.Errorf("%d creates, want 1", got)
		}
	},
	"a create whose answer is lost": func(t *testing.T, s site) {
		s.add("create", doneBut(hangsUp))
		p := post(shaA, 1)
		wantOutcome(t, mustUpsert(t, s.forge(), p), "comment created (#7)")
		wantComments(t, s, Comment{Author: s.bot(), Body: text(p)})
	},
	"a create that happened and hangs": func(t *testing.T, s site) {
		s.add("create", doneBut(hangs))
		p := post(shaA, 1)
		wantOutcome(t, mustUpsert(t, s.forge(hurry), p), "comment created (#7)")
		wantComments(t, s, Comment{Author: s.bot(), Body: text(p)})
	},
	"an edit that fails once": func(t *testing.T, s site) {
		s.comment(s.bot(), text(post(shaB, 1)))
		s.add("edit", answers(http.StatusServiceUnavailable, `{}`))
		p := post(shaA, 2)
		wantOutcome(t, mustUpsert(t, s.forge(), p), "comment updated (#7)")
		wantComments(t, s, Comment{Author: s.bot(), Body: text(p)})
	},
	"an edit that happened but failed": func(t *testing.T, s site) {
		s.comment(s.bot(), text(post(shaB, 1)))
		s.add("edit", doneBut(answers(http.StatusBadGateway, `<html>`)))
		p := post(shaA, 2)
		wantOutcome(t, mustUpsert(t, s.forge(), p), "comment updated (#7)")
		wantComments(t, s, Comment{Author: s.bot(), Body: text(p)})
		if got := s.asked("edit"); got != 1 {
			t.Errorf("%d edits, want 1", got)
		}
	},
	"an edit that fails always": func(t *testing.T, s site) {
		old := Comment{Author: s.bot(), Body: text(post(shaB, 1))}
		s.comment(old.Author, old.Body)
		s.always("edit", answers(http.StatusInternalServerError, `{"message":"oops"}`))
		wantError(t, s.forge(), "edit the comment on #7: 500 oops: the server failed: run the job again")
		wantComments(t, s, old)
		if got := s.asked("edit"); got != 1+maxFailures {
			t.Errorf("%d edits", got)
		}
	},
	"a list that fails once": func(t *testing.T, s site) {
		s.add("list", answers(http.StatusInternalServerError, `{}`))
		p := post(shaA, 1)
		wantOutcome(t, mustUpsert(t, s.forge(), p), "comment created (#7)")
		wantComments(t, s, Comment{Author: s.bot(), Body: text(p)})
	},
	"a list that fails always": func(t *testing.T, s site) {
		s.always("list", answers(http.StatusBadGateway, `<html>`))
		wantError(t, s.forge(), "list the comments of #7: 502 Bad Gateway: the server failed: run the job again")
		wantComments(t, s)
		if got := s.asked("list"); got != maxTries {
			t.Errorf("%d lists, want %d", got, maxTries)
		}
	},
	"a list that is no JSON": func(t *testing.T, s site) {
		s.always("list", answers(http.StatusOK, `[{"id": 1, "bo`))
		wantError(t, s.forge(), "list the comments of #7: the answer is not what the API describes: unexpected EOF")
		wantComments(t, s)
	},
	"a list that cannot be had after writing": func(t *testing.T, s site) {
		s.add("create", func(w http.ResponseWriter, r *http.Request, serve http.HandlerFunc) {
			serve(w, r)
			s.always("list", answers(http.StatusUnauthorized, `{"message":"Bad credentials"}`))
		})
		p := post(shaA, 1)
		out := mustUpsert(t, s.forge(), p)
		if out.Action != Created || !strings.HasPrefix(out.Note, "written, but then list the comments of #7: 401 Bad credentials: ") {
			t.Errorf("outcome %+v", out)
		}
		wantComments(t, s, Comment{Author: s.bot(), Body: text(p)})
	},
	"a list that lags behind": func(t *testing.T, s site) {
		s.add("list", answers(http.StatusOK, `[]`), answers(http.StatusOK, `[]`))
		p := post(shaA, 1)
		wantOutcome(t, mustUpsert(t, s.forge(), p), "comment created (#7)")
		wantComments(t, s, Comment{Author: s.bot(), Body: text(p)})
		if got := s.asked("create"); got != 1 {
			t.Errorf("%d creates, want 1", got)
		}
	},
	"a list that still has what is gone": func(t *testing.T, s site) {
		id := s.comment(s.bot(), text(post(shaB, 1)))
		var old *httptest.ResponseRecorder
		replay := func(w http.ResponseWriter, r *http.Request, serve http.HandlerFunc) {
			if old == nil {
				old = httptest.NewRecorder()
				serve(old, r)
				s.drop(id)
			}
			maps.Copy(w.Header(), old.Header())
			w.Write(old.Body.Bytes())
		}
		s.add("list", replay, replay)
		p := post(shaA, 2)
		wantOutcome(t, mustUpsert(t, s.forge(), p), "comment created (#7)")
		wantComments(t, s, Comment{Author: s.bot(), Body: text(p)})
		if got := s.asked("edit"); got != 1 {
			t.Errorf("%d edits of what is gone, want 1", got)
		}
	},
	"a site that stores a body otherwise": func(t *testing.T, s site) {
		p := post(shaA, 1)
		stored := Comment{Author: s.bot(), Body: text(p) + "\n"}
		s.add("create", func(w http.ResponseWriter, r *http.Request, serve http.HandlerFunc) {
			serve(w, r)
			s.drop(s.comments()[0].ID)
			s.comment(stored.Author, stored.Body)
		})
		wantOutcome(t, mustUpsert(t, s.forge(), p), "comment created (#7)")
		wantComments(t, s, stored)
		if got := s.asked("edit"); got != 0 {
			t.Errorf("%d edits, want 0", got)
		}
	},
	"deleted right after it was created": func(t *testing.T, s site) {
		s.add("create", func(w http.ResponseWriter, r *http.Request, serve http.HandlerFunc) {
			serve(w, r)
			s.drop(s.comments()[0].ID)
		})
		p := post(shaA, 1)
		wantOutcome(t, mustUpsert(t, s.forge(), p), "comment created (#7)")
		wantComments(t, s, Comment{Author: s.bot(), Body: text(p)})
	},
	"a server that hangs": func(t *testing.T, s site) {
		s.always("list", hangs)
		// With an author nothing else is asked, which might be too late as well.
		_, err := Upsert(t.Context(), s.forge(func(o *Options) { o.Author, o.timeout = s.bot(), 50*time.Millisecond }), post(shaA, 1))
		if err == nil || !strings.Contains(err.Error(), "no answer within 50ms") {
			t.Errorf("error %v", err)
		}
		wantComments(t, s)
	},
	"a job that ends": func(t *testing.T, s site) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		s.always("list", func(_ http.ResponseWriter, r *http.Request, _ http.HandlerFunc) {
			cancel()
			<-r.Context().Done()
		})
		_, err := Upsert(ctx, s.forge(), post(shaA, 1))
		if !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
		if got := s.asked("list"); got != 1 {
			t.Errorf("%d lists, want 1", got)
		}
	},

	"a short limit on a read": func(t *testing.T, s site) {
		s.add("list", answers(http.StatusTooManyRequests, `{}`, "Retry-After", "7"))
		p := post(shaA, 1)
		wantOutcome(t, mustUpsert(t, s.forge(), p), "comment created (#7)")
		wantComments(t, s, Comment{Author: s.bot(), Body: text(p)})
		if got := s.slept(); got != 7*time.Second {
			t.Errorf("slept %v, want 7s", got)
		}
	},
	"a short limit on a write": func(t *testing.T, s site) {
		s.add("create", answers(http.StatusTooManyRequests, `{}`, "Retry-After", "7"))
		p := post(shaA, 1)
		wantOutcome(t, mustUpsert(t, s.forge(), p), "comment created (#7)")
		wantComments(t, s, Comment{Author: s.bot(), Body: text(p)})
		if got := s.slept(); got != 7*time.Second {
			t.Errorf("slept %v, want 7s", got)
		}
	},
	"a push while a limit is waited out": func(t *testing.T, s site) {
		s.add("create", func(w http.ResponseWriter, r *http.Request, serve http.HandlerFunc) {
			s.push(shaB)
			answers(http.StatusTooManyRequests, `{}`, "Retry-After", "7")(w, r, serve)
		})
		wantOutcome(t, mustUpsert(t, s.forge(), post(shaA, 1)), "comment left as it is (#7): commit aaaaaaa is not the head any more, bbbbbbb is")
		wantComments(t, s)
	},
	"a long limit": func(t *testing.T, s site) {
		s.always("create", answers(http.StatusTooManyRequests, `{}`, "Retry-After", "1800"))
		wantError(t, s.forge(), "write a comment on #7: 429 Too Many Requests: rate limit, resets at 12:30 UTC")
		wantComments(t, s)
		if got := s.asked("create"); got != 1 {
			t.Errorf("%d creates, want 1", got)
		}
		if got := s.slept(); got != 0 {
			t.Errorf("slept %v", got)
		}
	},
	"short limits without end": func(t *testing.T, s site) {
		s.always("list", answers(http.StatusTooManyRequests, `{}`, "Retry-After", "12"))
		wantError(t, s.forge(), "list the comments of #7: 429 Too Many Requests: rate limit, resets at 12:00 UTC")
		if got := s.slept(); got > maxWait {
			t.Errorf("slept %v", got)
		}
	},
}

// hurry is for servers that hang; others answer sooner, even under load.
func hurry(o *Options) { o.timeout = time.Second }

// wantError posts, which must fail with this text.
func wantError(t *testing.T, f Forge, want string) {
	t.Helper()
	out, err := Upsert(t.Context(), f, post(shaA, 2))
	if err == nil || err.Error() != want || out != (Outcome{}) {
		t.Errorf("error:\n got %v\nwant %s\n(outcome %+v)", err, want, out)
	}
}
