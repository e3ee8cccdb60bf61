package checks

import (
	"bufio"
	"io"
	"os"
	"strings"
)

// Where the system's name servers stand, on everything but Windows, and limits of
// reading it. The resolver of package net reads the same file, and of its servers
// no more than three (resolv.conf(5), MAXNS).
const (
	resolvConf     = "/etc/resolv.conf"
	maxResolvConf  = 64 << 10
	maxNameServers = 3
)

// nameServers are the name servers of this machine; nil where they are not known.
func nameServers() []string {
	info, err := os.Stat(resolvConf)
	if err != nil || !info.Mode().IsRegular() {
		return nil
	}
	f, err := os.Open(resolvConf)
	if err != nil {
		return nil
	}
	defer f.Close()
	return parseNameServers(io.LimitReader(f, maxResolvConf))
}

func parseNameServers(r io.Reader) []string {
	var servers []string
	for s := bufio.NewScanner(r); s.Scan() && len(servers) < maxNameServers; {
		if f := strings.Fields(s.Text()); len(f) > 1 && f[0] == "nameserver" {
			servers = append(servers, f[1])
		}
	}
	return servers
}
