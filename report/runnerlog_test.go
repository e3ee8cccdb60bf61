package report

import (
	"bytes"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/gopreflight/gopreflight/checks"
	"github.com/gopreflight/gopreflight/internal/plain"
)

// What GitHub's runner makes of what we write, by the rules of its source
// (actions/runner): the commands in a job log, the annotations that come of
// them, and a step's outputs.

// command is what the runner makes of a line of a job log.
type command struct {
	name  string
	props map[string]string
	data  string
}

// logCommands are the commands in a job log. It is stricter than the runner,
// which passes over commands that it does not know: here every mark of one
// counts. The runner reads lines with .NET's ReadLine, which a carriage return
// ends, too.
func logCommands(log string) []command {
	var list []command
	for _, line := range strings.FieldsFunc(log, func(r rune) bool { return r == '\n' || r == '\r' }) {
		if c, ok := parseCommand(line); ok {
			list = append(list, c)
		}
	}
	return list
}

// parseCommand reads a line as ActionCommand.TryParseV2 does ("::" at its start
// after white space), and when that finds nothing as TryParse ("##[" anywhere).
func parseCommand(line string) (command, bool) {
	c := command{props: map[string]string{}}
	if body, ok := strings.CutPrefix(strings.TrimLeftFunc(line, unicode.IsSpace), "::"); ok {
		if info, data, ok := strings.Cut(body, "::"); ok {
			name, props, _ := strings.Cut(info, " ")
			for p := range strings.SplitSeq(strings.TrimSpace(props), ",") {
				if k, v, ok := strings.Cut(p, "="); ok && k != "" && v != "" {
					c.props[k] = unescape(v, "%0D", "\r", "%0A", "\n", "%3A", ":", "%2C", ",")
				}
			}
			c.name, c.data = name, unescape(data, "%0D", "\r", "%0A", "\n")
			return c, true
		}
	}
	if _, info, ok := strings.Cut(line, "##["); ok {
		info, data, _ := strings.Cut(info, "]")
		name, props, _ := strings.Cut(info, " ")
		pairs := []string{"%3B", ";", "%0D", "\r", "%0A", "\n", "%5D", "]"}
		for p := range strings.SplitSeq(props, ";") {
			if k, v, ok := strings.Cut(p, "="); ok && k != "" && v != "" {
				c.props[k] = unescape(v, pairs...)
			}
		}
		c.name, c.data = name, unescape(data, pairs...)
		return c, true
	}
	return c, false
}

// unescape replaces one after the other, "%25" last (the order of the runner's
// EscapeMapping lists).
func unescape(s string, pairs ...string) string {
	for i := 0; i < len(pairs); i += 2 {
		s = strings.ReplaceAll(s, pairs[i], pairs[i+1])
	}
	return strings.ReplaceAll(s, "%25", "%")
}

// issueOf is the annotation that a command makes, with the places that the
// runner keeps (IssueCommandExtension.ValidateLinesAndColumns): no end without a
// beginning, none before it, and columns on one line only.
func issueOf(c command) (annotation, bool) {
	a := annotation{severity: checks.Severity(c.name), title: c.props["title"], file: c.props["file"], message: c.data}
	if a.severity.Rank() == 0 {
		return a, false
	}
	number := func(name string) int {
		n, err := strconv.ParseInt(c.props[name], 10, 32)
		if err != nil {
			return 0
		}
		return int(n)
	}
	a.line, a.endLine, a.col = number("line"), number("endLine"), number("col")
	if a.endLine < a.line || a.line == 0 {
		a.endLine = 0
	}
	if a.line == 0 || a.endLine > a.line {
		a.col = 0
	}
	return a, true
}

// stepOutputs reads a file of GITHUB_OUTPUT (FileCommandManager,
// EnvFileKeyValuePairs): NAME=VALUE, or NAME<<DELIMITER and lines up to it.
func stepOutputs(text string) (map[string]string, error) {
	outputs := map[string]string{}
	lines := strings.Split(text, "\n")
	for i := 0; i < len(lines); i++ {
		line := lines[i]
		if line == "" {
			continue
		}
		equals, heredoc := strings.Index(line, "="), strings.Index(line, "<<")
		switch {
		case equals >= 0 && (heredoc < 0 || equals < heredoc):
			outputs[line[:equals]] = line[equals+1:]
		case heredoc >= 0:
			name, delimiter, _ := strings.Cut(line, "<<")
			var value []string
			for i++; i < len(lines) && lines[i] != delimiter; i++ {
				value = append(value, lines[i])
			}
			if i == len(lines) {
				return nil, fmt.Errorf("no end of %s", name)
			}
			outputs[name] = strings.Join(value, "\n")
		default:
			return nil, fmt.Errorf("invalid format %q", line)
		}
	}
	return outputs, nil
}

