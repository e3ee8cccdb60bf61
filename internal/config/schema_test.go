package config

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/google/jsonschema-go/jsonschema"
	"go.yaml.in/yaml/v3"
)

// resolvedSchema is the schema for testKnown, read back from its JSON.
func resolvedSchema(t testing.TB) *jsonschema.Resolved {
	t.Helper()
	data, err := Schema(testKnown)
	if err != nil {
		t.Fatal(err)
	}
	var s jsonschema.Schema
	if err := json.Unmarshal(data, &s); err != nil {
		t.Fatal(err)
	}
	r, err := s.Resolve(nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// jsonValue is a YAML document as an editor hands it to a validator: YAML 1.2
// knows no dates.
func jsonValue(t testing.TB, data []byte) any {
	t.Helper()
	var n yaml.Node
	if err := yaml.Unmarshal(data, &n); err != nil {
		t.Fatal(err)
	}
	if n.Kind == 0 {
		return nil
	}
	return nodeValue(t, n.Content[0])
}

func nodeValue(t testing.TB, n *yaml.Node) any {
	switch n.Kind {
	case yaml.MappingNode:
		m := map[string]any{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			m[n.Content[i].Value] = nodeValue(t, n.Content[i+1])
		}
		return m
	case yaml.SequenceNode:
		list := []any{}
		for _, child := range n.Content {
			list = append(list, nodeValue(t, child))
		}
		return list
	}
	if n.ShortTag() == "!!timestamp" {
		return n.Value
	}
	var v any
	if err := n.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestSchemaAndParseAgree(t *testing.T) {
	t.Parallel()
	schema := resolvedSchema(t)
	good := []string{
		full, "{}", "~", "version: 1", "version:", "fail-on: never", "fail-on:",
		"modules: [.]", "modules: [./a/b/...]", "modules:",
		"severity: {}", "severity: {proxy/dns: error, gosum/missing: off}", "severity:",
		"exceptions: []", "exceptions: [{rule: proxy/dns, reason: because}]",
		"exceptions: [{rule: proxy/dns, reason: because, until: , owner: , module: , file: }]",
		"exceptions: [{rule: proxy/dns, reason: because, file: a/b.go, module: example.com/*}]",
		"env: {}", "env: {goproxy: {}}", "env: {goproxy: {allow: [off]}}", "env: {forbid-goflags: [--mod, -tags=a b]}",
		"toolchain: {allow: }", "toolchain: {allow: ''}", "toolchain: {allow: '= go1.26.8'}",
		"proxy: {timeout: 1.5s}", "proxy: {timeout: 1h2m3s}", "proxy: {probe: []}",
		"dependencies: {deny: [{module: 'example.com/*/x'}]}",
		"build: {packages: [all], tags: [a_b.c, é], network: deny}",
		"notify: []", "notify: [{slack: '${A}'}]", "notify: [{slack: '${A}', on: , severity: , only: }]", "notify: [{wecom: 'https://example.com/${A}', on: always}]",
		"notify: [{slack: https://example.com}]", "notify: [{slack: 'https://example.com?x=y'}]", "notify: [{slack: 'https://[2001:db8::1]:8443/a'}]",
		"notify: [{webhook: https://example.com/a, secret: '${A}', severity: notice, only: [host, proxy/dns]}]",
	}
	bad := []string{
		"x: 1", "[]", "1", "version: 2", "version: '1'", "version: true", "fail-on: off", "fail-on: 1", "fail-on: [error]",
		"modules: []", "modules: .", "modules: [a]", "modules: [../a]", "modules: [./a/..]", "modules: [./a//b]", "modules: [./]", "modules: [~]", "modules: [1]", "modules: ['./a b']",
		"severity: []", "severity: {proxy: off}", "severity: {proxy/dns: never}", "severity: {proxy/dns: }",
		"exceptions: {}", "exceptions: [~]", "exceptions: [{rule: proxy/dns}]", "exceptions: [{reason: x}]", "exceptions: [{rule: x, reason: x}]",
		"exceptions: [{rule: proxy/dns, reason: ''}]", "exceptions: [{rule: proxy/dns, reason: ~}]", "exceptions: [{rule: proxy/dns, reason: 1}]",
		"exceptions: [{rule: proxy/dns, reason: x, line: 1}]", "exceptions: [{rule: proxy/dns, reason: x, Line: 1}]",
		"exceptions: [{rule: proxy/dns, reason: x, until: soon}]", "exceptions: [{rule: proxy/dns, reason: x, until: 2027}]",
		"exceptions: [{rule: proxy/dns, reason: x, module: a@b@c}]", "exceptions: [{rule: proxy/dns, reason: x, module: 'a*@v1.0.0'}]", "exceptions: [{rule: proxy/dns, reason: x, module: 'a,b'}]",
		"exceptions: [{rule: proxy/dns, reason: x, file: ./a}]", "exceptions: [{rule: proxy/dns, reason: x, file: a/}]", "exceptions: [{rule: proxy/dns, reason: x, file: ''}]",
		"env: []", "env: {required: GOPROXY}", "env: {required: [go]}", "env: {goproxy: {allow: [ftp://x]}}", "env: {goproxy: https://goproxy.example}", "env: {forbid-goflags: [mod]}", "env: {forbid-goflags: [---x]}",
		"toolchain: {allow: '1.26'}", "toolchain: {allow: 1.26}", "toolchain: {allow: '>=1.25,'}", "toolchain: {allowed: ''}", "toolchain: '>=1.25'",
		"proxy: {timeout: 5}", "proxy: {timeout: -5s}", "proxy: {timeout: 5 s}", "proxy: {timeout: ''}", "proxy: {probe: [a@1]}", "proxy: {probe: ['a b']}",
		"dependencies: {deny: [{reason: x}]}", "dependencies: {deny: [x]}", "dependencies: {deny: [{module: ''}]}", "dependencies: {replace-allow: [example.com/...]}", "dependencies: {replace-allow: [a@v1]}",
		"build: {packages: []}", "build: {packages: [-x]}", "build: {packages: ['']}", "build: {tags: ['!x']}", "build: {tags: [a b]}", "build: {network: maybe}", "build: {network: off}",
		"notify: {}", "notify: [~]", "notify: [{}]", "notify: [{slack: }]", "notify: [{slack: 1}]", "notify: [{slack: ''}]", "notify: [{slack: '${A}', wecom: '${B}'}]", "notify: [{slack: '${A}', wecom: }]",
		"notify: [{slack: 'http://example.com/a'}]", "notify: [{slack: '$A'}]", "notify: [{slack: '${A}${B}'}]", "notify: [{slack: '${1A}'}]", "notify: [{slack: '${A}/b'}]", "notify: [{slack: 'https://${A}'}]", "notify: [{slack: 'https://${A}.example.com/'}]", "notify: [{slack: 'https://example.com:${A}/'}]",
		"notify: [{slack: 'https://example.com/?x=${A}'}]", "notify: [{slack: 'https://example.com/$A'}]", "notify: [{slack: 'https://example.com/${A'}]", "notify: [{slack: 'https://example.com/#x'}]", "notify: [{slack: 'https://u:p@example.com/'}]", "notify: [{slack: 'https://example.com/a b'}]",
		"notify: [{webhook: '${A}'}]", "notify: [{webhook: '${A}', secret: }]", "notify: [{webhook: '${A}', secret: x}]", "notify: [{slack: '${A}', secret: '${B}'}]", "notify: [{slack: '${A}', secret: }]",
		"notify: [{slack: '${A}', on: recovery}]", "notify: [{slack: '${A}', severity: off}]", "notify: [{slack: '${A}', only: []}]", "notify: [{slack: '${A}', only: proxy}]", "notify: [{slack: '${A}', only: [x/y]}]", "notify: [{slack: '${A}', line: 1}]",
	}
	check := func(data string, want bool) {
		_, err := Parse("f.yml", []byte(data), testKnown)
		if (err == nil) != want {
			t.Errorf("Parse: want ok %t, got %v, of\n%s", want, err, data)
		}
		if err := schema.Validate(jsonValue(t, []byte(data))); (err == nil) != want {
			t.Errorf("schema: want ok %t, got %v, of\n%s", want, err, data)
		}
	}
	for _, data := range good {
		check(data, true)
	}
	for _, data := range bad {
		check(data, false)
	}
}

// What the schema cannot say, and Schema's comment admits.
func TestSchemaIsLooser(t *testing.T) {
	t.Parallel()
	schema := resolvedSchema(t)
	for _, data := range []string{
		"proxy: {timeout: 0s}",
		"proxy: {probe: [example]}",
		"toolchain: {allow: '<=1.26'}",
		"build: {tags: [a'b]}",
		"exceptions: [{rule: proxy/dns, reason: x, until: 2027-02-31}]",
		"exceptions: [{rule: proxy/dns, reason: x, file: '['}]",
		"env: {goproxy: {allow: ['https://:80']}}",
		"notify: [{slack: 'https://:443/a'}]",
	} {
		if _, err := Parse("f.yml", []byte(data), testKnown); err == nil {
			t.Errorf("Parse accepts %s", data)
		}
		if err := schema.Validate(jsonValue(t, []byte(data))); err != nil {
			t.Errorf("the schema knows better than the comment: %v", err)
		}
	}
}

func TestSchemaIsStable(t *testing.T) {
	t.Parallel()
	a, err := Schema(testKnown)
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		if b, _ := Schema(testKnown); !bytes.Equal(a, b) {
			t.Fatal("two calls, two schemas")
		}
	}
	for _, want := range []string{`"https://json-schema.org/draft/2020-12/schema"`, `"proxy/dns"`, `"default": "5s"`, `"additionalProperties": false`} {
		if !bytes.Contains(a, []byte(want)) {
			t.Errorf("no %s in\n%s", want, a)
		}
	}
}

// Every key must be described and every scalar must have a grammar: a typo in a
// tag would read anything.
func TestTags(t *testing.T) {
	t.Parallel()
	var walk func(where string, section reflect.Type)
	walk = func(where string, section reflect.Type) {
		for _, f := range fieldsOf(section) {
			at := where + "." + f.key
			if f.key == "" || !strings.HasSuffix(f.doc, ".") || f.doc != strings.TrimSpace(f.doc) {
				t.Errorf("%s: no key or no sentence: %q", at, f.doc)
			}
			leaf := f.typ
			for leaf.Kind() == reflect.Slice || leaf.Kind() == reflect.Map {
				leaf = leaf.Elem()
			}
			if leaf.Kind() == reflect.Struct {
				walk(at, leaf)
				continue
			}
			if g, ok := grammars[grammarOf(field{typ: leaf, grammar: f.grammar})]; !ok || g.want == "" {
				t.Errorf("%s: no grammar %q", at, f.grammar)
			}
			if _, ok := grammars[f.keys]; f.typ.Kind() == reflect.Map && !ok {
				t.Errorf("%s: no grammar for its keys %q", at, f.keys)
			}
		}
	}
	walk("", reflect.TypeFor[Config]())
}
