package modcache

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestJudge tells evidence by what each thing says: "A" is the content that
// go.sum names, "B" and "C" are others.
func TestJudge(t *testing.T) {
	t.Parallel()
	const absent, damaged, link, unreadable, notAsked = "absent", "damaged", "link", "unreadable", "not asked"
	type is struct{ zip, tree, hash, mod, partial, info string }
	healthy := is{zip: "A", tree: "A", hash: "A", mod: "M"}
	with := func(change func(*is)) is { c := healthy; change(&c); return c }
	line := Want{Path: "example.com/a", Version: "v1.0.0", Zip: []string{"A"}, Mod: []string{"M"}}
	none := Want{Path: "example.com/a", Version: "v1.0.0"}

	tests := []struct {
		name    string
		want    Want
		is      is
		inner   string
		busy    bool
		outcome Outcome
		kinds   string // kinds, each with what must go: "zip[zip ziphash]"
	}{
		{name: "healthy", want: line, is: healthy, outcome: Proven},
		{name: "cold", want: line, is: is{}, outcome: Cold},
		{name: "only the .mod", want: line, is: is{mod: "M"}, outcome: Cold},
		{name: "1-3, 20 tree differs", want: line, is: with(func(c *is) { c.tree = "B" }), outcome: Broken, kinds: "tree[tree]"},
		{name: "tree is a file", want: line, is: with(func(c *is) { c.tree = damaged }), outcome: Broken, kinds: "tree[tree]"},
		{name: "4 no tree", want: line, is: with(func(c *is) { c.tree = absent }), outcome: Proven},
		{name: "5 zip unreadable", want: line, is: with(func(c *is) { c.zip = damaged }), outcome: Broken, kinds: "zip-unreadable[zip ziphash]"},
		{name: "6 zip unreadable, no tree", want: line, is: with(func(c *is) { c.zip, c.tree = damaged, absent }), outcome: Broken, kinds: "zip-unreadable[zip ziphash]"},
		{name: "7 no zip", want: line, is: with(func(c *is) { c.zip = absent }), outcome: Proven},
		{name: "8 other zip, no tree", want: line, is: with(func(c *is) { c.zip, c.tree = "B", absent }), outcome: Broken, kinds: "zip[zip ziphash]"},
		{name: "other zip, tree right", want: line, is: with(func(c *is) { c.zip = "B" }), outcome: Broken, kinds: "zip[zip ziphash]"},
		{name: "9 other zip and its tree", want: line, is: with(func(c *is) { c.zip, c.tree = "B", "B" }), outcome: Broken, kinds: "zip[zip ziphash tree]"},
		{name: "10, 19 all agree against go.sum", want: line, is: with(func(c *is) { c.zip, c.tree, c.hash = "B", "B", "B" }), outcome: Broken, kinds: "gosum[]"},
		{name: "agree without a tree", want: line, is: with(func(c *is) { c.zip, c.tree, c.hash = "B", absent, "B" }), outcome: Broken, kinds: "gosum[]"},
		{name: "agree without a zip", want: line, is: with(func(c *is) { c.zip, c.tree, c.hash = absent, "B", "B" }), outcome: Broken, kinds: "gosum[]"},
		{name: "11 ziphash wrong", want: line, is: with(func(c *is) { c.hash = "B" }), outcome: Broken, kinds: "ziphash[ziphash]"},
		{name: "stale ziphash alone", want: line, is: is{hash: "B"}, outcome: Cold},
		{name: "12 ziphash garbled", want: line, is: with(func(c *is) { c.hash = damaged }), outcome: Proven, kinds: "ziphash-damaged[]"},
		{name: "ziphash garbled, no zip", want: line, is: with(func(c *is) { c.zip, c.hash = absent, damaged }), outcome: Broken, kinds: "ziphash[ziphash]"},
		{name: "13 no ziphash", want: line, is: with(func(c *is) { c.hash = absent }), outcome: Proven, kinds: "ziphash-missing[]"},
		{name: "14 partial", want: line, is: with(func(c *is) { c.tree, c.partial = notAsked, "yes" }), outcome: Broken, kinds: "partial[tree partial]"},
		{name: "15 partial, no zip", want: line, is: with(func(c *is) { c.zip, c.tree, c.partial = absent, notAsked, "yes" }), outcome: Broken, kinds: "partial[tree partial]"},
		{name: "partial right now", want: line, is: with(func(c *is) { c.tree, c.partial = notAsked, "yes" }), busy: true, outcome: Unknown},
		{name: "marker without a folder", want: line, is: with(func(c *is) { c.tree, c.partial = absent, "yes" }), outcome: Proven},
		{name: "16 no .mod", want: line, is: with(func(c *is) { c.mod = absent }), outcome: Proven},
		{name: "17 .mod differs", want: line, is: with(func(c *is) { c.mod = "N" }), inner: "M", outcome: Broken, kinds: "mod[mod]"},
		{name: "17 .mod differs, no go.mod inside", want: line, is: with(func(c *is) { c.mod = "N" }), outcome: Broken, kinds: "mod[mod]"},
		{name: "19 /go.mod line wrong", want: line, is: with(func(c *is) { c.mod = "N" }), inner: "N", outcome: Broken, kinds: "gosum[]"},
		{name: "go.mod replaced in .mod and tree", want: line, is: with(func(c *is) { c.tree, c.mod = "B", "N" }), inner: "N", outcome: Broken, kinds: "tree[tree mod] mod[tree mod]"},
		{name: "18 .info garbled", want: line, is: with(func(c *is) { c.info = damaged }), outcome: Proven, kinds: "info-damaged[]"},

		{name: "zip unreadable and tree modified are two", want: line, is: with(func(c *is) { c.zip, c.tree = damaged, "B" }), outcome: Broken, kinds: "zip-unreadable[zip ziphash tree] tree[zip ziphash tree]"},
		{name: "other zip, and a tree that is not its", want: line, is: with(func(c *is) { c.zip, c.tree = "B", "C" }), outcome: Broken, kinds: "zip[zip ziphash tree] tree[zip ziphash tree]"},
		{name: "zip and the hash recorded from it", want: line, is: with(func(c *is) { c.zip, c.hash = "B", "B" }), outcome: Broken, kinds: "zip[zip ziphash]"},
		{name: "tree and the hash recorded from it", want: line, is: with(func(c *is) { c.tree, c.hash = "B", "B" }), outcome: Broken, kinds: "tree[tree ziphash]"},
		{name: "other zip and its tree, no ziphash", want: line, is: with(func(c *is) { c.zip, c.tree, c.hash = "B", "B", absent }), outcome: Broken, kinds: "zip[zip tree]"},
		{name: "zip unreadable and partial are one", want: line, is: with(func(c *is) { c.zip, c.tree, c.partial = damaged, notAsked, "yes" }), outcome: Broken, kinds: "zip-unreadable[zip ziphash]"},
		{name: "link in the tree", want: line, is: with(func(c *is) { c.tree = link }), outcome: Broken, kinds: "irregular[tree]"},
		{name: "zip is a link", want: line, is: with(func(c *is) { c.zip = link }), outcome: Broken, kinds: "irregular[zip]"},
		{name: ".mod is a link", want: line, is: with(func(c *is) { c.mod = link }), outcome: Broken, kinds: "irregular[mod]"},
		{name: "tree unreadable", want: line, is: with(func(c *is) { c.tree = unreadable }), outcome: Unknown},
		{name: "tree unreadable, zip modified", want: line, is: with(func(c *is) { c.tree, c.zip = unreadable, "B" }), outcome: Broken, kinds: "zip[zip ziphash]"},

		{name: "one of two lines", want: Want{Zip: []string{"C", "A"}}, is: healthy, outcome: Proven},
		{name: "no line, all agree", want: none, is: healthy, outcome: Consistent},
		{name: "no line, tree differs", want: none, is: with(func(c *is) { c.tree = "B" }), outcome: Broken, kinds: "tree[tree]"},
		{name: "no line, zip differs", want: none, is: with(func(c *is) { c.zip = "B" }), outcome: Broken, kinds: "zip[zip ziphash]"},
		{name: "no line, zip and tree differ from ziphash", want: none, is: with(func(c *is) { c.zip, c.tree = "B", "B" }), outcome: Broken, kinds: "zip[zip ziphash tree]"},
		{name: "no line, no ziphash, tree differs from zip", want: none, is: with(func(c *is) { c.tree, c.hash = "B", absent }), outcome: Broken, kinds: "tree[tree]"},
		{name: "no line, cold", want: none, is: is{}, outcome: Cold},

		{name: "go.mod only", want: Want{Mod: []string{"M"}, ModOnly: true}, is: is{zip: notAsked, tree: notAsked, hash: notAsked, mod: "M"}, outcome: Proven},
		{name: "go.mod only, cold", want: Want{Mod: []string{"M"}, ModOnly: true}, is: is{zip: notAsked, tree: notAsked, hash: notAsked}, outcome: Cold},
		{name: "go.mod only, modified", want: Want{Mod: []string{"M"}, ModOnly: true}, is: is{zip: notAsked, tree: notAsked, hash: notAsked, mod: "N"}, outcome: Broken, kinds: "mod[mod]"},
		{name: "go.mod only, unreadable", want: Want{Mod: []string{"M"}, ModOnly: true}, is: is{mod: unreadable}, outcome: Unknown},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			content := func(path, says string) Content {
				c := Content{Path: path}
				switch says {
				case "", absent:
					c.State = Absent
				case damaged:
					c.State, c.Damage = Damaged, "damaged"
				case link:
					c.State = Irregular
				case unreadable:
					c.State = Unreadable
				case notAsked:
				default:
					c.State, c.Hash = Sound, says
				}
				return c
			}
			e := Evidence{
				Zip: content("zip", tt.is.zip), Tree: content("tree", tt.is.tree), Ziphash: content("ziphash", tt.is.hash),
				Mod: content("mod", tt.is.mod), Info: content("info", tt.is.info), Partial: content("partial", tt.is.partial),
				Lock: content("lock", "left behind"), Busy: tt.busy, InnerMod: content("inner", tt.inner),
			}
			outcome, problems := Judge(tt.want, e)
			if outcome != tt.outcome {
				t.Errorf("outcome %d, want %d", outcome, tt.outcome)
			}
			var kinds []string
			for _, p := range problems {
				kinds = append(kinds, string(p.Kind)+"["+strings.Join(p.Remove, " ")+"]")
			}
			if got := strings.Join(kinds, " "); got != tt.kinds {
				t.Errorf("problems %q, want %q", got, tt.kinds)
			}
		})
	}
}

func TestLocate(t *testing.T) {
	t.Parallel()
	f, err := locate("/mc", "github.com/Azure/sdk", "v56.3.0+incompatible")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := filepath.ToSlash(f.dir), "/mc/github.com/!azure/sdk@v56.3.0+incompatible"; got != want {
		t.Errorf("dir = %s, want %s", got, want)
	}
	if got, want := filepath.ToSlash(f.with("zip")), "/mc/cache/download/github.com/!azure/sdk/@v/v56.3.0+incompatible.zip"; got != want {
		t.Errorf("zip = %s, want %s", got, want)
	}
	for _, bad := range [][2]string{{"../a", "v1.0.0"}, {"example.com/a", "v1"}, {"example.com/a", "../v1.0.0"}, {"example.com/a/..", "v1.0.0"}} {
		if f, err := locate("/mc", bad[0], bad[1]); err == nil {
			t.Errorf("locate(%q) = %v, want an error", bad, f)
		}
	}
}
