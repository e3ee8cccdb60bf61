package modcache

import (
	archive "archive/zip"
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"hash"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"slices"
	"sync/atomic"

	"golang.org/x/mod/zip"
)

// A chunk is as much of a module as one worker takes at a time: files until one
// of these is reached. One large file is a chunk of its own.
const (
	chunkFiles = 64
	chunkBytes = 1 << 20
)

// errOdd is the error of a first look that saw what it did not expect.
var errOdd = errors.New("not as expected")

// A look is the first look at one module version. It only tells that all is as it
// should be, each file read once, by several workers where there are many; as
// soon as anything is not, it is odd, and gather takes the closer look.
type look struct {
	index int
	want  Want
	files files
	e     Evidence
	deep  bool

	// dir is the folder whose files are hashed; empty where it is the zip's that
	// are, because the go command would not use the folder.
	dir string
	// zip is nil where there is none.
	zip *zipFile
	// names are the files, sorted slash paths, and sums their hashes.
	names []string
	sums  [][sha256.Size]byte

	bytes atomic.Int64
	odd   atomic.Bool
	// left is how many chunks are not hashed yet.
	left atomic.Int32
}

// A chunk is a part of a look's files.
type chunk struct {
	look     *look
	from, to int
	size     uint64
}

// begin looks at everything but the files themselves, and returns the chunks
// that are to be hashed.
func (l *look) begin(m *meter) []chunk {
	l.e.small(l.files, l.want)
	if l.want.ModOnly {
		return nil
	}
	if err := l.list(m); err != nil {
		l.odd.Store(true)
		return nil
	}
	l.sums = make([][sha256.Size]byte, len(l.names))
	chunks := l.chunks()
	l.left.Store(int32(len(chunks)))
	return chunks
}

// list decides what is to be read, and lists it.
func (l *look) list(m *meter) error {
	id := l.want.Path + "@" + l.want.Version
	l.e.Zip, l.e.Tree = Content{Path: l.files.with("zip"), State: Absent}, Content{Path: l.files.dir, State: Absent}
	switch info, err := os.Lstat(l.e.Zip.Path); {
	case err == nil && info.Mode().IsRegular():
		if l.zip, err = openZip(l.e.Zip.Path, id+"/"); err != nil {
			return err
		}
	case !errors.Is(err, fs.ErrNotExist):
		return errOdd
	}
	switch info, err := os.Lstat(l.files.dir); {
	case err == nil && !l.e.used():
		l.e.Tree.State = NotAsked
	case err == nil && info.IsDir():
		l.dir = l.files.dir
		irregular := false
		l.names, err = m.list(l.dir, l.want.Path, func(string, fs.FileMode) { irregular = true })
		if err != nil || irregular {
			return errOdd
		}
		slices.Sort(l.names)
		if l.zip != nil && !l.zip.lists(l.names) {
			return errOdd
		}
		return nil
	case !errors.Is(err, fs.ErrNotExist):
		return errOdd
	}
	if l.zip != nil {
		l.names = l.zip.names()
	}
	return nil
}

// chunks divides the files, the largest chunk first: what is hashed last should
// be short.
func (l *look) chunks() []chunk {
	var all []chunk
	c := chunk{look: l}
	for i := range l.names {
		var size uint64
		if l.zip != nil {
			size = l.zip.entries[i].UncompressedSize64
		}
		if c.to > c.from && (c.to-c.from == chunkFiles || c.size+size > chunkBytes) {
			all = append(all, c)
			c = chunk{look: l, from: i}
		}
		c.to, c.size = i+1, c.size+size
	}
	if c.to > c.from {
		all = append(all, c)
	}
	slices.SortStableFunc(all, func(a, b chunk) int { return cmp.Compare(b.size, a.size) })
	return all
}

// end puts together what the chunks found out. ok is false when a closer look is
// needed.
func (l *look) end(w *worker) (ok bool) {
	if l.zip != nil {
		l.zip.close()
	}
	if l.odd.Load() {
		return false
	}
	if l.want.ModOnly {
		return true
	}
	l.e.Files, l.e.Bytes = len(l.names), l.bytes.Load()
	hash := ""
	if l.dir != "" || l.zip != nil {
		hash = w.hash1(l.want.Path+"@"+l.want.Version+"/", l.names, l.sums)
	}
	if l.dir != "" {
		l.e.Tree.State, l.e.Tree.Hash = Sound, hash
	}
	switch {
	case l.zip == nil:
	case l.dir == "" || l.deep:
		l.e.Zip.State, l.e.Zip.Hash = Sound, hash
	default:
		l.e.Zip.State = Listed
	}
	return true
}

