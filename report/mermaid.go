package report

import (
	"fmt"
	"strings"
	"time"

	"github.com/gopreflight/gopreflight/checks"
	"github.com/gopreflight/gopreflight/internal/plain"
)

// The pictures of a summary: Mermaid, which GitHub, GitLab and Gitea draw where
// they find a block of code of that language.
//
// Mermaid reads markup and directives inside its labels, and a report is
// hostile. So no text of a report gets into a picture: its words are looked up
// in the tables of this file and in the registry of the checks, its numbers are
// formatted here, and what is in no table is not drawn.

// chainLabels are the nodes of the chain of evidence by checks.Links.
var chainLabels = map[string]string{
	"toolchain":  "toolchain",
	"gosum":      "go.sum",
	"modcache":   "module cache",
	"vendor":     "vendor",
	"buildcache": "build cache",
	"build":      "build",
}

// linkLook is how the state of a link is drawn. The state is told three times:
// by a sign and a word, by the shape and the line around it, and by colour.
type linkLook struct {
	state checks.LinkState
	sign  string
	// open and shut are the brackets that give a node its shape.
	open, shut string
	// style is the class of the nodes: white on what is dark enough for it
	// (4.5 : 1, WCAG 2.1, 1.4.3), whatever the page's theme is.
	style string
}

var linkLooks = []linkLook{
	{checks.Proven, "✓", `(["`, `"])`, "fill:#1a7f37,stroke:#116329,stroke-width:2px,color:#ffffff"},
	{checks.Consistent, "≈", `("`, `")`, "fill:#0969da,stroke:#0550ae,stroke-width:2px,color:#ffffff"},
	{checks.Unproven, "?", `["`, `"]`, "fill:#8a5a00,stroke:#d4a72c,stroke-width:2px,stroke-dasharray:6 4,color:#ffffff"},
	{checks.Broken, "✗", `{{"`, `"}}`, "fill:#b3202a,stroke:#ff8182,stroke-width:4px,color:#ffffff"},
	{checks.Absent, "–", `[/"`, `"/]`, "fill:#59636e,stroke:#818b98,stroke-width:1px,stroke-dasharray:2 3,color:#ffffff"},
}

// chainUnits are the words that a picture may say behind a number.
var chainUnits = map[string]bool{"modules": true, "lines": true, "files": true, "packages": true, "objects": true, "entries": true, "actions": true}

// chainPicture is the chain of evidence as a flowchart, the links in their
// order. It is empty when nothing is known of any link: then there is no chain.
func chainPicture(chain []checks.Link) string {
	byName := map[string]*checks.Link{}
	known := false
	for i := range chain {
		l := &chain[i]
		if byName[l.Link] == nil {
			byName[l.Link] = l
		}
		known = known || l.State == checks.Proven || l.State == checks.Consistent || l.State == checks.Broken
	}
	var nodes, names []string
	drawn := map[checks.LinkState]bool{}
	for _, name := range checks.Links {
		if l := byName[name]; l != nil {
			if node := chainNode(name, l); node != "" {
				nodes, names = append(nodes, "    "+node), append(names, name)
				drawn[l.State] = true
			}
		}
	}
	if !known || len(nodes) == 0 {
		return ""
	}
	lines := append([]string{"flowchart LR", "    accTitle: Chain of evidence", "    accDescr: What each link of the build was proven against, from the toolchain to the build. The table below says the same."}, nodes...)
	if len(names) > 1 {
		lines = append(lines, "    "+strings.Join(names, " --> "))
	}
	for _, look := range linkLooks {
		if drawn[look.state] {
			lines = append(lines, "    classDef "+string(look.state)+" "+look.style)
		}
	}
	return gfmFence("mermaid", lines)
}

// chainNode is one link; empty for a state that is in no table.
func chainNode(name string, l *checks.Link) string {
	for _, look := range linkLooks {
		if look.state != l.State {
			continue
		}
		label := look.sign + " " + chainLabels[name] + "<br>" + string(look.state)
		if l.Proven > 0 && l.Proven <= l.Total {
			label += "<br>" + plain.Thousands(l.Proven) + " of " + plain.Thousands(l.Total)
			if chainUnits[l.Unit] {
				label += " " + l.Unit
			}
		}
		return name + look.open + label + look.shut + ":::" + string(look.state)
	}
	return ""
}

// maxTimeline bounds a timeline: no job of a CI may run longer, and what a
// forged report says beyond it is drawn at its end.
const maxTimeline = 24 * time.Hour

