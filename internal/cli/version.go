package cli

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// release is the version of a published binary or image, as "v1.2.3". The linker
// sets it (docs/releases.md), because these are built without the repository's
// history, so that whoever builds the tag again gets the same bytes. Empty in
// every other build.
var release string

func (sys *system) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version, and from which commit it was built if that is known",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			fmt.Fprintf(sys.stdout, "gopreflight %s %s %s/%s\n", version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
			if info, ok := debug.ReadBuildInfo(); ok {
				for _, s := range info.Settings {
					switch s.Key {
					case "vcs.revision", "vcs.time", "vcs.modified":
						fmt.Fprintf(sys.stdout, "%s %s\n", s.Key, s.Value)
					}
				}
			}
			return nil
		},
	}
}

// version is the release, else what the go command stamped: the module's version
// for go install and go tool, for go build in a clone the commit's tag or a
// pseudo-version, and "(devel)" where it could know neither.
func version() string {
	if release != "" {
		return release
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}
