package goproxy

import "golang.org/x/sys/windows"

// How the system says why a connection failed.
var (
	errnoRefused     error = windows.WSAECONNREFUSED
	errnoUnreachable       = []error{windows.WSAENETUNREACH, windows.WSAEHOSTUNREACH, windows.WSAENETDOWN, windows.WSAEHOSTDOWN, windows.WSAEADDRNOTAVAIL}
	errnoNoRoute           = []error{windows.WSAENETUNREACH, windows.WSAENETDOWN, windows.WSAEADDRNOTAVAIL}
	errnoReset             = []error{windows.WSAECONNRESET, windows.WSAECONNABORTED}
)
