package forge

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

const gitlabDescription = "testdata/gitlab-openapi.yaml"

// The tokens that the fake knows, CI_JOB_TOKEN not among them.
const (
	projectToken = "glpat-project0123456789" // a project access token, of a bot user
	readToken    = "glpat-read0123456789"    // with the scope read_api
	guestToken   = "glpat-guest0123456789"   // of a user who is no member
)

const gitlabBot = "project_42_bot_0123456789abcdef"

// shop is the project of the fake, shopPath its path.
const (
	shop     = 42
	shopPath = "octo/tools/shop"
)

// fakeGitLab is a GitLab with one project.
type fakeGitLab struct {
	faults
	t        testing.TB
	url      string // of the API
	base     string // its path
	accounts map[string]account
	clock    *testClock

	mu     sync.Mutex
	lastID int64
	merges []*fakeMerge
}

// fakeMerge is a merge request.
type fakeMerge struct {
	number      int
	sha, branch string
	source      int64 // project; 0: deleted
	state       string
	notes       []fakeNote
}

type fakeNote struct {
	Comment
	system bool
	kind   string // "DiffNote", "DiscussionNote" or neither
	hidden bool   // from every token, but not from the count
}

// newFakeGitLab starts a server whose API is at the path base.
func newFakeGitLab(t testing.TB, base string) *fakeGitLab {
	t.Helper()
	f := &fakeGitLab{t: t, base: base, lastID: 300, clock: newTestClock(), accounts: map[string]account{
		projectToken: {login: gitlabBot},
		readToken:    {login: "octo", readOnly: true},
		guestToken:   {login: "guest"},
	}}
	f.merges = []*fakeMerge{{number: pr, sha: shaA, branch: "topic", source: shop, state: "opened"}}
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	f.url = server.URL + base
	return f
}

func (f *fakeGitLab) options(token string) Options {
	return Options{
		APIURL: f.url, Repository: strconv.Itoa(shop), Token: token,
		Transport: describe(f.t, gitlabDescription, f.base), Now: f.clock.Now, Sleep: f.clock.Sleep,
	}
}

// as returns the forge as a token sees it.
func (f *fakeGitLab) as(token string, change ...func(*Options)) *GitLab {
	f.t.Helper()
	o := f.options(token)
	for _, c := range change {
		c(&o)
	}
	g, err := NewGitLab(o)
	if err != nil {
		f.t.Fatal(err)
	}
	return g
}

// The fake as the scenarios see it.

func (f *fakeGitLab) forge(change ...func(*Options)) Forge { return f.as(projectToken, change...) }
func (f *fakeGitLab) bot() string                          { return gitlabBot }
func (f *fakeGitLab) slept() time.Duration                 { return f.clock.total() }

func (f *fakeGitLab) merge(number int) *fakeMerge {
	for _, m := range f.merges {
		if m.number == number {
			return m
		}
	}
	return nil
}

func (f *fakeGitLab) push(sha string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.merge(pr).sha = sha
	f.write(f.merge(pr), fakeNote{Comment: Comment{Author: "octo", Body: "added 1 commit"}, system: true})
}

func (f *fakeGitLab) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.merge(pr).state = "closed"
}

func (f *fakeGitLab) comment(login, body string) int64 {
	return f.note(fakeNote{Comment: Comment{Author: login, Body: body}})
}

// note writes any note by hand.
func (f *fakeGitLab) note(n fakeNote) int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.write(f.merge(pr), n).ID
}

func (f *fakeGitLab) write(m *fakeMerge, n fakeNote) fakeNote {
	f.lastID++
	n.ID = f.lastID
	m.notes = append(m.notes, n)
	return n
}

func (f *fakeGitLab) drop(id int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	m := f.merge(pr)
	m.notes = slices.DeleteFunc(m.notes, func(n fakeNote) bool { return n.ID == id })
}

// comments is the state of the merge request, without the system's notes.
func (f *fakeGitLab) comments() []Comment {
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []Comment
	for _, n := range f.merge(pr).notes {
		if !n.system {
			all = append(all, n.Comment)
		}
	}
	return all
}

