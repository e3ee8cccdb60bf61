package forge

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

func TestGitHubAuthor(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		token, author  string
		gitea, forgejo bool
		mayAsk         bool
		want           string
		asks           int
	}{
		"GITHUB_TOKEN":               {token: actionsToken, want: "github-actions[bot]"},
		"an app, which is not known": {token: appToken, want: "github-actions[bot]"},
		"an app, named":              {token: appToken, author: "preflight-app[bot]", want: "preflight-app[bot]"},
		"a person":                   {token: personalToken, mayAsk: true, want: "octo", asks: 1},
		"a person, named otherwise":  {token: personalToken, author: "somebody", want: "somebody"},
		"a token that may not ask":   {token: personalToken, want: "github-actions[bot]", asks: 1},
		"an unknown token":           {token: "ghp_unknown", want: "github-actions[bot]", asks: 1},
		"Gitea, which tells":         {token: giteaToken, gitea: true, mayAsk: true, want: "octo", asks: 1},
		"Gitea, which does not":      {token: giteaToken, gitea: true, want: "gitea-actions", asks: 1},
		"Forgejo, which does not":    {token: giteaToken, gitea: true, forgejo: true, want: "forgejo-actions", asks: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFakeGitHub(t, "")
			f.gitea, f.forgejo = tt.gitea, tt.forgejo
			if _, ok := f.accounts[tt.token]; ok {
				f.accounts[tt.token] = account{login: "octo", mayAsk: tt.mayAsk}
			}
			got, err := f.as(tt.token, func(o *Options) { o.Author = tt.author }).Author(t.Context())
			if err != nil || got != tt.want {
				t.Errorf("got %q, %v, want %q", got, err, tt.want)
			}
			if got := f.asked("user"); got != tt.asks {
				t.Errorf("asked %d times, want %d", got, tt.asks)
			}
		})
	}
}

// TestGitHubAuthorUnknown does not guess where the server only failed.
func TestGitHubAuthorUnknown(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		fault fault
		want  string
	}{
		"failure":  {answers(500, `{}`), "ask whose token this is: 500 Internal Server Error: the server failed: run the job again"},
		"limit":    {answers(403, `{}`, "Retry-After", "600"), "ask whose token this is: 403 Forbidden: rate limit, resets at 12:10 UTC"},
		"no login": {answers(200, `{}`), "ask whose token this is: the answer has no login; set comment-author"},
	} {
		f := newFakeGitHub(t, "")
		f.always("user", tt.fault)
		if got, err := f.as(personalToken).Author(t.Context()); err == nil || err.Error() != tt.want {
			t.Errorf("%s: %q, %v, want %s", name, got, err, tt.want)
		}
	}
}

// TestGitHubPersonalToken leaves the comment of the Actions bot alone.
func TestGitHubPersonalToken(t *testing.T) {
	t.Parallel()
	f := newFakeGitHub(t, "")
	bots := Comment{Author: githubActions, Body: text(post(shaB, 1))}
	f.comment(bots.Author, bots.Body)
	f.comment("Octo", text(post(shaB, 2))) // logins have no case
	p := post(shaA, 3)
	wantOutcome(t, mustUpsert(t, f.as(personalToken), p), "comment updated (#7)")
	wantComments(t, githubSite{f}, bots, Comment{Author: "Octo", Body: text(p)})
}

// TestGitHubUnknownApp shows that a token whose login was guessed wrong learns it
// by writing: one comment is left, and how to do better is said.
func TestGitHubUnknownApp(t *testing.T) {
	t.Parallel()
	f := newFakeGitHub(t, "")
	const hint = ": the token writes as preflight-app[bot], not as github-actions[bot]: name it as comment-author to have one comment updated in place"
	wantOutcome(t, mustUpsert(t, f.as(appToken), post(shaA, 1)), "comment created (#7)"+hint)
	p := post(shaA, 2)
	wantOutcome(t, mustUpsert(t, f.as(appToken), p), "comment created (#7, 1 duplicate removed)"+hint)
	wantComments(t, githubSite{f}, Comment{Author: "preflight-app[bot]", Body: text(p)})
	p = post(shaA, 3)
	named := f.as(appToken, func(o *Options) { o.Author = "preflight-app[bot]" })
	wantOutcome(t, mustUpsert(t, named, p), "comment updated (#7)")
	wantComments(t, githubSite{f}, Comment{Author: "preflight-app[bot]", Body: text(p)})
}

func TestGitHubEnterprise(t *testing.T) {
	t.Parallel()
	f := newFakeGitHub(t, "/api/v3")
	p := post(shaA, 1)
	slash := func(o *Options) { o.APIURL += "/" }
	wantOutcome(t, mustUpsert(t, f.as(actionsToken, slash), p), "comment created (#7)")
	wantComments(t, githubSite{f}, Comment{Author: githubActions, Body: text(p)})
}

