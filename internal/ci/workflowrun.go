package ci

import (
	"fmt"
	"strings"
)

// workflowRun is the run of another workflow of the same repository that a
// workflow_run event is about (docs.github.com, "Webhook events and payloads").
// HeadRepository is null when a fork was deleted. PullRequests is empty for
// forks (github/docs issue 22501), and may list those of other repositories that
// have this branch as their head.
type workflowRun struct {
	ID             int64  `json:"id"`
	RunAttempt     int    `json:"run_attempt"`
	Event          string `json:"event"`
	Conclusion     string `json:"conclusion"`
	HTMLURL        string `json:"html_url"`
	HeadSHA        string `json:"head_sha"`
	HeadBranch     string `json:"head_branch"`
	HeadRepository repo   `json:"head_repository"`
	PullRequests   []pull `json:"pull_requests"`
}

// readWorkflowRun makes the context that of the run that the event is about: a
// job that reports for it does so in the default branch's name, with its rights.
func (c *Context) readWorkflowRun(e event, server string) {
	run := e.WorkflowRun
	c.Triggering = word(run.Conclusion)
	own := c.HeadSHA
	c.HeadSHA = sha(run.HeadSHA)
	c.RunID, c.RunAttempt = max(run.ID, 0), max(run.RunAttempt, 0)
	c.RunURL = ""
	if address := page(run.HTMLURL); below(address, server) {
		c.RunURL = address
	}
	from := repository(run.HeadRepository.FullName)
	c.Fork = from == "" || !strings.EqualFold(from, c.Repository)

	// Should the job have checked the change out, the default branch's policy holds.
	if strings.HasPrefix(run.Event, "pull_request") {
		c.IsChange, c.BaseSHA = true, own
	}

	name := branch(run.HeadBranch)
	c.Ref = ""
	if !c.Fork {
		c.Ref = name
	}

	// What a merge queue pushes is its own; the name of a fork's branch is the
	// fork's, and would name any pull request that it likes.
	if run.Event == "merge_group" {
		c.readQueue(run.HeadBranch, "")
		return
	}
	switch {
	case !run.hasBranch():
		c.NoPullRequest = fmt.Sprintf("no pull request is looked for when event %q started the run", word(run.Event))
	case c.HeadSHA == "":
		c.NoPullRequest = noCommit
	case name == "":
		c.NoPullRequest = "the run has no head branch"
	case from == "":
		c.NoPullRequest = "the repository that the run's commit comes from is gone"
	default:
		if c.PullRequest = run.pullRequest(e.Repository.ID, c.HeadSHA); c.PullRequest == 0 {
			c.HeadRepository, c.HeadBranch = from, name
		}
	}
}

// hasBranch reports whether the run's head branch can be a pull request's. Runs
// of other events (schedule, issue_comment, release) stand on the default branch
// or on a tag.
func (r *workflowRun) hasBranch() bool {
	return strings.HasPrefix(r.Event, "pull_request") || r.Event == "push" || r.Event == "workflow_dispatch"
}

// pullRequest is the number of the one pull request of a repository whose head
// the commit is, as far as the run lists it; 0 for none or several.
func (r *workflowRun) pullRequest(repositoryID int64, commit string) int {
	number := 0
	for _, p := range r.PullRequests {
		if p.Number <= 0 || repositoryID == 0 || p.Base.Repo.ID != repositoryID || sha(p.Head.SHA) != commit {
			continue
		}
		if number != 0 {
			return 0
		}
		number = p.Number
	}
	return number
}
