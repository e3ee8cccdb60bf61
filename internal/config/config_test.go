package config

import (
	"testing"
	"time"
)

func TestSelects(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		pattern string
		yes, no []string
	}{
		{"./...", []string{".", "a", "a/b", "..."}, nil},
		{".", []string{"."}, []string{"a", ""}},
		{"./a", []string{"a"}, []string{".", "a/b", "ab", "b/a"}},
		{"./a/...", []string{"a", "a/b", "a/b/c"}, []string{".", "ab", "b/a"}},
		{"./a...", []string{"a", "ab", "a/b"}, []string{".", "b/a"}},
		{"./.../b", []string{"a/b", "a/c/b"}, []string{"b", "a/b/c", "ab"}},
		{"./a+b", []string{"a+b"}, []string{"aab", "aa"}},
	} {
		t.Run(test.pattern, func(t *testing.T) {
			t.Parallel()
			c := &Config{Modules: []string{"./none", test.pattern}}
			for _, dir := range test.yes {
				if !c.Selects(dir) {
					t.Errorf("Selects(%q) = false", dir)
				}
			}
			for _, dir := range test.no {
				if c.Selects(dir) {
					t.Errorf("Selects(%q) = true", dir)
				}
			}
		})
	}
	if (&Config{}).Selects(".") {
		t.Error("no pattern selects the root")
	}
}

func TestSeverityOf(t *testing.T) {
	t.Parallel()
	c := &Config{Severity: map[string]string{"proxy/dns": Off}}
	if word, ok := c.SeverityOf("proxy/dns"); word != Off || !ok {
		t.Errorf("SeverityOf(proxy/dns) = %q, %t", word, ok)
	}
	if word, ok := c.SeverityOf("proxy/tls"); word != "" || ok {
		t.Errorf("SeverityOf(proxy/tls) = %q, %t", word, ok)
	}
	if word, ok := Default().SeverityOf("proxy/dns"); word != "" || ok {
		t.Errorf("the default has a severity: %q, %t", word, ok)
	}
}

func TestExceptionMatch(t *testing.T) {
	t.Parallel()
	const rule = "policy/replace-local"
	now := time.Date(2027, 1, 31, 23, 30, 0, 0, time.UTC)
	for _, test := range []struct {
		name      string
		exception Exception
		module    string
		file      string
		want      bool
	}{
		{"everywhere", Exception{}, "example.com/a@v1.0.0", "go.mod", true},
		{"everywhere, no module, no file", Exception{}, "", "", true},
		{"module", Exception{Module: "example.com/a"}, "example.com/a", "", true},
		{"module of any version", Exception{Module: "example.com/a"}, "example.com/a@v1.0.0", "", true},
		{"module by prefix", Exception{Module: "example.com"}, "example.com/a/b@v1.0.0", "", true},
		{"module by glob", Exception{Module: "*.example.com/a*"}, "git.example.com/abc/d@v1.0.0", "", true},
		{"a prefix ends at a slash", Exception{Module: "example.com/a"}, "example.com/ab", "", false},
		{"another module", Exception{Module: "example.com/a"}, "example.com/b@v1.0.0", "", false},
		{"a finding without module", Exception{Module: "example.com/a"}, "", "go.mod", false},
		{"one version", Exception{Module: "example.com/a@v1.0.0"}, "example.com/a@v1.0.0", "", true},
		{"another version", Exception{Module: "example.com/a@v1.0.0"}, "example.com/a@v1.0.1", "", false},
		{"one version, finding without", Exception{Module: "example.com/a@v1.0.0"}, "example.com/a", "", false},
		{"file", Exception{File: "tools/go.mod"}, "", "tools/go.mod", true},
		{"file by glob", Exception{File: "*/go.mod"}, "", "tools/go.mod", true},
		{"a star stays in its element", Exception{File: "*/go.mod"}, "", "a/b/go.mod", false},
		{"another file", Exception{File: "tools/go.mod"}, "", "go.mod", false},
		{"a finding without this file", Exception{File: "go.mod"}, "", "", false},
		{"a file whose name is no pattern", Exception{File: "a[.go"}, "", "a[.go", true},
		{"module and file", Exception{Module: "example.com/a", File: "go.mod"}, "example.com/a", "go.mod", true},
		{"module but not file", Exception{Module: "example.com/a", File: "go.mod"}, "example.com/a", "go.sum", false},
		{"the last day", Exception{Until: "2027-01-31"}, "", "", true},
		{"the day after", Exception{Until: "2027-01-30"}, "", "", false},
		{"for ever", Exception{Until: ""}, "", "", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			e := test.exception
			e.Rule = rule
			if got := e.Match(rule, test.module, test.file, now); got != test.want {
				t.Errorf("Match(%q, %q) = %t, want %t", test.module, test.file, got, test.want)
			}
			if e.Match("policy/denied-module", test.module, test.file, now) {
				t.Error("matches another rule")
			}
		})
	}
}

func TestExceptionExpiredInUTC(t *testing.T) {
	t.Parallel()
	e := Exception{Until: "2027-01-31"}
	east := time.FixedZone("", 14*60*60)
	for now, want := range map[time.Time]bool{
		time.Date(2027, 1, 31, 23, 59, 59, 0, time.UTC): false,
		time.Date(2027, 2, 1, 0, 0, 0, 0, time.UTC):     true,
		time.Date(2027, 2, 1, 13, 59, 0, 0, east):       false,
		time.Date(2027, 2, 1, 14, 0, 0, 0, east):        true,
	} {
		if got := e.Expired(now); got != want {
			t.Errorf("Expired(%s) = %t, want %t", now, got, want)
		}
	}
}
