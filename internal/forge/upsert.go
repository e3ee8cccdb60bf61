package forge

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/gopreflight/gopreflight/internal/plain"
)

const (
	// maxRounds is how often a comment is looked at until it is as it should be.
	maxRounds = 10
	// maxFailures is how many failed writes are looked into and tried again.
	maxFailures = 2
)

// Post is the comment that a run wants a pull request to have.
type Post struct {
	Number int
	Key    Key
	Stamp  Stamp
	// Body is Markdown of at most MaxBody bytes; the marker is put before it.
	Body string
	// UpdateOnly writes only where an older comment says something else.
	UpdateOnly bool
	// AnyHead is for the commits of a merge queue, which are never the head of a
	// pull request: the later run wins, whatever its commit.
	AnyHead bool
}

// Action is what became of a Post.
type Action string

// The actions.
const (
	Created   Action = "created"
	Updated   Action = "updated"
	Unchanged Action = "unchanged" // it was there already, to the byte
	Stale     Action = "stale"     // a newer commit or run has the comment
	None      Action = "none"      // UpdateOnly, and there is none
)

// Outcome is what Upsert did.
type Outcome struct {
	Action Action
	Number int
	// Removed counts the duplicates that were deleted.
	Removed int
	// Note is what else there is to know, in one line; empty for nothing.
	Note string
}

// String is a sentence for the log.
func (o Outcome) String() string {
	where := fmt.Sprintf(" (#%d", o.Number)
	if o.Removed > 0 {
		where += ", " + plain.Count(o.Removed, "duplicate") + " removed"
	}
	where += ")"
	var s string
	switch o.Action {
	case Stale:
		s = "comment left as it is" + where
	case None:
		s = "no comment" + where + ": nothing to say, and no older one to update"
	default:
		s = "comment " + string(o.Action) + where
	}
	if o.Note != "" {
		s += ": " + o.Note
	}
	return s
}

// Upsert brings the comment of a Post about: one comment by this token's author
// with the key's marker as its first line. A comment of anybody else is not
// touched, whatever it says. A closed or merged pull request is served as an
// open one: what its last commit's run found is still true.
//
// Nothing is written once the pull request's head is another commit, or where a
// later run of the same commit has written. No forge can write on a condition,
// so Upsert looks, does one thing, and looks again until all is well: runs that
// started together each find the others' comments, and all but the newest is
// deleted. Only what was seen to be older than another is ever deleted, so the
// newest stays, and whoever deletes looks again, so one stays. (One gap is left,
// as long as one request: a run that looked before a later run of the same
// commit edited the comment, and writes after that one's last look.)
//
// An error means that the comment is not there; what fails after it was
// written is in the Outcome's Note.
func Upsert(ctx context.Context, f Forge, p Post) (Outcome, error) {
	u := &upsert{forge: f, post: p, gone: map[int64]bool{}, out: Outcome{Number: p.Number}}
	u.body = Marker(p.Key, p.Stamp) + "\n" + p.Body
	_, u.post.Stamp, _ = readMarker(u.body) // as it will be read back
	switch {
	case p.Number <= 0:
		return Outcome{}, fmt.Errorf("comment on #%d: not a number of a pull request", p.Number)
	case len(u.body) > MaxComment:
		return Outcome{}, fmt.Errorf("comment on #%d: %s bytes are more than the %s that a comment can have",
			p.Number, plain.Thousands(len(u.body)), plain.Thousands(MaxComment))
	case u.post.Stamp.SHA == "" && !p.AnyHead:
		return Outcome{}, fmt.Errorf("comment on #%d: the commit that was judged is unknown, so it might not be the newest", p.Number)
	}
	var err error
	if u.author, err = f.Author(ctx); err != nil {
		return Outcome{}, err
	}
	for range maxRounds {
		done, err := u.round(ctx)
		switch {
		case err != nil && !u.written:
			return Outcome{}, err
		case err != nil:
			u.note("written, but then " + err.Error())
			return u.out, nil //nolint:nilerr // the comment is there; the Note tells the rest
		case done:
			return u.out, nil
		}
	}
	if !u.written {
		return Outcome{}, fmt.Errorf("comment on #%d: it changed %d times under this run", p.Number, maxRounds)
	}
	return u.out, nil
}

// upsert is the state of one Upsert.
type upsert struct {
	forge  Forge
	post   Post
	body   string // with its marker
	author string

	written  bool           // the forge confirmed a write
	created  int64          // the comment that it confirmed
	tried    Action         // a write that may have happened
	failures int            // of writes
	gone     map[int64]bool // deleted, even if a list still has them
	out      Outcome
}

// round looks, and does one step if one is needed.
func (u *upsert) round(ctx context.Context) (done bool, err error) {
	list, err := u.forge.Comments(ctx, u.post.Number)
	if err != nil {
		return false, err
	}
	s := u.decide(ours(list, u.author, u.post, u.gone))
	if (s.write || len(s.remove) > 0) && !u.post.AnyHead {
		pull, err := u.forge.Pull(ctx, u.post.Number)
		if err != nil {
			return false, err
		}
		if pull.HeadSHA != u.post.Stamp.SHA {
			if !u.written {
				u.out.Action = Stale
				u.note(fmt.Sprintf("commit %.7s is not the head any more, %.7s is", u.post.Stamp.SHA, cmp.Or(pull.HeadSHA, "none")))
			}
			return true, nil
		}
	}
	if s.write {
		if err := u.write(ctx, s.id); err != nil {
			return false, u.again(err)
		}
	}
	for _, id := range s.remove {
		if err := u.remove(ctx, id); err != nil {
			return false, u.again(err)
		}
	}
	if s.action != "" {
		u.out.Action = s.action
		u.note(s.why)
	}
	return s.last, nil
}

