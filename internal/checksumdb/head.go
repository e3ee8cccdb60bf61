package checksumdb

import (
	"context"
	"errors"
	"sync"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/gopreflight/gopreflight/internal/goproxy"
)

// Known is the newest tree head that is verified: from this run, or kept from an
// earlier one. The zero Head: none.
func (c *Client) Known() Head {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.head
}

// Head asks for the newest tree head, and has it proven to go on from the newest
// that is known. No module is named by that; the go command itself learns tree
// heads from lookups only, so an endpoint need not serve this one. The errors are
// ErrOff and a *Fault.
func (c *Client) Head(ctx context.Context) (Head, error) {
	if c.o.DB.Off {
		return Head{}, ErrOff
	}
	return wait(ctx, c.readHead)
}

func (c *Client) readHead() (Head, error) {
	data, fault := c.remote("/latest")
	if fault != nil {
		return Head{}, fault
	}
	head, fault := c.openHead(data)
	if fault != nil {
		return Head{}, fault
	}
	return head, c.merge(head)
}

// CheckHead has a tree head, as the go command keeps one in
// GOPATH/pkg/sumdb/NAME/latest, proven to be of the same history as the newest
// that is known; Head or a Lookup must have found one. Empty data is the head of a
// database that nobody has asked yet. The errors are ErrOff and a *Fault:
// Malformed, Unsigned and Fork are about data, the others about the network.
func (c *Client) CheckHead(ctx context.Context, data []byte) (Head, error) {
	if c.o.DB.Off {
		return Head{}, ErrOff
	}
	if len(data) == 0 {
		return Head{}, nil
	}
	head, fault := c.openHead(data)
	if fault != nil {
		return Head{}, fault
	}
	known := c.Known()
	if known.note == nil {
		return head, errors.New("no tree head of the database is known to compare with")
	}
	_, err := wait(ctx, func() (struct{}, error) { return struct{}{}, c.compare(head, known) })
	return head, err
}

// merge takes a head for the newest that is known if it is, and goes on from that.
func (c *Client) merge(head Head) error {
	for {
		known := c.Known()
		if known.note != nil {
			if err := c.compare(head, known); err != nil {
				return err
			}
		} else if err := c.compare(head, head); err != nil {
			return err
		}
		c.mu.Lock()
		switch {
		case string(c.head.note) != string(known.note):
			c.mu.Unlock()
			continue // a lookup has come further meanwhile
		case head.Size > known.Size || known.note == nil:
			c.head = head
			c.keepHead(head)
		}
		c.mu.Unlock()
		return nil
	}
}

// compare proves that the older of two trees is in the newer one, from the newer
// one's tiles. It is x/mod's checkTrees, which its client keeps to itself. Cached
// tiles that do not fit are passed over.
func (c *Client) compare(a, b Head) error {
	older, newer := a, b
	if older.Size > newer.Size {
		older, newer = b, a
	}
	c.mu.Lock()
	t := c.talk
	c.mu.Unlock()
	hash, err := tlog.TreeHash(older.Size, tlog.TileHashReader(newer.tree, tiles{t}))
	if err != nil && t.usedCache.Load() && c.faultOf(t, err).Kind == Inconsistent {
		t = c.withoutCache(t)
		hash, err = tlog.TreeHash(older.Size, tlog.TileHashReader(newer.tree, tiles{t}))
	}
	switch {
	case err != nil:
		return c.faultOf(t, err)
	case hash != older.tree.Hash:
		return &Fault{Kind: Fork, Phase: goproxy.Protocol, Text: "two signed tree heads are not of one history",
			Detail: append(lines(string(older.note)), lines(string(newer.note))...)}
	}
	return nil
}

// tiles reads tiles from the cache or the network.
type tiles struct{ t *talk }

// Height is that of the Go checksum database's tiles, and x/mod's default.
func (tiles) Height() int { return 8 }

func (r tiles) ReadTiles(list []tlog.Tile) ([][]byte, error) {
	data, errs := make([][]byte, len(list)), make([]error, len(list))
	var wg sync.WaitGroup
	for i, tile := range list {
		wg.Go(func() { data[i], errs[i] = r.read(tile) })
	}
	wg.Wait()
	return data, errors.Join(errs...)
}

// read reads a tile; where it is a part, the whole may have taken its place.
func (r tiles) read(tile tlog.Tile) ([]byte, error) {
	whole := tile
	whole.W = 1 << tile.H
	name := r.t.c.o.DB.Name + "/"
	for _, one := range []tlog.Tile{tile, whole} {
		if data, err := r.t.ReadCache(name + one.Path()); err == nil {
			return data[:tile.W*tlog.HashSize], nil
		}
	}
	data, err := r.t.ReadRemote("/" + tile.Path())
	if err != nil && tile != whole {
		if all, wholeErr := r.t.ReadRemote("/" + whole.Path()); wholeErr == nil {
			return all[:tile.W*tlog.HashSize], nil
		}
	}
	return data, err
}

func (r tiles) SaveTiles(list []tlog.Tile, data [][]byte) {
	for i, tile := range list {
		r.t.WriteCache(r.t.c.o.DB.Name+"/"+tile.Path(), data[i])
	}
}
