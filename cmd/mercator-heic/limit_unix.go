// SPDX-License-Identifier: EUPL-1.2

//go:build unix

package main

import "syscall"

// limit bounds what the process may have: 3 GB of addresses (of which Go and the WebAssembly runtime reserve most without using them) and 60 seconds of a processor.
func limit() error {
	if err := syscall.Setrlimit(syscall.RLIMIT_CPU, &syscall.Rlimit{Cur: 60, Max: 60}); err != nil {
		return err
	}
	return syscall.Setrlimit(syscall.RLIMIT_AS, &syscall.Rlimit{Cur: 3 << 30, Max: 3 << 30})
}
