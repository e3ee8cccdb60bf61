package checks

import (
	"context"
	"errors"

	"golang.org/x/mod/module"

	gomodcache "github.com/gopreflight/gopreflight/internal/modcache"
	"github.com/gopreflight/gopreflight/internal/plain"
)

// modcache asks whether the module cache holds what go.sum names. It hashes
// every zip, every extracted folder and every .mod file itself, because no
// command of Go does: builds trust what is extracted, and go mod verify neither
// looks at go.sum nor at the targets of replace directives. It reads only, and
// runs nothing; it costs one pass over the cached dependencies.
var modcache = &Check{
	Name:  "modcache",
	Stage: StageCache,
	Title: "the module cache holds what go.sum names",
	Doc: "Hashes every module version that a go.sum or go.work.sum of the repository names, as far as\n" +
		"GOMODCACHE holds it: the zip, the extracted folder, the recorded hash (`.ziphash`) and the\n" +
		"`.mod` file, targets of replace directives included, and looks at every entry for links, pipes\n" +
		"and devices.\n\n" +
		"Neither `go build` nor `go mod verify` answers this: a build compiles what is extracted without\n" +
		"hashing it again, and `go mod verify` compares the cache with itself only. A cold cache is\n" +
		"reported as cold, never as verified: the go command checks what it downloads. Nothing is\n" +
		"written, downloaded or repaired.",
	Needs: []*Check{env},
	Rules: []*Rule{
		ruleTreeModified, ruleZipUnreadable, ruleZipModified, ruleSumMismatch, ruleZiphashMismatch,
		ruleInterrupted, ruleModModified, ruleIrregular,
		ruleZiphashDamaged, ruleZiphashMissing, ruleInfoDamaged, ruleCacheUnreadable,
	},
	Run: runModcache,
}

var (
	ruleTreeModified = &Rule{
		ID:       "modcache/tree-modified",
		Severity: Error,
		Blocks:   true,
		Summary:  "The extracted folder of a module is not what go.sum names.",
		Help: "Builds compile the files in this folder and never hash them again: what was changed here gets\n" +
			"built, without a word. Usual causes are an edit made while debugging, an editor that follows\n" +
			"\"go to definition\" into the cache, a cleaner that deletes files, or a cache that others can\n" +
			"write to.\n\n" +
			"Remove the folder; the go command extracts it again from the zip. If nobody knows who changed\n" +
			"it, treat the machine or the shared cache as compromised.",
	}
	ruleZipUnreadable = &Rule{
		ID:       "modcache/zip-unreadable",
		Severity: Error,
		Blocks:   true,
		Summary:  "The zip of a module is truncated or not a zip at all.",
		Help: "The go command does not download a zip again that is there: as soon as the folder has to be\n" +
			"extracted, every build fails with \"zip: not a valid zip file\". Usual causes are a full disk, a\n" +
			"crash, or a cache archive that was cut short.\n\n" +
			"Remove the zip and its recorded hash, and download again.",
	}
	ruleZipModified = &Rule{
		ID:       "modcache/zip-modified",
		Severity: Error,
		Blocks:   true,
		Summary:  "The zip of a module has other content than go.sum names.",
		Help: "The go command extracts and builds a zip from the cache without comparing it with go.sum, as long\n" +
			"as the recorded hash beside it is the old one. A zip that is valid but different is either\n" +
			"another version copied to the wrong place, or tampering.\n\n" +
			"Remove the zip and what was extracted from it, and download again. If nobody knows where it came\n" +
			"from, treat the machine or the shared cache as compromised.",
	}
	ruleSumMismatch = &Rule{
		ID:       "modcache/gosum-mismatch",
		Severity: Error,
		Blocks:   true,
		Summary:  "The module cache agrees with itself, but not with go.sum.",
		Help: "Either the line in go.sum is wrong (a bad merge, an edit, a version that was published twice) or\n" +
			"the whole cached module was replaced. Builds stop with \"checksum mismatch\" and \"SECURITY\n" +
			"ERROR\"; `go mod verify` says \"all modules verified\".\n\n" +
			"Find out which of the two is wrong before anything else runs: fetch an independent copy, whose\n" +
			"hash the checksum database vouches for, and look at go.sum's history. Do not just run the\n" +
			"command again, and do not delete go.sum: go commands that write go.sum would record the wrong\n" +
			"hash.",
	}
	ruleZiphashMismatch = &Rule{
		ID:       "modcache/ziphash-mismatch",
		Severity: Error,
		Blocks:   true,
		Summary:  "The recorded hash of a module is not that of its content.",
		Help: "The content of the module is right, but the `.ziphash` file beside the zip says otherwise. Builds\n" +
			"compare only this file with go.sum, and stop with \"checksum mismatch\".\n\n" +
			"Remove the file; the go command makes it again from the zip.",
	}
	ruleInterrupted = &Rule{
		ID:       "modcache/interrupted",
		Severity: Error,
		Blocks:   true,
		Summary:  "The extraction of a module was interrupted.",
		Help: "The marker `.partial` says that a go command began to extract this module and never ended: it was\n" +
			"killed, or the disk was full, or the cache was saved in the middle of a download. The next build\n" +
			"extracts it again, and downloads it where the zip is missing too, which fails without a\n" +
			"network. A cache archive that holds such a module was saved from a job that did not end well.\n\n" +
			"Download the module again.",
	}
	ruleModModified = &Rule{
		ID:       "modcache/mod-modified",
		Severity: Error,
		Blocks:   true,
		Summary:  "The cached go.mod of a module is not what go.sum names.",
		Help: "The `.mod` file decides which versions get selected, so every go command hashes it and stops with\n" +
			"\"checksum mismatch\".\n\nRemove the file; the go command fetches it again.",
	}
	ruleIrregular = &Rule{
		ID:       "modcache/irregular",
		Severity: Error,
		Blocks:   true,
		Summary:  "The module cache holds a link, pipe or device where a module has only files and folders.",
		Help: "The go command writes regular files and folders only. A symbolic link may lead to content that\n" +
			"changes behind everybody's back while all hashes agree, and a pipe makes builds hang.\n\n" +
			"Remove what is not regular, and download the module again. A module cache that is itself reached\n" +
			"by a link is fine.",
	}
	ruleZiphashDamaged = &Rule{
		ID:       "modcache/ziphash-damaged",
		Severity: Notice,
		Summary:  "The recorded hash of a module is empty or garbled.",
		Help: "A crash while the go command wrote the `.ziphash` file leaves it empty or full of NUL bytes. The\n" +
			"next build makes it again from the zip and compares it with go.sum; until then `go mod verify`\n" +
			"reports the module as modified.",
	}
	ruleZiphashMissing = &Rule{
		ID:       "modcache/ziphash-missing",
		Severity: Notice,
		Summary:  "The recorded hash of a module is missing.",
		Help: "Without the `.ziphash` file the go command takes the extracted folder for absent: the next build\n" +
			"hashes the zip again and extracts it again (it says \"downloading\"), and downloads it where there\n" +
			"is no zip.",
	}
	ruleInfoDamaged = &Rule{
		ID:       "modcache/info-damaged",
		Severity: Notice,
		Summary:  "The .info file of a module is garbled, or missing where it cannot be fetched.",
		Help: "Builds do not read it, but `go list -m` and `go mod download` do: they fetch it again, and fail\n" +
			"with GOPROXY=off. A missing file is reported only there: a cache that was filled by builds need\n" +
			"not have it.\n\nRemove a garbled file, and fill the cache with `go mod download`.",
	}
	ruleCacheUnreadable = &Rule{
		ID:       "modcache/unreadable",
		Severity: Warning,
		Summary:  "Something in the module cache cannot be read, so nobody knows what it is.",
		Help: "As a rule the cache was filled by another user (root in a container, a service account on a\n" +
			"shared runner), and builds fail too, some of them with a misleading \"module lookup disabled by\n" +
			"GOPROXY=off\".\n\n" +
			"Give the cache to the user that builds, or use one of its own.",
	}
)

