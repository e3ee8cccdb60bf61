package report

import (
	"cmp"
	"context"
	"strconv"
	"strings"

	"github.com/gopreflight/gopreflight/checks"
)

// Metrics is for Prometheus: its text format, version 0.0.4, as a node
// exporter's textfile collector and a Pushgateway take it. How many series
// there are depends on the checks and the links of the chain alone, never on
// what was found.
var Metrics = &Reporter{
	Name:  "metrics",
	Doc:   "for Prometheus: text for a node exporter's textfile or a Pushgateway",
	Write: writeMetrics,
}

func writeMetrics(_ context.Context, d Dest, r *checks.Report) error {
	module, _ := mainModule(r)
	m := metrics{module: module, seen: map[string]bool{}}
	m.run(r)
	m.checks(r)
	m.chain(r)
	return writeText(d, "the metrics", m.String())
}

// metrics writes one family of series after the other. All are gauges: they say
// how the last run ended.
type metrics struct {
	strings.Builder
	// module is a label of every series: the textfile collector reads the files
	// of all repositories of a machine as one.
	module string
	// seen are the series written so far. Two of a kind make readers refuse the
	// whole text; only a forged report has them.
	seen map[string]bool
}

// family begins a family: the samples that follow have its name.
func (m *metrics) family(name, help string) func(value float64, labels ...string) {
	name = "gopreflight_" + name
	m.WriteString("# HELP " + name + " " + help + "\n# TYPE " + name + " gauge\n")
	return func(value float64, labels ...string) {
		pairs := []string{`module="` + metricsLabel(m.module) + `"`}
		for i := 0; i < len(labels); i += 2 {
			pairs = append(pairs, labels[i]+`="`+metricsLabel(labels[i+1])+`"`)
		}
		series := name + "{" + strings.Join(pairs, ",") + "}"
		if m.seen[series] {
			return
		}
		m.seen[series] = true
		m.WriteString(series + " " + strconv.FormatFloat(value, 'f', -1, 64) + "\n")
	}
}

func (m *metrics) run(r *checks.Report) {
	m.family("run_info", "Which program made the report, and which go command answered.")(1,
		"version", r.Tool.Version, "go", cmp.Or(r.Go.Version, "none"), "scope", string(r.Scope))
	verdict := m.family("verdict", "1 for the verdict of the run, 0 for the others.")
	for _, v := range verdicts {
		verdict(truth(r.Verdict == v), "verdict", string(v))
	}
	m.family("retryable", "1 when every root cause may go away by itself.")(truth(r.Retryable))
	m.family("root_causes", "How many findings are nobody's consequence.")(float64(len(r.RootCauses)))
	if !r.StartedAt.IsZero() {
		m.family("run_start_timestamp_seconds", "When the run started, in seconds since 1970.")(float64(r.StartedAt.Unix()))
	}
	m.family("run_duration_seconds", "How long the run took.")(seconds(r.DurationMs))
}

func (m *metrics) checks(r *checks.Report) {
	found := m.family("findings", "How many findings a check has, by severity.")
	for i := range r.Results {
		res := &r.Results[i]
		n := map[checks.Severity]int{}
		for j := range res.Findings {
			n[res.Findings[j].Severity]++
		}
		for _, s := range severities {
			found(float64(n[s]), "check", res.Check, "severity", string(s))
		}
	}
	status := m.family("check_status", "1 for the status in which a check ended, 0 for the others.")
	for i := range r.Results {
		for _, s := range statuses {
			status(truth(r.Results[i].Status == s), "check", r.Results[i].Check, "status", string(s))
		}
	}
	took := m.family("check_duration_seconds", "How long a check took.")
	for i := range r.Results {
		took(seconds(r.Results[i].DurationMs), "check", r.Results[i].Check)
	}
}

func (m *metrics) chain(r *checks.Report) {
	if len(r.Chain) == 0 {
		return
	}
	state := m.family("link_state", "1 for the state of a link of the chain of evidence, 0 for the others.")
	for _, l := range r.Chain {
		for _, s := range linkStates {
			state(truth(l.State == s), "link", l.Link, "state", string(s))
		}
	}
	items := m.family("link_items", "How many things (modules, packages) a link of the chain is about.")
	for _, l := range r.Chain {
		items(float64(max(l.Total, 0)), "link", l.Link)
	}
	proven := m.family("link_proven_items", "How many of them are proven.")
	for _, l := range r.Chain {
		proven(float64(max(l.Proven, 0)), "link", l.Link)
	}
}

// truth is 1 for yes and 0 for no.
func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// metricsLabel escapes the value of a label (Prometheus documentation,
// "Exposition formats"): backslash, double quote and line feed, of which
// LogLine leaves none. A value that would be a command in a job log is broken
// up always: escaped text could not be any more.
func metricsLabel(s string) string {
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(LogLine(s))
}
