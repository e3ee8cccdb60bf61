package buildcache

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// A cache is a build cache as the go command writes it.
type cache struct {
	*testing.T
	dir string
	// now is the clock; files are written an hour before it.
	now time.Time
}

func newCache(t *testing.T) *cache {
	c := &cache{T: t, dir: t.TempDir(), now: time.Now().Truncate(time.Second)}
	c.write(filepath.Join(c.dir, "README"), "This directory holds cached build artifacts from the Go build system.\n")
	c.write(filepath.Join(c.dir, "trim.txt"), fmt.Sprint(c.now.Add(-2*time.Hour).Unix()))
	return c
}

func (c *cache) check(err error) {
	c.Helper()
	if err != nil {
		c.Fatal(err)
	}
}

// write writes a file as one of an hour ago.
func (c *cache) write(path, text string) {
	c.Helper()
	c.check(os.MkdirAll(filepath.Dir(path), 0o777))
	c.check(os.WriteFile(path, []byte(text), 0o666))
	c.age(path, time.Hour)
}

func (c *cache) age(path string, age time.Duration) {
	c.Helper()
	c.check(os.Chtimes(path, c.now.Add(-age), c.now.Add(-age)))
}

// at is the path of an object or entry.
func (c *cache) at(id ID, what string) string {
	return filepath.Join(c.dir, id.String()[:2], id.String()+what)
}

// put stores content as the go command does, as the output of the step of that
// name, and returns the object's ID and path and the entry's path.
func (c *cache) put(step, content string) (object ID, path, entry string) {
	c.Helper()
	object = ID(sha256.Sum256([]byte(content)))
	path = c.at(object, "-d")
	c.write(path, content)
	return object, path, c.index(step, object, len(content))
}

// putExecutable stores an executable.
func (c *cache) putExecutable(step, name, content string) (object ID, path string) {
	c.Helper()
	object = ID(sha256.Sum256([]byte(content)))
	path = filepath.Join(c.at(object, "-d"), name)
	c.write(path, content)
	c.age(filepath.Dir(path), time.Hour)
	c.index(step, object, len(content))
	return object, path
}

// index writes an entry.
func (c *cache) index(step string, object ID, size int) string {
	c.Helper()
	id := ID(sha256.Sum256([]byte(step)))
	entry := c.at(id, "-a")
	c.write(entry, fmt.Sprintf("v1 %x %x %20d %20d\n", id[:], object[:], size, c.now.UnixNano()))
	return entry
}

func (c *cache) verify(o Options) *Survey {
	c.Helper()
	o.Dir, o.pause = c.dir, time.Millisecond
	if o.Now == nil {
		o.Now = func() time.Time { return c.now }
	}
	s, err := Verify(c.Context(), o)
	c.check(err)
	return s
}

// told is the problems as "kind name: detail" with names and hashes cut short.
func told(s *Survey) string {
	var lines []string
	for _, p := range s.Problems {
		line := fmt.Sprintf("%s %s: %s", p.Kind, p.Name, p.Detail)
		words := strings.FieldsFunc(line, func(r rune) bool { return r == ' ' })
		for i, w := range words {
			if strings.ContainsAny(w, "0123456789abcdef") && len(w) >= 64 {
				words[i] = w[:4] + w[64:]
			}
		}
		lines = append(lines, strings.Join(words, " "))
	}
	return strings.Join(lines, "\n")
}

// archive is a compiled package as the go command keeps it for a step.
func archive(step, content string) string {
	id := sha256.Sum256([]byte(step))
	return "!<arch>\n__.PKGDEF       0           0     0     644     7955      `\ngo object linux amd64 go1.26.8 X:none\nbuild id \"" +
		base64.RawURLEncoding.EncodeToString(id[:15]) + "/" + base64.RawURLEncoding.EncodeToString(id[5:20]) + "\"\n\n" + content
}

func short(id ID) string { return id.String()[:4] }

