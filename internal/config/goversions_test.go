package config

import (
	"strings"
	"testing"
)

func TestGoVersionsAllows(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		allow   GoVersions
		yes, no []string
	}{
		{"", []string{"1.26.8", "go1.26.8", "unknown", ""}, nil},
		{">=1.25.3,<1.28", []string{"1.25.3", "go1.25.3", "1.26rc1", "1.27.9"}, []string{"1.25.2", "1.25rc1", "1.28rc1", "1.28.0", "1.29.1"}},
		{" >= go1.25.3 , < go1.28 ", []string{"1.25.3"}, []string{"1.28.0"}},
		{">=1.26", []string{"1.26rc1", "1.26.0", "1.27.0"}, []string{"1.25.9"}},
		{">1.25.3", []string{"1.25.4"}, []string{"1.25.3", "1.25.2"}},
		{"<=1.25.3", []string{"1.25.3", "1.24.0"}, []string{"1.25.4"}},
		{"=1.25.3", []string{"1.25.3", "go1.25.3-acme", "go1.25.3 X:boringcrypto"}, []string{"1.25.4"}},
		{"!=1.25.3", []string{"1.25.4", "1.25.2"}, []string{"1.25.3"}},
		{"<=1.20", []string{"1.20", "1.19.3"}, []string{"1.20.1"}},
		{">=1.26.0", []string{"go1.27-devel_0123abc Thu Nov 19", "devel go1.27-0123abc"}, []string{"", "go", "1", "local", "devel +abc"}},
		{"nonsense", nil, []string{"1.26.8"}},
	} {
		t.Run(string(test.allow), func(t *testing.T) {
			t.Parallel()
			for _, v := range test.yes {
				if !test.allow.Allows(v) {
					t.Errorf("Allows(%q) = false", v)
				}
			}
			for _, v := range test.no {
				if test.allow.Allows(v) {
					t.Errorf("Allows(%q) = true", v)
				}
			}
		})
	}
}

func TestGoVersionsErrors(t *testing.T) {
	t.Parallel()
	for allow, want := range map[GoVersions]string{
		"1.26":         "does not begin with one of",
		"~1.26":        "does not begin with one of",
		">=":           `"" is not a Go version`,
		">=1.x":        `"1.x" is not a Go version`,
		">=v1.26":      `"v1.26" is not a Go version`,
		">=1.26.0-acm": `"1.26.0-acm" is not a Go version`,
		">=1.25,":      "empty constraint",
		"<=1.26":       `"<=1.26" names no release: write <=1.26.0, or use >= or < with 1.26`,
		">1.26":        `">1.26" names no release`,
		"=1.26":        `"=1.26" names no release`,
		"!=1.26":       `"!=1.26" names no release`,
	} {
		_, err := allow.parse()
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", allow, err, want)
		}
	}
}
