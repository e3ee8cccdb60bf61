package e2e

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"
)

// site is GitHub and GitLab as far as the stories need them: the pull requests and
// comments of the repository acme/shop, which is project 1. What they really say
// and forbid is tested in internal/forge, against their own descriptions.
type site struct {
	mu       sync.Mutex
	server   *httptest.Server
	pulls    []sitePull
	comments []siteComment
	readOnly bool
	requests int
}

type sitePull struct {
	number             int
	sha, owner, branch string
	merge              string // of a test merge
}

type siteComment struct {
	id           int
	author, body string
}

// startSite starts a script's site: startsite. The variables GITHUB_API_URL and
// CI_API_V4_URL name it.
func startSite(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: startsite")
	}
	s := theSite(ts)
	s.server = httptest.NewServer(s.routes())
	ts.Defer(s.server.Close)
	ts.Setenv("GITHUB_API_URL", s.server.URL)
	ts.Setenv("CI_API_V4_URL", s.server.URL+"/api/v4")
}

func theSite(ts *testscript.TestScript) *site { return ts.Value("site").(*site) }

// pull makes a pull request, or gives one another head: pull NUMBER COMMIT [OWNER
// BRANCH [MERGE]].
func pull(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 && len(args) != 4 && len(args) != 5 {
		ts.Fatalf("usage: pull NUMBER COMMIT [OWNER BRANCH [MERGE]]")
	}
	number, err := strconv.Atoi(args[0])
	ts.Check(err)
	p := sitePull{number: number, sha: args[1], owner: "acme", branch: "topic"}
	if len(args) >= 4 {
		p.owner, p.branch = args[2], args[3]
	}
	if len(args) == 5 {
		p.merge = args[4]
	}
	s := theSite(ts)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pulls = append(slices.DeleteFunc(s.pulls, func(old sitePull) bool { return old.number == number }), p)
}

// readOnly takes the token's right to write, or with ! gives it back.
func readOnly(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 0 {
		ts.Fatalf("usage: [!] readonly")
	}
	s := theSite(ts)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.readOnly = !neg
}

// comments asserts the comments of all pull requests: one regular expression for
// each, in their order; comments without one asserts that there is none. What
// follows a ! may not be in any of them.
func comments(ts *testscript.TestScript, neg bool, args []string) {
	s := theSite(ts)
	s.mu.Lock()
	defer s.mu.Unlock()
	if neg {
		for _, c := range s.comments {
			for _, a := range args {
				if regexp.MustCompile(a).MatchString(c.body) {
					ts.Fatalf("a comment has %s:\n%s", a, c.body)
				}
			}
		}
		return
	}
	if len(s.comments) != len(args) {
		ts.Fatalf("%d comments, want %d: %+v", len(s.comments), len(args), s.comments)
	}
	for i, c := range s.comments {
		if !regexp.MustCompile(args[i]).MatchString(c.body) {
			ts.Fatalf("comment %d has nothing like %s:\n%s", i, args[i], c.body)
		}
	}
}

// asked asserts that the site was asked something since the last time, or with !
// nothing: ! asked.
func asked(ts *testscript.TestScript, neg bool, args []string) {
	s := theSite(ts)
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(args) != 0 || neg != (s.requests == 0) {
		ts.Fatalf("the site had %d requests", s.requests)
	}
	s.requests = 0
}

