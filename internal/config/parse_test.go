package config

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode"
)

var testKnown = Known{
	Rules:  []string{"proxy/dns", "proxy/tls", "policy/replace-local", "policy/denied-module", "gosum/missing"},
	Checks: []string{"proxy", "policy", "gosum", "host"},
	Stages: []string{"proxy", "cache"},
}

const full = `# a policy
version: 1
fail-on: warning
modules: ["./services/...", "./tools", .]
severity:
  proxy/dns: notice
  "proxy/tls": off
exceptions:
  - {rule: policy/replace-local, module: example.com/tools, reason: "moves out", until: 2027-01-31, owner: platform}
  - rule: gosum/missing
    file: "*/go.sum"
    module: example.com/a@v1.0.0
    reason: >
      folded
      text
    until: "2027-02-01"
env:
  required: [GOPROXY, GOPRIVATE]
  goproxy: {allow: ["https://goproxy.example.com/go", direct, "file:///srv/proxy"]}
  forbid-goflags: ["-mod=mod", -insecure]
toolchain:
  allow: ">=1.25.3,<1.28"
  authentic: required
gosum: {database: required, ask: [example.com/ours/*]}
proxy: {timeout: 1m30s, probe: [example.com/lib@v1.2.0, example.com/lib/v2]}
dependencies:
  replace-allow: [example.com/tools, "*.example.com"]
  deny:
    - {module: example.com/old, reason: archived, use-instead: "errors"}
    - module: example.org
vendor: {patched: [{module: example.com/lib, reason: "a fix"}]}
build:
  packages: [./cmd/..., std, example.com/x]
  tags: [netgo, go1.26]
  network: allow
notify:
  - {slack: "${SLACK_WEBHOOK}", on: fail}
  - wecom: https://robots.example.com/${A}/x-${_b2}?v=1
    severity: warning
    only: [cache, proxy, gosum/missing]
  - {webhook: "https://example.com:8443", secret: "${KEY}", on: always}
`

func TestParse(t *testing.T) {
	t.Parallel()
	want := &Config{
		Version:  1,
		FailOn:   Warning,
		Modules:  []string{"./services/...", "./tools", "."},
		Severity: map[string]string{"proxy/dns": Notice, "proxy/tls": Off},
		Exceptions: []Exception{
			{Rule: "policy/replace-local", Module: "example.com/tools", Reason: "moves out", Until: "2027-01-31", Owner: "platform", Line: 9},
			{Rule: "gosum/missing", Module: "example.com/a@v1.0.0", File: "*/go.sum", Reason: "folded text", Until: "2027-02-01", Line: 10},
		},
		Env: Env{
			Required:      []string{"GOPROXY", "GOPRIVATE"},
			GOPROXY:       GOPROXY{Allow: []string{"https://goproxy.example.com/go", "direct", "file:///srv/proxy"}},
			ForbidGOFLAGS: []string{"-mod=mod", "-insecure"},
		},
		Toolchain: Toolchain{Allow: ">=1.25.3,<1.28", Authentic: Required},
		Gosum:     Gosum{Database: Required, Ask: []string{"example.com/ours/*"}},
		Proxy:     Proxy{Timeout: 90 * time.Second, Probe: []string{"example.com/lib@v1.2.0", "example.com/lib/v2"}},
		Dependencies: Dependencies{
			ReplaceAllow: []string{"example.com/tools", "*.example.com"},
			Deny: []DeniedModule{
				{Module: "example.com/old", Reason: "archived", UseInstead: "errors"},
				{Module: "example.org"},
			},
		},
		Vendor: Vendor{Patched: []PatchedModule{{Module: "example.com/lib", Reason: "a fix", Line: 31}}},
		Build:  Build{Packages: []string{"./cmd/...", "std", "example.com/x"}, Tags: []string{"netgo", "go1.26"}, Network: Allow},
		Notify: []Notify{
			{Slack: "${SLACK_WEBHOOK}", On: OnFail, Line: 37},
			{WeCom: "https://robots.example.com/${A}/x-${_b2}?v=1", Severity: Warning, Only: []string{"cache", "proxy", "gosum/missing"}, Line: 38},
			{Webhook: "https://example.com:8443", Secret: "${KEY}", On: OnAlways, Line: 41},
		},
	}
	for name, data := range map[string]string{
		"as it is":      full,
		"CRLF":          strings.ReplaceAll(full, "\n", "\r\n"),
		"with a BOM":    "\ufeff" + full,
		"with a header": "---\n" + strings.TrimPrefix(full, "# a policy\n"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := Parse(FileName, []byte(data), testKnown)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
		})
	}
}

