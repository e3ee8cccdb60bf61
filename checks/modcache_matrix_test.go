package checks

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gopreflight/gopreflight/internal/faultdoc"
	"github.com/gopreflight/gopreflight/internal/goenv"
)

// TestCorruptionMatrix tampers with a module cache in every way of the matrix,
// and sets what go mod verify and go build say beside what check modcache says,
// with --deep and without. Then it runs the fix of each finding, as a user would
// paste it, and expects a cache that everybody is content with. Its table is that
// of docs/faults.md.
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
		// rule is the one finding; empty for a healthy row, or one where only deep,
		// the finding with --deep, tells. Without deep that is rule too.
		rule, deep *Rule
		// place is "file:line" where that is not the module's line in go.sum, "-" for
		// none.
		place string
		// release is what GOTOOLCHAIN asks for.
		release string
		// proven is how many of the lab's modules are proven when nothing is broken;
		// all of them where 0.
		proven int
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

		{name: "22 list of files in the zip garbled", verify: 1, build: 0, rule: ruleZipUnreadable,
			do: func(t *testing.T, l *cacheLab) { l.flip(t, labLib, "PK\x01\x02", true, 1) }},
		{name: "22 name in the zip's list of files changed", verify: 1, build: 0, rule: ruleZipModified,
			do: func(t *testing.T, l *cacheLab) { l.flip(t, labLib, "more.txt", true, 0) }},
		{name: "23 other zip, folder right", verify: 1, build: 0, rule: ruleZipModified,
			do: func(t *testing.T, l *cacheLab) { l.foreignZip(t, labLib) }},
		{name: "24 packed bytes in the zip changed", verify: 1, build: 0, deep: ruleZipUnreadable,
			do: func(t *testing.T, l *cacheLab) { l.flip(t, labLib, "lib.go", false, len("lib.go")+2) }},
		{name: "24 packed bytes in the zip changed, folder absent", verify: 1, build: 1, rule: ruleZipUnreadable,
			do: func(t *testing.T, l *cacheLab) {
				l.flip(t, labLib, "lib.go", false, len("lib.go")+2)
				labRemove(t, l.dir(labLib))
			}},
		{name: "25 zip with other content of the same names, sizes and CRC-32", verify: 1, build: 0, deep: ruleZipModified,
			do: func(t *testing.T, l *cacheLab) { l.forgeZip(t, labLib, "more.txt") }},
		{name: "25 the same, folder absent", verify: 1, build: 0, rule: ruleZipModified,
			do: func(t *testing.T, l *cacheLab) {
				l.forgeZip(t, labLib, "more.txt")
				labRemove(t, l.dir(labLib))
			}},
		{name: "25 the same, packed another way and equal", verify: 0, build: 0,
			do: func(t *testing.T, l *cacheLab) {
				l.repack(t, labLib, func(_ string, data []byte) []byte { return data })
			}},
		{name: "26 zip empty", verify: 1, build: 0, rule: ruleZipUnreadable,
			do: func(t *testing.T, l *cacheLab) { labWrite(t, l.file(labLib, "zip"), "") }},
		{name: "26 zip truncated, path with capitals", id: labAzure, verify: 1, build: 0, rule: ruleZipUnreadable,
			do: func(t *testing.T, l *cacheLab) { labTruncate(t, l.file(labAzure, "zip"), 100) }},
		{name: "27 restored in part: the folder alone", verify: 0, build: 0, rule: ruleZiphashMissing,
			do: func(t *testing.T, l *cacheLab) { labRemove(t, filepath.Dir(l.file(labLib, "zip"))) }},
		{name: "27 restored in part: the folder alone", off: true, verify: 0, build: 1, rule: ruleZiphashMissing, unmended: true,
			do: func(t *testing.T, l *cacheLab) {
				for _, extension := range []string{"zip", "ziphash", "lock"} {
					labRemove(t, l.file(labLib, extension))
				}
			}},
		{name: "27 restored in part: a folder that was edited, zip without hash", verify: 1, build: 0, rule: ruleTreeModified,
			do: func(t *testing.T, l *cacheLab) {
				edit(labLib, "lib.go")(t, l)
				labRemove(t, l.file(labLib, "ziphash"))
			}},
		{name: "27 restored in part: a folder alone that was edited", verify: 0, build: 0, rule: ruleTreeModified,
			do: func(t *testing.T, l *cacheLab) {
				edit(labLib, "lib.go")(t, l)
				labRemove(t, filepath.Dir(l.file(labLib, "zip")))
			}},
		{name: "27 restored in part: the zip alone", verify: 1, build: 0, rule: ruleZiphashMissing,
			do: func(t *testing.T, l *cacheLab) {
				labRemove(t, l.dir(labLib))
				for _, extension := range []string{"ziphash", "mod", "info", "lock"} {
					labRemove(t, l.file(labLib, extension))
				}
			}},
		{name: "27 restored in part: .mod and .info alone", verify: 0, build: 0, proven: 4,
			do: func(t *testing.T, l *cacheLab) {
				labRemove(t, l.dir(labLib))
				for _, extension := range []string{"zip", "ziphash", "lock"} {
					labRemove(t, l.file(labLib, extension))
				}
			}},
		{name: "28 other zip of a fork, folder absent", id: labFork, verify: 0, build: 0, rule: ruleZipModified,
			do: func(t *testing.T, l *cacheLab) {
				l.foreignZip(t, labFork)
				labRemove(t, l.dir(labFork))
			}},
		{name: "28 line of a fork in go.sum wrong", id: labFork, verify: 0, build: 1, rule: ruleSumMismatch, unmended: true,
			do: func(t *testing.T, l *cacheLab) { l.swapSum(t, labFork, "") }},
		{name: "29 two modules of the repository share what was edited", verify: 1, build: 0, rule: ruleTreeModified,
			do: func(t *testing.T, l *cacheLab) {
				for name := range labRepo {
					labCopy(t, filepath.Join(l.root, name), filepath.Join(l.root, "second", name))
				}
				labCopy(t, filepath.Join(l.root, "go.sum"), filepath.Join(l.root, "second", "go.sum"))
				l.commit(t)
				edit(labLib, "lib.go")(t, l)
			}},
		{name: "30 temporary file of a refused download", verify: 0, build: 0, rule: ruleLeftovers,
			do: func(t *testing.T, l *cacheLab) {
				labWrite(t, l.file(labLib, "zip")+"123456.tmp", "what the proxy served")
			}},
		{name: "31 .mod full of NULs", verify: 1, build: 1, rule: ruleModModified,
			do: func(t *testing.T, l *cacheLab) { labWrite(t, l.file(labLib, "mod"), strings.Repeat("\x00", 30)) }},
		{name: "31 .info of another version", off: true, verify: 0, build: 0, rule: ruleInfoDamaged,
			do: func(t *testing.T, l *cacheLab) { labWrite(t, l.file(labLib, "info"), `{"Version":"v1.0.1"}`) }},
		{name: "32 cache inside the repository, file edited", verify: 1, build: 0, rule: ruleTreeModified,
			do: func(t *testing.T, l *cacheLab) {
				l.move(t, filepath.Join(l.root, ".mc"))
				edit(labLib, "lib.go")(t, l)
			}},
		{name: "33 file edited, then nothing may be written", verify: 1, build: 0, rule: ruleTreeModified, unmended: true,
			do: func(t *testing.T, l *cacheLab) {
				edit(labLib, "lib.go")(t, l)
				l.freeze(t)
			}},
		{name: "34 Go release: compiler in the folder changed", id: labToolchain, release: "go1.99.0", place: "-", verify: 0, build: 0, rule: ruleCachedReleaseModified,
			do: func(t *testing.T, l *cacheLab) {
				l.addToolchain(t)
				labWrite(t, filepath.Join(l.dir(labToolchain), "bin", "go"), "another go command")
			}},
		{name: "34 the same, a release that nobody asks for", id: labToolchain, place: "-", verify: 0, build: 0, deep: ruleCachedReleaseModified,
			do: func(t *testing.T, l *cacheLab) {
				l.addToolchain(t)
				labWrite(t, filepath.Join(l.dir(labToolchain), "bin", "go"), "another go command")
			}},
		{name: "35 Go release: copy of a go.mod changed", id: labToolchain, release: "go1.99.0", place: "-", verify: 0, build: 0, rule: ruleCachedReleaseModified,
			do: func(t *testing.T, l *cacheLab) {
				l.addToolchain(t)
				labWrite(t, filepath.Join(l.dir(labToolchain), "src", "go.mod"), "module evil\n")
			}},
		{name: "36 Go release: other zip and folder", id: labToolchain, release: "go1.99.0", place: "-", verify: 0, build: 0, rule: ruleCachedReleaseModified,
			do: func(t *testing.T, l *cacheLab) {
				l.addToolchain(t)
				l.repack(t, labToolchain, func(_ string, data []byte) []byte { return append(data, "evil"...) })
				l.unzip(t, labToolchain)
			}},
		{name: "37 Go release: all replaced, but for the database's answer", id: labToolchain, release: "go1.99.0", place: "-", verify: 0, build: 0, rule: ruleCachedReleaseModified,
			do: func(t *testing.T, l *cacheLab) {
				l.addToolchain(t)
				l.repack(t, labToolchain, func(_ string, data []byte) []byte { return append(data, "evil"...) })
				l.unzip(t, labToolchain)
				labWrite(t, l.file(labToolchain, "ziphash"), labHashZip(t, l.file(labToolchain, "zip")))
			}},
		{name: "38 folder that replaces a module: file edited", id: "example.com/wired", place: "go.mod:17", verify: 0, build: 0, rule: ruleReplacementModified, unmended: true,
			do: func(t *testing.T, l *cacheLab) {
				labWrite(t, filepath.Join(l.root, "wired", "wired.go"), "package wired\n\nfunc F() string { return \"evil\" }\n")
			}},
		{name: "38 folder that replaces a module: file that .gitignore hides", id: "example.com/wired", place: "go.mod:17", verify: 0, build: 0, rule: ruleReplacementModified, unmended: true,
			do: func(t *testing.T, l *cacheLab) {
				labWrite(t, filepath.Join(l.root, "wired", "init.gen.go"), "package wired\n\nfunc init() { println(\"evil\") }\n")
			}},

		{name: "nothing", do: func(*testing.T, *cacheLab) {}, verify: 0, build: 0},
		{name: "nothing, a Go release in the cache", release: "go1.99.0", do: func(t *testing.T, l *cacheLab) { l.addToolchain(t) }, verify: 0, build: 0},
		{name: "nothing, and nothing may be written", do: func(t *testing.T, l *cacheLab) { l.freeze(t) }, off: true, verify: 0, build: 0, unmended: true},
		{name: "nothing, cache inside the repository", do: func(t *testing.T, l *cacheLab) { l.move(t, filepath.Join(l.root, ".mc")) }, verify: 0, build: 0},
		{name: "nothing, a marker without a folder", verify: 0, build: 0,
			do: func(t *testing.T, l *cacheLab) {
				labRemove(t, l.dir(labLib))
				labWrite(t, l.file(labLib, "partial"), "")
			}},
		{name: "nothing, a lock left behind by nobody", do: func(t *testing.T, l *cacheLab) { labWrite(t, l.file("example.com/gone@v1.0.0", "lock"), "") }, verify: 0, build: 0},
	}
	said := make([][]string, len(rows))
	t.Run("rows", func(t *testing.T) {
		for i, r := range rows {
			if r.id == "" {
				r.id = labLib
			}
			if r.deep == nil {
				r.deep = r.rule
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
				var ours []string
				for _, rule := range []*Rule{r.rule, r.deep} {
					s := l.session(t, goproxy)
					s.Deep = len(ours) > 0
					if r.release != "" {
						s.Env = goenv.FromMap(map[string]string{"GOMODCACHE": l.cache, "GOPROXY": goproxy, "GOVERSION": "go1.26.0", "GOTOOLCHAIN": r.release})
					}
					facts, findings, err := runModcache(t.Context(), s)
					if err != nil {
						t.Fatal(err)
					}
					var want []string
					if rule != nil {
						place := r.place
						if place == "" {
							line := l.sumLine(t, r.id)
							if rule == ruleModModified || strings.Contains(r.name, "/go.mod line") {
								line++ // go.sum is sorted: the /go.mod line comes next
							}
							place = fmt.Sprintf("go.sum:%d", line)
						}
						want = []string{fmt.Sprintf("%s %s %s", rule.ID, strings.Trim(place, "-"), r.id)}
					}
					if got := told(findings); !slices.Equal(got, want) {
						t.Errorf("deep %t: findings %q, want %q", s.Deep, got, want)
					}
					proven := r.proven
					if proven == 0 {
						proven = 5
					}
					broken := rule != nil && rule.Severity == Error
					if got := facts.Link; broken != (got.State == Broken) || !broken && (got.State != Proven || got.Proven != proven) {
						t.Errorf("deep %t: link %+v", s.Deep, got)
					}
					ours = append(ours, l.said(findings))
				}
				if after := labSnapshot(t, l.cache); after != before {
					t.Errorf("the check changed the cache:\n%s\nwas:\n%s", after, before)
				}

				verify, build := l.end(t, goproxy, "mod", "verify"), l.end(t, goproxy, "build", "./...")
				if r.verify != unchecked && verify.exit != r.verify {
					t.Errorf("go mod verify: %s, want exit %d", verify, r.verify)
				}
				if r.build != unchecked && build.exit != r.build {
					t.Errorf("go build: %s, want exit %d", build, r.build)
				}
				if ours[1] == ours[0] {
					ours[1] = "the same"
				}
				said[i] = []string{name, build.String(), verify.String(), ours[0], ours[1]}

				if !r.unmended {
					// Go commands may have repaired or spread the damage: once more from the start.
					l = lab.copy(t)
					r.do(t, l)
					l.mend(t, r.release)
					l = lab.copy(t)
					r.do(t, l)
					l.mendByMachine(t)
				}
			})
		}
	})
	if t.Failed() {
		return
	}
	faultdoc.Table(t, "modcache", []string{"fault", "go build", "go mod verify", "gopreflight", "gopreflight --deep"}, said)
}

