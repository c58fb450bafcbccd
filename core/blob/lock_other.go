// SPDX-License-Identifier: EUPL-1.2

//go:build !unix

package blob

import "os"

// lock: elsewhere one process is alone with its files; the sum of the whole file tells if two requests met.
func lock(*os.File) error { return nil }
