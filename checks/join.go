package checks

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/gopreflight/gopreflight/internal/plain"
	"github.com/gopreflight/gopreflight/internal/repo"
)

// Joint is what the shards of a run found out about one check with Join.
type Joint struct {
	// Modules are the outcomes of the modules that were judged, in the
	// repository's order, before their findings raise them.
	Modules []ModuleStatus
	// Findings are those of all shards, each once, in the order of a report. Join
	// may take out what one run would have told once.
	Findings []Finding
	// Links are the shards' links of the chain, of those that have one.
	Links []Link
	// Facts are those of each shard that was asked.
	Facts []map[string]any
	// Changes are the module changes of all shards.
	Changes []ModuleChange
}

// Join makes one report of those of all shards of a run: on equal machines the
// one that a single run would have made, but for times. The reports may come in
// any order; each shard has to be there exactly once, of the same version,
// commit and settings. What the machines do not agree on counts by its worst, and
// says which shard it is of. One report that is no shard is returned as it is.
//
// It is a pure function of the reports, which are not changed. Reports of
// untrusted runs go through Distrust first.
func Join(reports []*Report) (*Report, error) { return join(reports, All) }

func join(reports []*Report, registry []*Check) (*Report, error) {
	if len(reports) == 1 && reports[0].Shard.Count <= 1 {
		return reports[0], nil
	}
	shards, err := inTurn(reports)
	if err != nil {
		return nil, err
	}
	first := shards[0]
	j := &joiner{Runner: &Runner{joining: true}, shards: shards}
	for _, m := range first.Repository.Modules {
		j.modules = append(j.modules, &repo.Module{Dir: m.Dir, Path: m.Path})
	}
	list := make([]*outcome, len(first.Results))
	for i, res := range first.Results {
		c := &Check{Name: res.Check, Stage: res.Stage, Title: res.Title}
		if k := slices.IndexFunc(registry, func(known *Check) bool { return known.Name == res.Check }); k >= 0 {
			c = registry[k]
		}
		j.Checks = append(j.Checks, c)
		list[i] = j.outcome(i)
	}
	j.attribute(&Session{Modules: j.modules}, list)
	j.judgeUnused(list)

	out := *first
	out.Shard = Shard{Index: 1, Count: 1}
	out.Results, out.ModuleChanges = make([]Result, len(list)), nil
	var links []Link
	for i, o := range list {
		out.Results[i] = o.Result
		out.ModuleChanges = append(out.ModuleChanges, o.changes...)
		if o.link != nil {
			links = append(links, *o.link)
		}
	}
	out.StartedAt, out.DurationMs = time.Time{}, 0
	for _, r := range shards {
		if !r.StartedAt.IsZero() && (out.StartedAt.IsZero() || r.StartedAt.Before(out.StartedAt)) {
			out.StartedAt = r.StartedAt
		}
		out.DurationMs = max(out.DurationMs, r.DurationMs)
		out.Interrupted = cmp.Or(out.Interrupted, r.Interrupted)
	}
	Conclude(&out, links)
	return &out, nil
}

// joiner puts the outcomes of shards together and settles them by the runner's
// own means.
type joiner struct {
	*Runner
	// shards are the reports, by index.
	shards  []*Report
	modules []*repo.Module
}

// A shardResult is what one shard has to say about a check.
type shardResult struct {
	*Result
	shard *Report
	link  *Link
}

// own is how the check as a whole ended in the shard; nil when it answered. A
// report without a Part says so only by a result without modules and findings.
func (p shardResult) own() *ModuleStatus {
	if p.Part != nil {
		return p.Part.Own
	}
	if len(p.Modules) == 0 && len(p.Findings) == 0 && p.restored() != nil {
		return &ModuleStatus{Status: p.Status, Reason: p.Reason, BlockedBy: p.BlockedBy}
	}
	return nil
}

func (p shardResult) restored() error {
	return ModuleStatus{Status: p.Status, Reason: p.Reason}.restored()
}

