package goproxy

import (
	"errors"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, goproxy, gonoproxy string
		want                     string // entries, each with its separator, or the error
		entry                    string // of an *EntryError
	}{
		{name: "one", goproxy: "https://goproxy.example", want: "https://goproxy.example,"},
		{name: "spaces and empty entries", goproxy: " https://a.example ,, | https://b.example| direct ", want: "https://a.example, https://b.example| direct,"},
		{name: "no scheme is https", goproxy: "goproxy.example/x|127.0.0.1:9080", want: "https://goproxy.example/x| https://127.0.0.1:9080,"},
		{name: "after direct nothing counts", goproxy: "direct,ftp://x", want: "direct,"},
		{name: "after off nothing counts", goproxy: "a.example,off,:", want: "https://a.example, off,"},
		{name: "GONOPROXY", goproxy: "a.example", gonoproxy: "example.com", want: "noproxy, https://a.example,"},
		{name: "GONOPROXY with off", goproxy: "off", gonoproxy: "example.com", want: "noproxy, off,"},
		{name: "GONOPROXY with direct", goproxy: "direct", gonoproxy: "example.com", want: "direct,"},
		{name: "file", goproxy: "file:///srv/mods", want: "file:///srv/mods,"},
		{name: "file with a drive", goproxy: "file:///C:/Jane%20Doe/mods|direct", want: "file:///C:/Jane%20Doe/mods| direct,"},
		{name: "query is kept and hidden", goproxy: "https://a.example?token=x1", want: "https://a.example?xxxxx,"},
		{name: "user is hidden", goproxy: "https://user:pass@a.example/p", want: "https://xxxxx@a.example/p,"},
		{name: "a token as user is hidden", goproxy: "https://s3cr3t@a.example/p", want: "https://xxxxx@a.example/p,"},

		{name: "comma", goproxy: ",", want: "GOPROXY list is not the empty string, but contains no entries"},
		{name: "blank with GONOPROXY", goproxy: " ", gonoproxy: "x", want: "GOPROXY list is not the empty string, but contains no entries"},
		{name: "word", goproxy: "a.example,goproxy", want: "invalid proxy URL missing scheme: goproxy", entry: "goproxy"},
		{name: "capital", goproxy: "Direct", want: "invalid proxy URL missing scheme: Direct", entry: "Direct"},
		{name: "noproxy", goproxy: "noproxy", want: "invalid proxy URL missing scheme: noproxy", entry: "noproxy"},
		{name: "path", goproxy: "/tmp/x", want: "invalid proxy URL missing scheme: /tmp/x", entry: "/tmp/x"},
		{name: "scheme", goproxy: "ftp://x", want: "invalid proxy URL scheme (must be https, http, file): ftp://x", entry: "ftp://x"},
		{name: "file with host", goproxy: "file://host/x", want: "invalid file:// proxy URL with non-path elements: file://host/x", entry: "file://host/x"},
		{name: "space", goproxy: "https://goproxy.example direct", want: `parse "https://goproxy.example direct": invalid character " " in host name`, entry: "https://goproxy.example direct"},
		{name: "quotes", goproxy: "'http://a.example'", want: `parse "'http://a.example'": first path segment in URL cannot contain colon`, entry: "'http://a.example'"},
		{name: "bad with password", goproxy: "https://user:s3/cr3t@a.example", want: `parse "https://xxxxx@a.example": invalid port "xxxxx" after host`, entry: "https://xxxxx@a.example"},
		{name: "scheme with password", goproxy: "ftp://u:s3cr3t@x", want: "invalid proxy URL scheme (must be https, http, file): ftp://xxxxx@x", entry: "ftp://xxxxx@x"},
		{name: "bad with query", goproxy: "https://a b?s3cr3t", want: `parse "https://a b?xxxxx": invalid character "xxxxx" in host name`, entry: "https://a b?xxxxx"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			chain, err := Parse(tt.goproxy, tt.gonoproxy)
			got := describe(chain)
			if err != nil {
				got = err.Error()
			}
			if got != tt.want {
				t.Errorf("Parse(%q, %q) = %s\nwant %s", tt.goproxy, tt.gonoproxy, got, tt.want)
			}
			var entry *EntryError
			if errors.As(err, &entry) != (tt.entry != "") || entry != nil && entry.Entry != tt.entry {
				t.Errorf("offending entry = %+v, want %q", entry, tt.entry)
			}
		})
	}
}