// TestGitHubManyComments does not write where its own comment may be beyond
// what was looked at: it would write one more each time.
func TestGitHubManyComments(t *testing.T) {
	t.Parallel()
	f := newFakeGitHub(t, "")
	for range maxComments + 1 {
		f.comment("reviewer", "x")
	}
	_, err := Upsert(t.Context(), f.as(actionsToken, func(o *Options) { o.Transport = bare(t) }), post(shaA, 1))
	if err == nil || err.Error() != "list the comments of #7: there are more than 3000" {
		t.Errorf("error %v", err)
	}
	if f.asked("create") != 0 {
		t.Error("a comment was written")
	}
}

// TestGitHubPageMemory keeps nothing of what others write.
func TestGitHubPageMemory(t *testing.T) {
	t.Parallel()
	f := newFakeGitHub(t, "")
	f.comment("reviewer", strings.Repeat("x", MaxComment))
	f.comment(githubActions, Marker(testKey, Stamp{})+"\n"+strings.Repeat("é", MaxComment/2)) // grown by hand
	got, err := f.as(actionsToken).Comments(t.Context(), pr)
	if err != nil || len(got) != 2 {
		t.Fatal(got, err)
	}
	if len(got[0].Body) != 0 || len(got[1].Body) != MaxComment {
		t.Errorf("kept %d and %d bytes", len(got[0].Body), len(got[1].Body))
	}
}

