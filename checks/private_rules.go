package checks

var (
	rulePrivateTold = &Rule{
		ID: "private/told", Severity: Warning,
		Summary: "The name of a module that looks private goes to a public module proxy or checksum database.",
		Help: "The go command asks every entry of GOPROXY in turn for each module that it has to fetch, and the\n" +
			"checksum database for each that go.sum does not list: path and version are then in somebody else's\n" +
			"logs, and where the public proxy can fetch it, so is the code. A `404` from there also costs every\n" +
			"download a request, and a name that is not registered can be taken by somebody else.\n\n" +
			"Name the host or the owner in GOPRIVATE: then neither is asked. If the module is public, or your proxy\n" +
			"is your own, accept the finding by an exception, or set this rule to `off`.",
	}
	rulePrivateTooBroad = &Rule{
		ID: "private/too-broad", Severity: Warning,
		Summary: "A pattern of GOPRIVATE or GONOSUMDB takes the checksum database away from other people's modules.",
		Help: "What such a pattern matches is never looked up in the checksum database: the first download of a\n" +
			"version is believed, whoever serves it, and its hash is written into go.sum. With `github.com` or\n" +
			"`*` that is nearly every module of the build.\n\n" +
			"List the owners that are yours, as in `github.com/acme`. To bypass a proxy for more than that, set\n" +
			"GONOPROXY, and keep GONOSUMDB narrow.",
	}
	rulePrivateCredentials = &Rule{
		ID: "private/credentials", Severity: Error,
		Summary: "A private module cannot be fetched: the host wants credentials that are not here.",
		Help: "\"could not read Username ... terminal prompts disabled\" means that git found no credentials for the\n" +
			"host and may not ask for any. The module is not in the module cache, so every build here fails.\n\n" +
			"Give git credentials: a line `machine HOST login NAME password TOKEN` in `~/.netrc` (the host with its\n" +
			"port, if it is not 443; `default` lines do not count for the go command), a credential helper, or\n" +
			"`git config --global url.\"ssh://git@HOST/\".insteadOf https://HOST/` with an ssh key. In a container\n" +
			"nothing of that is there unless it is handed in. The evidence lists what was found.",
	}
	rulePrivateSSH = &Rule{
		ID: "private/ssh", Severity: Error,
		Summary: "A private module cannot be fetched: ssh does not get in.",
		Help: "\"Permission denied (publickey)\" means that the host knows none of the keys that ssh offers: no agent\n" +
			"(SSH_AUTH_SOCK), no key in `~/.ssh`, or one without access to this repository. \"Host key verification\n" +
			"failed\" means that `known_hosts` lacks the host; ssh may not ask here.\n\n" +
			"Give the job a deploy key and the host's known_hosts lines, or use https with a token.",
	}
	rulePrivateUnreachable = &Rule{
		ID: "private/unreachable", Severity: Error, Transient: true,
		Summary: "A private module cannot be fetched: its host does not answer.",
		Help: "The name does not resolve, the connection is refused or silent, or the certificate is not accepted.\n" +
			"Often a VPN or a name server of the company is missing on the machine, or HTTPS_PROXY sends internal\n" +
			"hosts to a proxy that does not know them (NO_PROXY). Certificates of one's own authority have to be\n" +
			"known to the system and to git (GIT_SSL_CAINFO).",
	}
	rulePrivateNotFound = &Rule{
		ID: "private/not-found", Severity: Error,
		Summary: "A private module cannot be fetched: there is no such repository, or these credentials may not see it.",
		Help: "Hosts answer \"not found\" for a repository that one may not read, so that nobody learns of it: a token\n" +
			"of another user, one without the right to read this repository, or the token of the job, which sees\n" +
			"its own repository alone. Else the path is misspelt, or the page of a vanity path lacks its\n" +
			"`go-import` meta tag.",
	}
	rulePrivateVCS = &Rule{
		ID: "private/vcs", Severity: Error,
		Summary: "A private module cannot be fetched: git is missing, or GOVCS forbids it.",
		Help: "Past a module proxy the go command fetches modules by git. Minimal images lack it, and GOVCS can forbid\n" +
			"it for private or for public modules. Install git, correct GOVCS, or serve the module by a proxy.",
	}
)
