package modcache

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/dirhash"
	"golang.org/x/mod/zip"
)

// maxSmall bounds the .info and .ziphash files, in bytes; the go command
// writes about a hundred.
const maxSmall = 1 << 20

// MaxListed is how many entries an Evidence names of any kind; the others are counted.
const MaxListed = 10

// State is what became of one thing that was looked at.
type State int

// The states. Only Sound and Damaged say something about content.
const (
	// NotAsked: nobody looked, as it has no meaning here.
	NotAsked State = iota
	// Absent: there is none.
	Absent
	// Sound: it was read, and its hash is known.
	Sound
	// Damaged: it was read, and cannot be what the go command wrote.
	Damaged
	// Irregular: it is neither a regular file nor a folder where one is due,
	// or has such an entry inside; nothing was read.
	Irregular
	// Unreadable: it could not be found out.
	Unreadable
	// Listed: a zip whose directory has exactly the files of the folder, each with
	// the size and the CRC-32 of what is in the folder. The packed content was not
	// read, and a CRC-32 can be forged: this is no proof.
	Listed
)

// A Content is one file or folder of the cache.
type Content struct {
	// Path is where it is, or would be: an absolute file name.
	Path  string
	State State
	// Hash is its hash when Sound: "h1:" and base64 for zip, folder and .mod;
	// for a .ziphash the text that it holds.
	Hash string
	// Damage is why it is Damaged, or what it is when it is Irregular itself
	// (and not an entry inside it).
	Damage string
}

// Evidence is what the cache holds of one module version.
type Evidence struct {
	// Zip is the .zip file, Tree the extracted folder, Ziphash the recorded
	// hash, Mod the .mod and Info the .info file. Lock is the file that the go
	// command locks; it stays behind, and says nothing.
	Zip, Tree, Ziphash, Mod, Info, Lock Content
	// Partial is the marker of an extraction that has not ended; Sound when
	// there is one. The go command takes a tree with this marker for absent,
	// so it is not hashed: Tree is NotAsked, or Absent.
	Partial Content
	// Busy says that another process holds the version's lock beside the
	// marker: the extraction is going on right now.
	Busy bool
	// InnerMod is the hash of the go.mod inside the zip, or else the tree; it
	// is asked for only when the .mod file is not what go.sum names.
	InnerMod Content
	// Leftovers are temporary files of interrupted or refused downloads (absolute
	// names, MaxListed at most), and LeftoverBytes how large all of them are. What a
	// process is at work on, which holds the version's lock, is none.
	Leftovers     []string
	LeftoverBytes int64
	// Irregular names the entries that are neither regular files nor folders,
	// with what they are; MaxListed at most of IrregularCount.
	Irregular      []string
	IrregularCount int
	// Files and Bytes count the content that was hashed: the tree's, or the
	// zip's where there is no tree. Bytes are uncompressed.
	Files int
	Bytes int64
	// Diff says where tree and zip differ; nil when they are equal or one of
	// them is missing.
	Diff *Diff
	// Errs are why something is Unreadable.
	Errs []error
}

// nothing is the evidence about a version of which nothing is there.
func nothing(w Want) Evidence {
	none := Content{State: Absent}
	e := Evidence{Mod: none}
	if !w.ModOnly {
		e.Zip, e.Tree, e.Ziphash, e.Info, e.Lock, e.Partial = none, none, none, none, none, none
	}
	return e
}

// small looks at what is small: all but zip and folder.
func (e *Evidence) small(f files, w Want) {
	e.Mod = e.file(f.with("mod"), hashMod)
	if w.ModOnly {
		return
	}
	e.Ziphash = e.file(f.with("ziphash"), readZiphash)
	e.Info = e.file(f.with("info"), func(path string) (string, error) { return "", checkInfo(path, w.Version) })
	e.Lock = e.file(f.with("lock"), present)
	e.Partial = e.file(f.with("partial"), present)
	e.Busy = e.Partial.State == Sound && e.Lock.State == Sound && locked(e.Lock.Path)
	e.leftovers(f)
}

