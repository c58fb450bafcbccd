// SPDX-License-Identifier: EUPL-1.2

package notice

// The facts that this office tells. Their subject is the case.
const (
	EventIssued  = "eu.mercator.notice.issued"
	EventRevoked = "eu.mercator.notice.revoked"
)

// Fact is the data of an event.
type Fact struct {
	Document string `json:"document"`
	Template string `json:"template"`
	Service  string `json:"service"`
}
