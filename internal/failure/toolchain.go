package failure

var (
	gotoolchainRules = []string{"env/gotoolchain-invalid"}
	goVersionRules   = []string{"toolchain/too-old", "toolchain/unavailable"}
)

// toolchains: Go versions, go and toolchain lines, GOTOOLCHAIN (cmd/go
// /internal: gover, toolchain). "; switching to go1.N" is not here: it is said
// when all is well.
var toolchains = []entry{
	{class: "go-too-old", rank: plain, pattern: `(?P<who>[^\s:]+) requires go >= (?P<need>\S+) \(running go (?P<have>[^;)]*)(?:; (?P<local>GOTOOLCHAIN=[^)]*))?\)`,
		summary: "${who} needs Go ${need}, but Go ${have} is running",
		fix:     "install Go ${need} or newer, or let the go command fetch it with GOTOOLCHAIN=auto",
		rules:   goVersionRules},
	{class: "gotoolchain-invalid", rank: plain, pattern: `^go: invalid GOTOOLCHAIN (?P<value>"[^"]*")(?:: (?P<why>.*))?`,
		summary: "GOTOOLCHAIN has the invalid value ${value}",
		fix:     "go env -w GOTOOLCHAIN=auto, and unset it in the process environment",
		rules:   gotoolchainRules},
	{class: "toolchain-line-invalid", rank: plain, pattern: `^go: invalid toolchain (?P<value>"[^"]*") in (?P<file>\S+)`,
		summary: "the toolchain line of ${file} has the invalid value ${value}",
		fix:     "write the toolchain line as toolchain go1.N.P",
		rules:   gomodRules},
	{class: "toolchain-unavailable", rank: plain, pattern: `^go: download (?P<name>\S+) for (?P<platform>\S+): toolchain not available`,
		summary: "the toolchain ${name} for ${platform} is not to be had: no such release, or GOPROXY is off, direct, or does not have it",
		fix:     "install that Go, reach a proxy that has it, or lower the go line",
		rules:   goVersionRules},
	{class: "toolchain-unavailable", rank: wrapper, pattern: `^go: download (?P<name>\S+): (?P<mod>golang\.org/toolchain@[^\s:]+): (?P<why>.*)`,
		summary: "the toolchain ${name} could not be fetched: ${why}",
		fix:     "install that Go, or correct what keeps the go command from the proxy",
		rules:   goVersionRules},
	{class: "toolchain-unavailable", rank: wrapper, pattern: `switching to go >= (?P<need>\S+): (?P<why>.*)`,
		summary: "a toolchain for Go ${need} is needed and the list of toolchains could not be read: ${why}",
		fix:     "install Go ${need} or newer, or correct what keeps the go command from the proxy",
		rules:   goVersionRules},
	{class: "gotoolchain-incomplete", rank: plain, pattern: `(?P<name>go\S+) is a language version but not a toolchain version`,
		summary: "${name} is a version of the language, not a release of Go",
		fix:     "name a release in GOTOOLCHAIN, as in ${name}.0",
		rules:   append([]string{"env/gotoolchain-invalid"}, goVersionRules...)},
	{class: "toolchain-not-in-path", rank: plain, pattern: `^go: cannot find "(?P<name>go[^"]*)" in PATH`,
		summary: "GOTOOLCHAIN allows toolchains from PATH only, and ${name} is not there",
		fix:     "install it: go install golang.org/dl/${name}@latest && ${name} download",
		rules:   []string{"toolchain/unavailable", "toolchain/not-found", "toolchain/too-old"}},
	{class: "toolchain-loop", rank: plain, pattern: `too many toolchain switches`,
		summary: "the go command switched toolchains again and again: a wrapper in PATH runs another Go than it says",
		fix:     "correct PATH"},
	{class: "toolchain-loop", rank: plain, pattern: `toolchain (?P<have>\S+) invoked to provide (?P<want>\S+)`,
		summary: "${have} was started to provide ${want}: a wrapper in PATH runs another Go than it says",
		fix:     "correct PATH"},
	{class: "go-too-old", rank: plain, pattern: `cannot compile Go (?P<need>\d+(?:\.\d+)*) code`,
		summary: "the code needs Go ${need}, and this Go is older",
		fix:     "install Go ${need} or newer",
		rules:   goVersionRules},
	{class: "go-too-old", rank: hint, pattern: `module requires Go (?P<need>\d+(?:\.\d+)*)`,
		summary: "the code needs Go ${need}, and this Go is older",
		fix:     "install Go ${need} or newer",
		rules:   goVersionRules},
}
