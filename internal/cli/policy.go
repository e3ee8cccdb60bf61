package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/gopreflight/gopreflight/internal/config"
	"github.com/gopreflight/gopreflight/internal/git"
)

// misnamed is what people call the policy file by mistake. Passed over, it would
// be a gate that is open without a word.
const misnamed = ".gopreflight.yaml"

// readConfig reads the policy: the file that --config names, else the one in
// the root; on a pull or merge request that of the base revision itself (not of
// the merge base, which an author can choose), so that a change cannot relax its
// own gate. note says why defaults had to serve.
//
// The file at hand is read on a change too, to be refused when it is broken:
// once merged, it would break every run.
func (w *wiring) readConfig(ctx context.Context, tree *git.Git) (cfg *config.Config, file, note string, err error) {
	base, err := w.resolveBase(ctx, tree)
	if err != nil {
		return nil, "", "", err
	}
	name, err := w.configName()
	if err != nil {
		return nil, "", "", err
	}
	cfg, err = w.configAtHand(name)
	missing := errors.Is(err, fs.ErrNotExist)
	change := w.place.ci.IsChange
	switch {
	case err != nil && !missing, missing && w.options.config != "" && !change:
		return nil, "", "", err
	case missing && !change:
		return config.Default(), "", "", nil
	case !change:
		return cfg, name, "", nil
	case tree == nil:
		return config.Default(), "", "there is no git here to read it with", nil
	case base == "":
		return config.Default(), "", cmp.Or(w.place.ci.Problem, "the base revision is not in this clone (fetch-depth: 0 brings it)"), nil
	}
	data, err := tree.ReadFile(ctx, base, name)
	switch {
	case errors.Is(err, fs.ErrNotExist) && w.options.config == "":
		return config.Default(), "", "", nil
	case errors.Is(err, fs.ErrNotExist) && missing:
		return nil, "", "", fmt.Errorf("--config %s: neither the base revision nor the change has it", w.options.config)
	case err != nil: // or a partial clone without it
		return config.Default(), "", fmt.Sprint(err), nil
	}
	if cfg, err = config.Parse(name, data, known()); err != nil {
		first, _, _ := strings.Cut(err.Error(), "\n")
		return config.Default(), "", "it is broken there: " + first, nil
	}
	return cfg, name, "", nil
}

// configName is the policy file: a slash path relative to the root, or, where
// --config names a file outside of it, an absolute path; never that on a change.
func (w *wiring) configName() (string, error) {
	path := w.options.config
	if path == "" {
		return config.FileName, nil
	}
	path = w.sys.absolute(path)
	// The root has no symbolic links in it; the current directory may.
	if dir, err := filepath.EvalSymlinks(filepath.Dir(path)); err == nil {
		path = filepath.Join(dir, filepath.Base(path))
	}
	if name := relativeTo(w.repo.Root, path); name != "" {
		return name, nil
	}
	if w.place.ci.IsChange {
		return "", fmt.Errorf("--config %s: on a change it must lie in the repository, to be read from the base revision", w.options.config)
	}
	return path, nil
}

// configAtHand is the policy file in the work tree, or where --config says.
func (w *wiring) configAtHand(name string) (*config.Config, error) {
	if filepath.IsAbs(name) {
		return loadConfig(name, true, readConfigFile)
	}
	return loadConfig(name, w.options.config != "", w.repo.ReadFile)
}

func readConfigFile(name string) ([]byte, error) { return readCapped(name, config.MaxFile) }

// loadConfig is the policy file of a name, which is named by the user or the
// default one. The error is fs.ErrNotExist where there is none.
func loadConfig(name string, named bool, read func(name string) ([]byte, error)) (*config.Config, error) {
	data, err := read(name)
	if errors.Is(err, fs.ErrNotExist) && !named {
		if _, e := read(misnamed); e == nil {
			return nil, fmt.Errorf("%s is not read: rename it to %s", misnamed, config.FileName)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("reading the configuration: %w", err)
	}
	return config.Parse(name, data, known())
}
