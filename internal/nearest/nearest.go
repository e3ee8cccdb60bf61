// Package nearest finds the word that was probably meant when an unknown one was
// written, for "did you mean" hints. It knows nothing of where words come from
// and never changes what was written.
package nearest

import (
	"strings"

	"github.com/agnivade/levenshtein"
)

// maxLength bounds what is compared, in bytes: the distance costs the product of
// both lengths, and a longer word is no slip of the finger.
const maxLength = 80

// minPrefix is how many bytes an abbreviation has at least: "warn" means
// "warning", "w" nothing.
const minPrefix = 3

// Word returns the known word nearest to got, ignoring case, and whether one is
// near enough to be meant: at most one edit, and one more for every five bytes of
// got, or got is the beginning of it. Among equals the first known wins.
func Word(got string, known []string) (string, bool) {
	if got == "" || len(got) > maxLength {
		return "", false
	}
	lower := strings.ToLower(got)
	best, word := 1+len(got)/5, ""
	for _, k := range known {
		if len(k) > maxLength {
			continue
		}
		d := levenshtein.ComputeDistance(lower, strings.ToLower(k))
		if d < best || d == best && word == "" {
			best, word = d, k
		}
	}
	if word != "" || len(got) < minPrefix {
		return word, word != ""
	}
	for _, k := range known {
		if strings.HasPrefix(strings.ToLower(k), lower) {
			return k, true
		}
	}
	return "", false
}
