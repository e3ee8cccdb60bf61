package failure

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// A fixture is a text that the go command printed, and its first cause.
type fixture struct {
	file          string
	line          int
	class, module string // "none" when nothing is known; "-" for no module
	text          string
}

// fixtures reads testdata/*.txt. A line "== CLASS MODULE" begins a fixture, a
// line that begins with "//" is a remark; all else is the text, down to the
// next fixture. The texts were printed by real runs of Go 1.20 to 1.26, with the
// hosts made neutral; those in source.txt are written after the source that
// prints them.
func fixtures(t testing.TB) []fixture {
	t.Helper()
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no fixtures: %v", err)
	}
	var all []fixture
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for i, line := range strings.SplitAfter(string(data), "\n") {
			if head, ok := strings.CutPrefix(line, "== "); ok {
				f := strings.Fields(head)
				if len(f) != 2 {
					t.Fatalf("%s:%d: want == CLASS MODULE, got %q", file, i+1, line)
				}
				all = append(all, fixture{filepath.Base(file), i + 1, f[0], f[1], ""})
			} else if !strings.HasPrefix(line, "//") && len(all) > 0 {
				all[len(all)-1].text += line
			}
		}
	}
	return all
}

func TestFixtures(t *testing.T) {
	t.Parallel()
	for _, f := range fixtures(t) {
		causes := Diagnose(f.text)
		class, module := "none", "-"
		if len(causes) > 0 {
			class = causes[0].Class
			if causes[0].Module != "" {
				module = causes[0].Module
			}
		}
		if class != f.class || module != f.module {
			t.Errorf("%s:%d: got %s %s, want %s %s, from:\n%s", f.file, f.line, class, module, f.class, f.module, f.text)
		}
		lines := strings.Split(f.text, "\n")
		for _, c := range causes {
			if c.Summary == "" || strings.Contains(c.Summary, "\n") {
				t.Errorf("%s:%d: summary of %s is not one line: %q", f.file, f.line, c.Class, c.Summary)
			}
			if c.Line < 1 || c.Line > len(lines) {
				t.Errorf("%s:%d: %s is at line %d of %d", f.file, f.line, c.Class, c.Line, len(lines))
			} else if got, want := c.Text, cut(strings.TrimSpace(redact(lines[c.Line-1]))); got != want {
				t.Errorf("%s:%d: text of %s is %q, want line %d, %q", f.file, f.line, c.Class, got, c.Line, want)
			}
		}
	}
}

// TestCovered holds that there is a fixture for every entry.
func TestCovered(t *testing.T) {
	t.Parallel()
	all := fixtures(t)
	var messages []message
	for _, f := range all {
		messages = append(messages, split(f.text)...)
	}
	for _, e := range catalogue() {
		found := false
		for _, m := range messages {
			if found = e.re.MatchString(m.text); found {
				if !strings.Contains(m.text, e.literal) {
					t.Errorf("%s: a match of %s lacks its literal %q: %q", e.class, e.pattern, e.literal, m.text)
				}
				break
			}
		}
		if !found {
			t.Errorf("%s: no fixture matches %s", e.class, e.pattern)
		}
	}
}

func TestEntries(t *testing.T) {
	t.Parallel()
	variable := regexp.MustCompile(`\$\{(\w+)\}`)
	rule := regexp.MustCompile(`^[a-z]+/(?:\*|[a-z0-9]+(?:-[a-z0-9]+)*(?:-\*)?)$`)
	class := regexp.MustCompile(`^[a-z0-9]+(?:-[a-z0-9]+)*$`)
	seen := map[string]bool{}
	for _, e := range catalogue() {
		if len(e.literal) < 5 {
			t.Errorf("%s: %s has no literal text to look for first: %q", e.class, e.pattern, e.literal)
		}
		if !class.MatchString(e.class) || e.summary == "" || e.fix == "" {
			t.Errorf("%s: %s lacks a class, a summary or a fix", e.class, e.pattern)
		}
		if seen[e.pattern] {
			t.Errorf("%s: %s is there twice", e.class, e.pattern)
		}
		seen[e.pattern] = true
		for _, v := range variable.FindAllStringSubmatch(e.summary+e.fix, -1) {
			if e.re.SubexpIndex(v[1]) < 0 {
				t.Errorf("%s: ${%s} is no group of %s", e.class, v[1], e.pattern)
			}
		}
		for _, r := range e.rules {
			if !rule.MatchString(r) {
				t.Errorf("%s: %q is no rule ID", e.class, r)
			}
		}
	}
	if n := len(catalogue()); n < 181 {
		t.Errorf("the catalogue has %d entries, want at least 181", n)
	}
}

