package checks

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/gopreflight/gopreflight/internal/config"
	"github.com/gopreflight/gopreflight/internal/goenv"
	"github.com/gopreflight/gopreflight/internal/plain"
	"github.com/gopreflight/gopreflight/internal/repo"
)

// env asks whether the settings of the go command are valid and mean what they
// seem to say: each value with who set it, against the grammar of cmd/go, the
// folders that they name, and the policy. It builds nothing, asks no network,
// and does not judge what only a run can show (whether a proxy answers).
var env = &Check{
	Name:  "env",
	Stage: StageEnv,
	Title: "Go settings are valid and say what they mean",
	Doc: `Reads every setting of the go command with its source: the process environment, the file
that ` + "`go env -w`" + ` writes, go.env in GOROOT, or the default. The go command accepts many settings
without a word that make it fail later or do something else than it seems: this check judges each by
the go command's own grammar before that happens, looks at the folders that settings name, and compares
with the policy (` + "`env`" + ` in .gopreflight.yml).

It costs two or three runs of ` + "`go env`" + ` and ` + "`go version`" + `. It sends nothing and writes nothing.`,
	Rules: slices.Concat(envNetworkRules, envFlagsRules, envPathRules, envBuildRules, envTextRules, envPolicyRules),
	Run:   runEnv,
}

// envFacts is what the settings and the folders that they name are.
type envFacts struct {
	Env *goenv.Env
	// OS is the operating system that this runs on, as GOOS.
	OS string
	// Getenv is the process environment, Names the names of its variables.
	Getenv func(string) string
	Names  []string
	Policy config.Env

	GOROOT gorootFacts
	// GOPATHIsGOROOT is whether GOPATH and GOROOT are the same path.
	GOPATHIsGOROOT bool
	// GOPATHModule is the directory of the main module that GOPATH's first
	// entry is the root of, relative to the repository; empty for none.
	GOPATHModule string
	// InTree is the extracted module without go.mod in a module cache inside a
	// main module: "./..." of that one runs into it. Empty for none.
	InTree inTree
	// TempName is the setting that names the temporary folder, Temp what it
	// names; TempMissing is whether that is not a folder.
	TempName, Temp string
	TempMissing    bool
	// Missing are the paths of GOWORK and GOAUTH that are not there.
	Missing map[string]bool
	// CC is the C compiler's command; NoCC is whether it was not found.
	CC   string
	NoCC bool
}

// gorootFacts is what GOROOT is.
type gorootFacts struct {
	// Dir is whether it is a directory, Std whether it has the standard
	// library, Compiler whether it has a compiler for this machine.
	Dir, Std, Compiler bool
	// Version is the first word of its file VERSION; empty when there is none.
	Version string
}

// inTree is a module in the module cache that the go command takes for a
// package of a main module.
type inTree struct{ module, found string }

func runEnv(_ context.Context, s *Session) (Facts, []Finding, error) {
	f := gatherEnv(s)
	return Facts{Summary: envSummary(f), Values: envValues(f)}, judgeEnv(f), nil
}

