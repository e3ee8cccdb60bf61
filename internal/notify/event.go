package notify

import "time"

// The verdicts of a run.
const (
	Pass         = "pass"
	Fail         = "fail"
	Inconclusive = "inconclusive"
)

// Event is a run as its receivers may hear of it. Texts are plain and without
// secrets, but otherwise hostile.
type Event struct {
	// Verdict is Pass, Fail or Inconclusive.
	Verdict string
	// Retryable says that trying again may help.
	Retryable bool
	// Errors, Warnings and Notices count the findings of the whole run.
	Errors, Warnings, Notices int

	// Repository is "owner/name", or its URL; Ref the branch, tag or ref.
	Repository, Ref string
	// Commit is the commit that was judged, in hexadecimal.
	Commit string
	// PullRequest is the number of the pull or merge request; 0 for none.
	PullRequest int
	// Workflow and Job are what ran, in the CI's words; may be empty.
	Workflow, Job string
	// RunURL is the page of the run, http or https; may be empty.
	RunURL string
	// StartedAt is when the run began: of two runs the later one is right.
	StartedAt time.Time

	// Problems are the findings that are nobody's consequence, of every severity.
	Problems []Problem
	// Unanswered are the checks that found no answer: errored or blocked.
	Unanswered []Question
}

// Problem is a finding that is nobody's consequence.
type Problem struct {
	Stage string `json:"stage"`
	Check string `json:"check"`
	// Rule is the rule's ID: "proxy/tls-expired".
	Rule string `json:"rule"`
	// Severity is "error", "warning" or "notice".
	Severity string `json:"severity"`
	Message  string `json:"message"`
	// File is a slash path in the repository and Line a line in it; empty and 0
	// for none.
	File string `json:"file"`
	Line int    `json:"line"`
	// Module is the module (path@version) that it is about; may be empty.
	Module string `json:"module"`
	// Transient says that it may go away by itself.
	Transient bool `json:"transient"`
	// RootCause says that the report lists it among the run's root causes.
	RootCause bool `json:"rootCause"`
	// Fingerprint tells it from other problems, from run to run.
	Fingerprint string `json:"fingerprint"`
}

// Question is a check that found no answer.
type Question struct {
	Stage string `json:"stage"`
	Check string `json:"check"`
	// Reason is why.
	Reason string `json:"reason"`
}
