package report

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	xhtml "golang.org/x/net/html"

	"github.com/gopreflight/gopreflight/checks"
)

// seedHostile gives a fuzz target the corpus to begin with.
func seedHostile(f *testing.F) {
	for _, h := range hostileStrings(f) {
		f.Add(h.text)
	}
}

// FuzzPages: no text takes effect in the summary or the comment. The corpus is
// judged by TestHostile.
func FuzzPages(f *testing.F) {
	for _, seed := range []string{"a", "@a #1 !1", "```\n/close", "<b>|`*_[x](y)", "a\u202eb\x00\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for kind, r := range hostileReports(s) {
			var found faults
			for what, page := range pages(r) {
				judgePage(&found, kind, what, page, goldmarkHTML, r)
			}
			found.tell(t, hostileString{"fuzz", s}, kind)
		}
	})
}

// FuzzGFMCode: an element of code with the text in it, and nothing else.
func FuzzGFMCode(f *testing.F) {
	seedHostile(f)
	f.Fuzz(func(t *testing.T, s string) {
		code := gfmCode(s)
		if want := oneLine(s); want == "" {
			if code != "" {
				t.Errorf("gfmCode(%q) = %q, want nothing", s, code)
			}
			return
		}
		for _, page := range []string{"a " + code + " b\n", "| a |\n| - |\n| " + code + " |\n", "<details><summary>" + code + "</summary>\n\nb\n\n</details>\n"} {
			html, err := goldmarkHTML(page)
			if err != nil {
				t.Fatal(err)
			}
			if got := textOf(html, "code"); !slices.Equal(got, []string{oneLine(s)}) {
				t.Errorf("%q is read as the code %q, want %q alone", page, got, oneLine(s))
			}
		}
	})
}

// textOf is the text of each element of a name.
func textOf(html, name string) []string {
	var list []string
	inside := false
	z := xhtml.NewTokenizer(strings.NewReader(html))
	for {
		switch z.Next() {
		case xhtml.ErrorToken:
			return list
		case xhtml.StartTagToken:
			if z.Token().Data == name {
				inside, list = true, append(list, "")
			}
		case xhtml.EndTagToken:
			inside = inside && z.Token().Data != name
		case xhtml.TextToken:
			if inside {
				list[len(list)-1] += z.Token().Data
			}
		}
	}
}

// FuzzGFMFence: one block of code, closed where it ends, by itself and in a list.
// Lines may stand in a little farther (see gfmFence).
func FuzzGFMFence(f *testing.F) {
	seedHostile(f)
	f.Fuzz(func(t *testing.T, s string) {
		lines := verbatim(s)
		if len(lines) == 0 {
			return
		}
		block := gfmFence("text", lines)
		for _, page := range []string{block + "\nafter\n", "- a\n\n  " + strings.ReplaceAll(strings.TrimSuffix(block, "\n"), "\n", "\n  ") + "\n\nafter\n"} {
			html, err := goldmarkHTML(page)
			if err != nil {
				t.Fatal(err)
			}
			code := textOf(html, "code")
			if !strings.HasSuffix(html, "<p>after</p>\n") || len(code) != 1 {
				t.Fatalf("%q is read as %q", page, html)
			}
			got := strings.Split(strings.TrimSuffix(code[0], "\n"), "\n")
			if len(got) != len(lines) {
				t.Fatalf("%q has %d lines, want %d", page, len(got), len(lines))
			}
			for i := range got {
				if strings.TrimLeft(got[i], " \t") != strings.TrimLeft(lines[i], " \t") {
					t.Errorf("line %q is read as %q", lines[i], got[i])
				}
			}
			var found faults
			judgeSource(&found, "it", page)
			if len(found) > 0 {
				t.Errorf("%q: %q", page, found)
			}
		}
	})
}

// FuzzVerbatim: what can be seen stays, what cannot goes.
func FuzzVerbatim(f *testing.F) {
	seedHostile(f)
	f.Fuzz(func(t *testing.T, s string) {
		got := strings.Join(verbatim(s), "\n")
		var found faults
		judgeText(&found, "it", got)
		if len(found) > 0 {
			t.Errorf("verbatim(%q) = %q: %q", s, got, found)
		}
		if again := strings.Join(verbatim(got), "\n"); again != got {
			t.Errorf("twice, it changes %q to %q", got, again)
		}
		if ascii := strings.Trim(s, "\n"); strings.IndexFunc(ascii, func(r rune) bool { return r < ' ' && r != '\n' && r != '\t' || r > '~' }) < 0 &&
			strings.TrimSpace(s) != "" && got != ascii {
			t.Errorf("verbatim(%q) = %q", s, got)
		}
	})
}

// FuzzFileURL: a link goes to the repository, at the commit, or nowhere.
func FuzzFileURL(f *testing.F) {
	seedHostile(f)
	f.Fuzz(func(t *testing.T, s string) {
		for _, provider := range []string{"github", "gitlab", "gitea", s} {
			r := &checks.Report{Repository: checks.Repository{URL: "https://git.example/shop", Commit: strings.Repeat("9a8b7c6d5e", 4)}, CI: checks.CI{Provider: provider}}
			link := fileURL(r, &checks.Finding{File: s, Line: 3})
			if link == "" {
				continue
			}
			u, err := url.Parse(link)
			if err != nil || u.Scheme != "https" || u.Host != "git.example" || u.RawQuery != "" || u.Fragment != "L3" || u.User != nil {
				t.Fatalf("%q leads to %q (%v)", s, link, err)
			}
			_, file, ok := strings.Cut(u.Path, "/"+r.Repository.Commit+"/")
			if !ok || file != s || !strings.HasPrefix(u.Path, "/shop/") || strings.ContainsAny(link, "\"'<> \n`|\\") {
				t.Errorf("%q leads to %q", s, link)
			}
		}
		// A repository's address, a commit and a run that are not what they should be.
		for _, r := range []*checks.Report{
			{Repository: checks.Repository{URL: s, Commit: strings.Repeat("9a8b7c6d5e", 4)}, CI: checks.CI{Provider: "github", RunURL: s}},
			{Repository: checks.Repository{URL: "https://git.example/shop", Commit: s}, CI: checks.CI{Provider: "github", RunURL: "https://ci.example/" + s}},
		} {
			for _, link := range []string{fileURL(r, &checks.Finding{File: "go.mod"}), runURL(r)} {
				if link == "" {
					continue
				}
				u, err := url.Parse(link)
				if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || strings.ContainsAny(link, "\"'<> \n`|\\") {
					t.Errorf("%q leads to %q (%v)", s, link, err)
				}
			}
		}
	})
}

// FuzzSeen: the same JSON, and nothing in it that is not seen.
func FuzzSeen(f *testing.F) {
	seedHostile(f)
	f.Fuzz(func(t *testing.T, s string) {
		text, err := encodeJSON("it", map[string]string{"a" + s: s})
		if err != nil {
			t.Fatal(err)
		}
		var found faults
		judgeText(&found, "it", text)
		if len(found) > 0 {
			t.Errorf("%q becomes %q: %q", s, text, found)
		}
		got := map[string]string{}
		if err := json.Unmarshal([]byte(text), &got); err != nil {
			t.Fatalf("%q becomes %q: %v", s, text, err)
		}
		if utf8.ValidString(s) && got["a"+s] != s {
			t.Errorf("%q is read back from %q as %q", s, text, got)
		}
	})
}