// gatherEnv looks at the folders that the settings name.
func gatherEnv(s *Session) *envFacts {
	f := &envFacts{Env: s.Env, OS: runtime.GOOS, Getenv: s.Getenv, Policy: s.Config.Env, Missing: map[string]bool{}}
	for _, kv := range s.Environ {
		if name, value, _ := strings.Cut(kv, "="); value != "" && !slices.Contains(f.Names, name) {
			f.Names = append(f.Names, name)
		}
	}
	slices.Sort(f.Names)

	goroot, gopath := s.Env.Get("GOROOT"), s.Env.Get("GOPATH")
	f.GOROOT = lookAtGOROOT(goroot, s.Env)
	f.GOPATHIsGOROOT = goroot != "" && filepath.Clean(gopath) == filepath.Clean(goroot)
	if list := filepath.SplitList(gopath); len(list) > 0 && filepath.IsAbs(list[0]) {
		for _, m := range s.Repo.Modules {
			if sameDir(list[0], s.Repo.Abs(m.Dir)) {
				f.GOPATHModule = m.Dir
			}
		}
	}
	f.InTree = findInTree(s.Repo, s.Env.Get("GOMODCACHE"))
	f.TempName, f.Temp = tempDir(s.Env, s.Getenv)
	f.TempMissing = filepath.IsAbs(f.Temp) && !isDir(f.Temp)
	if w := s.Env.Get("GOWORK"); filepath.IsAbs(w) {
		_, err := os.Stat(w)
		f.Missing[w] = err != nil
	}
	if commands, err := goenv.ParseGOAUTH(s.Env.Get("GOAUTH")); err == nil {
		for _, dir := range goenv.GitDirs(commands) {
			f.Missing[dir] = !isDir(dir)
		}
	}
	if words, err := goenv.SplitQuoted(s.Env.Get("CC")); err == nil && len(words) > 0 {
		f.CC = words[0]
		f.NoCC = !inPath(f.CC, s.Getenv("PATH"), s.Getenv("PATHEXT"))
	}
	return f
}

func lookAtGOROOT(goroot string, e *goenv.Env) gorootFacts {
	if goroot == "" {
		return gorootFacts{}
	}
	f := gorootFacts{Dir: isDir(goroot), Std: isDir(filepath.Join(goroot, "src", "fmt"))}
	platform := e.Get("GOHOSTOS") + "_" + e.Get("GOHOSTARCH")
	for _, name := range []string{"compile", "compile.exe"} {
		if info, err := os.Stat(filepath.Join(goroot, "pkg", "tool", platform, name)); err == nil && info.Mode().IsRegular() {
			f.Compiler = true
		}
	}
	if data, err := readCapped(filepath.Join(goroot, "VERSION"), 4<<10); err == nil {
		first, _, _ := strings.Cut(string(data), "\n")
		f.Version, _, _ = strings.Cut(strings.TrimSpace(first), " ")
	}
	return f
}

// readCapped reads a regular file of at most limit bytes.
func readCapped(name string, limit int64) ([]byte, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > limit {
		return nil, fmt.Errorf("%s: not a regular file of at most %d bytes", name, limit)
	}
	return os.ReadFile(name)
}

// maxCacheDirs bounds how many directories of a module cache inside the
// repository are looked at.
const maxCacheDirs = 20_000

// findInTree finds, in a module cache inside a main module, an extracted module
// that has no go.mod. The go command takes those with one for modules of their
// own and passes them by, but others for packages of the main module
// (modload/search.go, matchPackages). Directories that "./..." never enters are
// no concern: those that begin with "." or "_", testdata, vendor, and what
// go.mod ignores.
func findInTree(r *repo.Repo, modcache string) inTree {
	if !filepath.IsAbs(modcache) {
		return inTree{}
	}
	// The root's links are resolved; a link inside it is never followed by "./...".
	if resolved, err := filepath.EvalSymlinks(modcache); err == nil {
		modcache = resolved
	}
	var owner *repo.Module
	var inside string
	for _, m := range r.Modules {
		rel, ok := relative(r.Abs(m.Dir), modcache)
		if ok && (owner == nil || len(m.Dir) > len(owner.Dir) || owner.Dir == ".") {
			owner, inside = m, rel
		}
	}
	if owner == nil || !entered(owner, inside) {
		return inTree{}
	}
	found, seen := "", 0
	// What cannot be read is passed by: the check host reports it.
	_ = filepath.WalkDir(modcache, func(name string, d fs.DirEntry, _ error) error {
		seen++
		switch {
		case d == nil || !d.IsDir():
			return nil
		case seen > maxCacheDirs:
			return fs.SkipAll
		case name == filepath.Join(modcache, "cache"):
			return fs.SkipDir
		case !strings.Contains(d.Name(), "@"):
			return nil
		}
		if _, err := os.Stat(filepath.Join(name, "go.mod")); err != nil {
			found = name
			return fs.SkipAll
		}
		return fs.SkipDir
	})
	return inTree{module: owner.Dir, found: found}
}

