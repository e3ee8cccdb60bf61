package report

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gopreflight/gopreflight/checks"
)

// screen is as much of a terminal as the live list uses: it keeps lines, obeys
// cursor up, carriage return and erase below, and forgets what scrolls away.
type screen struct {
	height int
	lines  []string
	row    int
	hidden bool
	noWrap bool
}

func (s *screen) Write(p []byte) (int, error) {
	rest := string(p)
	for rest != "" {
		switch {
		case strings.HasPrefix(rest, "\x1b["):
			i := strings.IndexAny(rest[2:], "AJmhl") + 2
			arg, op := rest[2:i], rest[i]
			rest = rest[i+1:]
			switch op {
			case 'A':
				n, _ := strconv.Atoi(arg)
				s.row = max(0, s.row-n)
			case 'J':
				s.lines = s.lines[:min(s.row, len(s.lines))]
			case 'h', 'l':
				s.hidden = s.hidden && arg != "?25" || arg == "?25" && op == 'l'
				s.noWrap = s.noWrap && arg != "?7" || arg == "?7" && op == 'l'
			}
		case rest[0] == '\r':
			rest = rest[1:]
		case rest[0] == '\n':
			rest = rest[1:]
			if s.row++; s.row >= s.height { // the first line scrolls away
				s.lines = s.lines[1:]
				s.row--
			}
		default:
			i := strings.IndexAny(rest, "\n\r\x1b")
			if i < 0 {
				i = len(rest)
			}
			for len(s.lines) <= s.row {
				s.lines = append(s.lines, "")
			}
			s.lines[s.row] += rest[:i]
			rest = rest[i:]
		}
	}
	return len(p), nil
}

func (s *screen) String() string { return strings.Join(s.lines, "\n") }

// stillClock is a time that stands still until it is moved.
type stillClock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *stillClock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *stillClock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

func TestLiveTerminal(t *testing.T) {
	t.Parallel()
	s := &screen{height: 24, lines: []string{"$ gopreflight"}, row: 1}
	c := &stillClock{}
	l := NewLive(LiveOptions{Out: s, TTY: true, Color: true, Size: func() (int, int) { return 60, 24 }, Now: c.now})
	l.mu.Lock() // the screen is read between two redraws
	if !s.hidden || !s.noWrap {
		t.Error("the cursor is shown, or long lines wrap")
	}
	l.mu.Unlock()

	l.Started("host")
	l.Started("modcache")
	c.move(1500 * time.Millisecond)
	l.Progress("modcache", "200 of 560 modules, of which some have\nvery long names that do not fit")
	l.Done(checks.Result{Check: "host", Status: checks.Passed, Reason: "2 cores, 24 GiB", DurationMs: 9})
	l.mu.Lock()
	want := "$ gopreflight\n" +
		"  ✓ host            9 ms  2 cores, 24 GiB\n" +
		"  • modcache       1.5 s  200 of 560 modules, of which some…"
	if got := s.String(); got != want {
		t.Errorf("the screen shows\n%s\nwant\n%s", got, want)
	}
	l.mu.Unlock()

	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if got := s.String(); got != "$ gopreflight" || s.hidden || s.noWrap {
		t.Errorf("after Close the screen shows %q, cursor hidden %v, wrapping off %v", got, s.hidden, s.noWrap)
	}
	l.Done(checks.Result{Check: "late", Status: checks.Passed})
	if err := l.Close(); err != nil || s.String() != "$ gopreflight" {
		t.Errorf("after a second Close: %v, %q", err, s)
	}
}

// TestLiveSmallTerminal: a list that is longer than the screen is cut so that
// it can always be erased again; what runs stays on it.
func TestLiveSmallTerminal(t *testing.T) {
	t.Parallel()
	for height := range 12 {
		s := &screen{height: max(3, height)}
		c := &stillClock{}
		l := NewLive(LiveOptions{Out: s, TTY: true, Size: func() (int, int) { return 80, height }, Now: c.now})
		for i := range 9 {
			name := fmt.Sprint("check", i)
			l.Started(name)
			if i != 2 && i != 8 {
				l.Done(checks.Result{Check: name, Status: checks.Passed})
			}
		}
		l.mu.Lock()
		got := s.String()
		if height >= 4 && (!strings.Contains(got, "• check2") || !strings.Contains(got, "• check8")) {
			t.Errorf("height %d: what runs is not shown:\n%s", height, got)
		}
		if lines := strings.Count(got, "\n") + 1; lines > max(2, height-1) {
			t.Errorf("height %d: the list has %d lines", height, lines)
		}
		if height >= 4 && height < 10 && !strings.Contains(got, " done") {
			t.Errorf("height %d: what is hidden is not counted:\n%s", height, got)
		}
		l.mu.Unlock()
		if err := l.Close(); err != nil || s.String() != "" {
			t.Errorf("height %d: after Close (%v) the screen shows\n%s", height, err, s)
		}
	}
}

// TestLiveLog: in a log a line for every check that ends, none twice, and one
// more when the end turns out to be another.
func TestLiveLog(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	l := NewLive(LiveOptions{Out: &b, Log: true})
	l.Started("proxy")
	l.Progress("proxy", "asking")
	l.Started("tidy")
	proxy := checks.Result{Check: "proxy", Status: checks.Failed, Reason: "##[group]certificate expired", DurationMs: 212}
	tidy := checks.Result{Check: "tidy", Status: checks.Errored, Reason: "cannot download", DurationMs: 1400,
		Modules: []checks.ModuleStatus{{Dir: ".", Status: checks.Passed}, {Dir: "api", Status: checks.Errored, Reason: "cannot download"}}}
	l.Done(proxy)
	l.Done(tidy)
	tidy.Status, tidy.Reason, tidy.Modules = checks.Blocked, "blocked by proxy/tls-expired", nil
	l.Settle([]checks.Result{proxy, tidy})
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	want := `  ✗ proxy          0.2 s  ##\[group]certificate expired
  ? tidy           1.4 s  could not find out: cannot download
                          ? api: could not find out: cannot download
  ⊘ tidy           1.4 s  blocked by proxy/tls-expired
`
	if got := b.String(); got != want {
		t.Errorf("the log is\n%s\nwant\n%s", got, want)
	}
}

// TestLiveConcurrent: many checks at once, under -race.
func TestLiveConcurrent(t *testing.T) {
	t.Parallel()
	for _, tty := range []bool{true, false} {
		var b bytes.Buffer
		l := NewLive(LiveOptions{Out: &b, TTY: tty, Now: (&stillClock{}).now})
		var wg sync.WaitGroup
		for i := range 20 {
			wg.Go(func() {
				name := fmt.Sprint("c", i)
				l.Started(name)
				l.Progress(name, "busy")
				l.Done(checks.Result{Check: name, Status: checks.Passed})
			})
		}
		wg.Wait()
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		if !tty && strings.Count(b.String(), "\n") != 20 {
			t.Errorf("the log has %d lines, want 20", strings.Count(b.String(), "\n"))
		}
	}
}

func TestLiveWriteError(t *testing.T) {
	t.Parallel()
	for _, tty := range []bool{true, false} {
		l := NewLive(LiveOptions{Out: full{}, TTY: tty, Now: (&stillClock{}).now})
		l.Started("host")
		l.Done(checks.Result{Check: "host"})
		if err := l.Close(); !errors.Is(err, errFull) {
			t.Errorf("tty %v: error %v, want %v", tty, err, errFull)
		}
	}
}
