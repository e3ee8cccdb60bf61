package checks

import (
	"path/filepath"
	"strings"

	"github.com/gopreflight/gopreflight/internal/goenv"
)

var envPathRules = []*Rule{
	ruleEnvGOROOTMissing, ruleEnvGOROOTBroken, ruleEnvGOROOTMismatch,
	ruleEnvGOPATHInvalid, ruleEnvGOPATHGOROOT, ruleEnvGOPATHModule,
	ruleEnvGOCACHEInvalid, ruleEnvGOMODCACHEInvalid, ruleEnvGOMODCACHEInTree,
	ruleEnvGOWORKInvalid, ruleEnvGOBINRelative, ruleEnvTmpdir, ruleEnvHome,
}

var (
	ruleEnvGOROOTMissing = &Rule{
		ID:       "env/goroot-missing",
		Severity: Error,
		Blocks:   true,
		Summary:  "GOROOT names a directory that does not exist.",
		Help: `Every go command stops with "cannot find GOROOT directory". GOROOT rarely needs to be set: the go
command finds its own from where it is installed. The variable is often left over from an older
installation.

Unset it.`,
	}
	ruleEnvGOROOTBroken = &Rule{
		ID:       "env/goroot-broken",
		Severity: Error,
		Blocks:   true,
		Summary:  "GOROOT has no standard library or no compiler.",
		Help: "Without its `src` every import of the standard library fails (\"package fmt is not in std\"), without\n" +
			"`pkg/tool` nothing compiles (\"no such tool\"), and without `go.env`" + ` the defaults of GOPROXY and GOSUMDB are gone.

Unset GOROOT if it is set. Otherwise install Go again: remove the old directory first, since an archive
unpacked over another release leaves files of both.`,
	}
	ruleEnvGOROOTMismatch = &Rule{
		ID:       "env/goroot-mismatch",
		Severity: Error,
		Blocks:   true,
		Summary:  "GOROOT is of another Go release than the go command.",
		Help: `The go command then runs the compiler of the other release, which refuses: "compile: version ...
does not match go tool version ..." for every package. ` + "`go version`" + ` shows nothing of it.

Unset GOROOT: each go command finds its own.`,
	}
	ruleEnvGOPATHInvalid = &Rule{
		ID:       "env/gopath-invalid",
		Severity: Error,
		Blocks:   true,
		Summary:  "GOPATH is not an absolute path.",
		Help: `Every go command stops at a GOPATH that is relative or begins with a ` + "`~`" + ` that no shell has replaced,
as it stays in quotes, in Dockerfiles and in YAML files (main.go of cmd/go).

Write the whole path, or unset GOPATH: the default is ` + "`go`" + ` in the home folder.`,
	}
	ruleEnvGOPATHGOROOT = &Rule{
		ID:       "env/gopath-goroot",
		Severity: Warning,
		Summary:  "GOPATH and GOROOT are the same directory.",
		Help: `GOROOT is where Go is installed, GOPATH where it keeps what it downloads. In one directory, modules
and programs land inside the installation, and every go command prints a warning.

Unset GOPATH, or unpack Go elsewhere.`,
	}
	ruleEnvGOPATHModule = &Rule{
		ID:       "env/gopath-module",
		Severity: Error,
		Blocks:   true,
		Summary:  "GOPATH is the root of a module of this repository.",
		Help: `The go command ignores a go.mod in GOPATH ("ignoring go.mod in $GOPATH"): ` + "`go mod tidy`" + ` and others then
find no module at all, and the module cache lies in ` + "`pkg/mod`" + ` inside the module. It is left over from the
time before modules, when a checkout was a GOPATH.

Unset GOPATH.`,
	}
	ruleEnvGOCACHEInvalid = &Rule{
		ID:       "env/gocache-invalid",
		Severity: Error,
		Blocks:   true,
		Summary:  "GOCACHE is off or not an absolute path.",
		Help: `Since Go 1.12 nothing builds without a build cache, and there is no value that limits or switches it
off: GOCACHE is an absolute path and nothing else (cache/default.go).

Unset it, or give it an absolute path; a fresh one for a build from nothing.`,
	}
	ruleEnvGOMODCACHEInvalid = &Rule{
		ID:       "env/gomodcache-invalid",
		Severity: Error,
		Blocks:   true,
		Summary:  "GOMODCACHE is not an absolute path.",
		Help: `The go command stops with "GOMODCACHE entry is relative; must be absolute path" as soon as it needs
a module.

Write the whole path, or unset it: the default is ` + "`pkg/mod`" + ` in GOPATH.`,
	}
	ruleEnvGOMODCACHEInTree = &Rule{
		ID:       "env/gomodcache-in-tree",
		Severity: Error,
		Blocks:   true,
		Summary:  "The module cache is inside a module, where `./...` walks into it.",
		Help: `The go command takes cached modules that have no go.mod for packages of the main module and stops:
"directory ... outside main module or its selected dependencies". It passes by directories whose names
begin with ` + "`.` or `_`" + `, and those in an ` + "`ignore`" + ` directive of go.mod (Go 1.25).

Put the cache elsewhere; in CI, where only the checkout is kept between jobs, into a directory such as ` + "`.cache`" + `.`,
	}
	ruleEnvGOWORKInvalid = &Rule{
		ID:       "env/gowork-invalid",
		Severity: Error,
		Blocks:   true,
		Summary:  "GOWORK is neither off nor the absolute path of a go.work file.",
		Help: `Every go command stops at a relative GOWORK, and those that load modules at one that does not
exist. Unset, the go command looks for go.work in the current directory and its parents; ` + "`off`" + ` makes every
module stand alone.

Unset it, or write the whole path.`,
	}
	ruleEnvGOBINRelative = &Rule{
		ID:       "env/gobin-relative",
		Severity: Warning,
		Summary:  "GOBIN is not an absolute path.",
		Help: "`go install`" + ` stops with "cannot install, GOBIN must be an absolute path"; nothing else looks at GOBIN.

Write the whole path, or unset it: the default is ` + "`bin`" + ` in GOPATH.`,
	}
	ruleEnvTmpdir = &Rule{
		ID:       "env/tmpdir",
		Severity: Error,
		Blocks:   true,
		Summary:  "The temporary folder does not exist.",
		Help: `The go command makes a work directory in GOTMPDIR, or else in the system's temporary folder
(TMPDIR, by default ` + "`/tmp`" + `), for every build, and stops with "creating work dir" where that is missing. It
does not make the folder itself. Containers from scratch have no ` + "`/tmp`" + `.

Make the folder, or name one that exists.`,
	}
	ruleEnvHome = &Rule{
		ID:       "env/home",
		Severity: Error,
		Blocks:   true,
		Summary:  "HOME is not set or not an absolute path, and the go command finds no place for its caches.",
		Help: `GOCACHE and GOPATH are by default below HOME. Without it the go command stops with "build cache is
required, but could not be located" or "module cache not found: neither GOMODCACHE nor GOPATH is set".
With a relative path, such as a ` + "`~`" + ` that no shell has replaced, it stops too, or makes caches in the work tree.
System services, cron and some containers run without HOME.

Set HOME, or GOCACHE and GOMODCACHE.`,
	}
)

