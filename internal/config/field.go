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
	need    bool
	filled  bool
}

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
			need:    f.Tag.Get("need") == "true",
			filled:  f.Tag.Get("filled") == "true",
		})
	}
	return list
}

var durationType = reflect.TypeFor[time.Duration]()

// element is the field that a list's elements or a map's values are read by:
// the same grammar, and a value must be there.
func (f field) element() field {
	return field{typ: f.typ.Elem(), grammar: f.grammar, need: true}
}
