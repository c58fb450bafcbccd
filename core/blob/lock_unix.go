// SPDX-License-Identifier: EUPL-1.2

//go:build unix

package blob

import (
	"os"
	"syscall"
)

// lock holds a file until it is closed, against other processes too; it doesn't wait.
func lock(f *os.File) error { return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) }
