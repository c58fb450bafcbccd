// SPDX-License-Identifier: EUPL-1.2

package web

import "mercator/base/i18n"

// Door is where somebody came in who acted (access.Door), and with which program where that may be told; "" for what is on
// record from before doors were.
func Door(loc *i18n.Localizer, door, client string) string {
	if door == "api" && client != "" {
		return loc.T("web.door.client", "client", client)
	}
	if key := "web.door." + door; door != "" && loc.Has(key) {
		return loc.T(key)
	}
	return door
}
