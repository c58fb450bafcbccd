// SPDX-License-Identifier: EUPL-1.2

package xbezahl

import (
	"encoding/json"
	"fmt"
	"strings"
)

// PaymentRequest is what a service asks for.
type PaymentRequest struct {
	RequestID        string      `json:"requestId"`
	RequestTimestamp string      `json:"requestTimestamp"`
	Currency         string      `json:"currency"`
	GrosAmount       json.Number `json:"grosAmount"` // the standard's spelling
	Purpose          string      `json:"purpose"`
	Description      string      `json:"description,omitempty"`
	RedirectURL      string      `json:"redirectUrl"`
	Items            []Item      `json:"items"`
}

// Item is a position of the bill.
type Item struct {
	ID              string            `json:"id"`
	Reference       string            `json:"reference"`
	Description     string            `json:"description,omitempty"`
	TaxRate         json.Number       `json:"taxRate"`
	Quantity        int               `json:"quantity"`
	TotalNetAmount  json.Number       `json:"totalNetAmount"`
	TotalTaxAmount  json.Number       `json:"totalTaxAmount"`
	SingleNetAmount json.Number       `json:"singleNetAmount"`
	SingleTaxAmount json.Number       `json:"singleTaxAmount"`
	BookingData     map[string]string `json:"bookingData,omitempty"`
}

// PaymentInformation is how far a transaction is.
type PaymentInformation struct {
	TransactionURL         string `json:"transactionUrl,omitempty"`
	TransactionRedirectURL string `json:"transactionRedirectUrl,omitempty"` // only while INITIAL
	TransactionID          string `json:"transactionId"`
	TransactionReference   string `json:"transactionReference,omitempty"` // Kassenzeichen
	TransactionTimestamp   string `json:"transactionTimestamp,omitempty"`
	PaymentMethod          string `json:"paymentMethod,omitempty"`
	PaymentMethodDetail    string `json:"paymentMethodDetail,omitempty"`
	Status                 string `json:"status"`
	StatusDetail           string `json:"statusDetail,omitempty"`
}

// PaymentTransaction is a provider's answer.
type PaymentTransaction struct {
	PaymentInformation PaymentInformation `json:"paymentInformation"`
	PaymentRequest     PaymentRequest     `json:"paymentRequest"`
}

// Problem is an error of the standard (RFC 9457 with a code).
type Problem struct {
	Type           string `json:"type,omitempty"`
	Status         int    `json:"status"`
	Title          string `json:"title"`
	Detail         string `json:"detail,omitempty"`
	FunctionalCode string `json:"functionalCode"`
}

// The states of a transaction.
const (
	StatusInitial  = "INITIAL"
	StatusPayed    = "PAYED"
	StatusFailed   = "FAILED"
	StatusCanceled = "CANCELED"
)

// The functional codes of errors.
const (
	CodeNoDestination = "NO_VALID_ORIGINATOR_OR_ENDPOINT"
	CodeExists        = "PAYMENT_EXISTS"
	CodeCalculation   = "CALCULATION_ERROR"
	CodeValidation    = "VALIDATION_ERROR"
	CodeForbidden     = "FORBIDDEN"
	CodeUnspecified   = "UNSPECIFIED"
)

// Euros writes cents as the standard's decimal number.
func Euros(cents int64) json.Number {
	sign := ""
	if cents < 0 {
		sign, cents = "-", -cents
	}
	return json.Number(fmt.Sprintf("%s%d.%02d", sign, cents/100, cents%100))
}

// Cents reads a decimal number of euros exactly; a part of a cent is an error, and so is more than a million.
func Cents(n json.Number) (int64, error) {
	whole, part, _ := strings.Cut(n.String(), ".")
	part = strings.TrimRight(part, "0")
	if whole == "" || len(whole) > 7 || len(part) > 2 {
		return 0, fmt.Errorf("%.40q is no amount of euros and cents", n.String())
	}
	var cents int64
	for _, digits := range []string{whole, (part + "00")[:2]} {
		for _, d := range digits {
			if d < '0' || d > '9' {
				return 0, fmt.Errorf("%.40q is no amount of euros and cents", n.String())
			}
			cents = cents*10 + int64(d-'0')
		}
	}
	return cents, nil
}

// Purpose makes a text fit for a bank statement: at most 27 of A-Z a-z 0-9 _ - and space.
func Purpose(s string) string {
	s = strings.NewReplacer("ä", "ae", "ö", "oe", "ü", "ue", "Ä", "Ae", "Ö", "Oe", "Ü", "Ue", "ß", "ss", "ç", "c", "ğ", "g",
		"ı", "i", "İ", "I", "ş", "s", "Ç", "C", "Ğ", "G", "Ş", "S", "é", "e", "è", "e").Replace(s)
	var b strings.Builder
	for _, r := range s {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '_', r == '-':
			b.WriteRune(r)
		default:
			if t := b.String(); t != "" && !strings.HasSuffix(t, " ") {
				b.WriteByte(' ')
			}
		}
	}
	out := b.String()
	if len(out) > 27 {
		out = out[:27]
	}
	if out = strings.TrimSpace(out); out == "" {
		return "Gebuehr"
	}
	return out
}

// ValidID tells whether a text is an id of the standard.
func ValidID(s string) bool {
	if s == "" || len(s) > 36 {
		return false
	}
	for _, r := range s {
		if !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '-') {
			return false
		}
	}
	return true
}
