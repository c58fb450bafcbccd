// SPDX-License-Identifier: EUPL-1.2

// Package bus tells facts: a case was opened, a payment has arrived.
//
// SQL is the truth, NATS is motion. An event is a row written in the transaction of
// the change that it tells of (the outbox), together with one pending row for every
// handler of this house and one for the stream. A handler's pending row goes in the
// transaction that stores the handler's effect, so each handler sees each event
// exactly once, whatever is killed when. The stream's row goes when JetStream has
// acknowledged, which is not yet durable (it syncs every two minutes); so at every
// start what is recent is published again under the same id, and all that is kept
// if the stream is gone: deleting the NATS store loses nothing. Whoever listens on
// NATS drops repetitions by the id, as CloudEvents 1.0 has it.
//
// Events of one subject (a case) reach a handler in the order in which they were
// written. Events hold no personal data.
package bus