// used reports whether the go command would read the extracted folder, if there
// is one, and not extract it again (cmd/go, modfetch/cache.go DownloadDir). Without
// a recorded hash it takes the folder for absent at first, but as soon as it has
// made the hash again, from the zip or from one that it downloads, it uses the
// folder as it finds it (modfetch/fetch.go, unzip).
func (e *Evidence) used() bool { return e.Partial.State == Absent }

// gather looks closely at everything that the cache holds of one module version:
// zip and folder each in full, and where they differ.
func gather(m *meter, cache string, w Want) Evidence {
	var e Evidence
	f, err := locate(cache, w.Path, w.Version)
	if err != nil {
		e.Mod.State, e.Zip.State, e.Tree.State = Unreadable, Unreadable, Unreadable
		e.Errs = append(e.Errs, fmt.Errorf("%s@%s: %w", w.Path, w.Version, err))
		return e
	}
	e.small(f, w)
	if w.ModOnly {
		return e
	}

	m.reset()
	e.Zip = e.file(f.with("zip"), m.hashZip)
	e.Files, e.Bytes = m.files, m.bytes
	if e.used() {
		m.reset()
		e.Tree = e.tree(m, f.dir, w)
		if e.Tree.State == Sound {
			e.Files, e.Bytes = m.files, m.bytes
		}
	} else {
		e.Tree = Content{Path: f.dir}
		if _, err := os.Lstat(f.dir); errors.Is(err, fs.ErrNotExist) {
			e.Tree.State = Absent
		}
	}

	if e.Zip.State == Sound && e.Tree.State == Sound && e.Zip.Hash != e.Tree.Hash {
		if e.Diff, err = m.diff(e.Zip.Path, e.Tree.Path, w); err != nil {
			e.Errs = append(e.Errs, err)
		}
	}
	if e.Mod.State == Sound && len(w.Mod) > 0 && !contains(w.Mod, e.Mod.Hash) {
		e.InnerMod = e.innerMod(w)
	}
	return e
}

// file looks at one file: lstat first, so that read is called for a regular
// file only. An error of read is damage, unless the operating system refused.
func (e *Evidence) file(path string, read func(string) (string, error)) Content {
	c := Content{Path: path}
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		c.State = Absent
		return c
	case err != nil:
		return e.unreadable(c, err)
	case !info.Mode().IsRegular():
		e.irregular(filepath.Base(path), info.Mode())
		c.State, c.Damage = Irregular, describe(info.Mode())
		return c
	}
	c.Hash, err = read(path)
	return e.finish(c, err)
}

// tree hashes the extracted folder.
func (e *Evidence) tree(m *meter, dir string, w Want) Content {
	c := Content{Path: dir}
	info, err := os.Lstat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		c.State = Absent
		return c
	case err != nil:
		return e.unreadable(c, err)
	case info.Mode().IsRegular():
		return e.finish(c, errors.New("a file, not a folder"))
	case !info.IsDir():
		e.irregular(filepath.Base(dir), info.Mode())
		c.State, c.Damage = Irregular, describe(info.Mode())
		return c
	}
	before := e.IrregularCount
	names, err := m.list(dir, w.Path, e.irregular)
	if err != nil {
		return e.finish(c, err)
	}
	if e.IrregularCount > before {
		c.State = Irregular
		return c
	}
	c.Hash, err = m.hashTree(dir, w.Path+"@"+w.Version, names)
	return e.finish(c, err)
}

// finish settles a content's state by the error that reading it ended with.
func (e *Evidence) finish(c Content, err error) Content {
	var refused *fs.PathError
	switch {
	case err == nil:
		c.State = Sound
	case errors.As(err, &refused) || errors.Is(err, errStopped) || errors.Is(err, errDirectory):
		return e.unreadable(c, err)
	default:
		c.State, c.Hash, c.Damage = Damaged, "", err.Error()
	}
	return c
}

func (e *Evidence) unreadable(c Content, err error) Content {
	c.State, c.Hash = Unreadable, ""
	e.Errs = append(e.Errs, err)
	return c
}

