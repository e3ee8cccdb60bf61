package goenv

import (
	"fmt"
	"slices"
	"strings"
)

// Flag is one flag of GOFLAGS.
type Flag struct {
	// Name is the flag's name without dashes: "mod".
	Name string
	// Value is what follows "="; HasValue tells "-x=" from "-x".
	Value    string
	HasValue bool
	// Text is the flag as it was written, without the quotes around it.
	Text string
}

// UnknownFlagError says that GOFLAGS has a flag that no go command in the table
// of this program has; a newer go command may know it.
type UnknownFlagError struct{ Name string }

func (e *UnknownFlagError) Error() string { return "unknown flag -" + e.Name }

// ParseGOFLAGS parses GOFLAGS as cmd/go/internal/base's InitGOFLAGS does, with
// its words: quotes only around whole flags, each word one flag. The flags
// before the first error are returned with it. The last error looked for is an
// *UnknownFlagError; all flags are returned with that one.
func ParseGOFLAGS(value string) ([]Flag, error) {
	words, err := SplitQuoted(value)
	if err != nil {
		return nil, err
	}
	var flags []Flag
	var unknown error
	for _, w := range words {
		if !strings.HasPrefix(w, "-") || w == "-" || w == "--" || strings.HasPrefix(w, "---") ||
			strings.HasPrefix(w, "-=") || strings.HasPrefix(w, "--=") {
			return flags, fmt.Errorf("non-flag %q", w)
		}
		f := Flag{Text: w}
		f.Name, f.Value, f.HasValue = strings.Cut(strings.TrimPrefix(w[1:], "-"), "=")
		if unknown == nil && !IsFlag(f.Name) {
			unknown = &UnknownFlagError{Name: f.Name}
		}
		flags = append(flags, f)
	}
	return flags, unknown
}

// JoinGOFLAGS writes flags so that ParseGOFLAGS reads the same ones. The error
// names a flag that cannot be written, because it has both kinds of quotes.
func JoinGOFLAGS(flags []Flag) (string, error) {
	var words []string
	for _, f := range flags {
		switch double, single := strings.Contains(f.Text, `"`), strings.Contains(f.Text, `'`); {
		case double && single:
			return "", fmt.Errorf("flag -%s has both single and double quotes and cannot be quoted", f.Name)
		case single:
			words = append(words, `"`+f.Text+`"`)
		case double || strings.ContainsAny(f.Text, " \t\n\r"):
			words = append(words, `'`+f.Text+`'`)
		default:
			words = append(words, f.Text)
		}
	}
	return strings.Join(words, " "), nil
}

// SplitQuoted splits at spaces, with quotes allowed only around whole words and
// nothing escaped in them, as GOFLAGS, CC, CXX and FC are read
// (cmd/internal/quoted, Split).
func SplitQuoted(s string) ([]string, error) {
	const space = " \t\n\r"
	var fields []string
	for s = strings.TrimLeft(s, space); s != ""; s = strings.TrimLeft(s, space) {
		if quote := s[0]; quote == '"' || quote == '\'' {
			end := strings.IndexByte(s[1:], quote)
			if end < 0 {
				return nil, fmt.Errorf("unterminated %c string", quote)
			}
			fields = append(fields, s[1:1+end])
			s = s[end+2:]
			continue
		}
		end := strings.IndexAny(s, space)
		if end < 0 {
			end = len(s)
		}
		fields = append(fields, s[:end])
		s = s[end:]
	}
	return fields, nil
}

// IsFlag reports whether some subcommand of go, up to Go 1.26, has a flag of
// this name; GOFLAGS may hold any of those.
func IsFlag(name string) bool {
	if test, ok := strings.CutPrefix(name, "test."); ok {
		return slices.Contains(testFlags, test)
	}
	return slices.Contains(subcommandFlags, name)
}

// buildFlags are the flags that "go help build" lists as shared by build, clean,
// get, install, list, run and test: those that have a meaning in GOFLAGS for a
// build.
var buildFlags = []string{
	"C", "a", "asan", "asmflags", "buildmode", "buildvcs", "compiler", "cover",
	"covermode", "coverpkg", "debug-actiongraph", "debug-runtime-trace",
	"debug-trace", "gccgoflags", "gcflags", "installsuffix", "json", "ldflags",
	"linkshared", "mod", "modcacherw", "modfile", "msan", "n", "overlay", "p",
	"pgo", "pkgdir", "race", "tags", "toolexec", "trimpath", "v", "work", "x",
}

// IsBuildFlag reports whether "go build" has a flag of this name.
func IsBuildFlag(name string) bool { return slices.Contains(buildFlags, name) }

// subcommandFlags were found by trying every word of cmd/go's own source in
// GOFLAGS with the go command itself.
var subcommandFlags = []string{
	"C", "a", "artifacts", "asan", "asmflags", "bench", "benchmem", "benchtime",
	"blockprofile", "blockprofilerate", "buildmode", "buildvcs", "c", "cache",
	"changed", "compat", "compiled", "compiler", "count", "cover", "covermode",
	"coverpkg", "coverprofile", "cpu", "cpuprofile", "d", "debug-actiongraph",
	"debug-runtime-trace", "debug-trace", "deps", "diff", "dropexclude",
	"dropgodebug", "dropignore", "dropreplace", "droprequire", "dropretract",
	"droptool", "dropuse", "e", "exclude", "exec", "export", "f", "failfast",
	"find", "fix", "fixtool", "fmt", "fullpath", "fuzz", "fuzzcache",
	"fuzzminimizetime", "fuzztime", "gccgoflags", "gcflags", "go", "godebug",
	"i", "ignore", "insecure", "installsuffix", "json", "ldflags", "linkshared",
	"list", "m", "memprofile", "memprofilerate", "mod", "modcache",
	"modcacherw", "modfile", "module", "msan", "mutexprofile",
	"mutexprofilefraction", "n", "o", "outputdir", "overlay", "p", "parallel",
	"pgo", "pkgdir", "print", "r", "race", "replace", "require", "retract",
	"retracted", "reuse", "run", "short", "shuffle", "skip", "t", "tags",
	"test", "testcache", "timeout", "tool", "toolchain", "toolexec", "trace",
	"trimpath", "u", "use", "v", "vendor", "versions", "vet", "vettool", "w",
	"work", "x",
}

// testFlags are those that "go test" also takes as -test.NAME.
var testFlags = []string{
	"artifacts", "bench", "benchmem", "benchtime", "blockprofile",
	"blockprofilerate", "count", "coverprofile", "cpu", "cpuprofile",
	"failfast", "fullpath", "fuzz", "fuzzminimizetime", "fuzztime", "list",
	"memprofile", "memprofilerate", "mutexprofile", "mutexprofilefraction",
	"outputdir", "parallel", "run", "short", "shuffle", "skip", "timeout",
	"trace", "v",
}
