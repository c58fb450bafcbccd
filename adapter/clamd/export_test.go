// SPDX-License-Identifier: EUPL-1.2

package clamd

// Verdict is verdict, for the tests.
var Verdict = verdict
