package checks

import (
	"fmt"
	"path/filepath"
	"sync"

	"github.com/gopreflight/gopreflight/internal/checksumdb"
	"github.com/gopreflight/gopreflight/internal/goenv"
	"github.com/gopreflight/gopreflight/internal/goproxy"
)

// checksumsOnce makes the client of the checksum database once for all checks, so
// that what one has asked no other asks again.
type checksumsOnce struct {
	once   sync.Once
	client *checksumdb.Client
	err    error
}

// checksumDB is the checksum database that GOSUMDB names, asked where the go
// command would ask it, with the credentials of netrc. With GOSUMDB=off there is a
// client too, whose every answer is checksumdb.ErrOff. The error says why there is
// none; it is a Skip where the question does not arise (offline). A request has
// proxy.timeout.
func (s *Session) checksumDB() (*checksumdb.Client, error) {
	if s.Offline {
		return nil, Skip("offline")
	}
	o := &s.shared.checksums
	o.once.Do(func() { o.client, o.err = s.newChecksumDB() })
	return o.client, o.err
}

func (s *Session) newChecksumDB() (*checksumdb.Client, error) {
	value := s.Env.Get("GOSUMDB")
	if s.Go == nil && value == "" {
		return nil, Skip("no go command, which has GOSUMDB's default")
	}
	db, err := goenv.ParseGOSUMDB(value)
	if err != nil {
		return nil, err
	}
	o := checksumdb.Options{
		DB: db, GONOSUMDB: unverifiedPatterns(s.Env), Timeout: s.Config.Proxy.Timeout,
		Getenv: s.Getenv, Now: s.Now,
	}
	if !db.Off {
		if o.Chain, err = goproxy.Parse(s.Env.Get("GOPROXY"), privatePatterns(s.Env)); err != nil && db.URL == nil {
			return nil, fmt.Errorf("GOPROXY: %w", err)
		}
		if o.Credentials, _, err = proxyCredentials(s); err != nil {
			return nil, err
		}
	}
	if s.CacheDir != "" {
		o.CacheDir = filepath.Join(s.CacheDir, "sumdb")
	}
	return checksumdb.New(o)
}
