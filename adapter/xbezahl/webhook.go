// SPDX-License-Identifier: EUPL-1.2

package xbezahl

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"mercator/base/fault"
)

// SignatureHeader carries the proof that a call is the provider's.
const SignatureHeader = "X-Payment-Signature"

// Call is a provider's call: something has changed about a transaction. What has changed is asked for, not believed.
type Call struct {
	TransactionID string `json:"transactionId"`
}

// Sign makes the header of a call.
func Sign(secret []byte, at time.Time, nonce string, body []byte) string {
	t := strconv.FormatInt(at.Unix(), 10)
	return "t=" + t + ",n=" + nonce + ",v1=" + hex.EncodeToString(mac(secret, t, nonce, body))
}

func mac(secret []byte, t, nonce string, body []byte) []byte {
	h := hmac.New(sha256.New, secret)
	h.Write([]byte(t + "." + nonce + "."))
	h.Write(body)
	return h.Sum(nil)
}

// Webhook takes the provider's calls: POST /webhooks/payment.
type Webhook struct {
	Secret []byte
	Take   func(ctx context.Context, nonce, transaction string) error // payment.Service.Call
	Now    func() time.Time
}

const (
	maxCall = 16 << 10
	// maxAge is how old a call may be: older ones may be kept and sent again by somebody else, and their nonces are
	// forgotten some day.
	maxAge = 5 * time.Minute
)

// Handle checks signature and time, then hands the call over. An error makes the provider call again.
func (h *Webhook) Handle(w http.ResponseWriter, r *http.Request) error {
	const op = "xbezahl.webhook"
	if len(h.Secret) < 16 {
		return fault.Internalf(op, "no secret is configured")
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxCall))
	if err != nil {
		return fault.Because(fault.TooLarge, op, "", err)
	}
	now := time.Now
	if h.Now != nil {
		now = h.Now
	}
	nonce, err := verify(h.Secret, r.Header.Get(SignatureHeader), body, now())
	if err != nil {
		return fault.Because(fault.Denied, op, "payment.badCall", err)
	}
	var c Call
	if err := json.Unmarshal(body, &c); err != nil || c.TransactionID == "" || len(c.TransactionID) > 44 {
		return fault.New(fault.Invalid, op, "payment.badCall")
	}
	if err := h.Take(r.Context(), nonce, c.TransactionID); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// verify checks the header of a call and gives its nonce.
func verify(secret []byte, header string, body []byte, now time.Time) (nonce string, err error) {
	var t, v1 string
	for i, part := range strings.SplitN(header, ",", 4) {
		key, value, _ := strings.Cut(part, "=")
		switch {
		case i == 0 && key == "t":
			t = value
		case i == 1 && key == "n":
			nonce = value
		case i == 2 && key == "v1":
			v1 = value
		default:
			return "", errors.New("no signature of ours")
		}
	}
	if len(nonce) < 16 || len(nonce) > 100 {
		return "", errors.New("no nonce")
	}
	given, err := hex.DecodeString(v1)
	if err != nil || !hmac.Equal(given, mac(secret, t, nonce, body)) {
		return "", errors.New("the signature is wrong")
	}
	unix, err := strconv.ParseInt(t, 10, 64)
	if err != nil {
		return "", errors.New("no time")
	}
	if age := now.Sub(time.Unix(unix, 0)); age > maxAge || age < -maxAge {
		return "", errors.New("the call is too old, or from the future")
	}
	return nonce, nil
}