// timeline is the checks that ran as a Gantt chart, a section for every stage,
// and the number of checks that it leaves out because nobody here knows them:
// only a saved report of another version, or a forged one, has such. It is
// empty when nothing ran.
func timeline(r *checks.Report) (picture string, unknown int) {
	ran := map[*checks.Check]*checks.Result{}
	var end time.Duration
	for i := range r.Results {
		res := &r.Results[i]
		c := checks.Lookup(res.Check)
		switch {
		case c == nil || ran[c] != nil:
			unknown++
		case res.DurationMs > 0 || res.Status != checks.Skipped && res.Status != checks.Blocked:
			ran[c] = res
			_, stop := spent(res)
			end = max(end, stop)
		}
	}
	if len(ran) == 0 {
		return "", unknown
	}
	scale := scaleOf(end)
	lines := []string{
		ganttLayout,
		"gantt",
		"    accTitle: Timeline of the checks",
		"    accDescr: When each check ran and for how long. The table of the checks has the same durations.",
		"    dateFormat YYYY-MM-DD HH:mm:ss.SSS",
		"    axisFormat " + scale.format,
		"    tickInterval " + scale.tick,
		"    todayMarker off",
	}
	for _, stage := range checks.Stages {
		section := "    section " + checks.StageTitle(stage)
		for _, c := range checks.All {
			res := ran[c]
			if res == nil || c.Stage != stage {
				continue
			}
			if section != "" {
				lines = append(lines, section)
				section = ""
			}
			start, stop := spent(res)
			lines = append(lines, fmt.Sprintf("    %s %s %s :%s%s, %s", style{}.mark(res.Status), c.Name,
				duration((stop-start).Milliseconds()), ganttTag(res.Status), clockDate(start), clockDate(stop)))
		}
	}
	return gfmFence("mermaid", lines), unknown
}

// ganttLayout leaves room on the left for the names of the stages, and colours the
// bars: white on grey or, for what failed, on red has 6 : 1 wherever it stands. The
// colours that come with Mermaid do not: up to 11.12 the dark theme writes light grey
// on light grey in bars that are "done", in any version both themes have 3 : 1 in
// others. Text beside a bar is left to the theme, as is what it stands on.
const ganttLayout = `%%{init: {"gantt": {"leftPadding": 120}, "themeVariables": {` +
	`"taskBkgColor": "#59636e", "taskBorderColor": "#818b98", "taskTextColor": "#ffffff", ` +
	`"critBkgColor": "#b3202a", "critBorderColor": "#ff8182"}}}%%`

// spent is when a check began and ended, within the bounds of a timeline.
func spent(res *checks.Result) (start, stop time.Duration) {
	bound := func(ms int64) time.Duration {
		return time.Duration(min(max(ms, 0), maxTimeline.Milliseconds())) * time.Millisecond
	}
	start = bound(res.StartMs)
	return start, min(start+bound(res.DurationMs), maxTimeline)
}

// ganttTag is how a bar is drawn: red when it failed. Other states have their sign:
// the text of Mermaid's other kinds of bars ("done", "active") cannot be coloured
// apart from what stands beside them.
func ganttTag(s checks.Status) string {
	if s == checks.Failed {
		return "crit, "
	}
	return ""
}

// clockDate is a time since the run's start as the chart's date: on a day without a
// change of clocks anywhere, since the reader's browser counts in local time.
func clockDate(d time.Duration) string {
	return time.Date(2000, time.January, 1, 0, 0, 0, 0, time.UTC).Add(d).Format("2006-01-02 15:04:05.000")
}

// ganttScale is the axis of a run that takes less than upTo: a mark at every
// tick (at most twelve), in d3's format.
type ganttScale struct {
	upTo         time.Duration
	tick, format string
}

var ganttScales = []ganttScale{
	{50 * time.Millisecond, "5millisecond", "%-L ms"},
	{100 * time.Millisecond, "10millisecond", "%-L ms"},
	{200 * time.Millisecond, "20millisecond", "%-L ms"},
	{500 * time.Millisecond, "50millisecond", "%-L ms"},
	{time.Second, "100millisecond", "%-L ms"},
	{2 * time.Second, "200millisecond", "%-S.%L s"},
	{10 * time.Second, "1second", "%-S s"},
	{20 * time.Second, "2second", "%-S s"},
	{time.Minute, "5second", "%-S s"},
	{2 * time.Minute, "10second", "%-M:%S"},
	{5 * time.Minute, "30second", "%-M:%S"},
	{10 * time.Minute, "1minute", "%-M:%S"},
	{time.Hour, "5minute", "%-M:%S"},
	{6 * time.Hour, "30minute", "%-H:%M"},
	{maxTimeline, "2hour", "%-H:%M"},
}

// scaleOf is the finest scale for a run that ends at end.
func scaleOf(end time.Duration) ganttScale {
	for _, s := range ganttScales {
		if end < s.upTo {
			return s
		}
	}
	return ganttScales[len(ganttScales)-1]
}
