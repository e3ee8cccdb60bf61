package report

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gopreflight/gopreflight/checks"
)

// sectionMark is what GitLab takes for the beginning or the end of a section,
// anywhere in a job log (GitLab, lib/gitlab/regex.rb: logs_section_prefix_regex,
// logs_section_options_regex, logs_section_suffix_regex).
var sectionMark = regexp.MustCompile(`section_(start|end):(\d+):([a-zA-Z0-9_.-]+)(\[\w+=\w+(?:, ?\w+=\w+)*\])?\r\x1b\[0K`)

// logSection is a section of a GitLab job log; the one without a name is what
// stands in no section.
type logSection struct {
	name   string
	folded bool
	header string
	body   string
	start  string
	end    string
}

// logSections takes a GitLab job log apart. It fails the test when sections are
// not closed in their order.
func logSections(t *testing.T, log string) (outside string, sections []logSection) {
	t.Helper()
	var open *logSection
	at := 0
	for _, m := range sectionMark.FindAllStringSubmatchIndex(log, -1) {
		text, name := strings.TrimSuffix(log[at:m[0]], "\x1b[0K"), log[m[6]:m[7]]
		at = m[1]
		switch {
		case open == nil && log[m[2]:m[3]] == "start":
			outside += text
			open = &logSection{name: name, folded: m[8] >= 0 && log[m[8]:m[9]] == "[collapsed=true]", start: log[m[4]:m[5]]}
		case open != nil && log[m[2]:m[3]] == "end" && open.name == name:
			open.header, open.body, _ = strings.Cut(text, "\n")
			open.end = log[m[4]:m[5]]
			sections = append(sections, *open)
			open = nil
			at += len("\n")
		default:
			t.Errorf("a mark out of order: %q", log[m[0]:m[1]])
		}
	}
	if open != nil {
		t.Errorf("the section %s is not closed", open.name)
	}
	outside += log[at:]
	if strings.Contains(outside, "\x1b") {
		t.Errorf("escapes outside of sections: %q", outside)
	}
	return outside, sections
}

func sectionNames(sections []logSection) string {
	var names []string
	for _, s := range sections {
		names = append(names, strings.TrimPrefix(s.name, "gopreflight_")+map[bool]string{true: " (folded)"}[s.folded])
	}
	return strings.Join(names, ", ")
}

// TestSections: what fails the run is always seen, the list can be folded, the
// rest is.
func TestSections(t *testing.T) {
	t.Parallel()
	failing := readSaved(t, saved+"/warnings.json")
	failing.FailOn, failing.Verdict = string(checks.Warning), checks.Fail
	for _, tt := range []struct {
		name string
		r    *checks.Report
		d    Dest
		want string
	}{
		{"fail", readSaved(t, saved+"/fail.json"), Dest{}, "checks, warnings (folded), notices (folded)"},
		{"pass", readSaved(t, saved+"/pass.json"), Dest{}, "checks"},
		{"pass, verbose", readSaved(t, saved+"/pass.json"), Dest{Verbose: true}, "checks, facts (folded)"},
		{"pass, after a live view", readSaved(t, saved+"/pass.json"), Dest{ListShown: true}, ""},
		{"pass, verbose after a live view", readSaved(t, saved+"/pass.json"), Dest{ListShown: true, Verbose: true}, "facts (folded)"},
		{"fail, quiet", readSaved(t, saved+"/fail.json"), Dest{Quiet: true}, ""},
		{"warnings that fail", failing, Dest{}, "checks, notices (folded)"},
		{"inconclusive", readSaved(t, saved+"/inconclusive.json"), Dest{}, "checks"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := tt.d
			without := render(t, Terminal, tt.r, d)
			d.Sections = true
			outside, sections := logSections(t, render(t, Terminal, tt.r, d))
			if got := sectionNames(sections); got != tt.want {
				t.Errorf("sections are %q, want %q", got, tt.want)
			}
			for _, s := range sections {
				if s.header == "" || s.body == "" {
					t.Errorf("the section %s has the header %q and the text %q", s.name, s.header, s.body)
				}
				start, end := runTimes(tt.r)
				if s.name != sectionChecks.name {
					start = end
				}
				if s.start != fmt.Sprint(start) || s.end != fmt.Sprint(end) {
					t.Errorf("the section %s lasts from %s to %s, want %d to %d", s.name, s.start, s.end, start, end)
				}
			}
			// The verdict, what fails and what has no answer stand in no section.
			if !strings.Contains(outside, verdictWord(tt.r.Verdict)+" in ") {
				t.Errorf("the verdict is in a section:\n%s", outside)
			}
			for _, g := range outline(tt.r) {
				fails := g.rank <= rankError || g.rank == rankWarning && tt.r.FailOn == string(checks.Warning)
				if got := strings.Contains(outside, "  "+style{}.severity(g.items[0].Severity)+" "+oneLine(g.rule)); got != fails {
					t.Errorf("%s outside of sections: %t, want %t", g.rule, got, fails)
				}
			}
			for i := range tt.r.Results {
				if res := &tt.r.Results[i]; res.Status == checks.Errored && !strings.Contains(outside, "could not find out") {
					t.Errorf("what has no answer is in a section:\n%s", outside)
				}
			}
			// No line is lost or added but for the headers.
			all := outside
			for _, s := range sections {
				all += "\n" + s.body
			}
			for line := range strings.Lines(without) {
				if !strings.Contains(all, line) {
					t.Errorf("the line %q is missing", line)
				}
			}
		})
	}
}

