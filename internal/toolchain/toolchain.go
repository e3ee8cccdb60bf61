// Package toolchain decides which Go release the go command would run for a
// module or workspace: what GOTOOLCHAIN makes of the go and toolchain lines.
//
// It is a pure function of its inputs. It downloads nothing, runs nothing, and
// does not know whether a release exists.
package toolchain

import (
	goversion "go/version"
	"strings"

	"github.com/gopreflight/gopreflight/internal/goenv"
)

// Inputs is everything that the choice depends on.
type Inputs struct {
	// Local is the version of the installed go command, as "go env GOVERSION"
	// says it: "go1.26.8", "go1.26.8 X:experiment", "devel go1.27-0123abcd ...".
	Local string
	// Setting is GOTOOLCHAIN: "local", "auto", "path", "go1.24.0", "go1.24.0+auto", ...
	Setting string
	// GoLine and ToolchainLine are the lines of go.work, else of go.mod:
	// "1.24.0" and "go1.24.3"; empty when the file has none.
	GoLine, ToolchainLine string
}

// Choice is the release that runs.
type Choice struct {
	// Version is the release: "go1.24.3".
	Version string
	// Switch is whether another release than the local one runs.
	Switch bool
	// FromPath is whether it is looked for in PATH only, never downloaded.
	FromPath bool
	// TooOld is whether the go line asks for more than the chosen release and
	// GOTOOLCHAIN forbids to switch: every command fails.
	TooOld bool
	// By is what made the choice: "GOTOOLCHAIN", "toolchain line", "go line" or
	// "the installed release".
	By string
}

// Choose decides as the go command does when it starts (toolchain/select.go,
// Select). The error is that of a malformed GOTOOLCHAIN.
func Choose(in Inputs) (Choice, error) {
	setting, err := goenv.ParseGOTOOLCHAIN(in.Setting)
	if err != nil {
		return Choice{}, err
	}
	c := Choice{Version: in.Local, By: "the installed release"}
	if setting.Min != "local" {
		c.Version, c.By = setting.Min, "GOTOOLCHAIN"
	}
	c.FromPath = setting.Mode == "path"
	// "toolchain default" switches the automatic part off.
	if setting.Mode == "" || in.ToolchainLine == "default" {
		c.TooOld = in.GoLine != "" && compareLine(c.Version, in.GoLine) < 0
		c.Switch = c.Version != in.Local
		return c, nil
	}
	// A custom suffix ("go1.24.0-bigcorp") is compared without it.
	if t := in.ToolchainLine; strings.HasPrefix(t, "go1") && goversion.Compare(Base(t), Base(c.Version)) > 0 {
		c.Version, c.By = t, "toolchain line"
	}
	if in.GoLine != "" && compareLine(c.Version, in.GoLine) < 0 {
		c.Version, c.By = release(in.GoLine), "go line"
	}
	c.Switch = c.Version != in.Local
	return c, nil
}

// compareLine compares a release with a go line.
func compareLine(version, goLine string) int {
	return goversion.Compare(Base(version), "go"+goLine)
}

// Base is a toolchain name, or what an installed go command calls itself,
// without a suffix of the builder's own (gover/toolchain.go, FromToolchain).
func Base(version string) string {
	version = strings.TrimPrefix(version, "devel ")
	if i := strings.IndexAny(version, " \t-"); i >= 0 {
		version = version[:i]
	}
	return version
}

// release is the first release of a go line: "1.24" is satisfied by "go1.24.0"
// since Go 1.21 (go.dev/doc/toolchain), "1.20" by "go1.20".
func release(goLine string) string {
	v := "go" + goLine
	if goversion.Lang(v) == v && goversion.Compare(v, "go1.21") >= 0 {
		return v + ".0"
	}
	return v
}
