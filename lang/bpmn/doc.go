// SPDX-License-Identifier: EUPL-1.2

// Package bpmn reads and executes BPMN 2.0 process models with the "zeebe:"
// extension elements.
//
// Parse reads a file within bounds, reports all mistakes at once with their place,
// and refuses by element, line and reason what this engine doesn't execute: nothing
// is passed over in silence. A process that isn't marked executable is kept as a
// drawing and is not held to that.
//
// Step is the engine: a pure function of a process, a state and an event. It has no
// clock, goroutine, randomness or I/O and its result doesn't depend on the order of
// a map; domain/process makes it durable and carries out the commands it returns.
// Replaying the events gives the same state, bit for bit.
//
// Check looks for mistakes that a file can have although it loads. SVG draws a
// process with its tokens.
//
// Terms: a token is a place in the process where something goes on; a watcher is a
// token that doesn't move but listens for an event on behalf of another one (a
// boundary event, a branch of an event-based gateway) or of a scope (an event
// sub-process); a scope is the process or one run of a sub-process, with the
// variables that live in it.
//
// Standard: OMG BPMN 2.0.2 (ISO/IEC 19510:2013).
package bpmn