func TestVerify(t *testing.T) {
	t.Parallel()
	other := ID(sha256.Sum256([]byte("other")))
	tests := []struct {
		name string
		// fault breaks the cache and says what must be told.
		fault func(c *cache) (want string)
	}{
		{"sound", func(*cache) string { return "" }},
		{"same length", func(c *cache) string {
			id, path, _ := c.put("p", "package p")
			c.write(path, "package q")
			return fmt.Sprintf("modified %s-d: holds what has the SHA-256 %s", short(id), short(ID(sha256.Sum256([]byte("package q")))))
		}},
		{"longer, and the index says so", func(c *cache) string {
			id, path, _ := c.put("p", "package p")
			c.write(path, "package p, longer")
			c.index("p", id, len("package p, longer"))
			return fmt.Sprintf("modified %s-d: holds what has the SHA-256 %s", short(id), short(ID(sha256.Sum256([]byte("package p, longer")))))
		}},
		{"truncated", func(c *cache) string {
			id, path, _ := c.put("p", "package p")
			c.write(path, "pack")
			return fmt.Sprintf("damaged %s-d: is 4 bytes long, which is not what the index says", short(id))
		}},
		{"emptied", func(c *cache) string {
			id, path, _ := c.put("p", "package p")
			c.write(path, "")
			return fmt.Sprintf("damaged %s-d: is 0 bytes long, which is not what the index says", short(id))
		}},
		{"nobody names it", func(c *cache) string {
			id, path, entry := c.put("p", "package p")
			c.write(path, "package q")
			c.check(os.Remove(entry))
			return fmt.Sprintf("damaged %s-d: holds what has the SHA-256 %s and no index entry names it", short(id), short(ID(sha256.Sum256([]byte("package q"))))+",")
		}},
		{"removed", func(c *cache) string {
			id, path, _ := c.put("p", "package p")
			c.check(os.Remove(path))
			return fmt.Sprintf("dangling %s-a: names the object %s-d, which is not there", short(ID(sha256.Sum256([]byte("p")))), short(id))
		}},
		{"removed, and about to be trimmed", func(c *cache) string {
			_, path, entry := c.put("p", "package p")
			c.check(os.Remove(path))
			c.age(entry, 6*24*time.Hour)
			return ""
		}},
		{"index says another size", func(c *cache) string {
			id, _, _ := c.put("p", "package p")
			c.index("p", id, 12)
			return fmt.Sprintf("dangling %s-a: says that the object %s-d is 12 bytes long; it has 9", short(ID(sha256.Sum256([]byte("p")))), short(id))
		}},
		{"two steps, one with another size", func(c *cache) string {
			id, path, _ := c.put("p", "package p")
			c.index("q", id, 12)
			c.write(path, "package q")
			return fmt.Sprintf("modified %s-d: holds what has the SHA-256 %s", short(id), short(ID(sha256.Sum256([]byte("package q")))))
		}},
		{"index garbage", func(c *cache) string {
			_, _, entry := c.put("p", "package p")
			c.write(entry, strings.Repeat("x", entrySize))
			return fmt.Sprintf("malformed %s-a: is no index entry: not of the form \"v1 ID OUTPUT SIZE TIME\"", short(ID(sha256.Sum256([]byte("p")))))
		}},
		{"index empty", func(c *cache) string {
			_, _, entry := c.put("p", "package p")
			c.write(entry, "")
			return fmt.Sprintf("malformed %s-a: is no index entry: empty", short(ID(sha256.Sum256([]byte("p")))))
		}},
		{"index of another step", func(c *cache) string {
			_, _, entry := c.put("p", "package p")
			_, _, q := c.put("q", "package q")
			data, err := os.ReadFile(q)
			c.check(err)
			c.write(entry, string(data))
			return fmt.Sprintf("malformed %s-a: is about another step, %s", short(ID(sha256.Sum256([]byte("p")))), short(ID(sha256.Sum256([]byte("q")))))
		}},
		{"index leads to another package", func(c *cache) string {
			object, _, _ := c.put("p", archive("p", "package p"))
			other, _, _ := c.put("q", archive("q", "package q"))
			c.index("p", other, len(archive("q", "package q")))
			_ = object
			return fmt.Sprintf("misdirected %s-a: leads to %s-d, which another step made", short(ID(sha256.Sum256([]byte("p")))), short(other))
		}},
		{"packages that say who made them", func(c *cache) string {
			c.put("p", archive("p", "package p"))
			c.put("q", strings.Replace(archive("p", "package p"), "/", "", 1)) // no build ID of today
			c.put("r", archive("r", "")[:100])
			return ""
		}},
		{"index rewritten consistently", func(c *cache) string {
			c.put("p", "package p")
			c.put("p", "package evil")
			return "" // nothing tells
		}},
		{"executable edited", func(c *cache) string {
			id, path := c.putExecutable("tool", "tool.exe", "MZ")
			c.write(path, "ZM")
			return fmt.Sprintf("modified %s-d: holds what has the SHA-256 %s", short(id), short(ID(sha256.Sum256([]byte("ZM")))))
		}},
		{"executable with a second file", func(c *cache) string {
			id, path := c.putExecutable("tool", "tool.exe", "MZ")
			c.write(filepath.Join(filepath.Dir(path), "more"), "x")
			c.age(filepath.Dir(path), time.Hour)
			return fmt.Sprintf("damaged %s-d: is a folder that holds more than the one file", short(id))
		}},
		{"executable gone from its folder", func(c *cache) string {
			id, path := c.putExecutable("tool", "tool.exe", "MZ")
			c.check(os.Remove(path))
			c.age(filepath.Dir(path), time.Hour)
			return fmt.Sprintf("damaged %s-d: is an empty folder", short(id))
		}},
		{"foreign files", func(c *cache) string {
			c.write(filepath.Join(c.dir, "notes.txt"), "x")
			c.write(filepath.Join(c.dir, "ab", "core"), "x")
			c.write(filepath.Join(c.dir, "zz", "deep", "file"), "x")
			return "foreign ab/core: is nothing that a go command keeps there\n" +
				"foreign notes.txt: is nothing that a go command keeps there\n" +
				"foreign zz: is nothing that a go command keeps there"
		}},
		{"in the wrong folder", func(c *cache) string {
			_, path, entry := c.put("p", "package p")
			c.check(os.Remove(entry))
			wrong := filepath.Join(c.dir, "00", filepath.Base(path))
			c.check(os.MkdirAll(filepath.Dir(wrong), 0o777))
			c.check(os.Rename(path, wrong))
			return fmt.Sprintf("foreign %s: lies in the folder of others, where no go command looks for it", "00/"+filepath.Base(path)[:1]+filepath.Base(wrong)[61:])
		}},
		{"upper case", func(c *cache) string {
			_, path, entry := c.put("p", "package p")
			c.check(os.Remove(entry))
			upper := filepath.Join(filepath.Dir(path), strings.ToUpper(strings.TrimSuffix(filepath.Base(path), "-d"))+"-d")
			c.check(os.Rename(path, upper))
			return fmt.Sprintf("foreign %s: is nothing that a go command keeps there", filepath.Base(filepath.Dir(path))+"/"+filepath.Base(upper)[:1]+filepath.Base(upper)[61:])
		}},
		{"what go keeps beside", func(c *cache) string {
			c.write(filepath.Join(c.dir, "testexpire.txt"), "1\n")
			c.write(filepath.Join(c.dir, "fuzz", "example.com", "p", "FuzzX", "abc"), "x")
			return ""
		}},
		{"symbolic link", func(c *cache) string {
			id, path, _ := c.put("p", "package p")
			c.write(filepath.Join(c.dir, "fuzz", "p"), "package p")
			c.check(os.Remove(path))
			if err := os.Symlink(filepath.Join(c.dir, "fuzz", "p"), path); err != nil {
				c.Skip(err)
			}
			return fmt.Sprintf("irregular %s-d: is a symbolic link", short(id))
		}},
		{"symbolic link to an entry", func(c *cache) string {
			_, _, entry := c.put("p", "package p")
			c.check(os.Remove(entry))
			if err := os.Symlink(filepath.Join(c.dir, "README"), entry); err != nil {
				c.Skip(err)
			}
			return fmt.Sprintf("irregular %s-a: is a symbolic link", filepath.Base(entry)[:4])
		}},
		{"symbolic link in an executable's folder", func(c *cache) string {
			id, path := c.putExecutable("tool", "tool.exe", "MZ")
			c.check(os.Remove(path))
			if err := os.Symlink(filepath.Join(c.dir, "README"), path); err != nil {
				c.Skip(err)
			}
			c.age(filepath.Dir(path), time.Hour)
			return fmt.Sprintf("irregular %s-d: holds what is a symbolic link", short(id))
		}},
		{"a folder is a symbolic link", func(c *cache) string {
			if err := os.Symlink(c.TempDir(), filepath.Join(c.dir, "ee")); err != nil {
				c.Skip(err)
			}
			return "irregular ee: is a symbolic link"
		}},
		{"a file where a folder is due", func(c *cache) string {
			c.write(filepath.Join(c.dir, "ee"), "x")
			return "foreign ee: is nothing that a go command keeps there"
		}},
		{"written right now", func(c *cache) string {
			id, path, _ := c.put("p", "package p")
			c.write(path, "package q")
			c.age(path, time.Second)
			return fmt.Sprintf("modified %s-d: holds what has the SHA-256 %s", short(id), short(ID(sha256.Sum256([]byte("package q")))))
		}},
		{"an index entry for an object of the future", func(c *cache) string {
			c.index("p", other, 5)
			return fmt.Sprintf("dangling %s-a: names the object %s-d, which is not there", short(ID(sha256.Sum256([]byte("p")))), short(other))
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := newCache(t)
			c.put("healthy 1", "archive 1")
			c.put("healthy 2", "archive 2")
			c.put("healthy 3", "archive 2") // the same output
			c.put("empty", "")
			c.putExecutable("healthy tool", "tool", "ELF")
			want := tt.fault(c)
			s := c.verify(Options{})
			if got := told(s); got != want {
				t.Errorf("told\n%s\nwant\n%s", got, want)
			}
			if s.Unreadable != 0 || s.Unseen != 0 || s.Changing != 0 {
				t.Errorf("%d unreadable (%v), %d not looked at, %d changing", s.Unreadable, s.Errs, s.Unseen, s.Changing)
			}
			count := 0
			for _, n := range s.Count {
				count += n
			}
			if count != len(s.Problems) {
				t.Errorf("%d problems are counted, %d told", count, len(s.Problems))
			}
		})
	}
}

