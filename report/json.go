package report

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/gopreflight/gopreflight/checks"
	"github.com/gopreflight/gopreflight/internal/plain"
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
	// maxValues is its values, all of them: it bounds the memory that reading
	// takes, whatever the values are. A finding has some twenty.
	maxValues = 2_500_000
	// maxString is its longest string, in bytes; the runner cuts much shorter.
	maxString = 1 << 20
	// maxResults is its checks: each may be looked up among all findings.
	maxResults = 1000
	// maxFindings is its findings, of all checks.
	maxFindings = 100_000
	// maxModules is its main modules, also those of one check, and its module
	// changes.
	maxModules = 20_000
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
		res.Findings = normalFindings(res.Findings)
		if res.Part != nil {
			res.Part = normalPart(res.Part)
		}
	}
	return &n
}

func normalFindings(findings []checks.Finding) []checks.Finding {
	n := list(findings)
	for i := range n {
		n[i].Evidence = list(n[i].Evidence)
	}
	return n
}

func normalPart(p *checks.Part) *checks.Part {
	n := *p
	n.Unused = normalFindings(p.Unused)
	n.Unanswered = list(p.Unanswered)
	for i := range n.Unanswered {
		n.Unanswered[i].Findings = normalFindings(n.Unanswered[i].Findings)
	}
	return &n
}

// list is a copy of s that is never nil.
func list[T any](s []T) []T { return append([]T{}, s...) }

// ReadJSON reads a saved report. It refuses what is larger than MaxReport,
// nested without reason, of another schema, or says what no report of ours can
// say; fields that it does not know are left out, because the schema may grow.
func ReadJSON(in io.Reader) (*checks.Report, error) {
	data, err := readBounded(in)
	if err != nil {
		return nil, err
	}
	r, err := decode(data)
	if err != nil {
		return nil, err
	}
	return accept(r)
}

// readBounded reads the bytes of a report of our schema: no more, no deeper and
// no larger a tree than a report may be.
func readBounded(in io.Reader) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(in, MaxReport+1))
	if err != nil {
		return nil, fmt.Errorf("reading the report: %w", err)
	}
	if len(data) > MaxReport {
		return nil, fmt.Errorf("the report is larger than %d MiB", MaxReport>>20)
	}
	switch depth, values, text := shape(data); {
	case depth > maxDepth:
		return nil, fmt.Errorf("the report is nested deeper than %d levels", maxDepth)
	case values > maxValues:
		return nil, fmt.Errorf("the report has more than %s", plain.Count(maxValues, "value"))
	case text > maxString:
		return nil, fmt.Errorf("the report has a string of more than %d MiB", maxString>>20)
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
	return data, nil
}

// decode makes a report of JSON that readBounded let through.
func decode(data []byte) (*checks.Report, error) {
	var r checks.Report
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber() // facts keep their numbers as they were written
	if err := d.Decode(&r); err != nil {
		return nil, fmt.Errorf("not a report: %w", position(data, err))
	}
	return &r, nil
}

// accept is a decoded report if a report can say what it says.
func accept(r *checks.Report) (*checks.Report, error) {
	if err := validate(r); err != nil {
		return nil, fmt.Errorf("not a report: %w", err)
	}
	return normalize(r), nil
}

// position adds the line to an error of encoding/json, and bounds it: it may
// quote a number or a date of any length.
func position(data []byte, err error) error {
	offset := int64(-1)
	if e, ok := errors.AsType[*json.SyntaxError](err); ok {
		offset = e.Offset
	} else if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		offset = e.Offset
	} else if e, ok := errors.AsType[*time.ParseError](err); ok {
		return fmt.Errorf("startedAt is %.100q, want a date and time as in RFC 3339", e.Value) // the only one
	}
	text := plain.Line(err.Error())
	if offset < 0 || offset > int64(len(data)) {
		return errors.New(text)
	}
	return fmt.Errorf("line %d: %s", 1+bytes.Count(data[:offset], []byte("\n")), text)
}

