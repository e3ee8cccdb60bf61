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
	maxZip  = 256 << 10 // enough to judge most, and to say how fast it comes
	// maxZipFile is the largest zip that the go command takes (cmd/go/internal/
	// modfetch/codehost, MaxZipFile).
	maxZipFile = 500 << 20
	// minMeasured is how much must have come to say how fast.
	minMeasured = 64 << 10
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
	case Info, Latest, Missing, Escaped, Unescaped:
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
	if (e == Mod || e == Zip || e == List || e == SumDB) && isHTML(data) {
		return errors.New("answers with a web page")
	}
	switch e {
	case Info, Latest, Missing, Escaped, Unescaped:
		return checkInfo(e, m, data)
	case Mod:
		return checkMod(m, data)
	case Zip:
		return checkZip(m, data)
	}
	return nil
}

// checkMod looks for the module line, and whose it is. The go command compares
// it when it loads the module graph ("module declares its path as").
func checkMod(m module.Version, data []byte) error {
	var path string
	if f, err := modfile.ParseLax("go.mod", data, nil); err != nil {
		path = modfile.ModulePath(data) // of a file that has another fault
	} else if f.Module != nil {
		path = f.Module.Mod.Path
	}
	switch {
	case path == "":
		return errors.New("answers with a file that has no module line")
	case path != m.Path:
		return fmt.Errorf("answers with the go.mod of another module, %.100s", path)
	}
	return nil
}

// checkInfo is what proxyRepo.Stat and Latest of cmd/go/internal/modfetch/
// proxy.go ask.
func checkInfo(e Endpoint, m module.Version, data []byte) error {
	var info struct{ Version string }
	if err := json.Unmarshal(data, &info); err != nil {
		if isHTML(data) {
			return fmt.Errorf("answers with a web page: %w", err)
		}
		return fmt.Errorf("answers with what is not JSON: %w", err)
	}
	if e != Latest && info.Version != m.Version {
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
