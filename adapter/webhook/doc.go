// SPDX-License-Identifier: EUPL-1.2

// Package webhook tells other systems what happened: an event goes as a signed HTTP
// POST to every address that subscribed to its type.
//
// The body is the CloudEvent in structured mode (application/cloudevents+json), the
// headers are those of Standard Webhooks: webhook-id is the event's id, and the
// signature is HMAC-SHA256 over "id.timestamp.body". The body is stored with the
// delivery, so however often it is sent, one id never has two bodies. Delivery is at
// least once and in no order: receivers drop repetitions by the id.
//
// An address that fails is tried again with growing pauses and rests meanwhile. What
// was given up is kept for the integrator to see and send again; an address that
// answers 410 Gone, or that fails too often, is suspended.
//
// Only public addresses are called (the demo also admits loopback). That is decided
// for the address that is dialled, not for the name, so a name that changes its
// address between check and call gains nothing. Redirects aren't followed.
//
// Events hold no personal data. A client of an office gets the events of its office.
package webhook
