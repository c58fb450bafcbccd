// SPDX-License-Identifier: EUPL-1.2

// Package job is work that must happen: a letter to render, a timer to fire, a
// message to deliver. A job is a row that is written in the transaction of the
// change that needs it, so there is neither work without its reason nor a reason
// without its work.
//
// A worker claims a job for a while (a lease), works outside any transaction, and
// stores its effect together with the end of the job (Job.Done). A process that is
// killed leaves a lease that runs out (on SQLite the next process takes it at its
// start); then the job is taken again. Long work keeps its lease by itself. So work
// happens at least once, and its effect exactly once.
//
// Waiting costs disk and nothing else: due jobs are found by one partial index, a
// commit wakes the workers, and a clock wakes them for the next due time.
//
// What it isn't: an event bus (core/bus), a workflow (domain/process).
package job
