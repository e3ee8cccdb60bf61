package report

import (
	"bytes"
	"errors"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/gopreflight/gopreflight/checks"
)

func TestAll(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, r := range All {
		if !regexp.MustCompile(`^[a-z]+$`).MatchString(r.Name) || seen[r.Name] {
			t.Errorf("name %q is not a new lower-case word", r.Name)
		}
		seen[r.Name] = true
		if r.Doc == "" || strings.Contains(r.Doc, "\n") || strings.HasSuffix(r.Doc, ".") {
			t.Errorf("%s: doc %q is not one line for --help", r.Name, r.Doc)
		}
		if got := Lookup(r.Name); got != r {
			t.Errorf("Lookup(%q) = %v", r.Name, got)
		}
	}
	if got := Lookup("none"); got != nil {
		t.Errorf("Lookup(none) = %v", got)
	}
	if got, want := strings.Join(Names(), " "), "terminal github json sarif junit codequality checkstyle markdown metrics"; got != want {
		t.Errorf("Names() = %q, want %q", got, want)
	}
}

// TestFormatsDocument: docs/formats.md has every format.
func TestFormatsDocument(t *testing.T) {
	t.Parallel()
	doc, err := os.ReadFile("../docs/formats.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range Names() {
		if !strings.Contains(string(doc), "\n| `"+name+"` | ") {
			t.Errorf("docs/formats.md has no row for %s", name)
		}
	}
}

// full is a device without room.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }

var errFull = errors.New("no space left on device")

// TestWriteErrors: an output that cannot be written is an error of every
// format, never a panic and never silence.
func TestWriteErrors(t *testing.T) {
	t.Parallel()
	for _, reporter := range All {
		r := readSaved(t, saved+"/fail.json")
		if err := reporter.Write(t.Context(), Dest{Out: full{}}, r); !errors.Is(err, errFull) {
			t.Errorf("%s: error %v, want %v", reporter.Name, err, errFull)
		}
	}
}

// TestEmptyReport: no format needs more than a verdict.
func TestEmptyReport(t *testing.T) {
	t.Parallel()
	for _, reporter := range All {
		for _, d := range []Dest{{}, {Color: true, Width: 1, Verbose: true}, {Quiet: true, ListShown: true, Log: true}} {
			r := &checks.Report{Schema: checks.Schema, Scope: checks.ScopeJob, Verdict: checks.Pass}
			if got := render(t, reporter, r, d); got == "" {
				t.Errorf("%s wrote nothing", reporter.Name)
			}
		}
	}
}

// TestReportUnchanged: reporters only read; they may run at the same time.
func TestReportUnchanged(t *testing.T) {
	t.Parallel()
	for name, r := range savedReports(t) {
		before := render(t, JSON, r, Dest{})
		done := make(chan bool)
		for _, reporter := range All {
			go func() {
				defer func() { done <- true }()
				var b bytes.Buffer
				if err := reporter.Write(t.Context(), Dest{Out: &b, Color: true, Verbose: true}, r); err != nil {
					t.Error(err)
				}
			}()
		}
		for range All {
			<-done
		}
		if after := render(t, JSON, r, Dest{}); after != before {
			t.Errorf("%s was changed by a reporter", name)
		}
	}
}

// TestNoWorkflowCommands: a job log of every format but github, live or not,
// holds no command, whatever the report says (invariant 3).
func TestNoWorkflowCommands(t *testing.T) {
	t.Parallel()
	for name, r := range savedReports(t) {
		for _, d := range []Dest{{Log: true}, {Log: true, Verbose: true}, {Log: true, Color: true, Verbose: true}, {Log: true, Quiet: true}, {Log: true, Width: 40}} {
			for _, reporter := range All {
				if reporter == GitHub {
					continue
				}
				if got := logCommands(render(t, reporter, r, d)); len(got) > 0 {
					t.Errorf("%s/%s %+v: the log has commands: %q", name, reporter.Name, d, got)
				}
			}
		}
		if again, err := ReadJSON(strings.NewReader(render(t, JSON, r, Dest{Log: true}))); err != nil || !reflect.DeepEqual(again, r) {
			t.Errorf("%s: JSON in a log is another report (%v)", name, err)
		}
		var b bytes.Buffer
		l := NewLive(LiveOptions{Out: &b, Log: true})
		for _, res := range r.Results {
			l.Done(res)
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		if got := logCommands(b.String()); len(got) > 0 {
			t.Errorf("%s: the live log has commands: %q", name, got)
		}
	}
	// The fixtures have something to find.
	hostile, err := os.ReadFile(saved + "/hostile.json")
	if err != nil || !bytes.Contains(hostile, []byte("##[")) || !bytes.Contains(hostile, []byte("::")) {
		t.Errorf("hostile.json has lost its commands (%v)", err)
	}
}

// TestNoTerminalEscapes: no format writes a control character that is not its
// own.
func TestNoTerminalEscapes(t *testing.T) {
	t.Parallel()
	sgr := regexp.MustCompile("\x1b\\[[0-9;]*m")
	for name, r := range savedReports(t) {
		for _, reporter := range All {
			got := render(t, reporter, r, Dest{Color: true, Verbose: true})
			if reporter == Terminal {
				got = sgr.ReplaceAllString(got, "")
			}
			for _, c := range got {
				if c < ' ' && c != '\n' && c != '\t' || c == 0x7f || c >= 0x80 && c < 0xa0 || c >= 0x202a && c <= 0x202e || c == 0x2066 {
					if reporter == JSON { // keeps what it was given, escaped as JSON has it
						continue
					}
					t.Errorf("%s/%s has the control character %U", name, reporter.Name, c)
					break
				}
			}
		}
	}
}
