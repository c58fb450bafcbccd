// SPDX-License-Identifier: EUPL-1.2

// Package config reads mercator.toml: strict (an unknown key is an error), with
// good zero values, everything that is wrong named at once. Secrets are never in
// it: they come from files or environment variables that it names.
package config
