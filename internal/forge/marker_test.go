package forge

import (
	"math"
	"strings"
	"testing"
)

var testKey = Key{Workflow: ".github/workflows/ci.yml", Job: "build", ID: "go1.26"}

const (
	shaA = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	shaB = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
)

func TestMarker(t *testing.T) {
	t.Parallel()
	got := Marker(testKey, Stamp{SHA: shaA, Run: 12, Attempt: 3})
	want := "<!-- gopreflight:v1 key=" + testKey.hash() + " sha=" + shaA + " run=12 attempt=3 -->"
	if got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	key, s, ok := readMarker(got + "\n# hello")
	if !ok || key != testKey.hash() || s != (Stamp{SHA: shaA, Run: 12, Attempt: 3}) {
		t.Errorf("read back: %q, %+v, %v", key, s, ok)
	}
}

// TestMarkerKeepsIn gives a marker what would break out of it.
func TestMarkerKeepsIn(t *testing.T) {
	t.Parallel()
	for _, hostile := range []string{"-->", "--!>", "\n", "\x00", "x -->\n<script>", strings.Repeat("x", 1<<20), "${{ github.token }}"} {
		m := Marker(Key{Workflow: hostile, Job: hostile, ID: hostile}, Stamp{SHA: hostile, Run: math.MinInt64, Attempt: -1})
		if strings.Count(m, "--") != 2 || strings.ContainsAny(m, "\r\n\x00") || len(m)+1 > maxMarker {
			t.Errorf("%.40q: %q", hostile, m)
		}
		if _, s, ok := readMarker(m); !ok || s != (Stamp{}) {
			t.Errorf("%.40q: read back as %+v, %v", hostile, s, ok)
		}
	}
}

func TestMarkerLongest(t *testing.T) {
	t.Parallel()
	m := Marker(testKey, Stamp{SHA: strings.Repeat("f", 64), Run: math.MaxInt64, Attempt: math.MaxInt64})
	if got := len(m + "\n"); got != maxMarker {
		t.Errorf("the longest marker has %d bytes, maxMarker says %d", got, maxMarker)
	}
	if _, s, ok := readMarker(m + "\nbody"); !ok || s.Run != math.MaxInt64 || s.Attempt != math.MaxInt64 {
		t.Errorf("read back: %+v, %v", s, ok)
	}
}

// TestKeys holds keys apart that a careless join makes one.
func TestKeys(t *testing.T) {
	t.Parallel()
	seen := map[string]Key{}
	for _, k := range []Key{
		{}, {"a", "bc", ""}, {"ab", "c", ""}, {"", "abc", ""}, {"", "", "abc"}, {"a\x00b", "c", ""}, {"a", "b\x00c", ""},
		{"1:a", "", ""}, {"a", "1:", ""}, {"", "1:a", ""}, {"0:", "0:", ""}, {"a", "0:", ""}, {"a0:", "", ""},
	} {
		if other, ok := seen[k.hash()]; ok {
			t.Errorf("%q and %q are one", k, other)
		}
		seen[k.hash()] = k
	}
}

func TestReadMarkerRefuses(t *testing.T) {
	t.Parallel()
	good := Marker(testKey, Stamp{SHA: shaA, Run: 1, Attempt: 1})
	if _, _, ok := readMarker(good + "\r\nbody"); !ok {
		t.Fatal("a marker before CRLF was refused")
	}
	for name, body := range map[string]string{
		"empty":             "",
		"later line":        "hello\n" + good,
		"after an empty":    "\n" + good,
		"indented":          " " + good,
		"byte order mark":   "\ufeff" + good,
		"quoted":            "> " + good,
		"text behind":       good + " hello",
		"space behind":      good + " ",
		"upper-case SHA":    strings.Replace(good, shaA, strings.ToUpper(shaA), 1),
		"short SHA":         strings.Replace(good, shaA, shaA[:39], 1),
		"no SHA":            strings.Replace(good, shaA, "", 1),
		"leading zero":      strings.Replace(good, "run=1", "run=01", 1),
		"signed":            strings.Replace(good, "run=1", "run=+1", 1),
		"negative":          strings.Replace(good, "run=1", "run=-1", 1),
		"out of range":      strings.Replace(good, "run=1", "run=9223372036854775808", 1),
		"order":             strings.Replace(good, "run=1 attempt=1", "attempt=1 run=1", 1),
		"other version":     strings.Replace(good, "v1", "v2", 1),
		"key too short":     strings.Replace(good, testKey.hash(), testKey.hash()[:31], 1),
		"key not hex":       strings.Replace(good, testKey.hash(), strings.Repeat("z", 32), 1),
		"two spaces":        strings.Replace(good, " run", "  run", 1),
		"no end":            strings.TrimSuffix(good, " -->"),
		"another's comment": "<!-- sticky -->",
	} {
		if key, s, ok := readMarker(body); ok {
			t.Errorf("%s: read as %q, %+v", name, key, s)
		}
	}
}

func FuzzReadMarker(f *testing.F) {
	f.Add(Marker(testKey, Stamp{SHA: shaA, Run: 1, Attempt: 2}) + "\nbody")
	f.Add(Marker(Key{}, Stamp{}))
	f.Add(markerStart + "key=0 sha=- run=0 attempt=0 -->")
	f.Add("hello\n" + markerStart)
	f.Fuzz(func(t *testing.T, body string) {
		key, s, ok := readMarker(body)
		if !ok {
			return
		}
		if line := formatMarker(key, s); !strings.HasPrefix(body, line) {
			t.Errorf("%q was read, which Marker writes as %q", body, line)
		}
	})
}
