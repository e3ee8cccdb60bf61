// Package faultdoc keeps docs/faults.md true: each fault lab, which is a test,
// hands in the table of what it injected and what everybody said of it, and the
// page has to hold exactly that. With the flag -update-faults the test writes it.
//
// It is for tests alone, and never judges a row: the lab has, before it hands it in.
package faultdoc

import (
	"flag"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

var update = flag.Bool("update-faults", false, "write this lab's table into docs/faults.md")

// Table compares the table of a name in docs/faults.md with these columns and
// rows, or writes it there. A table stands between two comments with its name.
// The go command's words change from release to release: with another one than the
// page names, nothing is compared.
func Table(t testing.TB, name string, columns []string, rows [][]string) {
	t.Helper()
	path := page(t)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	begin, end := "<!-- "+name+" -->\n", "<!-- end of "+name+" -->"
	head, rest, ok := strings.Cut(string(data), begin)
	if !ok {
		t.Fatalf("%s has no line %q", path, begin)
	}
	if words := "are those of " + runtime.Version() + ";"; !strings.Contains(head, words) && !*update {
		t.Logf("docs/faults.md is of another release than %s", runtime.Version())
		return
	}
	old, tail, ok := strings.Cut(rest, end)
	if !ok {
		t.Fatalf("%s has no line %q", path, end)
	}
	table := markdown(columns, rows)
	if old == table {
		return
	}
	if !*update {
		t.Errorf("docs/faults.md: the table %s is not what this test saw; write it with -update-faults:\n%s", name, table)
		return
	}
	if err := os.WriteFile(path, []byte(head+begin+table+end+tail), 0o666); err != nil {
		t.Fatal(err)
	}
}

// page is docs/faults.md of the module around the test's folder.
func page(t testing.TB) string {
	t.Helper()
	dir, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return filepath.Join(dir, "docs", "faults.md")
		}
		up := filepath.Dir(dir)
		if up == dir {
			t.Fatal("no go.mod above the test's folder")
		}
		dir = up
	}
}

func markdown(columns []string, rows [][]string) string {
	var b strings.Builder
	line := func(cells []string) {
		for _, c := range cells {
			c = strings.NewReplacer("|", `\|`, "\n", "<br>").Replace(strings.TrimSpace(c))
			b.WriteString("| " + c + " ")
		}
		b.WriteString("|\n")
	}
	b.WriteString("\n")
	line(columns)
	b.WriteString(strings.Repeat("| --- ", len(columns)) + "|\n")
	for _, r := range rows {
		line(r)
	}
	b.WriteString("\n")
	return b.String()
}
