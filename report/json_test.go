package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/gopreflight/gopreflight/checks"
)

// TestJSONNeverNull: a report with nothing in it has empty lists, and is not
// changed by being written.
func TestJSONNeverNull(t *testing.T) {
	t.Parallel()
	r := &checks.Report{
		Schema: checks.Schema, Scope: checks.ScopeJob, FailOn: "error", Verdict: checks.Fail,
		RootCauses:    []checks.RootCause{{Check: "a"}},
		ModuleChanges: []checks.ModuleChange{{Path: "example.com/m"}},
		Chain:         []checks.Link{{Link: "gosum", State: checks.Absent}},
		Results: []checks.Result{
			{Check: "a", Stage: checks.StageEnv, Status: checks.Failed, Findings: []checks.Finding{{Rule: "a/b", Severity: checks.Error}}},
			{Check: "b", Stage: checks.StageEnv, Status: checks.Passed},
		},
	}
	got := render(t, JSON, r, Dest{})
	if strings.Contains(got, "null") {
		t.Errorf("the report has a null:\n%s", got)
	}
	if r.Results[1].Findings != nil || r.Results[0].Findings[0].Evidence != nil || r.RootCauses[0].Blocks != nil || r.Go.Env != nil {
		t.Error("writing the report changed it")
	}
	var v any
	if err := json.Unmarshal([]byte(got), &v); err != nil {
		t.Fatal(err)
	}
	if err := resolvedSchema(t).Validate(v); err != nil {
		t.Errorf("the report does not follow its schema: %v", err)
	}
	again, err := ReadJSON(strings.NewReader(got))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(again, normalize(r)) {
		t.Errorf("read back it is\n%+v, want\n%+v", again, normalize(r))
	}
}

// TestReadJSONRefuses: what is no report of ours is refused, with the reason.
func TestReadJSONRefuses(t *testing.T) {
	t.Parallel()
	good := `{"schema":"gopreflight/report/v1","scope":"job","verdict":"pass","results":[%s]}`
	result := func(s string) string { return fmt.Sprintf(good, s) }
	for _, tt := range []struct{ name, in, want string }{
		{"nothing", "", "not a JSON report"},
		{"text", "go: downloading", "not a JSON report: line 1: "},
		{"line of a syntax error", "{\n\"schema\":\n}", "line 3: "},
		{"a list", "[]", "not a JSON report"},
		{"null", "null", `no schema, want "gopreflight/report/v1"`},
		{"another program's", `{"runs":[]}`, "no schema"},
		{"another version", `{"schema":"gopreflight/report/v2"}`, `schema is "gopreflight/report/v2", want "gopreflight/report/v1"`},
		{"wrong type", result("\n{\"check\":3}"), "line 2: json: cannot unmarshal number"},
		{"verdict", strings.ReplaceAll(result(""), "pass", "ok"), `verdict is "ok", want one of ["pass" "fail" "inconclusive"]`},
		{"scope", strings.ReplaceAll(result(""), "job", ""), `scope is "", want one of`},
		{"status", result(`{"status":"great"}`), `results[0].status is "great"`},
		{"module status", result(`{"status":"passed","modules":[{"status":"x"}]}`), `results[0].modules[0].status is "x"`},
		{"severity off", result(`{"status":"passed","findings":[{"severity":"off"}]}`), `results[0].findings[0].severity is "off"`},
		{"line", result(`{"status":"passed","findings":[{"severity":"error","line":-1}]}`), "results[0].findings[0]: line, column or endLine is negative"},
		{"line over the range", result(`{"status":"passed","findings":[{"severity":"error","line":99999999999999999999}]}`), "cannot unmarshal number"},
		{"link state", strings.Replace(result(""), "{", `{"chain":[{"state":"sure"}],`, 1), `chain[0].state is "sure"`},
		{"too many results", result(strings.Repeat(`{"status":"passed"},`, maxResults) + `{"status":"passed"}`), "it has 1,001 results, more than 1,000"},
		{"two reports", result("") + result(""), "invalid character"},
		{"too deep", strings.Repeat("[", 65) + strings.Repeat("]", 65), "nested deeper than 64 levels"},
		{"too large", strings.Repeat(" ", MaxReport+1), "larger than 32 MiB"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r, err := ReadJSON(strings.NewReader(tt.in))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one that says %q", err, tt.want)
			}
			if r != nil {
				t.Error("a report was returned with the error")
			}
		})
	}
}

