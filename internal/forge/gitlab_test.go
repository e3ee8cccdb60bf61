package forge

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
)

func TestUpsertGitLab(t *testing.T) {
	t.Parallel()
	testUpsert(t, func(t *testing.T) site { return newFakeGitLab(t, "/api/v4") })
}

func TestGitLabAuthor(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		author string
		fault  fault
		want   string
		err    string
		asks   int
	}{
		"asked":            {want: gitlabBot, asks: 1},
		"named":            {author: "octo", want: "octo"},
		"no username":      {fault: answers(200, `{}`), err: "ask whose token this is: the answer has no username; set comment-author", asks: 1},
		"nobody":           {fault: answers(200, `null`), err: "ask whose token this is: the answer has no username; set comment-author", asks: 1},
		"a failing server": {fault: answers(500, `{"message":"500 Internal Server Error"}`), err: "ask whose token this is: 500 Internal Server Error: the server failed: run the job again", asks: maxTries},
		"a token that is refused": {fault: answers(403, `{"message":"403 Forbidden"}`), asks: 1,
			err: "ask whose token this is: 403 Forbidden: the token may not do that: " + gitlabNeeds},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFakeGitLab(t, "/api/v4")
			if tt.fault != nil {
				f.always("user", tt.fault)
			}
			got, err := f.as(projectToken, func(o *Options) { o.Author = tt.author }).Author(t.Context())
			if got != tt.want || fmt.Sprint(err) != tt.err && (err != nil || tt.err != "") {
				t.Errorf("got %q, %v, want %q, %s", got, err, tt.want, tt.err)
			}
			if got := f.asked("user"); got != tt.asks {
				t.Errorf("asked %d times, want %d", got, tt.asks)
			}
		})
	}
}

// TestGitLabOtherNotes leaves what is no comment of a conversation alone, even
// with our author and our marker, and finds ours behind a page that shows
// nothing. A note that was answered is a thread's, and still ours.
func TestGitLabOtherNotes(t *testing.T) {
	t.Parallel()
	f := newFakeGitLab(t, "/api/v4")
	forged := Comment{Author: gitlabBot, Body: text(post(shaA, 99))}
	f.note(fakeNote{Comment: forged, system: true})
	f.note(fakeNote{Comment: forged, kind: "DiffNote"})
	for range 2 * gitlabPage {
		f.note(fakeNote{Comment: Comment{Author: "octo", Body: "secret"}, hidden: true})
	}
	f.note(fakeNote{Comment: Comment{Author: gitlabBot, Body: text(post(shaB, 1))}, kind: "DiscussionNote"})
	f.note(fakeNote{Comment: Comment{Author: "octo", Body: "why?"}, kind: "DiscussionNote"})
	p := post(shaA, 2)
	wantOutcome(t, mustUpsert(t, f.forge(), p), "comment updated (#7)")
	got := f.comments()
	if n := len(got); n != 2*gitlabPage+3 || got[0].Body != forged.Body || got[n-2].Body != text(p) {
		t.Errorf("%d comments, the first %q, ours %q", n, got[0].Body, got[n-2].Body)
	}
}

// TestGitLabKeepsLess converges although the end of a body is not kept.
func TestGitLabKeepsLess(t *testing.T) {
	t.Parallel()
	f := newFakeGitLab(t, "/api/v4")
	p := post(shaA, 1)
	p.Body += "  \r\n\n"
	wantOutcome(t, mustUpsert(t, f.forge(), p), "comment created (#7)")
	wantOutcome(t, mustUpsert(t, f.forge(), p), "comment updated (#7)")
	wantComments(t, f, Comment{Author: gitlabBot, Body: text(post(shaA, 1))})
}

// TestGitLabLargeNotes reads on with smaller pages where one is too large, and
// sees every note once.
func TestGitLabLargeNotes(t *testing.T) {
	t.Parallel()
	f := newFakeGitLab(t, "/api/v4")
	const notes, large = 150, 70 // notes around this one are large
	const most = 1 << 20         // of a page, in bytes
	for i := range notes {
		f.comment("author"+strconv.Itoa(i), "x")
	}
	f.always("list", func(w http.ResponseWriter, r *http.Request, serve http.HandlerFunc) {
		size, _ := strconv.Atoi(r.URL.Query().Get("per_page"))
		page, _ := strconv.Atoi(r.URL.Query().Get("page"))
		if size > 4 && (page-1)*size <= large && large < page*size {
			w.Header().Set(injected, "1")
			io.CopyN(w, spaces{}, most+1)
			return
		}
		serve(w, r)
	})
	forge := f.forge(func(o *Options) { o.most = most })
	got, err := forge.Comments(t.Context(), pr)
	if err != nil || len(got) != notes {
		t.Fatalf("%d notes, %v", len(got), err)
	}
	for i, c := range got {
		if want := "author" + strconv.Itoa(i); c.Author != want {
			t.Fatalf("note %d is by %s, want %s", i, c.Author, want)
		}
	}

	f.always("list", func(w http.ResponseWriter, _ *http.Request, _ http.HandlerFunc) {
		w.Header().Set(injected, "1")
		io.CopyN(w, spaces{}, most+1)
	})
	_, err = forge.Comments(t.Context(), pr)
	if err == nil || !strings.HasSuffix(err.Error(), ": the answer is larger than 32 MiB or 500000 values") {
		t.Errorf("error %v", err)
	}
}

