package cli

// Inputs of the action that are no flags. Every flag of run is an input of its
// name, too.
const (
	// inputDirectory is the folder to check: DIR on the command line.
	inputDirectory = "working-directory"
	// inputReport is where the report goes as JSON: --format json=PATH.
	inputReport = "report"
	// inputFrom are saved reports to render instead of running checks: the command
	// report --from FILE, for which an action has no word.
	inputFrom = "from"
	// inputToken is the token that writes the comment; see tokens. No flag: other
	// users of a machine can read a command line.
	inputToken = "token"
	// inputMatrix are the values of the job's matrix, which the action itself gives:
	// no variable of a job has them.
	inputMatrix = "matrix"
)

// ownInputs are all of them.
var ownInputs = []string{
	inputDirectory, inputReport, inputFrom, inputToken, inputMatrix,
	inputNetrc, inputCertificates, inputPrivate, inputSSHKey, inputKnownHosts,
}
