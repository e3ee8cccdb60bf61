package checks

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

// TestJoinSilentShard: a shard that did not answer, as one that ran into its
// timeout, takes nothing away from what the others know, wherever it comes.
func TestJoinSilentShard(t *testing.T) {
	t.Parallel()
	modules := []ModuleStatus{{Dir: "a", Status: Passed}, {Dir: "b", Status: Errored, err: errors.New("timeout")}}
	sums := map[string]any{"files": 2.0, "read": 2.0, "lines": 8.0, "complete": 1.0}
	changes := map[string]any{"base": "0123456789abcdef", "excepted": []any{ruleDepsGoRaised.ID}}
	var raised []Finding
	for _, dir := range []string{"a", "b", "c", "d", "e"} {
		f := ruleDepsGoRaised.Finding("the go line goes up")
		f.File, f.Line, f.Dir = dir+"/go.mod", 3, dir
		raised = append(raised, f)
	}
	for _, silent := range []int{0, 1} {
		facts := []map[string]any{sums, sums}
		facts[silent] = map[string]any{}
		got := joinGosum(&Joint{Modules: modules, Facts: facts})
		if want := "8 lines in 2 files, well formed, complete in 1 of 2 modules"; got.Summary != want || got.Link.State != Consistent || got.Link.Total != 8 {
			t.Errorf("gosum, shard %d silent: %q, %+v, want %q and consistent", silent, got.Summary, got.Link, want)
		}
		facts = []map[string]any{changes, changes}
		facts[silent] = nil
		j := &Joint{Modules: modules, Facts: facts, Findings: slices.Clone(raised)}
		if got := joinDeps(j); !strings.Contains(got.Summary, " since 0123456789ab") || len(j.Findings) != len(raised) {
			t.Errorf("deps, shard %d silent: %q with %d findings; want the base, and each finding of an excepted rule", silent, got.Summary, len(j.Findings))
		}
	}
}
