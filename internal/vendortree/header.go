package vendortree

import (
	"bytes"
	"go/build/constraint"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// An Import is one import of a package.
type Import struct {
	// Path is the import path, File the name of the first file that has it, and
	// Line the 1-based line there.
	Path string
	File string
	Line int
}

// A header is what the beginning of a Go file says, as far as go mod vendor looks.
type header struct {
	imports []Import
	// ignored says that no build can ever use the file: it is tagged "ignore",
	// or its constraint cannot be read.
	ignored bool
	// embeds says that it imports "embed", cgo that it imports "C".
	embeds, cgo bool
}

// readHeader reads a file's header. ok is false where data ends inside of it:
// more is needed, if there is more.
func readHeader(data []byte) (h header, ok bool) {
	s := &scanner{data: bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")), line: 1}
	s.header()
	for _, i := range s.imports {
		h.embeds = h.embeds || i.Path == "embed"
		h.cgo = h.cgo || i.Path == "C"
	}
	h.imports = s.imports
	// A NUL is the one error for which go mod vendor copies without a look at
	// the constraint (imports.ReadImports, errNUL).
	h.ignored = !s.nul && !shouldBuild(s.data)
	return h, !s.ended
}

// A scanner reads imports as cmd/go does (imports/read.go, ReadImports): without
// more of Go's grammar than it takes to find where they end. A syntax error ends
// them.
type scanner struct {
	data    []byte
	at      int
	line    int
	ended   bool // data ended
	nul     bool
	bad     bool
	imports []Import
}

func (s *scanner) header() {
	s.keyword("package")
	s.ident()
	for s.peek() == 'i' {
		s.keyword("import")
		if s.peek() != '(' {
			s.importSpec()
			continue
		}
		s.at++
		for c := s.peek(); c != ')' && !s.failed(); c = s.peek() {
			s.importSpec()
		}
		if !s.failed() {
			s.at++
		}
	}
}

func (s *scanner) failed() bool { return s.bad || s.ended || s.nul }

// peek is the next byte after spaces, semicolons and comments; 0 when there is
// none to be had.
func (s *scanner) peek() byte {
	for !s.failed() {
		if s.at >= len(s.data) {
			s.ended = true
			return 0
		}
		switch c := s.data[s.at]; c {
		case 0:
			s.nul = true
			return 0
		case '\n':
			s.line++
			s.at++
		case ' ', '\f', '\t', '\r', ';':
			s.at++
		case '/':
			s.comment()
		default:
			return c
		}
	}
	return 0
}

func (s *scanner) comment() {
	rest := s.data[s.at:]
	var end, skip int
	switch {
	case len(rest) < 2:
		s.ended = true
		return
	case rest[1] == '/':
		end, skip = bytes.IndexByte(rest, '\n'), 0
	case rest[1] == '*':
		if end = bytes.Index(rest[2:], []byte("*/")); end >= 0 {
			end, skip = end+2, 2
		}
	default:
		s.bad = true
		return
	}
	body := rest
	if end >= 0 {
		body = rest[:end+skip]
	}
	if bytes.IndexByte(body, 0) >= 0 {
		s.nul = true
		return
	}
	if end < 0 {
		s.ended = true
		return
	}
	s.line += bytes.Count(body, []byte("\n"))
	s.at += len(body)
}

func isIdent(c byte) bool {
	return 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '_' || c >= utf8.RuneSelf
}

func (s *scanner) keyword(word string) {
	s.peek()
	rest := s.data[min(s.at, len(s.data)):]
	switch {
	case s.failed():
	case bytes.HasPrefix(rest, []byte(word)):
		s.at += len(word)
		if s.at >= len(s.data) {
			s.ended = true
		} else if isIdent(s.data[s.at]) {
			s.bad = true
		}
	case len(rest) < len(word) && strings.HasPrefix(word, string(rest)):
		s.ended = true
	default:
		s.bad = true
	}
}

func (s *scanner) ident() {
	c := s.peek()
	if s.failed() {
		return
	}
	if !isIdent(c) {
		s.bad = true
		return
	}
	for s.at < len(s.data) && isIdent(s.data[s.at]) {
		s.at++
	}
	if s.at >= len(s.data) {
		s.ended = true
	}
}

func (s *scanner) importSpec() {
	c := s.peek()
	if c == '.' {
		s.at++
	} else if isIdent(c) {
		s.ident()
	}
	s.text()
}

// text reads the path of an import.
func (s *scanner) text() {
	c := s.peek()
	if s.failed() {
		return
	}
	if c != '"' && c != '`' {
		s.bad = true
		return
	}
	line := s.line
	for i := s.at + 1; i < len(s.data); i++ {
		switch b := s.data[i]; {
		case b == 0:
			s.nul = true
			return
		case b == c:
			if p, err := strconv.Unquote(string(s.data[s.at : i+1])); err == nil {
				s.imports = append(s.imports, Import{Path: p, Line: line})
			}
			s.at = i + 1
			return
		case b == '\\' && c == '"':
			i++
		case b == '\n' && c == '"':
			s.bad = true
			return
		case b == '\n':
			s.line++
		}
	}
	s.ended = true
}

// shouldBuild is cmd/go's imports.ShouldBuild with every tag both true and
// false, but for "ignore": whether any build can use the file.
func shouldBuild(data []byte) bool {
	lead, goBuild, ok := fileHeader(data)
	if !ok {
		return false
	}
	if goBuild != "" {
		x, err := constraint.Parse(goBuild)
		return err == nil && possible(x, true)
	}
	for line := range bytes.Lines(lead) {
		line = bytes.TrimSpace(line)
		if !bytes.HasPrefix(line, []byte("//")) || !bytes.Contains(line, []byte("+build")) || !constraint.IsPlusBuild(string(line)) {
			continue
		}
		if x, err := constraint.Parse(string(line)); err == nil && !possible(x, true) {
			return false
		}
	}
	return true
}

// fileHeader is cmd/go's parseFileHeader: the leading comments that a blank line
// ends, and the one //go:build line. ok is false where there are several.
func fileHeader(data []byte) (lead []byte, goBuild string, ok bool) {
	end := 0
	ended, inComment := false, false
	rest := data
Lines:
	for len(rest) > 0 {
		line, after, _ := bytes.Cut(rest, []byte("\n"))
		rest = after
		line = bytes.TrimSpace(line)
		if len(line) == 0 && !ended {
			end = len(data) - len(rest)
			continue
		}
		if !bytes.HasPrefix(line, []byte("//")) {
			ended = true
		}
		if !inComment && isGoBuild(line) {
			if goBuild != "" {
				return nil, "", false
			}
			goBuild = string(line)
		}
		for len(line) > 0 {
			if inComment {
				_, tail, closed := bytes.Cut(line, []byte("*/"))
				if !closed {
					continue Lines
				}
				inComment = false
				line = bytes.TrimSpace(tail)
				continue
			}
			if bytes.HasPrefix(line, []byte("//")) {
				continue Lines
			}
			tail, opened := bytes.CutPrefix(line, []byte("/*"))
			if !opened {
				break Lines
			}
			inComment = true
			line = bytes.TrimSpace(tail)
		}
	}
	return data[:end], goBuild, true
}

func isGoBuild(line []byte) bool {
	rest, ok := bytes.CutPrefix(line, []byte("//go:build"))
	return ok && (len(rest) == 0 || len(bytes.TrimSpace(rest)) < len(rest))
}

// possible is cmd/go's imports.eval: prefer is what a tag is taken for.
func possible(x constraint.Expr, prefer bool) bool {
	switch x := x.(type) {
	case *constraint.TagExpr:
		for _, c := range x.Tag {
			if !unicode.IsLetter(c) && !unicode.IsDigit(c) && c != '_' && c != '.' {
				return false
			}
		}
		return x.Tag != "" && x.Tag != "ignore" && prefer
	case *constraint.NotExpr:
		return !possible(x.X, !prefer)
	case *constraint.AndExpr:
		return possible(x.X, prefer) && possible(x.Y, prefer)
	case *constraint.OrExpr:
		return possible(x.X, prefer) || possible(x.Y, prefer)
	}
	return false
}
