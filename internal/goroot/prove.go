package goroot

import (
	"encoding/hex"
	"path"
	"slices"
	"strings"

	"golang.org/x/mod/module"
)

// A Proof is how the files of a tree came to the hash that was recorded.
type Proof struct {
	// Files are those that are proven.
	Files int
	// Settings says that go.env was edited: all other files are as released.
	Settings bool
	// Others are the files that are not of the release, in places where builds read
	// none, and that were left out.
	Others []string
}

// releasedSettings are the SHA-256 of go.env as releases since Go 1.21 have it.
var releasedSettings = []Sum{sumOf("98fcab78e155e9fa0c36b18874add30724d04c2452078117c78618107ebfbc9e")}

func sumOf(text string) (sum Sum) {
	if n, err := hex.Decode(sum[:], []byte(text)); err != nil || n != len(sum) {
		panic(text)
	}
	return sum
}

// Prove reports whether the files of a tree are, taken together, those of which
// one of the hashes was recorded. Nothing of what is compiled or run by a build
// may differ; what may is go.env, which is there to be edited, and files that
// somebody put where no build looks: another program in bin, a note beside VERSION.
func Prove(t *Tree, mod module.Version, hashes []string) (Proof, bool) {
	if len(t.Irregular) > 0 {
		return Proof{}, false
	}
	// As it is, then without the one, the other, and both.
	released, others := split(t.Files, mod)
	for _, files := range [][]File{t.Files, released} {
		p := Proof{Files: len(files)}
		if len(files) < len(t.Files) {
			p.Others = others
		}
		if slices.Contains(hashes, Hash(mod, files)) {
			return p, true
		}
		at := slices.IndexFunc(files, func(f File) bool { return f.Name == settings })
		if at < 0 {
			continue
		}
		for _, sum := range releasedSettings {
			edited := slices.Clone(files)
			edited[at].Sum = sum
			if slices.Contains(hashes, Hash(mod, edited)) {
				p.Files, p.Settings = len(files)-1, true
				return p, true
			}
		}
		if len(others) == 0 {
			break
		}
	}
	return Proof{}, false
}

// topFiles are the files beside a release's folders.
var topFiles = []string{"CONTRIBUTING.md", "LICENSE", "PATENTS", "README.md", "SECURITY.md", "VERSION", "codereview.cfg", settings}

// tools are the programs in pkg/tool of a release; older ones have more, but then
// nothing has to be left out (cmd/distpack).
var tools = []string{"asm", "cgo", "compile", "cover", "fix", "link", "preprofile", "vet"}

// split divides files into those that a release may have and others.
func split(files []File, mod module.Version) (released []File, others []string) {
	_, platform, _ := strings.Cut(mod.Version, "-go")
	if i := strings.LastIndex(platform, "."); i >= 0 {
		platform = platform[i+1:]
	}
	toolDir := "pkg/tool/" + strings.Replace(platform, "-", "_", 1)
	for _, f := range files {
		top, rest, below := strings.Cut(f.Name, "/")
		base := strings.TrimSuffix(path.Base(f.Name), ".exe")
		ok := false
		switch {
		case !below:
			ok = slices.Contains(topFiles, f.Name)
		case top == "src" || top == "lib":
			ok = true
		case top == "bin":
			ok = base == "go" || base == "gofmt"
		case top == "pkg":
			ok = strings.HasPrefix(rest, "include/") || path.Dir(f.Name) == toolDir && slices.Contains(tools, base)
		}
		if ok {
			released = append(released, f)
		} else {
			others = append(others, f.Name)
		}
	}
	return released, others
}
