package cli

// Inputs of the action that are no flags. Every flag of run is an input of its
// name, too.
const (
	// inputDirectory is the folder to check: DIR on the command line.
	inputDirectory = "working-directory"
	// inputReport is where the report goes as JSON: --format json=PATH.
	inputReport = "report"
)

// ownInputs are all of them.
var ownInputs = []string{inputDirectory, inputReport}