// shape is how deep the brackets of a JSON text are nested, how many values it
// has at most, and the length of its longest string. It is right for valid JSON
// and some numbers for anything else.
func shape(data []byte) (depth, values, text int) {
	now, start := 0, -1 // start is where the string begins that i is in
	values = 1
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case start >= 0 && c == '\\':
			i++
		case start >= 0 && c == '"':
			text = max(text, i-start)
			start = -1
		case start >= 0:
		case c == '"':
			start = i + 1
		case c == '{' || c == '[':
			now++
			values++ // what follows it, unless it is empty
			depth = max(depth, now)
		case c == '}' || c == ']':
			now--
		case c == ',':
			values++
		}
	}
	return depth, values, text
}

// The words that a report's fields may hold; the JSON Schema lists the same.
var (
	verdicts   = []checks.Verdict{checks.Pass, checks.Fail, checks.Inconclusive}
	scopes     = []checks.Scope{checks.ScopeJob, checks.ScopeContainer}
	statuses   = []checks.Status{checks.Passed, checks.Warned, checks.Failed, checks.Blocked, checks.Skipped, checks.Errored}
	severities = []checks.Severity{checks.Error, checks.Warning, checks.Notice}
	linkStates = []checks.LinkState{checks.Proven, checks.Consistent, checks.Unproven, checks.Broken, checks.Absent}
)

// validate refuses words that are none of the known ones, places that are none,
// and more of anything than a report may have: no format could tell what they mean.
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
	findings, modules := 0, max(len(r.Repository.Modules), len(r.ModuleChanges), len(r.Shard.Dirs))
	for i := range r.Results {
		findings += len(r.Results[i].Findings)
		modules = max(modules, len(r.Results[i].Modules))
		if p := r.Results[i].Part; p != nil {
			findings += len(p.Unused)
			modules = max(modules, len(p.Unasked), len(p.Unanswered))
			for j := range p.Unanswered {
				findings += len(p.Unanswered[j].Findings)
			}
		}
	}
	if err := cmp.Or(
		atMost(maxResults, len(r.Results), "result"),
		atMost(maxFindings, findings, "finding"),
		atMost(maxModules, modules, "module"),
	); err != nil {
		return err
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
		if err := validFindings(fmt.Sprintf("results[%d].findings", i), res.Findings); err != nil {
			return err
		}
		if err := validPart(fmt.Sprintf("results[%d].part", i), res.Part); err != nil {
			return err
		}
	}
	return nil
}

func validFindings(field string, findings []checks.Finding) error {
	for i := range findings {
		f := &findings[i]
		if err := oneOf(fmt.Sprintf("%s[%d].severity", field, i), f.Severity, severities); err != nil {
			return err
		}
		if min(f.Line, f.Column, f.EndLine) < 0 {
			return fmt.Errorf("%s[%d]: line, column or endLine is negative", field, i)
		}
	}
	return nil
}

func validPart(field string, p *checks.Part) error {
	if p == nil {
		return nil
	}
	if p.Own != nil {
		if err := oneOf(field+".own.status", p.Own.Status, statuses); err != nil {
			return err
		}
	}
	for i := range p.Unasked {
		if err := oneOf(fmt.Sprintf("%s.unasked[%d].status", field, i), p.Unasked[i].Status, statuses); err != nil {
			return err
		}
	}
	for i := range p.Unanswered {
		if err := validFindings(fmt.Sprintf("%s.unanswered[%d].findings", field, i), p.Unanswered[i].Findings); err != nil {
			return err
		}
	}
	return validFindings(field+".unused", p.Unused)
}

func atMost(limit, n int, what string) error {
	if n <= limit {
		return nil
	}
	return fmt.Errorf("it has %s, more than %s", plain.Count(n, what), plain.Thousands(limit))
}

func oneOf[S ~string](field string, got S, want []S) error {
	if slices.Contains(want, got) {
		return nil
	}
	return fmt.Errorf("%s is %.100q, want one of %q", field, got, want)
}
