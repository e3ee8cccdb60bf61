package checks

import (
	"context"
	"strings"

	"github.com/gopreflight/gopreflight/internal/repo"
)

// A missedBy is a go command that reads go.sum, and what it says of one that lacks
// lines.
type missedBy struct {
	command string
	fails   bool
	output  string
}

// missedCommands are commands that need lines of go.sum, by the cheapest one that
// loads as much and says the same.
var missedCommands = []struct {
	command string
	args    []string
}{
	{"go build ./...", []string{"list", "-deps", "./..."}},
	{"go test ./...", []string{"list", "-deps", "-test", "./..."}},
	{"go list -m all", []string{"list", "-m", "all"}},
}

// missesSums asks which go commands stop at a go.sum that lacks lines. Nothing is
// downloaded for it: they stop before that. What could not be asked is left out.
func (s *Session) missesSums(ctx context.Context, m *repo.Module) []missedBy {
	var list []missedBy
	for _, c := range missedCommands {
		out, err := s.askModule(ctx, m, query{args: c.args, noNetwork: true})
		if err != nil {
			continue
		}
		by := missedBy{command: c.command, fails: out.Exit != 0, output: string(out.Stderr)}
		if by.fails && !strings.Contains(by.output, missingSum) {
			continue // it stops at something else, which others report
		}
		if m.Workspace != nil {
			by.command = "GOWORK=off " + by.command
		}
		list = append(list, by)
	}
	return list
}

// missingSum is in every error about a missing line (modload/import.go,
// ImportMissingError and others).
const missingSum = "missing go.sum entry"

// missedWords says, for the evidence, which commands stop at the missing lines of a
// module version, and with what words.
func missedWords(list []missedBy, mod string) []string {
	path, _, _ := strings.Cut(mod, "@")
	var words []string
	var pass, other []string
	for _, by := range list {
		line := ""
		for l := range strings.Lines(by.output) {
			if strings.Contains(l, missingSum) && strings.Contains(l, path) {
				line = strings.TrimSuffix(strings.TrimSpace(l), ":")
				break
			}
		}
		switch {
		case line != "":
			words = append(words, by.command+" stops: "+line)
		case by.fails:
			other = append(other, by.command)
		default:
			pass = append(pass, by.command)
		}
	}
	if len(other) > 0 {
		words = append(words, strings.Join(other, ", ")+": stops at another missing line first")
	}
	if len(pass) > 0 {
		words = append(words, strings.Join(pass, ", ")+": does without it")
	}
	return words
}
