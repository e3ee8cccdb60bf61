package checksumdb

import (
	"bytes"
	"errors"
	"io/fs"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/mod/sumdb"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/gopreflight/gopreflight/internal/goproxy"
)

// What is read of an answer, in bytes.
const (
	// maxNote bounds a tree head and a lookup: a few lines and a signature each.
	maxNote = 64 << 10
	// maxSupported bounds what is read of the answer of /supported, whose content
	// nobody looks at.
	maxSupported = 4 << 10
)

// talk is one x/mod client with its operations; it implements sumdb.ClientOps.
type talk struct {
	c      *Client
	client *sumdb.Client
	// reads says that cached tiles may be read.
	reads bool
	// usedCache says that one was.
	usedCache atomic.Bool

	mu     sync.Mutex
	forked string // what SecurityError was told
}

var _ sumdb.ClientOps = (*talk)(nil)

func newTalk(c *Client, reads bool) *talk {
	t := &talk{c: c, reads: reads}
	t.client = sumdb.NewClient(t)
	return t
}

// ReadRemote reads a lookup or a tile.
func (t *talk) ReadRemote(path string) ([]byte, error) {
	data, fault := t.c.remote(path)
	if fault != nil {
		return nil, t.c.numbered(fault)
	}
	return data, nil
}

// ReadConfig reads the key, or the newest tree head that is known.
func (t *talk) ReadConfig(file string) ([]byte, error) {
	if file == "key" {
		return []byte(t.c.o.DB.Key), nil
	}
	t.c.mu.Lock()
	defer t.c.mu.Unlock()
	return t.c.head.note, nil
}

// WriteConfig is told a newer tree head, which the client has found to go on
// from the old one.
func (t *talk) WriteConfig(_ string, old, latest []byte) error {
	head, fault := t.c.openHead(latest)
	if fault != nil {
		return t.c.numbered(fault)
	}
	t.c.mu.Lock()
	defer t.c.mu.Unlock()
	if !bytes.Equal(t.c.head.note, old) {
		return sumdb.ErrWriteConflict
	}
	t.c.head = head
	t.c.keepHead(head)
	return nil
}

// ReadCache reads a tile. No answer to a lookup is kept.
func (t *talk) ReadCache(file string) ([]byte, error) {
	tile, ok := t.tile(file)
	if !ok || !t.reads {
		return nil, fs.ErrNotExist
	}
	data, err := t.c.cache.readTile(tile)
	if err == nil {
		t.c.cached.Add(1)
		t.usedCache.Store(true)
	}
	return data, err
}

// WriteCache keeps a tile, which the client has found to be in the signed tree.
func (t *talk) WriteCache(file string, data []byte) {
	if tile, ok := t.tile(file); ok {
		t.c.cache.writeTile(tile, data)
	}
}

// tile is the tile that a cache file of the client's is.
func (t *talk) tile(file string) (tlog.Tile, bool) {
	path, ok := strings.CutPrefix(file, t.c.o.DB.Name+"/tile/")
	if !ok {
		return tlog.Tile{}, false
	}
	tile, err := tlog.ParseTilePath("tile/" + path)
	return tile, err == nil
}

// Log has nothing to say that an error does not.
func (t *talk) Log(string) {}

// SecurityError is told the proof of a fork.
func (t *talk) SecurityError(msg string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.forked = msg
}

// misbehaviour is the two tree heads of a fork: those lines of the proof that say
// something to a reader.
func (t *talk) misbehaviour() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	text, _, _ := strings.Cut(t.forked, "proof of misbehavior")
	_, text, _ = strings.Cut(text, "detected!")
	return lines(text)
}

// remote reads a lookup, a tile or the latest tree head, and refuses what is none.
func (c *Client) remote(path string) ([]byte, *Fault) {
	limit := maxNote
	tile, notTile := tlog.ParseTilePath(strings.TrimPrefix(path, "/"))
	isTile := notTile == nil
	if isTile {
		limit = tile.W * tlog.HashSize
	}
	data, fault := c.ask(path, limit)
	if fault != nil {
		if strings.HasPrefix(path, "/lookup/") && isNotFound(fault) {
			fault.Kind = Unknown
		}
		return nil, fault
	}
	var err error
	switch {
	case isTile:
		if len(data) != limit {
			err = errors.New("answers with what is not a tile")
		}
	case path == "/latest":
		_, fault = c.openHead(data)
	default:
		var rest []byte
		if _, _, rest, err = tlog.ParseRecord(data); err != nil {
			err = errors.New("answers with what is not a record")
		} else {
			_, fault = c.openHead(rest)
		}
	}
	if err != nil {
		fault = &Fault{Kind: Malformed, Phase: goproxy.Protocol, Text: err.Error()}
	}
	if fault != nil {
		if isHTML(data) {
			fault.Text = "answers with a web page"
		}
		c.place(fault, path)
		return nil, fault
	}
	if !isTile {
		c.seen.Store(true)
	}
	return data, nil
}

// Head is a signed tree head. The zero value is that of nothing known.
type Head struct {
	// Size is the number of records.
	Size int64
	// Hash is the tree's, in base64.
	Hash string

	tree tlog.Tree
	note []byte
}

// openHead reads a tree head that the database's key has signed.
func (c *Client) openHead(data []byte) (Head, *Fault) {
	n, err := note.Open(data, c.verifiers)
	if err != nil {
		return Head{}, noteFault(err)
	}
	tree, err := tlog.ParseTree([]byte(n.Text))
	if err != nil {
		return Head{}, noteFault(err)
	}
	return Head{Size: tree.N, Hash: tree.Hash.String(), tree: tree, note: data}, nil
}

// keepHead writes a newer head for the next run; c.mu is held.
func (c *Client) keepHead(h Head) {
	if data := c.cache.readHead(); data != nil {
		// Another process may have come further.
		if kept, fault := c.openHead(data); fault == nil && kept.Size > h.Size {
			return
		}
	}
	c.cache.writeHead(h.note)
}

// isHTML reports whether a text starts as a web page does.
func isHTML(data []byte) bool {
	head := bytes.ToLower(bytes.TrimLeft(data[:min(len(data), 256)], "\xef\xbb\xbf \t\r\n"))
	return bytes.HasPrefix(head, []byte("<!doctype")) || bytes.HasPrefix(head, []byte("<html"))
}
