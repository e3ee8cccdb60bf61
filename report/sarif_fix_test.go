package report

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/diff"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/gopreflight/gopreflight/checks"
)

// applied is a text after the replacements of a fix, as an editor makes them: from
// the last to the first, each by lines and columns.
func applied(t *testing.T, text string, list []sarifReplacement) string {
	t.Helper()
	at := func(line, column int) int {
		offset := 0
		for range line - 1 {
			end := strings.IndexByte(text[offset:], '\n')
			if end < 0 {
				t.Fatalf("there is no line %d in %q", line, text)
			}
			offset += end + 1
		}
		return offset + column - 1
	}
	for _, r := range slices.Backward(list) {
		inserted := ""
		if r.Inserted != nil {
			inserted = r.Inserted.Text
		}
		from, to := at(r.Deleted.Line, r.Deleted.Column), at(r.Deleted.EndLine, r.Deleted.EndColumn)
		text = text[:from] + inserted + text[to:]
	}
	return text
}

// patchOf is a patch from one text to another, by the path of its file.
func patchOf(name, before, after string) string {
	text := string(diff.Diff("a/"+name, []byte(before), "b/"+name, []byte(after)))
	_, patch, _ := strings.Cut(text, "\n") // but for its first line
	return patch
}

// TestSARIFFixes: what an editor makes of a fix is what the patch says.
func TestSARIFFixes(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(3, 4))
	text := func(n int) string {
		var b strings.Builder
		for range n {
			fmt.Fprintf(&b, "\tline %d\n", random.IntN(6))
		}
		return b.String()
	}
	for range 2000 {
		before := text(random.IntN(30))
		lines := slices.Collect(strings.Lines(before))
		for range 1 + random.IntN(4) {
			at := random.IntN(len(lines) + 1)
			upTo := min(len(lines), at+random.IntN(3))
			lines = slices.Replace(lines, at, upTo, slices.Collect(strings.Lines(text(random.IntN(3))))...)
		}
		after := strings.Join(lines, "")
		fixes := sarifFixes(&checks.Finding{Fix: checks.Fix{Description: "tidy", Patch: patchOf("a b/go.mod", before, after)}})
		if before == after {
			if fixes != nil {
				t.Fatalf("a fix that changes nothing: %+v", fixes)
			}
			continue
		}
		if len(fixes) != 1 || fixes[0].Description.Text != "tidy" || len(fixes[0].Changes) != 1 || fixes[0].Changes[0].Artifact != (sarifArtifact{"a%20b/go.mod", "%SRCROOT%"}) {
			t.Fatalf("from %q to %q: %+v", before, after, fixes)
		}
		if got := applied(t, before, fixes[0].Changes[0].Replacements); got != after {
			t.Fatalf("from %q: got %q, want %q by %+v", before, got, after, fixes[0].Changes[0].Replacements)
		}
	}
}

// TestSARIFFixOfTwoFiles: a fix of go.mod and go.sum is one, and the standard's.
func TestSARIFFixOfTwoFiles(t *testing.T) {
	t.Parallel()
	patch := patchOf("go.mod", "module m\n\nrequire x v1\n", "module m\n") + patchOf("go.sum", "x v1 h1:=\n", "")
	r := &checks.Report{Verdict: checks.Fail, Results: []checks.Result{{Check: "tidy", Findings: []checks.Finding{
		{Rule: "tidy/unused-require", Severity: checks.Error, Message: "m", File: "go.mod", Line: 3, Fix: checks.Fix{Command: "go mod tidy", Patch: patch}},
		{Rule: "tidy/unused-require", Severity: checks.Error, Message: "n", File: "go.mod", Line: 4, Fix: checks.Fix{Command: "go mod tidy"}},
	}}}}
	results := renderSARIF(t, r).Results
	const want = `[{"description":{"text":"apply the patch"},"artifactChanges":[` +
		`{"artifactLocation":{"uri":"go.mod","uriBaseId":"%SRCROOT%"},"replacements":[{"deletedRegion":{"startLine":2,"startColumn":1,"endLine":4,"endColumn":1}}]},` +
		`{"artifactLocation":{"uri":"go.sum","uriBaseId":"%SRCROOT%"},"replacements":[{"deletedRegion":{"startLine":1,"startColumn":1,"endLine":2,"endColumn":1}}]}]}]`
	if got, err := json.Marshal(results[0].Fixes); err != nil || string(got) != want {
		t.Errorf("the fixes are\n%s (%v), want\n%s", got, err, want)
	}
	text := render(t, SARIF, r, Dest{})
	if n := strings.Count(text, `"fixes"`); n != 1 {
		t.Errorf("%d results have fixes, want one", n)
	}
	schema, err := sarifSchemaFile()
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if err := schema.Validate(doc); err != nil {
		t.Error(err)
	}
}

