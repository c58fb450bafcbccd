// SPDX-License-Identifier: EUPL-1.2

//go:build !unix

package app

// lockDir does nothing where there is no flock.
func lockDir(string) (unlock func(), err error) { return func() {}, nil }
