package ci

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write testdata/payloads/want.txt anew")

// payloads is how many real payloads there are of each event.
var payloads = map[string]int{
	"check_run": 9, "check_suite": 9, "issue_comment": 9, "merge_group": 2,
	"pull_request": 29, "pull_request_review": 4, "pull_request_review_comment": 5, "pull_request_review_thread": 3,
	"push": 7, "status": 4, "workflow_dispatch": 2, "workflow_run": 5,
}

// readPayloads is the list of an event's payloads, as plain JSON values.
func readPayloads(t *testing.T, event string) []map[string]any {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", "payloads", event+".json.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var list []map[string]any
	if err := json.NewDecoder(z).Decode(&list); err != nil {
		t.Fatalf("%s: %v", event, err)
	}
	if _, err := io.Copy(io.Discard, z); err != nil { // the checksum
		t.Fatalf("%s: %v", event, err)
	}
	return list
}

// detectPayload runs Detect as GitHub would have it run for a payload.
func detectPayload(t *testing.T, event string, payload map[string]any) Context {
	t.Helper()
	data, err := json.Marshal(payload)
	if err != nil {
		t.Fatal(err)
	}
	return detect(with(githubEnv, "GITHUB_EVENT_NAME="+event, "GITHUB_SERVER_URL=https://github.com", "GITHUB_API_URL=https://api.github.com",
		"GITHUB_REPOSITORY="+text(payload, "repository", "full_name"), "GITHUB_REF="+text(payload, "ref")), string(data))
}

// at is what lies at a path of names in a JSON value; nil for nothing.
func at(value any, path ...string) any {
	for _, name := range path {
		object, _ := value.(map[string]any)
		value = object[name]
	}
	return value
}

func text(value any, path ...string) string {
	s, _ := at(value, path...).(string)
	return s
}

// changed is a deep copy of a payload with one value set.
func changed(t *testing.T, payload map[string]any, value any, path ...string) map[string]any {
	t.Helper()
	data, err := json.Marshal(payload)
	if err != nil {
		t.Fatal(err)
	}
	var c map[string]any
	if err := json.Unmarshal(data, &c); err != nil {
		t.Fatal(err)
	}
	last := len(path) - 1
	object, ok := at(c, path[:last]...).(map[string]any)
	if !ok {
		t.Fatalf("nothing at %v", path[:last])
	}
	object[path[last]] = value
	return c
}

// describe is one line of want.txt.
func describe(c Context) string {
	var b strings.Builder
	for _, field := range []struct {
		name  string
		value any
	}{
		{"pull", c.PullRequest}, {"head", c.HeadSHA}, {"base", c.BaseSHA}, {"ref", c.Ref}, {"for", c.BaseRef},
		{"change", c.IsChange}, {"fork", c.Fork}, {"repository", c.HeadRepository}, {"branch", c.HeadBranch},
		{"ended", c.Triggering}, {"none", c.NoPullRequest}, {"problem", c.Problem},
	} {
		switch value := fmt.Sprint(field.value); value {
		case "", "0", "false":
		default:
			fmt.Fprintf(&b, " %s=%s", field.name, value)
		}
	}
	return b.String()
}

