//go:build !linux && !darwin

package hostinfo

import "os"

// system knows nothing here: everything stays unknown.
func (p *Path) system(os.FileInfo) {}
