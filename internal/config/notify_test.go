package config

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestExpand(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		text  string
		names []string
		want  string
		alone bool
	}{
		{"", nil, "", false},
		{"https://example.com/a", nil, "https://example.com/a", false},
		{"${A}", []string{"A"}, "<A>", true},
		{"https://example.com/${A}/${b_2}/${A}", []string{"A", "b_2", "A"}, "https://example.com/<A>/<b_2>/<A>", false},
		{"$A $", nil, "$A $", false},
		{"${}", nil, "${}", false},
	} {
		names := Variables(test.text)
		got := Expand(test.text, func(name string) string { return "<" + name + ">" })
		if !slices.Equal(names, test.names) || got != test.want || IsVariable(test.text) != test.alone {
			t.Errorf("%q: names %q, expanded %q, alone %t; want %q, %q, %t",
				test.text, names, got, IsVariable(test.text), test.names, test.want, test.alone)
		}
	}
	if got := Expand("${A}", func(string) string { return "${B}" }); got != "${B}" {
		t.Errorf("a value is expanded again: %q", got)
	}
}

// A secret that somebody wrote down, wherever, stands in no error.
func TestNotifySecretsAreNotRepeated(t *testing.T) {
	t.Parallel()
	const secret = "T0000sEcReT"
	for _, text := range []string{
		"slack: http://hooks.example/" + secret, "slack: $" + secret, "slack: 'https://:1/" + secret + "'", "slack: ['" + secret + "']",
		"slack: 'https://example.com/%" + secret + "'", "webhook: '${A}', secret: " + secret, "webhook: '${A}', secret: whsec_" + secret,
	} {
		_, err := Parse("f.yml", []byte("notify: [{"+text+"}]"), Known{})
		if err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// What the documents show of the section can be pasted.
func TestDocumentedNotify(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"../../docs/notify.md", "../../docs/configuration.md"} {
		doc, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		m := regexp.MustCompile("(?s)```yaml\n(notify:\n.*?)```").FindSubmatch(doc)
		if m == nil {
			t.Fatalf("%s shows no section", name)
		}
		c, err := Parse(FileName, m[1], testKnown)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if n := c.Notify; len(n) != 3 || n[0].Slack == "" || n[1].WeCom == "" || n[2].Webhook == "" {
			t.Errorf("%s does not show each receiver: %+v", name, n)
		}
	}
}
