//go:build unix

package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gopreflight/gopreflight/checks"
)

// A repository of very many modules gets an answer for each of them. Building a
// thousand takes most of a minute on a small machine, so only some are built.
func TestManyModules(t *testing.T) {
	for _, test := range []struct {
		modules int
		args    []string
	}{
		{200, nil},
		{1000, []string{"--skip", "build"}},
	} {
		t.Run(fmt.Sprint(test.modules), func(t *testing.T) {
			const syntax, untidy = 100, 17
			var archive strings.Builder
			for i := range test.modules {
				fmt.Fprintf(&archive, "-- m%04d/go.mod --\nmodule example.org/many/m%[1]d\n\ngo 1.21\n-- m%04[1]d/m.go --\npackage m\n", i)
			}
			m := newMachine(t, "")
			m.files(archive.String() + fmt.Sprintf(
				"-- m%04d/go.mod --\nmodule example.org/many/broken\n\ngo 1.21\n\nrequires x\n"+
					"-- m%04d/go.mod --\nmodule example.org/many/untidy\n\ngo 1.21\n\nrequire example.com/lib v1.0.0\n", syntax, untidy))
			m.mustRun("git", "add", ".")
			start := time.Now()
			r, code := m.report(m.command("gopreflight", append([]string{"--format", "json"}, test.args...)...))
			t.Logf("%d modules in %s", test.modules, time.Since(start).Round(time.Millisecond))
			if code != 1 {
				t.Errorf("exit code %d, want 1", code)
			}
			got := []string{}
			for res, f := range r.Findings {
				if res.Check != "host" {
					got = append(got, f.Rule+" "+f.Place())
				}
			}
			want := fmt.Sprint([]string{
				fmt.Sprintf("gomod/syntax m%04d/go.mod:5", syntax),
				fmt.Sprintf("tidy/unused-require m%04d/go.mod:5", untidy),
			})
			if fmt.Sprint(got) != want {
				t.Errorf("findings %q, want %q", got, want)
			}
			for _, res := range r.Results {
				if res.Check != "tidy" && (res.Check != "build" || test.args != nil) {
					continue
				}
				byStatus := map[checks.Status]int{}
				for _, s := range res.Modules {
					byStatus[s.Status]++
				}
				want := map[checks.Status]int{checks.Passed: test.modules - 1, checks.Blocked: 1}
				if res.Check == "tidy" {
					want = map[checks.Status]int{checks.Passed: test.modules - 2, checks.Blocked: 1, checks.Failed: 1}
				}
				if fmt.Sprint(byStatus) != fmt.Sprint(want) {
					t.Errorf("%s of %d modules: %v, want %v", res.Check, len(res.Modules), byStatus, want)
				}
			}
		})
	}
}