func (s *site) routes() http.Handler {
	mux := http.NewServeMux()
	handle := func(pattern string, f func(w http.ResponseWriter, r *http.Request)) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.requests++
			if !strings.HasPrefix(r.Header.Get("Authorization"), "Bearer ghs_") && !strings.HasPrefix(r.Header.Get("Private-Token"), "glpat-") {
				answer(w, http.StatusUnauthorized, map[string]any{"message": "Bad credentials"})
				return
			}
			if s.readOnly && r.Method != http.MethodGet {
				answer(w, http.StatusForbidden, map[string]any{"message": "Resource not accessible by integration"})
				return
			}
			f(w, r)
		})
	}
	handle("GET /repos/acme/shop/pulls/{number}", func(w http.ResponseWriter, r *http.Request) {
		for _, p := range s.pulls {
			if strconv.Itoa(p.number) == r.PathValue("number") {
				answer(w, http.StatusOK, p.json())
				return
			}
		}
		answer(w, http.StatusNotFound, map[string]any{"message": "Not Found"})
	})
	handle("GET /repos/acme/shop/pulls", func(w http.ResponseWriter, r *http.Request) {
		list := []any{}
		for _, p := range s.pulls {
			if r.FormValue("head") == p.owner+":"+p.branch {
				list = append(list, p.json())
			}
		}
		answer(w, http.StatusOK, list)
	})
	handle("GET /repos/acme/shop/issues/{number}/comments", func(w http.ResponseWriter, _ *http.Request) {
		list := []any{}
		for _, c := range s.comments {
			list = append(list, c.json())
		}
		answer(w, http.StatusOK, list)
	})
	handle("POST /repos/acme/shop/issues/{number}/comments", func(w http.ResponseWriter, r *http.Request) {
		c := siteComment{len(s.comments) + 1, "github-actions[bot]", posted(r)}
		s.comments = append(s.comments, c)
		answer(w, http.StatusCreated, c.json())
	})
	handle("PATCH /repos/acme/shop/issues/comments/{id}", func(w http.ResponseWriter, r *http.Request) {
		for i := range s.comments {
			if strconv.Itoa(s.comments[i].id) == r.PathValue("id") {
				s.comments[i].body = posted(r)
				answer(w, http.StatusOK, s.comments[i].json())
				return
			}
		}
		answer(w, http.StatusNotFound, map[string]any{"message": "Not Found"})
	})
	const project = "/api/v4/projects/1/merge_requests"
	handle("GET /api/v4/user", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, map[string]any{"id": 5, "username": "project_1_bot"})
	})
	handle("GET "+project+"/{number}", func(w http.ResponseWriter, r *http.Request) {
		for _, p := range s.pulls {
			if strconv.Itoa(p.number) == r.PathValue("number") {
				answer(w, http.StatusOK, map[string]any{"iid": p.number, "state": "opened", "sha": p.sha})
				return
			}
		}
		answer(w, http.StatusNotFound, map[string]any{"message": "404 Not found"})
	})
	handle("GET "+project+"/{number}/notes", func(w http.ResponseWriter, _ *http.Request) {
		list := []any{}
		for _, c := range s.comments {
			list = append(list, c.note())
		}
		answer(w, http.StatusOK, list)
	})
	handle("POST "+project+"/{number}/notes", func(w http.ResponseWriter, r *http.Request) {
		c := siteComment{len(s.comments) + 1, "project_1_bot", posted(r)}
		s.comments = append(s.comments, c)
		answer(w, http.StatusCreated, c.note())
	})
	handle("PUT "+project+"/{number}/notes/{id}", func(w http.ResponseWriter, r *http.Request) {
		for i := range s.comments {
			if strconv.Itoa(s.comments[i].id) == r.PathValue("id") {
				s.comments[i].body = posted(r)
				answer(w, http.StatusOK, s.comments[i].note())
				return
			}
		}
		answer(w, http.StatusNotFound, map[string]any{"message": "404 Not found"})
	})
	return mux
}

func (p sitePull) json() any {
	return map[string]any{
		"number": p.number, "state": "open", "merge_commit_sha": p.merge,
		"head": map[string]any{"sha": p.sha, "ref": p.branch, "repo": map[string]any{"full_name": p.owner + "/shop"}},
	}
}

func (c siteComment) json() any {
	return map[string]any{"id": c.id, "body": c.body, "user": map[string]any{"login": c.author}}
}

func (c siteComment) note() any {
	return map[string]any{"id": c.id, "body": c.body, "system": false, "author": map[string]any{"id": 5, "username": c.author}}
}

func posted(r *http.Request) string {
	var c struct{ Body string }
	_ = json.NewDecoder(r.Body).Decode(&c)
	return c.Body
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}
