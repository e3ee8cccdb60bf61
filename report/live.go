package report

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/gopreflight/gopreflight/checks"
)

// redrawEvery is how often the clocks of running checks move on a terminal.
const redrawEvery = 100 * time.Millisecond

// Live shows a run while it goes on. On a terminal it is a list that is redrawn
// in place and erased by Close, so that the report can take its place; in a log
// it is one line for every check that ends, on GitLab within a section, and the
// report that follows leaves its own list out (Dest.ListShown).
//
// Its methods may be called from several goroutines. They never fail: what
// Close returns is the first error in writing.
type Live struct {
	o LiveOptions

	mu      sync.Mutex
	rows    []*row
	drawn   int // lines of the list that stand on the terminal
	stop    chan struct{}
	stopped sync.WaitGroup
	closed  bool
	err     error
}

// LiveOptions is where and how a Live view shows itself.
type LiveOptions struct {
	// Out is the terminal or the log. Required.
	Out io.Writer
	// TTY says that Out is a terminal that understands ANSI sequences.
	TTY bool
	// Color, ASCII, Log and Sections are as in Dest. On a terminal there are no
	// sections.
	Color, ASCII, Log, Sections bool
	// Size is the terminal's width and height, asked at every redraw; nil
	// means 80 by 24.
	Size func() (width, height int)
	// Now is the clock. Required on a terminal and for sections.
	Now func() time.Time
}

// row is one check of the list.
type row struct {
	check   string
	started time.Time
	text    string
	result  *checks.Result // nil while it runs
}

// NewLive starts a live view; Close ends it.
func NewLive(o LiveOptions) *Live {
	l := &Live{o: o, stop: make(chan struct{})}
	switch {
	case o.TTY:
		l.write(hideCursor)
		l.stopped.Go(l.tick)
	case o.Sections:
		l.write(sectionChecks.start(o.Now().Unix(), headerChecks))
	}
	return l
}

// ANSI sequences of the live list. Lines that are too long for the terminal
// must not wrap, or the cursor would come back to the wrong one.
const (
	hideCursor = "\x1b[?25l\x1b[?7l"
	// ShowCursor undoes what a Live view that was never closed did to a terminal.
	ShowCursor = "\x1b[?25h\x1b[?7h"
	eraseBelow = "\r\x1b[J"
)

// tick redraws the list until the view is closed.
func (l *Live) tick() {
	t := time.NewTicker(redrawEvery)
	defer t.Stop()
	for {
		select {
		case <-l.stop:
			return
		case <-t.C:
			l.mu.Lock()
			l.draw()
			l.mu.Unlock()
		}
	}
}

// Started says that a check runs now.
func (l *Live) Started(check string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.row(check)
	if l.o.Now != nil {
		r.started = l.o.Now()
	}
	l.draw()
}

// Progress says what a running check is doing.
func (l *Live) Progress(check, text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.row(check).text = oneLine(text)
}

// Done says how a check ended.
func (l *Live) Done(result checks.Result) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.done(result)
}

// Settle takes the final results: a check whose status changed once all had
// ended (an error that turned out to be another's consequence) is shown again.
func (l *Live) Settle(results []checks.Result) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, r := range results {
		if old := l.row(r.Check).result; old == nil || old.Status != r.Status {
			l.done(r)
		}
	}
}

func (l *Live) done(result checks.Result) {
	// A copy of what is shown: the runner still owns the result's lists.
	l.row(result.Check).result = &checks.Result{
		Check: result.Check, Status: result.Status, DurationMs: result.DurationMs,
		Reason: statusText(&result, ""),
	}
	if l.o.TTY {
		l.draw()
		return
	}
	line := l.style().checkLine(&result, "", 0) + l.style().moduleLines(&result, 0, false) + "\n"
	if l.o.Log {
		line = guardLog(line)
	}
	l.write(line)
}

// Close ends the view: on a terminal the list is erased and the cursor is back.
// It may be called more than once.
func (l *Live) Close() error {
	l.mu.Lock()
	first := !l.closed
	switch {
	case first && l.o.TTY:
		l.write(l.back() + eraseBelow + ShowCursor)
	case first && l.o.Sections:
		l.write(sectionChecks.end(l.o.Now().Unix()))
	}
	l.closed = true
	err := l.err
	l.mu.Unlock()
	if first {
		close(l.stop)
	}
	l.stopped.Wait()
	return err
}

// row is the row of a check, new at the end of the list if there is none yet.
func (l *Live) row(check string) *row {
	for _, r := range l.rows {
		if r.check == check {
			return r
		}
	}
	r := &row{check: check}
	l.rows = append(l.rows, r)
	return r
}

// draw puts the list in the place of the one before, in one write.
func (l *Live) draw() {
	if !l.o.TTY || l.closed {
		return
	}
	width, height := 80, 24
	if l.o.Size != nil {
		width, height = l.o.Size()
	}
	// The list must fit on the screen: what scrolled away cannot be redrawn.
	lines := l.lines(width, max(2, height-1))
	l.write(l.back() + eraseBelow + strings.Join(lines, ""))
	l.drawn = len(lines)
}

// back moves the cursor to the first line of the list.
func (l *Live) back() string {
	if l.drawn == 0 {
		return ""
	}
	return fmt.Sprintf("\x1b[%dA", l.drawn)
}

// lines is the list: what runs is always on it, of what has ended only as much
// as there is room for, the latest.
func (l *Live) lines(width, height int) []string {
	running := 0
	for _, r := range l.rows {
		if r.result == nil {
			running++
		}
	}
	hide := max(0, len(l.rows)-height)
	if hide > 0 {
		hide++ // room for the line that counts them
	}
	hide = min(hide, len(l.rows)-running)
	var lines []string
	if hide > 0 {
		lines = append(lines, fmt.Sprintf("  %s%d done\n", l.style().more(), hide))
	}
	for _, r := range l.rows {
		if r.result != nil && hide > 0 {
			hide--
			continue
		}
		if len(lines) == height {
			break
		}
		lines = append(lines, l.line(r, width)+"\n")
	}
	return lines
}

// line is a row, cut to the terminal's width: colours come after the cut.
func (l *Live) line(r *row, width int) string {
	s := l.style()
	room := max(0, width-textColumn)
	if r.result != nil {
		short := *r.result
		short.Reason = cut(short.Reason, room)
		return s.checkLine(&short, "", 0)
	}
	ms := l.o.Now().Sub(r.started).Milliseconds()
	return "  " + s.blue(s.sign("•", ">")) + " " + pad(cut(oneLine(r.check), nameWidth), nameWidth) + " " +
		s.dim(padLeft(duration(ms), durationWidth)) + "  " + s.dim(cut(r.text, room))
}

func (l *Live) style() style { return style{l.o.Color, l.o.ASCII} }

func (l *Live) write(s string) {
	if l.err != nil {
		return
	}
	_, l.err = io.WriteString(l.o.Out, s)
}
