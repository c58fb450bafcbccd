// SPDX-License-Identifier: EUPL-1.2

package postbox

// EventDelivered tells that a message lies in somebody's postbox. Its subject is the
// case; its data names the message and nothing about the person.
const EventDelivered = "eu.mercator.postbox.delivered"

// Fact is the data of an event.
type Fact struct {
	Message string `json:"message"`
}
