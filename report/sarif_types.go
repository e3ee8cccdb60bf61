package report

// The parts of a SARIF log that are written; names and meaning are those of the
// standard's section 3.

type sarifLog struct {
	Schema  string     `json:"$schema"`
	Version string     `json:"version"`
	Runs    []sarifRun `json:"runs"`
}

type sarifRun struct {
	Tool        sarifTool         `json:"tool"`
	Invocations []sarifInvocation `json:"invocations"`
	ColumnKind  string            `json:"columnKind"`
	// Results is never nil: an empty list closes old alerts, none does not.
	Results []sarifResult `json:"results"`
}

type sarifTool struct {
	Driver sarifDriver `json:"driver"`
}

type sarifDriver struct {
	Name           string      `json:"name"`
	Version        string      `json:"version,omitempty"`
	InformationURI string      `json:"informationUri"`
	Rules          []sarifRule `json:"rules"`
}

type sarifInvocation struct {
	Successful bool                `json:"executionSuccessful"`
	Start      string              `json:"startTimeUtc,omitempty"`
	Notes      []sarifNotification `json:"toolExecutionNotifications"`
}

type sarifNotification struct {
	Level   string    `json:"level"`
	Message sarifText `json:"message"`
}

type sarifText struct {
	Text string `json:"text"`
}

// sarifRule is a reportingDescriptor.
type sarifRule struct {
	ID       string          `json:"id"`
	Short    sarifText       `json:"shortDescription"`
	Full     sarifText       `json:"fullDescription"`
	Help     sarifHelp       `json:"help"`
	Default  sarifDefault    `json:"defaultConfiguration"`
	Property sarifProperties `json:"properties"`
}

type sarifHelp struct {
	Text     string `json:"text"`
	Markdown string `json:"markdown"`
}

type sarifDefault struct {
	Level string `json:"level"`
}

// sarifProperties has the tags by which people filter; GitHub takes at most 20
// and shows 10.
type sarifProperties struct {
	Tags []string `json:"tags"`
}

type sarifResult struct {
	Rule         string            `json:"ruleId"`
	RuleIndex    int               `json:"ruleIndex"`
	Level        string            `json:"level"`
	Message      sarifText         `json:"message"`
	Locations    []sarifLocation   `json:"locations"`
	Fingerprints map[string]string `json:"partialFingerprints"`
	// Fixes is nil, and left out, where there is no patch.
	Fixes []sarifFix `json:"fixes,omitempty"`
	// Suppressions is nil, and left out, when no result of the run has one.
	Suppressions []sarifSuppression `json:"suppressions,omitzero"`
}

type sarifLocation struct {
	Physical sarifPhysicalLocation `json:"physicalLocation"`
}

type sarifPhysicalLocation struct {
	Artifact sarifArtifact `json:"artifactLocation"`
	Region   sarifRegion   `json:"region"`
}

type sarifArtifact struct {
	URI  string `json:"uri"`
	Base string `json:"uriBaseId"`
}

type sarifRegion struct {
	Line    int `json:"startLine"`
	Column  int `json:"startColumn,omitempty"`
	EndLine int `json:"endLine,omitempty"`
}

type sarifSuppression struct {
	Kind          string `json:"kind"`
	Status        string `json:"status"`
	Justification string `json:"justification"`
}

// sarifFix changes lines of files: what GitHub does not show, and editors apply.
type sarifFix struct {
	Description sarifText     `json:"description"`
	Changes     []sarifChange `json:"artifactChanges"`
}

type sarifChange struct {
	Artifact     sarifArtifact      `json:"artifactLocation"`
	Replacements []sarifReplacement `json:"replacements"`
}

type sarifReplacement struct {
	Deleted sarifLines `json:"deletedRegion"`
	// Inserted is nil where lines are only taken out.
	Inserted *sarifText `json:"insertedContent,omitempty"`
}

// sarifLines is whole lines, from the first column of one to that of another.
type sarifLines struct {
	Line      int `json:"startLine"`
	Column    int `json:"startColumn"`
	EndLine   int `json:"endLine"`
	EndColumn int `json:"endColumn"`
}
