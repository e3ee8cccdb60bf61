package forge

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	gitlab "gitlab.com/gitlab-org/api/client-go"

	"github.com/gopreflight/gopreflight/internal/plain"
)

// gitlabPage is how many elements a page has, until it is halved while its
// answer is too large: notes and descriptions have up to 1,000,000 characters
// here (docs.gitlab.com, "Notes API"), so a few of them would else hide ours.
// A power of two: what is on one page of 2n is on two pages of n.
const gitlabPage = 64

// projectName is a project's ID or its path, of which no segment is dots alone.
var projectName = regexp.MustCompile(`^[A-Za-z0-9_.-]*[A-Za-z0-9_-][A-Za-z0-9_.-]*(/[A-Za-z0-9_.-]*[A-Za-z0-9_-][A-Za-z0-9_.-]*)*$`)

// gitlabNeeds is what a token needs. CI_JOB_TOKEN may read notes at most
// (docs.gitlab.com, "CI/CD job token": "Job token access").
const gitlabNeeds = "it takes a project, group or personal access token with the scope api and at least the role Reporter; a CI_JOB_TOKEN cannot write notes"

// GitLab is the API of a GitLab. Its comments are the notes of a merge request.
type GitLab struct {
	options Options
	client  *gitlab.Client
}

// NewGitLab returns the Forge that options describe. It sends no request.
func NewGitLab(o Options) (*GitLab, error) {
	o, err := o.checked()
	if err != nil {
		return nil, err
	}
	if !projectName.MatchString(o.Repository) {
		return nil, fmt.Errorf("repository %q is neither a project's ID nor its path", o.Repository)
	}
	// Waiting and repeating is newClient's. The client's own would repeat a POST,
	// and wait as long as a server says.
	c, err := gitlab.NewClient(o.Token,
		gitlab.WithBaseURL(o.APIURL), gitlab.WithHTTPClient(newClient(o)), gitlab.WithUserAgent("gopreflight"),
		gitlab.WithoutRetries(), gitlab.WithCustomLimiter(noLimiter{}))
	if err != nil {
		return nil, err
	}
	return &GitLab{options: o, client: c}, nil
}

// noLimiter lets every request through.
type noLimiter struct{}

func (noLimiter) Wait(context.Context) error { return nil }

// Author is Options.Author, else who the server says; the token of a project or
// a group is that of a bot user and may ask, too.
func (g *GitLab) Author(ctx context.Context) (string, error) {
	if g.options.Author != "" {
		return g.options.Author, nil
	}
	const op = "ask whose token this is"
	user, resp, err := g.client.Users.CurrentUser(gitlab.WithContext(ctx))
	switch {
	case err != nil:
		return "", g.explain(op, resp, err)
	case user == nil || user.Username == "":
		return "", errors.New(op + ": the answer has no username; set comment-author")
	}
	return user.Username, nil
}

// mergeRequest is what is needed of GitLab's. The client's own type panics on
// labels, and its list on elements, that are not what they should be.
type mergeRequest struct {
	IID           int    `json:"iid"`
	SHA           string `json:"sha"`
	MergeSHA      string `json:"merge_commit_sha"` // once it is merged
	SourceProject int64  `json:"source_project_id"`
	TargetProject int64  `json:"target_project_id"`
}

func (m *mergeRequest) pull() Pull {
	return Pull{
		Number:   m.IID,
		HeadSHA:  strings.ToLower(m.SHA),
		MergeSHA: strings.ToLower(m.MergeSHA),
	}
}

// mergeRequests asks for the merge requests of the project, or for one of them
// (path "/7").
func (g *GitLab) mergeRequests(ctx context.Context, path string, opts *gitlab.ListProjectMergeRequestsOptions, v any) (*gitlab.Response, error) {
	req, err := g.client.NewRequest(http.MethodGet, "projects/"+gitlab.PathEscape(g.options.Repository)+"/merge_requests"+path,
		opts, []gitlab.RequestOptionFunc{gitlab.WithContext(ctx)})
	if err != nil {
		return nil, err
	}
	return g.client.Do(req, v)
}

// Pull returns a merge request by its number in the project (its IID).
func (g *GitLab) Pull(ctx context.Context, number int) (Pull, error) {
	var m mergeRequest
	resp, err := g.mergeRequests(ctx, "/"+strconv.Itoa(number), nil, &m)
	if err != nil {
		return Pull{}, g.explain(fmt.Sprintf("read merge request #%d", number), resp, err)
	}
	return m.pull(), nil
}

// FindPull returns the oldest open merge request of a branch with this head.
// headRepository is the ID of the branch's project, as a merge request has no
// path of it; the project's own path will do, too.
func (g *GitLab) FindPull(ctx context.Context, headRepository, branch, sha string) (Pull, error) {
	op := "look for the merge request of branch " + branch
	own := strings.EqualFold(headRepository, g.options.Repository)
	id, err := strconv.ParseInt(headRepository, 10, 64)
	if err != nil && !own {
		return Pull{}, fmt.Errorf("%s: %s is not the ID of a project", plain.Line(op), plain.Line(headRepository))
	}
	opts := &gitlab.ListProjectMergeRequestsOptions{
		State: gitlab.Ptr("opened"), Scope: gitlab.Ptr("all"), SourceBranch: &branch,
		OrderBy: gitlab.Ptr("created_at"), Sort: gitlab.Ptr("asc"),
	}
	var found Pull
	err = g.pages(op, maxPulls, func(page gitlab.ListOptions) (bool, *gitlab.Response, error) {
		opts.ListOptions = page
		var list []mergeRequest
		resp, err := g.mergeRequests(ctx, "", opts, &list)
		if err != nil {
			return false, resp, err
		}
		for _, m := range list {
			from := id != 0 && m.SourceProject == id || own && m.SourceProject == m.TargetProject
			if from && strings.EqualFold(m.SHA, sha) {
				found = m.pull()
				break
			}
		}
		return found.Number != 0, resp, nil
	})
	if err == nil && found.Number == 0 {
		err = fmt.Errorf("branch %s of project %s at %.7s: %w", plain.Line(branch), plain.Line(headRepository), plain.Line(sha), ErrNoPull)
	}
	return found, err
}

