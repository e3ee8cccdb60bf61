package report

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/gopreflight/gopreflight/checks"
)

// Schema returns the JSON Schema (draft 2020-12) of the JSON report, generated
// from the Go types. Every known field is required unless it is left out when
// empty; unknown fields are allowed, because the schema may grow. A field that is
// added has to be one that is left out when empty: reports of earlier versions
// follow the schema too.
func Schema() ([]byte, error) {
	s, err := jsonschema.For[checks.Report](&jsonschema.ForOptions{
		TypeSchemas: map[reflect.Type]*jsonschema.Schema{
			reflect.TypeFor[checks.Verdict]():   enum(verdicts),
			reflect.TypeFor[checks.Scope]():     enum(scopes),
			reflect.TypeFor[checks.Status]():    enum(statuses),
			reflect.TypeFor[checks.Severity]():  enum(severities),
			reflect.TypeFor[checks.LinkState](): enum(linkStates),
			reflect.TypeFor[checks.Stage]():     enum(checks.Stages),
			reflect.TypeFor[time.Time]():        {Type: "string", Format: "date-time"},
		},
	})
	if err != nil {
		return nil, fmt.Errorf("generating the report's schema: %w", err)
	}
	open(s)
	s.Schema = "https://json-schema.org/draft/2020-12/schema"
	s.Title = "gopreflight report"
	s.Description = "What one run of gopreflight found out: every check exactly once, in order, with its findings."
	s.Properties["schema"] = &jsonschema.Schema{Const: jsonschema.Ptr[any](checks.Schema)}
	s.Properties["failOn"] = enum([]string{"error", "warning", "never"})
	result := s.Properties["results"].Items
	part := result.Properties["part"]
	for _, list := range []*jsonschema.Schema{
		result.Properties["findings"], part.Properties["unused"], part.Properties["unanswered"].Items.Properties["findings"],
	} {
		for _, name := range []string{"line", "column", "endLine"} {
			list.Items.Properties[name].Minimum = jsonschema.Ptr(0.0)
		}
	}
	b, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encoding the report's schema: %w", err)
	}
	return append(b, '\n'), nil
}

// enum is the schema of a string that is one of some words.
func enum[S ~string](words []S) *jsonschema.Schema {
	s := &jsonschema.Schema{Type: "string"}
	for _, w := range words {
		s.Enum = append(s.Enum, string(w))
	}
	return s
}

// open lets objects have fields that are not known yet, and takes null out:
// lists and maps are written empty, and what is a pointer is left out when nil.
func open(s *jsonschema.Schema) {
	if s == nil {
		return
	}
	if i := slices.Index(s.Types, "null"); i >= 0 && len(s.Types) == 2 {
		s.Type, s.Types = s.Types[1-i], nil
	}
	if a := s.AdditionalProperties; a != nil && a.Not != nil {
		s.AdditionalProperties = nil
	}
	open(s.AdditionalProperties)
	open(s.Items)
	for _, p := range s.Properties {
		open(p)
	}
}