func TestGitHubPull(t *testing.T) {
	t.Parallel()
	f := newFakeGitHub(t, "")
	f.pulls[0].sha = strings.ToUpper(shaA)
	got, err := f.as(actionsToken).Pull(t.Context(), pr)
	want := Pull{Number: pr, HeadSHA: shaA, MergeSHA: strings.Repeat("c", 40)}
	if err != nil || got != want {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	_, err = f.as(actionsToken).Pull(t.Context(), 8)
	if want := "read pull request #8: 404 Not Found: the token cannot see octo/shop, or there is no such pull request"; err == nil || err.Error() != want {
		t.Errorf("error:\n got %v\nwant %s", err, want)
	}
}

func TestGitHubFindPull(t *testing.T) {
	t.Parallel()
	pulls := func() []*fakePull {
		all := []*fakePull{
			{number: 1, sha: shaA, branch: "topic", repo: "octo/shop", state: "closed"},
			{number: 2, sha: shaA, branch: "topic", repo: "mallory/shop", state: "open"},
			{number: 3, sha: shaB, branch: "topic", repo: "octo/shop", state: "open"},
			{number: 4, sha: shaA, branch: "topic", repo: "octo/shop-fork", state: "open"},
			{number: 6, sha: shaA, branch: "feat/ü&head=x", repo: "octo/shop", state: "open"},
			{number: 7, sha: shaA, branch: "topic", repo: "octo/shop", state: "open"},
			{number: 8, sha: shaA, branch: "topic", repo: "octo/shop", state: "open"}, // to another base
		}
		for n := range 6 { // Gitea shows them all, 5 a page
			all = append(all, &fakePull{number: 100 + n, sha: shaB, branch: fmt.Sprint("b", n), repo: "octo/shop", state: "open"})
		}
		return all
	}
	for name, tt := range map[string]struct {
		repo, branch, sha string
		want              int
	}{
		"own branch":        {"octo/shop", "topic", shaA, 7},
		"a fork":            {"mallory/shop", "topic", shaA, 2},
		"no case in names":  {"Octo/Shop", "topic", strings.ToUpper(shaA), 7},
		"an odd branch":     {"octo/shop", "feat/ü&head=x", shaA, 6},
		"an older head":     {"octo/shop", "topic", strings.Repeat("d", 40), 0},
		"another's branch":  {"eve/shop", "topic", shaA, 0},
		"no such branch":    {"octo/shop", "tropic", shaA, 0},
		"a renamed sibling": {"octo/shop-fork", "topic", shaA, 4},
	} {
		for _, gitea := range []bool{false, true} {
			f := newFakeGitHub(t, "")
			f.gitea, f.pulls = gitea, pulls()
			repo := tt.repo
			if !gitea { // the fake compares owners as they are written
				repo = strings.ToLower(repo)
			}
			got, err := f.as(giteaToken).FindPull(t.Context(), repo, tt.branch, tt.sha)
			switch {
			case tt.want == 0 && !errors.Is(err, ErrNoPull):
				t.Errorf("%s (gitea %v): %+v, %v, want ErrNoPull", name, gitea, got, err)
			case tt.want != 0 && (err != nil || got.Number != tt.want || got.HeadSHA != shaA):
				t.Errorf("%s (gitea %v): %+v, %v, want #%d", name, gitea, got, err, tt.want)
			}
		}
	}
}

// TestGitHubHostileBranch shows a branch's name only as one clean line.
func TestGitHubHostileBranch(t *testing.T) {
	t.Parallel()
	f := newFakeGitHub(t, "")
	const branch = "x\u202e\n::error::\x1b[31m"
	_, err := f.as(actionsToken).FindPull(t.Context(), "octo/shop", branch, shaA)
	if want := "branch x ::error:: of octo/shop at aaaaaaa: no open pull request has this commit as its head"; err == nil || err.Error() != want {
		t.Errorf("error:\n got %q\nwant %q", err, want)
	}
	f.always("pulls", answers(http.StatusNotFound, `{}`))
	_, err = f.as(actionsToken).FindPull(t.Context(), "octo/shop", branch, shaA)
	if want := "look for the pull request of branch x ::error::: 404 Not Found: the token cannot see octo/shop, or there is no such pull request"; err == nil || err.Error() != want {
		t.Errorf("error:\n got %q\nwant %q", err, want)
	}
}

// TestGitHubDeletedFork reads a head without a repository, which GitHub's
// description does not know.
func TestGitHubDeletedFork(t *testing.T) {
	t.Parallel()
	f := newFakeGitHub(t, "")
	f.gitea = true // shows it whoever is asked for
	f.pulls[0].repo = ""
	_, err := f.as(giteaToken, func(o *Options) { o.Transport = bare(t) }).FindPull(t.Context(), "octo/shop", "topic", shaA)
	if !errors.Is(err, ErrNoPull) || err.Error() != "branch topic of octo/shop at aaaaaaa: no open pull request has this commit as its head" {
		t.Errorf("error %v", err)
	}
}

// TestNewGitHub refuses what would not work, or say too much, before any
// request.
func TestNewGitHub(t *testing.T) {
	t.Parallel()
	f := newFakeGitHub(t, "")
	const secret = "ghs_very-secret"
	for name, tt := range map[string]struct {
		change func(*Options)
		want   string // empty: accepted
	}{
		"fine":                        {func(*Options) {}, ""},
		"a line break behind":         {func(o *Options) { o.Token = " " + secret + "\r\n" }, ""},
		"a line break inside":         {func(o *Options) { o.Token = secret + "\n" + secret }, "the token has a space, a line break or another character inside that no token has: set the secret anew"},
		"a space inside":              {func(o *Options) { o.Token = "Bearer " + secret }, "the token has a space, a line break or another character inside that no token has: set the secret anew"},
		"a NUL":                       {func(o *Options) { o.Token = secret + "\x00x" }, "the token has a space, a line break or another character inside that no token has: set the secret anew"},
		"a quote from a text program": {func(o *Options) { o.Token = "“" + secret + "”" }, "the token has a space, a line break or another character inside that no token has: set the secret anew"},
		"no token":                    {func(o *Options) { o.Token = " \n" }, "there is no token to write comments with"},
		"no transport":                {func(o *Options) { o.Transport = nil }, "forge: Options without Transport or Now"},
		"no scheme":                   {func(o *Options) { o.APIURL = "api.example.com" }, "the API's address api.example.com is not an http(s) URL without credentials and query"},
		"a file":                      {func(o *Options) { o.APIURL = "file:///etc/passwd" }, "the API's address file:///etc/passwd is not an http(s) URL without credentials and query"},
		"credentials":                 {func(o *Options) { o.APIURL = "https://u:" + secret + "@api.example.com" }, "the API's address https://u:xxxxx@api.example.com is not an http(s) URL without credentials and query"},
		"not a URL":                   {func(o *Options) { o.APIURL = "https://u:" + secret + "@api.example.com:port" }, "the API's address is not a URL"},
		"a query":                     {func(o *Options) { o.APIURL = "https://api.example.com/?x" }, "the API's address https://api.example.com/?x is not an http(s) URL without credentials and query"},
		"no owner":                    {func(o *Options) { o.Repository = "shop" }, `repository "shop" is not OWNER/NAME`},
		"a path":                      {func(o *Options) { o.Repository = "octo/../user" }, `repository "octo/../user" is not OWNER/NAME`},
		"dots":                        {func(o *Options) { o.Repository = "octo/.." }, `repository "octo/.." is not OWNER/NAME`},
		"a query in the name":         {func(o *Options) { o.Repository = "octo/shop?x=" }, `repository "octo/shop?x=" is not OWNER/NAME`},
		"a line break in the name":    {func(o *Options) { o.Repository = "octo/shop\n" }, `repository "octo/shop\n" is not OWNER/NAME`},
	} {
		o := f.options(secret)
		tt.change(&o)
		_, err := NewGitHub(o)
		wantRefusal(t, name, err, tt.want, secret)
	}
	if len(f.requests) != 0 {
		t.Errorf("requests: %v", f.requests)
	}
}

// TestGitHubTokenIsTrimmed works with a token that was read from a file.
func TestGitHubTokenIsTrimmed(t *testing.T) {
	t.Parallel()
	f := newFakeGitHub(t, "")
	p := post(shaA, 1)
	wantOutcome(t, mustUpsert(t, f.as("\t"+actionsToken+"\r\n"), p), "comment created (#7)")
	wantComments(t, githubSite{f}, Comment{Author: githubActions, Body: text(p)})
}
