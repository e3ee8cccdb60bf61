package notify

import (
	"strings"
	"testing"

	"github.com/gopreflight/gopreflight/internal/config"
)

const testKey = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

// env is an environment of listed variables.
func env(values map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) { v, ok := values[name]; return v, ok }
}

func TestResolve(t *testing.T) {
	t.Parallel()
	values := map[string]string{
		"HOOK": "https://10.1.2.3:8443/services/T0001/B0002/sEcReT?k=v\n", "HTTP": "http://hooks.example/sEcReT", "WORD": "sEcReT", "BAD": "https://hooks.example/%zz/sEcReT",
		"HOST": "https://:443/sEcReT", "PATH": "a/b?c#d e", "UP": "..", "EMPTY": " \n", "LINES": "https://hooks.example/\nsEcReT", "KEY": testKey, "SHORT": "whsec_c0VjUmVU", "RAW": strings.TrimPrefix(testKey, "whsec_"),
	}
	for _, test := range []struct {
		name   string
		target config.Notify
		url    string
		named  bool
		err    string
	}{
		{"a whole URL", config.Notify{Slack: "${HOOK}"}, "https://10.1.2.3:8443/services/T0001/B0002/sEcReT?k=v", false, ""},
		{"a written URL", config.Notify{WeCom: "https://robots.example/send?v=1"}, "https://robots.example/send?v=1", true, ""},
		{"a part of the path is one element", config.Notify{Slack: "https://hooks.example/x/${PATH}/y"}, "https://hooks.example/x/a%2Fb%3Fc%23d%20e/y", true, ""},
		{"a signed one", config.Notify{Webhook: "${HOOK}", Secret: "${KEY}"}, "https://10.1.2.3:8443/services/T0001/B0002/sEcReT?k=v", false, ""},
		{"a key without its prefix", config.Notify{Webhook: "https://hooks.example/", Secret: "${RAW}"}, "https://hooks.example/", true, ""},
		{"another path", config.Notify{Slack: "https://hooks.example/x/${UP}/y"}, "", false, "${UP} would lead to another path"},
		{"not listed", config.Notify{Slack: "${OTHER}"}, "", false, "${OTHER} is not among the names that --notify-env lists"},
		{"a key that is not listed", config.Notify{Webhook: "${HOOK}", Secret: "${OTHER}"}, "", false, "${OTHER} is not among the names that --notify-env lists"},
		{"unset", config.Notify{Slack: "${EMPTY}"}, "", false, "${EMPTY} is not set"},
		{"several lines", config.Notify{Slack: "${LINES}"}, "", false, "${LINES} has more than one line"},
		{"http", config.Notify{Slack: "${HTTP}"}, "", false, "the value of ${HTTP} is not an https URL"},
		{"no URL", config.Notify{Slack: "${WORD}"}, "", false, "the value of ${WORD} is not an https URL"},
		{"a broken URL", config.Notify{Slack: "${BAD}"}, "", false, "the value of ${BAD} is not an https URL"},
		{"no host", config.Notify{Slack: "${HOST}"}, "", false, "the value of ${HOST} is not an https URL"},
		{"a key that is none", config.Notify{Webhook: "${HOOK}", Secret: "${HTTP}"}, "", false, "the value of ${HTTP} is not base64, or whsec_ and base64"},
		{"a short key", config.Notify{Webhook: "${HOOK}", Secret: "${SHORT}"}, "", false, "the value of ${SHORT} is a key of less than 24 bytes"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			d, err := resolve(test.target, env(values))
			if test.err != "" {
				if err == nil || err.Error() != test.err {
					t.Errorf("got %v, want %q", err, test.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if d.url.String() != test.url || d.named != test.named || (d.key != nil) != (test.target.Secret != "") {
				t.Errorf("got %s, named %t, key of %d bytes; want %s, %t", d.url, d.named, len(d.key), test.url, test.named)
			}
		})
	}
	if _, err := resolve(config.Notify{Slack: "${HOOK}"}, nil); err == nil || !strings.Contains(err.Error(), "--notify-env") {
		t.Errorf("no environment: %v", err)
	}
}

func TestSecretsAreMasked(t *testing.T) {
	t.Parallel()
	d, err := resolve(config.Notify{Webhook: "${HOOK}", Secret: "${KEY}"}, env(map[string]string{
		"HOOK": "https://ow+ner:pass%2Fword@hooks.example/services/T0001/B%200002?key=c0ffee&x=value%2B1", "KEY": testKey,
	}))
	if err != nil {
		t.Fatal(err)
	}
	for _, echo := range []string{
		d.url.String(), "/services/T0001/B%200002", "/services/T0001/B 0002?key=c0ffee", "B%200002", "B 0002", "key=c0ffee&x=value%2B1", "c0ffee", "value+1", "pass/word", "pass%2Fword", testKey, testKey[6:],
		`{"path":"\/services\/T0001\/B 0002"}`,
	} {
		got := d.secrets.Replace("no such hook: " + echo)
		for _, secret := range []string{"0002", "c0ffee", "value", "word", testKey[6:]} {
			if strings.Contains(got, secret) {
				t.Errorf("%q shows %q of %q", got, secret, echo)
			}
		}
	}
	if got := d.secrets.Replace("no such hook at hooks.example"); got != "no such hook at hooks.example" {
		t.Errorf("the host is masked: %q", got)
	}
}

func TestAllowed(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		offline, fork, ci bool
		names             []string
		want              bool
	}{
		"in CI":                     {ci: true, want: true},
		"in CI, with names":         {ci: true, names: []string{"A"}, want: true},
		"offline":                   {offline: true, ci: true, names: []string{"A"}},
		"of a fork":                 {fork: true, ci: true, names: []string{"A"}},
		"on a laptop":               {},
		"on a laptop that asks for": {names: []string{"A"}, want: true},
	} {
		ok, why := Allowed(test.offline, test.fork, test.ci, test.names)
		if ok != test.want || ok == (why != "") {
			t.Errorf("%s: Allowed = %t, %q, want %t", name, ok, why, test.want)
		}
	}
}
