package plain

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestLine(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, in, want string }{
		{"plain", "go: module example.com/m: not found", "go: module example.com/m: not found"},
		{"empty", "", ""},
		{"spaces alone", " \t\r\n ", ""},
		{"white space becomes one space", "  a\tb\n\nc \r\n d  ", "a b c d"},
		{"colour", "\x1b[31merror\x1b[0m: \x1b[1;38;5;12mx\x1b[m", "error: x"},
		{"cursor and screen", "a\x1b[2J\x1b[H\x1b[?25lb\x1b[10;20Hc\x1b[ q", "abc"},
		{"8-bit control sequence", "a\u009b31mb", "ab"},
		{"window title", "a\x1b]0;owned\x07b\x1b]2;owned\x1b\\c", "abc"},
		{"link", "\x1b]8;;https://evil.example/\x1b\\go.dev\x1b]8;;\x1b\\", "go.dev"},
		{"8-bit link", "\u009d8;;https://evil.example/\u009cgo.dev\u009d8;;\u009c", "go.dev"},
		{"device control, application, privacy, start of string", "a\x1bP1$r0m\x1b\\b\x1b_x\x1b\\c\x1b^y\x1b\\d\x1bXz\x1b\\e", "abcde"},
		{"a string without an end ends with the line", "a\x1b]0;title\nb", "a b"},
		{"character set and reset", "a\x1b(B\x1bcb\x1b7\x1b=c", "abc"},
		{"escape at the end", "a\x1b", "a"},
		{"escape that a removed one leaves", "a\x1b\x1b[m[31mb", "a[31mb"},
		{"other control characters", "a\x00\x07\x08\x7f\u0080\u0081b", "ab"},
		{"lone carriage return", "fine\roverwritten", "fine overwritten"},
		{"line separators", "a\u0085b\u2028c\u2029d\vx\fy", "a b c dxy"},
		{"direction", "a\u202eb\u2066c\u2069\u200f\u061cd", "abcd"},
		{"invisible", "a\u200bb\u200dc\ufeffd\u00ade\u2060f\U000e0041g\u3164h\u034fi", "abcdefghi"},
		{"invisible between spaces", "a \u200b b", "a b"},
		{"not UTF-8", "a\xff\xc3(b", "a\uFFFD\uFFFD(b"},
		{"letters of all kinds", "žluťoučký 模块 модуль 🙂 é", "žluťoučký 模块 модуль 🙂 é"},
		{"workflow command", "::error::x\n##[set-output]y", "::error::x ##[set-output]y"},
		{"as long as can be", strings.Repeat("x", MaxLine), strings.Repeat("x", MaxLine)},
		{"one too long", strings.Repeat("x", MaxLine+1), strings.Repeat("x", MaxLine-3) + "…"},
		{"very long", strings.Repeat("x", 10<<20), strings.Repeat("x", MaxLine-3) + "…"},
		{"cut between characters", strings.Repeat("模", MaxLine), strings.Repeat("模", (MaxLine-3)/3) + "…"},
		{"cut at a space", strings.Repeat("x", MaxLine-4) + "  " + strings.Repeat("y", 10), strings.Repeat("x", MaxLine-4) + "…"},
		{"long but invisible", strings.Repeat("\x1b[0m", 5000) + "x", "x"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := Line(tt.in); got != tt.want {
				t.Errorf("%.200q, want %.200q", got, tt.want)
			}
		})
	}
}

func TestLines(t *testing.T) {
	t.Parallel()
	many := make([]string, 3*MaxLines)
	for i := range many {
		many[i] = fmt.Sprint("line ", i)
	}
	for _, tt := range []struct {
		name     string
		in, want []string
	}{
		{"none", nil, nil},
		{"indentation is kept", []string{"a", "\tb", "  \tc", "\t\t d e \t"}, []string{"a", "    b", "      c", "         d e"}},
		{"but not for ever", []string{strings.Repeat("\t", 1000) + "x", strings.Repeat(" ", 10<<20) + "x"}, []string{strings.Repeat(" ", 40) + "x", strings.Repeat(" ", 40) + "x"}},
		{"empty lines are kept", []string{"a", "", "  ", "b"}, []string{"a", "", "", "b"}},
		{"one text of several lines", []string{"a\n\tb\r\n", "c\r"}, []string{"a", "    b", "c"}},
		{"escapes behind the indentation", []string{"\t\x1b[31m\tx\x1b[0m", "\x1b[31m  y"}, []string{"    x", "y"}},
		{"as many as can be", many[:MaxLines], many[:MaxLines]},
		{"one too many", many[:MaxLines+1], append(slices.Clone(many[:MaxLines-1]), "… 2 more lines")},
		{"too many in one text", []string{strings.Join(many, "\n")}, append(slices.Clone(many[:MaxLines-1]), "… 81 more lines")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := Lines(tt.in)
			if !slices.Equal(got, tt.want) {
				t.Errorf("%.2000q, want %.2000q", got, tt.want)
			}
			if again := Lines(got); !slices.Equal(again, got) {
				t.Errorf("again: %.2000q, was %.2000q", again, got)
			}
		})
	}
	if got, want := Text("a\n\tb\x1b[0m\n\nc\n"), "a\n    b\n\nc\n"; got != want {
		t.Errorf("Text: %q, want %q", got, want)
	}
}

