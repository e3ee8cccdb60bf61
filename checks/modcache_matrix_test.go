package checks

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"text/tabwriter"
)

// TestCorruptionMatrix tampers with a module cache in every way of the matrix,
// and sets what go mod verify and go build say beside what check modcache says.
// Then it runs the fix of each finding, as a user would paste it, and expects
// a cache that everybody is content with.
func TestCorruptionMatrix(t *testing.T) {
	t.Parallel()
	lab := newCacheLab(t)

	const unchecked = -1
	type row struct {
		name string
		// id is the module that is tampered with; labLib where empty.
		id string
		do func(t *testing.T, l *cacheLab)
		// off says that the row is about a machine without a proxy.
		off bool
		// verify and build are the exit codes of go mod verify and go build.
		verify, build int
		// rule is the one finding; empty for a healthy row.
		rule *Rule
		// unmended says that the fix is to find something out first.
		unmended bool
	}
	edit := func(id, name string) func(*testing.T, *cacheLab) {
		return func(t *testing.T, l *cacheLab) {
			path := filepath.Join(l.dir(id), name)
			labWrite(t, path, strings.Replace(labRead(t, path), "return \"", "return \"evil ", 1))
		}
	}
	rows := []row{
		{name: "1 file in the folder edited", do: edit(labLib, "lib.go"), verify: 1, build: 0, rule: ruleTreeModified},
		{name: "1 the same, path with capitals", id: labAzure, do: edit(labAzure, "thing.go"), verify: 1, build: 0, rule: ruleTreeModified},
		{name: "1 the same, +incompatible", id: labCompat, do: edit(labCompat, "compat.go"), verify: 1, build: 0, rule: ruleTreeModified},
		{name: "2 file added to the folder", verify: 1, build: 0, rule: ruleTreeModified,
			do: func(t *testing.T, l *cacheLab) {
				labWrite(t, filepath.Join(l.dir(labLib), "init.go"), "package lib\n\nfunc init() { println(\"evil\") }\n")
			}},
		{name: "3 file deleted from the folder", verify: 1, build: 1, rule: ruleTreeModified,
			do: func(t *testing.T, l *cacheLab) { labRemove(t, filepath.Join(l.dir(labLib), "lib.go")) }},
		{name: "3 folder emptied", verify: 1, build: 1, rule: ruleTreeModified,
			do: func(t *testing.T, l *cacheLab) {
				labRemove(t, l.dir(labLib))
				if err := os.Mkdir(l.dir(labLib), 0o777); err != nil {
					t.Fatal(err)
				}
			}},
		{name: "4 folder deleted", verify: 0, build: 0,
			do: func(t *testing.T, l *cacheLab) { labRemove(t, l.dir(labLib)) }},
		{name: "5 zip truncated, folder present", verify: 1, build: 0, rule: ruleZipUnreadable,
			do: func(t *testing.T, l *cacheLab) { labTruncate(t, l.file(labLib, "zip"), 100) }},
		{name: "6 zip truncated, folder absent", verify: 1, build: 1, rule: ruleZipUnreadable,
			do: func(t *testing.T, l *cacheLab) {
				labTruncate(t, l.file(labLib, "zip"), 100)
				labRemove(t, l.dir(labLib))
			}},
		{name: "7 zip missing, folder present", off: true, verify: 0, build: 0,
			do: func(t *testing.T, l *cacheLab) { labRemove(t, l.file(labLib, "zip")) }},
		{name: "8 other zip, folder absent", verify: 1, build: 0, rule: ruleZipModified,
			do: func(t *testing.T, l *cacheLab) {
				l.foreignZip(t, labLib)
				labRemove(t, l.dir(labLib))
			}},
		{name: "9 other zip and its folder", verify: 1, build: 0, rule: ruleZipModified,
			do: func(t *testing.T, l *cacheLab) {
				l.foreignZip(t, labLib)
				l.unzip(t, labLib)
			}},
		{name: "10 other zip, its folder and its hash", verify: 0, build: 1, rule: ruleSumMismatch, unmended: true,
			do: func(t *testing.T, l *cacheLab) {
				l.foreignZip(t, labLib)
				l.unzip(t, labLib)
				labWrite(t, l.file(labLib, "ziphash"), labHashZip(t, l.file(labLib, "zip")))
			}},
		{name: "11 ziphash wrong", verify: 1, build: 1, rule: ruleZiphashMismatch,
			do: func(t *testing.T, l *cacheLab) { labCopy(t, l.file(labDep, "ziphash"), l.file(labLib, "ziphash")) }},
		{name: "12 ziphash garbled", verify: 1, build: 0, rule: ruleZiphashDamaged,
			do: func(t *testing.T, l *cacheLab) { labWrite(t, l.file(labLib, "ziphash"), "garbage") }},
		{name: "12 ziphash empty", verify: 1, build: 0, rule: ruleZiphashDamaged,
			do: func(t *testing.T, l *cacheLab) { labWrite(t, l.file(labLib, "ziphash"), "") }},
		{name: "12 ziphash of 47 NULs", verify: 1, build: 0, rule: ruleZiphashDamaged,
			do: func(t *testing.T, l *cacheLab) {
				labWrite(t, l.file(labLib, "ziphash"), strings.Repeat("\x00", 47))
			}},
		{name: "12 ziphash garbled and no zip", verify: 1, build: 1, rule: ruleZiphashMismatch,
			do: func(t *testing.T, l *cacheLab) {
				labWrite(t, l.file(labLib, "ziphash"), "garbage")
				labRemove(t, l.file(labLib, "zip"))
			}},
		{name: "13 ziphash deleted", verify: 1, build: 0, rule: ruleZiphashMissing,
			do: func(t *testing.T, l *cacheLab) { labRemove(t, l.file(labLib, "ziphash")) }},
		{name: "14 partial", verify: 0, build: 0, rule: ruleInterrupted,
			do: func(t *testing.T, l *cacheLab) { labWrite(t, l.file(labLib, "partial"), "") }},
		{name: "14 partial, half a folder", verify: 0, build: 0, rule: ruleInterrupted,
			do: func(t *testing.T, l *cacheLab) {
				labWrite(t, l.file(labLib, "partial"), "")
				labRemove(t, filepath.Join(l.dir(labLib), "lib.go"))
			}},
		{name: "15 partial, zip gone", off: true, verify: 0, build: 1, rule: ruleInterrupted,
			do: func(t *testing.T, l *cacheLab) {
				labWrite(t, l.file(labLib, "partial"), "")
				labRemove(t, l.file(labLib, "zip"))
			}},
		{name: "16 .mod deleted", verify: 0, build: 0,
			do: func(t *testing.T, l *cacheLab) { labRemove(t, l.file(labLib, "mod")) }},
		{name: "16 .mod deleted", off: true, verify: 1, build: 1,
			do: func(t *testing.T, l *cacheLab) { labRemove(t, l.file(labLib, "mod")) }},
		{name: "17 .mod edited", verify: 1, build: 1, rule: ruleModModified,
			do: func(t *testing.T, l *cacheLab) { labWrite(t, l.file(labLib, "mod"), "module example.com/lib\n") }},
		{name: "17 .mod emptied", verify: 1, build: 1, rule: ruleModModified,
			do: func(t *testing.T, l *cacheLab) { labWrite(t, l.file(labLib, "mod"), "") }},
		{name: "18 .info deleted", off: true, verify: 0, build: 0, rule: ruleInfoDamaged, unmended: true,
			do: func(t *testing.T, l *cacheLab) { labRemove(t, l.file(labLib, "info")) }},
		{name: "18 .info deleted", verify: 0, build: 0,
			do: func(t *testing.T, l *cacheLab) { labRemove(t, l.file(labLib, "info")) }},
		{name: "18 .info garbled", off: true, verify: 0, build: 0, rule: ruleInfoDamaged,
			do: func(t *testing.T, l *cacheLab) { labWrite(t, l.file(labLib, "info"), "<html>") }},
		{name: "19 go.sum zip line wrong", verify: 0, build: 1, rule: ruleSumMismatch, unmended: true,
			do: func(t *testing.T, l *cacheLab) { l.swapSum(t, labLib, "") }},
		{name: "19 go.sum /go.mod line wrong", verify: 1, build: 1, rule: ruleSumMismatch, unmended: true,
			do: func(t *testing.T, l *cacheLab) { l.swapSum(t, labLib, "/go.mod") }},
		{name: "20 go.mod in the folder replaced", verify: 1, build: 0, rule: ruleTreeModified,
			do: func(t *testing.T, l *cacheLab) { labWrite(t, filepath.Join(l.dir(labLib), "go.mod"), "module fake\n") }},
		{name: "21 folder of a replace target edited", id: labFork, do: edit(labFork, "orig.go"), verify: 0, build: 0, rule: ruleTreeModified},

		{name: "file is a link to the same", verify: 0, build: unchecked, rule: ruleIrregular,
			do: func(t *testing.T, l *cacheLab) {
				path, elsewhere := filepath.Join(l.dir(labLib), "lib.go"), filepath.Join(t.TempDir(), "lib.go")
				labCopy(t, path, elsewhere)
				labRemove(t, path)
				labLink(t, elsewhere, path)
			}},
		{name: "folder is a link to the same", verify: unchecked, build: 0, rule: ruleIrregular,
			do: func(t *testing.T, l *cacheLab) {
				elsewhere := filepath.Join(t.TempDir(), "lib")
				if err := os.Rename(l.dir(labLib), elsewhere); err != nil {
					t.Fatal(err)
				}
				labLink(t, elsewhere, l.dir(labLib))
			}},
		{name: "nothing", do: func(*testing.T, *cacheLab) {}, verify: 0, build: 0},
	}
	said := make([]string, len(rows))
	t.Run("rows", func(t *testing.T) {
		for i, r := range rows {
			if r.id == "" {
				r.id = labLib
			}
			name := r.name
			if r.off {
				name += ", GOPROXY=off"
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				goproxy := lab.proxy
				if r.off {
					goproxy = "off"
				}
				l := lab.copy(t)
				r.do(t, l)
				before := labSnapshot(t, l.cache)
				facts, findings, err := runModcache(t.Context(), l.session(t, goproxy))
				if err != nil {
					t.Fatal(err)
				}
				if after := labSnapshot(t, l.cache); after != before {
					t.Errorf("the check changed the cache:\n%s\nwas:\n%s", after, before)
				}
				var want []string
				if r.rule != nil {
					line := l.sumLine(t, r.id)
					if r.rule == ruleModModified || strings.Contains(r.name, "/go.mod line") {
						line++ // go.sum is sorted: the /go.mod line comes next
					}
					want = []string{fmt.Sprintf("%s go.sum:%d %s", r.rule.ID, line, r.id)}
				}
				if got := told(findings); !slices.Equal(got, want) {
					t.Errorf("findings %q, want %q", got, want)
				}
				broken := r.rule != nil && r.rule.Severity == Error
				if got := facts.Link.State; broken != (got == Broken) || !broken && got != Proven {
					t.Errorf("link %s", got)
				}

				verify, build := l.rc(t, goproxy, "mod", "verify"), l.rc(t, goproxy, "build", "./...")
				if r.verify != unchecked && verify != r.verify {
					t.Errorf("go mod verify: exit %d, want %d", verify, r.verify)
				}
				if r.build != unchecked && build != r.build {
					t.Errorf("go build: exit %d, want %d", build, r.build)
				}
				ours := "proven"
				if len(findings) > 0 {
					ours = fmt.Sprintf("%s (%s)  %s", findings[0].Rule, r.rule.Severity, findings[0].Message)
				}
				said[i] = strings.Join([]string{name, strconv.Itoa(verify), strconv.Itoa(build), ours}, "\t")

				if !r.unmended {
					// Go commands may have repaired or spread the damage: once more from the start.
					l = lab.copy(t)
					r.do(t, l)
					l.mend(t)
					l = lab.copy(t)
					r.do(t, l)
					l.mendByMachine(t)
				}
			})
		}
	})
	var table bytes.Buffer
	w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "simulation\tgo mod verify\tgo build\tgopreflight")
	for _, line := range said {
		fmt.Fprintln(w, line)
	}
	w.Flush()
	t.Logf("\n%s", table.String())
}

