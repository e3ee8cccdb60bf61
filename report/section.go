package report

import (
	"fmt"

	"github.com/gopreflight/gopreflight/checks"
)

// section is a part of a GitLab job log that can be folded (GitLab
// documentation, "Custom collapsible sections"). Its name and header are words
// of ours: GitLab's parser looks for marks anywhere in a line, but only for such
// as end in a carriage return and an escape sequence, which no cleaned text has
// (GitLab, lib/gitlab/regex.rb, logs_section_*_regex).
type section struct {
	// name tells it from the others of a log: letters, digits, "_", "." and "-".
	name string
	// folded sections are opened by a click.
	folded bool
}

// The sections of a run.
var (
	sectionChecks   = section{name: "gopreflight_checks"}
	sectionFacts    = section{name: "gopreflight_facts", folded: true}
	sectionWarnings = section{name: "gopreflight_warnings", folded: true}
	sectionNotices  = section{name: "gopreflight_notices", folded: true}
)

// headerChecks is the header of the list of checks.
const headerChecks = "gopreflight: checks"

// start is the line that opens the section, at a time in seconds since 1970.
// It ends in the header, which stays visible.
func (s section) start(unix int64, header string) string {
	options := ""
	if s.folded {
		options = "[collapsed=true]"
	}
	return fmt.Sprintf("\x1b[0Ksection_start:%d:%s%s\r\x1b[0K%s\n", max(unix, 0), s.name, options, header)
}

// end is the line that closes it. GitLab shows the time between both.
func (s section) end(unix int64) string {
	return fmt.Sprintf("\x1b[0Ksection_end:%d:%s\r\x1b[0K\n", max(unix, 0), s.name)
}

// runTimes is when a run started and ended, in seconds since 1970: 0 and up,
// whatever a saved report claims.
func runTimes(r *checks.Report) (start, end int64) {
	const longest = 1 << 32 // seconds
	start = max(r.StartedAt.Unix(), 0)
	return start, start + min(max(r.DurationMs, 0)/1000, longest)
}
