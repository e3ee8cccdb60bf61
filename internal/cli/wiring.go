package cli

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/gopreflight/gopreflight/checks"
	"github.com/gopreflight/gopreflight/internal/child"
	"github.com/gopreflight/gopreflight/internal/ci"
	"github.com/gopreflight/gopreflight/internal/config"
	"github.com/gopreflight/gopreflight/internal/git"
	"github.com/gopreflight/gopreflight/internal/gocmd"
	"github.com/gopreflight/gopreflight/internal/goenv"
	"github.com/gopreflight/gopreflight/internal/plain"
	"github.com/gopreflight/gopreflight/internal/repo"
	"github.com/gopreflight/gopreflight/internal/shard"
	"github.com/gopreflight/gopreflight/internal/tempdir"
)

// wiring makes the engines of one run and the session of its checks.
type wiring struct {
	sys     *system
	options *runOptions
	place   place
	// shard is what --shard asks for.
	shard checks.Shard

	redactor *plain.Redactor
	repo     *repo.Repo
	base     string
	// noMergeBase is why base is not the merge base; nil when it is.
	noMergeBase error
	temp        *tempdir.Dir
	session     *checks.Session
}

// open makes everything that checks need. Its error says why nothing can be checked.
func (w *wiring) open(ctx context.Context, dir string) error {
	w.redactor = plain.NewRedactor(w.sys.environ)
	goPath := lookPath(w.sys.getenv("PATH"), "go")
	env, err := w.readEnv(ctx, goPath)
	if err != nil {
		return err
	}
	childEnv := append(goenv.ChildEnv(w.sys.environ, env),
		"GIT_OPTIONAL_LOCKS=0", "GIT_TERMINAL_PROMPT=0", "GCM_INTERACTIVE=never")
	var tree *git.Git
	if gitPath := lookPath(w.sys.getenv("PATH"), "git"); gitPath != "" {
		tree, err = git.Open(ctx, gitPath, dir, childEnv)
		if err != nil && !errors.Is(err, git.ErrNoWorkTree) {
			return err
		}
	}
	w.repo, err = repo.Load(ctx, repo.Options{
		Dir: dir, Git: tree, GOWORK: env.Get("GOWORK"),
		GOMODCACHE: env.Get("GOMODCACHE"), ModFile: modFileFlag(env.Get("GOFLAGS")),
	})
	if err != nil {
		return err
	}
	cfg, configFile, configNote, err := w.readConfig(ctx, tree)
	if err != nil {
		return err
	}
	if w.options.failOn == "" {
		w.options.failOn = cfg.FailOn
	} else if err := checkFailOn(w.options.failOn); err != nil {
		return err
	}
	var modules []*repo.Module
	for _, m := range w.repo.Modules {
		if cfg.Selects(m.Dir) {
			modules = append(modules, m)
		}
	}
	if len(modules) == 0 {
		return fmt.Errorf("%s: modules %q selects none of the %s here", configFile, cfg.Modules, plain.Count(len(w.repo.Modules), "module"))
	}

	// Without a temporary folder the children use their own; check host says what is wrong.
	if w.temp, err = tempdir.New(tempBase(env), w.sys.now()); err == nil {
		if goTemp, err := w.temp.Sub("go"); err == nil {
			childEnv = append(childEnv, "GOTMPDIR="+goTemp)
		}
	}
	tempErr := err
	w.session = &checks.Session{
		Repo: w.repo, Modules: modules, Git: tree, Env: env,
		Config: cfg, ConfigFile: configFile, ConfigNote: configNote,
		Scope: w.place.scope, Offline: w.options.offline, Deep: w.options.deep,
		CI:                w.place.ci.Provider != ci.None,
		PrivateRepository: w.place.ci.Private,
		Fork:              w.place.ci.Fork, UntrustedCheckout: w.untrustedCheckout(ctx, tree),
		Getenv: w.sys.getenv, Environ: w.sys.environ, Now: w.sys.now, CacheDir: cacheDir(w.repo.Root), ReleaseList: releaseList,
		Temp: func(name string) (string, error) {
			if tempErr != nil {
				return "", tempErr
			}
			return w.temp.Sub(name)
		},
	}
	w.session.Base, w.session.NoBase = w.changeBase(tree)
	if w.session.Shard, err = w.shardModules(ctx, modules); err != nil {
		return err
	}
	if goPath != "" {
		w.session.Go = gocmd.New(goPath, childEnv, w.options.jobs)
	}
	return nil
}