func TestVerifyCounts(t *testing.T) {
	t.Parallel()
	c := newCache(t)
	_, old, _ := c.put("a", strings.Repeat("a", 1000))
	c.age(old, 6*24*time.Hour)
	_, newest, _ := c.put("b", strings.Repeat("b", 100))
	c.age(newest, time.Minute)
	c.putExecutable("x", "tool", "ELF")
	s := c.verify(Options{})
	got := fmt.Sprint(s.Exists, s.Objects, s.Executables, s.Bytes, s.Entries, s.Sound, s.SoundBytes, s.Stale, s.StaleBytes)
	if want := "true 3 1 1103 3 3 1103 1 1000"; got != want {
		t.Errorf("counts are %s, want %s", got, want)
	}
	if !s.Oldest.Equal(c.now.Add(-6*24*time.Hour)) || !s.Newest.Equal(c.now.Add(-time.Minute)) || !s.Trimmed.Equal(c.now.Add(-2*time.Hour)) {
		t.Errorf("oldest %s, newest %s, trimmed %s", s.Oldest, s.Newest, s.Trimmed)
	}
	for text, want := range map[string]bool{"": false, "soon": false, "-5": false, "12": true, "12\n": true, strings.Repeat("9", 50): false} {
		c.write(filepath.Join(c.dir, "trim.txt"), text)
		if got := !c.verify(Options{}).Trimmed.IsZero(); got != want {
			t.Errorf("trim.txt %q says something: %v, want %v", text, got, want)
		}
	}
}

