package ci

import (
	"encoding/json"
	"errors"
	"fmt"
)

// MaxPayload is the largest event payload that is read, in bytes. GitHub's own
// limit for a webhook is 25 MB (docs.github.com, "Webhook events and payloads").
const MaxPayload = 32 << 20

// event is what is read of a payload (docs.github.com, "Webhook events and
// payloads"; Gitea and Forgejo send the same names).
type event struct {
	Number      int    `json:"number"`
	Ref         string `json:"ref"`
	Before      string `json:"before"`
	After       string `json:"after"`
	Deleted     bool   `json:"deleted"`
	PullRequest pull   `json:"pull_request"`
	Issue       struct {
		Number int `json:"number"`
		// PullRequest is there if the issue is a pull request.
		PullRequest *struct{} `json:"pull_request"`
	} `json:"issue"`
	MergeGroup struct {
		HeadSHA string `json:"head_sha"`
		HeadRef string `json:"head_ref"`
		BaseSHA string `json:"base_sha"`
		BaseRef string `json:"base_ref"`
	} `json:"merge_group"`
	WorkflowRun workflowRun `json:"workflow_run"`
	Repository  repo        `json:"repository"`
}

// pull is a pull request; as one of a run's it has no names of repositories.
type pull struct {
	Number int  `json:"number"`
	Merged bool `json:"merged"`
	Head   side `json:"head"`
	Base   side `json:"base"`
}

// side is one side of a pull request. Repo is null when a fork was deleted.
type side struct {
	Ref  string `json:"ref"`
	SHA  string `json:"sha"`
	Repo repo   `json:"repo"`
}

// repo is a repository: "owner/name", the ID that outlives a new name, and
// whether it is hidden from the public (internal ones of GitHub are private, too).
type repo struct {
	ID       int64  `json:"id"`
	FullName string `json:"full_name"`
	Private  bool   `json:"private"`
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
