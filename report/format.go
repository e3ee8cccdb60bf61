package report

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// duration is a time for people, never longer than nine columns: "9 ms",
// "0.6 s", "1 m 05 s", "2 h 03 m". Negative times (a saved report may claim
// anything) are "0 ms".
func duration(ms int64) string {
	switch {
	case ms < 100:
		return fmt.Sprintf("%d ms", max(ms, 0))
	case ms < 59_950:
		return fmt.Sprintf("%.1f s", float64(ms)/1000)
	case ms < 3_600_000-500:
		s := (ms + 500) / 1000
		return fmt.Sprintf("%d m %02d s", s/60, s%60)
	}
	m := (min(ms, 1<<60) + 500) / 60_000
	if m >= 100*60 {
		return "> 99 h"
	}
	return fmt.Sprintf("%d h %02d m", m/60, m%60)
}

// cut is s with at most n runes; what is cut ends in "…".
func cut(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	if n < 1 {
		return ""
	}
	return strings.TrimRight(string([]rune(s)[:n-1]), " ") + "…"
}

// wrap breaks a line between words so that no part is wider than width runes,
// but for words that are wider by themselves. Width 0 never breaks.
func wrap(s string, width int) []string {
	if width <= 0 || utf8.RuneCountInString(s) <= width {
		return []string{s}
	}
	var lines []string
	line, n := "", 0
	for word := range strings.FieldsSeq(s) {
		w := utf8.RuneCountInString(word)
		if n > 0 && n+1+w > width {
			lines = append(lines, line)
			line, n = "", 0
		}
		if n > 0 {
			line, n = line+" ", n+1
		}
		line, n = line+word, n+w
	}
	return append(lines, line)
}

// pad is s filled with spaces to n runes.
func pad(s string, n int) string {
	return s + strings.Repeat(" ", max(0, n-utf8.RuneCountInString(s)))
}

// padLeft is s moved right to end at column n.
func padLeft(s string, n int) string {
	return strings.Repeat(" ", max(0, n-utf8.RuneCountInString(s))) + s
}
