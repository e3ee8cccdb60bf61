package plain

import (
	"cmp"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// masked stands in for a secret.
const masked = "xxxxx"

// secretName matches names of environment variables that hold secrets by
// custom.
var secretName = regexp.MustCompile(`(?i)(token|secret|passw|passphrase|apikey|api_key|credential|private_key|webhook|_key$|_pat$|_auth$|_pass$|_pwd$)`)

const (
	// minSecret is the shortest value that is masked wherever it stands:
	// shorter ones would mask ordinary words.
	minSecret = 6
	// minPlainSecret is the same for what may be something else: a path, text
	// with spaces, one line of several, a user's name in a URL.
	minPlainSecret = 16
)

var (
	// scheme begins a URL.
	scheme = regexp.MustCompile(`[a-zA-Z][a-zA-Z0-9+.-]*://`)
	// header is an HTTP header with its value, also as it stands in git's
	// http.extraHeader and in JSON; see headerEnds.
	header = regexp.MustCompile(`(?i)\b((?:(?:proxy-)?authorization|private-token|job-token|deploy-token|x-api-key|x-auth-token|x-jfrog-art-api|(?:set-)?cookie)["']?:[ \t]*["']?)[^\s"'][^\r\n"']*`)
	// netrc is a password of a netrc file, in one line with its login or alone
	// in its own, and the same of an .npmrc.
	netrc = regexp.MustCompile(`(\blogin\s+\S+\s+password\s+|\bmachine\s+\S+\s+password\s+|_authToken\s*=\s*)\S+|(?m:^(\s*password[ \t]+)\S+[ \t]*$)`)
	// token forms, by their issuers' documented prefixes: GitHub, GitLab,
	// Slack, AWS, Google, npm, and JSON web tokens; see tokenWords.
	token = regexp.MustCompile(`\b(gh[pousr]_[A-Za-z0-9_]{20,}|github_pat_[A-Za-z0-9_]{20,}` +
		`|gl(?:pat|cbt|dt|rt|rtr|ptt|ft|imt|agent|oas|soat|ffct)-[A-Za-z0-9_.-]{16,}` +
		`|xox[abeoprs]-[A-Za-z0-9.-]{10,}|xapp-[A-Za-z0-9-]{10,}|A[KS]IA[0-9A-Z]{16}|AIza[A-Za-z0-9_-]{35}|npm_[A-Za-z0-9]{36}` +
		`|eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]+)`)
	// slackHook is the path of a Slack webhook, which needs no other secret.
	slackHook = regexp.MustCompile(`(hooks\.slack\.com/(?:services|workflows|triggers)/)[A-Za-z0-9_/-]+`)
	// privateKey is a key in PEM form, to its end or the text's.
	privateKey = regexp.MustCompile(`(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)`)
	// param is a query parameter that carries a secret.
	param = regexp.MustCompile(`(?i)([?&;](?:access_token|auth_token|refresh_token|id_token|token|api_?key|key|sig|signature|password|passwd|secret|client_secret|private_token|job_token|x-amz-[a-z-]+|x-goog-[a-z-]+)=)[^&;\s"'<>]+`)
)

// Redactor masks secrets in text. The zero value masks what has a known form, and
// so does nil.
type Redactor struct {
	values []string
}

// NewRedactor returns a Redactor that also masks the values of those variables
// of an environment ("NAME=value") whose names say that they are secret, and
// of all of them what stands where a URL or an HTTP header has its credentials.
func NewRedactor(environ []string) *Redactor {
	r := &Redactor{}
	for _, kv := range environ {
		name, value, _ := strings.Cut(kv, "=")
		value = strings.TrimSpace(value)
		if secretName.MatchString(name) {
			r.addSecret(value)
		}
		if lower := strings.ToLower(name); strings.HasSuffix(lower, "_proxy") && !strings.Contains(value, "://") {
			value = "http://" + value // what an HTTP proxy without a scheme means
		}
		for _, part := range splitURLs(value) {
			r.addUserinfo(part.userinfo())
		}
		if _, credentials, ok := strings.Cut(header.FindString(value), ":"); ok {
			fields := strings.Fields(credentials) // a scheme, then what is secret
			r.add(fields[len(fields)-1], minSecret)
		}
	}
	// The longest first, so that no secret is left over by a shorter one inside it.
	slices.SortFunc(r.values, func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
	r.values = slices.Compact(r.values)
	return r
}

// addSecret masks the value of a variable; of one with several lines, as keys
// have, each line, because text is looked at line by line.
func (r *Redactor) addSecret(value string) {
	if strings.ContainsAny(value, "/\\ \n") {
		r.add(value, minPlainSecret)
	} else {
		r.add(value, minSecret)
	}
	if strings.Contains(value, "\n") {
		for line := range strings.Lines(value) {
			r.add(strings.TrimSpace(line), minPlainSecret)
		}
	}
}

// addUserinfo masks the password of a URL, as it stands there and as programs
// print it; without one the user, who may be a token.
func (r *Redactor) addUserinfo(userinfo string) {
	user, password, ok := strings.Cut(userinfo, ":")
	secret, shortest := password, minSecret
	if !ok {
		secret, shortest = user, minPlainSecret
	}
	r.add(secret, shortest)
	if decoded, err := url.PathUnescape(secret); err == nil && decoded != secret {
		r.add(decoded, shortest)
	}
}

func (r *Redactor) add(value string, shortest int) {
	if len(value) >= shortest && value != masked {
		r.values = append(r.values, value)
	}
}

// Redact is s without secrets.
//
// Every form has words without which it cannot be there. Hardly any text has
// them, and looking for the form itself takes far longer.
func (r *Redactor) Redact(s string) string {
	if r != nil {
		for _, v := range r.values {
			s = strings.ReplaceAll(s, v, masked)
		}
	}
	if strings.Contains(s, "-----BEGIN ") {
		s = privateKey.ReplaceAllString(s, masked)
	}
	if strings.Contains(s, "://") {
		s = redactURLs(s)
	}
	if mayHaveHeader(s) {
		s = header.ReplaceAllString(s, "${1}"+masked)
	}
	if containsAny(s, "password", "_authToken") {
		s = netrc.ReplaceAllString(s, "${1}${2}"+masked)
	}
	if containsAny(s, tokenWords...) {
		s = token.ReplaceAllString(s, masked)
	}
	if strings.Contains(s, "hooks.slack.com/") {
		s = slackHook.ReplaceAllString(s, "${1}"+masked)
	}
	if strings.Contains(s, "=") && strings.ContainsAny(s, "?&;") {
		s = param.ReplaceAllString(s, "${1}"+masked)
	}
	return s
}

// Line is s as one clean line without secrets. They are masked twice: a control
// character inside a secret hides it before cleaning, and cleaning may cut one.
func (r *Redactor) Line(s string) string { return r.Redact(Line(r.Redact(s))) }

// tokenWords are what every token has one of: the beginnings of all its forms.
var tokenWords = []string{
	"ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "glcbt-", "gldt-", "glrt-", "glrtr-", "glptt-", "glft-", "glimt-", "glagent-",
	"gloas-", "glsoat-", "glffct-", "xox", "xapp-", "AKIA", "ASIA", "AIza", "npm_", "eyJ",
}

func containsAny(s string, words ...string) bool {
	return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(s, w) })
}

