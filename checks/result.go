package checks

// Status is how a check ended.
type Status string

// The statuses. Rank gives their order, worst first.
const (
	// Failed: at least one finding of severity error.
	Failed Status = "failed"
	// Errored: could not find out.
	Errored Status = "errored"
	// Blocked: not asked, or not answerable, because of a named root cause.
	Blocked Status = "blocked"
	// Warned: findings of severity warning at most.
	Warned Status = "warned"
	// Passed: the check's Title is true.
	Passed Status = "passed"
	// Skipped: not asked, and why not is said in Reason.
	Skipped Status = "skipped"
)

// Rank orders statuses: the higher, the worse.
func (s Status) Rank() int {
	switch s {
	case Failed:
		return 6
	case Errored:
		return 5
	case Blocked:
		return 4
	case Warned:
		return 3
	case Passed:
		return 2
	case Skipped:
		return 1
	}
	return 0
}

// Result is what one check came to. Every registered check stands in every
// report exactly once, in declared order.
type Result struct {
	Check string `json:"check"`
	Stage Stage  `json:"stage"`
	Title string `json:"title"`
	// Status is the worst of the check's own outcome, its findings and its modules.
	Status Status `json:"status"`
	// Reason is one line: why it has this status.
	Reason string `json:"reason"`
	// BlockedBy is the fingerprint of the finding that blocks it, or the name
	// of a check that could not find out; empty unless blocked.
	BlockedBy string `json:"blockedBy"`
	// StartMs is when it started, in milliseconds since the run's start.
	StartMs    int64 `json:"startMs"`
	DurationMs int64 `json:"durationMs"`
	// Modules is the outcome per main module; empty for checks that are not
	// about single modules.
	Modules []ModuleStatus `json:"modules"`
	// Facts is for display and debugging.
	Facts    map[string]any `json:"facts"`
	Findings []Finding      `json:"findings"`
	// Part is what Join needs beside all that; nil outside of shards.
	Part *Part `json:"part,omitempty"`
}

// ModuleStatus is a check's outcome for one main module.
type ModuleStatus struct {
	// Dir is the module's directory, a slash path relative to the root.
	Dir    string `json:"dir"`
	Status Status `json:"status"`
	Reason string `json:"reason"`
	// BlockedBy is as in Result, of a blocked module; empty where it is not known.
	BlockedBy string `json:"blockedBy,omitempty"`

	// err is why it was not answered; the runner makes Status and Reason of it.
	err error
}

// LinkState is how well a link of the chain of evidence is known.
type LinkState string

// The states. Proven means against something outside (go.sum, the checksum
// database); Consistent means with itself only.
const (
	Proven     LinkState = "proven"
	Consistent LinkState = "consistent"
	Unproven   LinkState = "unproven"
	Broken     LinkState = "broken"
	Absent     LinkState = "absent"
)

// Links is the chain of evidence, in order.
var Links = []string{"toolchain", "gosum", "modcache", "vendor", "buildcache", "build"}

// Link is one link of the chain of evidence.
type Link struct {
	// Link is one of Links.
	Link  string    `json:"link"`
	State LinkState `json:"state"`
	// Against is what it was compared with: "go.sum".
	Against string `json:"against"`
	// Proven of Total Unit were proven.
	Proven int    `json:"proven"`
	Total  int    `json:"total"`
	Unit   string `json:"unit"`
	// Why is one line: why the state is what it is.
	Why string `json:"why"`
}
