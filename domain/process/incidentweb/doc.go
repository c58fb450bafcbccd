// SPDX-License-Identifier: EUPL-1.2

// Package incidentweb is where an operator deals with processes that can't go on: in groups of one service, element and
// cause, one by one with reason and place, tried again one, some or all of a group at a time. It opens no case and no
// document; a reason may quote data, so whose cases were looked at is on record.
package incidentweb