// TestGitLabPageMemory keeps nothing of what others write.
func TestGitLabPageMemory(t *testing.T) {
	t.Parallel()
	f := newFakeGitLab(t, "/api/v4")
	f.comment("reviewer", strings.Repeat("x", 1_000_000))
	f.comment(gitlabBot, Marker(testKey, Stamp{})+"\n"+strings.Repeat("x", MaxComment)) // grown by hand
	got, err := f.forge().Comments(t.Context(), pr)
	if err != nil || len(got) != 2 {
		t.Fatal(got, err)
	}
	if len(got[0].Body) != 0 || len(got[1].Body) != MaxComment {
		t.Errorf("kept %d and %d bytes", len(got[0].Body), len(got[1].Body))
	}
}

func TestGitLabManyNotes(t *testing.T) {
	t.Parallel()
	f := newFakeGitLab(t, "/api/v4")
	for range maxComments + gitlabPage {
		f.comment("reviewer", "x")
	}
	_, err := Upsert(t.Context(), f.as(projectToken, func(o *Options) { o.Transport = bare(t) }), post(shaA, 1))
	if err == nil || err.Error() != "list the comments of #7: there are more than 3000" {
		t.Errorf("error %v", err)
	}
	if f.asked("create") != 0 {
		t.Error("a comment was written")
	}
}

// TestGitLabPagesEnd ends although a server calls each page the next.
func TestGitLabPagesEnd(t *testing.T) {
	t.Parallel()
	f := newFakeGitLab(t, "/api/v4")
	f.always("list", answers(200, `[]`, "X-Next-Page", "1"))
	f.always("pulls", answers(200, `[]`, "X-Next-Page", "1"))
	if got, err := f.forge().Comments(t.Context(), pr); err != nil || len(got) != 0 {
		t.Errorf("notes %v, %v", got, err)
	}
	if _, err := f.forge().FindPull(t.Context(), "42", "topic", shaA); !errors.Is(err, ErrNoPull) {
		t.Errorf("error %v", err)
	}
	if got := f.asked("list") + f.asked("pulls"); got != 2 {
		t.Errorf("%d requests, want 2", got)
	}
}

func TestGitLabPull(t *testing.T) {
	t.Parallel()
	f := newFakeGitLab(t, "/api/v4")
	for state, want := range map[string]Pull{
		"opened": {Number: pr, HeadSHA: shaA},
		"locked": {Number: pr, HeadSHA: shaA},
		"closed": {Number: pr, HeadSHA: shaA},
		"merged": {Number: pr, HeadSHA: shaA, MergeSHA: strings.Repeat("c", 40)},
	} {
		f.merges[0].state = state
		if got, err := f.forge().Pull(t.Context(), pr); err != nil || got != want {
			t.Errorf("%s: got %+v, %v, want %+v", state, got, err, want)
		}
	}
	_, err := f.forge().Pull(t.Context(), 8)
	if want := "read merge request #8: 404 Not Found: the token cannot see project 42, or there is no such merge request: " + gitlabNeeds; err == nil || err.Error() != want {
		t.Errorf("error:\n got %v\nwant %s", err, want)
	}
}

