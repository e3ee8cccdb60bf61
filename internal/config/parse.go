package config

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// Parse reads a policy file; name is what errors call it. What the file does not
// say is as in Default; an empty file is Default. It is strict: unknown and
// repeated keys, values of another type or grammar, rules that are not known,
// anchors, aliases, merge keys, tags and a second document are errors. The error
// is an Errors with everything that was found wrong; the configuration is then nil.
func Parse(name string, data []byte, known Known) (*Config, error) {
	p := &parser{name: name, known: known}
	c := Default()
	if root := p.document(data); root != nil && p.plain(root, 0) && p.version(root) {
		p.value(root, field{typ: reflect.TypeFor[Config]()}, reflect.ValueOf(c).Elem(), "")
	}
	if len(p.errs) > 0 {
		return nil, p.sorted()
	}
	return c, nil
}

// parser decodes YAML nodes into the types of config.go by reflection. Package
// yaml's own decoder knows neither columns nor grammars, and stops at the first
// kind of error.
type parser struct {
	name  string
	known Known
	errs  Errors
}

func (p *parser) errorf(n *yaml.Node, format string, args ...any) {
	p.errs = append(p.errs, &FileError{p.name, max(n.Line, 1), max(n.Column, 1), fmt.Sprintf(format, args...)})
}

// sorted returns the errors in the order of the file, cut to maxErrors.
func (p *parser) sorted() Errors {
	slices.SortStableFunc(p.errs, func(a, b *FileError) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	if len(p.errs) <= maxErrors {
		return p.errs
	}
	last := *p.errs[maxErrors]
	last.Message = "too many errors"
	return append(p.errs[:maxErrors:maxErrors], &last)
}

// full reports whether there are more errors than will be told, so that looking
// for more is a waste: hints cost something, and the file may be hostile.
func (p *parser) full() bool { return len(p.errs) > maxErrors }

// version reports whether the file's version is known; if not, that is the only
// error told, since the other keys may mean something else.
func (p *parser) version(root *yaml.Node) bool {
	if root.Kind != yaml.MappingNode {
		return true
	}
	for i := 0; i+1 < len(root.Content); i += 2 {
		key, value := root.Content[i], root.Content[i+1]
		if key.Value == "version" && value.ShortTag() == "!!int" && value.Value != strconv.Itoa(Version) {
			p.errorf(value, "version %s of the file's format is not known: this program reads version %d", quoteCut(value.Value), Version)
			return false
		}
	}
	return true
}

// value decodes n into v as f declares; where is the dotted path of keys, for
// errors. A key without a value is as if it were not there.
func (p *parser) value(n *yaml.Node, f field, v reflect.Value, where string) {
	if n.ShortTag() == "!!null" && !f.notNull() {
		return
	}
	switch {
	case f.typ.Kind() == reflect.Struct:
		if p.kind(n, yaml.MappingNode, where) {
			p.section(n, v, where)
		}
	case f.typ.Kind() == reflect.Map:
		if p.kind(n, yaml.MappingNode, where) {
			p.mapping(n, f, v, where)
		}
	case f.typ.Kind() == reflect.Slice:
		if p.kind(n, yaml.SequenceNode, where) {
			p.list(n, f, v, where)
		}
	default:
		p.scalar(n, f, v, where)
	}
}

// section decodes a mapping of declared keys into a struct.
func (p *parser) section(n *yaml.Node, v reflect.Value, where string) {
	fields := fieldsOf(v.Type())
	keys := make([]string, len(fields))
	for i, f := range fields {
		keys[i] = f.key
	}
	present := map[string]bool{}
	p.pairs(n, func(key, value *yaml.Node) {
		present[key.Value] = true
		i := slices.Index(keys, key.Value)
		if i < 0 {
			p.errorf(key, "unknown key %s%s%s", quote(key.Value), in(where), keyHint(key.Value, keys))
			return
		}
		p.value(value, fields[i], v.Field(fields[i].index), join(where, key.Value))
	})
	p.required(n, fields, present, where)
	if line := v.FieldByName("Line"); line.IsValid() { // Exception.Line, PatchedModule.Line, Notify.Line
		line.SetInt(int64(n.Line))
	}
}

// required reports the keys that a section lacks, or has too many of.
func (p *parser) required(n *yaml.Node, fields []field, present map[string]bool, where string) {
	for _, f := range fields {
		switch {
		case f.need && !present[f.key]:
			p.errorf(n, "%s lacks the key %q", where, f.key)
		case f.with != "" && present[f.key] && !present[f.with]:
			p.errorf(n, "%s lacks the key %q, which %q needs", where, f.with, f.key)
		}
	}
	ones := oneOf(fields)
	var got []string
	for _, key := range ones {
		if present[key] {
			got = append(got, key)
		}
	}
	if len(ones) > 0 && len(got) != 1 {
		p.errorf(n, "%s: want exactly one of the keys %s, got %s", where,
			strings.Join(ones, ", "), cmp.Or(strings.Join(got, " and "), "none"))
	}
}

// mapping decodes a mapping of free keys into a map.
func (p *parser) mapping(n *yaml.Node, f field, v reflect.Value, where string) {
	m := reflect.MakeMap(f.typ)
	p.pairs(n, func(key, value *yaml.Node) {
		if _, ok := p.text(key, key.Value, f.keys, where); !ok {
			return
		}
		e := reflect.New(f.typ.Elem()).Elem()
		p.value(value, f.element(), e, join(where, key.Value))
		m.SetMapIndex(reflect.ValueOf(key.Value), e)
	})
	v.Set(m)
}

// pairs calls yield for every key, but for those that are no words or repeated.
func (p *parser) pairs(n *yaml.Node, yield func(key, value *yaml.Node)) {
	first := map[string]int{}
	for i := 0; i+1 < len(n.Content) && !p.full(); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		switch line, again := first[key.Value]; {
		case key.Kind != yaml.ScalarNode:
			p.errorf(key, "a key must be a word, not %s", kindName(key))
			continue
		case key.ShortTag() == "!!merge":
			p.errorf(key, "merge keys (<<) are not read here: write the keys again")
			continue
		case again:
			p.errorf(key, "key %s stands already at line %d", quote(key.Value), line)
			continue
		}
		first[key.Value] = key.Line
		yield(key, value)
	}
}

