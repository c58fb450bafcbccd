// SPDX-License-Identifier: EUPL-1.2

// Package ui is the box of typed components that every page is made of: a
// component is a Go struct with words that are already in the reader's language,
// and a template that turns it into accessible HTML on the KERN design system.
//
// A page puts components into its data and shows each with the template function
// ui: {{ui .Data.Street}}. A mistake in a component's fields is a mistake of the
// compiler, not one that a citizen finds.
//
// Every field has a label, and its hint and its error are tied to it
// (aria-describedby, aria-invalid); nothing says something by colour alone;
// targets are at least 44 px; nothing needs a script.
package ui
