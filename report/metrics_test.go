package report

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gopreflight/gopreflight/checks"
)

var (
	metricLine  = regexp.MustCompile(`^([a-z_]+)\{((?:[a-z_]+="(?:[^"\\\n]|\\[\\"n])*",?)*)\} ([0-9.]+)$`)
	metricLabel = regexp.MustCompile(`([a-z_]+)="((?:[^"\\\n]|\\[\\"n])*)",?`)
)

// parseMetrics reads the text format and fails where readMetrics does.
func parseMetrics(t *testing.T, text string) map[string]float64 {
	t.Helper()
	series, err := readMetrics(text)
	if err != nil {
		t.Error(err)
	}
	return series
}

// readMetrics reads the text format by its rules (Prometheus documentation,
// "Exposition formats"): a family's lines stand together behind its HELP and
// TYPE, and no series is there twice. A series is "name{label=value ...}".
func readMetrics(text string) (map[string]float64, error) {
	var wrong faults
	if !strings.HasSuffix(text, "\n") {
		wrong.addf("the last line has no end")
	}
	series := map[string]float64{}
	typed := map[string]bool{}
	family := ""
	for line := range strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n") {
		if rest, ok := strings.CutPrefix(line, "# HELP "); ok {
			name, help, _ := strings.Cut(rest, " ")
			if typed[name] || help == "" {
				wrong.addf("family %s is there twice, or has no help", name)
			}
			family = name
			continue
		}
		if rest, ok := strings.CutPrefix(line, "# TYPE "); ok {
			if rest != family+" gauge" {
				wrong.addf("type %q in the family %s", rest, family)
			}
			typed[family] = true
			continue
		}
		m := metricLine.FindStringSubmatch(line)
		if m == nil || m[1] != family || !typed[family] {
			wrong.addf("%q is no sample of %s", line, family)
			continue
		}
		id := m[1] + "{"
		labels := map[string]bool{}
		for i, l := range metricLabel.FindAllStringSubmatch(m[2], -1) {
			if labels[l[1]] {
				wrong.addf("%q has the label %s twice", line, l[1])
			}
			labels[l[1]] = true
			if i > 0 {
				id += " "
			}
			id += l[1] + "=" + strings.NewReplacer(`\\`, `\`, `\"`, `"`, `\n`, "\n").Replace(l[2])
		}
		id += "}"
		value, err := strconv.ParseFloat(m[3], 64)
		if _, dup := series[id]; dup || err != nil {
			wrong.addf("%s is there twice, or has no value (%v)", id, err)
		}
		series[id] = value
	}
	if len(wrong) > 0 {
		return series, errors.New(strings.Join(wrong, "\n"))
	}
	return series, nil
}

// TestMetrics: what holds for every report.
func TestMetrics(t *testing.T) {
	t.Parallel()
	reports := savedReports(t)
	reports["empty"] = &checks.Report{Verdict: checks.Pass}
	for name, r := range reports {
		got := parseMetrics(t, render(t, Metrics, r, Dest{}))
		module, _ := mainModule(r)
		sum := map[string]float64{}
		for id, value := range got {
			family, _, _ := strings.Cut(id, "{")
			sum[family] += value
			if !strings.Contains(id, "{module="+module) {
				t.Errorf("%s: %s has no module", name, id)
			}
		}
		errors, warnings, notices := r.Counts()
		for family, want := range map[string]int{
			"gopreflight_verdict": 1, "gopreflight_findings": errors + warnings + notices,
			"gopreflight_check_status": len(r.Results), "gopreflight_link_state": len(r.Chain), "gopreflight_root_causes": len(r.RootCauses),
		} {
			if sum[family] != float64(want) {
				t.Errorf("%s: %s adds up to %v, want %d", name, family, sum[family], want)
			}
		}
		if got[fmt.Sprintf("gopreflight_verdict{module=%s verdict=%s}", module, r.Verdict)] != 1 {
			t.Errorf("%s: the verdict is not %s", name, r.Verdict)
		}
		// Their number depends on the checks and the chain, not on the findings.
		if most := 16 + 10*len(r.Results) + 7*len(r.Chain); len(got) > most {
			t.Errorf("%s: %d series, want %d at most", name, len(got), most)
		}
	}
}

func TestMetricsExact(t *testing.T) {
	t.Parallel()
	r := &checks.Report{
		Tool: checks.Tool{Version: `v1 "x" \`}, Scope: checks.ScopeJob, Verdict: checks.Fail, Retryable: true,
		StartedAt: time.Unix(1_800_000_000, 0), DurationMs: 4831,
		Repository: checks.Repository{Modules: []checks.RepositoryMod{{Path: "example.com/m", Dir: "."}}},
		Results: []checks.Result{
			{Check: "proxy", Status: checks.Failed, DurationMs: 1500, Findings: []checks.Finding{{Severity: checks.Error}, {Severity: checks.Error}, {Severity: checks.Notice}}},
			{Check: "proxy", Status: checks.Passed, DurationMs: 9}, // a forged report's
		},
		Chain: []checks.Link{{Link: "gosum", State: checks.Proven, Proven: 3, Total: 4}},
	}
	got := parseMetrics(t, render(t, Metrics, r, Dest{}))
	for id, want := range map[string]float64{
		`gopreflight_run_info{module=example.com/m version=v1 "x" \ go=none scope=job}`: 1,
		`gopreflight_retryable{module=example.com/m}`:                                   1,
		`gopreflight_verdict{module=example.com/m verdict=pass}`:                        0,
		`gopreflight_run_start_timestamp_seconds{module=example.com/m}`:                 1_800_000_000,
		`gopreflight_run_duration_seconds{module=example.com/m}`:                        4.831,
		`gopreflight_findings{module=example.com/m check=proxy severity=error}`:         2,
		`gopreflight_findings{module=example.com/m check=proxy severity=warning}`:       0,
		`gopreflight_check_status{module=example.com/m check=proxy status=failed}`:      1,
		`gopreflight_check_status{module=example.com/m check=proxy status=passed}`:      0,
		`gopreflight_check_duration_seconds{module=example.com/m check=proxy}`:          1.5,
		`gopreflight_link_state{module=example.com/m link=gosum state=proven}`:          1,
		`gopreflight_link_items{module=example.com/m link=gosum}`:                       4,
		`gopreflight_link_proven_items{module=example.com/m link=gosum}`:                3,
	} {
		if value, ok := got[id]; !ok || value != want {
			t.Errorf("%s is %v (%t), want %v", id, value, ok, want)
		}
	}
}

func FuzzMetricsLabel(f *testing.F) {
	for _, seed := range []string{"a", `"} 1`, "a\nb", `\`, `\"`, "##[x]", "\x00\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		line := `x{a="` + metricsLabel(s) + `"} 1`
		if !metricLine.MatchString(line) || len(logCommands(line)) > 0 {
			t.Fatalf("%q is no sample, or a command", line)
		}
		m := metricLabel.FindStringSubmatch(line)
		if got, want := strings.NewReplacer(`\\`, `\`, `\"`, `"`).Replace(m[2]), LogLine(s); got != want {
			t.Errorf("%q reads as %q, want %q", line, got, want)
		}
	})
}
