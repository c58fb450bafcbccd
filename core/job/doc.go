// SPDX-License-Identifier: EUPL-1.2

// Package job is work that must happen: a letter to render, a timer to fire, a
// message to deliver. A job is a row that is written in the transaction of the
// change that needs it, so there is neither work without its reason nor a reason
// without its work.
//
// A worker claims a job for a while (a lease), works outside any transaction, and
// stores its effect together with the end of the job (Job.Done). A process that is
// killed leaves a lease that runs out after six seconds (what it had itself it takes up
// again at its start); then the job is taken again. Long work keeps its lease by itself,
// and after a second gives its place in the queue to others. So work happens at least
// once, and its effect exactly once.
//
// A job that is due at once, while the process that writes it has a place for it, is
// written as claimed already and begun when it is on disk. Half of the places are kept for
// what has waited.
//
// Leases and due times are of the clock that nodes share: they must agree to a second or
// two (NTP). A clock that is set is noticed: leases don't run out under the hands of a
// process, and what was due at once doesn't wait until the clock has caught up.
//
// Waiting costs disk and nothing else: due jobs are found by one partial index, a
// commit wakes the workers, and a clock wakes them for the next due time.
//
// What it isn't: an event bus (core/bus), a workflow (domain/process).
package job
