package goenv

import "slices"

// known are the variables that affect the go command and can be set in the
// environment or a file: internal/cfg's KnownEnv of Go 1.26, without those that
// the go command only reports.
var known = []string{
	"AR", "CC",
	"CGO_CFLAGS", "CGO_CFLAGS_ALLOW", "CGO_CFLAGS_DISALLOW",
	"CGO_CPPFLAGS", "CGO_CPPFLAGS_ALLOW", "CGO_CPPFLAGS_DISALLOW",
	"CGO_CXXFLAGS", "CGO_CXXFLAGS_ALLOW", "CGO_CXXFLAGS_DISALLOW",
	"CGO_ENABLED",
	"CGO_FFLAGS", "CGO_FFLAGS_ALLOW", "CGO_FFLAGS_DISALLOW",
	"CGO_LDFLAGS", "CGO_LDFLAGS_ALLOW", "CGO_LDFLAGS_DISALLOW",
	"CXX", "FC", "GCCGO",
	"GO111MODULE", "GO386", "GOAMD64", "GOARCH", "GOARM", "GOARM64", "GOAUTH",
	"GOBIN", "GOCACHE", "GOCACHEPROG", "GODEBUG", "GOENV", "GOEXPERIMENT",
	"GOFIPS140", "GOFLAGS", "GOINSECURE", "GOMIPS", "GOMIPS64", "GOMODCACHE",
	"GONOPROXY", "GONOSUMDB", "GOOS", "GOPATH", "GOPPC64", "GOPRIVATE",
	"GOPROXY", "GORISCV64", "GOROOT", "GOSUMDB", "GOTMPDIR", "GOTOOLCHAIN",
	"GOVCS", "GOWASM", "GOWORK", "GO_EXTLINK_ENABLED", "PKG_CONFIG",
}

// reported are variables that the go command reports and ignores when set.
var reported = []string{
	"GOEXE", "GOGCCFLAGS", "GOHOSTARCH", "GOHOSTOS", "GOMOD", "GOTELEMETRY",
	"GOTELEMETRYDIR", "GOTOOLDIR", "GOVERSION",
}

// processOnly are settings that are read from the process environment alone; in
// a file they are ignored (cmd/go/internal/envcmd, checkEnvWrite).
var processOnly = []string{"GODEBUG", "GOENV"}

// asked are the names that the go command is asked for. Named one by one it
// answers in more states than when it is asked for all, because what cgo needs
// is then left out (cmd/go/internal/envcmd, needCostly).
var asked = []string{
	"AR", "CC", "CGO_ENABLED", "CXX",
	"GO386", "GOAMD64", "GOARCH", "GOARM", "GOARM64", "GOAUTH", "GOBIN",
	"GOCACHE", "GOCACHEPROG", "GODEBUG", "GOEXE", "GOEXPERIMENT", "GOFIPS140",
	"GOHOSTARCH", "GOHOSTOS", "GOINSECURE", "GOMODCACHE", "GONOPROXY",
	"GONOSUMDB", "GOOS", "GOPATH", "GOPRIVATE", "GOPROXY", "GOROOT", "GOSUMDB",
	"GOTELEMETRY", "GOTMPDIR", "GOTOOLDIR", "GOVCS", "GOVERSION",
}

// Known returns the names of all settings that can be set, sorted as in
// internal/cfg.
func Known() []string { return slices.Clone(known) }

// IsKnown reports whether the go command reads a setting of this name.
func IsKnown(name string) bool { return slices.Contains(known, name) }

// IsReported reports whether the go command only reports a variable of this
// name ("go env GOVERSION") and ignores it when it is set.
func IsReported(name string) bool { return slices.Contains(reported, name) }

// IsProcessOnly reports whether a setting is ignored when it stands in a file.
func IsProcessOnly(name string) bool { return slices.Contains(processOnly, name) }