// A worker hashes chunks, with buffers of its own.
type worker struct {
	*meter
	folder folder
	sha    hash.Hash
	sum    []byte
	// unpacked is what comes out of a zip, beside what is in the folder.
	unpacked []byte
}

func newWorker(m *meter) *worker {
	return &worker{meter: m, sha: sha256.New(), unpacked: make([]byte, len(m.buf))}
}

// hash hashes the files of one chunk.
func (w *worker) hash(c chunk) {
	l := c.look
	for i := c.from; i < c.to && !l.odd.Load(); i++ {
		if err := w.file(l, i); err != nil {
			l.odd.Store(true)
		}
	}
}

// file hashes one file of the folder and holds its entry in the zip against it,
// or hashes one of the zip where the folder does not count.
func (w *worker) file(l *look, i int) error {
	var entry *archive.File
	if l.zip != nil {
		entry = l.zip.entries[i]
	}
	var packed io.ReadCloser
	if entry != nil && (l.deep || l.dir == "") {
		var err error
		if packed, err = entry.Open(); err != nil {
			return err
		}
		defer packed.Close()
	}
	w.sha.Reset()
	var size int64
	var err error
	if l.dir == "" {
		size, err = w.unzip(packed)
	} else {
		size, err = w.read(l, l.names[i], entry, packed)
	}
	if err != nil {
		return err
	}
	w.sum = w.sha.Sum(w.sum[:0])
	l.sums[i] = [sha256.Size]byte(w.sum)
	if l.bytes.Add(size) > zip.MaxZipFile {
		return errOdd
	}
	return nil
}

// unzip hashes a file of a zip; its checksum there is compared on the way.
func (w *worker) unzip(packed io.Reader) (size int64, err error) {
	for {
		if w.ctx.Err() != nil {
			return size, errStopped
		}
		n, err := packed.Read(w.buf)
		w.sha.Write(w.buf[:n])
		size += int64(n)
		switch err {
		case nil:
		case io.EOF:
			return size, nil
		default:
			return size, err
		}
	}
}

// read hashes a file of a folder. Where the zip has an entry for it, size and
// CRC-32 must be the same, and with packed every byte.
func (w *worker) read(l *look, name string, entry *archive.File, packed io.Reader) (size int64, err error) {
	f, err := w.folder.openFile(l.dir, name)
	if err != nil {
		return 0, err
	}
	defer f.close()
	var crc uint32
	for {
		if w.ctx.Err() != nil {
			return size, errStopped
		}
		n, err := f.read(w.buf)
		if err != nil {
			return size, err
		}
		size += int64(n)
		if size > zip.MaxZipFile || entry != nil && uint64(size) > entry.UncompressedSize64 {
			return size, errOdd
		}
		if n == 0 {
			break
		}
		w.sha.Write(w.buf[:n])
		if entry == nil {
			continue
		}
		crc = crc32.Update(crc, crc32.IEEETable, w.buf[:n])
		if packed != nil {
			if _, err := io.ReadFull(packed, w.unpacked[:n]); err != nil || !bytes.Equal(w.buf[:n], w.unpacked[:n]) {
				return size, errOdd
			}
		}
		if n < len(w.buf) && uint64(size) == entry.UncompressedSize64 {
			break // the end, without asking once more: more would have been read
		}
	}
	if entry != nil && (uint64(size) != entry.UncompressedSize64 || crc != entry.CRC32) {
		return size, errOdd
	}
	if packed != nil {
		// The end, where archive/zip compares checksums.
		if n, err := io.ReadFull(packed, w.unpacked[:1]); n != 0 || err != io.EOF {
			return size, errOdd
		}
	}
	return size, nil
}

// hash1 is dirhash.Hash1 of files whose hashes are known. Names are sorted, and
// begin with prefix in the hash.
func (w *worker) hash1(prefix string, names []string, sums [][sha256.Size]byte) string {
	w.sha.Reset()
	line := w.unpacked[:0]
	for i, name := range names {
		line = hex.AppendEncode(line[:0], sums[i][:])
		line = append(line, "  "...)
		line = append(line, prefix...)
		line = append(line, name...)
		line = append(line, '\n')
		w.sha.Write(line)
	}
	return "h1:" + base64.StdEncoding.EncodeToString(w.sha.Sum(nil))
}
