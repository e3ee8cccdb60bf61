// Package forge keeps one comment of a pull or merge request up to date on
// GitHub, GitHub Enterprise Server, Gitea, Forgejo and GitLab: it finds the pull
// request, finds its own comment by a hidden marker and its author, and writes,
// updates or folds it (Upsert).
//
// It never decides what a comment says, never touches a comment of somebody
// else, never writes for a commit that is not the head any more, never follows
// a redirect with a token, and never reads the environment: addresses and token
// are handed in. What a server answers is hostile: bodies are bounded.
package forge

import (
	"context"
	"errors"
)

// MaxComment is the size of a comment's body in bytes, marker included. GitHub
// counts 65,536 characters ("Body is too long (maximum is 65536 characters)");
// bytes are never fewer. GitLab and Gitea allow more.
const MaxComment = 65_536

// A Forge is the API of the site that hosts a repository, for one repository
// and one token. An error is a *Error where the server, or the way to it, is the
// reason.
type Forge interface {
	// Pull returns a pull or merge request by its number.
	Pull(ctx context.Context, number int) (Pull, error)
	// FindPull returns the open pull request of this repository whose branch is
	// branch of the repository headRepository ("owner/name") and whose head is
	// the commit sha; ErrNoPull where there is none.
	FindPull(ctx context.Context, headRepository, branch, sha string) (Pull, error)
	// Author is the login under which this token writes.
	Author(ctx context.Context) (string, error)
	// Comments lists the comments of a pull request; those of a review or of the
	// system are not among them. More than maxComments are an error. A body that
	// does not begin with a marker is left empty.
	Comments(ctx context.Context, number int) ([]Comment, error)
	// Create, Edit and Delete write. Editing or deleting what is gone is
	// ErrGone.
	Create(ctx context.Context, number int, body string) (Comment, error)
	Edit(ctx context.Context, number int, id int64, body string) error
	Delete(ctx context.Context, number int, id int64) error
}

// Pull is a pull or merge request.
type Pull struct {
	Number int
	// HeadSHA is the newest commit of its branch, lower-case hexadecimal.
	HeadSHA string
	// MergeSHA is the commit that a test merge made; empty if unknown.
	MergeSHA string
}

// Comment is one comment of a pull request.
type Comment struct {
	ID int64
	// Author is the login of who wrote it.
	Author string
	Body   string
}

var (
	// ErrNoPull says that no open pull request has this head.
	ErrNoPull = errors.New("no open pull request has this commit as its head")
	// ErrGone says that a comment is not there any more.
	ErrGone = errors.New("the comment is gone")
)
