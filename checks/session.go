package checks

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/mod/module"

	"github.com/gopreflight/gopreflight/internal/config"
	"github.com/gopreflight/gopreflight/internal/git"
	"github.com/gopreflight/gopreflight/internal/gocmd"
	"github.com/gopreflight/gopreflight/internal/goenv"
	"github.com/gopreflight/gopreflight/internal/goproxy"
	"github.com/gopreflight/gopreflight/internal/plain"
	"github.com/gopreflight/gopreflight/internal/repo"
)

// Session is what a check may see. Everything in it is injected; checks share
// it and only read it, but for the engines, which are safe to share.
type Session struct {
	// Repo is the repository: root, modules, workspaces.
	Repo *repo.Repo
	// Modules are the main modules that this check is to judge: those that the
	// policy selects, without those that a Need has blocked.
	Modules []*repo.Module
	// Shard is the part of the repository that this run is about; nil where that
	// is the whole. Modules are those of all shards all the same, but for checks
	// with Join.
	Shard *ShardModules
	// Go is the go command; nil when none was found.
	Go *gocmd.Go
	// Git is git for the repository; nil without git or without a work tree.
	Git *git.Git
	// Env is every Go setting with its source.
	Env *goenv.Env
	// Config is the policy.
	Config *config.Config
	// ConfigFile is the policy's file, relative to the root; empty for none.
	ConfigFile string
	// ConfigNote is why the defaults serve where a policy should have been read;
	// empty when none should.
	ConfigNote string
	// Base is the revision that the change is compared with; nil where there is
	// none, and NoBase then says why, in one line.
	Base   *Base
	NoBase string
	// Scope says whether the job's own machine can be seen.
	Scope Scope
	// CI says that a CI runs this: what it has checked out is what somebody
	// committed, and a difference is nobody's work in progress.
	CI bool
	// PrivateRepository says that the CI calls the repository private.
	PrivateRepository bool
	// Fork says that the change that is judged comes from another repository.
	Fork bool
	// UntrustedCheckout says that a job with the base's rights and secrets
	// (pull_request_target) has checked out the change that it judges.
	UntrustedCheckout bool
	// Offline forbids every packet.
	Offline bool
	// Deep asks for everything that a check leaves out by default because it costs.
	Deep bool
	// Getenv and Environ are the environment that gopreflight was started in.
	Getenv  func(string) string
	Environ []string
	// CacheDir is gopreflight's own folder among the user's caches, for what is kept
	// between runs; empty where there is none.
	CacheDir string
	// ReleaseList is the file in which an image keeps the list of its Go release's
	// files (internal/image, golist.sh); empty, or a file that is not there, for none.
	ReleaseList string
	// Temp returns a new folder inside the run's temporary folder.
	Temp func(name string) (string, error)
	// Now is the clock.
	Now func() time.Time
	// Progress says what a long check is doing, for the live view.
	Progress func(format string, args ...any)

	// prober changes how module proxies are asked, in tests; nil for nothing.
	prober func(*goproxy.Prober)
	// whole are the modules of all shards; see allModules.
	whole []*repo.Module
	// result is what another check came to; the runner sets it for each check.
	result func(*Check) *Result
	shared *shared
}

// Base is the revision from which the change that is judged went out: the merge
// base of what is checked out and what it is for.
type Base struct {
	// Commit is its full hash.
	Commit string
	// ReadFile is a regular file's content there, by its slash path from the
	// root. The error is fs.ErrNotExist where it has no such file.
	ReadFile func(ctx context.Context, name string) ([]byte, error)
}

// shared is what the checks of one run make once for all of them.
type shared struct {
	// workCopies are the temporary go.work of each real one.
	workCopies onceMap
	// toolchainDir is the empty folder in which toolchains are asked for.
	toolchainDir onceMap
	// checksums is the client of the checksum database.
	checksums checksumsOnce
	// held is what check modcache found, by module version; see heldModule.
	held atomic.Pointer[map[module.Version]heldModule]
}

// Root is the repository's top, an absolute path.
func (s *Session) Root() string { return s.Repo.Root }

// allModules are the modules that the policy selects, also for a check that is
// to judge those of a shard alone.
func (s *Session) allModules() []*repo.Module {
	if s.whole != nil {
		return s.whole
	}
	return s.Modules
}

// Result is what another check came to, or nil when it did not run. Only
// checks that the asking one Needs or comes After can have ended.
func (s *Session) Result(c *Check) *Result {
	if s.result == nil {
		return nil
	}
	return s.result(c)
}

// blockedBy is the error of a module for which one of these checks, which must
// have ended, reported a finding that blocks; nil where none did.
func (s *Session) blockedBy(m *repo.Module, ended ...*Check) error {
	for _, c := range ended {
		r := s.Result(c)
		if r == nil {
			continue
		}
		for i := range r.Findings {
			f := &r.Findings[i]
			if c.blocks(f) && (f.Dir == "" || f.Dir == plain.Line(m.Dir)) {
				return &blockedError{f.Rule, f.Fingerprint}
			}
		}
	}
	return nil
}

// forEachModule answers a check's question for each module, a few at a time,
// and returns the findings and outcomes in the modules' order. fn returns one
// line on what it found out; its error is that module's alone.
func (s *Session) forEachModule(ctx context.Context, fn func(context.Context, *repo.Module) (string, []Finding, error)) ([]ModuleStatus, []Finding) {
	type answer struct {
		reason   string
		findings []Finding
		err      error
	}
	answers := make([]answer, len(s.Modules))
	limit := make(chan struct{}, maxModulesAtOnce)
	done := make(chan int)
	for i, m := range s.Modules {
		go func() {
			limit <- struct{}{}
			defer func() {
				if p := recover(); p != nil {
					answers[i].err = panicError(p)
				}
				<-limit
				done <- i
			}()
			a := &answers[i]
			a.reason, a.findings, a.err = fn(ctx, m)
		}()
	}
	for n := range s.Modules {
		i := <-done
		if s.Progress != nil && len(s.Modules) > 1 {
			s.Progress("%d of %d modules (%s)", n+1, len(s.Modules), s.Modules[i].Dir)
		}
	}
	statuses := make([]ModuleStatus, len(s.Modules))
	var findings []Finding
	for i, m := range s.Modules {
		statuses[i] = ModuleStatus{Dir: m.Dir, Status: Passed, Reason: answers[i].reason, err: answers[i].err}
		for _, f := range answers[i].findings {
			f.Dir = m.Dir
			findings = append(findings, f)
		}
	}
	return statuses, findings
}

// answered says for how many modules a check has an answer: "14 modules", or
// "13 of 14 modules" where it could not be had for all.
func answered(statuses []ModuleStatus) string {
	n := 0
	for _, m := range statuses {
		if m.err == nil {
			n++
		}
	}
	all := plain.Count(len(statuses), "module")
	if n == len(statuses) {
		return all
	}
	return fmt.Sprintf("%s of %s", plain.Thousands(n), all)
}

// maxModulesAtOnce bounds how many modules are looked at together; the go
// engine bounds the go commands among them.
const maxModulesAtOnce = 8