// cacheRules are the rules by the engine's kind of problem.
var cacheRules = map[gomodcache.Kind]*Rule{
	gomodcache.TreeModified:   ruleTreeModified,
	gomodcache.ZipUnreadable:  ruleZipUnreadable,
	gomodcache.ZipModified:    ruleZipModified,
	gomodcache.SumMismatch:    ruleSumMismatch,
	gomodcache.ZiphashWrong:   ruleZiphashMismatch,
	gomodcache.Interrupted:    ruleInterrupted,
	gomodcache.ModModified:    ruleModModified,
	gomodcache.IrregularEntry: ruleIrregular,
	gomodcache.ZiphashDamaged: ruleZiphashDamaged,
	gomodcache.ZiphashMissing: ruleZiphashMissing,
	gomodcache.InfoDamaged:    ruleInfoDamaged,
}

func runModcache(ctx context.Context, s *Session) (Facts, []Finding, error) {
	dir := s.Env.Get("GOMODCACHE")
	if dir == "" {
		return Facts{}, nil, errors.New("GOMODCACHE is not known")
	}
	if s.Scope == ScopeContainer && !within(s.Root(), dir) {
		return Facts{}, nil, Skip("the job's cache is outside this container, use host/")
	}
	wants, sumErr := wantedModules(s.Modules, s.Repo.Modules)
	if len(wants) == 0 {
		if sumErr != nil {
			return Facts{}, nil, sumErr
		}
		return Facts{}, nil, Skip("no dependencies")
	}
	asked := make([]gomodcache.Want, len(wants))
	for i, w := range wants {
		asked[i] = w.Want
	}
	if s.Progress != nil {
		s.Progress("hashing %s", plain.Count(len(asked), "module"))
	}
	evidence, err := gomodcache.Verify(ctx, gomodcache.Options{Dir: dir}, asked)
	if err != nil {
		return Facts{}, nil, err
	}

	var t cacheTally
	var findings []Finding
	held := make(map[module.Version]heldModule, len(wants))
	for i, w := range wants {
		outcome, problems := gomodcache.Judge(w.Want, evidence[i])
		if !w.ModOnly {
			held[module.Version{Path: w.Path, Version: w.Version}] = w.held(evidence[i], outcome)
		}
		t.add(w, evidence[i], outcome)
		for _, p := range problems {
			findings = append(findings, w.finding(p, evidence[i]))
		}
	}
	s.holdModules(held)
	if f := t.missingInfo(s.Env.Get("GOPROXY")); f != nil {
		findings = append(findings, *f)
	}
	if f := t.unreadableFinding(dir); f != nil {
		findings = append(findings, *f)
	}
	facts := t.facts(dir)
	err = errors.Join(sumErr, t.err())
	if t.cold() && len(findings) == 0 && err == nil {
		err = Skip(facts.Link.Why)
	}
	return facts, findings, err
}