// The bound takes the newest, and what is broken beyond it is not told but counted.
func TestVerifyMaxBytes(t *testing.T) {
	t.Parallel()
	c := newCache(t)
	for i := range 10 {
		content := fmt.Sprint("content ", i)
		_, path, _ := c.put(content, content)
		c.write(path, fmt.Sprint("CONTENT ", i))
		c.age(path, time.Hour+time.Duration(i)*time.Minute)
	}
	s := c.verify(Options{MaxBytes: 3*9 + 5})
	if s.Count[Modified] != 3 || s.Unseen != 7 || s.UnseenBytes != 7*9 {
		t.Errorf("%d modified, %d not looked at (%d bytes), want 3, 7 (63 bytes)", s.Count[Modified], s.Unseen, s.UnseenBytes)
	}
	for _, p := range s.Problems {
		info, err := os.Stat(p.Path)
		c.check(err)
		if age := c.now.Sub(info.ModTime()); age > time.Hour+2*time.Minute {
			t.Errorf("%s is %s old, and was looked at before newer ones", p.Name, age)
		}
	}
}

// MaxTime ends the hashing, and then what no entry was read about counts as used.
func TestVerifyMaxTime(t *testing.T) {
	t.Parallel()
	c := newCache(t)
	for i := range 500 {
		c.put(fmt.Sprint(i), fmt.Sprint("content ", i))
	}
	asked := 0
	s := c.verify(Options{Jobs: 1, MaxTime: 10 * time.Second, Now: func() time.Time {
		asked++
		return c.now.Add(time.Duration(asked) * 20 * time.Millisecond) // per file, and listing takes its share
	}})
	if s.Sound == 0 || s.Unseen == 0 || s.Sound+s.Unseen != s.Objects {
		t.Errorf("%d sound, %d not looked at of %d, want some of both", s.Sound, s.Unseen, s.Objects)
	}
	if s.Objects != 500 || len(s.Problems) > 0 {
		t.Errorf("%d objects, problems %s", s.Objects, told(s))
	}
}

