package config

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"strconv"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// MaxFile is the largest file that is read, in bytes.
const MaxFile = 1 << 20

// maxDepth is how deep lists and mappings may be nested; the format needs four.
const maxDepth = 16

// document returns the root of the only document, nil for an empty file or after
// an error.
func (p *parser) document(data []byte) *yaml.Node {
	if len(data) > MaxFile {
		p.errorf(&yaml.Node{}, "the file has %d bytes, at most %d are read", len(data), MaxFile)
		return nil
	}
	if !utf8.Valid(data) {
		p.errorf(&yaml.Node{Line: invalidLine(data)}, "not UTF-8")
		return nil
	}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var first, second yaml.Node
	switch err := dec.Decode(&first); {
	case errors.Is(err, io.EOF):
		return nil
	case err != nil:
		p.syntax(data, err)
		return nil
	}
	switch err := dec.Decode(&second); {
	case err == nil:
		p.errorf(&second, "a second document begins here: the file must be one")
		return nil
	case !errors.Is(err, io.EOF):
		p.syntax(data, err)
		return nil
	}
	return first.Content[0]
}

// invalidLine is the line of the first byte that is not UTF-8.
func invalidLine(data []byte) int {
	valid := 0
	for valid < len(data) {
		r, size := utf8.DecodeRune(data[valid:])
		if r == utf8.RuneError && size <= 1 {
			break
		}
		valid += size
	}
	return 1 + bytes.Count(data[:valid], []byte("\n"))
}

var yamlError = regexp.MustCompile(`^yaml: (?:line (\d+): )?`)

// syntax reports an error of package yaml, which knows lines but no columns: the
// column is that of the line's first character.
func (p *parser) syntax(data []byte, err error) {
	text := err.Error()
	m := yamlError.FindStringSubmatch(text)
	line := 1
	if m != nil {
		text = text[len(m[0]):]
		if n, err := strconv.Atoi(m[1]); err == nil {
			line = n
		}
	}
	column := 1
	if lines := bytes.Split(data, []byte("\n")); line <= len(lines) {
		column += len(lines[line-1]) - len(bytes.TrimLeft(lines[line-1], " "))
	}
	p.errorf(&yaml.Node{Line: line, Column: column}, "not YAML: %s", quoteCut(oneLine(text)))
}

// plain reports whether the tree below n has only what this file needs of YAML.
func (p *parser) plain(n *yaml.Node, depth int) bool {
	before := len(p.errs)
	switch {
	case n.Kind == yaml.AliasNode:
		p.errorf(n, "aliases (*%s) are not read here: write the value again", quoteCut(n.Value))
	case n.Anchor != "":
		p.errorf(n, "anchors (&%s) are not read here: write the value again where it is needed", quoteCut(n.Anchor))
	case n.Style&yaml.TaggedStyle != 0:
		p.errorf(n, "tags (%s) are not read here: write the value without it", quote(n.Tag))
	case depth > maxDepth:
		p.errorf(n, "nested too deep")
		return false
	}
	for _, child := range n.Content {
		if p.full() {
			return false
		}
		p.plain(child, depth+1)
	}
	return len(p.errs) == before
}
