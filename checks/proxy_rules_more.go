package checks

// The rules about what does not stop the go command now.
var (
	ruleProxyFlaky = &Rule{
		ID: "proxy/flaky", Severity: Warning, Transient: true,
		Summary: "A module proxy failed once and answered at the second attempt.",
		Help: "The go command makes one attempt for each file and no second one, so this would have ended a\n" +
			"download, or sent it on behind `|`. An overloaded proxy, a load balancer with one bad machine behind\n" +
			"it, or a network that loses packets. Run again, and look at the proxy if it comes back.",
	}
	ruleProxyAddress = &Rule{
		ID: "proxy/address", Severity: Warning, Transient: true,
		Summary: "The name of a module proxy has an address that does not answer, beside one that does.",
		Help: "The go command tries the addresses one after the other, or IPv6 and IPv4 at the same time with\n" +
			"0.3 s between them. A dead one beside a live one costs that for each connection, and more where\n" +
			"packets are dropped silently. Take the address out of the name, or bring up what should answer\n" +
			"there. An IPv6 address is not told of where this machine has no IPv6 network at all.",
	}
	ruleProxyClock = &Rule{
		ID: "proxy/clock", Severity: Warning,
		Summary: "This machine's clock is more than five minutes away from that of every module proxy that says the time.",
		Help: "Certificates are judged by this machine's clock: a wrong one makes good ones expired, or not yet\n" +
			"valid, and confuses make and test caches. Set the clock (NTP); a virtual machine that was suspended\n" +
			"often has a wrong one.",
	}
	ruleProxyUnknownVersion = &Rule{
		ID: "proxy/unknown-version", Severity: Notice,
		Summary: "A module proxy answers with an error for a version that does not exist, and keeps the go command from the next entry.",
		Help: "Only 404 and 410 mean \"not found\" and fall through `,`. A proxy that answers 403 or 500 instead\n" +
			"ends the search for every module and version that it does not have, although an entry behind it may\n" +
			"have them. That can be meant, as a gate. If it is not, follow the entry by `|`, or have the proxy\n" +
			"answer 404.",
	}
	ruleProxyEscaping = &Rule{
		ID: "proxy/escaping", Severity: Warning,
		Summary: "A module proxy does not find modules whose path has a capital letter.",
		Help: "In URLs every capital is written as `!` and the small letter (`github.com/!azure/x`), because file\n" +
			"systems may not tell capitals apart. This server refuses that form and has the module under the path\n" +
			"as it is, which the go command never asks for. Often a rewriting rule or a folder that was copied by\n" +
			"hand; a copy of `GOMODCACHE/cache/download` has the right names.",
	}
	ruleProxyDirectGit = &Rule{
		ID: "proxy/direct-git", Severity: Warning,
		Summary: "A module is to be fetched from its repository, and the program for that is not installed.",
		Help: "For `direct`, to which GOPROXY leads, the go command runs git (or hg, svn, bzr, fossil). It is not\n" +
			"in `PATH`. Install it, or let a module proxy serve the module.",
	}
	ruleProxyDirectHost = &Rule{
		ID: "proxy/direct-host", Severity: Warning, Transient: true,
		Summary: "A module is to be fetched from its own host, and that does not answer.",
		Help: "For `direct` the go command asks the host that the module path begins with. It cannot be reached\n" +
			"from here, which is normal behind a firewall that allows module proxies alone: then end GOPROXY\n" +
			"without `direct`, so that a missing module is told at once. Otherwise open the way, or set\n" +
			"`HTTPS_PROXY`.",
	}
	ruleProxyDirectMeta = &Rule{
		ID: "proxy/direct-meta", Severity: Warning,
		Summary: "The host of a module does not say where its repository is.",
		Help: "For `direct` the go command reads `https://PATH?go-get=1` and looks for a `go-import` meta tag\n" +
			"whose prefix is the module path or a parent of it. A login page, a moved site or a misspelt path has\n" +
			"none. Correct the path, have the tag added, or let a module proxy serve the module.",
	}
	ruleProxyDirectVCS = &Rule{
		ID: "proxy/direct-vcs", Severity: Warning,
		Summary: "GOVCS forbids the program that would fetch a module from its repository.",
		Help: "GOVCS says which version control systems may be used for which modules; unset it means git and hg\n" +
			"for public modules and all for those of GOPRIVATE. Change GOVCS, list the module in GOPRIVATE, or let\n" +
			"a module proxy serve it.",
	}
)
