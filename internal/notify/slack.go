package notify

import (
	"fmt"
	"strings"

	"github.com/gopreflight/gopreflight/internal/plain"
)

// Limits of a Slack message, in characters (here bytes, which are never fewer),
// from docs.slack.dev/reference/block-kit: a header's text; the text of any text
// object, which is kept here for a whole list too.
const (
	maxSlackHeader = 150
	maxSlackText   = 3000
)

// slackMessage is what an incoming webhook takes. The blocks hold what came from
// outside only as text elements of rich_text, in which Slack looks for no mark-up,
// mention or link; Text is what stands in a desktop notification.
type slackMessage struct {
	Text        string `json:"text"`
	UnfurlLinks bool   `json:"unfurl_links"`
	UnfurlMedia bool   `json:"unfurl_media"`
	Blocks      []any  `json:"blocks"`
}

type slackText struct {
	Type  string      `json:"type"`
	Text  string      `json:"text"`
	Emoji *bool       `json:"emoji,omitempty"`
	URL   string      `json:"url,omitempty"`
	Style *slackStyle `json:"style,omitempty"`
}

type slackStyle struct {
	Bold bool `json:"bold,omitempty"`
	Code bool `json:"code,omitempty"`
}

type slackHeader struct {
	Type string    `json:"type"`
	Text slackText `json:"text"`
}

// slackRich is a rich_text block, a section or a list of it.
type slackRich struct {
	Type     string `json:"type"`
	Style    string `json:"style,omitempty"`
	Elements []any  `json:"elements"`
}

// slackOf is a message for Slack.
func slackOf(m *message) slackMessage {
	noEmoji := false
	header := slackText{Type: "plain_text", Text: plain.Cut(m.title(), maxSlackHeader), Emoji: &noEmoji}
	body := slackRich{Type: "rich_text", Elements: []any{
		section(slackWords(m.where() + "\n" + m.summary())),
	}}
	list := slackRich{Type: "rich_text_list", Style: "bullet"}
	items, total := m.items()
	room := maxSlackText
	for _, i := range items {
		if room -= len(i.name) + len(i.text) + 2; room < 0 {
			break
		}
		list.Elements = append(list.Elements,
			section(slackText{Type: "text", Text: i.name, Style: &slackStyle{Code: true}}, slackWords("  "+i.text)))
	}
	if len(list.Elements) > 0 {
		body.Elements = append(body.Elements, list)
	}
	if more := total - len(list.Elements); more > 0 {
		body.Elements = append(body.Elements, section(slackWords(fmt.Sprintf("and %d more", more))))
	}
	if m.RunURL != "" {
		body.Elements = append(body.Elements, section(slackText{Type: "link", URL: m.RunURL, Text: "the run"}))
	}
	return slackMessage{
		Text:   slackEscape(plain.Cut(m.title()+": "+m.where(), maxSlackHeader)),
		Blocks: []any{slackHeader{Type: "header", Text: header}, body},
	}
}

func section(elements ...slackText) slackRich {
	s := slackRich{Type: "rich_text_section"}
	for _, e := range elements {
		s.Elements = append(s.Elements, e)
	}
	return s
}

func slackWords(s string) slackText { return slackText{Type: "text", Text: s} }

// slackMarks are the three characters that Slack asks to escape, and the one that
// begins a mention where others read Slack's format (Mattermost).
var slackMarks = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "@", "＠")

// slackEscape makes a text without links and mentions.
func slackEscape(s string) string { return slackMarks.Replace(s) }
