// SPDX-License-Identifier: EUPL-1.2

// Package bpmn reads and executes BPMN 2.0 process models with the "zeebe:"
// extension elements.
//
// Parse reads a file within bounds, reports all mistakes at once with their place,
// and refuses by element, line and reason what this engine doesn't execute and what the
// standard forbids between elements: nothing is passed over in silence. A process that
// isn't marked executable is kept as a drawing and is not held to that; a reference that
// leads nowhere is a warning there.
//
// Step is the engine: a pure function of a process, a state and an event. It has no
// clock, goroutine, randomness or I/O and its result doesn't depend on the order of
// a map; domain/process makes it durable and carries out the commands it returns.
// Replaying the events gives the same state, bit for bit.
//
// What is executed: all tasks; exclusive, parallel, inclusive and event-based gateways;
// events with message, timer, error, escalation, signal, condition, link, terminate and
// compensation; embedded, event and ad-hoc sub-processes; call activities; multi-instance
// and standard loops; io mappings, lanes, data objects (carried). What isn't
// (transaction, complex gateway, multiple events) is refused.
//
// Link puts the processes that call activities name into the process, so that one
// definition is executed and none of its parts changes under a running instance: a called
// process sees the variables of its caller and writes its own, which its end brings back.
// Compensation undoes what is complete in its scope, one after the other, the last first.
// Modify and Migrate change a running instance by hand or to another version. The
// package play runs a process in memory.
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
