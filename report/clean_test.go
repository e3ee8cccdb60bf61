package report

import (
	"slices"
	"strings"
	"testing"
)

func TestGuardLog(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, in, want string }{
		{"plain", "  ✓ host  2 cores", "  ✓ host  2 cores"},
		{"at the start", "::error::x", `\::error::x`},
		{"after white space", " \t\u00a0\u3000::error::x", " \t\u00a0\u3000" + `\::error::x`},
		{"inside a line", "see ::error::x", "see ::error::x"},
		{"old form anywhere", "see ##[add-mask]x ##[group]", `see ##\[add-mask]x ##\[group]`},
		{"more hashes", "###[x]", `###\[x]`},
		{"after a carriage return", "a\r ::error::x\r\n::y", "a\r \\::error::x\r\n\\::y"},
		{"later line", "a\n::stop-commands::x\nb", "a\n" + `\::stop-commands::x` + "\nb"},
	} {
		if got := guardLog(tt.in); got != tt.want {
			t.Errorf("%s: guardLog(%q) = %q, want %q", tt.name, tt.in, got, tt.want)
		}
	}
}

func FuzzGuardLog(f *testing.F) {
	for _, seed := range []string{"::error::x", "  ::x::", "##[x]", "##[##[", "#" + "##[", "a\r::b::", "\u2003::x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := guardLog(s)
		if found := logCommands(got); len(found) > 0 || strings.Contains(got, "##[") {
			t.Errorf("guardLog(%q) = %q leaves %q", s, got, found)
		}
		for _, l := range strings.FieldsFunc(got, func(r rune) bool { return r == '\n' || r == '\r' }) {
			if strings.HasPrefix(strings.TrimSpace(l), "::") {
				t.Errorf("guardLog(%q) leaves %q", s, l)
			}
		}
		if again := guardLog(got); again != got {
			t.Errorf("guarding twice changes %q to %q", got, again)
		}
		if strings.ReplaceAll(got, `\`, "") != strings.ReplaceAll(s, `\`, "") {
			t.Errorf("guardLog(%q) = %q: only backslashes may be added", s, got)
		}
	})
}

func TestVerbatim(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, in string
		want     []string
	}{
		{"nothing", " \n\n", nil},
		{"spaces stay", "a  'b  c'", []string{"a  'b  c'"}},
		{"lines and tabs stay", "\nif x; then\n\ty\nfi\n", []string{"if x; then", "\ty", "fi"}},
		{"what cannot be seen goes", "rm\u202e -rf\x1b[2K\u200b\u034f\u3164\r\n", []string{"rm -rf[2K"}},
		{"no UTF-8", "a\xffb", []string{"a\uFFFDb"}},
	} {
		if got := verbatim(tt.in); !slices.Equal(got, tt.want) {
			t.Errorf("%s: verbatim = %q, want %q", tt.name, got, tt.want)
		}
	}
}
