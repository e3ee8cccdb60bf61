package checks

import (
	"fmt"
	"strings"
)

// inDir is a shell command for a module's directory, to be run in the root.
func inDir(dir, command string) string {
	if dir == "." {
		return command
	}
	return fmt.Sprintf("(cd %s && %s)", shellQuote(dir), command)
}

// shellQuote quotes a word for a POSIX shell where it needs it.
func shellQuote(word string) string {
	plainWord := word != "" && !strings.ContainsFunc(word, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("@%+=:,./_-", r))
	})
	if plainWord {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