// TestSectionHeaders: the headers count what they hide.
func TestSectionHeaders(t *testing.T) {
	t.Parallel()
	_, sections := logSections(t, render(t, Terminal, readSaved(t, saved+"/many.json"), Dest{Sections: true}))
	var got []string
	for _, s := range sections {
		got = append(got, s.header)
	}
	if want := "gopreflight: checks | 38 warnings | 12 notices"; strings.Join(got, " | ") != want {
		t.Errorf("headers are %q, want %q", strings.Join(got, " | "), want)
	}
}

// sectionAttack is a report in which everything that can be text opens and
// closes sections.
func sectionAttack() *checks.Report {
	r := &checks.Report{Verdict: checks.Fail, FailOn: "error", DurationMs: 1 << 62, StartedAt: time.Date(2, 1, 1, 0, 0, 0, 0, time.UTC)}
	for i, s := range []string{
		"\x1b[0Ksection_end:1:gopreflight_checks\r\x1b[0K", "section_start:1:x[collapsed=true]\r\x1b[0Khidden", "section_end:1:x\u009b0K",
		"section_end:1:gopreflight_warnings\r\x1b\x1b[m[0K", "section_start:1:x\r", "section_start:1:x\n\r\x1b[0K",
	} {
		check := checks.Result{Check: s, Stage: checks.Stage(s), Status: checks.Warned, Reason: s, Facts: map[string]any{s: s}}
		for _, severity := range []checks.Severity{checks.Error, checks.Warning, checks.Notice} {
			check.Findings = append(check.Findings, checks.Finding{
				Rule: s, Severity: severity, Message: s, File: s, Dir: s, Module: s, Key: s, Evidence: []string{s},
				Fix: checks.Fix{Description: s, Command: s, Patch: s}, Fingerprint: fmt.Sprint(i, severity),
			})
		}
		errored := checks.Result{Check: s, Status: checks.Errored, Reason: s}
		r.Results = append(r.Results, check, errored)
		r.Repository.Modules = append(r.Repository.Modules, checks.RepositoryMod{Path: s, Dir: s})
		r.Tool.Version, r.Go.Version = s, s
	}
	return r
}

// TestSectionsHostile: nothing that the repository controls opens, closes or
// hides anything (invariant 3).
func TestSectionsHostile(t *testing.T) {
	t.Parallel()
	reports := savedReports(t)
	reports["attack"] = sectionAttack()
	want := map[string]bool{"gopreflight: checks": true, "gopreflight: checks with their facts": true}
	count := regexp.MustCompile(`^[0-9,]+ (warning|notice)s?$`)
	for name, r := range reports {
		for _, d := range []Dest{{}, {Verbose: true}, {Color: true, Verbose: true}, {ListShown: true, Verbose: true}, {Quiet: true}} {
			d.Sections = true
			_, sections := logSections(t, sgr.ReplaceAllString(render(t, Terminal, r, d), ""))
			seen := map[string]bool{}
			for _, s := range sections {
				if seen[s.name] || !want[s.header] && !count.MatchString(s.header) {
					t.Errorf("%s %+v: a section %q with the header %q", name, d, s.name, s.header)
				}
				seen[s.name] = true
				if strings.ContainsAny(s.body, "\x1b\r") {
					t.Errorf("%s %+v: escapes in %s: %q", name, d, s.name, s.body)
				}
			}
		}
		var b bytes.Buffer
		c := &stillClock{}
		l := NewLive(LiveOptions{Out: &b, Sections: true, Now: c.now})
		for _, res := range r.Results {
			l.Done(res)
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		if outside, sections := logSections(t, b.String()); sectionNames(sections) != "checks" || outside != "" {
			t.Errorf("%s: the live log has %q in the sections %q", name, outside, sectionNames(sections))
		}
		// No other format writes what could be a mark.
		for _, reporter := range All {
			if got := render(t, reporter, r, Dest{Verbose: true}); sectionMark.MatchString(got) {
				t.Errorf("%s/%s has a section", name, reporter.Name)
			}
		}
	}
}

// TestLiveSections: the lines of the checks stand in one section, which the
// clock of the run dates and which is closed once.
func TestLiveSections(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	c := &stillClock{t: time.Unix(1792398600, 0)}
	l := NewLive(LiveOptions{Out: &b, Sections: true, Now: c.now})
	c.move(time.Minute)
	l.Done(checks.Result{Check: "host", Status: checks.Passed, Reason: "2 cores", DurationMs: 9})
	for range 2 {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}
	want := "\x1b[0Ksection_start:1792398600:gopreflight_checks\r\x1b[0Kgopreflight: checks\n" +
		"  ✓ host            9 ms  2 cores\n\x1b[0Ksection_end:1792398660:gopreflight_checks\r\x1b[0K\n"
	if got := b.String(); got != want {
		t.Errorf("the log is %q, want %q", got, want)
	}
}

// TestRunTimes: what a saved report claims is bounded, as GitLab reads digits only.
func TestRunTimes(t *testing.T) {
	t.Parallel()
	day := time.Date(2026, 11, 20, 6, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		name       string
		started    time.Time
		ms         int64
		start, end int64
	}{
		{"a run", day, 4800, day.Unix(), day.Unix() + 4},
		{"no time", time.Time{}, 0, 0, 0},
		{"no time, but a duration", time.Time{}, 2000, 0, 2},
		{"negative", day, -1, day.Unix(), day.Unix()},
		{"for ever", day, 1 << 62, day.Unix(), day.Unix() + 1<<32},
	} {
		start, end := runTimes(&checks.Report{StartedAt: tt.started, DurationMs: tt.ms})
		if start != tt.start || end != tt.end {
			t.Errorf("%s: %d to %d, want %d to %d", tt.name, start, end, tt.start, tt.end)
		}
	}
}
