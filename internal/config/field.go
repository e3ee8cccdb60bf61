package config

import (
	"reflect"
	"time"
)

// A field is one key of a section, as a struct field and its tags declare it.
type field struct {
	index   int
	typ     reflect.Type
	key     string
	doc     string
	grammar string // of the text, of each element, or of a map's values
	keys    string // the grammar of a map's keys
	example string
	with    string // the key that must stand beside it
	need    bool
	one     bool // of those that are marked so, a section has exactly one
	filled  bool
}

// notNull reports whether the key, where it stands, must have a value.
func (f field) notNull() bool { return f.need || f.one || f.with != "" }

// fieldsOf returns the keys of a section, in declared order. A struct field
// without a yaml tag is no key.
func fieldsOf(section reflect.Type) []field {
	var list []field
	for i := range section.NumField() {
		f := section.Field(i)
		key, ok := f.Tag.Lookup("yaml")
		if !ok {
			continue
		}
		list = append(list, field{
			index:   i,
			typ:     f.Type,
			key:     key,
			doc:     f.Tag.Get("doc"),
			grammar: f.Tag.Get("is"),
			keys:    f.Tag.Get("keys"),
			example: f.Tag.Get("example"),
			with:    f.Tag.Get("with"),
			need:    f.Tag.Get("need") == "true",
			one:     f.Tag.Get("one") == "true",
			filled:  f.Tag.Get("filled") == "true",
		})
	}
	return list
}

// oneOf are the keys of which a section has exactly one; empty for no such rule.
func oneOf(fields []field) []string {
	var keys []string
	for _, f := range fields {
		if f.one {
			keys = append(keys, f.key)
		}
	}
	return keys
}

var durationType = reflect.TypeFor[time.Duration]()

// element is the field that a list's elements or a map's values are read by:
// the same grammar, and a value must be there.
func (f field) element() field {
	return field{typ: f.typ.Elem(), grammar: f.grammar, need: true}
}
