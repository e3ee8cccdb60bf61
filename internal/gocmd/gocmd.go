// Package gocmd runs the go command: once per question, with an explicit
// environment, within a limit on how many run at the same time.
//
// It never decides which questions to ask and never reads the process
// environment. Which toolchain runs is the caller's to say, by GOTOOLCHAIN.
package gocmd

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"

	"golang.org/x/sync/semaphore"

	"github.com/gopreflight/gopreflight/internal/child"
)

// NoTelemetry keeps the go command from starting, once a day, a process that
// leaves our process group, outlives it, and where the user shares telemetry
// asks the network (golang.org/x/telemetry, start.go, telemetryChildVar).
const NoTelemetry = "GO_TELEMETRY_CHILD=2"

// Go is a go command and the environment that it runs in. Its methods may be
// called from several goroutines.
type Go struct {
	path string
	env  []string

	capacity int64
	slots    *semaphore.Weighted

	mu    sync.Mutex
	asked map[string]*answer
}

type answer struct {
	done chan struct{}
	out  child.Output
	err  error
}

// New returns the go command at path. env is the whole environment of every
// run; jobs is how many may run at once, 0 meaning one for each processor.
func New(path string, env []string, jobs int) *Go {
	if jobs <= 0 {
		jobs = runtime.GOMAXPROCS(0)
	}
	return &Go{
		path:     path,
		env:      env,
		capacity: int64(jobs),
		slots:    semaphore.NewWeighted(int64(jobs)),
		asked:    map[string]*answer{},
	}
}

// Path is the path of the go command.
func (g *Go) Path() string { return g.path }

// Question is one run of the go command.
type Question struct {
	// Path is another go command than the Go's own: that of the toolchain that
	// a module asks for. Empty: the Go's own.
	Path string
	// Dir is the working directory, absolute.
	Dir string
	// Args are the arguments after "go".
	Args []string
	// Env is added to the environment and wins over it.
	Env []string
	// Exclusive runs take all slots: builds, which use every processor anyway.
	Exclusive bool
}

// Ask runs the go command, or returns the answer to the same question asked
// before. The error says that it could not be run or that ctx ended; an exit
// code other than 0 is not an error.
func (g *Go) Ask(ctx context.Context, q Question) (child.Output, error) {
	key := strings.Join(append(append([]string{q.Path, q.Dir}, q.Env...), append([]string{"\x00"}, q.Args...)...), "\x00")
	for {
		g.mu.Lock()
		a, ok := g.asked[key]
		if !ok {
			a = &answer{done: make(chan struct{})}
			g.asked[key] = a
		}
		g.mu.Unlock()
		if !ok {
			a.out, a.err = g.run(ctx, q)
			if a.err != nil {
				// A run that was stopped answered nothing: the next may ask again.
				g.mu.Lock()
				delete(g.asked, key)
				g.mu.Unlock()
			}
			close(a.done)
			return a.out, a.err
		}
		select {
		case <-ctx.Done():
			return child.Output{}, fmt.Errorf("go %s: %w", strings.Join(q.Args, " "), context.Cause(ctx))
		case <-a.done:
			if a.err == nil {
				return a.out, nil
			}
		}
	}
}

func (g *Go) run(ctx context.Context, q Question) (child.Output, error) {
	weight := int64(1)
	if q.Exclusive {
		weight = g.capacity
	}
	if err := g.slots.Acquire(ctx, weight); err != nil {
		return child.Output{}, fmt.Errorf("go %s: %w", strings.Join(q.Args, " "), context.Cause(ctx))
	}
	defer g.slots.Release(weight)
	path := q.Path
	if path == "" {
		path = g.path
	}
	env := append(append([]string{}, g.env...), q.Env...)
	return child.Run(ctx, child.Cmd{Path: path, Args: q.Args, Dir: q.Dir, Env: append(env, NoTelemetry, "PWD="+q.Dir)})
}
