package checks

import (
	"fmt"
	"time"
)

// Schema names the report's format. It changes only with an incompatible change.
const Schema = "gopreflight/report/v1"

// Verdict is the answer of a whole run.
type Verdict string

// The verdicts.
const (
	Pass         Verdict = "pass"
	Fail         Verdict = "fail"
	Inconclusive Verdict = "inconclusive"
)

// Scope says what a run can see: the job itself, or only the inside of a
// container that is not the job (a GitHub container action).
type Scope string

// The scopes.
const (
	ScopeJob       Scope = "job"
	ScopeContainer Scope = "container"
)

// Report is everything that a run found out. It is plain data that round-trips
// through JSON; every reporter can be driven from a saved one.
type Report struct {
	Schema string `json:"schema"`
	Tool   Tool   `json:"tool"`
	Scope  Scope  `json:"scope"`
	// FailOn is the severity from which findings fail the run: error, warning or never.
	FailOn  string  `json:"failOn"`
	Verdict Verdict `json:"verdict"`
	// Untrusted says that the report was read from a file that a run without any
	// trust wrote: rules, severities and verdict are ours, texts are its own.
	Untrusted bool `json:"untrusted,omitempty"`
	// Interrupted is the signal that ended the run early; empty for none.
	Interrupted string `json:"interrupted,omitempty"`
	// Retryable says that every root cause is transient: trying again may help.
	Retryable  bool        `json:"retryable"`
	RootCauses []RootCause `json:"rootCauses"`
	Repository Repository  `json:"repository"`
	CI         CI          `json:"ci"`
	Go         Go          `json:"go"`
	Shard      Shard       `json:"shard"`
	StartedAt  time.Time   `json:"startedAt"`
	DurationMs int64       `json:"durationMs"`
	Chain      []Link      `json:"chain"`
	// ModuleChanges is what the change does to the build list: direct
	// requirements first, then by path.
	ModuleChanges []ModuleChange `json:"moduleChanges"`
	Results       []Result       `json:"results"`
}

// Tool is the program that made the report.
type Tool struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

// RootCause is a finding that is nobody's consequence, and what it blocks.
type RootCause struct {
	Check       string   `json:"check"`
	Rule        string   `json:"rule"`
	Fingerprint string   `json:"fingerprint"`
	Blocks      []string `json:"blocks"`
}

// Repository is what was looked at.
type Repository struct {
	// Dir is the directory as the user named it.
	Dir string `json:"dir"`
	URL string `json:"url"`
	// VCS is "git" or "none".
	VCS     string          `json:"vcs"`
	Commit  string          `json:"commit"`
	Base    string          `json:"base"`
	Modules []RepositoryMod `json:"modules"`
}

// RepositoryMod is one main module of the repository.
type RepositoryMod struct {
	Path string `json:"path"`
	Dir  string `json:"dir"`
}

// CI is where the run took place.
type CI struct {
	Provider    string `json:"provider"`
	Event       string `json:"event"`
	RunURL      string `json:"runURL"`
	PullRequest int    `json:"pullRequest"`
	HeadSHA     string `json:"headSHA"`
	Fork        bool   `json:"fork"`
	// Conclusion is what the CI says of the run that an untrusted report comes
	// from ("success", "failure"); empty otherwise.
	Conclusion string `json:"conclusion,omitempty"`
}

// Go is the go command that answered.
type Go struct {
	// Version is "go1.26.8"; empty when no go command was found.
	Version string            `json:"version"`
	GOROOT  string            `json:"goroot"`
	Env     map[string]string `json:"env"`
}

// Shard is which part of the repository this report is about.
type Shard struct {
	// Index goes from 1 to Count; 1 of 1 is the whole.
	Index int `json:"index"`
	Count int `json:"count"`
	// Dirs are the directories of the main modules that this shard judges, in
	// the order of Repository.Modules; all of them are 1 of 1's, which lists none.
	Dirs []string `json:"dirs,omitempty"`
}

// String is "shard 2/3".
func (s Shard) String() string { return fmt.Sprintf("shard %d/%d", s.Index, s.Count) }

// ModuleChange is one change of the build list against the base revision.
type ModuleChange struct {
	Path string `json:"path"`
	// Old and New are versions, empty where the module is not in the build list,
	// with what replaces it behind an arrow, a directory as seen from the root:
	// "v1.0.0 => ./fork".
	Old string `json:"old"`
	New string `json:"new"`
	// Kind is one of the Change constants.
	Kind string `json:"kind"`
	// Direct is whether go.mod requires it without "// indirect"; for a removed
	// module whether it did.
	Direct bool `json:"direct"`
	// By are the direct requirements that bring an indirect one, the nearest
	// in the module graph; empty where they are unknown, and for direct ones.
	By []string `json:"by"`
}

// The kinds of a ModuleChange. Replaced says that what it is replaced by is
// another now: also a first time, or by nothing any more.
const (
	ChangeAdded      = "added"
	ChangeRemoved    = "removed"
	ChangeUpgraded   = "upgraded"
	ChangeDowngraded = "downgraded"
	ChangeReplaced   = "replaced"
)

// ChangeKinds are the kinds of a ModuleChange, in the order in which they are counted.
var ChangeKinds = []string{ChangeAdded, ChangeRemoved, ChangeUpgraded, ChangeDowngraded, ChangeReplaced}

// Findings calls yield for every finding of the report, in order.
func (r *Report) Findings(yield func(*Result, *Finding) bool) {
	for i := range r.Results {
		for j := range r.Results[i].Findings {
			if !yield(&r.Results[i], &r.Results[i].Findings[j]) {
				return
			}
		}
	}
}

// Find returns the finding with a fingerprint, or nil.
func (r *Report) Find(fingerprint string) *Finding {
	for _, f := range r.Findings {
		if f.Fingerprint == fingerprint {
			return f
		}
	}
	return nil
}

// Counts counts the findings of each severity.
func (r *Report) Counts() (errors, warnings, notices int) {
	for _, f := range r.Findings {
		switch f.Severity {
		case Error:
			errors++
		case Warning:
			warnings++
		case Notice:
			notices++
		}
	}
	return
}
