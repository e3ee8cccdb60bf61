package report

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gopreflight/gopreflight/checks"
)

// pictures are the Mermaid blocks of a page, line by line.
func pictures(page string) [][]string {
	var list [][]string
	var now []string
	in := false
	for line := range strings.SplitSeq(page, "\n") {
		switch {
		case line == "```mermaid":
			in, now = true, nil
		case in && line == "```":
			in = false
			list = append(list, now)
		case in:
			now = append(now, line)
		}
	}
	return list
}

// drawable is every line that a picture may have, written down apart from what
// draws it: fixed words and numbers.
var drawable = func() *regexp.Regexp {
	const states = `(?:proven|consistent|unproven|broken|absent)`
	const label = `[✓≈?✗–] (?:toolchain|go\.sum|module cache|vendor|build cache|build)<br>` + states + `(?:<br>[0-9,]+ of [0-9,]+(?: (?:modules|lines|files|packages|entries|actions))?)?`
	const at = `2000-01-0[12] [0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}`
	var names []string
	for _, c := range checks.All {
		names = append(names, regexp.QuoteMeta(c.Name))
	}
	return regexp.MustCompile(`^(?:` + strings.Join([]string{
		`flowchart LR`, `gantt`, regexp.QuoteMeta(ganttLayout),
		`    accTitle: [A-Za-z ]+`, `    accDescr: [A-Za-z ,.]+`,
		`    [a-z]+(?:\(\["` + label + `"\]\)|\("` + label + `"\)|\["` + label + `"\]|\{\{"` + label + `"\}\}|\[/"` + label + `"/\]):::` + states,
		`    [a-z]+(?: --> [a-z]+)+`, `    classDef ` + states + ` [a-z0-9:#, -]+`,
		`    dateFormat YYYY-MM-DD HH:mm:ss\.SSS`, `    axisFormat %-[A-Za-z.:%]+(?: m?s)?`, `    tickInterval [0-9]+[a-z]+`, `    todayMarker off`,
		`    section (?:Environment|Network|Cache|Tidy|Vendor and build)`,
		`    [✓!✗⊘–?] (?:` + strings.Join(names, "|") + `) [0-9. hms]+ :(?:crit, )?` + at + `, ` + at,
	}, "|") + `)$`)
}()

// checkPictures finds in a page's pictures what does not belong there.
func checkPictures(t *testing.T, name, page string) (n int) {
	t.Helper()
	all := pictures(page)
	for _, lines := range all {
		for _, l := range lines {
			if !drawable.MatchString(l) {
				t.Errorf("%s: a picture has the line %q", name, l)
			}
		}
		if len(lines) > 60 {
			t.Errorf("%s: a picture has %d lines", name, len(lines))
		}
	}
	return len(all)
}

// TestPicturesHaveNoText: whatever a report says, its pictures are made of
// fixed words and numbers (invariant 3).
func TestPicturesHaveNoText(t *testing.T) {
	t.Parallel()
	want := map[string]int{"fail": 2, "hostile": 2, "pass": 2, "monorepo": 2, "untrusted": 1, "blocked": 1, "modules": 1}
	for name, r := range savedReports(t) {
		n := checkPictures(t, name, markdownText(r, MaxSummary))
		if w, ok := want[name]; ok && n != w {
			t.Errorf("%s has %d pictures, want %d", name, n, w)
		}
		if n := len(pictures(Comment(r, "", maxComment))); n != 0 {
			t.Errorf("the comment of %s has %d pictures", name, n)
		}
	}
}

func FuzzPictures(f *testing.F) {
	f.Add("gosum", "proven", "modules", 1, 2, "host", "env", "failed", int64(3), int64(4))
	f.Add("build\"]:::x", "broken", "<b>", -1, 1<<62, "host :crit", "x\nsection y", "passed", int64(-1), int64(1)<<62)
	f.Add("vendor", "absent\"]", "lines\n", 3, 2, "modcache", "cache", "skipped", int64(1)<<62, int64(1)<<62)
	f.Fuzz(func(t *testing.T, link, state, unit string, proven, total int, check, stage, status string, start, length int64) {
		r := &checks.Report{
			Chain: []checks.Link{
				{Link: link, State: checks.LinkState(state), Unit: unit, Proven: proven, Total: total, Against: unit, Why: unit},
				{Link: "build", State: checks.LinkState(state), Unit: unit, Proven: proven, Total: total},
				{Link: "gosum", State: checks.Proven},
			},
			Results: []checks.Result{
				{Check: check, Stage: checks.Stage(stage), Status: checks.Status(status), Title: stage, StartMs: start, DurationMs: length},
				{Check: "build", Stage: checks.Stage(stage), Status: checks.Status(status), Title: stage, StartMs: length, DurationMs: start},
			},
		}
		checkPictures(t, "the report", markdown{r: r}.chain()+markdown{r: r}.timeline())
	})
}

