package report

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestXMLText(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, in, want string }{
		{"plain", "a <b> & \"c\"\n\td", "a <b> & \"c\"\n\td"},
		{"control characters go", "a\x00\x1b[31m\r\u0085\u007fb", "a[31mb"},
		{"what XML does not have", "a\uFFFEb\uFFFFc", "a\uFFFDb\uFFFDc"},
		{"no UTF-8", "a\xff\xed\xa0\x80b", "a\uFFFDb"},
		{"beyond the basic plane", "a\U0001F642b", "a\U0001F642b"},
	} {
		if got := xmlText(tt.in); got != tt.want {
			t.Errorf("%s: xmlText(%q) = %q, want %q", tt.name, tt.in, got, tt.want)
		}
	}
}

// FuzzXMLText: whatever goes in comes out of a parser again, as an attribute,
// as text and as CDATA.
func FuzzXMLText(f *testing.F) {
	for _, seed := range []string{"a", "]]>", "]]]]>><![CDATA[", "<!--", "&#x0;", "\x00\uFFFE\xff", "a\r\nb", "<?xml?>", "[[ATTACHMENT|x]]"} {
		f.Add(seed)
	}
	type element struct {
		XMLName xml.Name `xml:"x"`
		Attr    string   `xml:"a,attr"`
		Text    string   `xml:"t"`
		Data    struct {
			Text string `xml:",cdata"`
		} `xml:"d"`
	}
	f.Fuzz(func(t *testing.T, s string) {
		want := xmlText(s)
		for _, r := range want {
			if unicode.IsControl(r) && r != '\n' && r != '\t' {
				t.Fatalf("xmlText(%q) has %U", s, r)
			}
		}
		in := element{Attr: want, Text: want}
		in.Data.Text = want
		var b bytes.Buffer
		if err := writeXML(Dest{Out: &b}, "it", in); err != nil {
			t.Fatal(err)
		}
		var out element
		if err := xml.Unmarshal(b.Bytes(), &out); err != nil {
			t.Fatalf("%v\n%s", err, b.String())
		}
		if out.Attr != want || out.Text != want || out.Data.Text != want {
			t.Errorf("%q came out as %q, %q and %q", want, out.Attr, out.Text, out.Data.Text)
		}
	})
}

// FuzzJSONLog: in a job log a text is still the same JSON, and no command.
func FuzzJSONLog(f *testing.F) {
	for _, seed := range []string{"##[group]x", `\##[`, `\\###[x`, "\n::error::x", "::stop", "\u2028::x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var b bytes.Buffer
		if err := writeJSON(Dest{Out: &b, Log: true}, "it", map[string][]string{s: {s}}); err != nil {
			t.Fatal(err)
		}
		if got := logCommands(b.String()); len(got) > 0 {
			t.Errorf("%q has commands: %q", b.String(), got)
		}
		var out map[string][]string
		if err := json.Unmarshal(b.Bytes(), &out); err != nil {
			t.Fatal(err)
		}
		if want := strings.ToValidUTF8(s, "\uFFFD"); utf8.ValidString(s) && (len(out[want]) != 1 || out[want][0] != want) {
			t.Errorf("%q came out as %q", s, out)
		}
	})
}
