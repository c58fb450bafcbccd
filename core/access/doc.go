// SPDX-License-Identifier: EUPL-1.2

// Package access decides who may do what with personal data, and for what.
//
// Access is a value: whoever reads or changes personal data passes a Grant, which only a Checker can mint, from an actor,
// an action, a resource, a purpose and a legal basis. The policies are text (Cedar, content/policies), changed in one
// place for all services, and refusal is the default. A grant is on record in the ledger (core/audit) before it is used, a
// refusal too.
//
// A policy sees what is known before the data is read: the actor, the kind of resource, and its office and owner where the
// caller knows them. An actor carries the door that they came in by and, of a program that is bound to one, the thumbprint of
// its client certificate (RFC 8705). A grant is therefore not the whole check: the query that uses it carries the limit
// itself (owner = actor, office = actor's office), so that a case of somebody else is simply not found.
//
// Terms: purpose (Zweck, Art. 5 (1) b GDPR), legal basis (Rechtsgrundlage, Art. 6 GDPR), trust level (Vertrauensniveau,
// § 3 OZG, BSI TR-03107-1), subject (betroffene Person).
package access