func judgeGOROOT(f *envFacts) []Finding {
	s, ok := f.sound("GOROOT")
	if !ok || strings.Contains(f.Env.Get("GOVERSION"), "gccgo") {
		return nil
	}
	isSet := s.Source != goenv.Default
	platform := f.Env.Get("GOHOSTOS") + "_" + f.Env.Get("GOHOSTARCH")
	var finding Finding
	switch version := f.goVersion(); {
	case !f.GOROOT.Dir:
		if !isSet {
			return nil // an incomplete answer; the go command itself says more
		}
		finding = f.about(ruleEnvGOROOTMissing, s, "there is no such directory")
	case !f.GOROOT.Std:
		finding = f.about(ruleEnvGOROOTBroken, s, "there is no standard library in it (src/fmt)")
	case isSet && f.GOROOT.Version != "" && strings.HasPrefix(version, "go1") && f.GOROOT.Version != version:
		finding = f.about(ruleEnvGOROOTMismatch, s, "it holds %s, the go command is %s", f.GOROOT.Version, version)
	case !f.GOROOT.Compiler && platform != "_":
		finding = f.about(ruleEnvGOROOTBroken, s, "there is no compiler in it (pkg/tool/%s)", platform)
	default:
		return nil
	}
	finding.Fix = unset(s)
	if !isSet {
		finding.Fix.Description = "install Go again, after removing " + s.Value
	}
	return []Finding{finding}
}

func judgeGOPATH(f *envFacts) []Finding {
	s, ok := f.sound("GOPATH")
	if !ok {
		return nil
	}
	var finding Finding
	switch bad := badGOPATH(s); {
	case bad != "":
		finding = f.about(ruleEnvGOPATHInvalid, s, "%s", bad)
	case f.GOPATHIsGOROOT:
		finding = f.about(ruleEnvGOPATHGOROOT, s, "GOROOT is the same directory")
	case f.GOPATHModule != "":
		finding = f.about(ruleEnvGOPATHModule, s, "it is the root of a module, whose go.mod the go command therefore ignores")
		finding.Dir = f.GOPATHModule
	default:
		return nil
	}
	finding.Fix = unset(s)
	return []Finding{finding}
}