// mustBeClean reports what may not be in a cleaned line.
func mustBeClean(t *testing.T, s string, limit int) {
	t.Helper()
	if len(s) > limit {
		t.Errorf("%d bytes, want at most %d", len(s), limit)
	}
	if !utf8.ValidString(s) {
		t.Errorf("not UTF-8: %q", s)
	}
	for _, r := range s {
		if unicode.IsControl(r) || Invisible(r) || r == '\u2028' || r == '\u2029' {
			t.Errorf("%U is left in %q", r, s)
		}
	}
}

func FuzzLine(f *testing.F) {
	for _, s := range []string{"", "a b", "\x1b[31mx\x1b[0m", "\x1b]8;;u\x1b\\t", "\u009b1m", "\xff\xfe", " \u200b ", "a\u202eb", "\u00a0 x \u00a0",
		"\tx\n y", strings.Repeat("é ", 600), "\x1b\x1b[m[31m", strings.Repeat("\u3000", 400)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := Line(s)
		mustBeClean(t, got, MaxLine)
		if again := Line(got); again != got {
			t.Errorf("Line twice: %q, once %q", again, got)
		}
		lines := Lines([]string{s})
		if len(lines) > MaxLines {
			t.Errorf("%d lines", len(lines))
		}
		for _, l := range lines {
			mustBeClean(t, l, maxIndent+MaxLine)
		}
		if again := Lines(lines); !slices.Equal(again, lines) {
			t.Errorf("Lines twice: %q, once %q", again, lines)
		}
		text := Text(s)
		if again := Text(text); again != text {
			t.Errorf("Text twice: %q, once %q", again, text)
		}
	})
}

func TestCount(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ got, want string }{
		{Count(0, "module"), "0 modules"}, {Count(1, "module"), "1 module"}, {Count(1204, "file"), "1,204 files"},
		{Count(2, "entry"), "2 entries"}, {Count(2, "key"), "2 keys"}, {Count(1, "entry"), "1 entry"},
		{Thousands(999), "999"}, {Thousands(1000), "1,000"}, {Thousands(121084), "121,084"}, {Thousands(1234567), "1,234,567"},
		{Thousands(-999), "-999"}, {Thousands(-123456), "-123,456"},
		{Bytes(0), "0 B"}, {Bytes(999), "999 B"}, {Bytes(1000), "1.0 kB"}, {Bytes(999_949), "999.9 kB"}, {Bytes(999_950), "1.0 MB"},
		{Bytes(1_900_000_000), "1.9 GB"}, {Bytes(1 << 62), "4611.7 PB"},
	} {
		if tt.got != tt.want {
			t.Errorf("%q, want %q", tt.got, tt.want)
		}
	}
}

func TestCut(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text string
		n    int
		want string
	}{
		{"", 0, ""}, {"abc", 3, "abc"}, {"abcdefgh", 6, "abc…"}, {"éééé", 7, "éé…"}, {"ab cdefgh", 6, "ab…"}, {"abcd", 3, "…"}, {"a b", 2, "…"}, {"abcd", 0, "…"},
	} {
		if got := Cut(tt.text, tt.n); got != tt.want {
			t.Errorf("Cut(%q, %d) = %q, want %q", tt.text, tt.n, got, tt.want)
		}
	}
	s := strings.Repeat("ä", 10) // 20 bytes
	for n := range 25 {
		got := Cut(s, n)
		if len(got) > max(n, len("…")) || !utf8.ValidString(got) || (got != s) != strings.HasSuffix(got, "…") {
			t.Errorf("Cut(20 bytes, %d) = %q, %d bytes", n, got, len(got))
		}
	}
}
