package ci

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// MaxPayload is the largest event payload that is read, in bytes. GitHub's own
// limit for a webhook is 25 MB (docs.github.com, "Webhook events and payloads").
const MaxPayload = 32 << 20

// containerWorkspace is where the runner mounts the work tree for a container
// action, and only there (actions/runner, ContainerActionHandler.cs).
const containerWorkspace = "/github/workspace"

// event is what is read of a payload (docs.github.com, "Webhook events and
// payloads"; Gitea and Forgejo send the same names).
type event struct {
	Number      int    `json:"number"`
	Before      string `json:"before"`
	After       string `json:"after"`
	PullRequest struct {
		Number int  `json:"number"`
		Merged bool `json:"merged"`
		Head   side `json:"head"`
		Base   side `json:"base"`
	} `json:"pull_request"`
	MergeGroup struct {
		HeadSHA string `json:"head_sha"`
		BaseSHA string `json:"base_sha"`
		BaseRef string `json:"base_ref"`
	} `json:"merge_group"`
}

// side is one side of a pull request. Repo is null when a fork was deleted.
type side struct {
	Ref  string `json:"ref"`
	SHA  string `json:"sha"`
	Repo struct {
		FullName string `json:"full_name"`
	} `json:"repo"`
}

func detectGitHub(getenv func(string) string, readFile func(string) ([]byte, error)) Context {
	c := Context{
		Provider:  GitHub,
		Event:     word(getenv("GITHUB_EVENT_NAME")),
		HeadSHA:   sha(getenv("GITHUB_SHA")),
		Container: getenv("GITHUB_WORKSPACE") == containerWorkspace,
	}
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
	if server, repo := getenv("GITHUB_SERVER_URL"), getenv("GITHUB_REPOSITORY"); server != "" && repo != "" {
		c.RepositoryURL = page(strings.TrimSuffix(server, "/") + "/" + repo)
	}
	if n, err := strconv.ParseUint(run, 10, 64); err == nil && c.RepositoryURL != "" {
		c.RunURL = fmt.Sprintf("%s/actions/runs/%d", c.RepositoryURL, n)
	}

	e, err := readEvent(getenv("GITHUB_EVENT_PATH"), readFile)
	if err != nil {
		c.Problem = err.Error()
	}
	switch {
	case strings.HasPrefix(c.Event, "pull_request"): // _target, _review, _review_comment
		pull := e.PullRequest
		c.IsChange = true
		// What was merged is the base's own by now.
		c.PullRequestTarget = c.Event == "pull_request_target" && !pull.Merged
		c.PullRequest = cmp.Or(max(pull.Number, 0), max(e.Number, 0), refNumber(getenv("GITHUB_REF")))
		c.HeadSHA = sha(pull.Head.SHA)
		c.BaseSHA = sha(pull.Base.SHA)
		c.BaseRef = branch(pull.Base.Ref, getenv("GITHUB_BASE_REF"))
		// head.repo.fork does not answer this: it is true for every branch of a
		// repository that is a fork itself.
		base := cmp.Or(pull.Base.Repo.FullName, getenv("GITHUB_REPOSITORY"))
		c.Fork = base == "" || !strings.EqualFold(pull.Head.Repo.FullName, base)
	case c.Event == "merge_group":
		c.IsChange = true
		c.HeadSHA = sha(e.MergeGroup.HeadSHA, getenv("GITHUB_SHA"))
		c.BaseSHA = sha(e.MergeGroup.BaseSHA)
		c.BaseRef = branch(e.MergeGroup.BaseRef)
	case c.Event == "push":
		c.HeadSHA = sha(e.After, getenv("GITHUB_SHA"))
		c.BaseSHA = sha(e.Before)
	}
	return c
}

// readEvent reads a payload. What has another type than declared stays empty.
func readEvent(name string, readFile func(string) ([]byte, error)) (event, error) {
	if name == "" {
		return event{}, errors.New("event payload: GITHUB_EVENT_PATH is not set")
	}
	data, err := readFile(name)
	if err != nil {
		return event{}, fmt.Errorf("event payload: %w", err)
	}
	if len(data) > MaxPayload {
		return event{}, fmt.Errorf("event payload: more than %d bytes", MaxPayload)
	}
	var e event
	// On a wrong type Unmarshal goes on with the rest (encoding/json, Unmarshal).
	var wrongType *json.UnmarshalTypeError
	if err := json.Unmarshal(data, &e); err != nil && !errors.As(err, &wrongType) {
		return event{}, fmt.Errorf("event payload: %w", err)
	}
	return e, nil
}

// refNumber is N of "refs/pull/N/merge", else 0.
func refNumber(ref string) int {
	rest, ok := strings.CutPrefix(ref, "refs/pull/")
	if !ok {
		return 0
	}
	n, _, _ := strings.Cut(rest, "/")
	return number(n)
}
