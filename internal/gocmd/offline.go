package gocmd

import "strings"

// Offline is the environment in which the go command sends nothing: no proxy,
// no version control system, no checksum database, no toolchain download, no
// credential helper and no remote build cache. GOPROXY=off alone is not enough:
// modules that match GONOPROXY are still fetched (modfetch/proxy.go, proxyList),
// and the checksum database is then asked directly (modfetch/sumdb.go, initBase).
func Offline() []string {
	return []string{
		"GOPROXY=off",
		"GONOPROXY=none",
		"GOVCS=*:off",
		"GOSUMDB=off",
		"GOTOOLCHAIN=local",
		"GOAUTH=off",
		"GOCACHEPROG=",
		"GIT_ALLOW_PROTOCOL=none",
	}
}

// NeedsNetwork reports whether a go command that ran with Offline says that it
// would have asked the network (modfetch/proxy.go, errProxyOff).
func NeedsNetwork(output string) bool {
	return strings.Contains(output, "module lookup disabled by GOPROXY=off")
}