// shardModules is this shard's part of the modules; nil where it is the whole.
func (w *wiring) shardModules(ctx context.Context, modules []*repo.Module) (*checks.ShardModules, error) {
	if w.shard.Count <= 1 {
		return nil, nil
	}
	costs, err := w.repo.Costs(ctx, modules)
	if err != nil {
		return nil, fmt.Errorf("dividing the modules into shards: %w", err)
	}
	own := &checks.ShardModules{Index: w.shard.Index, Count: w.shard.Count}
	for _, i := range shard.Split(costs, w.shard.Count)[w.shard.Index-1] {
		own.Modules = append(own.Modules, modules[i])
	}
	return own, nil
}

func (w *wiring) close() {
	if w.temp != nil {
		if err := w.temp.Remove(); err != nil {
			w.sys.warn("removing the temporary folder", err)
		}
	}
	if w.repo != nil {
		w.repo.Close()
	}
}

// lookPath is the absolute path of a program in PATH; empty when there is none.
// Relative entries of PATH are passed over: what lies there is the repository's.
func lookPath(path, name string) string {
	for _, dir := range filepath.SplitList(path) {
		if !filepath.IsAbs(dir) {
			continue
		}
		if program, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return program
		}
	}
	return ""
}

// readEnv asks for every Go setting, in a folder without go.mod.
func (w *wiring) readEnv(ctx context.Context, goPath string) (*goenv.Env, error) {
	configDir, _ := os.UserConfigDir() // unknown without HOME; the go command then has none either
	o := goenv.Options{
		Environ:   w.sys.environ,
		ConfigDir: configDir,
		ReadFile:  func(name string) ([]byte, error) { return readCapped(name, goenv.MaxFile) },
	}
	if goPath != "" {
		o.Run = func(ctx context.Context, env []string, args ...string) ([]byte, error) {
			out, err := child.Run(ctx, child.Cmd{Path: goPath, Args: args, Dir: filepath.Dir(goPath), Env: env})
			if err == nil && out.Exit != 0 {
				err = fmt.Errorf("go %s: exit status %d: %s", strings.Join(args, " "), out.Exit, strings.TrimSpace(string(out.Stderr)))
			}
			return out.Stdout, err
		}
	}
	return goenv.Read(ctx, o)
}

// tempBase is where temporary files go: GOTMPDIR, else the system's folder.
func tempBase(env *goenv.Env) string {
	if dir := env.Get("GOTMPDIR"); dir != "" {
		return dir
	}
	return os.TempDir()
}

// cacheDir is gopreflight's own folder among the user's caches; empty where there
// is none, as without HOME, or where it would lie in the work tree.
func cacheDir(root string) string {
	dir, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	dir = filepath.Join(dir, "gopreflight")
	if rel, err := filepath.Rel(root, dir); err != nil || filepath.IsLocal(rel) {
		return ""
	}
	return dir
}

// modFileFlag is the value of -modfile in GOFLAGS.
func modFileFlag(goflags string) string {
	flags, _ := goenv.ParseGOFLAGS(goflags) // check env reports what is wrong
	for _, f := range flags {
		if f.Name == "modfile" {
			return f.Value
		}
	}
	return ""
}

func checkFailOn(word string) error {
	words := []string{config.Error, config.Warning, config.Never}
	for _, w := range words {
		if word == w {
			return nil
		}
	}
	return fmt.Errorf("--fail-on: %w", unknown("severity", word, words))
}

// known is what a policy file may name.
func known() config.Known {
	var k config.Known
	for _, s := range checks.Stages {
		k.Stages = append(k.Stages, string(s))
	}
	for _, c := range checks.All {
		k.Checks = append(k.Checks, c.Name)
		for _, r := range c.Rules {
			k.Rules = append(k.Rules, r.ID)
		}
	}
	return k
}

// resolveBase is the commit that a change is compared with, as far as this
// clone has it: --base, else the CI event's. w.base becomes its merge base with
// HEAD, where the two went apart. A commit that --base names must be there.
func (w *wiring) resolveBase(ctx context.Context, tree *git.Git) (string, error) {
	c := w.place.ci
	revs := []string{c.BaseSHA}
	if c.BaseRef != "" {
		revs = append(revs, "refs/remotes/origin/"+c.BaseRef, "refs/heads/"+c.BaseRef) // no tag of that name
	}
	switch {
	case tree == nil && w.options.base != "":
		return "", errors.New("--base: there is no git here")
	case tree == nil:
		return "", nil
	case w.options.base != "":
		revs = []string{w.options.base}
	}
	for _, rev := range revs {
		if rev == "" {
			continue
		}
		commit, err := tree.ResolveCommit(ctx, rev)
		if err != nil && w.options.base != "" {
			return "", fmt.Errorf("--base: %w", err)
		}
		if err != nil {
			continue
		}
		apart := []string{commit}
		if tip := w.targetTip(ctx, tree); tip != "" {
			apart = append(apart, tip)
		}
		if w.base, err = tree.MergeBase(ctx, apart...); err != nil {
			w.base, w.noMergeBase = commit, err // a shallow clone does not reach back that far
		}
		return commit, nil
	}
	return "", nil
}

