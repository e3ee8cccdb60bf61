package checks

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gopreflight/gopreflight/internal/hostinfo"
)

// What is too little room for a build. A cold build of a mid-sized module takes
// a few hundred megabytes of GOCACHE and, in two files a package, some thousand
// files.
const (
	diskFull  = 100 << 20
	diskLow   = 1 << 30
	inodesLow = 10_000
)

var (
	ruleHostDiskFull = &Rule{
		ID:       "host/disk-full",
		Severity: Error,
		Blocks:   true,
		Summary:  "The file system of a cache or of the temporary folder is all but full.",
		Help: `The go command writes modules, compiled packages and work directories. With less than 100 MiB
left a build stops halfway with "no space left on device", and can leave truncated files in the caches.

Free space (` + "`go clean -cache`" + ` empties the build cache), or point GOMODCACHE, GOCACHE or GOTMPDIR to
a larger file system.`,
	}
	ruleHostDiskLow = &Rule{
		ID:       "host/disk-low",
		Severity: Warning,
		Summary:  "The file system of a cache or of the temporary folder has little room left.",
		Help: `With less than 1 GiB left a cold build of a larger module may not fit: GOCACHE has no size limit,
and entries stay for five days.

Free space (` + "`go clean -cache`" + ` empties the build cache), or point GOMODCACHE, GOCACHE or GOTMPDIR to
a larger file system.`,
	}
	ruleHostInodesFull = &Rule{
		ID:       "host/inodes-full",
		Severity: Error,
		Blocks:   true,
		Summary:  "The file system of a cache or of the temporary folder can hold no more files.",
		Help: `Every file takes an inode, and file systems have a fixed number of them. When they are used up,
nothing new can be written although there is free space: the error is "no space left on device" too.

Delete many small files (` + "`go clean -cache`" + ` empties the build cache, ` + "`go clean -modcache`" + ` the module
cache), or use another file system.`,
	}
	ruleHostInodesLow = &Rule{
		ID:       "host/inodes-low",
		Severity: Warning,
		Summary:  "The file system of a cache or of the temporary folder can hold few more files.",
		Help: `The build cache writes two files a package and the module cache one for each source file. With
fewer than 10,000 inodes left a cold build of a larger module may not fit, whatever space is free.

Delete many small files (` + "`go clean -cache`" + ` empties the build cache), or use another file system.`,
	}
	ruleHostNotWritable = &Rule{
		ID:       "host/not-writable",
		Severity: Error,
		Blocks:   true,
		Summary:  "The go command may not write to a cache or to the temporary folder.",
		Help: `Every build writes to GOCACHE and to a work directory under GOTMPDIR or TMPDIR; whatever is not
yet in GOMODCACHE is written there. Without permission commands stop with "permission denied" or
"failed to initialize build cache". The usual cause is a folder that another user made, as a container
that ran as root does.

Give the folder to this user, or point the setting to one that is theirs.`,
	}
	ruleHostModcacheReadOnly = &Rule{
		ID:       "host/modcache-read-only",
		Severity: Warning,
		Summary:  "This user cannot add modules to the module cache, which builds may do without.",
		Help: `Builds work as long as every module that they need is in the cache already, or vendored; the first
that is not stops the go command with "permission denied". That is fine where the cache is filled beforehand
on purpose. In a vendored module ` + "`go mod tidy`" + ` needs the cache all the same.

Where it is not, give the folder to this user, or point GOMODCACHE to one that is theirs.`,
	}
	ruleHostTempNoexec = &Rule{
		ID:       "host/temp-noexec",
		Severity: Warning,
		Summary:  "Programs may not run from the temporary folder.",
		Help: "`go test`, `go run` and `go generate`" + ` build programs in a work directory and run them there. On a
file system mounted with noexec that fails with "fork/exec ...: permission denied"; plain builds work.

Set GOTMPDIR to a folder on a file system without noexec.`,
	}
	ruleHostHome = &Rule{
		ID:       "host/home",
		Severity: Error,
		Blocks:   true,
		Summary:  "HOME is not a folder that this user can write to, and the caches are to be made in it.",
		Help: `GOPATH, GOMODCACHE and GOCACHE are below HOME unless they are set. In containers that run as an
arbitrary user HOME is often ` + "`/`" + ` or a folder that does not exist, and the go command then fails with
"failed to initialize build cache" or "could not create module cache".

Set HOME to a folder of this user, or set GOCACHE and GOMODCACHE.`,
	}
	ruleHostGitOwnership = &Rule{
		ID:       "host/git-ownership",
		Severity: Warning,
		Summary:  "git refuses the work tree because another user owns it.",
		Help: `The go command stamps programs with the state of the work tree and asks git for it. git refuses
trees of other users ("dubious ownership"), and the build of every main package then fails with "error
obtaining VCS status: exit status 128". That is common in containers that mount a checkout.

Declare the tree safe, or build with ` + "`-buildvcs=false`" + `, which leaves the stamp out.`,
	}
)

