// SPDX-License-Identifier: EUPL-1.2

// Package service reads service packages: folders of data under content/services
// that say everything about one service of the city. Every office reads the
// package it serves, so this room is open to all of domain (internal/archtest).
//
// A package is parsed and checked as a whole: it loads, or every mistake in it is
// named by file and line and the version before it stays in force. Each version
// that was ever in force is kept, so that a running case ends by the rules that it
// began with.
//
//	service.toml       what it is, for whom, on which law, which data, which fee, who else has to sign
//	application.form   the form (form-js JSON); other *.form are forms of user tasks.
//	                   A service whose process begins by itself only needs none, and
//	                   none of what people have to know to apply: it is internal
//	process.bpmn       the process (BPMN 2.0 with zeebe: extensions)
//	*.dmn              the rules; each rule names its paragraph
//	letters/           templates of letters
//	scenarios/         the service played through; scenarios/forms: its forms filled in
//	migrate.toml       what becomes of the answers of drafts that were begun with an
//	                   older version of application.form. What it doesn't name keeps
//	                   its name:
//
//	                       [[step]]                     # what one version has changed
//	                       from = ["0420dfb9578181bc"]  # the versions before it, as lint shows them
//	                       [[step.rule]]
//	                       old = "shop"                 # a question, or a group of them
//	                       new = "business_name"        # or into a list: "cards.0.number"
//	                       [[step.rule]]
//	                       old = "legal_form"
//	                       new = "legal_form"
//	                       values = { gmbh = "company" }
//	                       [[step.rule]]
//	                       new = "employees"            # worked out, where there is no answer yet
//	                       value = "=full_time + part_time"
//
//	                   A draft goes through the step that names its version and through
//	                   those behind it; if none does, through the steps without from.
//
// mercator service since OLDER-FOLDER FOLDER holds these rules to the version before.
//
// A life event (Lebenslage, event.go) is content/events/ID/event.toml: services that people need
// together, and which of their questions are the same.
//
// It doesn't run anything and knows no case.
package service
