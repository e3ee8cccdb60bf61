package checks

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gopreflight/gopreflight/internal/plain"
	"github.com/gopreflight/gopreflight/internal/shard"
)

// inTurn are the reports by their index, if they are all shards of one run: each
// once, of one commit and one division of the modules.
func inTurn(reports []*Report) ([]*Report, error) {
	if len(reports) == 0 {
		return nil, fmt.Errorf("no report to join")
	}
	count := reports[0].Shard.Count
	for _, r := range reports {
		if s := r.Shard; s.Count <= 1 {
			return nil, fmt.Errorf("one of %s is of a whole run, and no shard (--shard)", plain.Count(len(reports), "report"))
		} else if s.Index < 1 || s.Index > s.Count || s.Count > shard.Max {
			return nil, fmt.Errorf("there is no %s", s)
		} else if s.Count != count {
			return nil, fmt.Errorf("%s and %s are not of the same run", reports[0].Shard, s)
		}
	}
	shards := make([]*Report, count)
	for _, r := range reports {
		at := &shards[r.Shard.Index-1]
		if *at != nil {
			return nil, fmt.Errorf("%s is there twice", r.Shard)
		}
		*at = r
	}
	var missing []string
	for i, r := range shards {
		if r == nil {
			missing = append(missing, fmt.Sprintf("%d", i+1))
		}
	}
	switch n := len(missing); {
	case n == 1:
		return nil, fmt.Errorf("shard %s/%d is missing: what it judges would look as if it were fine", missing[0], count)
	case n > 1:
		list := strings.Join(missing[:min(n, 10)], ", ")
		if n > 10 {
			list += ", ..."
		}
		return nil, fmt.Errorf("%d of %d shards are missing: %s", n, count, list)
	}
	for _, r := range shards[1:] {
		if err := sameRun(shards[0], r); err != nil {
			return nil, err
		}
	}
	return shards, divided(shards)
}

// sameRun says in what two shards differ that has to be the same.
func sameRun(a, b *Report) error {
	for _, field := range []struct{ name, a, b string }{
		{"schema", a.Schema, b.Schema},
		{"version of " + a.Tool.Name, a.Tool.Version, b.Tool.Version},
		{"tool", a.Tool.Name, b.Tool.Name},
		{"repository", a.Repository.URL, b.Repository.URL},
		{"commit", a.Repository.Commit, b.Repository.Commit},
		{"base", a.Repository.Base, b.Repository.Base},
		{"scope", string(a.Scope), string(b.Scope)},
		{"fail-on", a.FailOn, b.FailOn},
		{"pull request", fmt.Sprint(a.CI.PullRequest), fmt.Sprint(b.CI.PullRequest)},
		{"trust", fmt.Sprint(!a.Untrusted), fmt.Sprint(!b.Untrusted)},
	} {
		if field.a != field.b {
			return fmt.Errorf("%s and %s differ in their %s: %.100q and %.100q", a.Shard, b.Shard, field.name, field.a, field.b)
		}
	}
	if !slices.Equal(a.Repository.Modules, b.Repository.Modules) {
		return fmt.Errorf("%s and %s differ in the repository's modules", a.Shard, b.Shard)
	}
	if !slices.EqualFunc(a.Results, b.Results, func(x, y Result) bool { return x.Check == y.Check && x.Stage == y.Stage }) {
		return fmt.Errorf("%s and %s differ in their checks", a.Shard, b.Shard)
	}
	for i := range a.Results {
		if a.Results[i].unselected() != b.Results[i].unselected() {
			return fmt.Errorf("%s and %s differ in whether %s was selected", a.Shard, b.Shard, plain.Line(a.Results[i].Check))
		}
	}
	return nil
}

func (r *Result) unselected() bool { return r.Part != nil && r.Part.Unselected }

// divided says where the shards do not have each module of the repository
// exactly once.
func divided(shards []*Report) error {
	has := make(map[string]*Report, len(shards[0].Repository.Modules))
	for _, m := range shards[0].Repository.Modules {
		has[m.Dir] = nil
	}
	for _, r := range shards {
		for _, dir := range r.Shard.Dirs {
			other, known := has[dir]
			switch {
			case !known:
				return fmt.Errorf("%s judges %q, which is no module of the repository", r.Shard, plain.Line(dir))
			case other != nil:
				return fmt.Errorf("%s and %s both judge %q", other.Shard, r.Shard, plain.Line(dir))
			}
			has[dir] = r
		}
	}
	for _, m := range shards[0].Repository.Modules {
		if has[m.Dir] == nil {
			return fmt.Errorf("no shard judges %q", plain.Line(m.Dir))
		}
	}
	if len(has) == 0 {
		return fmt.Errorf("the repository of these shards has no module")
	}
	return nil
}
