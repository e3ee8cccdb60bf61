package checks

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// secretStrings are the secrets of the corpus of hostile strings.
func secretStrings(t *testing.T) []string {
	t.Helper()
	data, err := os.ReadFile("../report/testdata/hostile/secrets.txt")
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for line := range strings.Lines(string(data)) {
		if strings.HasPrefix(line, `"`) {
			s, err := strconv.Unquote(strings.TrimSpace(line))
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, s)
		}
	}
	if len(list) < 25 {
		t.Fatalf("there are %d secrets, want at least 25", len(list))
	}
	return list
}

// secretCore is what is secret in them.
var secretCore = regexp.MustCompile(`(?i)abcdefgh[a-z0-9]*|hunter2secret|A0123456789ABCDEF|11ABCDEFG0`)

// TestSecretsMasked: a secret of a known form is in no report and in no line of
// progress, wherever a check put it (invariant 4).
func TestSecretsMasked(t *testing.T) {
	t.Parallel()
	for _, secret := range secretStrings(t) {
		if !secretCore.MatchString(secret) {
			t.Errorf("%q has nothing that is secret", secret)
		}
		found := rule("a/found", Error, false)
		found.Help = "h"
		a := fake("a", nil, func(_ context.Context, s *Session) (Facts, []Finding, error) {
			s.Progress("reading %s", secret)
			f := found.Finding("it says %s", secret)
			f.File, f.Module, f.Key = "x/"+secret, secret, secret
			f.Evidence = []string{"before " + secret + " after", secret}
			f.Fix = Fix{Description: "without " + secret, Command: "echo " + secret, Patch: "-" + secret + "\n+" + secret}
			return Facts{
				Summary: secret,
				Link:    &Link{Link: "gosum", State: Proven, Why: secret},
				Modules: []ModuleStatus{{Dir: ".", Status: Passed, Reason: secret}},
				Changes: []ModuleChange{{Path: secret, Old: secret, New: secret, By: []string{secret}}},
				Values:  map[string]any{"a": secret, secret: []any{secret, map[string]string{secret: secret}}},
			}, []Finding{f}, nil
		}, found)
		b := fake("b", nil, func(context.Context, *Session) (Facts, []Finding, error) {
			return Facts{}, nil, errors.New("no answer: " + secret)
		})
		c := fake("c", nil, func(context.Context, *Session) (Facts, []Finding, error) { return Facts{}, nil, Skip(secret) })
		d := fake("d", nil, func(context.Context, *Session) (Facts, []Finding, error) { panic(secret) })
		var said []string
		r := &Runner{Checks: []*Check{a, b, c, d}, Progress: func(_ *Check, text string) { said = append(said, text) }}
		text, err := json.Marshal(runWith(t, t.Context(), r, testSession(".")))
		if err != nil {
			t.Fatal(err)
		}
		for _, out := range append(said, string(text)) {
			if at := secretCore.FindStringIndex(out); at != nil {
				t.Errorf("%q is left in %q", secret, out[max(0, at[0]-60):min(len(out), at[1]+20)])
			}
		}
	}
}

// TestKeysMasked: a private key goes over several lines of evidence.
func TestKeysMasked(t *testing.T) {
	t.Parallel()
	found := rule("a/found", Error, false)
	a := fake("a", nil, func(context.Context, *Session) (Facts, []Finding, error) {
		f := found.Finding("a key")
		f.Evidence = []string{"before", "-----BEGIN OPENSSH PRIVATE KE\x59-----", "abcdefghijklmnop", "abcdefghijklmnop", "-----END OPENSSH PRIVATE KE\x59-----", "after"}
		return Facts{}, []Finding{f}, nil
	}, found)
	got := runFakes(t, testSession("."), a).Results[0].Findings[0].Evidence
	if want := []string{"before", "xxxxx", "after"}; strings.Join(got, "|") != strings.Join(want, "|") {
		t.Errorf("evidence is %q, want %q", got, want)
	}
}
