package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/gopreflight/gopreflight/checks"
	"github.com/gopreflight/gopreflight/internal/ci"
	"github.com/gopreflight/gopreflight/internal/forge"
	"github.com/gopreflight/gopreflight/internal/plain"
	"github.com/gopreflight/gopreflight/report"
)

// The words of --comment.
const (
	commentAuto   = "auto"
	commentAlways = "always"
	commentNever  = "never"
)

// commentTimeout bounds everything that is done about the comment: a site that
// does not answer must not hold up a pipeline.
const commentTimeout = 2 * time.Minute

// commentOptions are the flags about the comment.
type commentOptions struct {
	mode, id, author string
	// label is what people read the ID as; settle sets it.
	label string
}

func addCommentFlags(c *cobra.Command, o *commentOptions) {
	f := c.Flags()
	f.StringVar(&o.mode, "comment", commentAuto, "write the one pull or merge request comment, `WHEN`: auto (when there\nis something to say, or an old one to update), always or never")
	f.StringVar(&o.id, "comment-id", "", "tells the comments of several runs of one job apart, and names them\n(`ID`; default: the values of the matrix)")
	f.StringVar(&o.author, "comment-author", "", "the `LOGIN` that writes the comment, where the token is an app's")
}

// check refuses words that --comment does not take.
func (o *commentOptions) check() error {
	switch o.mode {
	case commentAuto, commentAlways, commentNever:
		return nil
	}
	return fmt.Errorf("--comment: %w", unknown("word", o.mode, []string{commentAuto, commentAlways, commentNever}))
}

// tokens are the variables that may hold the token of a site, the first that is
// set counts. INPUT_TOKEN is the action's input.
var tokens = map[ci.Provider][]string{
	ci.GitHub: {inputVariable(inputToken), "GOPREFLIGHT_TOKEN", "GITHUB_TOKEN", "GH_TOKEN"},
	ci.Gitea:  {inputVariable(inputToken), "GOPREFLIGHT_TOKEN", "GITEA_TOKEN", "FORGEJO_TOKEN", "GITHUB_TOKEN"},
	ci.GitLab: {"GOPREFLIGHT_TOKEN", "GITLAB_TOKEN"},
}

// comment writes the comment about a report, or says in one line why it does
// not. It never changes the verdict.
func (sys *system) comment(ctx context.Context, o commentOptions, p place, offline bool, r *checks.Report) {
	if o.mode == commentNever || p.ci.APIURL == "" && o.mode == commentAuto {
		return
	}
	something := report.SomethingToSay(r)
	ctx, cancel := context.WithTimeout(ctx, commentTimeout)
	defer cancel()
	outcome, err := sys.upsert(ctx, o, p, offline, r, something)
	var quiet *noComment
	switch {
	case errors.As(err, &quiet) && o.mode == commentAuto && !(quiet.matters && something):
		return
	case errors.As(err, &quiet):
		sys.complain("comment: not written: " + err.Error())
	case err != nil:
		sys.warn("comment: not written", err)
	case outcome.Action != forge.None || o.mode == commentAlways:
		sys.complain(outcome.String())
	}
}

// noComment is why there is nothing to write a comment to.
type noComment struct {
	why string
	// matters says that somebody who wants to be told can change it.
	matters bool
}

func (e *noComment) Error() string { return e.why }

// upsert brings the comment up to date.
func (sys *system) upsert(ctx context.Context, o commentOptions, p place, offline bool, r *checks.Report, something bool) (forge.Outcome, error) {
	var none forge.Outcome
	c := p.ci
	switch {
	case offline:
		return none, &noComment{why: "--offline sends nothing"}
	case r.Interrupted != "":
		return none, &noComment{why: "the run was interrupted"}
	case c.APIURL == "" || c.Repository == "":
		return none, &noComment{why: "this is no job of GitHub, Gitea or GitLab"}
	case r.CI.HeadSHA != "" && c.HeadSHA != "" && r.CI.HeadSHA != c.HeadSHA:
		// A saved report of another run. An untrusted one says what this job says.
		return none, &noComment{why: fmt.Sprintf("the report is about commit %.7s, this job about %.7s", plain.Line(r.CI.HeadSHA), c.HeadSHA), matters: true}
	case c.PullRequest == 0 && c.HeadBranch == "":
		return none, &noComment{why: cmp.Or(c.NoPullRequest, c.Problem, "no pull or merge request is known here")}
	}
	site, err := sys.forge(o, c)
	if err != nil {
		return none, err
	}
	post, err := judgedPull(ctx, site, c, r)
	if err != nil {
		return none, err
	}
	post.Key = forge.Key{Workflow: c.Workflow, Job: c.Job, ID: o.id}
	post.UpdateOnly = o.mode == commentAuto && !something
	post.Body = report.Comment(r, o.label, forge.MaxBody)
	return forge.Upsert(ctx, site, post)
}

// forge is the API of the site that hosts the repository.
func (sys *system) forge(o commentOptions, c ci.Context) (forge.Forge, error) {
	token := ""
	names := tokens[c.Provider]
	for _, name := range names {
		if token = strings.TrimSpace(sys.getenv(name)); token != "" {
			break
		}
	}
	if token == "" {
		return nil, &noComment{why: "no token; " + strings.Join(names, ", ") + " can hold one", matters: true}
	}
	options := forge.Options{
		APIURL: c.APIURL, Repository: c.Repository, Token: token, Author: o.author,
		Gitea: c.Provider == ci.Gitea, Transport: http.DefaultTransport, Now: sys.now,
		Logf: func(format string, args ...any) { sys.complain("comment: " + fmt.Sprintf(format, args...)) },
	}
	if c.Provider == ci.GitLab {
		return forge.NewGitLab(options)
	}
	return forge.NewGitHub(options)
}

// judgedPull is the pull request whose newest commit this report is about, and
// the mark of this run on its comment.
func judgedPull(ctx context.Context, site forge.Forge, c ci.Context, r *checks.Report) (forge.Post, error) {
	post := forge.Post{
		Number: c.PullRequest,
		Stamp:  forge.Stamp{SHA: c.HeadSHA, Run: c.RunID, Attempt: c.RunAttempt},
		// A merge queue judges a commit of its own, never a branch's head.
		AnyHead: c.MergeQueue,
	}
	switch {
	case c.PullRequest == 0:
		pull, err := site.FindPull(ctx, c.HeadRepository, c.HeadBranch, c.HeadSHA)
		if errors.Is(err, forge.ErrNoPull) {
			// The comment is all that a workflow_run job is for.
			return post, &noComment{why: err.Error(), matters: c.Event == "workflow_run"}
		}
		if err != nil {
			return post, err
		}
		post.Number = pull.Number
	case c.HeadSHA == "" || c.Event == "pull_request_target":
		// The event names no commit, or one that is not checked out unless the
		// workflow does so: what is says what was judged.
		pull, err := site.Pull(ctx, c.PullRequest)
		if err != nil {
			return post, err
		}
		head := cmp.Or(c.HeadSHA, pull.HeadSHA)
		commit := r.Repository.Commit
		if commit == "" || commit != head && commit != pull.MergeSHA {
			return post, &noComment{why: fmt.Sprintf("the commit that is checked out is not the head of #%d", c.PullRequest), matters: true}
		}
		post.Stamp.SHA = head
	}
	return post, nil
}