func TestDiagnose(t *testing.T) {
	t.Parallel()
	const lib = "example.com/lib@v1.0.0"
	for _, test := range []struct {
		name, text string
		want       []string // class module line
	}{
		{"nothing", "", nil},
		{"unknown", "ok  \texample.com/a\t0.1s\n", nil},
		{"the tail, not its wrappers", "go: example.com/app imports\n" +
			"\texample.com/lib: cannot find module providing package example.com/lib: module example.com/lib: Get \"https://goproxy.example/example.com/lib/@v/list\": dial tcp: lookup goproxy.example: no such host\n",
			[]string{"dns-no-such-host  2"}},
		{"the network before its consequence", "go: updates to go.mod needed; to update it:\n\tgo mod tidy\n" +
			"go: " + lib + ": reading https://goproxy.example/example.com/lib/@v/v1.0.0.mod: 503 Service Unavailable\n",
			[]string{"proxy-server-error " + lib + " 3", "gomod-untidy  1"}},
		{"equals in the order of the text", "b.go:1:8: no required module provides package example.com/b; to add it:\n\tgo get example.com/b\n" +
			"go: GOPROXY list is not the empty string, but contains no entries\n",
			[]string{"import-not-required  1", "goproxy-invalid  3"}},
		{"one cause for a class and a module", strings.Repeat("go: "+lib+": module lookup disabled by GOPROXY=off\n", 3) +
			"go: example.com/dep@v0.1.0: module lookup disabled by GOPROXY=off\n",
			[]string{"offline " + lib + " 1", "offline example.com/dep@v0.1.0 4"}},
		{"no remark beside a cause", "warning: go env -w GOPROXY=... does not override conflicting OS environment variable\n" +
			"go: unknown go command variable GOPROXI\n",
			[]string{"env-name-unknown  2"}},
		{"a remark alone", "warning: go env -w GOPROXY=... does not override conflicting OS environment variable\n",
			[]string{"env-overridden  1"}},
		{"carriage returns", "go: updates to go.mod needed; to update it:\r\n\tgo mod tidy\r\n",
			[]string{"gomod-untidy  1"}},
		{"a test's own log is not the go command's", "--- FAIL: TestDial (0.00s)\n" +
			"    dial_test.go:12: Get \"http://127.0.0.1:1/\": dial tcp 127.0.0.1:1: connect: connection refused\nFAIL\n", nil},
		{"every module of a list, in a list's order", "go: inconsistent vendoring in /src:\n" +
			"\texample.com/b@v1.0.0: is explicitly required in go.mod, but not marked as explicit in vendor/modules.txt\n" +
			"\texample.com/a@v1.0.0: is explicitly required in go.mod, but not marked as explicit in vendor/modules.txt\n",
			[]string{"vendor-not-explicit example.com/b@v1.0.0 2", "vendor-not-explicit example.com/a@v1.0.0 3"}},
		{"the header of a list whose lines are unknown", "go: errors parsing go.mod:\ngo.mod:7: something new\n",
			[]string{"gomod-syntax  1"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, c := range Diagnose(test.text) {
				got = append(got, c.Class+" "+c.Module+" "+strconv.Itoa(c.Line))
			}
			if strings.Join(got, "\n") != strings.Join(test.want, "\n") {
				t.Errorf("got  %q\nwant %q", got, test.want)
			}
		})
	}
}

