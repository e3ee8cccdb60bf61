package report

import (
	"bytes"
	"errors"
	"io"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/renderer/html"
	xhtml "golang.org/x/net/html"

	"github.com/gopreflight/gopreflight/checks"
)

// maxComment is the size of a comment, in bytes (internal/forge.MaxComment).
const maxComment = 65_536

// pages are what a report becomes in Markdown, by name. A text of the report is the
// comment's label, too.
func pages(r *checks.Report) map[string]string {
	return map[string]string{"the summary": markdownText(r, MaxSummary), "the comment": Comment(r, r.Go.GOROOT, maxComment)}
}

// markdownHTML renders a page and leaves all HTML in it as it is: what a site
// would take out afterwards must not be there in the first place.
type markdownHTML func(page string) (string, error)

// goldmarkHTML renders as Gitea does, with every extension that looks for
// something in text.
func goldmarkHTML(page string) (string, error) {
	var b bytes.Buffer
	err := goldmarkAll.Convert([]byte(page), &b)
	return b.String(), err
}

var goldmarkAll = goldmark.New(
	goldmark.WithExtensions(extension.GFM, extension.Footnote, extension.DefinitionList),
	goldmark.WithRendererOptions(html.WithUnsafe()),
)

// cmarkHTML renders with the program that GitHub's own library was made from.
func cmarkHTML(page string) (string, error) {
	c := exec.Command("cmark-gfm", "--unsafe", "-e", "table", "-e", "strikethrough", "-e", "autolink", "-e", "tagfilter", "-e", "footnotes", "-e", "tasklist")
	c.Stdin = strings.NewReader(page)
	out, err := c.Output()
	return string(out), err
}

// attributesOf are the elements that a page of ours has, and their attributes
// but for href.
var attributesOf = map[string]*regexp.Regexp{
	"a": nil, "b": nil, "blockquote": nil, "br": nil, "details": nil, "h2": nil, "h3": nil, "hr": nil, "li": nil, "p": nil, "pre": nil,
	"strong": nil, "sub": nil, "summary": nil, "table": nil, "tbody": nil, "thead": nil, "tr": nil, "ul": nil,
	"code": regexp.MustCompile(`^class="language-(text|sh|diff|mermaid)"$`),
	"td":   regexp.MustCompile(`^(align="(left|right|center)"|style="text-align:(left|right|center)")$`),
	"th":   regexp.MustCompile(`^(align="(left|right|center)"|style="text-align:(left|right|center)")$`),
}

// actedOn is what GitHub, Gitea or GitLab act on in running text (GitLab
// documentation, "GitLab-specific references"), written down apart from the
// escaper: mentions, issues and the like, commits, addresses, emoji, formulas.
var actedOn = regexp.MustCompile(`(?i)@[\pL\pN_]|#[0-9]|\bgh-[0-9]|![0-9]|[~%]["\pL]|&[0-9]|\$[^ ]|\^alert|\[[a-z_]+:|//|www\.|` +
	`\b[0-9a-f]{7,40}\b|:[a-z0-9_+-]+:|mailto:|xmpp:`)

// leftOver is Markdown and HTML in running text: ours, that was not read, unless
// the report says it.
var leftOver = regexp.MustCompile("[`*<|\\\\]|\\]\\(|&#[0-9]")

// alertHead is the first line of an alert, which only sites know how to read.
var alertHead = regexp.MustCompile(`^\[!(CAUTION|WARNING|NOTE)\]\n`)

// judgePage finds what a page may not hold once it is rendered.
func judgePage(found *faults, kind, what, page string, render markdownHTML, r *checks.Report) {
	judgeText(found, what, page)
	judgeSource(found, what, page)
	rendered, err := render(page)
	if err != nil {
		found.addf("%s cannot be rendered: %v", what, err)
		return
	}
	p := pageJudge{faults: found, what: what, report: r}
	p.read(rendered)
	judgeShown(found, what, p.shown.String(), r)
	if want := benignPictures()[kind][what]; want != "" && p.pictures.String() != want {
		found.addf("%s has another picture: %s", what, p.pictures.String())
	}
}

// benignPictures are the pictures of reports with a harmless text, by kind and
// page: those of a hostile one must be the same.
var benignPictures = sync.OnceValue(func() map[string]map[string]string {
	pictures := map[string]map[string]string{}
	for kind, r := range hostileReports("harmless") {
		pictures[kind] = map[string]string{}
		for what, page := range pages(r) {
			rendered, err := goldmarkHTML(page)
			if err != nil {
				panic(err)
			}
			p := pageJudge{faults: new(faults), report: r}
			p.read(rendered)
			pictures[kind][what] = p.pictures.String()
		}
	}
	return pictures
})

// judgeSource finds in the Markdown itself what is looked for before it is read:
// GitLab's quick actions and quotes, which its expressions find in code, too
// (gitlab-org/gitlab, lib/gitlab/quick_actions/extractor.rb: a line of three
// backticks ends what they take for a block of code), and rows with too many or
// too few cells, which renderers make even.
func judgeSource(found *faults, what, page string) {
	cells := 0
	for line := range strings.SplitSeq(page, "\n") {
		if quickAction.MatchString(line) {
			found.addf("%s has the quick action %.40q", what, line)
		}
		if !strings.HasPrefix(line, "|") {
			cells = 0
			continue
		}
		n := strings.Count(line, "|")
		if cells != 0 && n != cells {
			found.addf("%s has a row of %d cells among those of %d: %.120q", what, n-1, cells-1, line)
		}
		cells = n
	}
}

var quickAction = regexp.MustCompile(`^(/[a-zA-Z_]|>>>)`)