// TestChainPicture: the links in their order, each by sign, word and shape.
func TestChainPicture(t *testing.T) {
	t.Parallel()
	link := func(name string, s checks.LinkState, proven, total int, unit string) checks.Link {
		return checks.Link{Link: name, State: s, Proven: proven, Total: total, Unit: unit}
	}
	for _, tt := range []struct {
		name  string
		chain []checks.Link
		// want are the lines of nodes and arrows.
		want []string
	}{
		{"every state", []checks.Link{
			link("build", checks.Absent, 0, 0, ""), link("toolchain", checks.Proven, 14_102, 14_102, "files"), link("gosum", checks.Consistent, 0, 24, "lines"),
			link("modcache", checks.Broken, 559, 560, "modules"), link("vendor", checks.Unproven, 0, 0, ""),
		}, []string{
			`toolchain(["✓ toolchain<br>proven<br>14,102 of 14,102 files"]):::proven`, `gosum("≈ go.sum<br>consistent"):::consistent`,
			`modcache{{"✗ module cache<br>broken<br>559 of 560 modules"}}:::broken`, `vendor["? vendor<br>unproven"]:::unproven`, `build[/"– build<br>absent"/]:::absent`,
			`toolchain --> gosum --> modcache --> vendor --> build`,
		}},
		{"one link", []checks.Link{link("gosum", checks.Proven, 1, 1, "")}, []string{`gosum(["✓ go.sum<br>proven<br>1 of 1"]):::proven`}},
		{"a unit that is none", []checks.Link{link("gosum", checks.Proven, 1, 2, "<b>")}, []string{`gosum(["✓ go.sum<br>proven<br>1 of 2"]):::proven`}},
		{"numbers that cannot be", []checks.Link{link("gosum", checks.Proven, 3, 2, "lines"), link("build", checks.Proven, -1, 2, "lines")}, []string{
			`gosum(["✓ go.sum<br>proven"]):::proven`, `build(["✓ build<br>proven"]):::proven`, `gosum --> build`,
		}},
		{"names that are none, and one twice", []checks.Link{link("x", checks.Proven, 1, 1, ""), link("build", checks.Proven, 0, 0, ""), link("build", checks.Broken, 0, 0, "")}, []string{`build(["✓ build<br>proven"]):::proven`}},
		{"a state that is none", []checks.Link{link("build", "fine", 0, 0, ""), link("gosum", checks.Broken, 0, 0, "")}, []string{`gosum{{"✗ go.sum<br>broken"}}:::broken`}},
		{"nothing is known", []checks.Link{link("build", checks.Unproven, 0, 0, ""), link("vendor", checks.Absent, 0, 0, "")}, nil},
		{"only what nobody knows", []checks.Link{link("x", checks.Proven, 1, 1, "")}, nil},
		{"no chain", nil, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, lines := range pictures(chainPicture(tt.chain)) {
				for _, l := range lines {
					if l = strings.TrimSpace(l); strings.Contains(l, ":::") || strings.Contains(l, "-->") {
						got = append(got, l)
					}
				}
			}
			if strings.Join(got, "\n") != strings.Join(tt.want, "\n") {
				t.Errorf("the picture has\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
			}
		})
	}
}

