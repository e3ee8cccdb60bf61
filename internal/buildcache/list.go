package buildcache

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"
)

// A folder is one of 00 to ff.
type folder struct {
	// objects are sorted by ID once the folder is listed.
	objects []object
	entries []ID
	// inner are the names of the files inside the objects that are folders.
	inner map[ID]string
	// mismatched are the entries that name no object of that size.
	mismatched []Entry
	// unlisted says that there was no time to list it.
	unlisted bool
}

// An object is a file, or a folder with one file in it, of which the name says
// the hash.
type object struct {
	id ID
	// size is the file's, in bytes; -1 where there is none to hash.
	size int64
	// used is the time of change, in nanoseconds since 1970: the go command sets
	// it to when the object was last used.
	used int64
	// flags are set atomically once the folder is listed.
	flags uint32
	// made is the step that made it, where its content says so (hasStep).
	made step
}

// The flags of an object.
const (
	isFolder   = 1 << iota // the file is the one inside
	suspect                // something is wrong with it, or was at the first look
	sound                  // it is what its name says
	unseen                 // it was not looked at
	namedRight             // an entry names it with its size
	namedWrong             // an entry names it with another size
	hasStep                // its content says which step made it
)

// has reports whether one of the flags is set.
func (o *object) has(flags uint32) bool { return o.flags&flags != 0 }

// find is the object of an ID; nil when there was none.
func (f *folder) find(id ID) *object {
	// By index, because others set flags meanwhile: no object may be copied.
	i, ok := sort.Find(len(f.objects), func(i int) int { return slices.Compare(id[:], f.objects[i].id[:]) })
	if !ok {
		return nil
	}
	return &f.objects[i]
}

// path is where an object ('d') or an entry ('a') lies.
func (v *verifier) path(id ID, what byte) string {
	path := make([]byte, 0, len(v.Dir)+len("/00/")+2*len(id)+len("-d"))
	path = append(path, v.Dir...)
	path = append(path, filepath.Separator)
	path = hex.AppendEncode(path, id[:1])
	path = append(path, filepath.Separator)
	path = hex.AppendEncode(path, id[:])
	return string(append(path, '-', what))
}

// file is the path of the file that an object is.
func (v *verifier) file(o *object) string {
	path := v.path(o.id, 'd')
	if o.has(isFolder) {
		path = filepath.Join(path, v.folders[o.id[0]].inner[o.id])
	}
	return path
}

// known are the files that go commands keep beside the folders. log.txt is of
// releases before Go 1.12; CACHEDIR.TAG tells backups to leave the folder out.
var known = []string{"README", "trim.txt", "testexpire.txt", "fuzz", "log.txt", "CACHEDIR.TAG"}

// list lists the cache: the folders 00 to ff, and what lies beside them.
func (v *verifier) list() error {
	var numbers []byte
	t := &tally{}
	err := v.readDir(v.Dir, func(d fs.DirEntry) {
		name := d.Name()
		path := filepath.Join(v.Dir, name)
		n, err := strconv.ParseUint(name, 16, 8)
		switch isNumber := err == nil && len(name) == 2 && strings.ToLower(name) == name; {
		case isNumber && d.IsDir():
			numbers = append(numbers, byte(n))
		case isNumber && !d.Type().IsRegular():
			t.problem(irregular(path, name, d.Type()))
		case !slices.Contains(known, name):
			t.problem(foreign(path, name))
		}
	})
	if err != nil {
		return fmt.Errorf("build cache: %w", err)
	}
	v.merge(t)
	v.readTrim()
	v.each(len(numbers), func(t *tally) func(int) {
		return func(i int) { v.listFolder(t, numbers[i]) }
	})
	v.count()
	return v.ctx.Err()
}

// count sums up what is listed.
func (v *verifier) count() {
	for i := range v.folders {
		f := &v.folders[i]
		v.Objects += len(f.objects)
		v.Entries += len(f.entries)
		if f.unlisted {
			v.Unlisted++
		}
		for j := range f.objects {
			o := &f.objects[j]
			size := max(o.size, 0)
			v.Bytes += size
			if o.has(isFolder) {
				v.Executables++
			}
			used := time.Unix(0, o.used)
			if v.Oldest.IsZero() || used.Before(v.Oldest) {
				v.Oldest = used
			}
			if used.After(v.Newest) {
				v.Newest = used
			}
			if v.start.Sub(used) > TrimLimit {
				v.Stale++
				v.StaleBytes += size
			}
		}
	}
}

