package goenv

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
)

// ParseGOAUTH parses GOAUTH as cmd/go/internal/auth's runGoAuth does, with its
// words, and returns the words of each command in order. Whether the directory
// of "git DIR" exists is for the caller to see (GitDirs). The go command does
// this only when it first makes an https request.
func ParseGOAUTH(value string) ([][]string, error) {
	commands := strings.Split(value, ";")
	var parsed [][]string
	for _, c := range commands {
		words := strings.Fields(c)
		if len(words) == 0 {
			return nil, fmt.Errorf("GOAUTH encountered an empty command (GOAUTH=%s)", value)
		}
		switch {
		case words[0] == "off" && len(commands) > 1:
			return nil, fmt.Errorf("GOAUTH=off cannot be combined with other authentication commands (GOAUTH=%s)", value)
		case words[0] == "git" && len(words) != 2:
			return nil, errors.New("GOAUTH=git dir method requires an absolute path to the git working directory")
		case words[0] == "git" && !filepath.IsAbs(words[1]):
			return nil, errors.New("GOAUTH=git dir method requires an absolute path to the git working directory, dir is not absolute")
		}
		parsed = append(parsed, words)
	}
	return parsed, nil
}

// GitDirs returns the directories of the "git DIR" commands of a parsed GOAUTH;
// the go command stops when one is not a directory.
func GitDirs(commands [][]string) []string {
	var dirs []string
	for _, words := range commands {
		if words[0] == "git" && len(words) == 2 {
			dirs = append(dirs, words[1])
		}
	}
	return dirs
}