var gitlabRoutes = []struct {
	op, method string
	path       *regexp.Regexp
}{
	{"user", "GET", regexp.MustCompile(`^/user$`)},
	{"pulls", "GET", regexp.MustCompile(`^/projects/([^/]+)/merge_requests$`)},
	{"pull", "GET", regexp.MustCompile(`^/projects/([^/]+)/merge_requests/(\d+)$`)},
	{"list", "GET", regexp.MustCompile(`^/projects/([^/]+)/merge_requests/(\d+)/notes$`)},
	{"create", "POST", regexp.MustCompile(`^/projects/([^/]+)/merge_requests/(\d+)/notes$`)},
	{"edit", "PUT", regexp.MustCompile(`^/projects/([^/]+)/merge_requests/(\d+)/notes/(\d+)$`)},
	{"delete", "DELETE", regexp.MustCompile(`^/projects/([^/]+)/merge_requests/(\d+)/notes/(\d+)$`)},
}

func (f *fakeGitLab) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path, ok := strings.CutPrefix(r.URL.EscapedPath(), f.base)
	for _, route := range gitlabRoutes {
		m := route.path.FindStringSubmatch(path)
		if !ok || m == nil || r.Method != route.method {
			continue
		}
		var project string
		var numbers [2]int
		if len(m) > 1 {
			project = m[1]
		}
		for i := 2; i < len(m); i++ {
			numbers[i-2], _ = strconv.Atoi(m[i])
		}
		f.wrap(route.op, w, r, func(w http.ResponseWriter, r *http.Request) {
			f.serve(w, r, route.op, project, numbers[0], int64(numbers[1]))
		})
		return
	}
	tell(w, http.StatusNotFound, map[string]any{"error": "404 Not Found"})
}

// serve is one operation, alone with the state.
func (f *fakeGitLab) serve(w http.ResponseWriter, r *http.Request, op, project string, number int, id int64) {
	var in struct {
		Body string `json:"body"`
	}
	if r.Method == http.MethodPost || r.Method == http.MethodPut {
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			tell(w, http.StatusBadRequest, map[string]any{"error": "body is invalid"})
			return
		}
	}
	who, ok := f.accounts[r.Header.Get("PRIVATE-TOKEN")]
	f.mu.Lock()
	defer f.mu.Unlock()
	m := f.merge(number)
	switch {
	case !ok:
		refuse(w, http.StatusUnauthorized, "401 Unauthorized")
	case op == "user":
		tell(w, http.StatusOK, gitlabUser(who.login))
	case r.Method != http.MethodGet && who.readOnly:
		tell(w, http.StatusForbidden, map[string]any{"error": "insufficient_scope", "scope": "api",
			"error_description": "The request requires higher privileges than provided by the access token."})
	case project != strconv.Itoa(shop) && project != strings.ReplaceAll(shopPath, "/", "%2F"):
		refuse(w, http.StatusNotFound, "404 Project Not Found")
	case op == "pulls":
		f.servePulls(w, r)
	case m == nil:
		refuse(w, http.StatusNotFound, "404 Not found")
	case op == "pull":
		tell(w, http.StatusOK, m.json())
	case op == "list":
		list := make([]any, len(m.notes))
		for i, n := range m.notes {
			if !n.hidden {
				list[i] = m.noteJSON(n)
			}
		}
		if r.URL.Query().Get("sort") != "asc" {
			slices.Reverse(list)
		}
		f.page(w, r, list)
	case op == "create" && who.login == "guest":
		refuse(w, http.StatusForbidden, "403 Forbidden")
	case op == "create":
		tell(w, http.StatusCreated, m.noteJSON(f.write(m, fakeNote{Comment: Comment{Author: who.login, Body: stored(in.Body)}})))
	default:
		f.serveNote(w, m, op, id, who, in.Body)
	}
}