// irregular records an entry that is neither a regular file nor a folder.
func (e *Evidence) irregular(name string, mode fs.FileMode) {
	e.IrregularCount++
	if len(e.Irregular) < MaxListed {
		e.Irregular = append(e.Irregular, fmt.Sprintf("%+q is %s", name, describe(mode)))
	}
}

// describe names what an entry is.
func describe(mode fs.FileMode) string {
	switch mode.Type() {
	case 0:
		return "a file whose name no module can hold"
	case fs.ModeDir:
		return "a folder"
	case fs.ModeSymlink:
		return "a symbolic link"
	case fs.ModeNamedPipe:
		return "a named pipe"
	case fs.ModeSocket:
		return "a socket"
	}
	if mode&fs.ModeDevice != 0 {
		return "a device"
	}
	return "an irregular file"
}

// leftovers finds the temporary files of a version's downloads
// (cmd/go, modfetch/fetch.go downloadZip, modfetch/cache.go writeDiskCache).
func (e *Evidence) leftovers(f files) {
	entries, err := os.ReadDir(f.download)
	if err != nil {
		return // the files themselves say why
	}
	for _, entry := range entries {
		name := entry.Name()
		if !strings.HasPrefix(name, f.version+".") || !strings.HasSuffix(name, ".tmp") || !entry.Type().IsRegular() {
			continue
		}
		info, err := entry.Info()
		if err != nil {
			continue // gone: somebody is at work
		}
		if e.Lock.State == Sound && locked(e.Lock.Path) {
			return
		}
		e.LeftoverBytes += info.Size()
		if len(e.Leftovers) < MaxListed {
			e.Leftovers = append(e.Leftovers, filepath.Join(f.download, name))
		}
	}
}

// innerMod hashes the go.mod that the module brings along.
func (e *Evidence) innerMod(w Want) Content {
	if e.Zip.State == Sound {
		return e.file(e.Zip.Path, func(path string) (string, error) {
			return hashZipMod(path, w.Path+"@"+w.Version+"/go.mod")
		})
	}
	if e.Tree.State == Sound {
		return e.file(filepath.Join(e.Tree.Path, "go.mod"), hashMod)
	}
	return Content{}
}

// present reads nothing: that the file is there is all there is to know.
func present(string) (string, error) { return "", nil }

// readZiphash reads a recorded hash. It is well formed when the go command
// takes it at its word instead of hashing the zip again
// (cmd/go, modfetch/fetch.go, isValidSum).
func readZiphash(path string) (string, error) {
	data, err := readFile(path, maxSmall)
	if err != nil {
		return "", err
	}
	data = bytes.TrimSpace(data)
	if bytes.IndexByte(data, 0) >= 0 {
		return "", fmt.Errorf("%d bytes with NUL among them", len(data))
	}
	if want := len("h1:") + base64.StdEncoding.EncodedLen(32); len(data) != want {
		return "", fmt.Errorf("%d bytes, not %d", len(data), want)
	}
	return string(data), nil
}

// checkInfo reports what is wrong with an .info file
// (go.dev/ref/mod#goproxy-protocol: JSON with the version).
func checkInfo(path, version string) error {
	data, err := readFile(path, maxSmall)
	if err != nil {
		return err
	}
	var info struct{ Version string }
	if err := json.Unmarshal(data, &info); err != nil {
		return fmt.Errorf("no JSON: %w", err)
	}
	if info.Version != version {
		return fmt.Errorf("about version %+q", info.Version)
	}
	return nil
}

// hashMod hashes a go.mod file as go.sum does: a tree of that one file.
func hashMod(path string) (string, error) {
	data, err := readFile(path, zip.MaxGoMod)
	if err != nil {
		return "", err
	}
	return dirhash.Hash1([]string{"go.mod"}, func(string) (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(data)), nil
	})
}

// readFile reads a regular file of at most limit bytes.
func readFile(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("larger than %d bytes", limit)
	}
	return data, nil
}
