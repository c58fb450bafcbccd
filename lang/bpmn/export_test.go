// SPDX-License-Identifier: EUPL-1.2

package bpmn

import "pgregory.net/rapid"

// RandomProcess draws a block-structured process, with what it calls.
func RandomProcess(t *rapid.T) *Process { return linked(t, randomModel(t)) }
