package buildcache

import (
	"crypto/sha256"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// BenchmarkVerify looks at this machine's own build cache, beside a program that
// does nothing but hash the same files: all objects, on all cores, as one would
// write it. Verify reads the index as well.
func BenchmarkVerify(b *testing.B) {
	out, err := exec.Command("go", "env", "GOCACHE").Output()
	if err != nil {
		b.Fatal(err)
	}
	dir := strings.TrimSpace(string(out))
	b.Run("verify", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			s, err := Verify(b.Context(), Options{Dir: dir, Now: time.Now})
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(s.SoundBytes)
			b.ReportMetric(float64(s.Sound), "objects")
			b.ReportMetric(float64(s.Entries), "entries")
		}
	})
	b.Run("plain", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			n, size := plainHash(b, dir)
			b.SetBytes(size)
			b.ReportMetric(float64(n), "objects")
		}
	})
}

// plainHash hashes every object of a build cache.
func plainHash(b *testing.B, dir string) (files int, bytes int64) {
	paths := make(chan string, 1024)
	var mu sync.Mutex
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			h, buf := sha256.New(), make([]byte, 256<<10)
			for path := range paths {
				f, err := os.Open(path)
				if err != nil {
					b.Error(err)
					continue
				}
				h.Reset()
				n, err := io.CopyBuffer(h, struct{ io.Reader }{f}, buf)
				if err != nil {
					b.Error(err)
				}
				f.Close()
				h.Sum(buf[:0])
				mu.Lock()
				files++
				bytes += n
				mu.Unlock()
			}
		})
	}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && strings.Contains(path, "-d") {
			paths <- path
		}
		return err
	})
	close(paths)
	workers.Wait()
	if err != nil {
		b.Fatal(err)
	}
	return files, bytes
}
