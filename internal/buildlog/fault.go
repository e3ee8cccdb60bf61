package buildlog

import "regexp"

// missing matches what a compiler says, at a place in the source, about a thing
// that the source cannot provide: an imported package's export data (types2,
// go/types importers), a C header.
var missing = regexp.MustCompile(`could not import |cannot find package |no required module provides package |cannot find module providing package |` +
	`missing go\.sum entry |package \S+ is not in (?:std|GOROOT)|fatal error: .*(?:No such file or directory|file not found)`)

// undefinedSymbol matches what the linker says, without a place, about a fault
// of the source (cmd/link/internal/ld).
var undefinedSymbol = regexp.MustCompile(`relocation target \S+ not defined|function main is undeclared in the main package|duplicated definition of symbol `)

// source matches what the go command says while it loads packages about faults
// of the source; whatever else it says then is about modules, the network or
// the file system (cmd/go/internal/load, go/build, go/parser, go/scanner).
var source = regexp.MustCompile(`^(?:import cycle not allowed|use of (?:internal|vendored) package |import "[^"]*" is a program, not an importable package|` +
	`"[^"]*" is relative, but relative import paths|local import "|malformed import path |invalid import path|pattern .*: (?:no matching files found|invalid pattern syntax|cannot embed )|` +
	`found packages |expected |illegal |missing import path|\S+ literal not terminated|comment not terminated|invalid package name |invalid //go:embed|//go:embed |` +
	`code in directory \S+ expects import |use of cgo in test )`)

// sourceFault reports whether a message of the loader is about the source.
func sourceFault(message string) bool { return source.MatchString(message) }
