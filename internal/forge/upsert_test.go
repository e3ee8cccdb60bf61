package forge

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// site is a fake server with the merge or pull request pr of a repository, whose
// head is shaA. Its operations for faults are pull, list, create, edit, delete.
type site interface {
	// forge is a client with the token of a CI's job, which writes as bot.
	forge(change ...func(*Options)) Forge
	bot() string
	// What people do by hand.
	comment(login, body string) int64
	drop(id int64)
	push(sha string)
	close()
	// The state at the end.
	comments() []Comment
	asked(op string) int
	slept() time.Duration
	// Faults to come.
	add(op string, list ...fault)
	always(op string, one fault)
}

// githubSite is the fake GitHub as the scenarios see it.
type githubSite struct{ *fakeGitHub }

func (s githubSite) forge(change ...func(*Options)) Forge { return s.as(actionsToken, change...) }
func (s githubSite) bot() string                          { return githubActions }
func (s githubSite) slept() time.Duration                 { return s.clock.total() }

func (s githubSite) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pull(pr).state = "closed"
}

func TestUpsertGitHub(t *testing.T) {
	t.Parallel()
	testUpsert(t, func(t *testing.T) site { return githubSite{newFakeGitHub(t, "")} })
}

// giteaSite is the fake as a Gitea.
type giteaSite struct{ githubSite }

func (s giteaSite) forge(change ...func(*Options)) Forge { return s.as(giteaToken, change...) }
func (s giteaSite) bot() string                          { return "gitea-actions" }

func TestUpsertGitea(t *testing.T) {
	t.Parallel()
	testUpsert(t, func(t *testing.T) site {
		f := newFakeGitHub(t, "/api/v1")
		f.gitea = true
		f.accounts[giteaToken] = account{login: "gitea-actions", mayAsk: true}
		return giteaSite{githubSite{f}}
	})
}

// post is what run, attempt 1, has to say about a commit.
func post(sha string, run int64) Post {
	return Post{Number: pr, Key: testKey, Stamp: Stamp{SHA: sha, Run: run, Attempt: 1}, Body: fmt.Sprintf("run %d of %.7s", run, sha)}
}

// text is the whole comment of a post.
func text(p Post) string { return Marker(p.Key, p.Stamp) + "\n" + p.Body }

// upsert posts, which must succeed.
func mustUpsert(t *testing.T, f Forge, p Post) Outcome {
	t.Helper()
	out, err := Upsert(t.Context(), f, p)
	if err != nil {
		t.Fatalf("Upsert: %v", err)
	}
	return out
}

// wantComments compares the state at the end: author and body, in order.
func wantComments(t *testing.T, s site, want ...Comment) {
	t.Helper()
	got := s.comments()
	for i := range got {
		got[i].ID = 0
	}
	if !slices.Equal(got, want) {
		t.Errorf("comments at the end:\n got %+v\nwant %+v", got, want)
	}
}

// wantOutcome compares the sentence for the log.
func wantOutcome(t *testing.T, out Outcome, want string) {
	t.Helper()
	if got := out.String(); got != want {
		t.Errorf("outcome:\n got %q\nwant %q", got, want)
	}
}

// testUpsert runs what every site must get right.
func testUpsert(t *testing.T, start func(*testing.T) site) {
	for _, scenarios := range []map[string]func(*testing.T, site){ordinary, failing, racing} {
		for name, scenario := range scenarios {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				scenario(t, start(t))
			})
		}
	}
}

