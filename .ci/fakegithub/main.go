// Command fakegithub is as much of GitHub's API as one pull request's comments
// need, for .ci/container-test: acme/shop, pull request 7, over plain HTTP.
//
//	fakegithub STATE SHA
//
// It prints the address of its API, keeps everything in the file STATE, written
// anew after each request, and serves until it is killed. SHA is the head of the
// pull request; PUT /head moves it, and PUT /from says which repository it comes
// from (acme/shop at first): the test's own routes.
//
// A request that GitHub would not take as it is (an unknown route, token or field,
// a body that is too long) is answered with GitHub's status and noted in STATE as a
// complaint. The client itself is held against GitHub's OpenAPI description in
// internal/forge; here it is the action, in a container, that speaks.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"
)

// writers says of each token whether it may write: the job's own, and that of a
// run from a fork.
var writers = map[string]bool{"ghs_job0123456789": true, "ghs_fork0123456789": false}

const (
	bot         = "github-actions[bot]"
	pull        = 7
	branch      = "topic"
	maxComment  = 65536 // characters
	maxRequest  = 1 << 20
	perPageMost = 100
)

type comment struct {
	ID    int64  `json:"id"`
	Login string `json:"login"`
	Body  string `json:"body"`
	Edits int    `json:"edits"`
}

// state is what STATE holds.
type state struct {
	Head       string     `json:"head"`
	From       string     `json:"from"`
	Comments   []*comment `json:"comments"`
	Requests   []string   `json:"requests"` // METHOD PATH STATUS
	Complaints []string   `json:"complaints"`
}

type server struct {
	file string
	mu   sync.Mutex
	state
}

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: fakegithub STATE SHA")
	}
	// Somebody else's comment comes first, with nothing of ours in it.
	s := &server{file: os.Args[1], state: state{
		Head: os.Args[2], From: "acme/shop", Comments: []*comment{{ID: 100, Login: "octo", Body: "gopreflight? Hm."}},
		Requests: []string{}, Complaints: []string{},
	}}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	if err := s.save(); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("http://%s\n", l.Addr())
	log.Fatal(http.Serve(l, s))
}

func (s *server) save() error {
	b, err := json.MarshalIndent(&s.state, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(s.file+".new", b, 0o644); err != nil {
		return err
	}
	return os.Rename(s.file+".new", s.file)
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	status, answer, why := s.answer(r)
	s.Requests = append(s.Requests, fmt.Sprintf("%s %s %d", r.Method, r.URL.Path, status))
	if why != "" {
		s.Complaints = append(s.Complaints, fmt.Sprintf("%s %s: %s", r.Method, r.URL, why))
		answer = map[string]string{"message": why}
	}
	if err := s.save(); err != nil {
		log.Fatal(err)
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(answer); err != nil {
		log.Print(err)
	}
}

// answer is a status, a value for JSON, and what the client did wrong.
func (s *server) answer(r *http.Request) (int, any, string) {
	own := map[string]*string{"/head": &s.Head, "/from": &s.From}[r.URL.Path]
	if r.Method == http.MethodPut && own != nil {
		value, err := io.ReadAll(io.LimitReader(r.Body, maxRequest))
		if err != nil {
			return http.StatusBadRequest, nil, err.Error()
		}
		*own = string(value)
		return http.StatusOK, *own, ""
	}
	token, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	mayWrite, known := writers[token]
	switch {
	case !bearer || !known:
		return http.StatusUnauthorized, nil, "Bad credentials"
	case r.UserAgent() == "":
		return http.StatusForbidden, nil, "Request forbidden by administrative rules: no User-Agent"
	case !strings.Contains(r.Header.Get("Accept"), "application/vnd.github"):
		return http.StatusUnsupportedMediaType, nil, "Accept names no media type of GitHub's"
	}
	path, ours := strings.CutPrefix(r.URL.Path, "/repos/acme/shop")
	number := strconv.Itoa(pull)
	edited, isEdit := strings.CutPrefix(path, "/issues/comments/")
	switch {
	case !ours:
	case r.Method == http.MethodGet && path == "/pulls":
		return http.StatusOK, []any{s.pull()}, ""
	case r.Method == http.MethodGet && path == "/pulls/"+number:
		return http.StatusOK, s.pull(), ""
	case r.Method == http.MethodGet && path == "/issues/"+number+"/comments":
		if n, err := strconv.Atoi(r.URL.Query().Get("per_page")); err == nil && n > perPageMost {
			return http.StatusUnprocessableEntity, nil, "per_page is too large"
		}
		list := []any{}
		for _, c := range s.Comments {
			list = append(list, view(c))
		}
		return http.StatusOK, list, ""
	case r.Method == http.MethodPost && path == "/issues/"+number+"/comments":
		body, status, why := written(r, mayWrite)
		if status != 0 {
			return status, refusal(), why
		}
		c := &comment{ID: int64(100 + len(s.Comments)), Login: bot, Body: body}
		s.Comments = append(s.Comments, c)
		return http.StatusCreated, view(c), ""
	case r.Method == http.MethodPatch && isEdit:
		for _, c := range s.Comments {
			if strconv.FormatInt(c.ID, 10) != edited {
				continue
			}
			body, status, why := written(r, mayWrite)
			switch {
			case status != 0:
				return status, refusal(), why
			case c.Login != bot:
				return http.StatusForbidden, nil, "the comment is somebody else's"
			}
			c.Body = body
			c.Edits++
			return http.StatusOK, view(c), ""
		}
	}
	return http.StatusNotFound, nil, "Not Found"
}

// written reads a comment to write: its body, or a status, with a complaint unless
// a token that may only read is all that is in the way.
func written(r *http.Request, mayWrite bool) (body string, status int, why string) {
	var in struct {
		Body string `json:"body"`
	}
	d := json.NewDecoder(io.LimitReader(r.Body, maxRequest))
	d.DisallowUnknownFields()
	err := d.Decode(&in)
	switch {
	case err != nil:
		return "", http.StatusBadRequest, "Problems parsing JSON: " + err.Error()
	case in.Body == "" || utf8.RuneCountInString(in.Body) > maxComment:
		return "", http.StatusUnprocessableEntity, "body is empty or too long"
	case !mayWrite:
		return "", http.StatusForbidden, ""
	}
	return in.Body, 0, ""
}

func refusal() any {
	return map[string]string{"message": "Resource not accessible by integration"}
}

func view(c *comment) any {
	return map[string]any{"id": c.ID, "body": c.Body, "user": map[string]any{"login": c.Login}}
}

func (s *server) pull() any {
	return map[string]any{
		"number": pull, "state": "open",
		"head": map[string]any{"sha": s.Head, "ref": branch, "repo": map[string]any{"full_name": s.From}},
		"base": map[string]any{"ref": "main", "repo": map[string]any{"full_name": "acme/shop"}},
	}
}
