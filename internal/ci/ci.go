// Package ci says where a run takes place: which CI system, for which change of
// which repository, and against which base. It reads the variables that the
// system sets and, on GitHub and its kin, the event's payload.
//
// It never reads the environment or a file itself, never calls an API and never
// runs git: the caller hands in both readers, and resolves what is found here
// against the clone. Payload and variables are hostile (a branch's name is the
// author's): sizes are bounded, wrong types and impossible values are dropped.
package ci

import (
	"encoding/hex"
	"net/url"
	"strconv"
	"strings"
	"unicode"
)

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
	// RunURL is the page of this run; https or http, no credentials.
	RunURL string
	// RepositoryURL is the page of the repository; https or http, no credentials.
	RepositoryURL string
	// PullRequest is the number of the pull or merge request; 0 for none.
	PullRequest int
	// HeadSHA is the commit that is judged: the change's own head, not the merge
	// commit that may be checked out. Lower-case hexadecimal, as BaseSHA.
	HeadSHA string
	// BaseSHA is the commit to compare with: the event's base, the merge queue's,
	// or what a pushed branch was before. It may be absent from the clone.
	BaseSHA string
	// BaseRef is the branch that a change is for, without "refs/heads/" or a remote.
	BaseRef string
	// Fork says that the change comes from another repository. A change whose
	// origin cannot be told counts as one.
	Fork bool
	// IsChange says that a proposed change is judged (a pull or merge request or
	// a merge queue), whose own policy file is not to be believed.
	IsChange bool
	// PullRequestTarget says that a pull request that is not merged is judged with
	// the base's rights.
	PullRequestTarget bool
	// Container says that this is a GitHub container action: a container beside
	// the job, with another Go and other caches.
	Container bool
	// Problem is why the event's payload could not be read, in one line.
	Problem string
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

// sha returns the first of the texts that is the full name of a commit, SHA-1 or
// SHA-256, but not the null one that stands for "none".
func sha(texts ...string) string {
	for _, text := range texts {
		if n := len(text); n != 40 && n != 64 {
			continue
		}
		if _, err := hex.DecodeString(text); err == nil && strings.Trim(text, "0") != "" {
			return strings.ToLower(text)
		}
	}
	return ""
}

// maxRef bounds a branch's name, in bytes; file systems allow no more for one.
const maxRef = 255

// branch returns the first of the texts that can be a branch's name, without
// "refs/heads/". The rules are a cautious part of git-check-ref-format's.
func branch(texts ...string) string {
	for _, text := range texts {
		name := strings.TrimPrefix(text, "refs/heads/")
		bad := strings.ContainsFunc(name, func(r rune) bool {
			return unicode.IsControl(r) || unicode.IsSpace(r) || strings.ContainsRune(`~^:?*[\`, r) || r == unicode.ReplacementChar
		})
		if name != "" && len(name) <= maxRef && !bad && !strings.HasPrefix(name, "-") &&
			!strings.Contains(name, "..") && !strings.Contains(name, "@{") {
			return name
		}
	}
	return ""
}

// number returns the first of the texts that is a positive number, else 0.
func number(texts ...string) int {
	for _, text := range texts {
		if n, err := strconv.ParseInt(text, 10, 32); err == nil && n > 0 {
			return int(n)
		}
	}
	return 0
}

// maxURL bounds a page's address, in bytes.
const maxURL = 2000

// page returns the address of a page as a link: https or http, without
// credentials, query and fragment; empty for anything else.
func page(text string) string {
	u, err := url.Parse(text)
	if err != nil || len(text) > maxURL || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" {
		return ""
	}
	u.User, u.RawQuery, u.ForceQuery, u.Fragment, u.RawFragment = nil, "", false, "", ""
	return u.String()
}

// maxWord bounds an event's name, in bytes.
const maxWord = 100

// word returns a text that is one printable word, else nothing.
func word(text string) string {
	if len(text) > maxWord || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) || r == ' ' }) {
		return ""
	}
	return text
}