// step is what a round does.
type step struct {
	write  bool    // write the body
	id     int64   // to this comment; 0: to a new one
	remove []int64 // then delete these
	last   bool    // nothing is left to look at after it
	action Action  // the outcome, if the step decides it
	why    string  // its note
}

// decide is pure judgement: our comments, the best first, to the next step.
func (u *upsert) decide(found []comment) step {
	if len(found) == 0 {
		switch {
		case u.created != 0:
			// The list lags behind, or another run took our comment for the older
			// one: editing it tells.
			return step{write: true, id: u.created, last: true}
		case u.post.UpdateOnly:
			return step{action: None, last: true}
		}
		return step{write: true}
	}
	best := found[0]
	var rest []int64
	for _, c := range found[1:] {
		rest = append(rest, c.id)
	}
	mine := u.post.Stamp
	newer := best.stamp.newer(mine) && (best.stamp.SHA == mine.SHA || u.post.AnyHead)
	settled := best.stamp == mine && (u.written || best.body == u.body) // a forge may store a body otherwise
	switch {
	case !newer && !settled:
		return step{write: true, id: best.id, remove: rest}
	case len(rest) > 0:
		return step{remove: rest}
	case newer:
		return step{last: true, action: Stale, why: fmt.Sprintf("run %d, attempt %d, is newer", best.stamp.Run, best.stamp.Attempt)}
	case u.written:
		return step{last: true}
	}
	return step{last: true, action: cmp.Or(u.tried, Unchanged)}
}

// write creates a comment (id 0) or edits one. One that is gone is noted for the
// next round.
func (u *upsert) write(ctx context.Context, id int64) error {
	action := Updated
	if id == 0 {
		action = Created
		u.tried = action
		c, err := u.forge.Create(ctx, u.post.Number, u.body)
		if err != nil {
			return err
		}
		u.created = c.ID
		if c.Author != "" && !strings.EqualFold(c.Author, u.author) {
			u.note(fmt.Sprintf("the token writes as %s, not as %s: name it as comment-author to have one comment updated in place", c.Author, u.author))
			u.author = c.Author
		}
	} else {
		u.tried = cmp.Or(u.tried, action)
		err := u.forge.Edit(ctx, u.post.Number, id, u.body)
		if errors.Is(err, ErrGone) {
			u.gone[id] = true
			if id == u.created {
				u.created = 0
			}
		}
		if err != nil {
			return err
		}
	}
	u.written = true
	if u.out.Action != Created {
		u.out.Action = action
	}
	return nil
}

// remove deletes a duplicate, which another run may have done already.
func (u *upsert) remove(ctx context.Context, id int64) error {
	err := u.forge.Delete(ctx, u.post.Number, id)
	if err != nil && !errors.Is(err, ErrGone) {
		return err
	}
	u.gone[id] = true
	if id == u.created {
		u.created = 0
	}
	if err == nil {
		u.out.Removed++
	}
	return nil
}

// again is nil for an error that another round may mend.
func (u *upsert) again(err error) error {
	if errors.Is(err, ErrGone) {
		return nil
	}
	if e, ok := errors.AsType[*Error](err); ok && e.Again && u.failures < maxFailures {
		u.failures++
		return nil
	}
	return err
}

// note adds to what else there is to know; some of it are a server's words.
func (u *upsert) note(s string) {
	switch s = plain.Line(s); {
	case u.out.Note == "":
		u.out.Note = s
	case s != "":
		u.out.Note += "; " + s
	}
}

// comment is one of ours.
type comment struct {
	id    int64
	stamp Stamp
	body  string
}

// ours picks the comments of a key and an author (logins have no case), the one
// that stays first: of the Post's commit, which is the head, before others; of
// a later run; the oldest.
func ours(list []Comment, author string, p Post, gone map[int64]bool) []comment {
	var found []comment
	for _, c := range list {
		key, stamp, ok := readMarker(c.Body)
		if ok && key == p.Key.hash() && strings.EqualFold(c.Author, author) && !gone[c.ID] {
			found = append(found, comment{id: c.ID, stamp: stamp, body: c.Body})
		}
	}
	other := func(s Stamp) int {
		if p.AnyHead || s.SHA == p.Stamp.SHA {
			return 0
		}
		return 1
	}
	slices.SortFunc(found, func(a, b comment) int {
		return cmp.Or(
			cmp.Compare(other(a.stamp), other(b.stamp)),
			cmp.Compare(b.stamp.Run, a.stamp.Run),
			cmp.Compare(b.stamp.Attempt, a.stamp.Attempt),
			cmp.Compare(a.id, b.id),
		)
	})
	return found
}
