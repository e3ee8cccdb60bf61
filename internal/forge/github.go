package forge

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/google/go-github/v60/github"

	"github.com/gopreflight/gopreflight/internal/plain"
)

// The logins of the tokens that a CI gives its jobs.
const (
	githubActions  = "github-actions[bot]"
	giteaActions   = "gitea-actions"
	forgejoActions = "forgejo-actions"
)

// installation begins the tokens of apps, GITHUB_TOKEN among them
// (docs.github.com, "About authentication to GitHub").
const installation = "ghs_"

// ownerName is "owner/name", of which nothing has a meaning in a path.
var ownerName = regexp.MustCompile(`^[A-Za-z0-9_.-]*[A-Za-z0-9_-][A-Za-z0-9_.-]*/[A-Za-z0-9_.-]*[A-Za-z0-9_-][A-Za-z0-9_.-]*$`)

// GitHub is the API of GitHub, GitHub Enterprise Server, Gitea or Forgejo.
type GitHub struct {
	options     Options
	client      *github.Client
	owner, name string
}

// NewGitHub returns the Forge that options describe. It sends no request.
func NewGitHub(o Options) (*GitHub, error) {
	o, err := o.checked()
	if err != nil {
		return nil, err
	}
	if !ownerName.MatchString(o.Repository) {
		return nil, fmt.Errorf("repository %q is not OWNER/NAME", o.Repository)
	}
	g := &GitHub{options: o, client: github.NewClient(newClient(o)).WithAuthToken(o.Token)}
	g.owner, g.name, _ = strings.Cut(o.Repository, "/")
	// One form serves all: WithEnterpriseURLs would add /api/v3/ to Gitea's too.
	if g.client.BaseURL, err = url.Parse(o.APIURL + "/"); err != nil {
		return nil, err
	}
	g.client.UserAgent = "gopreflight"
	return g, nil
}

// Author is Options.Author; github-actions[bot] for an installation's token,
// which may not ask; else who the server says, or the CI's own login where it
// does not.
func (g *GitHub) Author(ctx context.Context) (string, error) {
	if g.options.Author != "" {
		return g.options.Author, nil
	}
	if !g.options.Gitea && strings.HasPrefix(g.options.Token, installation) {
		return githubActions, nil
	}
	user, resp, err := g.client.Users.Get(ctx, "")
	if err == nil {
		if user.GetLogin() == "" {
			return "", errors.New("ask whose token this is: the answer has no login; set comment-author")
		}
		return user.GetLogin(), nil
	}
	var limit *limitError
	if resp != nil && !errors.As(err, &limit) {
		switch resp.StatusCode {
		case http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound:
			return g.defaultAuthor(ctx), nil
		}
	}
	return "", g.explain("ask whose token this is", resp, err)
}

// defaultAuthor is the login of a CI's own token that may not ask for it.
func (g *GitHub) defaultAuthor(ctx context.Context) string {
	if !g.options.Gitea {
		return githubActions
	}
	// Forgejo names the Gitea that it is compatible with: "9.0.3+gitea-1.22.0".
	var version struct {
		Version string `json:"version"`
	}
	req, err := g.client.NewRequest(http.MethodGet, "version", nil)
	if err != nil {
		return giteaActions
	}
	if _, err := g.client.Do(ctx, req, &version); err == nil && strings.Contains(version.Version, "+gitea-") {
		return forgejoActions
	}
	return giteaActions
}

// Pull returns a pull request by its number.
func (g *GitHub) Pull(ctx context.Context, number int) (Pull, error) {
	p, resp, err := g.client.PullRequests.Get(ctx, g.owner, g.name, number)
	if err != nil {
		return Pull{}, g.explain(fmt.Sprintf("read pull request #%d", number), resp, err)
	}
	return pull(p), nil
}

func pull(p *github.PullRequest) Pull {
	return Pull{
		Number:   p.GetNumber(),
		HeadSHA:  strings.ToLower(p.GetHead().GetSHA()),
		MergeSHA: strings.ToLower(p.GetMergeCommitSHA()),
	}
}

// FindPull asks for the open pull requests of a branch (Gitea answers with those
// of all branches) and returns the oldest of those with this head.
func (g *GitHub) FindPull(ctx context.Context, headRepository, branch, sha string) (Pull, error) {
	owner, _, _ := strings.Cut(headRepository, "/")
	opts := &github.PullRequestListOptions{State: "open", Head: owner + ":" + branch, ListOptions: github.ListOptions{PerPage: perPage}}
	found := Pull{}
	for seen := 0; seen < maxPulls; {
		pulls, resp, err := g.client.PullRequests.List(ctx, g.owner, g.name, opts)
		if err != nil {
			return Pull{}, g.explain("look for the pull request of branch "+branch, resp, err)
		}
		for _, p := range pulls {
			head := p.GetHead()
			if strings.EqualFold(head.GetSHA(), sha) && head.GetRef() == branch &&
				strings.EqualFold(head.GetRepo().GetFullName(), headRepository) &&
				(found.Number == 0 || p.GetNumber() < found.Number) {
				found = pull(p)
			}
		}
		if seen += len(pulls); resp.NextPage == 0 || len(pulls) == 0 {
			break
		}
		opts.Page = resp.NextPage
	}
	if found.Number == 0 {
		return Pull{}, fmt.Errorf("branch %s of %s at %.7s: %w", plain.Line(branch), plain.Line(headRepository), plain.Line(sha), ErrNoPull)
	}
	return found, nil
}

