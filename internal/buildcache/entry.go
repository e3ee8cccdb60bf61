package buildcache

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
)

// An ID names a step or an object: a SHA-256.
type ID [32]byte

func (id ID) String() string { return hex.EncodeToString(id[:]) }

// An Entry is what the index says about a step.
type Entry struct {
	// ID is the step, Output the object that it led to, Size that object's size.
	ID, Output ID
	Size       int64
	// Time is when it was noted, in nanoseconds since 1970.
	Time int64
}

// entrySize is the size of an index entry, in bytes:
// "v1 ID OUTPUT SIZE TIME\n", the numbers padded to 20 bytes.
const entrySize = len("v1 ") + 2*hexLen + 20 + 1 + 20 + 1

// hexLen is an ID in hexadecimal with the space behind it.
const hexLen = 2*len(ID{}) + 1

// ParseEntry reads an index entry. It takes what the go command takes, and
// refuses what that treats as not there (cmd/go/internal/cache, DiskCache.get).
func ParseEntry(data []byte) (Entry, error) {
	var e Entry
	switch {
	case len(data) == 0:
		return e, errors.New("empty")
	case len(data) < entrySize:
		return e, errors.New("cut short")
	case len(data) > entrySize:
		return e, errors.New("too long")
	}
	id, output, size, tm := data[3:3+hexLen], data[3+hexLen:3+2*hexLen], data[3+2*hexLen:][:21], data[3+2*hexLen+21:]
	if string(data[:3]) != "v1 " || id[hexLen-1] != ' ' || output[hexLen-1] != ' ' || size[20] != ' ' || tm[20] != '\n' {
		return e, errors.New("not of the form \"v1 ID OUTPUT SIZE TIME\"")
	}
	if _, err := hex.Decode(e.ID[:], id[:hexLen-1]); err != nil {
		return e, fmt.Errorf("ID: %w", err)
	}
	if _, err := hex.Decode(e.Output[:], output[:hexLen-1]); err != nil {
		return e, fmt.Errorf("output: %w", err)
	}
	var err error
	if e.Size, err = number(size[:20]); err != nil {
		return e, fmt.Errorf("size: %w", err)
	}
	if e.Time, err = number(tm[:20]); err != nil {
		return e, fmt.Errorf("time: %w", err)
	}
	return e, nil
}

// number reads a number that is padded with spaces on its left.
func number(text []byte) (int64, error) {
	for len(text) > 0 && text[0] == ' ' {
		text = text[1:]
	}
	n, err := strconv.ParseInt(string(text), 10, 64)
	switch {
	case err != nil:
		return 0, errors.New("no number")
	case n < 0:
		return 0, errors.New("negative")
	}
	return n, nil
}

// parseName reads the name of a file in one of the folders 00 to ff: an ID and
// what it is, 'a' for an index entry and 'd' for an object.
func parseName(name string) (id ID, what byte, ok bool) {
	if len(name) != 2*len(id)+2 || name[2*len(id)] != '-' {
		return id, 0, false
	}
	for i := range id {
		hi, lo := nibble(name[2*i]), nibble(name[2*i+1])
		if hi > 15 || lo > 15 {
			return id, 0, false
		}
		id[i] = hi<<4 | lo
	}
	what = name[len(name)-1]
	return id, what, what == 'a' || what == 'd'
}

// nibble is the value of a hexadecimal digit as the go command writes them, and
// more than 15 for anything else.
func nibble(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10
	}
	return 16
}