// badGOPATH is why the go command stops at a GOPATH, in its words. What is not
// set but derived from HOME it drops instead.
func badGOPATH(s goenv.Setting) string {
	if s.Source == goenv.Default {
		return ""
	}
	for _, p := range filepath.SplitList(s.Value) {
		switch {
		case strings.HasPrefix(p, "~"):
			return "GOPATH entry cannot start with shell metacharacter '~'"
		case p != "" && !filepath.IsAbs(p):
			return "GOPATH entry is relative; must be absolute path"
		}
	}
	return ""
}

func judgeCaches(f *envFacts) []Finding {
	var findings []Finding
	if s, ok := f.sound("GOCACHE"); ok && s.Source != goenv.Default && !filepath.IsAbs(s.Value) {
		why := "GOCACHE is not an absolute path"
		if s.Value == "off" {
			why = "the build cache is required as of Go 1.12"
		}
		finding := f.about(ruleEnvGOCACHEInvalid, s, "%s", why)
		finding.Fix = unset(s)
		findings = append(findings, finding)
	}
	s, ok := f.sound("GOMODCACHE")
	switch {
	case !ok:
	case s.Source != goenv.Default && !filepath.IsAbs(s.Value):
		finding := f.about(ruleEnvGOMODCACHEInvalid, s, "GOMODCACHE entry is relative; must be absolute path")
		finding.Fix = unset(s)
		findings = append(findings, finding)
	case f.InTree.found != "" && f.GOPATHModule == "":
		finding := f.about(ruleEnvGOMODCACHEInTree, s, "it is inside a module of this repository, and ./... runs into %s", f.InTree.found)
		finding.Dir = f.InTree.module
		finding.Fix.Description = "put the module cache outside the module, or into a directory whose name begins with a dot"
		finding.Fix.Command = `export GOMODCACHE="$PWD/.cache/mod"`
		findings = append(findings, finding)
	}
	return findings
}

func judgeWork(f *envFacts) []Finding {
	var findings []Finding
	if s, ok := f.sound("GOWORK"); ok && s.Value != "off" && s.Value != "auto" {
		why := ""
		switch {
		case !filepath.IsAbs(s.Value):
			why = "not an absolute path"
		case f.Missing[s.Value]:
			why = "there is no such file"
		}
		if why != "" {
			finding := f.about(ruleEnvGOWORKInvalid, s, "%s", why)
			finding.Fix = unset(s)
			findings = append(findings, finding)
		}
	}
	if s, ok := f.sound("GOBIN"); ok && !filepath.IsAbs(s.Value) {
		finding := f.about(ruleEnvGOBINRelative, s, "go install stops: GOBIN must be an absolute path")
		finding.Fix = unset(s)
		findings = append(findings, finding)
	}
	return findings
}

func judgeTemp(f *envFacts) []Finding {
	if !f.TempMissing {
		return nil
	}
	var finding Finding
	if s, ok := f.Env.Lookup(f.TempName); ok {
		finding = f.about(ruleEnvTmpdir, s, "there is no such directory")
	} else if f.Getenv(f.TempName) != "" {
		finding = ruleEnvTmpdir.Finding("%s=%s (from the process environment): there is no such directory", f.TempName, f.Temp)
	} else {
		finding = ruleEnvTmpdir.Finding("%s is not set, and there is no directory %s", f.TempName, f.Temp)
	}
	finding.Key = f.TempName
	finding.Fix.Description = "make the folder, or name one that exists"
	finding.Fix.Command = "mkdir -p " + shellQuote(f.Temp)
	return []Finding{finding}
}

// judgeHome judges a HOME that is no absolute path, by what os.UserCacheDir and
// go/build's defaultGOPATH make of that. On Windows they use other variables.
func judgeHome(f *envFacts) []Finding {
	home := f.Getenv("HOME")
	if f.OS == "windows" || filepath.IsAbs(home) {
		return nil
	}
	var lost []string
	if !f.Env.IsSet("GOCACHE") && (f.OS == "darwin" || f.Getenv("XDG_CACHE_HOME") == "") {
		lost = append(lost, "GOCACHE")
	}
	if !f.Env.IsSet("GOMODCACHE") && !f.Env.IsSet("GOPATH") {
		lost = append(lost, "GOMODCACHE")
	}
	if len(lost) == 0 {
		return nil
	}
	var finding Finding
	switch {
	case home != "":
		finding = ruleEnvHome.Finding("HOME=%s is not an absolute path, and not set is %s", showValue(home), strings.Join(lost, " or "))
	case len(lost) == 1:
		finding = ruleEnvHome.Finding("neither HOME nor %s is set", lost[0])
	default:
		finding = ruleEnvHome.Finding("HOME is not set, and neither %s", strings.Join(lost, " nor "))
	}
	finding.Key = "HOME"
	finding.Fix.Description = "set HOME to a folder of this user"
	finding.Fix.Command = `export HOME="$(mktemp -d)"`
	return []Finding{finding}
}
