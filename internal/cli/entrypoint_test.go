package cli

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestEntrypoint: the image's entrypoint knows every command, or the container would
// run whatever program has its name.
func TestEntrypoint(t *testing.T) {
	t.Parallel()
	root := (&system{}).rootCommand()
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	var want []string
	for _, c := range root.Commands() {
		want = append(want, c.Name())
	}
	m := regexp.MustCompile(`(?m)^(run \|.*)\) ;;$`).FindStringSubmatch(read(t, "../image/entrypoint.sh"))
	if m == nil {
		t.Fatal("entrypoint.sh has no list of commands")
	}
	got := strings.Split(m[1], " | ")
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("the entrypoint knows\n%v\nthe program has\n%v", got, want)
	}
}
