package report

import (
	"slices"
	"testing"
)

func TestDuration(t *testing.T) {
	t.Parallel()
	for ms, want := range map[int64]string{
		-1: "0 ms", 0: "0 ms", 9: "9 ms", 99: "99 ms", 100: "0.1 s", 1934: "1.9 s", 59_949: "59.9 s",
		59_950: "1 m 00 s", 65_000: "1 m 05 s", 3_599_499: "59 m 59 s", 3_599_500: "1 h 00 m", 7_380_000: "2 h 03 m",
		359_999_000: "99 h 59 m", 360_000_000: "> 99 h", 1 << 62: "> 99 h",
	} {
		got := duration(ms)
		if got != want {
			t.Errorf("duration(%d) = %q, want %q", ms, got, want)
		}
		if len(got) > durationWidth {
			t.Errorf("duration(%d) = %q is wider than its column", ms, got)
		}
	}
}

func TestCut(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		s    string
		n    int
		want string
	}{
		{"", 3, ""},
		{"abc", 3, "abc"},
		{"abcd", 3, "ab…"},
		{"ab cd", 4, "ab…"},
		{"äöüß", 3, "äö…"},
		{"abc", 1, "…"},
		{"abc", 0, ""},
	} {
		if got := cut(tt.s, tt.n); got != tt.want {
			t.Errorf("cut(%q, %d) = %q, want %q", tt.s, tt.n, got, tt.want)
		}
	}
}

func TestWrap(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, s string
		width   int
		want    []string
	}{
		{"fits", "one two", 7, []string{"one two"}},
		{"breaks", "one two three", 7, []string{"one two", "three"}},
		{"long word stays whole", "a https://example.com/long b", 6, []string{"a", "https://example.com/long", "b"}},
		{"no width", "one two three", 0, []string{"one two three"}},
		{"empty", "", 5, []string{""}},
	} {
		if got := wrap(tt.s, tt.width); !slices.Equal(got, tt.want) {
			t.Errorf("%s: wrap = %q, want %q", tt.name, got, tt.want)
		}
	}
}