func TestParseDefaults(t *testing.T) {
	t.Parallel()
	for name, data := range map[string]string{
		"empty":           "",
		"comments":        "# nothing\n\n",
		"empty document":  "---\n",
		"null":            "~\n",
		"only a version":  "version: 1\n",
		"empty sections":  "env:\ntoolchain:\nproxy:\ndependencies:\nbuild:\nseverity:\nexceptions:\nnotify:\n",
		"keys of nothing": "fail-on:\nmodules:\nproxy: {timeout: , probe: ~}\nbuild: {network: null}\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := Parse(FileName, []byte(data), Known{})
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, Default()) {
				t.Errorf("got %+v, want %+v", got, Default())
			}
		})
	}
}

func TestDefaultIsNotShared(t *testing.T) {
	t.Parallel()
	a := Default()
	a.Modules[0], a.Build.Packages[0] = "./x", "./x"
	if b := Default(); b.Modules[0] != "./..." || b.Build.Packages[0] != "./..." {
		t.Errorf("a change of one default shows in the next: %+v", b)
	}
}

func TestParseErrors(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, data string
		want       []string
	}{
		{"unknown key", "severty: {}\n", []string{`1:1: unknown key "severty" (did you mean "severity"?)`}},
		{"unknown key, nothing near", "env: {x: 1}\n", []string{`1:7: unknown key "x" in env (known are required, goproxy, forbid-goflags)`}},
		{"unknown key in a list", "dependencies:\n  deny:\n  - module: example.com\n    resaon: x\n", []string{`4:5: unknown key "resaon" in dependencies.deny[0] (did you mean "reason"?)`}},
		{"a key in capitals", "Version: 1\n", []string{`1:1: unknown key "Version" (did you mean "version"?)`}},
		{"repeated key", "fail-on: error\nbuild:\nfail-on: never\n", []string{`3:1: key "fail-on" stands already at line 1`}},
		{"repeated rule", "severity: {proxy/dns: off, \"proxy/dns\": off}\n", []string{`1:28: key "proxy/dns" stands already at line 1`}},
		{"repeated unknown key", "x: 1\nx: 2\n", []string{
			`1:1: unknown key "x" (known are version, fail-on, modules, severity, exceptions, env, toolchain, gosum, proxy, dependencies, vendor, build, notify)`,
			`2:1: key "x" stands already at line 1`,
		}},
		{"a list for a key", "? [a]\n: b\n", []string{`1:3: a key must be a word, not a list`}},
		{"no mapping", "hello\n", []string{`1:1: want a mapping (key: value), got "hello"`}},
		{"a list at the root", "- version: 1\n", []string{`1:1: want a mapping (key: value), got a list`}},
		{"another version", "version: 2\nnew-key: 1\n", []string{`1:10: version 2 of the file's format is not known: this program reads version 1`}},
		{"a version in quotes", "version: \"1\"\n", []string{`1:10: version: want the number 1, got "1"`}},
		{"a version that is a list", "version: [1]\n", []string{`1:10: version: want the number 1, got a list`}},
		{"fail-on", "fail-on: notice\n", []string{`1:10: fail-on: want error, warning or never, got "notice"`}},
		{"fail-on, nearly", "fail-on: warn\n", []string{`1:10: fail-on: want error, warning or never, got "warn" (did you mean "warning"?)`}},
		{"fail-on, in capitals", "fail-on: ERROR\n", []string{`1:10: fail-on: want error, warning or never, got "ERROR" (did you mean "error"?)`}},
		{"a truth value", "fail-on: true\n", []string{`1:10: fail-on: want error, warning or never, got true`}},
		{"severity of an unknown rule", "severity: {proxy/dsn: off}\n", []string{`1:12: unknown rule "proxy/dsn" (did you mean "proxy/dns"?)`}},
		{"severity of a check", "severity:\n  proxy: off\n", []string{`2:3: unknown rule "proxy": it is a check; its rules begin with "proxy/", such as "proxy/dns"`}},
		{"severity of a check without rules", "severity: {host: off}\n", []string{`1:12: unknown rule "host"`}},
		{"severity word", "severity: {proxy/dns: warnning}\n", []string{`1:23: severity.proxy/dns: want error, warning, notice or off, got "warnning" (did you mean "warning"?)`}},
		{"severity without a word", "severity:\n  proxy/dns:\n", []string{`2:13: severity.proxy/dns: want error, warning, notice or off, got nothing`}},
		{"severity as a list", "severity: [proxy/dns]\n", []string{`1:11: severity: want a mapping (key: value), got a list`}},
		{"exception without reason", "exceptions:\n- rule: proxy/dns\n", []string{`2:3: exceptions[0] lacks the key "reason"`}},
		{"exception with an empty reason", "exceptions: [{rule: proxy/dns, reason: \" \"}]\n", []string{`1:40: exceptions[0].reason: want a text, got " "`}},
		{"exception with reason of nothing", "exceptions: [{rule: proxy/dns, reason: }]\n", []string{`1:40: exceptions[0].reason: want a text, got nothing`}},
		{"exception without rule", "exceptions: [{reason: x}]\n", []string{`1:14: exceptions[0] lacks the key "rule"`}},
		{"exception that is nothing", "exceptions:\n-\n", []string{`2:2: exceptions[0]: want a mapping (key: value), got nothing`}},
		{"exception for a day that is none", "exceptions: [{rule: proxy/dns, reason: x, until: 2027-02-31}]\n", []string{`1:50: exceptions[0].until: want a date as 2027-01-31, got "2027-02-31": no such day`}},
		{"exception for a short date", "exceptions: [{rule: proxy/dns, reason: x, until: 2027-2-1}]\n", []string{`1:50: exceptions[0].until: want a date as 2027-01-31, got "2027-2-1"`}},
		{"exception for a time", "exceptions: [{rule: proxy/dns, reason: x, until: 2027-02-01T10:00:00Z}]\n", []string{`1:50: exceptions[0].until: want a date as 2027-01-31, got "2027-02-01T10:00:00Z"`}},
		{"exception for a module by URL", "exceptions: [{rule: proxy/dns, reason: x, module: \"https://example.com/a\"}]\n", []string{`1:51: exceptions[0].module: want a module path, path@version, or a pattern of path prefixes as in GOPRIVATE, got "https://example.com/a"`}},
		{"exception for a pattern of Go packages", "exceptions: [{rule: proxy/dns, reason: x, module: example.com/...}]\n", []string{`1:51: exceptions[0].module: want a module path, path@version, or a pattern of path prefixes as in GOPRIVATE, got "example.com/..."`}},
		{"exception for a bad glob", "exceptions: [{rule: proxy/dns, reason: x, module: \"example.com/[\"}]\n", []string{`1:51: exceptions[0].module: want a module path, path@version, or a pattern of path prefixes as in GOPRIVATE, got "example.com/[": syntax error in pattern`}},
		{"exception for an absolute file", "exceptions: [{rule: proxy/dns, reason: x, file: /etc/passwd}]\n", []string{`1:49: exceptions[0].file: want a slash path relative to the root, got "/etc/passwd"`}},
		{"exception for a file of Windows", "exceptions: [{rule: proxy/dns, reason: x, file: 'a\\go.mod'}]\n", []string{`1:49: exceptions[0].file: want a slash path relative to the root, got "a\\go.mod"`}},
		{"control characters", "exceptions: [{rule: proxy/dns, reason: \"a\\x1b[31m\"}]\n", []string{`1:40: exceptions[0].reason: want a text, got "a\x1b[31m": control characters`}},
		{"modules: no directory", "modules: [tools, ../x, ./a/../b, /a, ./]\n", []string{
			`1:11: modules[0]: want a pattern of directories below the root such as "." or "./tools/...", got "tools"`,
			`1:18: modules[1]: want a pattern of directories below the root such as "." or "./tools/...", got "../x"`,
			`1:24: modules[2]: want a pattern of directories below the root such as "." or "./tools/...", got "./a/../b"`,
			`1:34: modules[3]: want a pattern of directories below the root such as "." or "./tools/...", got "/a"`,
			`1:38: modules[4]: want a pattern of directories below the root such as "." or "./tools/...", got "./"`,
		}},
		{"modules: none", "modules: []\n", []string{`1:10: modules is empty: leave it out for the default`}},
		{"modules: a text", "modules: ./...\n", []string{`1:10: modules: want a list, got "./..."`}},
		{"settings", "env: {required: [goproxy, \"GO PROXY\"]}\n", []string{
			`1:18: env.required[0]: want the name of a setting such as GOPROXY, got "goproxy"`,
			`1:27: env.required[1]: want the name of a setting such as GOPROXY, got "GO PROXY"`,
		}},
		{"proxy entries", "env: {goproxy: {allow: [\"https://u:p@goproxy.example\", \"https://a,https://b\", goproxy.example, \"https://\", \"https://:80\"]}}\n", []string{
			`1:25: env.goproxy.allow[0]: want an https, http or file URL without credentials, or direct, got "https://u:p@goproxy.example"`,
			`1:56: env.goproxy.allow[1]: want an https, http or file URL without credentials, or direct, got "https://a,https://b"`,
			`1:79: env.goproxy.allow[2]: want an https, http or file URL without credentials, or direct, got "goproxy.example"`,
			`1:96: env.goproxy.allow[3]: want an https, http or file URL without credentials, or direct, got "https://"`,
			`1:108: env.goproxy.allow[4]: want an https, http or file URL without credentials, or direct, got "https://:80": no host`,
		}},
		{"flags", "env: {forbid-goflags: [mod=mod, \"-ldflags -s\"]}\n", []string{
			`1:24: env.forbid-goflags[0]: want a flag such as "-mod=mod", got "mod=mod"`,
			`1:33: env.forbid-goflags[1]: want a flag such as "-mod=mod", got "-ldflags -s"`,
		}},
		{"toolchain", "toolchain: {allow: 1.26}\n", []string{`1:20: toolchain.allow: want constraints on Go versions such as ">=1.25.3,<1.28", got the number 1.26`}},
		{"toolchain: no release", "toolchain: {allow: \"<=1.26\"}\n", []string{`1:20: toolchain.allow: want constraints on Go versions such as ">=1.25.3,<1.28", got "<=1.26": "<=1.26" names no release: write <=1.26.0, or use >= or < with 1.26`}},
		{"timeout: a number", "proxy: {timeout: 5}\n", []string{`1:18: proxy.timeout: want a duration such as "5s", got the number 5`}},
		{"timeout: zero", "proxy: {timeout: 0s}\n", []string{`1:18: proxy.timeout: want a duration such as "5s", got "0s": not positive`}},
		{"timeout: too long", "proxy: {timeout: 99999999999h}\n", []string{`1:18: proxy.timeout: want a duration such as "5s", got "99999999999h": out of range`}},
		{"probe", "proxy: {probe: [lib, example.com/lib@master, example.com/lib@v2.0.0]}\n", []string{
			`1:17: proxy.probe[0]: want a module path or path@version, got "lib": malformed module path "lib": missing dot in first path element`,
			`1:22: proxy.probe[1]: want a module path or path@version, got "example.com/lib@master"`,
			`1:46: proxy.probe[2]: want a module path or path@version, got "example.com/lib@v2.0.0": example.com/lib@v2.0.0: invalid version: should be v0 or v1, not v2`,
		}},
		{"denied without module", "dependencies: {deny: [{reason: x}, example.com]}\n", []string{
			`1:23: dependencies.deny[0] lacks the key "module"`,
			`1:36: dependencies.deny[1]: want a mapping (key: value), got "example.com"`,
		}},
		{"tags", "build: {tags: [1.5, \"a b\", \"a'\"]}\n", []string{
			`1:16: build.tags[0]: want a build tag, got the number 1.5 (in quotes it is a text: "1.5")`,
			`1:21: build.tags[1]: want a build tag, got "a b"`,
			`1:28: build.tags[2]: want a build tag, got "a'": invalid character '\''`,
		}},
		{"packages", "build: {packages: [-toolexec=x, ../..., /etc, example.com/x@latest]}\n", []string{
			`1:20: build.packages[0]: want a package pattern such as "./...", got "-toolexec=x"`,
			`1:33: build.packages[1]: want a package pattern such as "./...", got "../..."`,
			`1:41: build.packages[2]: want a package pattern such as "./...", got "/etc"`,
			`1:47: build.packages[3]: want a package pattern such as "./...", got "example.com/x@latest"`,
		}},
		{"network", "build: {network: off}\n", []string{`1:18: build.network: want deny or allow, got "off"`}},
		{"notify: no receiver", "notify: [{on: fail}]\n", []string{`1:10: notify[0]: want exactly one of the keys slack, wecom, webhook, got none`}},
		{"notify: two receivers", "notify:\n- slack: ${A}\n  wecom: ${B}\n", []string{`2:3: notify[0]: want exactly one of the keys slack, wecom, webhook, got slack and wecom`}},
		{"notify: a receiver of nothing", "notify: [{slack: }]\n", []string{`1:18: notify[0].slack: want ${NAME} alone, or an https URL without credentials that has ${NAME} in its path only, got something else (not repeated here: it may be a secret)`}},
		{"notify: unsigned", "notify: [{webhook: \"${A}\"}]\n", []string{`1:10: notify[0] lacks the key "secret", which "webhook" needs`}},
		{"notify: signed for Slack", "notify: [{slack: \"${A}\", secret: \"${B}\"}]\n", []string{`1:10: notify[0] lacks the key "webhook", which "secret" needs`}},
		{"notify: a secret written down", "notify: [{webhook: \"${A}\", secret: whsec_c2VjcmV0}]\n", []string{`1:36: notify[0].secret: want ${NAME} alone, got something else (not repeated here: it may be a secret)`}},
		{"notify: a secret that is a number", "notify: [{webhook: \"${A}\", secret: 12345678}]\n", []string{`1:36: notify[0].secret: want ${NAME} alone, got something else (not repeated here: it may be a secret)`}},
		{"notify: a secret of nothing", "notify: [{webhook: \"${A}\", secret: }]\n", []string{`1:36: notify[0].secret: want ${NAME} alone, got something else (not repeated here: it may be a secret)`}},
		{"notify: a URL without a host", "notify: [{slack: \"https://:443/x\"}]\n", []string{`1:18: notify[0].slack: want ${NAME} alone, or an https URL without credentials that has ${NAME} in its path only, got something else (not repeated here: it may be a secret): no host`}},
		{"notify: a URL that is none", "notify: [{slack: \"https://example.com/%zz\"}]\n", []string{`1:18: notify[0].slack: want ${NAME} alone, or an https URL without credentials that has ${NAME} in its path only, got something else (not repeated here: it may be a secret): not a URL`}},
		{"notify: words", "notify: [{slack: \"${A}\", on: alway, severity: off, only: [prxy, cache, \"*\"]}]\n", []string{
			`1:30: notify[0].on: want fail, change or always, got "alway" (did you mean "always"?)`,
			`1:47: notify[0].severity: want error, warning or notice, got "off"`,
			`1:59: notify[0].only[0]: want the name of a stage or a check, or the ID of a rule, got "prxy" (did you mean "proxy"?)`,
			`1:72: notify[0].only[2]: want the name of a stage or a check, or the ID of a rule, got "*"`,
		}},
		{"notify: only nothing", "notify: [{slack: \"${A}\", only: []}]\n", []string{`1:32: notify[0].only is empty: leave it out for the default`}},
		{"anchor and alias", "env: &e {required: []}\nbuild: *e\n", []string{
			`1:6: anchors (&e) are not read here: write the value again where it is needed`,
			`2:8: aliases (*e) are not read here: write the value again`,
		}},
		{"merge key", "env: {<<: {required: []}}\n", []string{`1:7: merge keys (<<) are not read here: write the keys again`}},
		{"tags of YAML", "version: !!int \"1\"\nenv: !x {}\n", []string{
			`1:10: tags ("!!int") are not read here: write the value without it`,
			`2:6: tags ("!x") are not read here: write the value without it`,
		}},
		{"two documents", "version: 1\n---\nversion: 1\n", []string{`2:1: a second document begins here: the file must be one`}},
		{"YAML: unclosed", "a: [\n  b\n", []string{`2:3: not YAML: did not find expected ',' or ']'`}},
		{"YAML: a tab", "env:\n\trequired: []\n", []string{`2:1: not YAML: found character that cannot start any token`}},
		{"YAML: the second document", "version: 1\n---\n  [", []string{`3:3: not YAML: did not find expected node content`}},
		{"YAML: control character", "version: 1\x00\n", []string{`1:1: not YAML: control characters are not allowed`}},
		{"not UTF-8", "version: 1\n# caf\xe9\n", []string{`2:1: not UTF-8`}},
		{"UTF-16", "\xff\xfev\x00", []string{`1:1: not UTF-8`}},
		{"too large", "#" + strings.Repeat(" ", MaxFile), []string{`1:1: the file has 1048577 bytes, at most 1048576 are read`}},
		{"too deep", "env: " + strings.Repeat("[", 40) + strings.Repeat("]", 40), []string{`1:22: nested too deep`}},
		{"far too deep", strings.Repeat("[", 20000), []string{`1:1: not YAML: exceeded max depth of 10000`}},
		{"a long text is cut", "fail-on: " + strings.Repeat("x", 200) + "\n", []string{`1:10: fail-on: want error, warning or never, got "` + strings.Repeat("x", 100) + `…"`}},
		{"columns count characters", "{\"é\": 1, fail-on: x}\n", []string{
			`1:2: unknown key "é" (known are version, fail-on, modules, severity, exceptions, env, toolchain, gosum, proxy, dependencies, vendor, build, notify)`,
			`1:19: fail-on: want error, warning or never, got "x"`,
		}},
		{"all errors at once, in the order of the file", "exceptions:\n- module: \"@\"\n  rule: x\nfail-on: x\nzz: 1\n", []string{
			`2:3: exceptions[0] lacks the key "reason"`,
			`2:11: exceptions[0].module: want a module path, path@version, or a pattern of path prefixes as in GOPRIVATE, got "@"`,
			`3:9: unknown rule "x"`,
			`4:10: fail-on: want error, warning or never, got "x"`,
			`5:1: unknown key "zz" (known are version, fail-on, modules, severity, exceptions, env, toolchain, gosum, proxy, dependencies, vendor, build, notify)`,
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c, err := Parse("dir/f.yml", []byte(test.data), testKnown)
			if c != nil || err == nil {
				t.Fatalf("Parse = %+v, %v", c, err)
			}
			for i := range test.want {
				test.want[i] = "dir/f.yml:" + test.want[i]
			}
			if got, want := err.Error(), strings.Join(test.want, "\n"); got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

func TestParseTooManyErrors(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString("env:\n  required:\n")
	for i := range 2 * maxErrors {
		fmt.Fprintf(&b, "  - x%d\n", i)
	}
	_, err := Parse("f.yml", []byte(b.String()), testKnown)
	var list Errors
	if !errors.As(err, &list) || len(list) != maxErrors+1 {
		t.Fatalf("%d errors, want %d and a last one: %v", len(list), maxErrors, err)
	}
	if got, want := list[maxErrors].Error(), "f.yml:23:5: too many errors"; got != want {
		t.Errorf("the last is %q, want %q", got, want)
	}
	var first *FileError
	if !errors.As(err, &first) || first.Line != 3 || first.Column != 5 {
		t.Errorf("the first is %+v, want line 3, column 5", first)
	}
}

func FuzzParse(f *testing.F) {
	schema := resolvedSchema(f)
	for _, seed := range []string{"", full, string(Example(testKnown)), "a: &x [*x]", "? [a]\n: b", "!!str x: 1", "---\n---", "severity: {proxy/dns: off}", "exceptions: [{rule: proxy/dns, reason: a}]", "\xff", "[[[[", "proxy: {timeout: 1h}"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := Parse("f.yml", data, testKnown)
		if err == nil {
			if c == nil || c.Version != Version || len(c.Modules) == 0 || len(c.Build.Packages) == 0 || c.Proxy.Timeout <= 0 {
				t.Fatalf("an impossible policy: %+v", c)
			}
			if err := schema.Validate(jsonValue(t, data)); err != nil {
				t.Errorf("Parse accepts what the schema refuses: %v", err)
			}
			return
		}
		var list Errors
		if c != nil || !errors.As(err, &list) || len(list) == 0 || len(list) > maxErrors+1 {
			t.Fatalf("Parse = %+v, %v", c, err)
		}
		for _, e := range list {
			if e.Line < 1 || e.Column < 1 || e.Message == "" || strings.ContainsFunc(e.Message, unicode.IsControl) {
				t.Errorf("a bad error: %q at %d:%d", e.Message, e.Line, e.Column)
			}
		}
	})
}
