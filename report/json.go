package report

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/gopreflight/gopreflight/checks"
)

// JSON is the canonical form: every other format can be made from it.
var JSON = &Reporter{
	Name: "json",
	Doc:  "for programs, and for gopreflight report --from: " + checks.Schema,
	Write: func(_ context.Context, d Dest, r *checks.Report) error {
		return writeJSON(d, "the JSON report", normalize(r))
	},
}

// Limits of a saved report that is read back.
const (
	// MaxReport is its size in bytes.
	MaxReport = 32 << 20
	// maxDepth is how deep its values may be nested; a report of ours needs
	// nine levels, and whatever a check puts into its facts.
	maxDepth = 64
	// maxResults is its checks: each may be looked up among all findings.
	maxResults = 1000
)

// normalize returns the report with empty lists and maps where it has nil
// ones, so that JSON says [] and {}, never null. The report itself is not
// changed; parts without a nil are shared with it.
func normalize(r *checks.Report) *checks.Report {
	n := *r
	n.RootCauses = list(r.RootCauses)
	for i := range n.RootCauses {
		n.RootCauses[i].Blocks = list(n.RootCauses[i].Blocks)
	}
	n.Repository.Modules = list(r.Repository.Modules)
	n.Chain = list(r.Chain)
	n.ModuleChanges = list(r.ModuleChanges)
	for i := range n.ModuleChanges {
		n.ModuleChanges[i].By = list(n.ModuleChanges[i].By)
	}
	if n.Go.Env == nil {
		n.Go.Env = map[string]string{}
	}
	n.Results = list(r.Results)
	for i := range n.Results {
		res := &n.Results[i]
		res.Modules = list(res.Modules)
		if res.Facts == nil {
			res.Facts = map[string]any{}
		}
		res.Findings = list(res.Findings)
		for j := range res.Findings {
			res.Findings[j].Evidence = list(res.Findings[j].Evidence)
		}
	}
	return &n
}

// list is a copy of s that is never nil.
func list[T any](s []T) []T { return append([]T{}, s...) }

// ReadJSON reads a saved report. It refuses what is larger than MaxReport,
// nested without reason, of another schema, or says what no report of ours can
// say; fields that it does not know are left out, because the schema may grow.
func ReadJSON(in io.Reader) (*checks.Report, error) {
	data, err := io.ReadAll(io.LimitReader(in, MaxReport+1))
	if err != nil {
		return nil, fmt.Errorf("reading the report: %w", err)
	}
	if len(data) > MaxReport {
		return nil, fmt.Errorf("the report is larger than %d MiB", MaxReport>>20)
	}
	if depth(data) > maxDepth {
		return nil, fmt.Errorf("the report is nested deeper than %d levels", maxDepth)
	}
	// The schema first: another schema explains every other error.
	var head struct {
		Schema *string `json:"schema"`
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return nil, fmt.Errorf("not a JSON report: %w", position(data, err))
	}
	if head.Schema == nil {
		return nil, fmt.Errorf("not a gopreflight report: no schema, want %q", checks.Schema)
	}
	if *head.Schema != checks.Schema {
		return nil, fmt.Errorf("not a report that this version reads: schema is %.100q, want %q", *head.Schema, checks.Schema)
	}
	var r checks.Report
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber() // facts keep their numbers as they were written
	if err := d.Decode(&r); err != nil {
		return nil, fmt.Errorf("not a report: %w", position(data, err))
	}
	if err := validate(&r); err != nil {
		return nil, fmt.Errorf("not a report: %w", err)
	}
	return normalize(&r), nil
}

// position adds the line to an error of encoding/json.
func position(data []byte, err error) error {
	offset := int64(-1)
	if e, ok := errors.AsType[*json.SyntaxError](err); ok {
		offset = e.Offset
	} else if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		offset = e.Offset
	}
	if offset < 0 || offset > int64(len(data)) {
		return err
	}
	return fmt.Errorf("line %d: %w", 1+bytes.Count(data[:offset], []byte("\n")), err)
}

// depth is how deep the brackets of a JSON text are nested; strings are
// skipped. It is right for valid JSON and some number for anything else.
func depth(data []byte) int {
	deepest, now, inString := 0, 0, false
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '{' || c == '[':
			now++
			deepest = max(deepest, now)
		case c == '}' || c == ']':
			now--
		}
	}
	return deepest
}

// The words that a report's fields may hold; the JSON Schema lists the same.
var (
	verdicts   = []checks.Verdict{checks.Pass, checks.Fail, checks.Inconclusive}
	scopes     = []checks.Scope{checks.ScopeJob, checks.ScopeContainer}
	statuses   = []checks.Status{checks.Passed, checks.Warned, checks.Failed, checks.Blocked, checks.Skipped, checks.Errored}
	severities = []checks.Severity{checks.Error, checks.Warning, checks.Notice}
	linkStates = []checks.LinkState{checks.Proven, checks.Consistent, checks.Unproven, checks.Broken, checks.Absent}
)

// validate refuses words that are none of the known ones, and places that are
// none: no format could tell what they mean.
func validate(r *checks.Report) error {
	if err := oneOf("verdict", r.Verdict, verdicts); err != nil {
		return err
	}
	if err := oneOf("scope", r.Scope, scopes); err != nil {
		return err
	}
	for i, l := range r.Chain {
		if err := oneOf(fmt.Sprintf("chain[%d].state", i), l.State, linkStates); err != nil {
			return err
		}
	}
	if n := len(r.Results); n > maxResults {
		return fmt.Errorf("it has %d results, more than %d", n, maxResults)
	}
	for i := range r.Results {
		res := &r.Results[i]
		if err := oneOf(fmt.Sprintf("results[%d].status", i), res.Status, statuses); err != nil {
			return err
		}
		for j, m := range res.Modules {
			if err := oneOf(fmt.Sprintf("results[%d].modules[%d].status", i, j), m.Status, statuses); err != nil {
				return err
			}
		}
		for j := range res.Findings {
			f := &res.Findings[j]
			if err := oneOf(fmt.Sprintf("results[%d].findings[%d].severity", i, j), f.Severity, severities); err != nil {
				return err
			}
			if min(f.Line, f.Column, f.EndLine) < 0 {
				return fmt.Errorf("results[%d].findings[%d]: line, column or endLine is negative", i, j)
			}
		}
	}
	return nil
}

func oneOf[S ~string](field string, got S, want []S) error {
	if slices.Contains(want, got) {
		return nil
	}
	return fmt.Errorf("%s is %.100q, want one of %q", field, got, want)
}