// pages asks for a list page by page until one is enough or the last, at most
// for as many elements.
func (g *GitLab) pages(op string, most int64, ask func(gitlab.ListOptions) (enough bool, _ *gitlab.Response, _ error)) error {
	page := gitlab.ListOptions{PerPage: gitlabPage, Page: 1}
	for {
		enough, resp, err := ask(page)
		switch {
		case errors.Is(err, errTooLarge) && page.PerPage > 1:
			page.PerPage, page.Page = page.PerPage/2, 2*page.Page-1
		case err != nil:
			return g.explain(op, resp, err)
		case enough, resp.NextPage <= page.Page: // none, or it would go round
			return nil
		case page.Page*page.PerPage >= most:
			return tooMany(op)
		default:
			page.Page = resp.NextPage
		}
	}
}

// Comments lists the notes of a merge request, without those of the system and
// those on a line of the diff.
func (g *GitLab) Comments(ctx context.Context, number int) ([]Comment, error) {
	opts := &gitlab.ListMergeRequestNotesOptions{OrderBy: gitlab.Ptr("created_at"), Sort: gitlab.Ptr("asc")}
	var all []Comment
	err := g.pages(fmt.Sprintf("list the comments of #%d", number), maxComments, func(page gitlab.ListOptions) (bool, *gitlab.Response, error) {
		opts.ListOptions = page
		notes, resp, err := g.client.Notes.ListMergeRequestNotes(g.options.Repository, int64(number), opts, gitlab.WithContext(ctx))
		for _, n := range notes { // fewer than a page has, or none, of what the token may see
			if n != nil && !n.System && n.Type != gitlab.DiffNote {
				all = append(all, Comment{ID: n.ID, Author: n.Author.Username, Body: kept(n.Body)})
			}
		}
		return false, resp, err
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}

// Create writes a new note.
func (g *GitLab) Create(ctx context.Context, number int, body string) (Comment, error) {
	n, resp, err := g.client.Notes.CreateMergeRequestNote(g.options.Repository, int64(number),
		&gitlab.CreateMergeRequestNoteOptions{Body: &body}, gitlab.WithContext(ctx))
	if err != nil {
		return Comment{}, g.explain(fmt.Sprintf("write a comment on #%d", number), resp, err)
	}
	if n == nil { // a list will tell
		return Comment{Body: body}, nil
	}
	return Comment{ID: n.ID, Author: n.Author.Username, Body: body}, nil
}

// Edit writes a note anew.
func (g *GitLab) Edit(ctx context.Context, number int, id int64, body string) error {
	_, resp, err := g.client.Notes.UpdateMergeRequestNote(g.options.Repository, int64(number), id,
		&gitlab.UpdateMergeRequestNoteOptions{Body: &body}, gitlab.WithContext(ctx))
	return g.gone(fmt.Sprintf("edit the comment on #%d", number), resp, err)
}

// Delete removes a note.
func (g *GitLab) Delete(ctx context.Context, number int, id int64) error {
	resp, err := g.client.Notes.DeleteMergeRequestNote(g.options.Repository, int64(number), id, gitlab.WithContext(ctx))
	return g.gone(fmt.Sprintf("delete a comment on #%d", number), resp, err)
}

// gone tells ErrGone from other errors.
func (g *GitLab) gone(op string, resp *gitlab.Response, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, gitlab.ErrNotFound):
		return fmt.Errorf("%s: %w", op, ErrGone)
	}
	return g.explain(op, resp, err)
}

// explain makes an *Error of what the client returned.
func (g *GitLab) explain(op string, resp *gitlab.Response, err error) error {
	var answer *http.Response
	if resp != nil {
		answer = resp.Response
	}
	return g.options.explain(op, answer, gitlabWords(err), err, g.advise)
}

// gitlabWords is what GitLab said in an answer: {"message": "403 Forbidden"},
// {"message": {...}}, {"error": "...", "error_description": "..."}, or nothing
// if it was no such thing, as a proxy's page.
func gitlabWords(err error) string {
	e, ok := errors.AsType[*gitlab.ErrorResponse](err)
	if !ok {
		return ""
	}
	var said struct {
		Message     any    `json:"message"`
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}
	if json.Unmarshal(e.Body, &said) != nil {
		return ""
	}
	switch m := said.Message.(type) {
	case nil:
	case string:
		return strings.TrimPrefix(m, strconv.Itoa(e.Response.StatusCode)+" ")
	default:
		return e.Message // flattened
	}
	if said.Description != "" {
		return said.Description
	}
	return said.Error
}

// advise is what to do about a status of GitLab's.
// Sources: docs.gitlab.com, "CI/CD job token", "Roles and permissions",
// "Project access tokens".
func (g *GitLab) advise(status int, _ string) string {
	switch status {
	case http.StatusUnauthorized:
		return "the token is not valid here, or not any more: " + gitlabNeeds
	case http.StatusForbidden:
		return "the token may not do that: " + gitlabNeeds
	case http.StatusNotFound:
		return "the token cannot see project " + g.options.Repository + ", or there is no such merge request: " + gitlabNeeds
	}
	return ""
}