func TestDiagnoseValues(t *testing.T) {
	t.Parallel()
	text := "go: example.com/lib@v1.0.0: reading https://bot:s3cret@goproxy.example/example.com/lib/@v/v1.0.0.zip?token=s3cret: 503 Service Unavailable\n"
	want := Cause{
		Class:     "proxy-server-error",
		Summary:   "https://xxxxx@goproxy.example/example.com/lib/@v/v1.0.0.zip failed: 503 Service Unavailable",
		Module:    "example.com/lib@v1.0.0",
		URL:       "https://xxxxx@goproxy.example/example.com/lib/@v/v1.0.0.zip",
		Line:      1,
		Text:      "go: example.com/lib@v1.0.0: reading https://xxxxx@goproxy.example/example.com/lib/@v/v1.0.0.zip: 503 Service Unavailable",
		Fix:       "try again later; with | after it in GOPROXY the go command would have asked the next entry",
		Transient: true,
		Outside:   true,
		Rules:     []string{"proxy/status", "proxy/flaky", "modules/unobtainable"},
	}
	causes := Diagnose(text)
	if len(causes) != 1 {
		t.Fatalf("got %d causes, want 1: %+v", len(causes), causes)
	}
	if got := causes[0]; !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestFix(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, text, want string }{
		{"values of the text", "x.go:1:8: no required module provides package example.com/a/b; to add it:\n\tgo get example.com/a/b", "go get example.com/a/b"},
		{"a hostile value", "x.go:1:8: no required module provides package example.com/$(reboot); to add it:", ""},
		{"a value that is a flag", "x.go:1:8: no required module provides package -toolexec=evil; to add it:", ""},
		{"a vendor directory", "go: inconsistent vendoring in /src:\n\texample.com/a@v1.0.0: is explicitly required in go.mod, but not marked as explicit in vendor/modules.txt\n\n\tTo sync the vendor directory, run:\n\t\tgo mod vendor", "go mod vendor"},
		{"a workspace's vendor directory", "go: inconsistent vendoring in /src:\n\texample.com/a@v1.0.0: is explicitly required in go.mod, but not marked as explicit in vendor/modules.txt\n\n\tTo sync the vendor directory, run:\n\t\tgo work vendor", "go work vendor"},
	} {
		causes := Diagnose(test.text)
		if len(causes) != 1 {
			t.Errorf("%s: got %d causes, want 1", test.name, len(causes))
		} else if got := causes[0].Fix; got != test.want {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
	}
}

func TestRedact(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ line, want string }{
		{"no address", "no address"},
		{`Get "https://goproxy.example/a/@v/list": EOF`, `Get "https://goproxy.example/a/@v/list": EOF`},
		{"http://user:pass@goproxy.example/a", "http://xxxxx@goproxy.example/a"},
		{"https://ghp_token@git.example/a", "https://xxxxx@git.example/a"},
		{"https://user:p@ss@git.example/a", "https://xxxxx@git.example/a"},
		{"ssh://git@git.example/a", "ssh://git@git.example/a"},
		{"ssh://git:pass@git.example/a", "ssh://git:xxxxx@git.example/a"},
		{`Get "https://bucket.example/a.zip?X-Signature=abc&e=1": EOF`, `Get "https://bucket.example/a.zip": EOF`},
		{"go: GOAUTH encountered an empty command (GOAUTH=helper --token=abc;)", "go: GOAUTH encountered an empty command (GOAUTH=...)"},
	} {
		if got := redact(test.line); got != test.want {
			t.Errorf("redact(%q) = %q, want %q", test.line, got, test.want)
		}
	}
}