// ordinary are the states that a pull request can be in.
var ordinary = map[string]func(*testing.T, site){
	"no comment": func(t *testing.T, s site) {
		p := post(shaA, 1)
		wantOutcome(t, mustUpsert(t, s.forge(), p), "comment created (#7)")
		wantComments(t, s, Comment{Author: s.bot(), Body: text(p)})
	},
	"ours on page 3": func(t *testing.T, s site) {
		var want []Comment
		say := func(author, body string) {
			s.comment(author, body)
			want = append(want, Comment{Author: author, Body: body})
		}
		for i := range 230 {
			say("reviewer", fmt.Sprintf("remark %d", i))
		}
		say(s.bot(), text(post(shaB, 1)))
		for i := range 20 {
			say(s.bot(), fmt.Sprintf("another tool's %d", i))
		}
		p := post(shaA, 2)
		want[230].Body = text(p)
		wantOutcome(t, mustUpsert(t, s.forge(), p), "comment updated (#7)")
		wantComments(t, s, want...)
		if got := s.asked("create") + s.asked("delete"); got != 0 {
			t.Errorf("%d comments were created or deleted", got)
		}
	},
	"a forged marker by another author": func(t *testing.T, s site) {
		forged := Comment{Author: "mallory", Body: text(post(shaA, 99))}
		s.comment(forged.Author, forged.Body)
		p := post(shaA, 2)
		wantOutcome(t, mustUpsert(t, s.forge(), p), "comment created (#7)")
		wantComments(t, s, forged, Comment{Author: s.bot(), Body: text(p)})
	},
	"a marker that is not the first line": func(t *testing.T, s site) {
		quoted := Comment{Author: s.bot(), Body: "mallory wrote:\n" + text(post(shaA, 99))}
		s.comment(quoted.Author, quoted.Body)
		p := post(shaA, 2)
		wantOutcome(t, mustUpsert(t, s.forge(), p), "comment created (#7)")
		wantComments(t, s, quoted, Comment{Author: s.bot(), Body: text(p)})
	},
	"another job's comment": func(t *testing.T, s site) {
		other := post(shaA, 1)
		other.Key.ID = "go1.25"
		s.comment(s.bot(), text(other))
		p := post(shaA, 1)
		mustUpsert(t, s.forge(), p)
		wantComments(t, s, Comment{Author: s.bot(), Body: text(other)}, Comment{Author: s.bot(), Body: text(p)})
	},
	"the same again": func(t *testing.T, s site) {
		p := post(shaA, 1)
		s.comment(s.bot(), text(p))
		wantOutcome(t, mustUpsert(t, s.forge(), p), "comment unchanged (#7)")
		wantComments(t, s, Comment{Author: s.bot(), Body: text(p)})
		if got := s.asked("create") + s.asked("edit"); got != 0 {
			t.Errorf("%d writes", got)
		}
	},
	"an older commit, from the start": func(t *testing.T, s site) {
		s.push(shaB)
		newer := Comment{Author: s.bot(), Body: text(post(shaB, 2))}
		s.comment(newer.Author, newer.Body)
		wantOutcome(t, mustUpsert(t, s.forge(), post(shaA, 3)), "comment left as it is (#7): commit aaaaaaa is not the head any more, bbbbbbb is")
		wantComments(t, s, newer)
	},
	"a head that the server does not tell": func(t *testing.T, s site) {
		s.add("pull", answers(http.StatusOK, `{}`))
		wantOutcome(t, mustUpsert(t, s.forge(), post(shaA, 3)), "comment left as it is (#7): commit aaaaaaa is not the head any more, none is")
		wantComments(t, s)
	},
	"an older commit, since the list": func(t *testing.T, s site) {
		s.add("list", func(w http.ResponseWriter, r *http.Request, serve http.HandlerFunc) {
			serve(w, r)
			s.push(shaB)
		})
		wantOutcome(t, mustUpsert(t, s.forge(), post(shaA, 1)), "comment left as it is (#7): commit aaaaaaa is not the head any more, bbbbbbb is")
		wantComments(t, s)
	},
	"an older commit, after it wrote": func(t *testing.T, s site) {
		id := s.comment(s.bot(), text(post(shaA, 1)))
		newer := text(post(shaB, 3))
		s.add("edit", func(w http.ResponseWriter, r *http.Request, serve http.HandlerFunc) {
			serve(w, r)
			s.push(shaB)
			s.drop(id)
			s.comment(s.bot(), newer)
		})
		wantOutcome(t, mustUpsert(t, s.forge(), post(shaA, 2)), "comment updated (#7)")
		wantComments(t, s, Comment{Author: s.bot(), Body: newer})
	},
	"the head's run after a later run of an older commit": func(t *testing.T, s site) {
		s.comment(s.bot(), text(post(shaB, 9)))
		p := post(shaA, 2)
		wantOutcome(t, mustUpsert(t, s.forge(), p), "comment updated (#7)")
		wantComments(t, s, Comment{Author: s.bot(), Body: text(p)})
	},
	"an earlier run of the same commit": func(t *testing.T, s site) {
		later := Comment{Author: s.bot(), Body: text(post(shaA, 9))}
		s.comment(later.Author, later.Body)
		wantOutcome(t, mustUpsert(t, s.forge(), post(shaA, 8)), "comment left as it is (#7): run 9, attempt 1, is newer")
		wantComments(t, s, later)
	},
	"the same run's second attempt": func(t *testing.T, s site) {
		s.comment(s.bot(), text(post(shaA, 8)))
		p := post(shaA, 8)
		p.Stamp.Attempt = 2
		wantOutcome(t, mustUpsert(t, s.forge(), p), "comment updated (#7)")
		wantOutcome(t, mustUpsert(t, s.forge(), post(shaA, 8)), "comment left as it is (#7): run 8, attempt 2, is newer")
		wantComments(t, s, Comment{Author: s.bot(), Body: text(p)})
	},
	"the same run's second step": func(t *testing.T, s site) {
		p := post(shaA, 8)
		s.comment(s.bot(), text(p))
		p.Body = "another step"
		wantOutcome(t, mustUpsert(t, s.forge(), p), "comment updated (#7)")
		wantComments(t, s, Comment{Author: s.bot(), Body: text(p)})
	},
	"duplicates": func(t *testing.T, s site) {
		for run := range 3 {
			s.comment(s.bot(), text(post(shaB, int64(run))))
		}
		p := post(shaA, 4)
		wantOutcome(t, mustUpsert(t, s.forge(), p), "comment updated (#7, 2 duplicates removed)")
		wantComments(t, s, Comment{Author: s.bot(), Body: text(p)})
	},
	"duplicates of one stamp": func(t *testing.T, s site) {
		p := post(shaA, 1)
		s.comment(s.bot(), text(p))
		s.comment("reviewer", "fine")
		s.comment(s.bot(), text(p))
		wantOutcome(t, mustUpsert(t, s.forge(), p), "comment unchanged (#7, 1 duplicate removed)")
		wantComments(t, s, Comment{Author: s.bot(), Body: text(p)}, Comment{Author: "reviewer", Body: "fine"})
	},
	"duplicates of the head and of another commit": func(t *testing.T, s site) {
		head := Comment{Author: s.bot(), Body: text(post(shaA, 5))}
		s.comment(head.Author, head.Body)
		s.comment(s.bot(), text(post(shaB, 9)))
		wantOutcome(t, mustUpsert(t, s.forge(), post(shaA, 4)), "comment left as it is (#7, 1 duplicate removed): run 5, attempt 1, is newer")
		wantComments(t, s, head)
	},
	"duplicates that cannot be deleted": func(t *testing.T, s site) {
		s.comment(s.bot(), text(post(shaB, 1)))
		s.comment(s.bot(), text(post(shaB, 2)))
		s.always("delete", answers(http.StatusForbidden, `{"message":"no"}`))
		p := post(shaA, 4)
		out := mustUpsert(t, s.forge(), p)
		if out.Action != Updated || out.Removed != 0 || !strings.HasPrefix(out.Note, "written, but then delete a comment on #7: 403 no") {
			t.Errorf("outcome %+v", out)
		}
		if got := s.comments()[1].Body; got != text(p) {
			t.Errorf("the newest says %q", got)
		}
	},
	"deleted since the list": func(t *testing.T, s site) {
		id := s.comment(s.bot(), text(post(shaB, 1)))
		s.add("edit", first(func() { s.drop(id) }))
		p := post(shaA, 2)
		wantOutcome(t, mustUpsert(t, s.forge(), p), "comment created (#7)")
		wantComments(t, s, Comment{Author: s.bot(), Body: text(p)})
	},
	"update only, none there": func(t *testing.T, s site) {
		p := post(shaA, 1)
		p.UpdateOnly = true
		wantOutcome(t, mustUpsert(t, s.forge(), p), "no comment (#7): nothing to say, and no older one to update")
		wantComments(t, s)
	},
	"update only, an old one there": func(t *testing.T, s site) {
		s.comment(s.bot(), text(post(shaB, 1)))
		p := post(shaA, 2)
		p.UpdateOnly = true
		wantOutcome(t, mustUpsert(t, s.forge(), p), "comment updated (#7)")
		wantComments(t, s, Comment{Author: s.bot(), Body: text(p)})
	},
	"a closed pull request": func(t *testing.T, s site) {
		s.close()
		s.comment(s.bot(), text(post(shaB, 1)))
		p := post(shaA, 2)
		wantOutcome(t, mustUpsert(t, s.forge(), p), "comment updated (#7)")
		wantComments(t, s, Comment{Author: s.bot(), Body: text(p)})
	},
	"a merge queue": func(t *testing.T, s site) {
		const merged = "cccccccccccccccccccccccccccccccccccccccc"
		s.comment(s.bot(), text(post(shaA, 1)))
		p := post(merged, 5)
		p.AnyHead = true
		wantOutcome(t, mustUpsert(t, s.forge(), p), "comment updated (#7)")
		earlier := post(shaB, 4)
		earlier.AnyHead = true
		wantOutcome(t, mustUpsert(t, s.forge(), earlier), "comment left as it is (#7): run 5, attempt 1, is newer")
		wantComments(t, s, Comment{Author: s.bot(), Body: text(p)})
		if s.asked("pull") != 0 {
			t.Error("a merge queue's commit was compared with the head")
		}
	},
	"as long as it may be": func(t *testing.T, s site) {
		p := Post{Number: pr, Key: testKey, Stamp: Stamp{SHA: shaA, Run: 1, Attempt: 1}}
		p.Body = strings.Repeat("é", (MaxComment-len(text(p)))/2)
		p.Body += strings.Repeat("x", MaxComment-len(text(p)))
		wantOutcome(t, mustUpsert(t, s.forge(), p), "comment created (#7)")
		wantComments(t, s, Comment{Author: s.bot(), Body: text(p)})

		p.Body += "x" // 65,537 bytes
		_, err := Upsert(t.Context(), s.forge(), p)
		if err == nil || err.Error() != "comment on #7: 65,537 bytes are more than the 65,536 that a comment can have" {
			t.Errorf("one byte more: %v", err)
		}
		if got := s.asked("create") + s.asked("edit"); got != 1 {
			t.Errorf("%d writes, want 1", got)
		}
	},
}

func TestUpsertRefuses(t *testing.T) {
	t.Parallel()
	f := newFakeGitHub(t, "")
	for name, change := range map[string]func(*Post){
		"no number":       func(p *Post) { p.Number = 0 },
		"no commit":       func(p *Post) { p.Stamp.SHA = "" },
		"an abbreviation": func(p *Post) { p.Stamp.SHA = shaA[:12] },
	} {
		p := post(shaA, 1)
		change(&p)
		if out, err := Upsert(t.Context(), f.as(actionsToken), p); err == nil {
			t.Errorf("%s: %v", name, out)
		}
	}
	if len(f.requests) != 0 {
		t.Errorf("requests: %v", f.requests)
	}
}
