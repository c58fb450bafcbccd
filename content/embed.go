// SPDX-License-Identifier: EUPL-1.2

// Package content carries the filing cabinets inside the binary: services, life events,
// registers, the city and the policies. It is the only Go here; everything else is
// data that a town may want differently, and content.dir of the configuration
// names a folder that takes its place.
package content

import "embed"

// FS holds services/, events/, registers/, city/ and policies/.
//
//go:embed all:services all:events all:registers all:city all:policies
var FS embed.FS
