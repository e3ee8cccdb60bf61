package ci

import (
	"encoding/hex"
	"net/url"
	"strconv"
	"strings"
	"unicode"
)

// sha returns the first of the texts that is the full name of a commit, SHA-1 or
// SHA-256, but not the null one that stands for "none".
func sha(texts ...string) string {
	for _, text := range texts {
		if n := len(text); n != 40 && n != 64 {
			continue
		}
		if _, err := hex.DecodeString(text); err == nil && strings.Trim(text, "0") != "" {
			return strings.ToLower(text)
		}
	}
	return ""
}

// maxRef bounds a branch's name, in bytes; file systems allow no more for one.
const maxRef = 255

// branch returns the first of the texts that can be a branch's name, without
// "refs/heads/".
func branch(texts ...string) string {
	for _, text := range texts {
		if name := strings.TrimPrefix(text, "refs/heads/"); validRef(name) {
			return name
		}
	}
	return ""
}

// ref is the name of a branch, a tag or another reference, the first two without
// what says which of them they are; nothing if none can have the name.
func ref(text string) string {
	name := strings.TrimPrefix(branch(text), "refs/tags/")
	if !validRef(name) {
		return ""
	}
	return name
}

// validRef reports whether a branch or tag can have a name. The rules are a
// cautious part of git-check-ref-format's.
func validRef(name string) bool {
	bad := strings.ContainsFunc(name, func(r rune) bool {
		return unicode.IsControl(r) || unicode.IsSpace(r) || strings.ContainsRune(`~^:?*[\`, r) || r == unicode.ReplacementChar
	})
	return name != "" && len(name) <= maxRef && !bad && !strings.HasPrefix(name, "-") &&
		!strings.Contains(name, "..") && !strings.Contains(name, "@{")
}

// number returns the first of the texts that is a positive number, else 0.
func number(texts ...string) int {
	for _, text := range texts {
		if n, err := strconv.ParseUint(text, 10, 31); err == nil && n > 0 {
			return int(n)
		}
	}
	return 0
}

// id is the number of a run or a job, of which there are more than 31 bits can
// count; 0 for anything else.
func id(text string) int64 {
	n, err := strconv.ParseUint(text, 10, 63)
	if err != nil {
		return 0
	}
	return int64(n)
}

// maxPart bounds each part of a repository's name, in bytes: the limit for the
// second one on GitHub and Gitea; for the first they have 39 and 40.
const maxPart = 100

// repository returns a text that is "owner/name", else nothing. Both sites allow
// ASCII letters, digits, ".", "_" and "-" in a part.
func repository(text string) string {
	owner, name, _ := strings.Cut(text, "/")
	if strings.HasPrefix(owner, "-") {
		return ""
	}
	for _, part := range []string{owner, name} {
		foreign := strings.ContainsFunc(part, func(r rune) bool {
			return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("._-", r)
		})
		if part == "" || part == "." || part == ".." || len(part) > maxPart || foreign {
			return ""
		}
	}
	return text
}

// maxURL bounds a page's address, in bytes.
const maxURL = 2000

// page returns the address of a page as a link: https or http, without
// credentials, query and fragment; empty for anything else.
func page(text string) string {
	u, err := url.Parse(text)
	if err != nil || len(text) > maxURL || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" {
		return ""
	}
	u.User, u.RawQuery, u.ForceQuery, u.Fragment, u.RawFragment = nil, "", false, "", ""
	return u.String()
}

// below reports whether a page lies on a server, or below its path.
func below(address, server string) bool {
	server = page(server)
	return server != "" && strings.HasPrefix(address, strings.TrimSuffix(server, "/")+"/")
}

// maxWord bounds an event's name, in bytes.
const maxWord = 100

// word returns a text that is one printable word, else nothing.
func word(text string) string {
	if len(text) > maxWord || strings.ContainsFunc(text, func(r rune) bool { return unprintable(r) || r == ' ' }) {
		return ""
	}
	return text
}

// maxLabel bounds a workflow's or a job's name, in bytes: GitLab allows 255
// characters for either, GitHub no more for a file.
const maxLabel = 1024

// label returns the first of the texts that is one printable line, else nothing.
// Cutting a name short would make two of them one.
func label(texts ...string) string {
	for _, text := range texts {
		if text != "" && len(text) <= maxLabel && !strings.ContainsFunc(text, unprintable) {
			return text
		}
	}
	return ""
}

// unprintable reports whether a character shows nothing, or stands for a byte
// that is no UTF-8.
func unprintable(r rune) bool { return !unicode.IsPrint(r) || r == unicode.ReplacementChar }
