package config

import (
	"errors"
	"net/url"
	"regexp"
)

// The words that a notification's on takes.
const (
	OnFail   = "fail"
	OnChange = "change"
	OnAlways = "always"
)

// Notify is one receiver of notifications: exactly one of Slack, WeCom and
// Webhook is set. Its URLs and its secret are as the file writes them: see
// Variables and Expand.
type Notify struct {
	// Slack is the URL of an incoming webhook.
	Slack string `yaml:"slack" is:"notify-url" one:"true" doc:"A Slack incoming webhook."`
	// WeCom is the URL of a group robot.
	WeCom string `yaml:"wecom" is:"notify-url" one:"true" doc:"A WeCom group robot."`
	// Webhook is the URL of any other receiver, signed for with Secret.
	Webhook string `yaml:"webhook" is:"notify-url" one:"true" with:"secret" doc:"Any other receiver: a signed JSON document is posted to it."`
	// Secret is the variable with the key that signs what Webhook receives.
	Secret string `yaml:"secret" is:"notify-secret" with:"webhook" doc:"The variable with the key that signs what a webhook receives: base64, or whsec_ and base64."`
	// On is OnFail, OnChange or OnAlways; empty is OnChange.
	On string `yaml:"on" is:"notify-on" doc:"When to tell: fail (it begins to fail, or for another reason), change (also when it recovers, or becomes inconclusive), always (every run); default: change."`
	// Severity is Error, Warning or Notice: the least severity that counts as a
	// problem. Empty: what fails the run.
	Severity string `yaml:"severity" is:"notify-severity" doc:"The least severity that counts as a problem for this receiver; default: what fails the run."`
	// Only are the stages, checks and rules whose problems count. Empty: all.
	Only []string `yaml:"only" is:"selector" filled:"true" doc:"The stages, checks or rules that concern this receiver; default: all."`
	// Line is where in the file it stands, 1-based; 0 if it comes from no file.
	Line int
}

// variable is ${NAME} in the syntax that RE2 and ECMA 262 share.
const variable = `\$\{[A-Za-z_][A-Za-z0-9_]*\}`

var variables = regexp.MustCompile(variable)

// Expand replaces every ${NAME} of a URL or a secret that the grammar let
// through by what value returns for NAME.
func Expand(text string, value func(name string) string) string {
	return variables.ReplaceAllStringFunc(text, func(v string) string { return value(v[2 : len(v)-1]) })
}

// Variables are the names that a URL or a secret refers to, in order, as often as
// they stand there.
func Variables(text string) []string {
	var names []string
	Expand(text, func(name string) string { names = append(names, name); return "" })
	return names
}

// IsVariable reports whether a text is ${NAME} and nothing else.
func IsVariable(text string) bool { return text != "" && variables.FindString(text) == text }

// checkNotifyURL repeats nothing of the text: it may be a secret.
func checkNotifyURL(text string) error {
	if IsVariable(text) {
		return nil
	}
	u, err := url.Parse(Expand(text, func(string) string { return "x" }))
	switch {
	case err != nil:
		return errors.New("not a URL")
	case u.Hostname() == "":
		return errors.New("no host")
	}
	return nil
}