// results are those of a check in the shards that were asked: all, or those with
// modules.
func (j *joiner) results(i int) []shardResult {
	var list []shardResult
	for _, r := range j.shards {
		p := shardResult{Result: &r.Results[i], shard: r}
		if len(r.Shard.Dirs) == 0 && !ofMachine(p.Stage) {
			continue
		}
		for k := range r.Chain {
			// A link without a unit that nobody spoke of was only filled in by Conclude.
			if l := &r.Chain[k]; l.Link == p.Check && (l.State != Unproven || l.Unit != "" || r.Untrusted) {
				p.link = l
			}
		}
		list = append(list, p)
	}
	return list
}

// outcome is what the shards together say about a check, before the attribution.
func (j *joiner) outcome(i int) *outcome {
	c, parts := j.Checks[i], j.results(i)
	o := &outcome{Result: Result{Check: c.Name, Stage: parts[0].Stage, Title: parts[0].Title, StartMs: parts[0].StartMs}}
	for _, p := range parts {
		o.StartMs, o.DurationMs = min(o.StartMs, p.StartMs), max(o.DurationMs, p.DurationMs)
	}
	o.Findings = mergeFindings(parts)
	if c.Join == nil {
		j.worst(o, parts)
	} else {
		j.sum(o, c, parts)
	}
	return o
}

// mergeFindings are the findings of all shards, each once, without those that the
// attribution made, which is asked again.
func mergeFindings(parts []shardResult) []Finding {
	var all []Finding
	seen := map[string]bool{}
	for _, p := range parts {
		if p.Part != nil {
			for _, fingerprint := range p.Part.Attributed {
				seen[fingerprint] = true
			}
		}
	}
	for _, p := range parts {
		for _, f := range p.Findings {
			if !seen[f.Fingerprint] {
				seen[f.Fingerprint] = true
				all = append(all, f)
			}
		}
	}
	orderFindings(all)
	return all
}

// restore takes the outcomes of the shards' modules back to what they were before
// they were settled: each with the error that it came of.
func restore(o *outcome, parts []shardResult) map[string]ModuleStatus {
	byDir := map[string]ModuleStatus{}
	for _, p := range parts {
		for _, m := range p.Modules {
			m.err = m.restored()
			if old, ok := byDir[m.Dir]; !ok || m.Status.Rank() > old.Status.Rank() {
				byDir[m.Dir] = m
			}
		}
	}
	for _, p := range parts {
		if p.Part == nil {
			continue
		}
		for _, m := range p.Part.Unasked {
			m.err = m.restored()
			byDir[m.Dir] = m
		}
		for _, u := range p.Part.Unanswered {
			m, ok := byDir[u.Dir]
			switch {
			case u.Dir == "":
				o.err = u.err()
			case ok:
				m.err = u.err()
				byDir[u.Dir] = m
			}
		}
	}
	return byDir
}

// inModules are the statuses of modules in the repository's order.
func (j *joiner) inModules(byDir map[string]ModuleStatus) []ModuleStatus {
	var list []ModuleStatus
	for _, m := range j.modules {
		if status, ok := byDir[m.Dir]; ok {
			list = append(list, status)
		}
	}
	return list
}

// worst is the answer of a check that every shard was asked for all modules: the
// same of each, on equal machines; else the worst counts.
func (j *joiner) worst(o *outcome, parts []shardResult) {
	worst, differ := parts[0], false
	for _, p := range parts[1:] {
		differ = differ || p.Status != worst.Status
		if p.Status.Rank() > worst.Status.Rank() {
			worst = p
		}
	}
	o.Status, o.Reason, o.BlockedBy, o.Facts = worst.Status, worst.Reason, worst.BlockedBy, worst.Facts
	if own := worst.own(); own != nil {
		o.err = own.restored()
	}
	o.Modules = j.inModules(restore(o, parts))
	if n := len(o.Findings); n > len(worst.Findings) && (o.Status == Failed || o.Status == Warned) {
		o.Reason = plain.Count(n, "finding") + ", first: " + o.Findings[0].Message
	}
	if differ {
		o.Reason = fmt.Sprintf("%s: %s", worst.shard.Shard, o.Reason)
	}
	o.link = worstLink(parts)
}

