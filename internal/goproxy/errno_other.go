//go:build !windows

package goproxy

import "syscall"

// How the system says why a connection failed.
var (
	errnoRefused     error = syscall.ECONNREFUSED
	errnoUnreachable       = []error{syscall.ENETUNREACH, syscall.EHOSTUNREACH, syscall.ENETDOWN, syscall.EHOSTDOWN, syscall.EADDRNOTAVAIL}
	errnoNoRoute           = []error{syscall.ENETUNREACH, syscall.ENETDOWN, syscall.EADDRNOTAVAIL}
	errnoReset             = []error{syscall.ECONNRESET, syscall.ECONNABORTED, syscall.EPIPE}
)
