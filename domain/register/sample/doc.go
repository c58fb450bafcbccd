// SPDX-License-Identifier: EUPL-1.2

// Package sample invents the people of a demo city: residents with names, birth
// dates and addresses, and their vehicles, out of the files of content/city. No
// row describes a real person.
//
// The same seed always gives the same people: person number i depends on nothing
// but the seed and i, so a larger city holds the smaller one, and a load that was
// interrupted goes on where it was. The first people are the named ones that demo
// accounts and tests know (Named).
package sample
