package goenv

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// Options is what Read needs to know.
type Options struct {
	// Run runs the go command with these arguments and exactly this environment
	// (where a name stands twice, the last counts) in a directory without go.mod,
	// and returns what it printed; the error has the go command's own words. Nil
	// where there is no go command.
	Run func(ctx context.Context, env []string, args ...string) ([]byte, error)
	// Environ is the process environment, "NAME=value" each; the last of a name
	// counts. What is no setting and not allowed in ChildEnv is left out of
	// Run's.
	Environ []string
	// ConfigDir is os.UserConfigDir; empty where that is unknown.
	ConfigDir string
	// ReadFile reads a file of at most MaxFile bytes. Nil: no file is read.
	ReadFile func(name string) ([]byte, error)
}

// errNoGo is Env.Err where there is no go command.
var errNoGo = errors.New("no go command to ask")

// Read finds out every setting. Values that somebody set are kept to the letter;
// the go command is asked for the rest (go env -json NAME...), for whether it
// runs at all in this environment (go version), and, where GOOS or GOARCH is
// set, for whether it knows the pair. Nothing is written.
//
// Where the go command does not answer, Env.Err has its words and the values
// are resolved here. The error is only ctx's.
func Read(ctx context.Context, o Options) (*Env, error) {
	o.Environ = allowed(o.Environ)
	process := environMap(o.Environ)
	e := &Env{settings: map[string]Setting{}}
	e.UserFile = userFile(process, o.ConfigDir)
	if e.UserFile != "" {
		e.file = readSettings(o, e.UserFile, UserFile)
	}

	answer, err := e.ask(ctx, o, process)
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	e.Err = err

	goroot := answer["GOROOT"]
	// findGOROOT looks at the user's file before the process environment.
	for _, s := range e.file {
		if s.Name == "GOROOT" && s.Value != "" {
			goroot = s.Value
		}
	}
	if goroot == answer["GOROOT"] && process["GOROOT"] != "" {
		goroot = process["GOROOT"]
	}
	var defaults []Setting
	if goroot != "" {
		defaults = readSettings(o, filepath.Join(goroot, "go.env"), GOROOTFile)
	}
	e.resolve(process, defaults, answer)
	if e.Err != nil {
		e.derive(process)
	}
	if s := e.settings["GOENV"]; s.Source == Default {
		s.Value = e.UserFile
		e.settings["GOENV"] = s
	}
	return e, nil
}

// userFile is cmd/go/internal/cfg's EnvFile.
func userFile(process map[string]string, configDir string) string {
	switch file := process["GOENV"]; {
	case file == "off":
		return ""
	case file != "":
		return file
	case configDir == "":
		return ""
	}
	return filepath.Join(configDir, "go", "env")
}

// readSettings reads a settings file; one that cannot be read has none, as for
// the go command.
func readSettings(o Options, file string, source Source) []Setting {
	if o.ReadFile == nil {
		return nil
	}
	data, err := o.ReadFile(file)
	if err != nil {
		return nil
	}
	return ParseFile(file, source, data)
}

// ask asks the go command for values and for what it refuses. The error is why
// it did not say the values in this environment; the map then holds what it
// says in an environment without settings, if even that.
func (e *Env) ask(ctx context.Context, o Options, process map[string]string) (map[string]string, error) {
	if o.Run == nil {
		return nil, errNoGo
	}
	// GOTOOLCHAIN would switch to another go command; GO111MODULE and GOWORK
	// can make even "go env" fail; and a -changed or -w in GOFLAGS would change
	// what it prints, so GOFLAGS gets a flag that is asked for anyway.
	// GO_TELEMETRY_CHILD=2: no process that uploads telemetry is left behind
	// (x/telemetry/start.go).
	neutral := []string{"GOTOOLCHAIN=local", "GO111MODULE=on", "GOWORK=off", "GOFLAGS=-json", "GO_TELEMETRY_CHILD=2"}
	answer, err := askValues(ctx, o, with(o.Environ, neutral...))
	if err != nil && ctx.Err() == nil {
		bare := with(slices.DeleteFunc(slices.Clone(o.Environ), func(kv string) bool {
			name, _, _ := strings.Cut(kv, "=")
			return IsKnown(fold(name))
		}), append(neutral, "GOENV=off")...)
		answer, _ = askValues(ctx, o, bare)
		// What was answered without settings is about another GOROOT and GOPATH.
		for _, name := range []string{"GOMODCACHE", "GOTOOLDIR", "GONOPROXY", "GONOSUMDB"} {
			delete(answer, name)
		}
	}
	_, e.Refused = o.Run(ctx, with(o.Environ, "GOTOOLCHAIN=local", "GO_TELEMETRY_CHILD=2"), "version")
	e.Asked = true
	if process["GOOS"] != "" || process["GOARCH"] != "" ||
		slices.ContainsFunc(e.file, func(s Setting) bool { return s.Name == "GOOS" || s.Name == "GOARCH" }) {
		e.Unsupported = askPlatform(ctx, o, neutral)
	}
	return answer, err
}

