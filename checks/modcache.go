package checks

import (
	"context"
	"errors"

	"golang.org/x/mod/module"

	gomodcache "github.com/gopreflight/gopreflight/internal/modcache"
	"github.com/gopreflight/gopreflight/internal/plain"
)

// modcache asks whether the module cache holds what go.sum names. It hashes
// what the next build will read (every extracted folder, or the zip where there
// is none, and every .mod file) itself, because no command of Go does: builds
// trust what is extracted, and go mod verify neither looks at go.sum nor at the
// targets of replace directives. It reads only; it costs one pass over the
// extracted dependencies, and with --deep one over the zips.
var modcache = &Check{
	Name:  "modcache",
	Stage: StageCache,
	Title: "the module cache holds what go.sum names",
	Doc: "Proves every module version that a go.sum or go.work.sum of the repository names, as far as\n" +
		"GOMODCACHE holds it, targets of replace directives included: what the next build will read is\n" +
		"hashed and compared with go.sum, which is the extracted folder where the go command would use it,\n" +
		"else the zip, and the `.mod` file; so is the recorded hash (`.ziphash`). Every entry is looked at\n" +
		"for links, pipes and devices.\n\n" +
		"A zip beside a proven folder is held against it by its directory: the names, sizes and CRC-32 that\n" +
		"it says its files have. That finds what is truncated or garbled, or comes from elsewhere; it proves\n" +
		"nothing, as a CRC-32 can be forged and the packed bytes are not read. The go command would extract\n" +
		"such a zip without hashing it when the folder is gone. `--deep` proves every zip too: use it before\n" +
		"a cache is saved or shared.\n\n" +
		"Neither `go build` nor `go mod verify` answers this: a build compiles what is extracted without\n" +
		"hashing it again, and `go mod verify` compares the cache with itself only. A cold cache is\n" +
		"reported as cold, never as verified: the go command checks what it downloads. Nothing is\n" +
		"written, downloaded or repaired; `gopreflight fix modcache` does that.",
	Needs: []*Check{env},
	Mends: true,
	// It may download a Go release, which is judged then.
	After: []*Check{toolchainCheck},
	Rules: []*Rule{
		ruleTreeModified, ruleZipUnreadable, ruleZipModified, ruleSumMismatch, ruleZiphashMismatch,
		ruleInterrupted, ruleModModified, ruleIrregular,
		ruleCachedReleaseModified, ruleZiphashDamaged, ruleZiphashMissing, ruleInfoDamaged, ruleLeftovers,
		ruleReplacementModified, ruleCacheUnwritable, ruleCacheUnreadable,
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
			"hashes the zip again, and downloads it where there is none, which it says (\"downloading\"). Then it uses\n" +
			"the folder all the same, as it finds it. Usual causes are a crash and a cache that was restored in part.\n\n" +
			"The folder itself was proven here against go.sum. `go mod download` makes the hash again.",
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

var (
	ruleLeftovers = &Rule{
		ID:       "modcache/leftovers",
		Severity: Notice,
		Summary:  "Interrupted or refused downloads left files in the module cache.",
		Help: "A go command that is killed while it downloads, or that refuses what it downloaded (\"checksum\n" +
			"mismatch\"), leaves `*.tmp` files beside the zips. Nothing reads them, and the next download of that\n" +
			"version removes them; until then they take room in every cache that is saved. After a mismatch such a\n" +
			"file is the evidence: it is what the proxy served.\n\n" +
			"Remove them while no go command is at work.",
	}
	ruleCacheUnwritable = &Rule{
		ID:       "modcache/unwritable",
		Severity: Warning,
		Summary:  "A module has to be extracted, and this user may not write where.",
		Help: "The module cache has the zip but not the folder (a cache that was restored in part, or that another\n" +
			"user filled), so that the go command extracts it as soon as a build needs the module. Without the\n" +
			"right to write that fails with \"permission denied\", and on a read-only mount with \"read-only file\n" +
			"system\".\n\n" +
			"Extract it as a user who may write there (`go mod download`), or use a cache of one's own.",
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
	toolchains, toolErr := s.cachedToolchains(dir)
	asked := make([]gomodcache.Want, 0, len(wants)+len(toolchains))
	for _, w := range wants {
		asked = append(asked, w.Want)
	}
	for _, t := range toolchains {
		asked = append(asked, t.Want)
	}
	t := cacheTally{errs: []error{sumErr, toolErr}}
	t.replaced = s.replacedFolders(ctx)
	evidence, err := gomodcache.Verify(ctx, gomodcache.Options{Dir: dir, Deep: s.Deep, Progress: func(done, total int) {
		if s.Progress != nil {
			s.Progress("hashing %s of %s", plain.Thousands(done), plain.Count(total, "module"))
		}
	}}, asked)
	if err != nil {
		return Facts{}, nil, err
	}

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
	for i := range toolchains {
		tc, e := &toolchains[i], evidence[len(wants)+i]
		outcome, problems := gomodcache.Judge(tc.Want, e)
		t.toolchains.add(tc, e, outcome)
		for _, p := range problems {
			if f := tc.finding(p, e); f != nil {
				f.CausedBy = tc.toldBy(s.Result(toolchainCheck))
				findings = append(findings, *f)
			}
		}
	}
	for _, f := range []*Finding{
		t.missingInfo(s.Env.Get("GOPROXY")), t.leftoversFinding(dir), t.unwritableFinding(), t.unreadableFinding(dir),
	} {
		if f != nil {
			findings = append(findings, *f)
		}
	}
	for _, folder := range t.replaced {
		if f := folder.finding(); f != nil && s.CI {
			findings = append(findings, *f)
		}
	}
	err = t.err()
	if len(asked) == 0 && len(findings) == 0 && err == nil {
		return Facts{}, nil, Skip("no dependencies")
	}
	facts := t.facts(dir)
	if t.cold() && len(findings) == 0 && err == nil {
		err = Skip(facts.Link.Why)
	}
	return facts, findings, err
}
