package forge

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"
)

const githubDescription = "testdata/github-openapi.json"

// The tokens that the fake knows. An installation's may not ask who it is.
const (
	actionsToken  = "ghs_actions0123456789abcdef"  // GITHUB_TOKEN
	forkToken     = "ghs_fork0123456789abcdef"     // GITHUB_TOKEN of a fork's pull request
	appToken      = "ghs_app0123456789abcdef"      // an app's
	personalToken = "ghp_personal0123456789abcdef" // octo's
	giteaToken    = "0123456789abcdef0123456789abcdef01234567"
)

type account struct {
	login            string
	readOnly, mayAsk bool
}

// fakeGitHub is a GitHub, or a Gitea, with one repository octo/shop.
type fakeGitHub struct {
	faults
	t        testing.TB
	url      string // of the API
	base     string // its path
	gitea    bool
	forgejo  bool
	accounts map[string]account
	clock    *testClock

	mu     sync.Mutex
	nextID int64
	pulls  []*fakePull
}

type fakePull struct {
	number      int
	sha, branch string
	repo        string // of the head; empty: deleted
	state       string
	locked      bool
	comments    []Comment
}

// pr is the pull request that most tests are about.
const pr = 7

// newFakeGitHub starts a server whose API is at the path base.
func newFakeGitHub(t testing.TB, base string) *fakeGitHub {
	t.Helper()
	f := &fakeGitHub{t: t, base: base, nextID: 100, clock: newTestClock(), accounts: map[string]account{
		actionsToken:  {login: "github-actions[bot]"},
		forkToken:     {login: "github-actions[bot]", readOnly: true},
		appToken:      {login: "preflight-app[bot]"},
		personalToken: {login: "octo", mayAsk: true},
		giteaToken:    {login: "gitea-actions"},
	}}
	f.pulls = []*fakePull{{number: pr, sha: shaA, branch: "topic", repo: "octo/shop", state: "open"}}
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	f.url = server.URL + base
	return f
}

// options are those of a client with a token.
func (f *fakeGitHub) options(token string) Options {
	d := describe(f.t, githubDescription, f.base)
	return Options{
		APIURL: f.url, Repository: "octo/shop", Token: token, Gitea: f.gitea,
		Transport: d, Now: f.clock.Now, Sleep: f.clock.Sleep,
	}
}

// as returns the forge as a token sees it.
func (f *fakeGitHub) as(token string, change ...func(*Options)) *GitHub {
	f.t.Helper()
	o := f.options(token)
	for _, c := range change {
		c(&o)
	}
	g, err := NewGitHub(o)
	if err != nil {
		f.t.Fatal(err)
	}
	return g
}

func (f *fakeGitHub) pull(number int) *fakePull {
	for _, p := range f.pulls {
		if p.number == number {
			return p
		}
	}
	return nil
}

// push moves the head of the pull request.
func (f *fakeGitHub) push(sha string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.pull(pr).sha = sha
}

// comment writes as somebody, by hand.
func (f *fakeGitHub) comment(login, body string) int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.write(f.pull(pr), login, body).ID
}

func (f *fakeGitHub) write(p *fakePull, login, body string) Comment {
	f.nextID++
	c := Comment{ID: f.nextID, Author: login, Body: body}
	p.comments = append(p.comments, c)
	return c
}

// drop deletes a comment by hand.
func (f *fakeGitHub) drop(id int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	p := f.pull(pr)
	p.comments = slices.DeleteFunc(p.comments, func(c Comment) bool { return c.ID == id })
}

// comments is the state of the pull request.
func (f *fakeGitHub) comments() []Comment {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.pull(pr).comments)
}

var githubRoutes = []struct {
	op, method string
	path       *regexp.Regexp
}{
	{"user", "GET", regexp.MustCompile(`^/user$`)},
	{"version", "GET", regexp.MustCompile(`^/version$`)},
	{"pulls", "GET", regexp.MustCompile(`^/repos/octo/shop/pulls$`)},
	{"pull", "GET", regexp.MustCompile(`^/repos/octo/shop/pulls/(\d+)$`)},
	{"list", "GET", regexp.MustCompile(`^/repos/octo/shop/issues/(\d+)/comments$`)},
	{"create", "POST", regexp.MustCompile(`^/repos/octo/shop/issues/(\d+)/comments$`)},
	{"edit", "PATCH", regexp.MustCompile(`^/repos/octo/shop/issues/comments/(\d+)$`)},
	{"delete", "DELETE", regexp.MustCompile(`^/repos/octo/shop/issues/comments/(\d+)$`)},
}

