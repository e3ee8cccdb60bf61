package goproxy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"

	"github.com/gopreflight/gopreflight/internal/plain"
)

// What is read of an answer, in bytes. The go command itself reads an info and
// a list without a limit, and a mod of any size; real ones are far smaller.
const (
	maxInfo = 1 << 20
	maxMod  = 16 << 20 // the limit of a go.mod inside a zip (x/mod/zip.MaxGoMod)
	maxList = 4 << 20
	maxZip  = 512 // enough for its signature
	// maxDetail is read of an answer that is an error.
	maxDetail = 4 << 10
)

// What is shown of a server's text. cmd/go shows 8 lines (internal/web/api.go).
const (
	maxDetailLines = 8
	maxDetailLine  = 160
)

// limit is how much of an endpoint's answer is read.
func (e Endpoint) limit() int64 {
	switch e {
	case Info:
		return maxInfo
	case Mod:
		return maxMod
	case Zip:
		return maxZip
	}
	return maxList
}

// checkContent says what is wrong with the content of an answer of status 200,
// as a predicate of who answers.
// The go command finds the first two at once; it finds a bad zip after the
// choice of the proxy, a bad mod only by its checksum, and takes a list that is
// a web page for "no versions".
func checkContent(e Endpoint, m module.Version, data []byte) error {
	if e != Zip && int64(len(data)) > e.limit() {
		return fmt.Errorf("answers with more than %d bytes", e.limit())
	}
	if e != Info && isHTML(data) {
		return errors.New("answers with a web page")
	}
	switch e {
	case Info:
		return checkInfo(m, data)
	case Mod:
		if !declaresModule(data) {
			return errors.New("answers with a file that has no module line")
		}
	case Zip:
		if !bytes.HasPrefix(data, []byte("PK")) {
			return errors.New("answers with what is not a zip file")
		}
	}
	return nil
}

// declaresModule reports whether a go.mod has a module line, in either form.
func declaresModule(data []byte) bool {
	if modfile.ModulePath(data) != "" {
		return true
	}
	f, err := modfile.ParseLax("go.mod", data, nil)
	return err == nil && f.Module != nil
}

// checkInfo is what proxyRepo.Stat of cmd/go/internal/modfetch/proxy.go asks.
func checkInfo(m module.Version, data []byte) error {
	var info struct{ Version string }
	if err := json.Unmarshal(data, &info); err != nil {
		if isHTML(data) {
			return fmt.Errorf("answers with a web page: %w", err)
		}
		return fmt.Errorf("answers with what is not JSON: %w", err)
	}
	if info.Version != m.Version {
		return fmt.Errorf("answers for version %.40q instead of %s", info.Version, m.Version)
	}
	return nil
}

// isHTML reports whether a text starts as a web page does.
func isHTML(data []byte) bool {
	head := bytes.ToLower(bytes.TrimLeft(data[:min(len(data), 256)], "\xef\xbb\xbf \t\r\n"))
	return bytes.HasPrefix(head, []byte("<!doctype")) || bytes.HasPrefix(head, []byte("<html"))
}

// firstLines is the first lines of what a server sent as text, up to the first
// empty one, without anything that is not graphic.
func firstLines(contentType string, data []byte) []string {
	if !strings.HasPrefix(contentType, "text/") && !strings.Contains(contentType, "json") {
		return nil
	}
	var lines []string
	for line := range strings.SplitSeq(strings.TrimSpace(string(data)), "\n") {
		line = strings.TrimSpace(line)
		if line == "" || len(lines) == maxDetailLines {
			break
		}
		lines = append(lines, oneLine(line, maxDetailLine))
	}
	return lines
}

// oneLine makes hostile text fit for a message: plain, one line, at most limit
// characters.
func oneLine(s string, limit int) string {
	s = plain.Line(s)
	if r := []rune(s); len(r) > limit {
		return string(r[:limit]) + "…"
	}
	return s
}
