package report

import (
	"cmp"
	"compress/gzip"
	"context"
	"io"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/gopreflight/gopreflight/checks"
	"github.com/gopreflight/gopreflight/internal/plain"
)

// SARIF is for GitHub code scanning and for editors: the Static Analysis
// Results Interchange Format, version 2.1.0 (OASIS).
var SARIF = &Reporter{
	Name:  "sarif",
	Doc:   "for code scanning and editors: SARIF 2.1.0, with every rule's help",
	Write: writeSARIF,
}

// Limits of GitHub code scanning (GitHub documentation, "SARIF results exceed
// one or more limits"); a file over one of them is refused as a whole.
const (
	// maxSARIFResults is how many results a run may have. GitHub shows 5,000 of
	// them, the hardest first.
	maxSARIFResults = 25_000
	// maxSARIFRules is how many rules a run may have.
	maxSARIFRules = 25_000
	// maxSARIFTags is how many tags a rule may have; ours have two.
	maxSARIFTags = 20
	// maxSARIFZipped is the size in bytes of the file as the upload action sends
	// it, compressed by gzip: 10 MB, read as the smaller of both meanings.
	maxSARIFZipped = 10_000_000
	// maxSARIFDescription is the length in characters of a rule's short and its
	// full description ("SARIF support for code scanning", reportingDescriptor).
	maxSARIFDescription = 1024
)

func writeSARIF(_ context.Context, d Dest, r *checks.Report) error {
	text, err := encodeSARIF(r, registered(), maxSARIFZipped)
	if err != nil {
		return err
	}
	return writeEncoded(d, "the SARIF report", text)
}

// encodeSARIF is a report as SARIF that gzip makes no larger than zipped bytes:
// as many results as it takes are left out.
func encodeSARIF(r *checks.Report, rules []sarifRule, zipped int) (string, error) {
	limit := maxSARIFResults
	for {
		log := sarif(r, rules, limit)
		text, err := encodeJSON("the SARIF report", log)
		n := len(log.Runs[0].Results)
		// JSON does not grow when it is compressed.
		if err != nil || n == 0 || len(text) <= zipped {
			return text, err
		}
		size := zippedSize(text)
		if size <= zipped {
			return text, nil
		}
		// Results differ in size: a little less than the share that would fit.
		limit = int(float64(n) * 0.95 * float64(zipped) / float64(size))
	}
}

// zippedSize is how many bytes gzip makes of a text.
func zippedSize(text string) int {
	var n countBytes
	z := gzip.NewWriter(&n)
	// Neither can fail: nothing is written but a number.
	_, _ = io.WriteString(z, text)
	_ = z.Close()
	return int(n)
}

// countBytes counts what is written to it.
type countBytes int

func (n *countBytes) Write(p []byte) (int, error) {
	*n += countBytes(len(p))
	return len(p), nil
}

const (
	sarifSchema  = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
	sarifProgram = "gopreflight"
	sarifHome    = "https://github.com/gopreflight/gopreflight"
)

// sarif is a report as a SARIF log with at most limit results. rules are those
// that a report of this version can have; what others a report has (it may be
// another version's) are declared behind them by their name.
func sarif(r *checks.Report, rules []sarifRule, limit int) sarifLog {
	found := slices.DeleteFunc(issues(r), func(i issue) bool { return i.finding == nil })
	total := len(found)
	if total > limit {
		slices.SortStableFunc(found, func(a, b issue) int { return cmp.Compare(b.severity.Rank(), a.severity.Rank()) })
		found = found[:limit]
	}

	index := map[string]int{}
	for i := range rules {
		index[rules[i].ID] = i
	}
	// Where one result says whether it is suppressed, all must (SARIF 2.1.0,
	// 3.27.23).
	suppresses := slices.ContainsFunc(found, func(i issue) bool { return i.finding.Exception != nil })
	results := make([]sarifResult, 0, len(found))
	for i := range found {
		id := found[i].rule
		if _, ok := index[id]; !ok {
			if len(rules) == maxSARIFRules { // only a forged report has so many
				continue
			}
			index[id] = len(rules)
			rules = append(rules, unknownSARIFRule(id))
		}
		results = append(results, sarifResultOf(&found[i], index[id], suppresses))
	}
	notes := sarifNotes(r)
	if more := total - len(results); more > 0 {
		notes = append(notes, sarifNotification{"warning", sarifText{plain.Count(more, "more finding") + " did not fit here: the JSON report has all of them"}})
	}

	run := sarifRun{
		Tool: sarifTool{sarifDriver{
			// Consumers compare versions that begin with a number.
			Name: sarifProgram, Version: strings.TrimPrefix(oneLine(r.Tool.Version), "v"), InformationURI: sarifHome, Rules: rules,
		}},
		Invocations: []sarifInvocation{{
			Successful: r.Interrupted == "" && countStatus(r, checks.Errored) == 0,
			Notes:      notes,
		}},
		ColumnKind: "unicodeCodePoints",
		Results:    results,
	}
	if !r.StartedAt.IsZero() {
		run.Invocations[0].Start = r.StartedAt.UTC().Format(time.RFC3339)
	}
	return sarifLog{Schema: sarifSchema, Version: "2.1.0", Runs: []sarifRun{run}}
}