// list decodes a sequence into a slice.
func (p *parser) list(n *yaml.Node, f field, v reflect.Value, where string) {
	if f.filled && len(n.Content) == 0 {
		p.errorf(n, "%s is empty: leave it out for the default", where)
		return
	}
	s := reflect.MakeSlice(f.typ, len(n.Content), len(n.Content))
	for i, child := range n.Content {
		if p.full() {
			return
		}
		p.value(child, f.element(), s.Index(i), fmt.Sprintf("%s[%d]", where, i))
	}
	v.Set(s)
}

// scalar decodes a text, a duration or a number.
func (p *parser) scalar(n *yaml.Node, f field, v reflect.Value, where string) {
	name := grammarOf(f)
	if !slices.Contains(tagsOf(f), n.ShortTag()) {
		p.errorf(n, "%s: want %s, got %s%s", where, grammars[name].want, grammars[name].show(kindName(n)), p.quotesHelp(n, f))
		return
	}
	text, ok := p.text(n, n.Value, name, where)
	if !ok {
		return
	}
	switch {
	case f.typ == durationType:
		d, _ := time.ParseDuration(text) // checkDuration let it through
		v.SetInt(int64(d))
	case f.typ.Kind() == reflect.Int:
		i, _ := strconv.Atoi(text) // the one number is the version, see grammars
		v.SetInt(int64(i))
	default:
		v.SetString(text)
	}
}

// text returns the canonical form of a text, and whether it keeps to its grammar.
func (p *parser) text(n *yaml.Node, text, name, where string) (string, bool) {
	g := grammars[name]
	clean, err := g.read(text, p.known)
	switch {
	case err == nil:
		return clean, true
	case name == "rule":
		p.errorf(n, "unknown rule %s%s", quote(text), ruleHint(text, p.known))
	case g.words != nil:
		p.errorf(n, "%s: want %s, got %s%s", where, g.want, quote(text), hint(text, g.words(p.known)))
	case errors.Is(err, errGrammar):
		p.errorf(n, "%s: want %s, got %s", where, g.want, g.show(quote(text)))
	default:
		p.errorf(n, "%s: want %s, got %s: %s", where, g.want, g.show(quote(text)), quoteCut(oneLine(err.Error())))
	}
	return "", false
}

// kind reports whether n is a mapping or a list, as it should be.
func (p *parser) kind(n *yaml.Node, want yaml.Kind, where string) bool {
	if n.Kind == want {
		return true
	}
	name := "a list"
	if want == yaml.MappingNode {
		name = "a mapping (key: value)"
	}
	p.errorf(n, "%swant %s, got %s", prefix(where), name, kindName(n))
	return false
}

// grammarOf is the name of the grammar that a scalar is read by.
func grammarOf(f field) string {
	if f.typ == durationType {
		return "duration"
	}
	return f.grammar
}

// tagsOf are the types of YAML's own that a scalar may be written in.
func tagsOf(f field) []string {
	switch {
	case f.typ.Kind() == reflect.Int:
		return []string{"!!int"}
	case f.grammar == "date":
		return []string{"!!str", "!!timestamp"}
	}
	return []string{"!!str"}
}
