package modcache

import (
	archive "archive/zip"
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/klauspost/compress/flate"
	"golang.org/x/mod/zip"
)

// maxDirectory bounds the list of files at the end of a zip, in bytes: what is
// read of it, and so the memory that it takes. That of a module with 25,000
// files is 4 MB.
const maxDirectory = 16 << 20

// errDirectory is the error of a longer one: nothing was found out.
var errDirectory = fmt.Errorf("a list of files of more than %d bytes", maxDirectory)

// A zipFile is an open module zip.
type zipFile struct {
	file *os.File
	// entries are its files, sorted by name.
	entries []*archive.File
	// prefix begins every name: "path@version/".
	prefix string
}

// openZip reads the directory of a module zip. An error means that a module zip
// does not look like this, or that it could not be read; what is wrong with it
// is for a closer look.
func openZip(path, prefix string) (*zipFile, error) {
	z, err := openArchive(path)
	if err != nil {
		return nil, err
	}
	z.prefix = prefix
	slices.SortFunc(z.entries, func(a, b *archive.File) int { return strings.Compare(a.Name, b.Name) })
	if err := z.odd(); err != nil {
		z.close()
		return nil, err
	}
	return z, nil
}

// openArchive opens any zip of a size that a module's can have. Its entries are
// in the zip's own order.
func openArchive(path string) (*zipFile, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	z := &zipFile{file: f}
	if err := z.readDirectory(); err != nil {
		z.close()
		return nil, err
	}
	return z, nil
}

func (z *zipFile) readDirectory() error {
	info, err := z.file.Stat()
	if err != nil {
		return err
	}
	if info.Size() > zip.MaxZipFile {
		return fmt.Errorf("larger than a module zip can be (%d bytes)", int64(zip.MaxZipFile))
	}
	source := &capped{r: z.file, left: maxDirectory}
	r, err := archive.NewReader(source, info.Size())
	if err != nil {
		return err
	}
	source.left = -1
	r.RegisterDecompressor(archive.Deflate, inflate)
	z.entries = r.File
	return nil
}

// odd is what no module zip has: names outside of the module, folders, a name
// twice, too much content.
func (z *zipFile) odd() error {
	var size uint64
	for i, entry := range z.entries {
		name := entry.Name
		if !strings.HasPrefix(name, z.prefix) || strings.HasSuffix(name, "/") || strings.Contains(name, "\n") {
			return fmt.Errorf("a file %+q", name)
		}
		if i > 0 && z.entries[i-1].Name == name {
			return fmt.Errorf("two files %+q", name)
		}
		if size += entry.UncompressedSize64; entry.UncompressedSize64 > zip.MaxZipFile || size > zip.MaxZipFile {
			return errors.New("more content than a module can have")
		}
	}
	return nil
}

// lists reports whether the zip has exactly the files with these names, sorted,
// relative to the module.
func (z *zipFile) lists(names []string) bool {
	return slices.EqualFunc(z.entries, names, func(entry *archive.File, name string) bool {
		return entry.Name[len(z.prefix):] == name
	})
}

// names are those of its files, relative to the module.
func (z *zipFile) names() []string {
	names := make([]string, len(z.entries))
	for i, entry := range z.entries {
		names[i] = entry.Name[len(z.prefix):]
	}
	return names
}

func (z *zipFile) close() { _ = z.file.Close() } // it was only read

// capped ends reading after some bytes; a negative number is no end. An offset
// before the file, which only a garbled zip asks for, is the zip's fault: os.File
// would say so by an error as if the file could not be read.
type capped struct {
	r    io.ReaderAt
	left int64
}

func (c *capped) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, archive.ErrFormat
	}
	if c.left >= 0 {
		if c.left -= int64(len(p)); c.left < 0 {
			return 0, errDirectory
		}
	}
	return c.r.ReadAt(p, off)
}

// inflaters are used again, as making one costs more than inflating most files.
var inflaters = sync.Pool{New: func() any {
	source := bufio.NewReaderSize(nil, 32<<10)
	return &inflater{source: source, ReadCloser: flate.NewReader(source)}
}}

// An inflater reads DEFLATE. It is not the standard library's, because inflating
// is most of what proving a zip costs, and this one is faster; see
// docs/dependencies.md.
type inflater struct {
	io.ReadCloser
	source *bufio.Reader
}

func inflate(r io.Reader) io.ReadCloser {
	z := inflaters.Get().(*inflater)
	z.source.Reset(r)
	// Its error is always nil.
	_ = z.ReadCloser.(flate.Resetter).Reset(z.source, nil)
	return z
}

func (z *inflater) Close() error {
	inflaters.Put(z)
	return nil
}