// registered are the rules of all checks: a report names its rules, their prose
// is in the registry alone.
func registered() []sarifRule {
	var rules []sarifRule
	for _, c := range checks.All {
		for _, r := range c.Rules {
			rules = append(rules, sarifRuleOf(c, r))
		}
	}
	return rules
}

func sarifRuleOf(c *checks.Check, r *checks.Rule) sarifRule {
	help := strings.TrimSpace(r.Help)
	first, _, _ := strings.Cut(help, "\n\n")
	tags := []string{string(c.Stage)}
	if c.Name != string(c.Stage) {
		tags = append(tags, c.Name)
	}
	return sarifRule{
		ID:       r.ID,
		Short:    sarifText{cut(oneLine(r.Summary), maxSARIFDescription)},
		Full:     sarifText{cut(oneLine(first), maxSARIFDescription)},
		Help:     sarifHelp{Text: help, Markdown: help},
		Default:  sarifDefault{sarifLevel(r.Severity)},
		Property: sarifProperties{tags},
	}
}

// unknownSARIFRule is a rule that this version does not have.
func unknownSARIFRule(id string) sarifRule {
	const text = "A rule that this version of gopreflight does not have."
	return sarifRule{
		ID: id, Short: sarifText{text}, Full: sarifText{text}, Help: sarifHelp{text, text},
		Default: sarifDefault{"warning"}, Property: sarifProperties{[]string{}},
	}
}

func sarifResultOf(i *issue, rule int, suppresses bool) sarifResult {
	res := sarifResult{
		Rule:      i.rule,
		RuleIndex: rule,
		Level:     sarifLevel(i.severity),
		Message:   sarifText{sarifMessage(i.text)},
		Locations: []sarifLocation{{sarifPhysicalLocation{
			sarifArtifact{sarifURI(i.file), "%SRCROOT%"},
			sarifRegion{i.line, i.column, i.endLine},
		}}},
		Fingerprints: map[string]string{"gopreflight/v1": i.id},
		Fixes:        sarifFixes(i.finding),
	}
	if !i.placed {
		// By itself GitHub's upload action tells results of one rule apart by
		// what the line says (codeql-action, src/fingerprints.ts): two that are
		// at line 1 for want of a better place would be one alert.
		res.Fingerprints["primaryLocationLineHash"] = i.id
	}
	if suppresses {
		res.Suppressions = []sarifSuppression{}
		if e := i.finding.Exception; e != nil {
			res.Suppressions = append(res.Suppressions, sarifSuppression{"external", "accepted", exceptionText(e)})
		}
	}
	return res
}

// sarifNotes tells which questions have no answer, and why.
func sarifNotes(r *checks.Report) []sarifNotification {
	notes := []sarifNotification{}
	add := func(level, text string) {
		notes = append(notes, sarifNotification{level, sarifText{sarifMessage(text)}})
	}
	if why := interrupted(r); why != "" {
		add("error", why)
	}
	for i := range r.Results {
		res := &r.Results[i]
		for _, q := range unanswered(res) {
			add("error", q.text())
		}
		if res.Status == checks.Blocked {
			add("warning", oneLine(res.Check)+": "+statusText(res, blocker(r, res)))
		}
	}
	return notes
}

func sarifLevel(s checks.Severity) string {
	switch s {
	case checks.Error:
		return "error"
	case checks.Warning:
		return "warning"
	}
	return "note"
}

// sarifURI is a relative slash path as a relative URI (RFC 3986, 4.2): a colon
// in its first part would make that a scheme.
func sarifURI(file string) string {
	parts := strings.Split(file, "/")
	for i, p := range parts {
		parts[i] = strings.ReplaceAll(url.PathEscape(p), ":", "%3A")
	}
	return strings.Join(parts, "/")
}

// sarifMessage breaks up what would be a link in a message: "[text](target)"
// (SARIF 2.1.0, 3.11.6). Braces stay single: nobody takes them for placeholders
// in a message without arguments.
func sarifMessage(s string) string { return strings.ReplaceAll(s, "](", "] (") }