// judgeHost is the judgement on the machine. One fault is reported once: places
// that share a file system together, and what lies in a bad HOME as HOME's.
func judgeHost(f hostFacts) []Finding {
	findings := judgeSpace(f.Places)
	denied := func(p place) bool {
		_, inHome := relative(f.Home.Path, p.At.Path)
		return inHome && p.Use != temporary && !p.Named && badHome(f.Home) && p.At.Writable == hostinfo.No
	}
	homeless := slices.ContainsFunc(f.Places, func(p place) bool { return denied(p) && !p.Spare })
	for _, p := range f.Places {
		if homeless && denied(p) {
			continue
		}
		if finding := judgeWritable(p); finding != nil {
			findings = append(findings, *finding)
		}
		if p.Use == temporary && p.At.NoExec == hostinfo.Yes {
			findings = append(findings, noexec(p))
		}
	}
	if homeless {
		findings = append(findings, homeFinding(f.Home))
	}
	if f.Distrust != "" {
		finding := ruleHostGitOwnership.Finding("git refuses %s: detected dubious ownership", f.Root)
		finding.Evidence = strings.Split(f.Distrust, "\n")
		finding.Fix.Description = "declare the work tree safe for this user"
		finding.Fix.Command = "git config --global --add safe.directory " + shellQuote(f.Root)
		findings = append(findings, finding)
	}
	return findings
}

// judgeSpace judges each file system once, in the order of the places.
func judgeSpace(places []place) []Finding {
	var findings []Finding
	done := map[string]bool{}
	for i, p := range places {
		if p.At.Space == nil || p.At.Volume != "" && done[p.At.Volume] {
			continue
		}
		done[p.At.Volume] = true
		names := []string{p.Name}
		for _, other := range places[i+1:] {
			if other.At.Space != nil && other.At.Volume != "" && other.At.Volume == p.At.Volume {
				names = append(names, other.Name)
			}
		}
		if f := judgeVolume(p, strings.Join(names, ", ")); f != nil {
			findings = append(findings, *f)
		}
	}
	return findings
}

// judgeVolume judges the file system of a place, which is also that of all
// places in names.
func judgeVolume(p place, names string) *Finding {
	space := p.At.Space
	var f Finding
	switch free := binarySize(space.Free); {
	case space.Free < diskFull:
		f = ruleHostDiskFull.Finding("%s of %s are free at %s (%s)", free, binarySize(space.Total), p.At.Path, names)
	case space.TotalInodes > 0 && space.FreeInodes == 0:
		f = ruleHostInodesFull.Finding("none of %d inodes are free at %s (%s)", space.TotalInodes, p.At.Path, names)
	case space.Free < diskLow:
		f = ruleHostDiskLow.Finding("%s of %s are free at %s (%s)", free, binarySize(space.Total), p.At.Path, names)
	case space.TotalInodes > 0 && space.FreeInodes < inodesLow:
		f = ruleHostInodesLow.Finding("%d of %d inodes are free at %s (%s)", space.FreeInodes, space.TotalInodes, p.At.Path, names)
	default:
		return nil
	}
	f.Key = names
	f.Fix.Description = "free space there, or point " + names + " to another file system"
	if strings.Contains(names, "GOCACHE") {
		f.Fix.Command = "go clean -cache"
	}
	return &f
}

// judgeWritable judges the permission to write to a place and to what is in it.
func judgeWritable(p place) *Finding {
	bad := p.At
	for _, inside := range p.Inside {
		if bad.Writable != hostinfo.No {
			bad = inside
		}
	}
	// A temporary folder that does not exist is the check env's to report: the
	// go command does not make it.
	if bad.Writable != hostinfo.No || p.Use == temporary && !p.At.Exists {
		return nil
	}
	var f Finding
	switch {
	case p.Use == moduleCache && (p.Filled || p.Spare):
		f = ruleHostModcacheReadOnly.Finding("nothing can be added to GOMODCACHE: %s: %s", bad.Path, bad.Why)
	case bad.Exists:
		f = ruleHostNotWritable.Finding("%s cannot be written to: %s: %s", p.Name, bad.Path, bad.Why)
	default:
		f = ruleHostNotWritable.Finding("%s cannot be made: %s: %s: %s", p.Name, bad.Path, bad.Nearest, bad.Why)
	}
	f.Key = p.Name
	if p.At.Dir && bad.ReadOnly != hostinfo.Yes && p.Use != temporary {
		f.Fix.Description = "give the folder to this user"
		f.Fix.Command = `sudo chown -R "$(id -u):$(id -g)" ` + shellQuote(p.At.Path)
		return &f
	}
	f.Fix.Description = "point " + p.Name + " to a folder of this user"
	f.Fix.Command = relocate(p)
	return &f
}

// relocate is a command that gives a setting a folder that can be written to.
func relocate(p place) string {
	switch p.Use {
	case moduleCache:
		return `export GOMODCACHE="$(mktemp -d)"`
	case buildCache:
		return `export GOCACHE="$(mktemp -d)"`
	}
	return fmt.Sprintf(`mkdir -p "$HOME/tmp" && export %s="$HOME/tmp"`, p.Name)
}

func noexec(p place) Finding {
	f := ruleHostTempNoexec.Finding("%s is mounted with noexec: go test and go run cannot run what they build there (%s)", p.At.Nearest, p.Name)
	f.Key = p.Name
	f.Fix.Description = "give the go command a temporary folder where programs may run"
	f.Fix.Command = `mkdir -p "$HOME/tmp" && export GOTMPDIR="$HOME/tmp"`
	return f
}

// badHome reports whether nothing can be made in HOME.
func badHome(home hostinfo.Path) bool {
	return home.Path != "" && home.Writable == hostinfo.No
}

func homeFinding(home hostinfo.Path) Finding {
	f := ruleHostHome.Finding("HOME=%s cannot be written to: %s", home.Path, home.Why)
	if !home.Exists {
		f = ruleHostHome.Finding("HOME=%s does not exist and cannot be made: %s: %s", home.Path, home.Nearest, home.Why)
	}
	f.Key = "HOME"
	f.Fix.Description = "use a home folder that this user can write to"
	f.Fix.Command = `export HOME="$(mktemp -d)"`
	return f
}
