package vendortree

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
)

// compared compares a file of the module with one of vendor: each is opened
// once and read as far as they are the same.
func (w *worker) compared(src, dst string, goFile bool) (h header, left bool, err error) {
	theirs, err := w.content.Open(src)
	if err != nil {
		return h, false, err
	}
	defer theirs.Close()
	n, err := fill(theirs, w.theirs)
	if err != nil {
		return h, false, err
	}
	var rest io.Reader = theirs
	if goFile {
		var more []byte
		if h, more, err = w.longHeader(theirs, n, src); err != nil {
			return h, false, err
		}
		if h.ignored {
			return h, true, nil
		}
		if more != nil {
			rest = io.MultiReader(bytes.NewReader(more), theirs)
		}
	}
	v := verdict{module: w.index, kind: Missing}
	if w.tree.files[dst] {
		if v, err = w.contents(dst, n, rest); err != nil {
			return h, false, err
		}
	}
	v.code = w.found[dst].code
	w.found[dst] = v
	return h, false, nil
}

// contents compares a file of vendor with one of the module, whose first n
// bytes are in theirs.
func (w *worker) contents(dst string, n int, rest io.Reader) (verdict, error) {
	v := verdict{module: w.index}
	ours, err := w.vendor.Open(dst)
	if err != nil {
		return v, err
	}
	defer ours.Close()
	line := 1
	for {
		if w.ctx.Err() != nil {
			return v, context.Cause(w.ctx)
		}
		m, err := fill(ours, w.ours)
		if err != nil {
			return v, err
		}
		is, want := w.ours[:m], w.theirs[:n]
		if !bytes.Equal(is, want) {
			return v, v.differ(is, want, line, ours, rest)
		}
		v.size += int64(n)
		if n < len(w.theirs) {
			return v, nil
		}
		line += bytes.Count(is, []byte("\n"))
		if n, err = fill(rest, w.theirs); err != nil {
			return v, err
		}
	}
}

// differ notes where two contents part: is and want are the pieces that begin
// at a line, ours and theirs what comes after them.
func (v *verdict) differ(is, want []byte, line int, ours, theirs io.Reader) error {
	v.kind = Modified
	at := 0
	for at < min(len(is), len(want)) && is[at] == want[at] {
		at++
	}
	if bytes.IndexByte(is, 0) >= 0 || bytes.IndexByte(want, 0) >= 0 {
		return nil // no text
	}
	same, err := sameText(io.MultiReader(bytes.NewReader(is[at:]), ours), io.MultiReader(bytes.NewReader(want[at:]), theirs))
	if err != nil {
		return err
	}
	if same {
		v.kind = LineEndings
	}
	v.line = line + bytes.Count(is[:at], []byte("\n"))
	from := bytes.LastIndexByte(is[:at], '\n') + 1
	v.is, v.want = lineAt(is, from), lineAt(want, from)
	return nil
}

// maxLine is how much of a line that differs is kept, in bytes.
const maxLine = 200

func lineAt(data []byte, from int) string {
	line, _, _ := bytes.Cut(data[from:], []byte("\n"))
	line = bytes.TrimSuffix(line, []byte("\r"))
	return strings.ToValidUTF8(string(line[:min(len(line), maxLine)]), "\uFFFD")
}

// sameText reports whether two contents are the same but for carriage returns
// before the ends of lines.
func sameText(a, b io.Reader) (bool, error) {
	x, y := bufio.NewReader(a), bufio.NewReader(b)
	for {
		c, errX := textByte(x)
		d, errY := textByte(y)
		switch {
		case errors.Is(errX, io.EOF) || errors.Is(errY, io.EOF):
			return errors.Is(errX, io.EOF) && errors.Is(errY, io.EOF), nil
		case errX != nil:
			return false, errX
		case errY != nil:
			return false, errY
		case c != d:
			return false, nil
		}
	}
}

func textByte(r *bufio.Reader) (byte, error) {
	c, err := r.ReadByte()
	if c == '\r' {
		if next, err := r.Peek(1); err == nil && next[0] == '\n' {
			return r.ReadByte()
		}
	}
	return c, err
}

// fill reads until buf is full or the file ends.
func fill(r io.Reader, buf []byte) (int, error) {
	n, err := io.ReadFull(r, buf)
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		err = nil
	}
	return n, err
}
