package nearest_test

import (
	"strings"
	"testing"

	"github.com/gopreflight/gopreflight/internal/nearest"
)

func TestWord(t *testing.T) {
	t.Parallel()
	severities := []string{"error", "warning", "notice", "off"}
	rules := []string{"proxy/dns", "proxy/tls", "proxy/tls-expired", "gosum/missing"}
	for _, test := range []struct {
		name, got string
		known     []string
		want      string
	}{
		{"a letter missing", "eror", severities, "error"},
		{"two letters swapped", "wraning", severities, "warning"},
		{"case", "ERROR", severities, "error"},
		{"an abbreviation", "warn", severities, "warning"},
		{"too short an abbreviation", "w", severities, ""},
		{"another word", "fatal", severities, ""},
		{"the nearest wins", "proxy/tls-expire", rules, "proxy/tls-expired"},
		{"the first wins among equals", "proxy/tns", rules, "proxy/dns"},
		{"a beginning", "gosum/", rules, "gosum/missing"},
		{"nothing written", "", severities, ""},
		{"nothing known", "error", nil, ""},
		{"one letter is no hint for a word of two", "ab", []string{"xy"}, ""},
		{"a long word", strings.Repeat("a", 100), []string{strings.Repeat("a", 99)}, ""},
		{"a long known word is passed over", "aaa", []string{strings.Repeat("a", 99), "aaaa"}, "aaaa"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, ok := nearest.Word(test.got, test.known)
			if got != test.want || ok != (test.want != "") {
				t.Errorf("Word(%q) = %q, %t, want %q", test.got, got, ok, test.want)
			}
		})
	}
}
