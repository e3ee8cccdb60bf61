package config

import (
	"reflect"
	"regexp"
	"strings"
	"testing"
)

func TestExampleIsDefault(t *testing.T) {
	t.Parallel()
	got, err := Parse(FileName, Example(testKnown), Known{})
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, Default()) {
		t.Errorf("got %+v, want %+v", got, Default())
	}
}

var (
	commentedKey = regexp.MustCompile(`(?m)^#((?:  )*[a-z-]+:)`)
	sample       = regexp.MustCompile(`(?m)^ *# For example: (.*)\n#( *[a-z-]+:).*$`)
)

func TestExampleUncommentedIsDefault(t *testing.T) {
	t.Parallel()
	data := commentedKey.ReplaceAll(Example(testKnown), []byte("$1"))
	got, err := Parse(FileName, data, Known{})
	if err != nil {
		t.Fatalf("%v\n%s", err, data)
	}
	// Here the file says [] and {} where Default says nothing.
	want := Default()
	want.Severity, want.Exceptions = map[string]string{}, []Exception{}
	want.Env = Env{Required: []string{}, GOPROXY: GOPROXY{Allow: []string{}}, ForbidGOFLAGS: []string{}}
	want.Gosum.Ask = []string{}
	want.Proxy.Probe = []string{}
	want.Vendor.Patched = []PatchedModule{}
	want.Dependencies = Dependencies{ReplaceAllow: []string{}, Deny: []DeniedModule{}}
	want.Build.Tags = []string{}
	want.Notify = []Notify{}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// Every example of a value must be right too.
func TestExampleSamples(t *testing.T) {
	t.Parallel()
	for _, known := range []Known{testKnown, {Rules: []string{"other/rule"}}} {
		data := commentedKey.ReplaceAll(sample.ReplaceAll(Example(known), []byte("#$2 $1")), []byte("$1"))
		got, err := Parse(FileName, data, known)
		if err != nil {
			t.Fatalf("%v\n%s", err, data)
		}
		if len(got.Exceptions) != 1 || len(got.Severity) != 1 || got.Toolchain.Allow == "" || len(got.Dependencies.Deny) != 1 || len(got.Vendor.Patched) != 1 || len(got.Env.GOPROXY.Allow) != 2 || len(got.Notify) != 1 {
			t.Errorf("examples are missing: %+v", got)
		}
	}
}

func TestExampleHasEveryKey(t *testing.T) {
	t.Parallel()
	text := string(Example(testKnown))
	var walk func(section reflect.Type, indent string)
	walk = func(section reflect.Type, indent string) {
		for _, f := range fieldsOf(section) {
			line := "\n#" + indent + f.key + ":"
			if f.key == "version" {
				line = "\nversion: 1\n"
			}
			if strings.Count(text, line) != 1 {
				t.Errorf("%q stands %d times", line, strings.Count(text, line))
			}
			if f.typ.Kind() == reflect.Struct {
				walk(f.typ, indent+"  ")
			}
		}
	}
	walk(reflect.TypeFor[Config](), "")
}
