package notify

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"github.com/gopreflight/gopreflight/internal/plain"
)

// maxWeCom is the longest markdown content of a WeCom group robot, in bytes of
// UTF-8 (developer.work.weixin.qq.com/document/path/91770, which also allows 20
// messages a minute to one robot).
const maxWeCom = 4096

// wecomMessage is what a group robot takes.
type wecomMessage struct {
	MsgType  string        `json:"msgtype"`
	Markdown wecomMarkdown `json:"markdown"`
}

type wecomMarkdown struct {
	Content string `json:"content"`
}

// wecomAnswer is what a group robot answers, also with status 200 when it refuses.
type wecomAnswer struct {
	ErrCode *int   `json:"errcode"`
	ErrMsg  string `json:"errmsg"`
}

// wecomOf is a message for WeCom, cut between the lines of its list.
func wecomOf(m *message) wecomMessage {
	head := fmt.Sprintf("**%s**\n%s\n%s\n", wecomEscape(m.title()), wecomEscape(m.where()), wecomEscape(m.summary()))
	foot := ""
	if m.RunURL != "" {
		foot = "[the run](" + wecomURL.Replace(m.RunURL) + ")\n"
	}
	const counted = "and 1,000,000 more\n" // the room that the last line may need
	if len(head)+len(foot)+len(counted) > maxWeCom {
		foot = "" // half a link is none
	}
	room := maxWeCom - len(head) - len(foot) - len(counted)
	var list strings.Builder
	items, total := m.items()
	shown := 0
	for _, i := range items {
		l := fmt.Sprintf("> `%s` %s\n", wecomEscape(i.name), wecomEscape(i.text))
		if list.Len()+len(l) > room {
			break
		}
		list.WriteString(l)
		shown++
	}
	if more := total - shown; more > 0 {
		fmt.Fprintf(&list, "and %d more\n", more)
	}
	return wecomMessage{"markdown", wecomMarkdown{strings.TrimSpace(plain.Cut(head+list.String()+foot, maxWeCom))}}
}

// wecomMarks are WeCom's own marks: it knows no escape, so that look-alikes stand
// in for them. "<" begins a colour and a mention (<@userid>), "[" a link; "://"
// and "www." begin what clients make a link of by themselves.
var wecomMarks = strings.NewReplacer("<", "＜", ">", "＞", "[", "［", "]", "］", "`", "ˋ", "*", "＊", "@", "＠",
	"://", "：//", "\n", " ")

var www = regexp.MustCompile(`(?i)(www)\.`)

// wecomEscape makes a text without marks.
func wecomEscape(s string) string {
	s = www.ReplaceAllString(wecomMarks.Replace(s), "${1}．")
	if strings.HasPrefix(s, "#") {
		s = "＃" + s[1:]
	}
	return s
}

// wecomURL keeps a URL inside its parentheses.
var wecomURL = strings.NewReplacer("(", "%28", ")", "%29", "[", "%5B", "]", "%5D", "<", "%3C", ">", "%3E", "`", "%60", " ", "%20", "*", "%2A")

// wecomRefusal is why a robot did not take a message, or nil.
func wecomRefusal(body []byte) error {
	var a wecomAnswer
	switch err := json.Unmarshal(body, &a); {
	case err != nil || a.ErrCode == nil:
		return fmt.Errorf("answers without an errcode: %s", body)
	case *a.ErrCode != 0:
		return fmt.Errorf("answers errcode %d: %s", *a.ErrCode, a.ErrMsg)
	}
	return nil
}
