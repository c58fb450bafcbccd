// SPDX-License-Identifier: EUPL-1.2

// Package mydataweb are the pages of "my data": what the city holds about a person and
// who read it, in plain words; the copies of Art. 15 and 20 GDPR; and where a person asks
// why, has something put right, erased or restricted, or takes a consent back.
//
// Law: Art. 7 (3), 12, 15 to 20 GDPR.
package mydataweb