func (f *fakeGitHub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path, ok := strings.CutPrefix(r.URL.Path, f.base)
	for _, route := range githubRoutes {
		m := route.path.FindStringSubmatch(path)
		if !ok || m == nil || r.Method != route.method {
			continue
		}
		n := 0
		if len(m) > 1 {
			n, _ = strconv.Atoi(m[1])
		}
		f.wrap(route.op, w, r, func(w http.ResponseWriter, r *http.Request) { f.serve(w, r, route.op, n) })
		return
	}
	sayNo(w, http.StatusNotFound, "Not Found")
}

// serve is one operation, alone with the state.
func (f *fakeGitHub) serve(w http.ResponseWriter, r *http.Request, op string, n int) {
	var in struct {
		Body *string `json:"body"`
	}
	if r.Method == http.MethodPost || r.Method == http.MethodPatch {
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			sayNo(w, http.StatusBadRequest, "Problems parsing JSON")
			return
		}
	}
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	who, ok := f.accounts[token]
	if !ok {
		sayNo(w, http.StatusUnauthorized, "Bad credentials")
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	switch op {
	case "user":
		if !who.mayAsk {
			sayNo(w, http.StatusForbidden, "Resource not accessible by integration")
			return
		}
		u := f.example("private-user-response-with-public-and-private-profile-information")
		u["login"], u["user_view_type"] = who.login, "private" // the example lacks what tells the two views apart
		say(w, http.StatusOK, u)
		return
	case "version":
		v := "1.24.2"
		if f.forgejo {
			v = "9.0.3+gitea-1.22.0"
		}
		say(w, http.StatusOK, map[string]any{"version": v})
		return
	case "pulls":
		f.servePulls(w, r)
		return
	case "edit", "delete":
		f.serveComment(w, op, int64(n), who, in.Body)
		return
	}
	p := f.pull(n)
	if p == nil {
		sayNo(w, http.StatusNotFound, "Not Found")
		return
	}
	switch op {
	case "pull":
		say(w, http.StatusOK, f.pullJSON(p, false))
	case "list":
		f.page(w, r, len(p.comments), func(i int) any { return f.commentJSON(p.comments[i]) })
	case "create":
		switch {
		case p.locked:
			sayNo(w, http.StatusForbidden, "Unable to create comment because issue is locked.")
		case f.refused(w, who, in.Body):
		default:
			say(w, http.StatusCreated, f.commentJSON(f.write(p, who.login, *in.Body)))
		}
	}
}

// refused answers a write that GitHub would refuse.
func (f *fakeGitHub) refused(w http.ResponseWriter, who account, body *string) bool {
	switch {
	case who.readOnly && f.gitea:
		sayNo(w, http.StatusForbidden, "token does not have at least one of required scope(s): [write:issue]")
	case who.readOnly:
		sayNo(w, http.StatusForbidden, "Resource not accessible by integration")
	case body == nil || *body == "":
		invalid(w, "Body can't be blank")
	case utf8.RuneCountInString(*body) > MaxComment:
		invalid(w, "Body is too long (maximum is 65536 characters)")
	default:
		return false
	}
	return true
}

func (f *fakeGitHub) serveComment(w http.ResponseWriter, op string, id int64, who account, body *string) {
	for _, p := range f.pulls {
		i := slices.IndexFunc(p.comments, func(c Comment) bool { return c.ID == id })
		switch {
		case i < 0:
			continue
		case op == "edit":
			if !f.refused(w, who, body) {
				p.comments[i].Body = *body
				say(w, http.StatusOK, f.commentJSON(p.comments[i]))
			}
		case who.readOnly:
			sayNo(w, http.StatusForbidden, "Resource not accessible by integration")
		default:
			p.comments = slices.Delete(p.comments, i, i+1)
			w.WriteHeader(http.StatusNoContent)
		}
		return
	}
	sayNo(w, http.StatusNotFound, "Not Found")
}

