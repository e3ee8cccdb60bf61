package config

import (
	"encoding/json"
	"reflect"
	"time"

	"github.com/google/jsonschema-go/jsonschema"
)

// Schema returns the JSON Schema (2020-12) of the file, for editors and for other
// validators. A file that Parse accepts is valid; what a schema cannot say (that
// a date exists, that a constraint on Go versions makes sense) Parse refuses only.
func Schema(known Known) ([]byte, error) {
	s := schemaOf(field{typ: reflect.TypeFor[Config]()}, reflect.ValueOf(*Default()), known)
	s.Schema = "https://json-schema.org/draft/2020-12/schema"
	s.Title = FileName
	s.Description = "The policy of gopreflight for a repository."
	data, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return nil, err
	}
	return append(data, '\n'), nil
}

// schemaOf is the schema of a field whose default is v.
func schemaOf(f field, v reflect.Value, known Known) *jsonschema.Schema {
	s := &jsonschema.Schema{Description: f.doc}
	kind := ""
	switch f.typ.Kind() {
	case reflect.Struct:
		kind = "object"
		s.Properties = map[string]*jsonschema.Schema{}
		s.AdditionalProperties = nothing()
		fields := fieldsOf(f.typ)
		for _, sub := range fields {
			s.Properties[sub.key] = schemaOf(sub, v.Field(sub.index), known)
			s.PropertyOrder = append(s.PropertyOrder, sub.key)
			if sub.need {
				s.Required = append(s.Required, sub.key)
			}
			if sub.with != "" {
				if s.DependentRequired == nil {
					s.DependentRequired = map[string][]string{}
				}
				s.DependentRequired[sub.key] = []string{sub.with}
			}
		}
		for _, key := range oneOf(fields) {
			s.OneOf = append(s.OneOf, &jsonschema.Schema{Required: []string{key}})
		}
	case reflect.Map:
		kind = "object"
		s.PropertyNames = textSchema(grammars[f.keys], known)
		s.AdditionalProperties = schemaOf(f.element(), reflect.Zero(f.typ.Elem()), known)
	case reflect.Slice:
		kind = "array"
		s.Items = schemaOf(f.element(), reflect.Zero(f.typ.Elem()), known)
		if f.filled {
			one := 1
			s.MinItems = &one
		}
	case reflect.Int:
		kind = "integer"
		s.Enum = []any{Version}
	default:
		kind = "string"
		t := textSchema(grammars[grammarOf(f)], known)
		s.Enum, s.Pattern, s.Not = t.Enum, t.Pattern, t.Not
	}
	if f.notNull() {
		s.Type = kind
	} else {
		s.Types = []string{kind, "null"}
		if s.Enum != nil {
			s.Enum = append(s.Enum, nil)
		}
	}
	if f.typ.Kind() != reflect.Struct && !v.IsZero() {
		s.Default = defaultJSON(v)
	}
	return s
}

// textSchema is what a schema can say of a grammar.
func textSchema(g grammar, known Known) *jsonschema.Schema {
	s := &jsonschema.Schema{Pattern: g.pattern}
	if g.words != nil {
		s.Enum = []any{}
		for _, word := range g.words(known) {
			s.Enum = append(s.Enum, word)
		}
	}
	if g.not != "" {
		s.Not = &jsonschema.Schema{Type: "string", Pattern: g.not} // null would not-match too
	}
	return s
}

// nothing is the schema that is false.
func nothing() *jsonschema.Schema {
	return &jsonschema.Schema{Not: &jsonschema.Schema{}}
}

// defaultJSON is a default as JSON. A duration is written as the file writes it.
func defaultJSON(v reflect.Value) json.RawMessage {
	value := v.Interface()
	if d, ok := value.(time.Duration); ok {
		value = d.String()
	}
	data, err := json.Marshal(value)
	if err != nil {
		panic(err) // texts, numbers and lists of texts: see Default
	}
	return data
}
