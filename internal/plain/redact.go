package plain

import (
	"regexp"
	"slices"
	"strings"
)

// masked stands in for a secret.
const masked = "xxxxx"

// secretName matches names of environment variables that hold secrets by
// custom.
var secretName = regexp.MustCompile(`(?i)(token|secret|passw|passphrase|apikey|api_key|credential|private_key|webhook|_key$|_pat$|_auth$)`)

// minSecret is the shortest value that is masked wherever it stands: shorter
// ones would mask ordinary words.
const minSecret = 6

var (
	// userinfo is the user and password of a URL. A user alone is masked too,
	// because tokens are often passed as one; "git@" of ssh URLs is not secret.
	userinfo = regexp.MustCompile(`([a-zA-Z][a-zA-Z0-9+.-]*://)([^/@\s"'<>]+)@`)
	// header is an HTTP header or netrc word with its value.
	header = regexp.MustCompile(`(?i)\b((?:proxy-)?authorization:\s*(?:basic|bearer|token)?\s*|private-token:\s*|job-token:\s*|password\s+|_authToken=)(\S+)`)
	// known token forms, by their issuers' documented prefixes.
	token = regexp.MustCompile(`\b(gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}|gl(?:pat|cbt|dt|rt|ptt|soat)-[A-Za-z0-9_.-]{16,}|xox[abpr]-[A-Za-z0-9-]{10,}|AKIA[0-9A-Z]{16}|eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]+)`)
	// query parameters that carry secrets.
	param = regexp.MustCompile(`(?i)([?&;](?:access_token|token|key|sig|signature|password|secret|private_token|x-amz-[a-z-]+)=)[^&;\s"']+`)
)

// Redactor masks secrets in text. The zero value masks what has a known form.
type Redactor struct {
	values []string
}

// NewRedactor returns a Redactor that also masks the values of those variables
// of an environment ("NAME=value") whose names say that they are secret, and
// the passwords inside URLs of all of them.
func NewRedactor(environ []string) *Redactor {
	r := &Redactor{}
	for _, kv := range environ {
		name, value, _ := strings.Cut(kv, "=")
		if secretName.MatchString(name) {
			r.add(strings.TrimSpace(value))
		}
		for _, m := range userinfo.FindAllStringSubmatch(value, -1) {
			if _, password, ok := strings.Cut(m[2], ":"); ok {
				r.add(password)
			}
		}
	}
	// The longest first, so that no secret is left over by a shorter one inside it.
	slices.SortFunc(r.values, func(a, b string) int { return len(b) - len(a) })
	return r
}

func (r *Redactor) add(value string) {
	if len(value) >= minSecret && !strings.ContainsAny(value, "/\\ ") || len(value) >= 16 {
		r.values = append(r.values, value)
	}
}

// Redact is s without secrets.
func (r *Redactor) Redact(s string) string {
	for _, v := range r.values {
		s = strings.ReplaceAll(s, v, masked)
	}
	s = userinfo.ReplaceAllStringFunc(s, func(m string) string {
		scheme, user, _ := strings.Cut(m, "://")
		user = strings.TrimSuffix(user, "@")
		if user == "git" && strings.Contains(scheme, "ssh") {
			return m
		}
		return scheme + "://" + masked + "@"
	})
	s = header.ReplaceAllString(s, "${1}"+masked)
	s = token.ReplaceAllString(s, masked)
	return param.ReplaceAllString(s, "${1}"+masked)
}