// Comments lists the comments of a pull request.
func (g *GitHub) Comments(ctx context.Context, number int) ([]Comment, error) {
	op := fmt.Sprintf("list the comments of #%d", number)
	opts := &github.IssueListCommentsOptions{ListOptions: github.ListOptions{PerPage: perPage}}
	var all []Comment
	for {
		page, resp, err := g.client.Issues.ListComments(ctx, g.owner, g.name, number, opts)
		if err != nil {
			return nil, g.explain(op, resp, err)
		}
		for _, c := range page {
			all = append(all, Comment{ID: c.GetID(), Author: c.GetUser().GetLogin(), Body: kept(c.GetBody())})
		}
		switch {
		case resp.NextPage == 0 || len(page) == 0:
			return all, nil
		case len(all) >= maxComments:
			return nil, tooMany(op)
		}
		opts.Page = resp.NextPage
	}
}

// Create writes a new comment.
func (g *GitHub) Create(ctx context.Context, number int, body string) (Comment, error) {
	c, resp, err := g.client.Issues.CreateComment(ctx, g.owner, g.name, number, &github.IssueComment{Body: &body})
	if err != nil {
		return Comment{}, g.explain(fmt.Sprintf("write a comment on #%d", number), resp, err)
	}
	return Comment{ID: c.GetID(), Author: c.GetUser().GetLogin(), Body: body}, nil
}

// Edit writes a comment anew.
func (g *GitHub) Edit(ctx context.Context, number int, id int64, body string) error {
	_, resp, err := g.client.Issues.EditComment(ctx, g.owner, g.name, id, &github.IssueComment{Body: &body})
	return g.gone(fmt.Sprintf("edit the comment on #%d", number), resp, err)
}

// Delete removes a comment.
func (g *GitHub) Delete(ctx context.Context, number int, id int64) error {
	resp, err := g.client.Issues.DeleteComment(ctx, g.owner, g.name, id)
	return g.gone(fmt.Sprintf("delete a comment on #%d", number), resp, err)
}

// gone tells ErrGone from other errors.
func (g *GitHub) gone(op string, resp *github.Response, err error) error {
	switch {
	case err == nil:
		return nil
	case resp != nil && resp.StatusCode == http.StatusNotFound:
		return fmt.Errorf("%s: %w", op, ErrGone)
	}
	return g.explain(op, resp, err)
}

// explain makes an *Error of what go-github returned.
func (g *GitHub) explain(op string, resp *github.Response, err error) error {
	var answer *http.Response
	if resp != nil {
		answer = resp.Response
	}
	var words string
	if e, ok := errors.AsType[*github.ErrorResponse](err); ok {
		words = e.Message
		for _, detail := range e.Errors {
			if detail.Message != "" {
				words += ", " + detail.Message
			}
		}
	}
	return g.options.explain(op, answer, words, err, g.advise)
}

// advise is what to do about a status of GitHub's.
// Sources: docs.github.com, "Troubleshooting the REST API", "Permissions
// required for fine-grained personal access tokens".
func (g *GitHub) advise(status int, words string) string {
	switch {
	case status == http.StatusForbidden && strings.Contains(" "+words, " locked"): // not "blocked"
		return "the conversation is locked: unlock it, or do without a comment"
	case status == http.StatusForbidden && g.options.Gitea:
		return "the token may not write comments: it needs to write issues and pull requests"
	case status == http.StatusForbidden && strings.HasPrefix(g.options.Token, installation):
		return "the token may not write comments: give the job `permissions: pull-requests: write`; on a pull request from a fork it cannot: see docs/ci.md"
	case status == http.StatusForbidden:
		return "the token may not write comments: it needs the permission to write pull requests (fine-grained) or the scope repo (classic)"
	case status == http.StatusNotFound:
		return "the token cannot see " + g.options.Repository + ", or there is no such pull request"
	case status == http.StatusGone:
		return "comments are switched off there"
	case status == http.StatusUnprocessableEntity && strings.Contains(words, "too long"):
		return fmt.Sprintf("more than %d characters are too long for a comment", MaxComment)
	}
	return ""
}

// kept is what a list keeps of a comment's body: of one that can be ours as much
// as we write, nothing of any other, so that memory is bounded whatever people
// write.
func kept(body string) string {
	if !strings.HasPrefix(body, markerStart) {
		return ""
	}
	return strings.Clone(body[:min(len(body), MaxComment)])
}

// tooMany says that a list has no end that is worth looking for. To go on would
// mean a new comment each time.
func tooMany(op string) error {
	return fmt.Errorf("%s: there are more than %d", op, maxComments)
}
