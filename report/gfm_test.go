package report

import (
	"html"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestGFMText(t *testing.T) {
	t.Parallel()
	at := "<!-- -->&#64;"
	for _, tt := range []struct{ name, in, want string }{
		{"plain", "go.mod parses, and means one thing (560 modules; 1,431 lines)", "go.mod parses, and means one thing (560 modules; 1,431 lines)"},
		{"path and version", "example.com/m v1.2.3", "example.com/m v1.2.3"},
		{"colon", "first: second", "first&#58; second"},
		{"address", "see https://x.example/a, then", "see <code>https&#58;//x.example/a</code>, then"},
		{"bare host with www", "see www.x.example", "see <code>www&#46;x.example</code>"},
		{"mention", "by @octocat.", "by <code>" + at + "octocat</code>."},
		{"mail", "me@x.example", "<code>me" + at + "x.example</code>"},
		{"issue", "fixes #12 and GH-12", "fixes <code>&#35;12</code> and <code>GH-12</code>"},
		{"commit", "at 4f9c2b1e0d", "at <code>4f9c2b1e0d</code>"},
		{"emoji", "so :tada: it", "so <code>:tada</code>: it"},
		{"formula", "$x$", "<code>&#36;x&#36;</code>"},
		{"signs alone", "a -> b | c * d", "a -&#62; b &#124; c &#42; d"},
		{"underscores", "GO_X=1", "<code>GO&#95;X&#61;1</code>"},
		{"markup", "<b>x</b>", "<code>&#60;b&#62;x&#60;/b&#62;</code>"},
		{"reference", "&lt;", "<code>&#38;lt</code>;"},
		{"lines become one", "a\r\n# b\n\n- c", "a <code>&#35;</code> b - c"},
		{"list at the start", "1. a", "&#49;. a"},
		{"number at the start", "560 modules", "560 modules"},
		{"dash at the start", "- a", "&#45; a"},
		{"punctuation stays outside", `("a_b"),`, `("<code>a&#95;b</code>"),`},
		{"other scripts", "模块 ошибка", "模块 ошибка"},
		{"nothing", " \t", ""},
		{"merge request", "see !7 and o/r!8, now!", "see <code>!7</code> and <code>o/r!8</code>, now!"},
		{"label", `~bug ~"a b"`, `<code>&#126;bug</code> <code>&#126;"a</code> b"`},
		{"milestone", `%1 %"a b" %v1 100% of 5%`, `<code>%1</code> <code>%"a</code> b" <code>%v1</code> 100% of 5%`},
		{"epic and snippet", "&4 $5", "<code>&#38;4</code> <code>&#36;5</code>"},
		{"vulnerability", "[vulnerability:1]", "<code>&#91;vulnerability&#58;1&#93;</code>"},
		{"alert and iteration", "^alert#1 *iteration:2", "<code>&#94;alert&#35;1</code> <code>&#42;iteration&#58;2</code>"},
		{"another tracker", "for SHOP-12: UTF-8", "for <code>SHOP-12</code>&#58; <code>UTF-8</code>"},
		{"quick action", "/close", "<code>/close</code>"},
		{"slash at the start", "/ close", "&#47; close"},
		{"path", "in /home/ci: and/or", "in <code>/home/ci</code>&#58; and/or"},
	} {
		if got := gfmText(tt.in); got != strings.ReplaceAll(tt.want, "<code>:tada</code>:", "<code>&#58;tada</code>&#58;") {
			t.Errorf("%s: gfmText(%q) =\n%s, want\n%s", tt.name, tt.in, got, tt.want)
		}
	}
}

var (
	codeSpan = regexp.MustCompile(`<code>([^<]|<!-- -->)*</code>`)
	// active is what GitHub acts on in the text outside of code, written down
	// apart from the escaper.
	active = regexp.MustCompile(`(?i)@[0-9a-z]|#[0-9]|\bgh-[0-9]|://|www\.|\b[0-9a-f]{7,40}\b|:[a-z0-9_+-]+:|\$[^ ]|` +
		`![0-9]|[~&][0-9a-z]|[~%]"|%[0-9a-z_]|\[[a-z_]+:|^/[a-z]|(?-i:\b[A-Z][A-Z0-9_]+-[0-9])`)
	// markup are the characters that Markdown and HTML read.
	markup = regexp.MustCompile("[\\\\`*_{}\\[\\]<>#+|~^=$@&\r\n]|^-|^[0-9]+[.)]")
	// reference is the only thing for which an "&" stands.
	reference = regexp.MustCompile(`&#[0-9]{2,3};`)
)

// checkGFM finds what is wrong with the escaped form of a text.
func checkGFM(t *testing.T, in, out string) {
	t.Helper()
	rest := codeSpan.ReplaceAllString(out, "")
	if m := markup.FindString(reference.ReplaceAllString(rest, "x")); m != "" {
		t.Errorf("gfmText(%q) = %q leaves %q to Markdown", in, out, m)
	}
	// A word with code in it keeps its punctuation outside: look at it without.
	if m := active.FindString(html.UnescapeString(codeSpan.ReplaceAllString(out, "\u2021"))); m != "" {
		t.Errorf("gfmText(%q) = %q leaves %q to GitHub", in, out, m)
	}
	for _, span := range codeSpan.FindAllString(out, -1) {
		body := strings.ReplaceAll(span[len("<code>"):len(span)-len("</code>")], "<!-- -->&#64;", "")
		if m := markup.FindString("x" + reference.ReplaceAllString(body, "x")); m != "" || strings.Contains(body, "://") {
			t.Errorf("gfmText(%q) = %q leaves %q inside code", in, out, m)
		}
	}
	seen := html.UnescapeString(strings.NewReplacer("<code>", "", "</code>", "", "<!-- -->", "").Replace(out))
	if want := strings.Join(strings.Fields(oneLine(in)), " "); seen != want {
		t.Errorf("gfmText(%q) shows %q, want %q", in, seen, want)
	}
}

func FuzzGFMText(f *testing.F) {
	for _, seed := range []string{
		"plain text", "@a", "a@b.c", "(@a)", "#1", "x#1", "GH-1", "https://a.b", "//a", "www.a.b", "WWW.a", ":a:", "a:b:c", "$x$", "$ x $",
		"<script>", "&lt;", "&#60;", "`a`", "``", "a|b", `\|`, "\\", "*a*", "1. a", "- a", "+ a", "---", "===", "> a", "[a](b)", "![a](b)", "[^1]",
		"0123456", "x-abcdef0", "\u202ea", "\x1b[1m", "\xff", "a\u00a0b", "\u200b@a", "\"@a\"", "'#1',", "!@a!", "mailto:a", "xmpp:a@b", "http:", "~~a~~", "a\n\n# b",
		"!7", "a!7", "~a", "~\"a b\"", "~\" a\"", "%1", "%a", "%\"a b\"", "100%", "&1", "$1", "[vulnerability:1]", "^alert#1", "*iteration:1", "/close", "\n/close", "/ close", "AB-1", "x_AB-1",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) { checkGFM(t, s, gfmText(s)) })
}

