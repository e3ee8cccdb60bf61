package ci

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
)

// containerWorkspace is where the runner mounts the work tree for a container
// action, and only there (actions/runner, ContainerActionHandler.cs).
const containerWorkspace = "/github/workspace"

// Reasons for which there is no pull request that more than one event has.
const (
	noPayload = "the event's payload could not be read"
	noNumber  = "the event's payload has no number of a pull request"
	noCommit  = "the event names no commit"
)

// detectGitHub reads the default variables (docs.github.com, "Variables
// reference") and the payload.
func detectGitHub(getenv func(string) string, readFile func(string) ([]byte, error)) Context {
	c := Context{
		Provider:   GitHub,
		Event:      word(getenv("GITHUB_EVENT_NAME")),
		HeadSHA:    sha(getenv("GITHUB_SHA")),
		Container:  getenv("GITHUB_WORKSPACE") == containerWorkspace,
		Ref:        ref(getenv("GITHUB_REF")),
		APIURL:     strings.TrimSuffix(page(getenv("GITHUB_API_URL")), "/"),
		Repository: repository(getenv("GITHUB_REPOSITORY")),
		Job:        label(getenv("GITHUB_JOB")),
		RunID:      id(getenv("GITHUB_RUN_ID")),
		RunAttempt: number(getenv("GITHUB_RUN_ATTEMPT")),
	}
	c.Workflow = label(workflowPath(getenv("GITHUB_WORKFLOW_REF"), c.Repository), getenv("GITHUB_WORKFLOW"))
	server := getenv("GITHUB_SERVER_URL")
	run := getenv("GITHUB_RUN_ID")
	switch {
	case getenv("FORGEJO_ACTIONS") == "true":
		c.Provider = Gitea
		run = getenv("GITHUB_RUN_NUMBER") // what Forgejo's pages are named by
	case getenv("GITEA_ACTIONS") == "true":
		// Gitea's pages are named by the number up to 1.25 and by the ID since;
		// which one it is cannot be told, and a wrong page is worse than none.
		c.Provider = Gitea
		run = ""
	}
	if server != "" && c.Repository != "" {
		c.RepositoryURL = page(strings.TrimSuffix(server, "/") + "/" + c.Repository)
	}
	if n, err := strconv.ParseUint(run, 10, 64); err == nil && c.RepositoryURL != "" {
		c.RunURL = fmt.Sprintf("%s/actions/runs/%d", c.RepositoryURL, n)
	}

	e, err := readEvent(getenv("GITHUB_EVENT_PATH"), readFile)
	if err != nil {
		c.Problem = err.Error()
	}
	c.Private = e.Repository.Private
	switch {
	case strings.HasPrefix(c.Event, "pull_request"): // _target, _review, _review_comment
		c.readPull(e, getenv("GITHUB_REF"), getenv("GITHUB_BASE_REF"))
	case c.Event == "issue_comment":
		c.readComment(e)
	case c.Event == "merge_group":
		c.readMergeGroup(e)
	case c.Event == "push":
		c.HeadSHA = sha(e.After, getenv("GITHUB_SHA"))
		c.BaseSHA = sha(e.Before)
		c.readRef(e, getenv("GITHUB_REF"))
	case c.Event == "workflow_dispatch":
		// By hand on a branch, as if it had been pushed: whoever starts it there
		// wants its pull request to say what came of it.
		c.readRef(e, getenv("GITHUB_REF"))
	case c.Event == "workflow_run":
		c.readWorkflowRun(e, server)
	default:
		c.NoPullRequest = fmt.Sprintf("no pull request is looked for on event %q", c.Event)
		return c
	}
	if err != nil && c.NoPullRequest != "" {
		c.NoPullRequest = noPayload
	}
	return c
}

