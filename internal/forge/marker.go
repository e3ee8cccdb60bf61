package forge

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
)

// Key names one comment of a pull request: what a job of a workflow writes
// under an ID, which tells the jobs of a matrix apart.
type Key struct {
	// Workflow is the path of the workflow's file.
	Workflow string
	Job      string
	// ID is the user's own (input comment-id).
	ID string
}

// Stamp says which run wrote a comment.
type Stamp struct {
	// SHA is the commit that was judged, in hexadecimal.
	SHA string
	// Run grows from run to run, Attempt from attempt to attempt of one run; 0
	// where unknown.
	Run     int64
	Attempt int
}

// newer reports whether a stamp is by a later run, or a later attempt of it.
func (s Stamp) newer(than Stamp) bool {
	if s.Run != than.Run {
		return s.Run > than.Run
	}
	return s.Attempt > than.Attempt
}

// markerStart begins the first line of every comment of ours.
const markerStart = "<!-- gopreflight:v1 "

// maxMarker is the longest marker with its line break, in bytes.
const maxMarker = len(markerStart+"key= sha= run= attempt= -->\n") + 2*keySize + 64 + 2*19

// keySize is how much of the key's hash a marker has, in bytes: nobody gains by
// a collision, since a comment is ours only by its author too.
const keySize = 16

// MaxBody is how long a Post's body may be in bytes, which leaves its comment
// room for the marker.
const MaxBody = MaxComment - maxMarker

// Marker returns the first line of a comment, which Markdown does not show.
// Nothing of a key or a stamp can end the HTML comment that it is: the key is
// a hash, a SHA that is no object name of git is "-".
func Marker(k Key, s Stamp) string {
	return formatMarker(k.hash(), s)
}

func formatMarker(key string, s Stamp) string {
	sha := strings.ToLower(s.SHA)
	if !objectName(sha) {
		sha = "-"
	}
	return fmt.Sprintf("%skey=%s sha=%s run=%d attempt=%d -->", markerStart, key, sha, max(s.Run, 0), max(s.Attempt, 0))
}

// hash tells keys apart: the fields' lengths keep ("a", "bc") and ("ab", "c")
// two.
func (k Key) hash() string {
	h := sha256.New()
	for _, s := range []string{k.Workflow, k.Job, k.ID} {
		fmt.Fprintf(h, "%d:%s", len(s), s)
	}
	return hex.EncodeToString(h.Sum(nil)[:keySize])
}

// readMarker returns the hash of the key and the stamp of a comment whose first
// line is, byte for byte, a marker.
func readMarker(body string) (key string, s Stamp, ok bool) {
	if len(body) > maxMarker {
		body = body[:maxMarker]
	}
	line, _, _ := strings.Cut(body, "\n")
	line = strings.TrimSuffix(line, "\r") // as a browser leaves it after an edit by hand
	rest, ok := strings.CutPrefix(line, markerStart)
	if !ok {
		return "", Stamp{}, false
	}
	fields := strings.Split(rest, " ")
	if len(fields) != 5 {
		return "", Stamp{}, false
	}
	key = strings.TrimPrefix(fields[0], "key=")
	if sha := strings.TrimPrefix(fields[1], "sha="); sha != "-" {
		s.SHA = sha
	}
	// What does not parse, or is written otherwise than Marker writes it, shows
	// when it is written again.
	s.Run, _ = strconv.ParseInt(strings.TrimPrefix(fields[2], "run="), 10, 64)
	s.Attempt, _ = strconv.Atoi(strings.TrimPrefix(fields[3], "attempt="))
	if !hexadecimal(key, 2*keySize) || formatMarker(key, s) != line {
		return "", Stamp{}, false
	}
	return key, s, true
}

// objectName reports whether a string names a commit in full: 40 digits in
// SHA-1 repositories, 64 in SHA-256 ones.
func objectName(s string) bool { return hexadecimal(s, 40) || hexadecimal(s, 64) }

func hexadecimal(s string, n int) bool {
	return len(s) == n && strings.Trim(s, "0123456789abcdef") == ""
}