func TestPayloads(t *testing.T) {
	t.Parallel()
	names := make([]string, 0, len(payloads))
	for name := range payloads {
		names = append(names, name)
	}
	slices.Sort(names)
	var got bytes.Buffer
	for _, name := range names {
		list := readPayloads(t, name)
		if len(list) != payloads[name] {
			t.Errorf("%s: %d payloads, want %d", name, len(list), payloads[name])
		}
		for i, payload := range list {
			c := detectPayload(t, name, payload)
			oneAnswer(t, c)
			fmt.Fprintf(&got, "%s[%d] %s:%s\n", name, i, text(payload, "action"), describe(c))
		}
	}
	file := filepath.Join("testdata", "payloads", "want.txt")
	if *update {
		if err := os.WriteFile(file, got.Bytes(), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	gotLines, wantLines := strings.Split(got.String(), "\n"), strings.Split(string(want), "\n")
	for i := range max(len(gotLines), len(wantLines)) {
		var g, w string
		if i < len(gotLines) {
			g = gotLines[i]
		}
		if i < len(wantLines) {
			w = wantLines[i]
		}
		if g != w {
			t.Fatalf("line %d of %s:\ngot  %s\nwant %s", i+1, file, g, w)
		}
	}
}

var (
	pullURL   = regexp.MustCompile(`^https://api\.github\.com/repos/([^/]+/[^/]+)/pulls/([0-9]+)$`)
	statusURL = regexp.MustCompile(`/statuses/([0-9a-f]{40})$`)
	queueRef  = regexp.MustCompile(`^refs/heads/gh-readonly-queue/.+/pr-([0-9]+)-[0-9a-f]{40}$`)
)

// pullNumbers are the numbers of all addresses of pull requests of a repository
// anywhere below a value.
func pullNumbers(value any, repository string) []int {
	var numbers []int
	switch v := value.(type) {
	case string:
		if m := pullURL.FindStringSubmatch(v); m != nil && m[1] == repository {
			n, _ := strconv.Atoi(m[2]) // digits
			numbers = append(numbers, n)
		}
	case []any:
		for _, one := range v {
			numbers = append(numbers, pullNumbers(one, repository)...)
		}
	case map[string]any:
		for _, one := range v {
			numbers = append(numbers, pullNumbers(one, repository)...)
		}
	}
	slices.Sort(numbers)
	return slices.Compact(numbers)
}

// The number and the head that Detect reads stand in other places of the payload
// too: in the addresses of the pull request and of its statuses.
func TestPayloadsByOtherWords(t *testing.T) {
	t.Parallel()
	found := 0
	for name := range payloads {
		for i, payload := range readPayloads(t, name) {
			where := fmt.Sprintf("%s[%d]", name, i)
			var want []int
			switch {
			case strings.HasPrefix(name, "pull_request"):
				want = pullNumbers(payload["pull_request"], text(payload, "repository", "full_name"))
				if len(want) != 1 {
					t.Fatalf("%s: this test finds the numbers %v", where, want)
				}
				m := statusURL.FindStringSubmatch(text(payload, "pull_request", "_links", "statuses", "href"))
				if got := detectPayload(t, name, payload).HeadSHA; m == nil || got != m[1] {
					t.Errorf("%s: got head %s, want %q", where, got, m)
				}
			case name == "issue_comment":
				want = pullNumbers(at(payload, "issue", "pull_request"), text(payload, "repository", "full_name"))
			case name == "merge_group":
				m := queueRef.FindStringSubmatch(text(payload, "merge_group", "head_ref"))
				if m == nil {
					t.Fatalf("%s: this test finds no number", where)
				}
				n, _ := strconv.Atoi(m[1]) // digits
				want = []int{n}
			}
			var got []int
			if n := detectPayload(t, name, payload).PullRequest; n != 0 {
				got = []int{n}
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s: got %v, want %v", where, got, want)
			}
			found += len(got)
		}
	}
	if found != 29+4+5+3+2 {
		t.Errorf("%d payloads have a pull request", found)
	}
}

// What the package has no payload of is made from those that it has.
func TestPayloadsDerived(t *testing.T) {
	t.Parallel()
	check := func(t *testing.T, got, want Context) {
		t.Helper()
		if got != want {
			t.Errorf("got  %+v\nwant %+v", got, want)
		}
		oneAnswer(t, got)
	}
	for _, name := range []string{"pull_request", "pull_request_review", "pull_request_review_comment"} {
		for i, payload := range readPayloads(t, name) {
			t.Run(fmt.Sprintf("%s[%d]", name, i), func(t *testing.T) {
				t.Parallel()
				own := detectPayload(t, name, payload)
				if own.Fork {
					t.Fatal("it is a fork's as it is")
				}
				forked := own
				forked.Fork = true
				fork := changed(t, changed(t, payload, "mallory/fork", "pull_request", "head", "repo", "full_name"), true, "pull_request", "head", "repo", "fork")
				deleted := changed(t, payload, nil, "pull_request", "head", "repo")
				check(t, detectPayload(t, name, fork), forked)
				check(t, detectPayload(t, name, deleted), forked)
				check(t, detectPayload(t, name, changed(t, payload, true, "pull_request", "head", "repo", "fork")), own)
				if name != "pull_request" {
					return
				}
				own.Event, own.PullRequestTarget = "pull_request_target", true
				forked.Event, forked.PullRequestTarget = "pull_request_target", true
				check(t, detectPayload(t, "pull_request_target", payload), own)
				check(t, detectPayload(t, "pull_request_target", fork), forked)
				check(t, detectPayload(t, "pull_request_target", deleted), forked)
			})
		}
	}
	for i, payload := range readPayloads(t, "issue_comment") {
		t.Run(fmt.Sprintf("issue_comment[%d]", i), func(t *testing.T) {
			t.Parallel()
			want := detectPayload(t, "issue_comment", payload)
			want.PullRequest, want.NoPullRequest, want.Fork = 1, "", true
			want.BaseSHA, want.HeadSHA, want.IsChange = want.HeadSHA, "", true
			links := map[string]any{"url": "https://api.github.com/repos/Codertocat/Hello-World/pulls/1"}
			check(t, detectPayload(t, "issue_comment", changed(t, payload, links, "issue", "pull_request")), want)
		})
	}
	for i, payload := range readPayloads(t, "workflow_run") {
		t.Run(fmt.Sprintf("workflow_run[%d]", i), func(t *testing.T) {
			t.Parallel()
			want := detectPayload(t, "workflow_run", payload)
			repository := []string{"workflow_run", "head_repository", "full_name"}
			payload := changed(t, payload, want.Repository, repository...) // one has two that do not fit together
			want.HeadRepository, want.HeadBranch, want.NoPullRequest, want.Fork = want.Repository, text(payload, "workflow_run", "head_branch"), "", false
			want.Ref = want.HeadBranch
			own := changed(t, payload, "pull_request", "workflow_run", "event")
			want.BaseSHA, want.IsChange = mergeSHA, true
			check(t, detectPayload(t, "workflow_run", own), want) // one lists a pull request of another repository

			want.HeadRepository, want.Fork, want.Ref = "mallory/fork", true, ""
			fork := changed(t, changed(t, own, "mallory/fork", repository...), []any{}, "workflow_run", "pull_requests")
			check(t, detectPayload(t, "workflow_run", fork), want)

			want.HeadRepository, want.HeadBranch, want.NoPullRequest = "", "", "the repository that the run's commit comes from is gone"
			check(t, detectPayload(t, "workflow_run", changed(t, fork, nil, "workflow_run", "head_repository")), want)

			want.Fork, want.NoPullRequest, want.PullRequest, want.MergeQueue = false, "", 7, true
			want.BaseSHA, want.IsChange = "", false
			want.Ref = "gh-readonly-queue/main/pr-7-" + baseSHA
			queue := changed(t, changed(t, payload, "merge_group", "workflow_run", "event"), want.Ref, "workflow_run", "head_branch")
			check(t, detectPayload(t, "workflow_run", queue), want)
		})
	}
	t.Run("workflow_run that lists its pull request", func(t *testing.T) {
		t.Parallel()
		payload := changed(t, readPayloads(t, "workflow_run")[2], "pull_request", "workflow_run", "event")
		pulls, _ := at(payload, "workflow_run", "pull_requests").([]any)
		if len(pulls) != 1 {
			t.Fatalf("it lists %d", len(pulls))
		}
		payload = changed(t, payload, at(pulls[0], "base", "repo", "id"), "repository", "id")
		payload = changed(t, payload, at(pulls[0], "head", "sha"), "workflow_run", "head_sha")
		if got := detectPayload(t, "workflow_run", payload); got.PullRequest != 2 || got.HeadBranch != "" || got.Fork {
			t.Errorf("got %+v", got)
		}
	})
	t.Run("schedule", func(t *testing.T) {
		t.Parallel()
		payload := map[string]any{"schedule": "0 4 * * *", "workflow": ".github/workflows/ci.yml", "repository": readPayloads(t, "push")[0]["repository"]}
		if got := detectPayload(t, "schedule", payload); got.NoPullRequest != `no pull request is looked for on event "schedule"` || got.HeadSHA != mergeSHA {
			t.Errorf("got %+v", got)
		}
	})
}
