// SPDX-License-Identifier: EUPL-1.2

package register

import (
	"embed"
	"io/fs"
)

//go:embed words/messages.*.toml
var words embed.FS

// Messages are the texts of what goes wrong when a record is changed or the feed is read.
func Messages() fs.FS { return words }