// said is what a run tells, for the table.
func (l *cacheLab) said(findings []Finding) string {
	var lines []string
	for _, f := range findings {
		line := "`" + f.Rule + "`"
		if f.Place() != "" {
			line += " " + f.Place()
		}
		lines = append(lines, line+": "+l.neutral(f.Message))
	}
	if len(lines) == 0 {
		return "nothing"
	}
	return strings.Join(lines, "\n")
}

// neutral takes from a text what differs from run to run.
func (l *cacheLab) neutral(text string) string {
	return strings.NewReplacer(l.cache, "$GOMODCACHE", l.root, ".", l.proxy, "https://goproxy.example").Replace(text)
}

// mend runs the fix of every finding, and expects everybody to be content then.
func (l *cacheLab) mend(t *testing.T, release string) {
	t.Helper()
	session := func() *Session {
		s := l.session(t, l.proxy)
		s.Deep = true
		if release != "" {
			s.Env = goenv.FromMap(map[string]string{"GOMODCACHE": l.cache, "GOPROXY": l.proxy, "GOVERSION": "go1.26.0", "GOTOOLCHAIN": release})
		}
		return s
	}
	_, findings, err := runModcache(t.Context(), session())
	if err != nil {
		t.Fatal(err)
	}
	sum := labRead(t, filepath.Join(l.root, "go.sum"))
	for _, f := range findings {
		if out, err := l.run(l.proxy, "sh", "-c", f.Fix.Command); err != nil {
			t.Errorf("fix %s: %v\n%s", f.Fix.Command, err, out)
		}
	}
	facts, findings, err := runModcache(t.Context(), session())
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