// A file that another process goes on writing is neither sound nor broken.
func TestVerifyChanging(t *testing.T) {
	t.Parallel()
	c := newCache(t)
	_, path, _ := c.put("p", "package p")
	c.write(path, "package q")
	c.age(path, time.Second)
	n := 0
	s := c.verify(Options{Jobs: 1, Now: func() time.Time {
		n++
		c.age(path, time.Duration(n)*time.Millisecond)
		return c.now
	}})
	if s.Changing != 1 || len(s.Problems) > 0 {
		t.Errorf("%d changing, problems %s; want 1 and none", s.Changing, told(s))
	}
}

// A file that is finished while it is looked at is sound.
func TestVerifyFinished(t *testing.T) {
	t.Parallel()
	c := newCache(t)
	_, path, _ := c.put("p", "package p")
	c.write(path, "pack")
	c.age(path, time.Second)
	looks := 0
	s := c.verify(Options{Jobs: 1, Now: func() time.Time {
		if looks++; looks == 1 {
			return c.now
		}
		c.write(path, "package p")
		return c.now
	}})
	if s.Sound != 1 || len(s.Problems) > 0 {
		t.Errorf("%d sound, problems %s; want 1 and none", s.Sound, told(s))
	}
}

func TestVerifyNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, err := Verify(t.Context(), Options{Dir: filepath.Join(dir, "none"), Now: time.Now})
	if err != nil || s.Exists {
		t.Errorf("an absent cache: %+v, %v", s, err)
	}
	s, err = Verify(t.Context(), Options{Dir: dir, Now: time.Now})
	if err != nil || !s.Exists || s.Objects != 0 {
		t.Errorf("an empty cache: %+v, %v", s, err)
	}
	if _, err = Verify(t.Context(), Options{Dir: "off", Now: time.Now}); err == nil {
		t.Error("GOCACHE=off is looked at")
	}
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err = Verify(t.Context(), Options{Dir: file, Now: time.Now}); err == nil {
		t.Error("a file is looked at as a cache")
	}
}

