package cli

import (
	"testing"

	"github.com/gopreflight/gopreflight/internal/ci"
)

func TestCommentID(t *testing.T) {
	t.Parallel()
	const two = "{\n  \"os\": \"ubuntu-latest\",\n  \"go\": 1.26,\n  \"race\": true,\n  \"env\": {\"list\": [\"a\", 2], \"none\": null}\n}"
	for name, tt := range map[string]struct {
		given, matrix string
		ci            ci.Context
		id, label     string
	}{
		"no matrix":             {matrix: "null"},
		"no matrix, by act":     {matrix: "{}"},
		"nothing told":          {},
		"no JSON":               {matrix: `{"go": `},
		"another value":         {matrix: `["a"]`},
		"a matrix":              {matrix: two, id: `{"os":"ubuntu-latest","go":1.26,"race":true,"env":{"list":["a",2],"none":null}}`, label: "ubuntu-latest, 1.26, true, a, 2"},
		"an ID of one's own":    {given: "api", matrix: two, id: "api", label: "api"},
		"GitLab":                {ci: ci.Context{Provider: ci.GitLab, Job: "test: [linux, 1.26]"}, label: "linux, 1.26"},
		"GitLab, parallel: 3":   {ci: ci.Context{Provider: ci.GitLab, Job: "test 1/3"}},
		"GitLab, brackets":      {ci: ci.Context{Provider: ci.GitLab, Job: "test: [linux"}},
		"GitLab, not its input": {ci: ci.Context{Provider: ci.GitLab, Job: "test"}, matrix: two},
	} {
		o := commentOptions{mode: commentAuto, id: tt.given}
		for range 2 { // a second time changes nothing
			if err := o.settle(func(name string) string { return map[string]string{"INPUT_MATRIX": tt.matrix}[name] }, tt.ci); err != nil {
				t.Fatal(err)
			}
			if o.id != tt.id || o.label != tt.label {
				t.Errorf("%s: ID %q, label %q, want %q, %q", name, o.id, o.label, tt.id, tt.label)
			}
		}
	}
}
