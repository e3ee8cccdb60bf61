package checks

import (
	"flag"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/gopreflight/gopreflight/internal/config"
	"github.com/gopreflight/gopreflight/internal/goenv"
	"github.com/gopreflight/gopreflight/internal/repo"
)

// BenchmarkModcache compares the check with go mod verify, on the modules of a
// real repository in this machine's cache: this one, or the one that
// -args DIR names. go mod verify hashes zip and tree as well, but compares them
// with the cache's own notes.
func BenchmarkModcache(b *testing.B) {
	dir := ".."
	if args := flag.Args(); len(args) > 0 {
		dir = args[0]
	}
	out, err := exec.Command("go", "env", "GOMODCACHE").Output()
	if err != nil {
		b.Fatal(err)
	}
	r, err := repo.Load(b.Context(), repo.Options{Dir: dir})
	if err != nil {
		b.Fatal(err)
	}
	defer r.Close()
	s := &Session{
		Repo: r, Modules: r.Modules[:1], Config: config.Default(), Now: time.Now,
		Env: goenv.FromMap(map[string]string{"GOMODCACHE": strings.TrimSpace(string(out))}),
	}
	b.Run("gopreflight", func(b *testing.B) {
		for b.Loop() {
			facts, findings, err := runModcache(b.Context(), s)
			if err != nil || len(findings) > 0 {
				b.Fatal(err, findings)
			}
			b.ReportMetric(float64(facts.Link.Proven), "modules")
		}
	})
	b.Run("go-mod-verify", func(b *testing.B) {
		for b.Loop() {
			cmd := exec.Command("go", "mod", "verify")
			cmd.Dir = s.Repo.Abs(s.Modules[0].Dir)
			if out, err := cmd.CombinedOutput(); err != nil {
				b.Fatalf("%v\n%s", err, out)
			}
		}
	})
}
