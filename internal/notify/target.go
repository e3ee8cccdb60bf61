package notify

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/gopreflight/gopreflight/internal/config"
)

// The receivers, by their key in the policy.
const (
	slackKind   = "slack"
	wecomKind   = "wecom"
	webhookKind = "webhook"
)

// A destination is a receiver with its variables expanded: a secret.
type destination struct {
	kind string
	url  *url.URL
	// key signs what a webhook receives.
	key []byte
	// named says that the policy file names the host, not the environment.
	named bool
	// secrets masks what must not be shown.
	secrets *strings.Replacer
}

// kindOf is the key of the receiver that a target has.
func kindOf(t config.Notify) string {
	switch {
	case t.Slack != "":
		return slackKind
	case t.WeCom != "":
		return wecomKind
	}
	return webhookKind
}

// resolve expands a target's variables. Its errors name variables, never values.
func resolve(t config.Notify, env func(string) (string, bool)) (destination, error) {
	text := t.Slack + t.WeCom + t.Webhook // exactly one is set
	values, err := lookUp(append(config.Variables(text), config.Variables(t.Secret)...), env)
	if err != nil {
		return destination{}, err
	}
	d := destination{kind: kindOf(t), named: !config.IsVariable(text)}
	what := "the URL"
	if d.named {
		for _, name := range config.Variables(text) {
			if v := values[name]; v == "." || v == ".." {
				return destination{}, fmt.Errorf("${%s} would lead to another path", name)
			}
		}
		text = config.Expand(text, func(name string) string { return url.PathEscape(values[name]) })
	} else {
		what = "the value of " + text
		text = config.Expand(text, func(name string) string { return values[name] })
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" || u.Hostname() == "" {
		return destination{}, fmt.Errorf("%s is not an https URL", what) // err repeats the URL
	}
	d.url = u
	secret := config.Expand(t.Secret, func(name string) string { return values[name] })
	if d.kind == webhookKind {
		if d.key, err = signingKey(secret); err != nil {
			return destination{}, fmt.Errorf("the value of %s %w", t.Secret, err)
		}
	}
	d.secrets = secretsOf(u, secret, values)
	return d, nil
}

// lookUp returns the values of variables, without the white space around them
// that a secret is often stored with.
func lookUp(names []string, env func(string) (string, bool)) (map[string]string, error) {
	values := map[string]string{}
	for _, name := range names {
		if env == nil {
			return nil, errNotListed(name)
		}
		value, listed := env(name)
		value = strings.TrimSpace(value)
		switch {
		case !listed:
			return nil, errNotListed(name)
		case value == "":
			return nil, fmt.Errorf("${%s} is not set", name)
		case strings.ContainsAny(value, "\r\n\x00"):
			return nil, fmt.Errorf("${%s} has more than one line", name)
		}
		values[name] = value
	}
	return values, nil
}

func errNotListed(name string) error {
	return fmt.Errorf("${%s} is not among the names that --notify-env lists", name)
}

// minSecret is the shortest part of a URL that is masked wherever it stands, in
// bytes: shorter ones are ordinary words, such as "send".
const minSecret = 6

// secretsOf masks everything of a URL but its host, whole and in its parts, as a
// server may echo it.
func secretsOf(u *url.URL, secret string, values map[string]string) *strings.Replacer {
	secrets := []string{u.String(), u.RequestURI(), u.EscapedPath(), u.Path, u.RawQuery, secret, strings.TrimPrefix(secret, secretPrefix)}
	secrets = append(secrets, strings.Split(u.EscapedPath(), "/")...)
	secrets = append(secrets, strings.Split(u.Path, "/")...)
	for _, value := range values {
		secrets = append(secrets, value, url.PathEscape(value))
	}
	for _, list := range u.Query() {
		secrets = append(secrets, list...)
	}
	if u.User != nil {
		password, _ := u.User.Password()
		secrets = append(secrets, u.User.String(), u.User.Username(), password)
		secrets = append(secrets, strings.Split(u.User.String(), ":")...)
	}
	// The longest first: of two that begin alike, a Replacer takes the first.
	slices.SortFunc(secrets, func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
	var pairs []string
	for _, s := range secrets {
		if len(s) >= minSecret {
			pairs = append(pairs, s, "xxxxx")
		}
	}
	return strings.NewReplacer(pairs...)
}
