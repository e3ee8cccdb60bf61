package config

import (
	"fmt"
	"strings"
)

// FileError is one thing that is wrong in the file.
type FileError struct {
	// File is the name that Parse was given.
	File string
	// Line and Column are 1-based; columns count characters.
	Line, Column int
	// Message is one line and does not repeat the place.
	Message string
}

// Error is "file:line:column: message".
func (e *FileError) Error() string {
	return fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Column, e.Message)
}

// maxErrors is how many errors of one file are told: who has more needs another
// file, not a longer list.
const maxErrors = 20

// Errors is everything that is wrong in a file, never empty, in the order of the
// file, at most maxErrors and a last one that says that there are more.
type Errors []*FileError

// Error has one line for each error.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, one := range e {
		lines[i] = one.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap returns the errors one by one.
func (e Errors) Unwrap() []error {
	list := make([]error, len(e))
	for i, one := range e {
		list[i] = one
	}
	return list
}