// readDir calls yield for every entry of a folder, a few at a time.
func (v *verifier) readDir(path string, yield func(fs.DirEntry)) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	for v.ctx.Err() == nil {
		entries, err := f.ReadDir(256)
		for _, d := range entries {
			yield(d)
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return v.ctx.Err()
}

// listFolder lists one of the folders 00 to ff.
func (v *verifier) listFolder(t *tally, n byte) {
	f := &v.folders[n]
	if v.timeUp(v.MaxTime) {
		f.unlisted = true
		return
	}
	dir := filepath.Join(v.Dir, hex.EncodeToString([]byte{n}))
	err := v.readDir(dir, func(d fs.DirEntry) {
		if err := v.listFile(t, f, n, dir, d); err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.unread(err)
		}
	})
	if err != nil && v.ctx.Err() == nil && !errors.Is(err, fs.ErrNotExist) {
		t.unread(err)
	}
	slices.SortFunc(f.objects, func(a, b object) int { return slices.Compare(a.id[:], b.id[:]) })
}

// listFile lists one file of a folder. The error is ErrNotExist for one that
// was trimmed meanwhile.
func (v *verifier) listFile(t *tally, f *folder, n byte, dir string, d fs.DirEntry) error {
	name := d.Name()
	path := filepath.Join(dir, name)
	id, what, ok := parseName(name)
	switch {
	case !ok:
		t.problem(foreign(path, filepath.Base(dir)+"/"+name))
		return nil
	case id[0] != n:
		p := foreign(path, filepath.Base(dir)+"/"+name)
		p.Detail = "lies in the folder of others, where no go command looks for it"
		t.problem(p)
		return nil
	case v.remembered.Add(1) > maxEntries:
		v.forgotten.Add(1)
		return nil
	case what == 'a':
		if !d.Type().IsRegular() {
			t.problem(irregular(path, name, d.Type()))
			return nil
		}
		f.entries = append(f.entries, id)
		return nil
	}
	info, err := d.Info()
	if err != nil {
		return err
	}
	o := object{id: id, size: info.Size(), used: info.ModTime().UnixNano()}
	switch {
	case info.IsDir():
		inner, size, problem, err := lookInside(path, name)
		if err != nil {
			return err
		}
		if problem != nil {
			o.size, o.flags = -1, suspect
			break
		}
		if f.inner == nil {
			f.inner = map[ID]string{}
		}
		f.inner[id] = inner
		o.size, o.flags = size, isFolder
	case !info.Mode().IsRegular():
		o.size, o.flags = -1, suspect
	}
	f.objects = append(f.objects, o)
	return nil
}

// lookInside finds the one file of an object that is a folder, or what is wrong
// with that folder. The go command takes such an object only while exactly one
// entry is in it (DiskCache.OutputFile).
func lookInside(path, name string) (inner string, size int64, _ *Problem, _ error) {
	f, err := os.Open(path)
	if err != nil {
		return "", 0, nil, err
	}
	defer f.Close()
	entries, err := f.ReadDir(2)
	switch {
	case errors.Is(err, io.EOF):
		return "", 0, &Problem{Kind: Damaged, Path: path, Name: name, Detail: "is an empty folder"}, nil
	case err != nil:
		return "", 0, nil, err
	case len(entries) > 1:
		return "", 0, &Problem{Kind: Damaged, Path: path, Name: name, Detail: "is a folder that holds more than the one file", Stays: true}, nil
	}
	inner = entries[0].Name()
	info, err := entries[0].Info()
	if err != nil {
		return "", 0, nil, err
	}
	if !info.Mode().IsRegular() {
		p := irregular(path, name, info.Mode())
		p.Detail = "holds what " + p.Detail
		return "", 0, &p, nil
	}
	return inner, info.Size(), nil, nil
}

// irregular is the problem of an entry that is neither file nor folder, or a
// folder in the place of a file.
func irregular(path, name string, mode fs.FileMode) Problem {
	detail := "is a device, a socket or the like"
	switch {
	case mode.IsDir():
		detail = "is a folder"
	case mode&fs.ModeSymlink != 0:
		detail = "is a symbolic link"
	case mode&fs.ModeNamedPipe != 0:
		detail = "is a named pipe"
	}
	return Problem{Kind: Irregular, Path: path, Name: name, Detail: detail}
}

// foreign is the problem of what no go command looks at.
func foreign(path, name string) Problem {
	return Problem{Kind: Foreign, Path: path, Name: name, Detail: "is nothing that a go command keeps there"}
}

// maxTrim bounds trim.txt, which holds one number.
const maxTrim = 32

// readTrim reads when the cache was last trimmed: seconds since 1970.
func (v *verifier) readTrim() {
	path := filepath.Join(v.Dir, "trim.txt")
	if info, err := os.Lstat(path); err != nil || !info.Mode().IsRegular() {
		return
	}
	f, err := open(path)
	if err != nil {
		return
	}
	defer f.Close()
	var buf [maxTrim]byte
	n, err := f.Read(buf[:])
	if err != nil {
		return
	}
	if t, err := strconv.ParseInt(strings.TrimSpace(string(buf[:n])), 10, 64); err == nil && t > 0 {
		v.Trimmed = time.Unix(t, 0)
	}
}