// targetTip is the commit of the branch that a pull request is for, as this clone
// has it; empty where that is not asked for. The base that the event names may be
// older than the merge commit that GitHub makes of the change, and what others
// did in between would look like the change's own
// (https://github.com/github/docs/issues/431). The policy is still that of the
// event's base. On other sites origin may be the author's own repository.
func (w *wiring) targetTip(ctx context.Context, tree *git.Git) string {
	c := w.place.ci
	if w.options.base != "" || c.BaseRef == "" || c.Provider != ci.GitHub && c.Provider != ci.Gitea {
		return ""
	}
	tip, err := tree.ResolveCommit(ctx, "refs/remotes/origin/"+c.BaseRef)
	if err != nil {
		return ""
	}
	return tip
}

// changeBase is the revision that the checks compare the work tree with, or why
// there is none. Another commit than the merge base would not do: what others
// did there since would look undone.
func (w *wiring) changeBase(tree *git.Git) (base *checks.Base, why string) {
	switch c := w.place.ci; {
	case tree == nil:
		return nil, "there is no git here, and so no base revision"
	case w.base == "" && (c.BaseSHA != "" || c.BaseRef != ""):
		return nil, "the base revision is not in this clone (fetch-depth: 0 brings it)"
	case w.base == "":
		return nil, "no base revision: --base names one"
	case w.noMergeBase != nil:
		return nil, fmt.Sprintf("where this change left %.12s is not in this clone (fetch-depth: 0 brings it)", w.base)
	}
	return &checks.Base{
		Commit:   w.base,
		ReadFile: func(ctx context.Context, name string) ([]byte, error) { return tree.ReadFile(ctx, w.base, name) },
	}, ""
}

// untrustedCheckout reports whether a pull_request_target job, which has the
// base's rights, has the change in its work tree.
func (w *wiring) untrustedCheckout(ctx context.Context, tree *git.Git) bool {
	c := w.place.ci
	return c.PullRequestTarget && tree != nil && c.HeadSHA != "" && tree.Contains(ctx, c.HeadSHA)
}

// webURL is the page of a repository that a remote names by https; "" for others.
func webURL(remote string) string {
	u, err := url.Parse(remote)
	if err != nil || u.Scheme != "https" {
		return ""
	}
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	return strings.TrimSuffix(u.String(), ".git")
}

// newReport is the report of this run without its results.
func (w *wiring) newReport(dir string) *checks.Report {
	s := w.session
	c := w.place.ci
	name := relativeTo(w.sys.dir, dir)
	if name == "" {
		name = dir
	}
	r := &checks.Report{
		Schema: checks.Schema,
		Tool:   checks.Tool{Name: "gopreflight", Version: version()},
		Scope:  w.place.scope,
		FailOn: w.options.failOn,
		Repository: checks.Repository{
			Dir: plain.Line(name), URL: c.RepositoryURL, VCS: "none", Base: w.base,
		},
		CI:    checks.CI{Provider: string(c.Provider), Event: c.Event, RunURL: c.RunURL, PullRequest: c.PullRequest, HeadSHA: c.HeadSHA, Fork: c.Fork},
		Go:    checks.Go{Version: s.Env.Get("GOVERSION"), GOROOT: s.Env.Get("GOROOT"), Env: map[string]string{}},
		Shard: w.shard,

		StartedAt: w.sys.now().UTC(),
	}
	if s.Git != nil {
		r.Repository.VCS = "git"
		if r.Repository.URL == "" {
			r.Repository.URL = webURL(s.Git.RemoteURL(context.Background()))
		}
		r.Repository.Commit = s.Git.Commit(context.Background())
	}
	for _, m := range s.Modules {
		r.Repository.Modules = append(r.Repository.Modules, checks.RepositoryMod{Path: plain.Line(m.Path), Dir: plain.Line(m.Dir)})
	}
	if s.Shard != nil {
		for _, m := range s.Shard.Modules {
			r.Shard.Dirs = append(r.Shard.Dirs, plain.Line(m.Dir))
		}
	}
	for _, setting := range s.Env.All() {
		if setting.Source != goenv.Default || setting.Name == "GOOS" || setting.Name == "GOARCH" {
			r.Go.Env[setting.Name] = w.redactor.Line(setting.Value)
		}
	}
	return r
}

// releaseList is where the image keeps the list of its Go's files (Dockerfile).
const releaseList = "/usr/local/share/gopreflight/go.sha256"