func askValues(ctx context.Context, o Options, env []string) (map[string]string, error) {
	out, err := o.Run(ctx, env, append([]string{"env", "-json"}, asked...)...)
	if err != nil {
		return nil, err
	}
	answer := map[string]string{}
	if err := json.Unmarshal(out, &answer); err != nil {
		return nil, fmt.Errorf("go env -json: %w", err)
	}
	return answer, nil
}

// unsupportedPair is how cmd/go/internal/work's CheckGOOSARCHPair begins.
const unsupportedPair = "unsupported GOOS/GOARCH pair"

// askPlatform makes the go command check the pair of GOOS and GOARCH and then
// stop at once, before it makes a build cache.
func askPlatform(ctx context.Context, o Options, neutral []string) error {
	_, err := o.Run(ctx, with(o.Environ, append(slices.Clone(neutral), "GOCACHE=off")...), "env", "-json", "CGO_CFLAGS")
	if err != nil && strings.Contains(err.Error(), unsupportedPair) {
		return err
	}
	return nil
}

// resolve applies cmd/go/internal/cfg's Getenv: process, user's file, GOROOT's
// file; then the go command's answer for what nobody set.
func (e *Env) resolve(process map[string]string, defaults []Setting, answer map[string]string) {
	for name, value := range answer {
		e.settings[name] = Setting{Name: name, Value: value, Source: Default}
	}
	for _, name := range known {
		if _, ok := e.settings[name]; !ok {
			e.settings[name] = Setting{Name: name, Source: Default}
		}
	}
	for _, s := range slices.Concat(defaults, e.file) {
		// It makes no sense for GOROOT's own file to move GOROOT: cfg drops it.
		if !IsKnown(s.Name) || IsProcessOnly(s.Name) || s.Name == "GOROOT" && s.Source == GOROOTFile {
			continue
		}
		// An empty value hides what an earlier line says; where there is none,
		// the go command's default stays (cfg.EnvOrAndChanged).
		if s.Value != "" || e.settings[s.Name].Source != Default {
			e.settings[s.Name] = s
		}
	}
	for _, name := range known {
		if value := process[name]; value != "" {
			e.settings[name] = Setting{Name: name, Value: value, Source: Process}
		}
	}
}

// derive fills what follows from other settings where the go command did not
// say: go/build's defaultGOPATH, cfg's GOMODCACHE, GONOPROXY, GONOSUMDB, GOAUTH.
func (e *Env) derive(process map[string]string) {
	fill := func(name, value string) {
		if s := e.settings[name]; s.Source == Default && s.Value == "" {
			e.settings[name] = Setting{Name: name, Value: value, Source: Default}
		}
	}
	home := process["HOME"]
	if runtime.GOOS == "windows" {
		home = process["USERPROFILE"]
	}
	if home != "" {
		fill("GOPATH", filepath.Join(home, "go"))
	}
	if list := filepath.SplitList(e.Get("GOPATH")); len(list) > 0 && list[0] != "" {
		fill("GOMODCACHE", filepath.Join(list[0], "pkg", "mod"))
	}
	fill("GONOPROXY", e.Get("GOPRIVATE"))
	fill("GONOSUMDB", e.Get("GOPRIVATE"))
	fill("GOAUTH", "netrc")
}

// environMap is the environment by name; on Windows names are upper-cased,
// because there their case does not matter.
func environMap(environ []string) map[string]string {
	m := map[string]string{}
	for _, kv := range environ {
		name, value, ok := strings.Cut(kv, "=")
		if !ok || name == "" {
			continue
		}
		m[fold(name)] = value
	}
	return m
}

// fold is a variable's name as it is compared.
func fold(name string) string {
	if runtime.GOOS == "windows" {
		return strings.ToUpper(name)
	}
	return name
}

// with is an environment with more variables, which win.
func with(environ []string, more ...string) []string {
	return slices.Concat(environ, more)
}