func TestExplains(t *testing.T) {
	t.Parallel()
	cause := Cause{Module: "example.com/lib@v1.0.0", Rules: []string{"vendor/*", "gosum/missing"}}
	for _, test := range []struct {
		name         string
		cause        Cause
		rule, module string
		want         bool
	}{
		{"rule and module", cause, "gosum/missing", "example.com/lib@v1.0.0", true},
		{"another version of the module", cause, "gosum/missing", "example.com/lib@v1.2.0", true},
		{"a path alone", cause, "gosum/missing", "example.com/lib", true},
		{"another module", cause, "gosum/missing", "example.com/dep@v1.0.0", false},
		{"a module whose path begins alike", cause, "gosum/missing", "example.com/lib/v2@v2.0.0", false},
		{"a finding about no module", cause, "gosum/missing", "", true},
		{"a cause about no module", Cause{Rules: cause.Rules}, "gosum/missing", "example.com/dep", true},
		{"a whole check", cause, "vendor/not-explicit", "", true},
		{"another rule of the check", cause, "gosum/conflict", "", false},
		{"a rule that begins alike", cause, "gosum/missing-too", "", false},
		{"a cause without rules", Cause{}, "gosum/missing", "", false},
	} {
		if got := Explains(test.cause, test.rule, test.module); got != test.want {
			t.Errorf("%s: got %v, want %v", test.name, got, test.want)
		}
	}
}

func TestBounds(t *testing.T) {
	t.Parallel()
	const noise = "go: downloading example.com/noise v1.0.0\n"
	const disk = "write /x: no space left on device\n"
	const sum = "verifying example.com/lib@v1.0.0: checksum mismatch\n"
	text := disk + strings.Repeat(noise, 50_000) + sum
	causes := Diagnose(text)
	if len(causes) != 2 || causes[0].Class != "disk-full" || causes[1].Class != "gosum-mismatch" {
		t.Fatalf("got %+v, want disk-full and gosum-mismatch", causes)
	}
	if got, want := causes[0].Line, 1; got != want {
		t.Errorf("disk-full: got line %d, want %d", got, want)
	}
	if got, want := causes[1].Line, 50_002; got != want {
		t.Errorf("gosum-mismatch: got line %d, want %d", got, want)
	}

	var many strings.Builder
	for i := range 100 {
		many.WriteString("verifying example.com/lib" + strconv.Itoa(i) + "@v1.0.0: checksum mismatch\n")
	}
	if got := len(Diagnose(many.String())); got != maxCauses {
		t.Errorf("got %d causes, want %d", got, maxCauses)
	}

	long := Diagnose("go: cannot find GOROOT directory: /" + strings.Repeat("ü", 100_000))
	if len(long) != 1 || len(long[0].Text) > maxLine+3 || len(long[0].Summary) > maxLine+3 {
		t.Errorf("a long line was not cut: %d causes", len(long))
	}
}

// TestRules holds that patterns stay rare: they explain more than one thing.
func TestRules(t *testing.T) {
	t.Parallel()
	all := Rules()
	if len(all) == 0 {
		t.Fatal("no rules")
	}
	for i, r := range all {
		if i > 0 && all[i-1] >= r {
			t.Errorf("%q after %q: not sorted or not unique", r, all[i-1])
		}
		if strings.Contains(r, "*") && r != "vendor/*" && r != "gomod/*" && r != "proxy/tls-*" {
			t.Errorf("%q: name the rules", r)
		}
	}
}

func FuzzDiagnose(f *testing.F) {
	for _, x := range fixtures(f) {
		f.Add(x.text)
	}
	f.Add("\t\n\x00 https://@?\xff\n(GOAUTH=")
	f.Fuzz(func(t *testing.T, text string) {
		causes := Diagnose(text)
		if causes == nil || len(causes) > maxCauses {
			t.Fatalf("got %d causes (nil: %v)", len(causes), causes == nil)
		}
		lines := 1 + strings.Count(text, "\n")
		for _, c := range causes {
			if c.Class == "" || c.Line < 1 || c.Line > lines {
				t.Fatalf("got %+v in a text of %d lines", c, lines)
			}
			if len(c.Text) > maxLine+3 || len(c.Summary) > maxLine+3 || len(c.URL) > maxLine+3 || len(c.Module) > maxLine+3 {
				t.Fatalf("not cut: %+v", c)
			}
		}
	})
}

// BenchmarkDiagnose reads the largest text that is read in full, made of causes only.
func BenchmarkDiagnose(b *testing.B) {
	var all strings.Builder
	for all.Len() < maxHead+maxTail {
		for _, f := range fixtures(b) {
			all.WriteString(f.text)
		}
	}
	text := all.String()[:maxHead+maxTail]
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		Diagnose(text)
	}
}