// TestSARIFFixRefused: a patch that SARIF cannot say, or that leads out of the
// repository, is none.
func TestSARIFFixRefused(t *testing.T) {
	t.Parallel()
	fine := patchOf("go.mod", "a\n", "b\n")
	for name, patch := range map[string]string{
		"no patch":                   "",
		"words":                      "take the line out",
		"a new file":                 strings.Replace(fine, "a/go.mod", "/dev/null", 1),
		"a file that goes":           strings.Replace(fine, "b/go.mod", "/dev/null", 1),
		"another name":               strings.Replace(fine, "b/go.mod", "b/go.sum", 1),
		"out of the repository":      strings.ReplaceAll(fine, "/go.mod", "/../go.mod"),
		"an absolute path":           strings.ReplaceAll(fine, "/go.mod", "//etc/passwd"),
		"no end of the last line":    patchOf("go.mod", "a\nb", "a\nb\n"),
		"an end that goes":           patchOf("go.mod", "a\nb\n", "a\nb"),
		"a character that is hidden": strings.Replace(fine, "+b", "+b\u202e", 1),
		"a terminal's escape":        strings.Replace(fine, "+b", "+b\x1b[31m", 1),
		"too long":                   fine + strings.Repeat("+b\n", maxSARIFPatch),
		"one of two files is new":    fine + strings.Replace(fine, "a/go.mod", "/dev/null", 1),
	} {
		if got := sarifFixes(&checks.Finding{Fix: checks.Fix{Patch: patch}}); got != nil {
			t.Errorf("%s: %+v", name, got)
		}
	}
	if sarifFixes(&checks.Finding{Fix: checks.Fix{Patch: fine}}) == nil {
		t.Error("the patch that the others are made of is refused, too")
	}
}

// FuzzSARIFFixes: whatever a patch says, its regions are regions and its files are
// files of the repository.
func FuzzSARIFFixes(f *testing.F) {
	f.Add(patchOf("go.mod", "a\nb\nc\n", "a\nd\n"))
	f.Add("--- a/x\n+++ b/x\n@@ -0,0 +1 @@\n+a\n")
	f.Add("--- a/x\n+++ b/x\n@@ -2147483647,9 +1 @@\n-a\n+b\n")
	f.Add("--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+b\n")
	f.Fuzz(func(t *testing.T, patch string) {
		for _, fix := range sarifFixes(&checks.Finding{Fix: checks.Fix{Patch: patch}}) {
			if len(fix.Changes) == 0 || fix.Description.Text == "" {
				t.Errorf("%q: %+v", patch, fix)
			}
			for _, c := range fix.Changes {
				if len(c.Replacements) == 0 || strings.HasPrefix(c.Artifact.URI, "/") || strings.Contains("/"+c.Artifact.URI+"/", "/../") {
					t.Errorf("%q: %+v", patch, c)
				}
				for _, r := range c.Replacements {
					if d := r.Deleted; d.Line < 1 || d.EndLine < d.Line || d.Column != 1 || d.EndColumn != 1 {
						t.Errorf("%q: %+v", patch, r)
					}
				}
			}
		}
	})
}
