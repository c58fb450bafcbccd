// SPDX-License-Identifier: EUPL-1.2

package register

import (
	"context"

	"mercator/core/store"
)

// Changed is the fact that a record has a new version. It holds no personal data.
type Changed struct {
	Register string `json:"register"`
	ID       string `json:"id"`
	Version  int64  `json:"version"`
	Case     string `json:"case,omitempty"`
	Erased   bool   `json:"erased,omitempty"`
}

// EventChanged is the type of its event.
const EventChanged = "eu.mercator.register.changed"

// Publish puts an event in the outbox, in the transaction of the change. App plugs it in.
type Publish func(ctx context.Context, tx *store.Tx, c Changed) error