func TestVerifyCancelled(t *testing.T) {
	t.Parallel()
	c := newCache(t)
	for i := range 50 {
		c.put(fmt.Sprint(i), fmt.Sprint("content ", i))
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Verify(ctx, Options{Dir: c.dir, Now: time.Now}); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
}

// Every problem is counted, and a thousand of each kind are told.
func TestVerifyMany(t *testing.T) {
	t.Parallel()
	c := newCache(t)
	for i := range maxProblems + 20 {
		c.write(filepath.Join(c.dir, "ab", fmt.Sprint(i)), "")
	}
	s := c.verify(Options{})
	if len(s.Problems) != maxProblems || s.Count[Foreign] != maxProblems+20 {
		t.Errorf("%d told, %d counted", len(s.Problems), s.Count[Foreign])
	}
}

// Nothing is written, and no time of use is set: that is the go command's.
func TestVerifyOnlyReads(t *testing.T) {
	t.Parallel()
	c := newCache(t)
	_, path, _ := c.put("p", "package p")
	c.write(path, "package q")
	c.putExecutable("tool", "tool", "ELF")
	before := snapshot(t, c.dir)
	c.verify(Options{})
	if after := snapshot(t, c.dir); !maps.Equal(before, after) {
		t.Errorf("the cache was\n%v\nand is\n%v", before, after)
	}
}

func snapshot(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err == nil {
			files[path] = fmt.Sprint(info.Mode(), info.Size(), info.ModTime().UnixNano())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestParseEntry(t *testing.T) {
	t.Parallel()
	id, out := ID(sha256.Sum256([]byte("a"))), ID(sha256.Sum256([]byte("b")))
	sound := fmt.Sprintf("v1 %x %x %20d %20d\n", id[:], out[:], 1234, 5678)
	tests := []struct{ name, text, err string }{
		{"as the go command writes it", sound, ""},
		{"capital digits", strings.Replace(sound, id.String(), strings.ToUpper(id.String()), 1), ""},
		{"empty", "", "empty"},
		{"cut short", sound[:len(sound)-1], "cut short"},
		{"too long", sound + "x", "too long"},
		{"another version", "v2" + sound[2:], "not of the form \"v1 ID OUTPUT SIZE TIME\""},
		{"no end of line", sound[:len(sound)-1] + " ", "not of the form \"v1 ID OUTPUT SIZE TIME\""},
		{"no hash", strings.Replace(sound, id.String()[:2], "xx", 1), "ID: encoding/hex: invalid byte: U+0078 'x'"},
		{"no output", strings.Replace(sound, out.String()[:2], "xx", 1), "output: encoding/hex: invalid byte: U+0078 'x'"},
		{"no size", strings.Replace(sound, "1234", "12x4", 1), "size: no number"},
		{"spaces behind the size", strings.Replace(sound, " 1234", "1234 ", 1), "size: no number"},
		{"negative size", strings.Replace(sound, " 1234", "-1234", 1), "size: negative"},
		{"negative time", strings.Replace(sound, " 5678", "-5678", 1), "time: negative"},
		{"NULs", strings.Repeat("\x00", entrySize), "not of the form \"v1 ID OUTPUT SIZE TIME\""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			e, err := ParseEntry([]byte(tt.text))
			if got := fmt.Sprint(err); err != nil && got != tt.err || err == nil && tt.err != "" {
				t.Fatalf("error is %v, want %q", err, tt.err)
			}
			if want := (Entry{id, out, 1234, 5678}); err == nil && e != want {
				t.Errorf("entry is %+v, want %+v", e, want)
			}
		})
	}
}

// FuzzParseEntry: no panic, and an entry that is taken says what its text says.
func FuzzParseEntry(f *testing.F) {
	id, out := ID(sha256.Sum256([]byte("a"))), ID(sha256.Sum256([]byte("b")))
	f.Add(fmt.Appendf(nil, "v1 %x %x %20d %20d\n", id[:], out[:], 1234, 5678))
	f.Add(fmt.Appendf(nil, "v1 %X %x %20d %20d\n", id[:], out[:], 0, 0))
	f.Add(fmt.Appendf(nil, "v1 %x %x %+20d %20d\n", id[:], out[:], 9, 1))
	f.Add(bytes.Repeat([]byte{0}, entrySize))
	f.Add([]byte(nil))
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := ParseEntry(data)
		if err != nil {
			if e != (Entry{}) && len(data) != entrySize {
				t.Errorf("an entry of %d bytes: %+v", len(data), e)
			}
			return
		}
		if len(data) != entrySize || e.Size < 0 || e.Time < 0 {
			t.Fatalf("%q is %+v", data, e)
		}
		again, err := ParseEntry(fmt.Appendf(nil, "v1 %x %x %20d %20d\n", e.ID[:], e.Output[:], e.Size, e.Time))
		if err != nil || again != e {
			t.Errorf("%+v, written and read, is %+v, %v", e, again, err)
		}
	})
}

// FuzzParseName: a name that is taken is the one that the go command would write.
func FuzzParseName(f *testing.F) {
	id := ID(sha256.Sum256([]byte("a")))
	for _, name := range []string{id.String() + "-a", id.String() + "-d", strings.ToUpper(id.String()) + "-d", id.String(), "", "core"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if id, what, ok := parseName(name); ok && (name != fmt.Sprintf("%x-%c", id[:], what) || !slices.Contains([]byte("ad"), what)) {
			t.Errorf("%q is %s, %c", name, id, what)
		}
	})
}

// FuzzMadeBy: no panic, and a step that is read stands in the text.
func FuzzMadeBy(f *testing.F) {
	f.Add([]byte(archive("p", "package p")))
	f.Add([]byte(archive("p", "")[:120]))
	f.Add([]byte("!<arch>\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if made, ok := madeBy(data); ok && !bytes.Contains(data, []byte(base64.RawURLEncoding.EncodeToString(made[:])+"/")) {
			t.Errorf("%q is made by %x", data, made)
		}
	})
}