func describe(c Chain) string {
	var s []string
	for _, e := range c {
		s = append(s, e.String()+e.Separator())
	}
	return strings.Join(s, " ")
}

func TestChainString(t *testing.T) {
	t.Parallel()
	chain, err := Parse("a.example| https://u:p@b.example ,direct,c.example", "example.com")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := chain.String(), "https://a.example|https://xxxxx@b.example,direct"; got != want {
		t.Errorf("String() = %s, want %s", got, want)
	}
	if chain[1].HasSecret() || !chain[2].HasSecret() || chain[3].HasSecret() {
		t.Errorf("HasSecret() of %v is wrong", chain)
	}
	if got, want := chain[2].Host(), "b.example"; got != want {
		t.Errorf("Host() = %s, want %s", got, want)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"", ",", "direct", "https://goproxy.example,direct", "a.example|off", "file:///srv", "file://h/x",
		"https://u:p@h?x=1|'http://x'", "https://user:s3/cr3t@h", "/tmp/x", "C:\\x", "http://[::1]:80", "://@?", "a%zz.b", "@.",
	} {
		f.Add(s, "example.com")
	}
	f.Fuzz(func(t *testing.T, goproxy, gonoproxy string) {
		chain, err := Parse(goproxy, gonoproxy)
		if err != nil {
			if chain != nil {
				t.Errorf("both a chain and an error: %v, %v", chain, err)
			}
			return
		}
		if len(chain) == 0 {
			t.Fatal("neither entries nor an error")
		}
		for i, e := range chain {
			switch e.Keyword {
			case "":
				if s := e.URL.Scheme; s != "http" && s != "https" && s != "file" {
					t.Errorf("scheme %q was let through", s)
				}
				if e.URL.User != nil && strings.Contains(e.String(), "//"+e.URL.User.String()+"@") && e.URL.User.String() != hidden {
					t.Errorf("credentials in %s", e)
				}
			case Direct, Off:
				if i != len(chain)-1 || e.FallBackOnError {
					t.Errorf("%s is not the end of %v", e, chain)
				}
			case NoProxy:
				if i != 0 || gonoproxy == "" {
					t.Errorf("noproxy at %d of %v", i, chain)
				}
			}
		}
		if d := chain.Decide(nil); d.End == Served || d.Entry < 0 || d.Entry >= len(chain) {
			t.Errorf("Decide(nil) = %+v", d)
		}
	})
}

func TestNetrc(t *testing.T) {
	t.Parallel()
	netrc := ParseNetrc(`# a comment line
machine one.example login u1 password p1
machine one.example login late password late
machine two.example:8443
  login u2
  password p2
macdef init
machine macro.example login m password m

machine three.example/private login u3 password p3
machine incomplete.example login only
default login d password d
machine after.example login u4 password p4
default
machine never.example login n password n
`)
	tests := []struct{ url, want string }{
		{"https://one.example/m/@v/list", "u1:p1"},
		{"http://one.example/m/@v/list", ""},
		{"https://sub.one.example/", ""},
		{"https://one.example:8443/", ""},
		{"https://two.example:8443/x", "u2:p2"},
		{"https://two.example/x", ""},
		{"https://macro.example/", ""},
		{"https://three.example/private/m", "u3:p3"},
		{"https://three.example/privately", ""},
		{"https://three.example/", ""},
		{"https://incomplete.example/", ""},
		{"https://after.example/", "u4:p4"},
		{"https://never.example/", ""},
		{"https://d.example/", ""},
	}
	for _, tt := range tests {
		got := ""
		if login, password, ok := netrc.Lookup(mustURL(t, tt.url)); ok {
			got = login + ":" + password
		}
		if got != tt.want {
			t.Errorf("Lookup(%s) = %q, want %q", tt.url, got, tt.want)
		}
	}
}

func FuzzParseNetrc(f *testing.F) {
	f.Add("machine a login b password c\nmacdef x\n\ndefault")
	f.Add("machine https://a/ login b password c default")
	f.Fuzz(func(t *testing.T, data string) {
		for _, m := range ParseNetrc(data) {
			if m.Name == "" || m.Login == "" || m.Password == "" {
				t.Errorf("incomplete: %+v", m)
			}
		}
	})
}
