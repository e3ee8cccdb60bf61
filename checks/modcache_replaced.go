package checks

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"

	"github.com/gopreflight/gopreflight/internal/git"
	"github.com/gopreflight/gopreflight/internal/plain"
)

var (
	ruleReplacementModified = &Rule{
		ID:       "modcache/replacement-modified",
		Severity: Notice,
		Summary:  "A folder that replaces a module has source files that are not as committed.",
		Help: "go.sum has no hash for a folder that a replace directive names; what can be known of it is whether the\n" +
			"files that get compiled are those of the commit. Something wrote there after the checkout (a\n" +
			"generator, a script, an earlier step), or a file that `.gitignore` keeps out of review is compiled.\n" +
			"Reported in CI only: on a laptop it is work in progress.\n\n" +
			"Commit the files, or remove them.",
	}
)

// buildFiles are the ends of the names of files that the go command compiles or
// reads (go/build, Package), without what a //go:embed names.
var buildFiles = []string{
	".go", ".s", ".S", ".sx", ".c", ".cc", ".cpp", ".cxx", ".m", ".h", ".hh", ".hpp", ".hxx",
	".f", ".F", ".for", ".f90", ".swig", ".swigcxx", ".syso",
}

// A replacedFolder is a folder in whose place a replace directive puts a module.
type replacedFolder struct {
	// abs is where it is, dir the same from the root: empty for one outside.
	abs, dir string
	// old is the module that it replaces, and at the first line that says so.
	old string
	at  fileLine
	// differs are its source files that are not as committed, unproven why nobody
	// knows; files were compared.
	differs  []string
	unproven string
	files    int
}

// replacedFolders compares each folder of a replace directive with the commit.
func (s *Session) replacedFolders(ctx context.Context) []*replacedFolder {
	var folders []*replacedFolder
	add := func(file, dir string, replaces []*modfile.Replace) {
		for _, r := range replaces {
			if r.New.Version != "" {
				continue
			}
			abs := filepath.FromSlash(r.New.Path)
			if !filepath.IsAbs(abs) {
				abs = filepath.Join(s.Repo.Abs(dir), abs)
			}
			if slices.ContainsFunc(folders, func(f *replacedFolder) bool { return f.abs == abs }) {
				continue
			}
			f := &replacedFolder{abs: abs, old: r.Old.Path, at: fileLine{file, r.Syntax.Start.Line}}
			if rel, inside := relative(s.Root(), abs); inside {
				f.dir = rel
			}
			folders = append(folders, f)
		}
	}
	for _, m := range s.Modules {
		if m.Syntax != nil {
			add(m.GoMod.Name, m.Dir, m.Syntax.Replace)
		}
		if w := m.Workspace; w != nil && w.Syntax != nil {
			add(w.Work.Name, w.Dir, w.Syntax.Replace)
		}
	}
	s.compareFolders(ctx, folders)
	return folders
}

// compareFolders compares the source files of folders with the commit, or says of
// each why they could not be.
func (s *Session) compareFolders(ctx context.Context, folders []*replacedFolder) {
	var inside []*replacedFolder
	var dirs []string
	for _, f := range folders {
		if f.dir == "" {
			f.unproven = "it is outside of the repository"
			continue
		}
		inside, dirs = append(inside, f), append(dirs, f.dir)
	}
	if len(inside) == 0 {
		return
	}
	blobs, submodules, err := s.committed(ctx, dirs)
	for _, f := range inside {
		switch {
		case err != nil:
			f.unproven = err.Error()
		case slices.Contains(submodules, f.dir):
			f.unproven = "its files are those of a submodule"
		default:
			if err := s.compareFolder(f, blobs); err != nil {
				f.unproven = err.Error()
			}
		}
	}
}

