package checks

import (
	"golang.org/x/mod/module"

	gomodcache "github.com/gopreflight/gopreflight/internal/modcache"
)

// A heldModule is what check modcache found the module cache to hold of one
// module version: for checks that compare something with a module's content
// and need not hash that content again.
type heldModule struct {
	// Outcome is how well the content is known: Proven is against go.sum,
	// Consistent against the cache's own records only. Cold: nothing is there.
	Outcome gomodcache.Outcome
	// Tree is the extracted folder, absolute. Every file in it was hashed, and is
	// what Outcome says; empty where it was not hashed, is not what it should be,
	// or is one that the go command would not read.
	Tree string
	// Zip is the module's zip, absolute, under the same terms: its content was
	// read and hashed, or compared with the folder's. Empty where no more than
	// its directory was looked at, as is so for most modules without --deep.
	Zip string
}

// heldModule is what check modcache found of a module version, which is the
// target of a replace directive where there is one. ok is false when that check
// did not run, did not end, or was not asked about this version: nothing is
// known then. Only a check that Needs modcache or comes After it may ask.
func (s *Session) heldModule(mod module.Version) (_ heldModule, ok bool) {
	if s.shared == nil {
		return heldModule{}, false
	}
	held := s.shared.held.Load()
	if held == nil {
		return heldModule{}, false
	}
	h, ok := (*held)[mod]
	return h, ok
}

// holdModules is how modcache hands over what it found.
func (s *Session) holdModules(held map[module.Version]heldModule) {
	if s.shared != nil {
		s.shared.held.Store(&held)
	}
}

// held sums up the evidence about the module version. Where go.sum lines
// contradict each other, equalling one of them proves nothing.
func (w *wantedModule) held(e gomodcache.Evidence, outcome gomodcache.Outcome) heldModule {
	if outcome == gomodcache.Proven && w.disputed() {
		outcome = gomodcache.Consistent
	}
	h := heldModule{Outcome: outcome}
	if outcome != gomodcache.Proven && outcome != gomodcache.Consistent {
		return h
	}
	if e.Tree.State == gomodcache.Sound {
		h.Tree = e.Tree.Path
	}
	if e.Zip.State == gomodcache.Sound {
		h.Zip = e.Zip.Path
	}
	return h
}