// TestTimeline: what ran, by stage, in declared order; what did not run or is
// not known is not drawn, and the latter is counted.
func TestTimeline(t *testing.T) {
	t.Parallel()
	const day = "2000-01-01 "
	for _, tt := range []struct {
		name    string
		results []checks.Result
		want    []string
		unknown int
	}{
		{"nothing", nil, nil, 0},
		{"nothing ran", []checks.Result{{Check: "tidy", Status: checks.Blocked}, {Check: "vendor", Status: checks.Skipped}}, nil, 0},
		{"by stage and in order", []checks.Result{
			{Check: "build", Status: checks.Failed, StartMs: 1000, DurationMs: 61_001}, {Check: "gomod", Status: checks.Warned, StartMs: 20}, {Check: "env", Status: checks.Passed, DurationMs: 20},
			{Check: "host", Status: checks.Errored, DurationMs: 1}, {Check: "tidy", Status: checks.Blocked, StartMs: 5, DurationMs: 5}, {Check: "proxy", Status: checks.Skipped},
		}, []string{
			"section Environment", "? host 1 ms :" + day + "00:00:00.000, " + day + "00:00:00.001", "✓ env 20 ms :" + day + "00:00:00.000, " + day + "00:00:00.020",
			"section Tidy", "! gomod 0 ms :" + day + "00:00:00.020, " + day + "00:00:00.020", "⊘ tidy 5 ms :" + day + "00:00:00.005, " + day + "00:00:00.010",
			"section Vendor and build", "✗ build 1 m 01 s :crit, " + day + "00:00:01.000, " + day + "00:01:02.001",
		}, 0},
		{"the registry's stage", []checks.Result{{Check: "gosum", Stage: "env", Status: checks.Passed, DurationMs: 1}}, []string{
			"section Cache", "✓ gosum 1 ms :" + day + "00:00:00.000, " + day + "00:00:00.001",
		}, 0},
		{"names that are none, and one twice", []checks.Result{
			{Check: "x", Status: checks.Passed, DurationMs: 1}, {Check: "", Status: checks.Passed}, {Check: "gosum", Status: checks.Passed, DurationMs: 1}, {Check: "gosum", Status: checks.Failed, DurationMs: 9},
		}, []string{"section Cache", "✓ gosum 1 ms :" + day + "00:00:00.000, " + day + "00:00:00.001"}, 3},
		{"times that cannot be", []checks.Result{{Check: "gosum", Status: checks.Passed, StartMs: -5, DurationMs: -5}, {Check: "build", Status: checks.Passed, StartMs: 1 << 62, DurationMs: 1 << 62}, {Check: "tidy", Status: checks.Passed, StartMs: 5, DurationMs: 1 << 62}}, []string{
			"section Cache", "✓ gosum 0 ms :" + day + "00:00:00.000, " + day + "00:00:00.000",
			"section Tidy", "✓ tidy 24 h 00 m :" + day + "00:00:00.005, 2000-01-02 00:00:00.000",
			"section Vendor and build", "✓ build 0 ms :2000-01-02 00:00:00.000, 2000-01-02 00:00:00.000",
		}, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			picture, unknown := timeline(&checks.Report{Results: tt.results})
			if unknown != tt.unknown {
				t.Errorf("%d checks are counted as unknown, want %d", unknown, tt.unknown)
			}
			var got []string
			for _, lines := range pictures(picture) {
				for _, l := range lines {
					if strings.Contains(l, "section ") || strings.Contains(l, "2000-") {
						got = append(got, strings.TrimSpace(l))
					}
				}
			}
			if strings.Join(got, "\n") != strings.Join(tt.want, "\n") {
				t.Errorf("the timeline has\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
			}
		})
	}
}

// TestTimelineUnknown: what the timeline leaves out is said below it.
func TestTimelineUnknown(t *testing.T) {
	t.Parallel()
	r := &checks.Report{Results: []checks.Result{{Check: "x", Status: checks.Passed}, {Check: "host", Status: checks.Passed}}}
	if got := (markdown{r: r}).timeline(); !strings.HasSuffix(got, "```\n\nNot drawn: 1 check whose name is unknown here or stands twice.\n\n") {
		t.Errorf("the timeline does not count what it leaves out: %q", got)
	}
}

// TestGanttScales: from 20 ms to a day an axis has two to fourteen marks, and
// its scale fits to the marks' distance.
func TestGanttScales(t *testing.T) {
	t.Parallel()
	units := map[string]time.Duration{"millisecond": time.Millisecond, "second": time.Second, "minute": time.Minute, "hour": time.Hour}
	for end := 20 * time.Millisecond; end <= maxTimeline; end += end/7 + 1 {
		s := scaleOf(end)
		var n int
		var unit string
		if _, err := fmt.Sscanf(s.tick, "%d%s", &n, &unit); err != nil || units[unit] == 0 {
			t.Fatalf("%v: tick %q: %v", end, s.tick, err)
		}
		tick := time.Duration(n) * units[unit]
		if marks := int(end / tick); marks < 2 || marks > 14 {
			t.Errorf("a run of %v has %d marks at %s", end, marks, s.tick)
		}
		if fine := strings.Contains(s.format, "%-L") || strings.Contains(s.format, ".%L"); fine != (tick < time.Second) {
			t.Errorf("a run of %v has marks at %s as %s", end, s.tick, s.format)
		}
	}
}
