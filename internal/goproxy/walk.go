package goproxy

// Downloads are the endpoints that a download asks for, in the go command's
// order (cmd/go/internal/modcmd/download.go). Each is a walk of its own:
// nothing remembers how an entry answered for another one.
var Downloads = []Endpoint{Info, Mod, Zip}

// A Move is what the go command does at one entry for one endpoint.
type Move int

// The moves. The zero value is NotAsked.
const (
	// NotAsked: an earlier entry served, or stopped it.
	NotAsked Move = iota
	// Takes the answer.
	Takes
	// TakesBad: takes an answer that is not what was asked for.
	TakesBad
	// GoesOn to the next entry: not found.
	GoesOn
	// PassesOver an error, because of "|".
	PassesOver
	// Stops at an error.
	Stops
	// GivesUp: the last entry has it not found, or failed before a final "|".
	GivesUp
	// Depends on an outcome that is not known.
	Depends
	// Barred: GONOPROXY keeps the module from this proxy, which learns nothing,
	// or it is NoProxy and GONOPROXY does not match.
	Barred
)

// Asks reports whether the go command sends the module's name there.
func (m Move) Asks() bool { return m != NotAsked && m != Barred }

// A Walk is what the go command does with a chain to download one module.
type Walk struct {
	chain Chain
	// Moves is, for each endpoint of Downloads, the move at each entry. Those
	// behind an endpoint that ends the download are what would be done.
	Moves map[Endpoint][]Move
	// End, Endpoint and Entry say how it ends: served in full, or at which
	// endpoint and entry not. Served with TakesBad there is no good end either.
	End      End
	Endpoint Endpoint
	Entry    int
	// Bad says that the answer of Endpoint is taken although it is bad.
	Bad bool
}

// Walk says what the go command does to download one module when the entries
// answer with these outcomes, one per entry for each endpoint; missing ones are
// Unknown. private says that GONOPROXY matches the module: then NoProxy and
// Direct fetch it from its origin, and no proxy is told of it.
func (c Chain) Walk(private bool, outcomes map[Endpoint][]Outcome) Walk {
	w := Walk{chain: c, Moves: map[Endpoint][]Move{}, End: Served}
	decided := false
	for _, e := range Downloads {
		o := c.known(private, outcomes[e])
		d := c.Decide(o)
		w.Moves[e] = c.moves(private, o, d)
		bad := d.End == Served && o[d.Entry] == Bad
		if !decided {
			w.End, w.Endpoint, w.Entry, w.Bad = d.End, e, d.Entry, bad
			decided = d.End != Served || bad
		}
	}
	return w
}

// known is the outcomes, one for each entry, with those that follow from the
// entry itself.
func (c Chain) known(private bool, outcomes []Outcome) []Outcome {
	all := make([]Outcome, len(c))
	copy(all, outcomes)
	for i, e := range c {
		switch {
		case e.Keyword == Off:
			all[i] = NotExist
		case e.Keyword == NoProxy && !private:
			all[i] = UseProxy
		case e.URL != nil && private:
			all[i] = NotExist // errNoproxy of cmd/go/internal/modfetch/repo.go
		}
	}
	return all
}

func (c Chain) moves(private bool, o []Outcome, d Decision) []Move {
	moves := make([]Move, len(c))
	for i, e := range c[:d.Entry+1] {
		switch {
		case o[i] == UseProxy, private && e.URL != nil:
			moves[i] = Barred
		case o[i] == OK:
			moves[i] = Takes
		case o[i] == Bad:
			moves[i] = TakesBad
		case o[i] == Unknown:
			moves[i] = Depends
		case i == d.Entry && d.End == Stopped:
			moves[i] = Stops
		case i == len(c)-1:
			moves[i] = GivesUp
		case o[i] == NotExist:
			moves[i] = GoesOn
		default:
			moves[i] = PassesOver
		}
	}
	return moves
}

// Told is the entries to which the module's name goes, by their index: a proxy
// learns it, and for Direct and NoProxy the module's own host does.
func (w Walk) Told() []int {
	var told []int
	for i, entry := range w.chain {
		for _, e := range Downloads {
			if w.Moves[e][i].Asks() && entry.Keyword != Off {
				told = append(told, i)
				break
			}
			if e == w.Endpoint {
				break // the download ends here
			}
		}
	}
	return told
}
