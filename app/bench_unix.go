// SPDX-License-Identifier: EUPL-1.2

//go:build unix

package app

import (
	"syscall"
	"time"
)

// processor is how much processor time this process has taken.
func processor() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