// servePulls filters by head as GitHub does; Gitea does not.
func (f *fakeGitHub) servePulls(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	var list []*fakePull
	for _, p := range f.pulls {
		owner, _, _ := strings.Cut(p.repo, "/")
		if q.Get("state") == p.state && (f.gitea || q.Get("head") == owner+":"+p.branch) {
			list = append(list, p)
		}
	}
	if !f.gitea { // the newest first
		slices.Reverse(list)
	}
	f.page(w, r, len(list), func(i int) any { return f.pullJSON(list[i], true) })
}

// page answers with one page of n things and the links to others. Gitea has one
// page of all comments; of other things as many on one as its administrator
// likes, whatever go-github asks for.
func (f *fakeGitHub) page(w http.ResponseWriter, r *http.Request, n int, thing func(i int) any) {
	q := r.URL.Query()
	size, _ := strconv.Atoi(q.Get("per_page"))
	switch {
	case f.gitea && strings.HasSuffix(r.URL.Path, "/comments"):
		size = max(n, 1)
	case f.gitea:
		size = 5
	case size < 1 || size > 100:
		size = 30
	}
	page, _ := strconv.Atoi(q.Get("page"))
	page = max(page, 1)
	last := max((n+size-1)/size, 1)
	link := func(n int, rel string) string {
		v := url.Values{"per_page": {strconv.Itoa(size)}, "page": {strconv.Itoa(n)}}
		return fmt.Sprintf(`<%s/repositories/1/list?%s>; rel=%q`, f.url, v.Encode(), rel)
	}
	if page < last {
		w.Header().Set("Link", link(page+1, "next")+", "+link(last, "last"))
	} else if page > 1 {
		w.Header().Set("Link", link(page-1, "prev")+", "+link(1, "first"))
	}
	list := []any{}
	for i := (page - 1) * size; i < min(page*size, n); i++ {
		list = append(list, thing(i))
	}
	say(w, http.StatusOK, list)
}

// example is GitHub's own example of an answer, to be filled in.
func (f *fakeGitHub) example(name string) map[string]any {
	doc, _, err := description(githubDescription)
	if err != nil {
		panic(err)
	}
	v := doc.Components.Examples[name].Value.Value
	if list, ok := v.([]any); ok {
		v = list[0]
	}
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	var out map[string]any
	if err := json.Unmarshal(b, &out); err != nil {
		panic(err)
	}
	return out
}

func (f *fakeGitHub) commentJSON(c Comment) map[string]any {
	v := f.example("issue-comment")
	v["id"], v["body"] = c.ID, c.Body
	v["user"].(map[string]any)["login"] = c.Author
	return v
}

func (f *fakeGitHub) pullJSON(p *fakePull, simple bool) map[string]any {
	name := "pull-request"
	if simple {
		name = "pull-request-simple-items"
	}
	v := f.example(name)
	v["number"], v["state"], v["locked"] = p.number, p.state, p.locked
	v["merge_commit_sha"] = strings.Repeat("c", 40)
	v["requested_teams"] = []any{} // the example's has no type, which the schema requires
	head := v["head"].(map[string]any)
	head["sha"], head["ref"] = p.sha, p.branch
	if p.repo == "" {
		head["repo"] = nil
	} else {
		head["repo"].(map[string]any)["full_name"] = p.repo
	}
	return v
}

func say(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("X-RateLimit-Remaining", "4999")
	w.Header().Set("X-RateLimit-Reset", "1893456000")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v)
}

func sayNo(w http.ResponseWriter, status int, message string) {
	say(w, status, map[string]any{"message": message, "documentation_url": "https://docs.github.com/rest", "status": strconv.Itoa(status)})
}

func invalid(w http.ResponseWriter, message string) {
	say(w, http.StatusUnprocessableEntity, map[string]any{
		"message": "Validation Failed", "documentation_url": "https://docs.github.com/rest",
		"errors": []any{map[string]any{"resource": "IssueComment", "code": "unprocessable", "field": "data", "message": message}},
	})
}

// testClock stands still but for sleeps.
type testClock struct {
	mu    sync.Mutex
	now   time.Time
	slept []time.Duration
}

func newTestClock() *testClock {
	return &testClock{now: time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)}
}

func (c *testClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Sleep moves the clock on.
func (c *testClock) Sleep(ctx context.Context, d time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	c.slept = append(c.slept, d)
	return ctx.Err()
}

// total is how long was slept.
func (c *testClock) total() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	var d time.Duration
	for _, s := range c.slept {
		d += s
	}
	return d
}
