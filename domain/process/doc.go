// SPDX-License-Identifier: EUPL-1.2

// Package process is the office that keeps every case moving: it runs the process
// models of lang/bpmn durably. A step is one transaction: the tokens move, and with
// them timers, jobs, tasks, subscriptions, history and whatever the rooms plugged in
// (Hooks) write, all of it or nothing. Who submits an application finds it at the
// desk with the next click.
//
// It keeps the instances, the worklists of the offices with their tasks, the messages
// that nobody has waited for yet, the incidents, and every model that was ever used:
// an instance keeps the model it began with.
//
// It doesn't know what a task is about (domain/intake, the desk), doesn't decide by
// rules (lang/dmn, plugged in as Decide) and doesn't run the clock (core/job).
//
// Terms: an instance is one run of a process for one case; a task (Aufgabe) is work
// for a person, which belongs to an office and is claimed (übernommen) by one clerk
// at a time and never snatched; an incident (Störung) is an instance that can't go on
// without an operator.
//
// An occasion is what begins a process by itself: a message, a signal, a time or a
// condition at a start event of the version in force (Deploy). The case is opened by
// whoever keeps cases (Hooks.Open), in the same transaction.
//
// A modification is a change of a running instance by hand; a migration takes running
// instances over into another version, after a rehearsal, and can be undone for those
// that haven't moved since.
//
// Law: § 10 VwVfG NRW (proceedings without undue delay), § 35a VwVfG (decisions by
// automatic means only where the rules leave no discretion: what does is a task), § 22 VwVfG
// (proceedings begin on application or of the office's own motion).
package process
