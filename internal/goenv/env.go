// Package goenv knows the settings of the go command: which there are, where
// each one's value comes from (process environment, the user's file, the file
// in GOROOT, or nobody), what their grammars are, and what environment a go
// command must be given so that it sees exactly these settings.
//
// The rules are those of cmd/go/internal/cfg (Getenv, readEnvFile, findGOROOT)
// and of the packages that read single settings; each function names its source.
//
// It never reads the process environment or a file by itself (callers hand both
// in), never writes, and never judges a value beyond its grammar.
package goenv

import (
	"fmt"
	"maps"
	"slices"
)

// Source says who set a setting.
type Source string

// The sources, in order of precedence.
const (
	// Process is the environment of the process. An empty variable is not set.
	Process Source = "process"
	// UserFile is the file that "go env -w" writes. An empty value is a value.
	UserFile Source = "user-file"
	// GOROOTFile is go.env in GOROOT. An empty value is a value.
	GOROOTFile Source = "goroot-file"
	// Default is the go command's own choice: nobody set it.
	Default Source = "default"
)

// Setting is one setting and where its value comes from.
type Setting struct {
	// Name is the variable: "GOPROXY". Empty only in FileSettings, for a line
	// that the go command ignores.
	Name string
	// Value is what was set, to the letter, or the go command's default. It may
	// hold credentials: redact it before showing it.
	Value string
	// Source is who set it; the zero value stands for "no such setting".
	Source Source
	// File is the path of the file, for UserFile and GOROOTFile.
	File string
	// Line is the line in File, from 1; 0 for none.
	Line int
}

// Where says where the value comes from: "the process environment",
// "/home/u/.config/go/env:2", "the go command's default".
func (s Setting) Where() string {
	switch s.Source {
	case Process:
		return "the process environment"
	case UserFile, GOROOTFile:
		return fmt.Sprintf("%s:%d", s.File, s.Line)
	}
	return "the go command's default"
}

// Env is every setting. The zero value has none.
type Env struct {
	// Err is why the go command did not say what the settings are, in its own
	// words; nil when it did. The settings nobody set are then those that the
	// go command has in an empty environment, as far as even that was answered.
	Err error
	// Refused is why even "go version" fails in this environment, in the go
	// command's own words; nil when it runs or was not asked. It covers
	// GOFLAGS, GOROOT, GOPATH, GOWORK, GOEXPERIMENT and GOFIPS140. GOTOOLCHAIN
	// is not part of it: it is asked with GOTOOLCHAIN=local.
	Refused error
	// Asked says that Refused was really asked.
	Asked bool
	// Unsupported is the go command's word that it knows no such pair of GOOS
	// and GOARCH; nil when it does, or when neither was set.
	Unsupported error
	// UserFile is the path of the user's file, which need not exist; empty when
	// there is none (GOENV=off, or no configuration folder).
	UserFile string

	settings map[string]Setting
	file     []Setting
}

// FromMap returns an Env with these settings, all set by the process.
func FromMap(m map[string]string) *Env {
	e := &Env{settings: map[string]Setting{}}
	for name, value := range m {
		e.settings[name] = Setting{Name: name, Value: value, Source: Process}
	}
	return e
}

// Get returns a setting's value; empty when it is unknown.
func (e *Env) Get(name string) string { return e.settings[name].Value }

// Lookup returns a setting, and whether it is known.
func (e *Env) Lookup(name string) (Setting, bool) {
	s, ok := e.settings[name]
	return s, ok
}

// IsSet reports whether somebody set a setting, in the environment or a file.
func (e *Env) IsSet(name string) bool {
	s, ok := e.settings[name]
	return ok && s.Source != Default
}

// All returns every known setting, sorted by name.
func (e *Env) All() []Setting {
	var all []Setting
	for _, name := range slices.Sorted(maps.Keys(e.settings)) {
		all = append(all, e.settings[name])
	}
	return all
}

// FileSettings returns every line of the user's file that is neither blank nor
// a comment, in order: also those that a later line or the process overrides,
// those with a name unknown to the go command, and, with an empty Name and the
// whole line as Value, those that it ignores.
func (e *Env) FileSettings() []Setting { return slices.Clone(e.file) }
