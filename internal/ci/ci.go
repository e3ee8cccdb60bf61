// Package ci says where a run takes place: which CI system, for which change of
// which repository, and against which base. It reads the variables that the
// system sets and, on GitHub and its kin, the event's payload.
//
// It never reads the environment or a file itself, never calls an API and never
// runs git: the caller hands in both readers, and resolves what is found here
// against the clone. Payload and variables are hostile (a branch's name is the
// author's): sizes are bounded, wrong types and impossible values are dropped.
package ci

// Provider is a CI system.
type Provider string

// The providers. Gitea includes Forgejo; both set GitHub's variables too.
const (
	None    Provider = "none"
	GitHub  Provider = "github"
	Gitea   Provider = "gitea"
	GitLab  Provider = "gitlab"
	Jenkins Provider = "jenkins"
)

// Context is where a run takes place. Everything but Provider may be empty.
type Context struct {
	Provider Provider
	// Event is what started the run, in the provider's word: "pull_request",
	// "merge_request_event". Jenkins has none: "change-request", "tag" or "branch".
	Event string
	// RunURL is the page of this run, or of the one that a workflow_run event is
	// about; https or http, no credentials.
	RunURL string
	// RepositoryURL is the page of the repository; https or http, no credentials.
	RepositoryURL string
	// Private says that the site calls the repository that runs the workflow
	// private or internal; false where it is public and where the site does not say.
	Private bool
	// PullRequest is the number of the pull or merge request; 0 for none.
	PullRequest int
	// HeadSHA is the commit that is judged: the change's own head, not the merge
	// commit that may be checked out. Lower-case hexadecimal, as BaseSHA. Empty for
	// a comment on a pull request: neither payload nor variables name its head.
	HeadSHA string
	// BaseSHA is the commit to compare with: the event's base, the merge queue's,
	// or what a pushed branch was before. It may be absent from the clone.
	BaseSHA string
	// BaseRef is the branch that a change is for, without "refs/heads/" or a remote.
	BaseRef string
	// Fork says that the change comes from another repository. A change whose
	// origin cannot be told counts as one; so does every pull request that is
	// commented on (issue_comment), which a workflow may have checked out.
	Fork bool
	// IsChange says that a proposed change is judged (a pull or merge request or
	// a merge queue), whose own policy file is not to be believed.
	IsChange bool
	// MergeQueue says that HeadSHA is a commit that a merge queue made: it is
	// never the head of PullRequest, which the queue's branch is named for.
	MergeQueue bool
	// PullRequestTarget says that a pull request that is not merged is judged with
	// the base's rights.
	PullRequestTarget bool
	// Container says that this is a GitHub container action: a container beside
	// the job, with another Go and other caches.
	Container bool
	// Problem is why the event's payload could not be read, in one line.
	Problem string

	// APIURL is the root of the API of the site that has the pull requests,
	// without a slash at its end; https or http, no credentials. Empty where that
	// site is not known: on Jenkins, and for GitLab's pipelines of a pull request
	// on another site.
	APIURL string
	// Repository names the repository that runs the workflow and owns the pull
	// requests, as its API does: "owner/name", on GitLab the project's ID. Empty
	// where APIURL is for want of the site.
	Repository string
	// HeadRepository (named as Repository is) and HeadBranch are where HeadSHA was
	// pushed to: by them a pull request is found where PullRequest is 0. Empty
	// where the event belongs to no branch, or PullRequest is known.
	HeadRepository, HeadBranch string
	// NoPullRequest is why the event has no pull request, in one line; empty when
	// PullRequest is known or can be found by HeadBranch, and outside of a CI.
	NoPullRequest string
	// Workflow is the path of the workflow's file in the repository, with
	// "owner/name/" before it if that is another one, and the workflow's name
	// where no path is told (Gitea); on GitLab CI_CONFIG_PATH.
	Workflow string
	// Job is the name of the job in the workflow; a matrix job of GitLab has its
	// values in it, one of GitHub has not.
	Job string
	// RunID grows from run to run of a repository; RunAttempt counts the attempts
	// of one run from 1. 0 where unknown. On GitLab the ID is the job's, which a
	// retry renews. Those of a workflow_run event are of the run that it is about:
	// they tell which of two commits' runs is the older, not who reports it.
	RunID      int64
	RunAttempt int
	// Ref is the branch or tag that the run belongs to, without "refs/heads/" and
	// "refs/tags/"; of a pull request what the provider calls its head's:
	// "refs/pull/7/head", "refs/merge-requests/7/head", on Jenkins "PR-7". Empty for
	// a comment on a pull request, and where a workflow_run event is about a fork's
	// branch, whose "main" is another.
	Ref string
	// Triggering is how the run ended that a workflow_run event is about
	// ("success", "failure"); empty for other events, and while that run goes on.
	// HeadSHA, Fork and RunURL are then those of that run.
	Triggering string
}

// Detect returns the context that the variables tell. readFile reads the event's
// payload; it need not return more than MaxPayload+1 bytes.
func Detect(getenv func(string) string, readFile func(string) ([]byte, error)) Context {
	switch {
	case getenv("GITHUB_ACTIONS") == "true", getenv("GITEA_ACTIONS") == "true", getenv("FORGEJO_ACTIONS") == "true":
		return detectGitHub(getenv, readFile)
	case getenv("GITLAB_CI") == "true":
		return detectGitLab(getenv)
	case getenv("JENKINS_URL") != "", getenv("JENKINS_HOME") != "" && getenv("BUILD_NUMBER") != "":
		return detectJenkins(getenv)
	}
	return Context{Provider: None}
}
