package checks

import (
	"flag"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gopreflight/gopreflight/internal/config"
	"github.com/gopreflight/gopreflight/internal/goenv"
	"github.com/gopreflight/gopreflight/internal/repo"
	"github.com/gopreflight/gopreflight/internal/sumdbtest"
)

// BenchmarkGosumDatabase holds every line of a go.sum against the checksum database,
// first with nothing kept and then with the tiles of the first time. -args FILE names
// a go.sum, and this machine's own GOSUMDB and GOPROXY are asked; without it, a
// database in this process with 600 module versions in a tree of 20,600.
func BenchmarkGosumDatabase(b *testing.B) {
	var data []byte
	env := map[string]string{"GOPRIVATE": ""}
	if args := flag.Args(); len(args) > 0 {
		var err error
		if data, err = os.ReadFile(args[0]); err != nil {
			b.Fatal(err)
		}
		for _, name := range []string{"GOPROXY", "GOSUMDB", "GONOSUMDB"} {
			out, err := exec.CommandContext(b.Context(), "go", "env", name).Output()
			if err != nil {
				b.Fatal(err)
			}
			env[name] = strings.TrimSpace(string(out))
		}
	} else {
		var lines []string
		for i := range 600 {
			lines = append(lines, fmt.Sprintf("example.com/m%d v1.0.0 %s", i, hashA), fmt.Sprintf("example.com/m%d v1.0.0/go.mod %s", i, hashB))
		}
		data = []byte(strings.Join(lines, "\n") + "\n")
		db := sumdbtest.New(b, sumLabDB, lines...)
		db.Grow(b, 20_000)
		server := httptest.NewServer(db)
		defer server.Close()
		env["GOPROXY"], env["GOSUMDB"] = server.URL, db.Key
	}
	root := b.TempDir()
	for name, text := range map[string][]byte{"go.mod": []byte("module example.org/audit\n\ngo 1.21\n"), "go.sum": data} {
		if err := os.WriteFile(filepath.Join(root, name), text, 0o666); err != nil {
			b.Fatal(err)
		}
	}
	r, err := repo.Load(b.Context(), repo.Options{Dir: root})
	if err != nil {
		b.Fatal(err)
	}
	defer r.Close()
	audit := func(b *testing.B, cache string) {
		s := &Session{
			Repo: r, Modules: r.Modules, Config: config.Default(), Now: time.Now, Getenv: os.Getenv, Deep: true,
			Env: goenv.FromMap(env), CacheDir: cache, shared: &shared{},
		}
		facts, findings, err := runGosum(b.Context(), s)
		if err != nil {
			b.Fatal(err)
		}
		for _, f := range findings {
			b.Logf("%s:%d %s", f.File, f.Line, f.Message)
		}
		client, err := s.checksumDB()
		if err != nil {
			b.Fatal(err)
		}
		defer client.Close()
		stats := client.Stats()
		b.ReportMetric(float64(facts.Link.Proven), "lines")
		b.ReportMetric(float64(stats.Requests), "requests")
		b.ReportMetric(float64(stats.Cached), "kept-tiles")
		b.ReportMetric(float64(stats.Bytes)/1e6, "MB")
	}
	kept := b.TempDir()
	b.Run("nothing kept", func(b *testing.B) {
		for b.Loop() {
			audit(b, b.TempDir())
		}
	})
	audit(b, kept)
	b.Run("tiles kept", func(b *testing.B) {
		for b.Loop() {
			audit(b, kept)
		}
	})
}
