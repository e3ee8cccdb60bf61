package config

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

const exampleHead = `# The policy of gopreflight for this repository.
#
# Every key is optional. What is commented out shows the default: to change it,
# take the # away, and that of the section above it.

`

// exampleRule is the rule that the examples in the tags of config.go name.
const exampleRule = "policy/replace-local"

// Example returns a file in which every key stands with a sentence and its
// default, commented out but for the version; as it is, it is Default. Where an
// example of a value names a rule, it is a known one.
func Example(known Known) []byte {
	var b bytes.Buffer
	b.WriteString(exampleHead)
	rule := exampleRule
	if !slices.Contains(known.Rules, rule) && len(known.Rules) > 0 {
		rule = known.Rules[0]
	}
	for i, f := range fieldsOf(reflect.TypeFor[Config]()) {
		if i > 0 {
			b.WriteByte('\n')
		}
		exampleOf(&b, f, reflect.ValueOf(*Default()).Field(f.index), rule, "")
	}
	return b.Bytes()
}

// exampleOf writes a key. Sentences begin with "# ", what can be uncommented
// with "#" and the key or its indent of two at least.
func exampleOf(b *bytes.Buffer, f field, v reflect.Value, rule, indent string) {
	fmt.Fprintf(b, "%s# %s\n", indent, f.doc)
	if f.example != "" {
		fmt.Fprintf(b, "%s# For example: %s\n", indent, strings.ReplaceAll(f.example, exampleRule, rule))
	}
	if f.key == "version" {
		fmt.Fprintf(b, "%s: %d\n", f.key, v.Int())
		return
	}
	if f.typ.Kind() != reflect.Struct {
		fmt.Fprintf(b, "#%s%s: %s\n", indent, f.key, exampleValue(v))
		return
	}
	fmt.Fprintf(b, "#%s%s:\n", indent, f.key)
	for _, sub := range fieldsOf(f.typ) {
		exampleOf(b, sub, v.Field(sub.index), rule, indent+"  ")
	}
}

// exampleValue is a default as the file writes it.
func exampleValue(v reflect.Value) string {
	switch {
	case v.Kind() == reflect.Map && v.Len() == 0:
		return "{}"
	case v.Kind() == reflect.Slice && v.Len() == 0:
		return "[]"
	case v.Kind() == reflect.String && v.Len() > 0:
		return v.String()
	}
	return string(defaultJSON(v))
}
