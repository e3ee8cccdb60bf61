package checks

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
)

// A Finding is one thing that is wrong, at one place. All text is plain: each
// report format escapes for itself. The runner cleans, bounds and redacts it.
type Finding struct {
	// Rule is the ID of the rule.
	Rule string `json:"rule"`
	// Severity is set by the runner: the rule's default, then the policy's.
	Severity Severity `json:"severity"`
	// Message is one line.
	Message string `json:"message"`
	// File is a slash path relative to the repository's root; empty for none.
	File string `json:"file"`
	// Line, Column and EndLine are 1-based; 0 means none.
	Line    int `json:"line"`
	Column  int `json:"column"`
	EndLine int `json:"endLine"`
	// Dir is the directory of the main module that the finding is about, a
	// slash path relative to the root ("." for the root); empty when it is
	// not about one main module.
	Dir string `json:"dir"`
	// Module is path@version (or a path) of the module that it is about,
	// a dependency as a rule.
	Module string `json:"module"`
	// Key tells siblings apart: a package, a variable, a proxy entry.
	Key string `json:"key"`
	// Evidence is what was seen, line by line.
	Evidence []string `json:"evidence"`
	// Fix is what to do about it.
	Fix Fix `json:"fix"`
	// Transient says that trying again may help.
	Transient bool `json:"transient"`
	// CausedBy is the fingerprint of the finding that this one follows from;
	// empty for a root cause.
	CausedBy string `json:"causedBy"`
	// Exception is the accepted exception of the configuration that softened
	// this finding to a notice; nil for none.
	Exception *Exception `json:"exception,omitempty"`
	// Fingerprint identifies the finding between runs; see SetFingerprints.
	Fingerprint string `json:"fingerprint"`

	// attributed says that the finding tells why a question has no answer, which
	// the attribution found nobody else to tell.
	attributed bool
}

// Fix says how a finding is mended. Every field may be empty.
type Fix struct {
	// Description is one sentence.
	Description string `json:"description"`
	// Command can be pasted into a shell, in the repository's root.
	Command string `json:"command"`
	// Patch is a unified diff that does what Command does, as git apply takes it:
	// with paths from the repository's root behind "a/" and "b/".
	Patch string `json:"patch"`
	// Aside is the fix that `gopreflight fix` carries out itself: absolute paths,
	// below GOMODCACHE or GOCACHE only, that are moved aside, so that the go command
	// makes or downloads again what it needs. Empty where no machine should decide.
	// It stands in no report: what a report names, nobody moves.
	Aside []string `json:"-"`
	// Again is the module version that the go command is to bring back then; nil
	// where it makes what it needs by itself.
	Again *Again `json:"-"`
}

// Mends reports whether `gopreflight fix` can carry the fix out.
func (f *Fix) Mends() bool { return len(f.Aside) > 0 || f.Again != nil }

// Equal reports whether two fixes say the same to a reader.
func (f Fix) Equal(other Fix) bool {
	return f.Description == other.Description && f.Command == other.Command && f.Patch == other.Patch
}

// Exception is why a finding was accepted.
type Exception struct {
	Reason string `json:"reason"`
	// Until is the last day on which it holds, YYYY-MM-DD; empty for ever.
	Until string `json:"until"`
	Owner string `json:"owner"`
}

// CheckName is the check that owns the finding's rule.
func (f *Finding) CheckName() string {
	name, _, _ := strings.Cut(f.Rule, "/")
	return name
}

// Place is "file:line", "file", or empty.
func (f *Finding) Place() string {
	if f.File == "" || f.Line == 0 {
		return f.File
	}
	return fmt.Sprintf("%s:%d", f.File, f.Line)
}

// SetFingerprints gives every finding its fingerprint: SHA-256 over rule, file,
// dir, module, key and the ordinal among equals, so that neither a line number
// nor a wording changes it. Findings must be in their final order.
func SetFingerprints(findings []Finding) {
	seen := map[string]int{}
	for i := range findings {
		f := &findings[i]
		id := strings.Join([]string{f.Rule, f.File, f.Dir, f.Module, f.Key}, "\x00")
		n := seen[id]
		seen[id]++
		sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%d", id, n))
		f.Fingerprint = hex.EncodeToString(sum[:16])
	}
}