func TestGitLabFindPull(t *testing.T) {
	t.Parallel()
	f := newFakeGitLab(t, "/api/v4")
	f.merges = []*fakeMerge{
		{number: 1, sha: shaA, branch: "topic", source: shop, state: "closed"},
		{number: 2, sha: shaA, branch: "topic", source: 0, state: "opened"},
		{number: 3, sha: shaA, branch: "topic", source: 77, state: "opened"},
		{number: 4, sha: shaB, branch: "topic", source: shop, state: "opened"},
		{number: 6, sha: shaA, branch: "feat/ü&source_branch=x", source: shop, state: "opened"},
	}
	for n := range 2 * gitlabPage { // the one that is meant is on page 3
		f.merges = append(f.merges, &fakeMerge{number: 100 + n, sha: shaB, branch: "topic", source: 78, state: "opened"})
	}
	f.merges = append(f.merges,
		&fakeMerge{number: 507, sha: shaA, branch: "topic", source: shop, state: "opened"},
		&fakeMerge{number: 508, sha: shaA, branch: "topic", source: shop, state: "opened"}) // to another branch
	for name, tt := range map[string]struct {
		project, from, branch, sha string
		want                       int
	}{
		"own branch":         {"42", "42", "topic", shaA, 507},
		"a fork":             {"42", "77", "topic", shaA, 3},
		"an odd branch":      {"42", "42", "feat/ü&source_branch=x", strings.ToUpper(shaA), 6},
		"an older head":      {"42", "42", "topic", strings.Repeat("d", 40), 0},
		"another's branch":   {"42", "79", "topic", shaA, 0},
		"no project at all":  {"42", "0", "topic", shaA, 0},
		"no such branch":     {"42", "42", "tropic", shaA, 0},
		"by the path":        {shopPath, strings.ToUpper(shopPath), "topic", shaA, 507},
		"by the path, by ID": {shopPath, "42", "topic", shaA, 507},
	} {
		got, err := f.as(projectToken, func(o *Options) {
			if o.Repository = tt.project; tt.project == shopPath {
				o.Transport = bare(t) // the description's router does not know escaped slashes
			}
		}).FindPull(t.Context(), tt.from, tt.branch, tt.sha)
		switch {
		case tt.want == 0 && !errors.Is(err, ErrNoPull):
			t.Errorf("%s: %+v, %v, want ErrNoPull", name, got, err)
		case tt.want != 0 && (err != nil || got.Number != tt.want || got.HeadSHA != shaA):
			t.Errorf("%s: %+v, %v, want #%d", name, got, err, tt.want)
		}
	}
	_, err := f.forge().FindPull(t.Context(), "mallory/shop", "topic", shaA)
	if err == nil || errors.Is(err, ErrNoPull) || err.Error() != "look for the merge request of branch topic: mallory/shop is not the ID of a project" {
		t.Errorf("a path: %v", err)
	}
}

// TestGitLabPath works with a project's path, and under a site's own path.
func TestGitLabPath(t *testing.T) {
	t.Parallel()
	f := newFakeGitLab(t, "/gitlab/api/v4")
	p := post(shaA, 1)
	wantOutcome(t, mustUpsert(t, f.as(projectToken, func(o *Options) {
		o.Repository, o.Transport = shopPath, bare(t)
		o.APIURL += "/"
	}), p), "comment created (#7)")
	wantOutcome(t, mustUpsert(t, f.forge(), p), "comment unchanged (#7)")
	wantComments(t, f, Comment{Author: gitlabBot, Body: text(p)})
}

// TestGitLabWire shows the token once, as a header, and nothing in the address.
func TestGitLabWire(t *testing.T) {
	t.Parallel()
	var got []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = append(got, strings.Join([]string{r.Method, r.RequestURI, strings.Join(r.Header["Private-Token"], ","),
			r.Header.Get("Authorization") + r.Header.Get("Job-Token"), r.UserAgent(), string(body)}, "|"))
		io.WriteString(w, "null")
	}))
	defer server.Close()
	clock := newTestClock()
	g, err := NewGitLab(Options{APIURL: server.URL + "/api/v4", Repository: "a/b.c", Token: " glpat-x\n", Transport: bare(t), Now: clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	// None of these answers is what it should be, nor makes anything panic.
	if c, err := g.Create(t.Context(), 7, "hi"); err != nil || c != (Comment{Body: "hi"}) {
		t.Errorf("Create: %+v, %v", c, err)
	}
	if err := g.Edit(t.Context(), 7, 301, "ho"); err != nil {
		t.Errorf("Edit: %v", err)
	}
	if p, err := g.Pull(t.Context(), 7); err != nil || p != (Pull{}) {
		t.Errorf("Pull: %+v, %v", p, err)
	}
	want := []string{
		`POST|/api/v4/projects/a%2Fb%2Ec/merge_requests/7/notes|glpat-x||gopreflight|{"body":"hi"}`,
		`PUT|/api/v4/projects/a%2Fb%2Ec/merge_requests/7/notes/301|glpat-x||gopreflight|{"body":"ho"}`,
		`GET|/api/v4/projects/a%2Fb%2Ec/merge_requests/7|glpat-x||gopreflight|`,
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("requests:\n got %q\nwant %q", got, want)
	}
}
