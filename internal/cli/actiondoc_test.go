package cli

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// TestActionDocument: docs/action.md lists the inputs and outputs of action.yml, in
// its order and words, and of host/action.yml those that it has beside them.
func TestActionDocument(t *testing.T) {
	t.Parallel()
	const name = "../../docs/action.md"
	a, host := readAction(t, "../../action.yml"), readAction(t, "../../host/action.yml")
	var inputs, outputs strings.Builder
	inputs.WriteString("| input | |\n| :-- | :-- |\n")
	for _, in := range declared(t, "../../action.yml", "inputs") {
		fmt.Fprintf(&inputs, "| `%s` | %s |\n", in, cell(a.Inputs[in].Description))
	}
	for _, in := range declared(t, "../../host/action.yml", "inputs") {
		if _, both := a.Inputs[in]; !both {
			fmt.Fprintf(&inputs, "| `%s` | Host mode. %s |\n", in, cell(host.Inputs[in].Description))
		}
	}
	outputs.WriteString("| output | |\n| :-- | :-- |\n")
	for _, out := range declared(t, "../../action.yml", "outputs") {
		fmt.Fprintf(&outputs, "| `%s` | %s |\n", out, cell(a.Outputs[out].Description))
	}
	doc := between(t, read(t, name), "inputs", inputs.String())
	doc = between(t, doc, "outputs", outputs.String())
	compare(t, name, doc)
}

// declared are the names below a key of an action.yml, in the file's order.
func declared(t *testing.T, name, key string) []string {
	t.Helper()
	var root yaml.Node
	if err := yaml.Unmarshal([]byte(read(t, name)), &root); err != nil {
		t.Fatal(err)
	}
	top := root.Content[0].Content
	at := slices.IndexFunc(top, func(n *yaml.Node) bool { return n.Value == key })
	if at < 0 {
		t.Fatalf("%s has no %s", name, key)
	}
	var names []string
	for i, n := range top[at+1].Content {
		if i%2 == 0 {
			names = append(names, n.Value)
		}
	}
	return names
}

// cell is a description as a cell of a table, with what is in quotes as code.
func cell(text string) string {
	text = strings.NewReplacer("|", `\|`, "<", "&lt;").Replace(text)
	var b strings.Builder
	for i, part := range strings.Split(text, `"`) {
		if i%2 == 1 {
			part = "`" + part + "`"
		}
		b.WriteString(part)
	}
	return b.String()
}

// between puts a text between the two marks of a name.
func between(t *testing.T, doc, name, text string) string {
	t.Helper()
	from, to := "<!-- "+name+" -->\n", "<!-- end of "+name+" -->"
	before, rest, ok := strings.Cut(doc, from)
	_, after, ok2 := strings.Cut(rest, to)
	if !ok || !ok2 {
		t.Fatalf("no marks of %s", name)
	}
	return before + from + "\n" + text + "\n" + to + after
}
