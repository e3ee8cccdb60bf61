package checks

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/mod/module"

	"github.com/gopreflight/gopreflight/internal/goproxy"
	"github.com/gopreflight/gopreflight/internal/repo"
)

// maxPrivateRows bounds the modules that GONOPROXY matches and that are listed.
const maxPrivateRows = 10

// walk is what the go command does with the chain to download the module.
func (p *proxyProbe) walkOf() goproxy.Walk {
	outcomes := map[goproxy.Endpoint][]goproxy.Outcome{}
	for _, e := range goproxy.Downloads {
		outcomes[e] = p.outcomes(e)
	}
	return p.chain.Walk(false, outcomes)
}

// walkRows is that walk as a table, module → entry → outcome, a line for each
// entry that it comes to.
func (p *proxyProbe) walkRows() []string {
	w := p.walkOf()
	var rows []string
	for i, e := range p.chain {
		if e.Keyword == goproxy.NoProxy {
			continue
		}
		rows = append(rows, fmt.Sprintf("%s → %s → %s", p.module, p.entryText(i), p.movesText(w, i)))
	}
	return append(rows, fmt.Sprintf("%s → %s", p.module, p.endText(w)))
}

// movesText is what the go command does at one entry, for all files at once where
// it does the same.
func (p *proxyProbe) movesText(w goproxy.Walk, i int) string {
	var texts []string
	same := true
	for _, e := range goproxy.Downloads {
		texts = append(texts, moveText(w.Moves[e][i]))
		same = same && texts[0] == texts[len(texts)-1]
	}
	if same {
		return texts[0]
	}
	for j, e := range goproxy.Downloads {
		texts[j] = string(e) + " " + texts[j]
	}
	return strings.Join(texts, ", ")
}

func moveText(m goproxy.Move) string {
	switch m {
	case goproxy.Takes:
		return "served"
	case goproxy.TakesBad:
		return "taken, although it is bad"
	case goproxy.GoesOn:
		return "not found, goes on"
	case goproxy.PassesOver:
		return `fails, "|" goes on`
	case goproxy.Stops:
		return "fails, stops here"
	case goproxy.GivesUp:
		return "the last, gives up"
	case goproxy.Depends:
		return "asked, not known with what outcome"
	case goproxy.Barred:
		return "never asked: GONOPROXY matches"
	}
	return "not asked"
}

// endText says how the walk ends.
func (p *proxyProbe) endText(w goproxy.Walk) string {
	entry := p.entryText(w.Entry)
	switch {
	case w.Bad:
		return fmt.Sprintf("led astray by %s (%s)", entry, w.Endpoint)
	case w.End == goproxy.Served:
		return "served by " + entry
	case w.End == goproxy.Stopped:
		return fmt.Sprintf("stopped at %s (%s)", entry, w.Endpoint)
	case w.End == goproxy.Exhausted:
		return fmt.Sprintf("not served by any entry (%s)", w.Endpoint)
	}
	return fmt.Sprintf("depends on %s (%s)", entry, w.Endpoint)
}

// told is who learns the module's name on that walk.
func (p *proxyProbe) told() []string {
	var names []string
	for _, i := range p.walkOf().Told() {
		name := p.chain[i].String()
		if p.chain[i].URL == nil {
			name, _, _ = strings.Cut(p.module.Path, "/")
		}
		names = append(names, name)
	}
	return names
}

// privateModules are the modules of the build list that GONOPROXY matches, in
// the order of their lines, without repetition.
func privateModules(mains []*repo.Module, gonoproxy string) []module.Version {
	var private []module.Version
	for _, m := range mains {
		if m.Syntax == nil {
			continue
		}
		for _, r := range m.Syntax.Require {
			if module.MatchPrefixPatterns(gonoproxy, r.Mod.Path) && !isReplaced(m, r.Mod) && !slices.Contains(private, r.Mod) {
				private = append(private, r.Mod)
			}
		}
	}
	return private
}

// privateRows is the same table for the modules that no proxy is told of.
func privateRows(private []module.Version) []string {
	var rows []string
	for _, m := range private[:min(len(private), maxPrivateRows)] {
		host, _, _ := strings.Cut(m.Path, "/")
		rows = append(rows, fmt.Sprintf("%s → GONOPROXY → from %s itself, no proxy is asked", m, host))
	}
	if more := len(private) - len(rows); more > 0 {
		rows = append(rows, fmt.Sprintf("and %d more that GONOPROXY matches", more))
	}
	return rows
}