// mend runs the fix of every finding, and expects everybody to be content then.
func (l *cacheLab) mend(t *testing.T) {
	t.Helper()
	_, findings, err := runModcache(t.Context(), l.session(t, l.proxy))
	if err != nil {
		t.Fatal(err)
	}
	sum := labRead(t, filepath.Join(l.root, "go.sum"))
	for _, f := range findings {
		if out, err := l.run(l.proxy, "sh", "-c", f.Fix.Command); err != nil {
			t.Errorf("fix %s: %v\n%s", f.Fix.Command, err, out)
		}
	}
	facts, findings, err := runModcache(t.Context(), l.session(t, l.proxy))
	if err != nil || len(findings) != 0 || facts.Link.State != Proven {
		t.Errorf("after the fix: %v, %v", told(findings), err)
	}
	if labRead(t, filepath.Join(l.root, "go.sum")) != sum {
		t.Error("the fix changed go.sum")
	}
	for _, args := range [][]string{{"mod", "verify"}, {"build", "./..."}} {
		if out, err := l.run(l.proxy, "go", args...); err != nil {
			t.Errorf("after the fix, go %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
}

// TestSumMismatchFix: the command of modcache/gosum-mismatch tells who is wrong.
func TestSumMismatchFix(t *testing.T) {
	t.Parallel()
	l := newCacheLab(t)
	right := strings.TrimSpace(labRead(t, l.file(labLib, "ziphash")))
	l.swapSum(t, labLib, "")
	_, findings, err := runModcache(t.Context(), l.session(t, l.proxy))
	if err != nil || len(findings) != 1 {
		t.Fatalf("findings %v, %v", findings, err)
	}
	before := labSnapshot(t, l.cache) + labRead(t, filepath.Join(l.root, "go.sum"))
	out, err := l.run(l.proxy, "sh", "-c", findings[0].Fix.Command)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var download struct{ Sum string }
	if err := json.Unmarshal([]byte(out), &download); err != nil || download.Sum != right {
		t.Errorf("the copy's Sum is %q (%v), want %q", download.Sum, err, right)
	}
	if after := labSnapshot(t, l.cache) + labRead(t, filepath.Join(l.root, "go.sum")); after != before {
		t.Error("the command changed the cache or go.sum")
	}
}