// TestGFMFence: nothing inside closes a fence.
func TestGFMFence(t *testing.T) {
	t.Parallel()
	for _, lines := range [][]string{{"a"}, {"/close"}, {"```", "/close"}, {">>>", "::include{file=x}"}, {"@bot merge", "@@ -1 +1 @@"}, {"```"}, {"````sh", "x"}, {"a ````` b", "`"}, {"~~~"}, {""}, nil} {
		got := gfmFence("text", lines)
		parts := strings.Split(strings.TrimSuffix(got, "\n"), "\n")
		fence := parts[len(parts)-1]
		if parts[0] != fence+"text" || len(fence) < 3 || strings.Trim(fence, "`") != "" {
			t.Errorf("gfmFence(%q) = %q is not fenced", lines, got)
		}
		for _, l := range parts {
			if strings.HasPrefix(l, "/") || strings.HasPrefix(l, ">>>") || strings.HasPrefix(l, "::") || strings.HasPrefix(l, "@b") {
				t.Errorf("gfmFence(%q) = %q has a line that GitLab or a bot would obey", lines, got)
			}
		}
		if body := parts[1 : len(parts)-1]; strings.ReplaceAll("\n"+strings.Join(body, "\n"), "\n ", "\n") != "\n"+strings.Join(lines, "\n") || slices.ContainsFunc(body, func(l string) bool { return strings.Contains(l, fence) }) {
			t.Errorf("gfmFence(%q) = %q: the fence is in its text", lines, got)
		}
	}
}
