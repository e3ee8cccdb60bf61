// Command gopreflight checks a Go repository and the machine that is about to
// build it. Everything it does is in internal/cli; this file only starts it.
package main

import (
	"os"

	"github.com/gopreflight/gopreflight/internal/cli"
)

func main() { os.Exit(cli.Main()) }