// TestReadJSONGrows: fields of a later version are left out; brackets in
// strings are no nesting; numbers of facts keep all their digits.
func TestReadJSONGrows(t *testing.T) {
	t.Parallel()
	in := `{"schema":"gopreflight/report/v1","new":{"a":[1]},"scope":"job","verdict":"pass",
		"results":[{"check":"a","status":"passed","new":1,"reason":"` + strings.Repeat(`[\"{`, 100) + `","facts":{"n":9007199254740993}}]}`
	r, err := ReadJSON(strings.NewReader(in))
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(r.Results[0].Facts["n"]); got != "9007199254740993" {
		t.Errorf("the fact is %s", got)
	}
	if r.Chain == nil || r.Results[0].Findings == nil || r.Go.Env == nil {
		t.Error("lists and maps that are missing are not empty ones")
	}
}

func FuzzReadJSON(f *testing.F) {
	for _, name := range []string{"pass", "fail", "hostile", "interrupted", "modules"} {
		b, err := os.ReadFile(saved + "/" + name + ".json")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte(`{"schema":"gopreflight/report/v1","scope":"job","verdict":"fail","results":[{"status":"failed","findings":[{"severity":"error"}]}]}`))
	f.Add([]byte(`[[[[{"a":"\""}]]]]`))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := ReadJSON(bytes.NewReader(data))
		if err != nil {
			return
		}
		// What can be read can be shown in every format, and read again.
		for _, reporter := range []*Reporter{Terminal, Markdown, JSON} {
			var b bytes.Buffer
			if err := reporter.Write(t.Context(), Dest{Out: &b, Log: true, Verbose: true}, r); err != nil {
				t.Fatalf("%s: %v", reporter.Name, err)
			}
			switch reporter {
			case Terminal:
				if got := logCommands(b.String()); len(got) > 0 {
					t.Errorf("the log has commands: %q", got)
				}
			case Markdown:
				if got := b.Len(); got > MaxSummary {
					t.Errorf("the summary has %d bytes", got)
				}
			case JSON:
				if _, err := ReadJSON(&b); err != nil {
					t.Errorf("what was written cannot be read: %v", err)
				}
			}
		}
	})
}

// TestSchemaRefuses: the schema is more than a shape.
func TestSchemaRefuses(t *testing.T) {
	t.Parallel()
	schema := resolvedSchema(t)
	for _, tt := range []struct{ name, old, new string }{
		{"verdict", `"verdict": "fail"`, `"verdict": "bad"`},
		{"status", `"status": "warned"`, `"status": "warning"`},
		{"severity", `"severity": "error"`, `"severity": "off"`},
		{"stage", `"stage": "proxy"`, `"stage": "net"`},
		{"state", `"state": "proven"`, `"state": "sure"`},
		{"schema", `gopreflight/report/v1`, `gopreflight/report/v2`},
		{"null list", `"moduleChanges": []`, `"moduleChanges": null`},
		{"field missing", `"failOn": "error",`, ``},
		{"number as text", `"durationMs": 4831`, `"durationMs": "4831"`},
	} {
		b, err := os.ReadFile(saved + "/fail.json")
		if err != nil {
			t.Fatal(err)
		}
		changed := strings.Replace(string(b), tt.old, tt.new, 1)
		if changed == string(b) {
			t.Fatalf("%s: fail.json has no %s", tt.name, tt.old)
		}
		var v any
		if err := json.Unmarshal([]byte(changed), &v); err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(v); err == nil {
			t.Errorf("%s: the schema allows %s", tt.name, tt.new)
		}
	}
	// Fields of a later version are no fault.
	b, _ := os.ReadFile(saved + "/fail.json")
	var v map[string]any
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	v["new"] = 1
	if err := schema.Validate(v); err != nil {
		t.Errorf("a field of a later version: %v", err)
	}
}

// TestSchemaHasNoNull: no part of the schema allows null, as no part of a
// report is.
func TestSchemaHasNoNull(t *testing.T) {
	t.Parallel()
	b, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(b, []byte(`"null"`)) {
		t.Error("the schema allows null")
	}
	var s jsonschema.Schema
	if err := json.Unmarshal(b, &s); err != nil {
		t.Fatal(err)
	}
	again, err := Schema()
	if err != nil || !bytes.Equal(again, b) {
		t.Errorf("the schema differs between two calls (%v)", err)
	}
}