// serveNote edits or deletes: with the role Reporter, one's own.
func (f *fakeGitLab) serveNote(w http.ResponseWriter, m *fakeMerge, op string, id int64, who account, body string) {
	i := slices.IndexFunc(m.notes, func(n fakeNote) bool { return n.ID == id })
	switch {
	case i < 0:
		refuse(w, http.StatusNotFound, "404 Not found")
	case m.notes[i].Author != who.login || m.notes[i].system:
		refuse(w, http.StatusForbidden, "403 Forbidden")
	case op == "edit":
		m.notes[i].Body = stored(body)
		tell(w, http.StatusOK, m.noteJSON(m.notes[i]))
	default:
		m.notes = slices.Delete(m.notes, i, i+1)
		w.WriteHeader(http.StatusNoContent)
	}
}

// stored is what GitLab keeps of a body once it looked for quick actions
// (lib/gitlab/quick_actions/extractor.rb, perform_regex).
func stored(body string) string {
	return strings.TrimRight(strings.ReplaceAll(body, "\r", ""), " \t\n")
}

func (f *fakeGitLab) servePulls(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	var list []any
	for _, m := range f.merges {
		if q.Get("state") == m.state && q.Get("source_branch") == m.branch && q.Get("scope") == "all" {
			list = append(list, m.json())
		}
	}
	if q.Get("sort") != "asc" {
		slices.Reverse(list)
	}
	f.page(w, r, list)
}

// page answers with one page of a list, of which nil is counted but not shown.
func (f *fakeGitLab) page(w http.ResponseWriter, r *http.Request, list []any) {
	q := r.URL.Query()
	size, err := strconv.Atoi(q.Get("per_page"))
	if err != nil {
		size = 20
	}
	page, _ := strconv.Atoi(q.Get("page"))
	page = max(page, 1)
	next := ""
	if page*size < len(list) {
		next = strconv.Itoa(page + 1)
	}
	w.Header().Set("X-Page", strconv.Itoa(page))
	w.Header().Set("X-Per-Page", strconv.Itoa(size))
	w.Header().Set("X-Next-Page", next)
	w.Header().Set("X-Total", strconv.Itoa(len(list)))
	shown := []any{}
	for _, v := range list[min((page-1)*size, len(list)):min(page*size, len(list))] {
		if v != nil {
			shown = append(shown, v)
		}
	}
	tell(w, http.StatusOK, shown)
}

func gitlabUser(login string) map[string]any {
	return map[string]any{"id": 1, "username": login, "name": login, "state": "active"}
}

func (m *fakeMerge) noteJSON(n fakeNote) map[string]any {
	v := map[string]any{
		"id": n.ID, "type": nil, "body": n.Body, "author": gitlabUser(n.Author), "system": n.system,
		"created_at": "2026-11-20T09:00:00.000Z", "updated_at": "2026-11-20T09:00:00.000Z",
		"noteable_id": 1000 + m.number, "noteable_iid": m.number, "noteable_type": "MergeRequest",
		"project_id": shop, "resolvable": n.kind != "", "internal": false,
	}
	if n.kind != "" {
		v["type"] = n.kind
	}
	return v
}

func (m *fakeMerge) json() map[string]any {
	v := map[string]any{
		"id": 1000 + m.number, "iid": m.number, "project_id": shop, "title": "A change", "state": m.state,
		"source_branch": m.branch, "target_branch": "main", "source_project_id": m.source, "target_project_id": shop,
		"sha": m.sha, "merge_commit_sha": nil, "labels": []string{"bug"}, "author": gitlabUser("octo"),
	}
	if m.source == 0 {
		v["source_project_id"] = nil
	}
	if m.state == "merged" {
		v["merge_commit_sha"] = strings.Repeat("c", 40)
	}
	return v
}

// tell answers. Every answer says that a limit of one request a second is used
// up, which the client's own limiter would wait for by the real clock.
func tell(w http.ResponseWriter, status int, v any) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("RateLimit-Limit", "60")
	h.Set("RateLimit-Remaining", "0")
	h.Set("RateLimit-Reset", "4102444800")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v)
}

func refuse(w http.ResponseWriter, status int, message string) {
	tell(w, status, map[string]any{"message": message})
}