// worstLink is the weakest of the shards' links.
func worstLink(parts []shardResult) *Link {
	var worst *shardResult
	differ := false
	for i := range parts {
		p := &parts[i]
		if p.link == nil {
			continue
		}
		if worst != nil {
			differ = differ || p.link.State != worst.link.State
		}
		if worst == nil || p.link.State.weakness() > worst.link.State.weakness() {
			worst = p
		}
	}
	if worst == nil {
		return nil
	}
	link := *worst.link
	if differ {
		link.Why = fmt.Sprintf("%s: %s", worst.shard.Shard, cmp.Or(link.Why, string(link.State)))
	}
	return &link
}

// weakness orders states: the higher, the less is known of what gets built.
func (s LinkState) weakness() int {
	return slices.Index([]LinkState{Proven, Consistent, Absent, Unproven, Broken}, s)
}

// sum is the answer of a check that each shard was asked for its own modules.
func (j *joiner) sum(o *outcome, c *Check, parts []shardResult) {
	var own *ModuleStatus // the worst of the shards that did not answer
	answered := 0
	for _, p := range parts {
		mine := p.own()
		if mine == nil {
			answered++
		} else if own == nil || mine.Status.Rank() > own.Status.Rank() {
			own = mine
		}
	}
	byDir := restore(o, parts)
	if answered == 0 && len(byDir) == 0 && len(o.Findings) == 0 {
		// No shard was asked, or none could: for the reason of all.
		o.Status, o.Reason, o.BlockedBy = own.Status, own.Reason, own.BlockedBy
		return
	}
	if own != nil && own.Status.Rank() > Passed.Rank() && own.Status != Blocked {
		o.err = own.restored()
	}
	joint := &Joint{Findings: o.Findings}
	unasked := map[string]bool{}
	for _, p := range parts {
		if mine := p.own(); mine != nil && len(p.Modules) == 0 {
			for _, dir := range p.shard.Shard.Dirs {
				byDir[dir] = ModuleStatus{Dir: dir, Status: mine.Status, Reason: mine.Reason, BlockedBy: mine.BlockedBy, err: mine.restored()}
			}
		}
		if p.Part != nil {
			for _, m := range p.Part.Unasked {
				unasked[m.Dir] = true
			}
		}
		if p.link != nil {
			joint.Links = append(joint.Links, *p.link)
		}
		joint.Facts = append(joint.Facts, p.Facts)
		joint.Changes = append(joint.Changes, p.shard.ModuleChanges...)
	}
	var blocked []ModuleStatus
	for _, m := range j.inModules(byDir) {
		if unasked[m.Dir] {
			blocked = append(blocked, m)
		} else {
			joint.Modules = append(joint.Modules, m)
		}
	}
	if len(joint.Modules) > 0 {
		facts := c.Join(joint)
		if parts[0].shard.Untrusted {
			facts.Link = worstLink(parts) // it proves nothing
		}
		o.Reason, o.link, o.changes, o.Facts = facts.Summary, facts.Link, facts.Changes, j.cleanFacts(facts.Values)
	}
	o.Findings = joint.Findings
	SetFingerprints(o.Findings)
	o.Modules = inOrder(j.modules, slices.Concat(joint.Modules, blocked))
	j.settle(o)
}

// judgeUnused adds the exceptions that no shard found anything for, where the
// check that they are about has answered.
func (j *joiner) judgeUnused(list []*outcome) {
	i := slices.IndexFunc(list, func(o *outcome) bool { return o.Check == policyName })
	if i < 0 || list[i].Status == Skipped {
		return
	}
	parts := j.results(i)
	// An exception is a line of the policy; in tells in how many shards it is unused.
	in := map[int]int{}
	var unused []Finding
	for _, p := range parts {
		if p.Part == nil {
			continue
		}
		for _, f := range p.Part.Unused {
			if in[f.Line]++; in[f.Line] == len(parts) && ran(list, f.Key) {
				unused = append(unused, f)
			}
		}
	}
	if own := list[i]; len(unused) > 0 {
		own.Findings = j.clean(j.Checks[i], nil, append(own.Findings, unused...))
		j.settle(own)
	}
}