// readPull reads an event about a pull request.
func (c *Context) readPull(e event, variable, baseRef string) {
	pull := e.PullRequest
	c.IsChange = true
	// What was merged is the base's own by now.
	c.PullRequestTarget = c.Event == "pull_request_target" && !pull.Merged
	c.PullRequest = cmp.Or(max(pull.Number, 0), max(e.Number, 0), refNumber(variable))
	// GITHUB_REF is the base's branch for pull_request_target.
	c.Ref = ""
	if c.PullRequest != 0 {
		c.Ref = fmt.Sprintf("refs/pull/%d/head", c.PullRequest)
	}
	c.HeadSHA = sha(pull.Head.SHA)
	c.BaseSHA = sha(pull.Base.SHA)
	c.BaseRef = branch(pull.Base.Ref, baseRef)
	// head.repo.fork does not answer this: it is true for every branch of a
	// repository that is a fork itself.
	base := cmp.Or(pull.Base.Repo.FullName, c.Repository)
	c.Fork = base == "" || !strings.EqualFold(pull.Head.Repo.FullName, base)
	if c.PullRequest == 0 {
		c.NoPullRequest = noNumber
	}
}

// readComment reads an event about a comment on an issue, which a pull request
// is as well. GITHUB_SHA is then the default branch's, and what is judged is that
// or what the workflow checked out: no commit is claimed, and the default
// branch's is the base, so that a change that was checked out keeps to its policy.
func (c *Context) readComment(e event) {
	if e.Issue.Number > 0 && e.Issue.PullRequest == nil {
		c.NoPullRequest = "the comment is on an issue, not on a pull request"
		return
	}
	c.BaseSHA, c.HeadSHA, c.Ref = c.HeadSHA, "", ""
	c.IsChange, c.Fork = true, true
	if c.PullRequest = max(e.Issue.Number, 0); c.PullRequest == 0 {
		c.NoPullRequest = noNumber
	}
}

// readMergeGroup reads an event of a merge queue. A group can hold several pull
// requests; its branch is named for the last one, which the others come before.
func (c *Context) readMergeGroup(e event) {
	c.IsChange = true
	c.HeadSHA = sha(e.MergeGroup.HeadSHA, c.HeadSHA)
	c.BaseSHA = sha(e.MergeGroup.BaseSHA)
	c.BaseRef = branch(e.MergeGroup.BaseRef)
	c.readQueue(e.MergeGroup.HeadRef, c.BaseRef)
}

// readQueue takes the pull request from the name of a merge queue's branch.
func (c *Context) readQueue(name, base string) {
	c.MergeQueue = true
	if c.PullRequest = queueNumber(name, base); c.PullRequest == 0 {
		c.NoPullRequest = "the merge queue's branch names no pull request"
	}
}

// readRef takes the branch that the event belongs to from the payload, else from
// GITHUB_REF.
func (c *Context) readRef(e event, variable string) {
	full := cmp.Or(e.Ref, variable)
	name := branch(full)
	switch {
	case e.Deleted:
		c.NoPullRequest = "the branch or tag was deleted"
	case !strings.HasPrefix(full, "refs/heads/") || name == "":
		c.NoPullRequest = "the event belongs to no branch"
	case c.HeadSHA == "":
		c.NoPullRequest = noCommit
	case c.Repository == "":
		c.NoPullRequest = "GITHUB_REPOSITORY names no repository"
	default:
		c.HeadRepository, c.HeadBranch = c.Repository, name
	}
}

// refNumber is N of "refs/pull/N/merge", else 0.
func refNumber(full string) int {
	rest, ok := strings.CutPrefix(full, "refs/pull/")
	if !ok {
		return 0
	}
	n, _, _ := strings.Cut(rest, "/")
	return number(n)
}

// queueNumber is N of "gh-readonly-queue/BASE/pr-N-SHA", which is how a merge
// queue names its branches; 0 for any other name. An empty base stands for any.
func queueNumber(name, base string) int {
	rest, ok := strings.CutPrefix(strings.TrimPrefix(name, "refs/heads/"), "gh-readonly-queue/")
	last := strings.LastIndex(rest, "/pr-")
	if !ok || last <= 0 || base != "" && rest[:last] != base {
		return 0
	}
	n, commit, _ := strings.Cut(rest[last+len("/pr-"):], "-")
	if sha(commit) == "" {
		return 0
	}
	return number(n)
}

// workflowPath is PATH of "owner/name/PATH@refs/..." (GITHUB_WORKFLOW_REF), or
// nothing. The file of another repository, as an organisation can require it,
// keeps that one's name before it, or it would be taken for one of ours.
func workflowPath(text, own string) string {
	path, _, ok := strings.Cut(text, "@refs/")
	if !ok {
		return ""
	}
	return strings.TrimPrefix(path, own+"/")
}
