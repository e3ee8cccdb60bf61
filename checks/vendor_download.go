package checks

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/module"

	"github.com/gopreflight/gopreflight/internal/gocmd"
	"github.com/gopreflight/gopreflight/internal/goenv"
	"github.com/gopreflight/gopreflight/internal/plain"
	"github.com/gopreflight/gopreflight/internal/repo"
)

// maxDownloads is how many module versions one go mod download is asked for.
const maxDownloads = 100

// download fetches what the module cache lacks, by the go command itself, in a
// module of its own with the tree's go.sum lines: what does not fit them is
// refused, and no file of the repository is written. Only what go.sum names is
// asked for.
func (t *vendorTree) download(ctx context.Context, s *Session, missing []*vendorSource) error {
	said, err := t.runDownload(ctx, s, missing)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		for _, v := range missing {
			v.why = "not in the module cache, and " + err.Error()
		}
		return nil
	}
	still, err := s.findCached(ctx, missing)
	for _, v := range still {
		v.why = "not in the module cache, and it cannot be downloaded"
		if why := said[v.origin]; why != "" {
			v.why += ": " + why
		}
	}
	return err
}

// mayAskFor reports whether a module may be downloaded: its name goes only where
// GOPROXY says if it is not one of this repository's own owner, which a build from
// vendor would tell nobody.
func (s *Session) mayAskFor(v *vendorSource) bool {
	modPath := v.origin.Path
	if err := module.Check(modPath, v.origin.Version); err != nil {
		v.why = "not in the module cache, and not to be asked for: " + err.Error()
		return false
	}
	if module.MatchPrefixPatterns(privatePatterns(s.Env), modPath) {
		return true // the go command asks its host, and no proxy
	}
	own := slices.ContainsFunc(s.Repo.Modules, func(main *repo.Module) bool { return sameOwner(main.Path, modPath) })
	if own || !isPublicPath(modPath) {
		v.why = "not in the module cache, and no proxy is asked for a module of this repository's own host and owner (GOPRIVATE would name it)"
		return false
	}
	return true
}

// runDownload runs go mod download, and returns what it says of each module
// version that it could not get.
func (t *vendorTree) runDownload(ctx context.Context, s *Session, missing []*vendorSource) (map[module.Version]string, error) {
	goPath, err := s.goFor(ctx, t.modules[0])
	if err != nil {
		return nil, err
	}
	dir, err := s.Temp("vendor")
	if err != nil {
		return nil, err
	}
	var sum strings.Builder
	for _, f := range t.sumFiles() {
		if f.parse() == nil {
			sum.Write(f.file.Data)
			sum.WriteByte('\n')
		}
	}
	err = errors.Join(
		os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module gopreflight.invalid/vendor\n"), 0o600),
		os.WriteFile(filepath.Join(dir, "go.sum"), []byte(sum.String()), 0o600))
	if err != nil {
		return nil, err
	}
	said := map[module.Version]string{}
	for chunk := range slices.Chunk(missing, maxDownloads) {
		if s.Progress != nil {
			s.Progress("downloading %s", plain.Count(len(missing), "module"))
		}
		args := []string{"mod", "download", "-json"}
		for _, v := range chunk {
			args = append(args, describeModule(v.origin))
		}
		out, err := s.Go.Ask(ctx, gocmd.Question{Path: goPath, Dir: dir, Args: args, Env: []string{
			"GOWORK=off", "GOTOOLCHAIN=local", "GOFLAGS=" + downloadFlags(s.Env.Get("GOFLAGS")),
		}})
		if err != nil {
			return nil, err
		}
		decoder := json.NewDecoder(strings.NewReader(string(out.Stdout)))
		told := 0
		for {
			var m struct{ Path, Version, Error string }
			if decoder.Decode(&m) != nil {
				break
			}
			if told++; m.Error != "" {
				said[module.Version{Path: m.Path, Version: m.Version}] = newCauseError("go mod download", m.Error).Error()
			}
		}
		if out.Exit != 0 && told == 0 { // a checksum mismatch, for one, ends it without a word on stdout
			why := newCauseError("go mod download", string(out.Stderr)).Error()
			for _, v := range chunk {
				said[v.origin] = why
			}
		}
	}
	return said, nil
}

// downloadFlags is the GOFLAGS of go mod download: whether the cache is kept
// writable is the user's to say, all else has no say.
func downloadFlags(value string) string {
	flags, _ := goenv.ParseGOFLAGS(value)
	for _, f := range flags {
		if f.Name == "modcacherw" {
			return f.Text
		}
	}
	return ""
}
