// SPDX-License-Identifier: EUPL-1.2

// Package casefileweb shows the files of the registry: to residents their cases,
// to clerks the desk.
//
// What other offices know of a case (tasks, payments, documents, messages) comes
// through the functions of Config, which app plugs in; what is not plugged in is
// not shown. Every page works without a script; with one, the worklist says when
// it is out of date.
//
// Law: § 29 VwVfG NRW (inspection of files), Art. 15 GDPR (right of access),
// § 39 VwVfG NRW (reasons).
package casefileweb
