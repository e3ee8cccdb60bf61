package goenv

import (
	"errors"
	"slices"
	"strings"
)

// passed are the variables beside the go command's own settings that a go
// command, and the git, ssh and C compiler that it runs, may need. Whatever is
// not listed, tokens and CI inputs above all, does not reach a child.
var passed = []string{
	// who and where
	"PATH", "HOME", "USER", "LOGNAME", "LANG", "LANGUAGE", "TZ", "TMPDIR", "TMP", "TEMP",
	// network
	"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy", "all_proxy", "ALL_PROXY",
	"SSL_CERT_FILE", "SSL_CERT_DIR", "NETRC", "REQUEST_METHOD",
	// git and ssh
	"GIT_SSH", "GIT_SSH_COMMAND", "GIT_SSH_VARIANT", "GIT_ASKPASS", "SSH_ASKPASS", "GIT_TERMINAL_PROMPT", "GCM_INTERACTIVE",
	"GIT_ALLOW_PROTOCOL", "GIT_PROTOCOL", "GIT_EXEC_PATH", "GIT_HTTP_USER_AGENT",
	"SSH_AUTH_SOCK", "SSH_AGENT_PID",
	// C and other compilers
	"PKG_CONFIG_PATH", "PKG_CONFIG_LIBDIR", "PKG_CONFIG_SYSROOT_DIR", "LD_LIBRARY_PATH", "LIBRARY_PATH", "C_INCLUDE_PATH",
	"CPLUS_INCLUDE_PATH", "CPATH", "SDKROOT", "MACOSX_DEPLOYMENT_TARGET", "DEVELOPER_DIR", "DYLD_LIBRARY_PATH",
	// the Go runtime inside the go command and the compiler
	"GOMAXPROCS", "GOMEMLIMIT", "GOGC", "GOTRACEBACK",
	// Windows
	"SYSTEMROOT", "SYSTEMDRIVE", "WINDIR", "APPDATA", "LOCALAPPDATA", "USERPROFILE", "HOMEDRIVE", "HOMEPATH", "USERNAME",
	"COMSPEC", "PATHEXT", "PROGRAMDATA", "PROGRAMFILES", "PROGRAMFILES(X86)", "COMMONPROGRAMFILES", "PROCESSOR_ARCHITECTURE",
	"NUMBER_OF_PROCESSORS", "OS",
}

// passedPrefixes are beginnings of names of the same kind. GIT_CONFIG_* holds
// the credentials that CI systems hand to git; without them private modules
// cannot be fetched.
var passedPrefixes = []string{"LC_", "XDG_", "NIX_", "GIT_SSL_", "GIT_CONFIG_", "GIT_PROXY_SSL_"}

// droppedFlags are flags of GOFLAGS that make the go command run a program, or
// read other sources than those on disk, in the place of what is looked at.
var droppedFlags = []string{"toolexec", "overlay"}

// ChildEnv is the whole environment for a go command that is to see the settings
// of e: the allowed variables of environ, then what the user's file sets and the
// process does not, then GOENV=off, so that nothing is left to a file that may
// change in between. -toolexec and -overlay are taken out of GOFLAGS.
//
// A setting that the user's file sets to nothing cannot be said in an
// environment; the child sees GOROOT/go.env's value there.
func ChildEnv(environ []string, e *Env) []string {
	values := environMap(environ)
	var env []string
	seen := map[string]bool{}
	for _, kv := range environ {
		name, _, ok := strings.Cut(kv, "=")
		if !ok || seen[fold(name)] || !isPassed(fold(name)) {
			continue
		}
		seen[fold(name)] = true
		env = append(env, name+"="+values[fold(name)])
	}
	for _, s := range e.All() {
		if !IsKnown(s.Name) || s.Name == "GOENV" || s.Value == "" {
			continue
		}
		if s.Name == "GOFLAGS" {
			s.Value = withoutFlags(s.Value, droppedFlags)
		}
		if s.Source == Process || s.Source == UserFile {
			env = append(env, s.Name+"="+s.Value)
		}
	}
	return append(env, "GOENV=off")
}

// allowed is an environment without the variables that no child gets.
func allowed(environ []string) []string {
	return slices.DeleteFunc(slices.Clone(environ), func(kv string) bool {
		name, _, _ := strings.Cut(kv, "=")
		return !isPassed(fold(name)) && !IsKnown(fold(name))
	})
}

func isPassed(name string) bool {
	return slices.Contains(passed, name) ||
		slices.ContainsFunc(passedPrefixes, func(p string) bool { return strings.HasPrefix(name, p) })
}

// withoutFlags is GOFLAGS without some flags, to the letter where it has none
// of them or does not parse.
func withoutFlags(value string, names []string) string {
	flags, err := ParseGOFLAGS(value)
	var unknown *UnknownFlagError
	if err != nil && !errors.As(err, &unknown) {
		return value
	}
	kept := slices.DeleteFunc(slices.Clone(flags), func(f Flag) bool { return slices.Contains(names, f.Name) })
	if len(kept) == len(flags) {
		return value
	}
	joined, err := JoinGOFLAGS(kept)
	if err != nil {
		return value
	}
	return joined
}