// committed is what the commit that is checked out has below some folders.
func (s *Session) committed(ctx context.Context, dirs []string) (blobs map[string]string, submodules []string, err error) {
	if s.Git == nil {
		return nil, nil, errors.New("there is no git to ask")
	}
	commit := s.Git.Commit(ctx)
	if commit == "" {
		return nil, nil, errors.New("nothing is committed")
	}
	return s.Git.Blobs(ctx, commit, dirs)
}

// compareFolder compares the source files of one folder with what is committed.
func (s *Session) compareFolder(f *replacedFolder, blobs map[string]string) error {
	onDisk, err := sourceFiles(f.abs)
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	for _, rel := range onDisk {
		name := path.Join(f.dir, rel)
		seen[name] = true
		blob, ok := blobs[name]
		if !ok {
			f.differs = append(f.differs, name+" is in no commit")
			continue
		}
		data, err := s.Repo.ReadFile(name)
		if err != nil {
			return err
		}
		f.files++
		// A checkout on Windows may have made CRLF of the line ends.
		if git.BlobName(data, blob) != blob && git.BlobName(bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n")), blob) != blob {
			f.differs = append(f.differs, name+" is not as committed")
		}
	}
	for name := range blobs {
		rel, below := strings.CutPrefix(name, f.dir+"/")
		if f.dir == "." {
			rel, below = name, true
		}
		if below && !seen[name] && isSource(path.Base(name)) && !passedOver(path.Dir(rel)) && !otherModule(blobs, f.dir, path.Dir(name)) {
			f.differs = append(f.differs, name+" is missing")
		}
	}
	slices.Sort(f.differs)
	return nil
}

// sourceFiles lists the files of a module's folder that the go command may compile,
// by slash paths relative to it, sorted.
func sourceFiles(abs string) ([]string, error) {
	var files []string
	err := filepath.WalkDir(abs, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(abs, name)
		if err != nil {
			return err
		}
		switch {
		case d.IsDir() && rel != ".":
			if _, err := os.Lstat(filepath.Join(name, "go.mod")); err == nil || passedOver(d.Name()) {
				return filepath.SkipDir
			}
		case d.Type().IsRegular() && isSource(d.Name()):
			files = append(files, filepath.ToSlash(rel))
		}
		return nil
	})
	return files, err
}

// isSource reports whether the go command may compile a file of that name.
func isSource(name string) bool {
	return name == "go.mod" || slices.Contains(buildFiles, path.Ext(name)) && !strings.HasPrefix(name, "_") && !strings.HasPrefix(name, ".")
}

// passedOver reports whether one of a path's folders is one in which the go command
// looks for no package, or that is not the module's (go help packages).
func passedOver(dir string) bool {
	for name := range strings.SplitSeq(dir, "/") {
		if name == "testdata" || name == "vendor" || strings.HasPrefix(name, "_") || strings.HasPrefix(name, ".") && name != "." {
			return true
		}
	}
	return false
}

// otherModule reports whether a folder belongs to a module below root, by the
// go.mod files of a commit.
func otherModule(blobs map[string]string, root, dir string) bool {
	for ; dir != root && dir != "."; dir = path.Dir(dir) {
		if _, ok := blobs[path.Join(dir, "go.mod")]; ok {
			return true
		}
	}
	return false
}

// finding tells what is not as committed; nil when nothing is.
func (f *replacedFolder) finding() *Finding {
	if len(f.differs) == 0 {
		return nil
	}
	name := f.dir
	if name == "." {
		name = "the top folder"
	}
	found := ruleReplacementModified.Finding("%s, which replaces %s, is not as committed: %s", name, f.old, f.differs[0])
	if more := len(f.differs) - 1; more > 0 {
		found.Message += fmt.Sprintf(" and %s", plain.Count(more, "more file"))
	}
	found.Module, found.Key = f.old, f.dir
	if found.File = localFile(f.at.file); found.File != "" {
		found.Line = f.at.line
	}
	found.Evidence = plain.Lines(f.differs)
	found.Fix.Description = "Commit the files or remove them; git says what changed."
	found.Fix.Command = "git status --ignored -- " + shellQuote(f.dir)
	return &found
}