// TestRunnerDecoder: the decoder finds what the runner would.
func TestRunnerDecoder(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		log  string
		want []command
	}{
		{"plain :: text\n# # [x]\n::no end\n", nil},
		{" \t::error file=a,line=1::x\n", []command{{"error", map[string]string{"file": "a", "line": "1"}, "x"}}},
		{"::stop-commands::word\n", []command{{"stop-commands", nil, "word"}}},
		{"fine\r::add-mask::x", []command{{"add-mask", nil, "x"}}},
		{"\u00a0::debug::%253A%0A%25\n", []command{{"debug", nil, "%3A\n%"}}},
		{"::error title=a%3Ab%2Cc%250A::d%3A\n", []command{{"error", map[string]string{"title": "a:b,c%0A"}, "d%3A"}}},
		{"text ##[set-env name=A;x=1%3B]y%5D", []command{{"set-env", map[string]string{"name": "A", "x": "1;"}, "y]"}}},
		{"::no end ##[group]x", []command{{"group", nil, "x"}}},
		{"::error::x ##[group]y", []command{{"error", nil, "x ##[group]y"}}},
	} {
		got := logCommands(tt.log)
		if fmt.Sprintf("%q", got) != fmt.Sprintf("%q", tt.want) {
			t.Errorf("%q: commands are %q, want %q", tt.log, got, tt.want)
		}
	}
	for _, tt := range []struct {
		line string
		want annotation
	}{
		{"::error file=a,line=3,col=7::x", annotation{"error", "", "x", "a", 3, 0, 7}},
		{"::error file=a,line=3,endLine=5,col=7::x", annotation{"error", "", "x", "a", 3, 5, 0}},
		{"::error file=a,line=3,endLine=2::x", annotation{"error", "", "x", "a", 3, 0, 0}},
		{"::error file=a,endLine=5,col=7::x", annotation{"error", "", "x", "a", 0, 0, 0}},
		{"::error file=a,line=99999999999::x", annotation{"error", "", "x", "a", 0, 0, 0}},
	} {
		c, _ := parseCommand(tt.line)
		if got, ok := issueOf(c); !ok || got != tt.want {
			t.Errorf("%q: the annotation is %+v, want %+v", tt.line, got, tt.want)
		}
	}
	if _, ok := issueOf(command{name: "group"}); ok {
		t.Error("a group is taken for an annotation")
	}
	got, err := stepOutputs("a=b<<c\n\nd<<E\nx\ny=z\nE\nf=\n")
	if want := map[string]string{"a": "b<<c", "d": "x\ny=z", "f": ""}; err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("outputs are %q (%v), want %q", got, err, want)
	}
	for _, bad := range []string{"a<<E\nx\n", "word\n"} {
		if got, err := stepOutputs(bad); err == nil {
			t.Errorf("%q: outputs are %q, want an error", bad, got)
		}
	}
}

// TestRegistryInLogs: what explain and list print of a rule is no command, so
// they need not break anything up.
func TestRegistryInLogs(t *testing.T) {
	t.Parallel()
	for _, c := range checks.All {
		for _, text := range []string{c.Title, c.Doc} {
			if got := logCommands(text); len(got) > 0 {
				t.Errorf("%s has %q", c.Name, got)
			}
		}
		for _, r := range c.Rules {
			if got := logCommands(r.Summary + "\n" + r.Help); len(got) > 0 {
				t.Errorf("%s has %q", r.ID, got)
			}
		}
	}
}

// FuzzAnnotations: whatever a finding says, the runner reads one annotation and
// no other command, with the finding's own words in it.
func FuzzAnnotations(f *testing.F) {
	for _, s := range []string{
		"cannot use x", "100%25 a:b,c=d %0A::error::x", "::error::x", "a\n##[group]b", "x::y", "##[##[", "%2525", "\r::stop-commands::x",
		"\u2028::debug::x", strings.Repeat("é", 5000), "=,=::", "title=a,file=b", "",
	} {
		f.Add(s, s, s, s)
	}
	f.Fuzz(func(t *testing.T, rule, message, file, fix string) {
		finding := checks.Finding{Rule: rule, Severity: checks.Error, Message: message, File: file, Line: 3, Fix: checks.Fix{Command: fix}}
		r := &checks.Report{Verdict: checks.Fail, Results: []checks.Result{{Check: "build", Status: checks.Failed, Findings: []checks.Finding{finding}}}}
		var b bytes.Buffer
		if err := GitHub.Write(t.Context(), Dest{Out: &b}, r); err != nil {
			t.Fatal(err)
		}
		commands := logCommands(b.String())
		if len(commands) != 1 {
			t.Fatalf("%q has %d commands, want one", b.String(), len(commands))
		}
		got, ok := issueOf(commands[0])
		wantLine := 0
		if oneLine(file) != "" {
			wantLine = 3
		}
		if !ok || got.title != plain.Cut(guardTag(oneLine(rule)), maxAnnotationTitle) || got.file != guardTag(oneLine(file)) || got.line != wantLine {
			t.Errorf("%q is read as %+v", b.String(), got)
		}
		if !strings.HasPrefix(got.message, guardTag(oneLine(message))) || len(got.message) > maxAnnotation || !utf8.ValidString(got.message) {
			t.Errorf("the message %q is read as %q", message, got.message)
		}
		if strings.Contains(got.message, "##[") || strings.Contains(got.title, "##[") {
			t.Errorf("%q has a tag of the log's page", b.String())
		}
	})
}

// FuzzOutputs: the runner reads the outputs that action.yml declares, no other,
// and each value as it is.
func FuzzOutputs(f *testing.F) {
	for _, s := range []string{"proxy/dns", "a\nverdict=pass", "a\rverdict=pass", "<<EOF", "a<<b", "=", "\u2028x=y", "\x00"} {
		f.Add(s, s)
	}
	f.Fuzz(func(t *testing.T, rule, path string) {
		r := &checks.Report{Verdict: checks.Fail, RootCauses: []checks.RootCause{{Rule: rule}}}
		s := newStep(t)
		err := GitHub.Write(t.Context(), Dest{Out: &bytes.Buffer{}, Getenv: s.getenv, Append: s.open, ReportPath: path}, r)
		if broken := strings.ContainsAny(rule+path, "\r\n"); (err != nil) != broken {
			t.Errorf("error %v, with a line break: %t", err, broken)
		}
		got, err := stepOutputs(s.read(t, "GITHUB_OUTPUT"))
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]string{"verdict": "fail", "errors": "0", "warnings": "0", "root-cause": rule, "report": path}
		for name, value := range want {
			if strings.ContainsAny(value, "\r\n") {
				want[name] = ""
			}
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("outputs are %q, want %q", got, want)
		}
	})
}
