package goproxy

// An Outcome is how one entry answered one request of the go command, in the
// terms that its fallback knows (cmd/go/internal/modfetch/proxy.go, TryProxies).
type Outcome int

// The outcomes. The zero value is Unknown.
const (
	// Unknown: not asked, or no answer that can be judged.
	Unknown Outcome = iota
	// OK: served.
	OK
	// NotExist: an error that is fs.ErrNotExist to the go command: status 404
	// or 410, no such file, "off".
	NotExist
	// Failed: every other error.
	Failed
	// Bad: served to the go command, which asks nobody else and is led astray by
	// it: the content of a mod or a zip is looked at only after the choice of the
	// proxy, that of a list never.
	Bad
	// UseProxy is the answer of NoProxy for a module that GONOPROXY does not match.
	UseProxy
)

// End is how the walk along a chain ends.
type End int

// The ends. The zero value is Open.
const (
	// Open: it depends on an entry whose outcome is unknown.
	Open End = iota
	// Served by an entry.
	Served
	// Stopped at an entry whose error does not fall through.
	Stopped
	// Exhausted: every entry was asked, none served.
	Exhausted
)

// A Decision is what the go command does for one request.
type Decision struct {
	End End
	// Entry is the index of the last entry that is asked: the one that
	// serves, stops, is unknown, or is simply the last.
	Entry int
	// Reported is the index of the entry whose error the go command shows;
	// -1 when it shows none or that cannot be known.
	Reported int
}

// The ranks of errors: the go command shows the best that it met.
const (
	notExistRank = iota
	proxyRank
	directRank
)

// Decide says what the go command does for one request when the entries answer
// with these outcomes, one per entry; missing ones are Unknown. It is
// TryProxies as a pure function. "off" is always NotExist.
func (c Chain) Decide(outcomes []Outcome) Decision {
	d := Decision{End: Exhausted, Entry: len(c) - 1, Reported: -1}
	rank := notExistRank
	for i, e := range c {
		o := Unknown
		if i < len(outcomes) {
			o = outcomes[i]
		}
		if e.Keyword == Off {
			o = NotExist
		}
		switch o {
		case OK, Bad:
			return Decision{End: Served, Entry: i, Reported: -1}
		case Unknown:
			return Decision{End: Open, Entry: i, Reported: -1}
		}
		switch {
		case e.Keyword == Direct || e.Keyword == NoProxy && o != UseProxy:
			d.Reported, rank = i, directRank
		case rank <= proxyRank && o == Failed:
			d.Reported, rank = i, proxyRank
		case rank == notExistRank:
			d.Reported = i
		}
		if o == Failed && !e.FallBackOnError {
			d.End, d.Entry = Stopped, i
			return d
		}
	}
	return d
}
