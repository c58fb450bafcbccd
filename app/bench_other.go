// SPDX-License-Identifier: EUPL-1.2

//go:build !unix

package app

import "time"

// processor isn't known here.
func processor() time.Duration { return 0 }