// headerEnds are the last letters of the names of all headers; neither folds to a
// letter beyond ASCII, as "k" and "s" do.
var headerEnds = []string{"on", "en", "ey", "pi", "ie"}

// mayHaveHeader reports whether a colon stands behind what could be the name of a
// header, with or without a quote between them.
func mayHaveHeader(s string) bool {
	for i := 2; i < len(s); i++ {
		next := strings.IndexByte(s[i:], ':')
		if next < 0 {
			return false
		}
		i += next
		name := s[:i]
		if c := name[i-1]; c == '"' || c == '\'' {
			name = name[:i-1]
		}
		if len(name) >= 2 && slices.ContainsFunc(headerEnds, func(end string) bool { return strings.EqualFold(name[len(name)-2:], end) }) {
			return true
		}
	}
	return false
}

// redactURLs masks user and password of every URL. A user alone is masked too,
// because tokens are often passed as one; but that of an ssh URL is no secret.
func redactURLs(s string) string {
	parts := splitURLs(s)
	if len(parts) == 0 {
		return s
	}
	var b strings.Builder
	for _, p := range parts {
		b.WriteString(p.before)
		rest := p.rest
		if info := p.userinfo(); info != "" && (strings.Contains(info, ":") || !strings.HasSuffix(p.before, "ssh://")) {
			b.WriteString(masked)
			rest = rest[len(info):]
		}
		b.WriteString(rest)
	}
	return b.String()
}

// urlPart is a stretch of text around one "scheme://".
type urlPart struct {
	// before is what stands before the URL, and its scheme; rest is what
	// follows, up to the next URL.
	before, rest string
}

// splitURLs cuts text at its URLs; all parts together are the text. It is empty
// where there is no URL.
func splitURLs(s string) []urlPart {
	var parts []urlPart
	at := scheme.FindAllStringIndex(s, -1)
	for i, m := range at {
		start, end := m[0], len(s)
		if i == 0 {
			start = 0
		}
		if i+1 < len(at) {
			end = at[i+1][0]
		}
		parts = append(parts, urlPart{s[start:m[1]], s[m[1]:end]})
	}
	return parts
}

// userinfo is "user" or "user:password"; empty when the URL has none.
func (p urlPart) userinfo() string {
	word := p.rest
	if i := strings.IndexAny(word, " \t\r\n\"'<>`"); i >= 0 {
		word = word[:i]
	}
	authority := word
	if i := strings.IndexAny(word, "/?#"); i >= 0 {
		authority = word[:i]
	}
	if i := strings.LastIndexByte(authority, '@'); i >= 0 {
		return word[:i]
	}
	// Passwords are often put in as they are, with "/" and "?": then what
	// stands behind the colon is no port.
	host, port, ok := strings.Cut(authority, ":")
	if ok && !strings.HasPrefix(host, "[") && strings.Trim(port, "0123456789") != "" && !strings.ContainsAny(port, ",|") {
		return word[:max(strings.LastIndexByte(word, '@'), 0)]
	}
	return ""
}
