// SPDX-License-Identifier: EUPL-1.2

// Package app is the switchboard: it builds every room of the house, top to
// bottom, plugs the rooms into one another by their function fields, and runs
// them. It has no rule of its own; a rule found here belongs into a room.
package app
