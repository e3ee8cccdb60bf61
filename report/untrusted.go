package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/gopreflight/gopreflight/checks"
	"github.com/gopreflight/gopreflight/internal/plain"
)

// ReadUntrusted reads a report that a run without any trust may have written: as
// ReadJSON does, and it has to follow the report's JSON Schema to the letter. An
// error names the field and its line.
//
// What it returns has the form of a report, no more: checks.Distrust says what
// of it is to be believed.
func ReadUntrusted(in io.Reader) (*checks.Report, error) {
	data, err := readBounded(in)
	if err != nil {
		return nil, err
	}
	r, err := decode(data) // first: it says of a wrong type what the schema would, and quotes less
	if err != nil {
		return nil, err
	}
	if err := followsSchema(data); err != nil {
		return nil, fmt.Errorf("not a report: %w", err)
	}
	return accept(r)
}

// followsSchema says where JSON of a report does not follow Schema.
func followsSchema(data []byte) error {
	text, err := Schema()
	if err != nil {
		return err
	}
	var s jsonschema.Schema
	if err := json.Unmarshal(text, &s); err != nil {
		return fmt.Errorf("reading the report's schema: %w", err)
	}
	var tree any
	if err := json.Unmarshal(data, &tree); err != nil {
		return position(data, err)
	}
	v := validator{}
	if err = v.validate(&s, tree); err == nil {
		return nil
	}
	at, err := v.deepest(&s, tree, err)
	return fmt.Errorf("line %d: %s: %s", lineOf(data, at), plain.Line(pathText(at)), plain.Line(err.Error()))
}

// validator validates parts of a value against parts of a schema, each of which
// it resolves once.
type validator map[*jsonschema.Schema]*jsonschema.Resolved

func (v validator) validate(s *jsonschema.Schema, value any) error {
	resolved := v[s]
	if resolved == nil {
		var err error
		if resolved, err = s.Resolve(nil); err != nil {
			return fmt.Errorf("resolving the report's schema: %w", err)
		}
		v[s] = resolved
	}
	return resolved.Validate(value)
}

// deepest follows err, which is why a value does not follow a schema, to the
// innermost value with a fault: the names and indexes that lead there, and its
// own error. Of several faults it is the first by name and index.
func (v validator) deepest(s *jsonschema.Schema, value any, err error) (at []any, own error) {
	try := func(step any, part *jsonschema.Schema, inner any) bool {
		if part == nil {
			return false
		}
		err := v.validate(part, inner)
		if err == nil {
			return false
		}
		at, own = v.deepest(part, inner, err)
		at = slices.Insert(at, 0, step)
		return true
	}
	switch value := value.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(value)) {
			part := s.Properties[name]
			if part == nil {
				part = s.AdditionalProperties
			}
			if try(name, part, value[name]) {
				return at, own
			}
		}
	case []any:
		for i, element := range value {
			if try(i, s.Items, element) {
				return at, own
			}
		}
	}
	return nil, errors.New(strings.TrimPrefix(err.Error(), "validating root: "))
}

// pathText is a path as people write it: results[0].findings[3].line.
func pathText(at []any) string {
	var b strings.Builder
	for _, step := range at {
		switch step := step.(type) {
		case int:
			fmt.Fprintf(&b, "[%d]", step)
		case string:
			if b.Len() > 0 {
				b.WriteByte('.')
			}
			b.WriteString(step)
		}
	}
	if b.Len() == 0 {
		return "the report"
	}
	return b.String()
}

// lineOf is the line on which the value at a path ends its first token. Where a
// name stands twice in an object it may be the line of the other one.
func lineOf(data []byte, at []any) int {
	d := json.NewDecoder(bytes.NewReader(data))
	skip := func() {
		var value json.RawMessage
		_ = d.Decode(&value) // valid JSON as a whole: see followsSchema
	}
	for _, step := range at {
		_, _ = d.Token() // the bracket
		switch step := step.(type) {
		case int:
			for range step {
				skip()
			}
		case string:
			for d.More() {
				if name, err := d.Token(); err != nil || name == step {
					break
				}
				skip()
			}
		}
	}
	_, _ = d.Token()
	return 1 + bytes.Count(data[:d.InputOffset()], []byte("\n"))
}
