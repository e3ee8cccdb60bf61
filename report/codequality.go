package report

import (
	"context"

	"github.com/gopreflight/gopreflight/checks"
)

// CodeQuality is for GitLab's merge requests: a Code Quality report artifact
// (GitLab documentation, "Code Quality report format").
var CodeQuality = &Reporter{
	Name: "codequality",
	Doc:  "for GitLab merge requests: a Code Quality report",
	Write: func(_ context.Context, d Dest, r *checks.Report) error {
		return writeJSON(d, "the Code Quality report", codeQuality(r))
	},
}

// codeQualityIssue has exactly what GitLab asks for: it drops an issue that
// lacks something in silence, and one of two with the same fingerprint.
type codeQualityIssue struct {
	Description string              `json:"description"`
	CheckName   string              `json:"check_name"`
	Fingerprint string              `json:"fingerprint"`
	Severity    string              `json:"severity"`
	Location    codeQualityLocation `json:"location"`
}

type codeQualityLocation struct {
	// Path is relative to the repository, without "./" before it.
	Path  string           `json:"path"`
	Lines codeQualityLines `json:"lines"`
}

type codeQualityLines struct {
	Begin int `json:"begin"`
	End   int `json:"end,omitempty"`
}

// codeQuality is never nil: GitLab compares two lists, and an empty one says
// that nothing is left.
func codeQuality(r *checks.Report) []codeQualityIssue {
	list := []codeQualityIssue{}
	for _, i := range issues(r) {
		list = append(list, codeQualityIssue{
			Description: i.oneLine(), CheckName: i.rule, Fingerprint: i.id, Severity: codeQualitySeverity(i.severity),
			Location: codeQualityLocation{i.file, codeQualityLines{i.line, i.endLine}},
		})
	}
	return list
}

// codeQualitySeverity is one of info, minor, major, critical and blocker.
func codeQualitySeverity(s checks.Severity) string {
	switch s {
	case checks.Error:
		return "critical"
	case checks.Warning:
		return "minor"
	}
	return "info"
}