// entered reports whether "./..." of a main module walks into a directory of
// it, a slash path relative to the module.
func entered(m *repo.Module, dir string) bool {
	for elem := range strings.SplitSeq(dir, "/") {
		if dir != "." && (strings.HasPrefix(elem, ".") || strings.HasPrefix(elem, "_")) || elem == "testdata" || elem == "vendor" {
			return false
		}
	}
	if m.Syntax == nil {
		return true
	}
	for _, i := range m.Syntax.Ignore {
		rooted, name := strings.HasPrefix(i.Path, "./"), strings.Trim(strings.TrimPrefix(i.Path, "./"), "/")
		if strings.HasPrefix(dir+"/", name+"/") || !rooted && strings.Contains("/"+dir+"/", "/"+name+"/") {
			return false
		}
	}
	return true
}

// inPath reports whether a program can be found as exec.LookPath would with
// these PATH and PATHEXT.
func inPath(program, path, pathext string) bool {
	var exts []string
	if runtime.GOOS == "windows" {
		exts = strings.Split(strings.ToLower(pathext), ";")
	}
	runs := func(file string) bool {
		for _, ext := range append([]string{""}, exts...) {
			info, err := os.Stat(file + ext)
			if err == nil && !info.IsDir() && (runtime.GOOS == "windows" || info.Mode()&0o111 != 0) {
				return true
			}
		}
		return false
	}
	if strings.ContainsAny(program, `/\`) {
		return runs(program)
	}
	for _, dir := range filepath.SplitList(path) {
		if runs(filepath.Join(dir, program)) {
			return true
		}
	}
	return false
}

func isDir(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.IsDir()
}

func sameDir(a, b string) bool {
	x, err := os.Stat(a)
	if err != nil {
		return false
	}
	y, err := os.Stat(b)
	return err == nil && os.SameFile(x, y)
}

// judgeEnv is the judgement on the settings, in the order of the rules.
func judgeEnv(f *envFacts) []Finding {
	findings := slices.Concat(
		judgeGOPROXY(f), judgeSumDB(f), judgeAuth(f), judgePatterns(f),
		judgeGOFLAGS(f),
		judgeGOROOT(f), judgeGOPATH(f), judgeCaches(f), judgeWork(f), judgeTemp(f), judgeHome(f),
		judgeMode(f), judgePlatform(f), judgeC(f),
		judgeQuotes(f), judgeLines(f), judgeNames(f),
		judgeEnvPolicy(f),
	)
	return append(findings, judgeRefused(f, findings)...)
}

// sound returns a setting that has a value and is worth judging: one in literal
// quotes is reported for those alone.
func (f *envFacts) sound(name string) (goenv.Setting, bool) {
	s, ok := f.Env.Lookup(name)
	return s, ok && s.Value != "" && !(s.Source != goenv.Default && quotedValue(s))
}

// is is "GOPROXY=value (from ~/.config/go/env:2)", without credentials.
func (f *envFacts) is(s goenv.Setting) string {
	return fmt.Sprintf("%s=%s (from %s)", s.Name, showValue(s.Value), f.where(s))
}

func (f *envFacts) where(s goenv.Setting) string {
	where := s.Where()
	if home := f.Getenv("HOME"); len(home) > 1 && strings.HasPrefix(where, home+"/") {
		return "~" + strings.TrimPrefix(where, home)
	}
	return where
}

// showValue is a value for people: without credentials, quoted where it would
// be misread.
func showValue(value string) string {
	value = (&plain.Redactor{}).Redact(value)
	if value == "" || strings.TrimSpace(value) != value || strings.ContainsFunc(value, unicode.IsControl) {
		return strconv.Quote(value)
	}
	return value
}

// unset is the fix that takes a setting away.
func unset(s goenv.Setting) Fix {
	switch {
	case s.Source == goenv.Process:
		return Fix{Description: "unset " + s.Name + ", here or where the environment is made", Command: "unset " + s.Name}
	case s.Source == goenv.UserFile && goenv.IsKnown(s.Name) && !stopsGoEnv(s.Name):
		return Fix{Description: "take it out of the file", Command: "go env -u " + s.Name}
	case s.Source == goenv.UserFile:
		return Fix{Description: "take it out of the file", Command: deleteLines(s.File, s.Name)}
	case s.Source == goenv.GOROOTFile:
		return Fix{Description: "correct " + s.Where()}
	}
	return Fix{}
}

// stopsGoEnv reports whether "go env -u" does not work while this setting is
// wrong, or refuses to change it at all.
func stopsGoEnv(name string) bool {
	return slices.Contains([]string{
		"GOROOT", "GOPATH", "GO111MODULE", "GOTOOLCHAIN", "GOWORK", "GOENV", "GODEBUG", "GOEXPERIMENT", "GOFIPS140",
	}, name)
}

// deleteLines is a command that takes the lines that set name out of a file, with
// any sed. It does not count lines: after the first such command, or a "go env
// -w", which sorts them, the numbers would be those of others.
func deleteLines(file, name string) string {
	var pattern strings.Builder
	blank := false
	for _, r := range name {
		switch wasBlank := blank; {
		case unicode.IsSpace(r):
			// White space is not kept to the letter in a report.
			if blank = true; !wasBlank {
				pattern.WriteString("[[:space:]][[:space:]]*")
			}
			continue
		case strings.ContainsRune(`\/.*[^$`, r):
			pattern.WriteByte('\\')
		}
		blank = false
		pattern.WriteRune(r)
	}
	return "sed -i.bak " + shellQuote("/^"+pattern.String()+"=/d") + " " + shellQuote(file)
}

// set is the fix that gives a setting another value.
func set(s goenv.Setting, value string) Fix {
	if s.Source == goenv.Process {
		return Fix{
			Description: "set the right value, here or where the environment is made",
			Command:     "export " + s.Name + "=" + shellQuote(value),
		}
	}
	if stopsGoEnv(s.Name) {
		return unset(s)
	}
	return Fix{Description: "set the right value", Command: "go env -w " + shellQuote(s.Name+"="+value)}
}

// about starts a finding about a setting.
func (f *envFacts) about(r *Rule, s goenv.Setting, format string, args ...any) Finding {
	// The go command's own words may quote the value.
	words := (&plain.Redactor{}).Redact(fmt.Sprintf(format, args...))
	finding := r.Finding("%s: %s", f.is(s), words)
	finding.Key = s.Name
	return finding
}

// maxSummary is how many settings the summary names.
const maxSummary = 3

// envSummary is one line: "GOPROXY from ~/.config/go/env:2, others default".
func envSummary(f *envFacts) string {
	var parts []string
	more := 0
	for _, s := range f.Env.All() {
		if s.Source != goenv.Process && s.Source != goenv.UserFile {
			continue
		}
		if len(parts) == maxSummary {
			more++
			continue
		}
		parts = append(parts, s.Name+" from "+f.where(s))
	}
	switch {
	case len(parts) == 0:
		return "every setting is Go's default"
	case more > 0:
		return strings.Join(parts, ", ") + ", and " + strconv.Itoa(more) + " more"
	}
	return strings.Join(parts, ", ") + ", others default"
}

func envValues(f *envFacts) map[string]any {
	values := map[string]any{}
	for _, s := range f.Env.All() {
		if s.Source != goenv.Default || s.Value != "" {
			values[s.Name] = map[string]any{"value": showValue(s.Value), "from": f.where(s), "source": string(s.Source)}
		}
	}
	return values
}
