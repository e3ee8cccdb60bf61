package checks

// All are the checks in declared order: the order of every report.
var All = []*Check{
	host,
	env,
	toolchainCheck,
	proxy,
	sumdbCheck,
	private,
	modulesCheck,
	gosum,
	modcache,
	buildcache,
	gomod,
	tidy,
	policy,
	deps,
	vendor,
	build,
}

// Lookup returns the check of a name, or nil.
func Lookup(name string) *Check {
	for _, c := range All {
		if c.Name == name {
			return c
		}
	}
	return nil
}