// pageJudge reads a rendered page.
type pageJudge struct {
	*faults
	what   string
	report *checks.Report
	// open are the elements that are open.
	open []string
	// shown is the text of the page; pictures is that of Mermaid blocks.
	shown, pictures strings.Builder
	picture         bool
}

func (p *pageJudge) read(rendered string) {
	z := xhtml.NewTokenizer(strings.NewReader(rendered))
	for {
		switch z.Next() {
		case xhtml.ErrorToken:
			if !errors.Is(z.Err(), io.EOF) {
				p.addf("%s cannot be read: %v", p.what, z.Err())
			}
			if len(p.open) > 0 {
				p.addf("%s leaves open %q", p.what, p.open)
			}
			return
		case xhtml.StartTagToken, xhtml.SelfClosingTagToken:
			p.start(z.Token())
		case xhtml.EndTagToken:
			name := z.Token().Data
			if n := len(p.open); n == 0 || p.open[n-1] != name {
				p.addf("%s closes %s in %q", p.what, name, p.open)
				continue
			}
			p.open = p.open[:len(p.open)-1]
			p.picture = p.picture && name != "code"
		case xhtml.TextToken:
			p.text(z.Token().Data)
		case xhtml.CommentToken:
			if c := z.Token().Data; c != " " {
				p.addf("%s has the comment %.40q", p.what, c)
			}
		case xhtml.DoctypeToken:
			p.addf("%s has a declaration", p.what)
		}
	}
}

func (p *pageJudge) start(e xhtml.Token) {
	attributes, ok := attributesOf[e.Data]
	if !ok {
		p.addf("%s has the element %s", p.what, e.String())
	}
	for _, a := range e.Attr {
		pair := a.Key + `="` + a.Val + `"`
		switch {
		case e.Data == "a" && a.Key == "href":
			if !strings.HasPrefix(a.Val, "https://git.example/shop/") && !strings.EqualFold(strings.TrimSuffix(a.Val, "/"), p.report.CI.RunURL) {
				p.addf("%s has a link to %q", p.what, a.Val)
			}
		case attributes == nil || !attributes.MatchString(pair):
			p.addf("%s has the attribute %s of %s", p.what, pair, e.Data)
		}
		p.picture = p.picture || pair == `class="language-mermaid"`
	}
	if e.Data != "br" && e.Data != "hr" {
		p.open = append(p.open, e.Data)
	}
}

func (p *pageJudge) text(text string) {
	switch {
	case p.picture:
		p.pictures.WriteString(text)
		return
	case slices.Contains(p.open, "code"):
	default:
		if slices.Contains(p.open, "blockquote") {
			text = alertHead.ReplaceAllString(text, "")
		}
		if m := actedOn.FindString(text); m != "" {
			p.addf("%s leaves %q to the site in %.80q", p.what, m, text)
		}
		if m := leftOver.FindString(text); m != "" && !strings.Contains(p.report.Go.GOROOT, m) {
			p.addf("%s shows the markup %q in %.80q", p.what, m, text)
		}
	}
	p.shown.WriteString(text)
}

// TestHostileCmark judges the pages as GitHub's own library renders them.
func TestHostileCmark(t *testing.T) {
	t.Parallel()
	if conformance() == "" {
		t.Skip("GOPREFLIGHT_CONFORMANCE names no folder")
	}
	for _, h := range hostileStrings(t) {
		for kind, r := range hostileReports(h.text) {
			for what, page := range pages(r) {
				var found faults
				judgePage(&found, kind, what, page, cmarkHTML, r)
				found.tell(t, h, kind)
			}
		}
	}
}

// TestPageJudge: the judge is awake.
func TestPageJudge(t *testing.T) {
	t.Parallel()
	for name, page := range map[string]string{
		"image": "![x](https://evil.example/x.png)", "link": "[x](https://evil.example)", "script": "a <script>x</script>", "address": "see www.evil.example",
		"mention": "by @octocat", "issue": "fixes #1", "merge request": "see !1", "label": "is ~bug", "milestone": "in %v1", "epic": "of &amp;1", "commit": "at 4f9c2b1e0d",
		"emoji": "so :tada:", "formula": "is $x$", "handler": "<b onclick=x>b</b>", "open fold": "<details><summary>x</summary>", "stray end": "a </b>",
		"comment": "a <!-- open -->", "footnote": "a[^1]\n\n[^1]: b", "task": "- [x] a", "cell": "| a | b |\n| - | - |\n| c | d | e |", "quick action": "a\n\n/close",
		"quick action in code": "````\n```\n/close\n````", "leftover": "a ]( b", "style": "<p style=x>a</p>", "direction": "a\u202eb", "heading": "# a", "number": "1. a",
		"language": "```js\nx\n```", "strike": "~~a~~", "escape": `a \ b`,
	} {
		var found faults
		judgePage(&found, "none", "it", page, goldmarkHTML, &checks.Report{Results: []checks.Result{{Findings: make([]checks.Finding, 1)}}})
		if len(found) == 0 {
			t.Errorf("%s: the judge finds nothing in %q", name, page)
		}
	}
	var found faults
	fine := "## ✅ a\n\n> [!CAUTION]\n> **b** <code>@c</code><br>d\n\n| a | b |\n| :-: | --: |\n| c | <b>d</b> |\n\n<details><summary>e</summary>\n\n```sh\n#1 @f\n```\n\n</details>\n"
	judgePage(&found, "none", "it", fine, goldmarkHTML, &checks.Report{Results: []checks.Result{{Findings: make([]checks.Finding, 1)}}})
	if len(found) > 0 {
		t.Errorf("the judge finds in a page of ours: %q", found)
	}
}
