package plain

import (
	"fmt"
	"strconv"
)

// Count is a number with its noun: "1 module", "2 modules", "1,204 files".
func Count(n int, noun string) string { return Thousands(n) + " " + plural(n, noun) }

// plural is the noun for n things.
func plural(n int, noun string) string {
	if n == 1 {
		return noun
	}
	if l := len(noun); l > 1 && noun[l-1] == 'y' && noun[l-2] != 'a' && noun[l-2] != 'e' && noun[l-2] != 'o' {
		return noun[:l-1] + "ies"
	}
	return noun + "s"
}

// Thousands is n with commas: "121,084".
func Thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// Bytes is a size for people: "512 B", "1.9 GB" in powers of 1000.
func Bytes(n int64) string {
	if n < 1000 {
		return fmt.Sprintf("%d B", n)
	}
	f, unit := float64(n), ""
	for _, u := range []string{"kB", "MB", "GB", "TB", "PB"} {
		f, unit = f/1000, u
		if f < 999.95 {
			break
		}
	}
	return fmt.Sprintf("%.1f %s", f, unit)
}
