// SPDX-License-Identifier: EUPL-1.2

// Package clamd has files looked at for malware by ClamAV's daemon: its command
// INSTREAM over a Unix or TCP socket (clamd(8)). Nothing of a file but its content
// is sent, and what the daemon finds is its name for it.
package clamd

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"mercator/base/fault"
)

// Client asks one daemon.
type Client struct {
	network, address string
	timeout          time.Duration
}

// New reads where the daemon listens: the path of its socket, or tcp://HOST:PORT. The daemon has no
// passwords and no encryption: TCP is for this machine or a net of its own.
func New(socket string) (*Client, error) {
	c := &Client{network: "unix", address: strings.TrimPrefix(socket, "unix:"), timeout: time.Minute}
	if a, ok := strings.CutPrefix(socket, "tcp://"); ok {
		if _, _, err := net.SplitHostPort(a); err != nil {
			return nil, fmt.Errorf("clamd: %w", err)
		}
		c.network, c.address = "tcp", a
	} else if !strings.HasPrefix(c.address, "/") {
		return nil, errors.New("clamd: the socket is an absolute path or tcp://HOST:PORT")
	}
	return c, nil
}

// block is how much is sent at a time.
const block = 64 << 10

// Scan has a file looked at. It gives the name of what was found, "" if nothing was. fault.Unavailable: the daemon
// can't be asked; the file is neither good nor bad.
func (c *Client) Scan(ctx context.Context, r io.Reader) (found string, err error) {
	const op = "clamd.scan"
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	conn, err := (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, c.network, c.address)
	if err != nil {
		return "", fault.Because(fault.Unavailable, op, "", err)
	}
	defer conn.Close()
	deadline, _ := ctx.Deadline()
	if err := conn.SetDeadline(deadline); err != nil {
		return "", fault.Because(fault.Unavailable, op, "", err)
	}
	defer context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })()
	sendErr := send(conn, r)
	var readErr *readError
	if errors.As(sendErr, &readErr) {
		return "", fault.Wrap(op, readErr.error)
	}
	// Even where sending failed there may be an answer: the daemon says so and hangs up when a file is too large for it.
	answer, err := bufio.NewReader(io.LimitReader(conn, 4096)).ReadBytes(0)
	answer = bytes.TrimRight(answer, "\x00")
	if len(answer) == 0 {
		return "", fault.Because(fault.Unavailable, op, "", errors.Join(sendErr, err))
	}
	return verdict(string(answer))
}

// verdict reads an answer.
func verdict(answer string) (found string, err error) {
	text, ok := strings.CutPrefix(answer, "stream: ")
	switch {
	case ok && text == "OK":
		return "", nil
	case ok && strings.HasSuffix(text, " FOUND"):
		if found = strings.TrimSpace(strings.TrimSuffix(text, " FOUND")); found == "" {
			found = "unnamed"
		}
		return found, nil
	}
	return "", fault.Because(fault.Unavailable, "clamd.verdict", "", fmt.Errorf("the daemon answers %.200q", answer))
}

type readError struct{ error }

func send(w io.Writer, r io.Reader) error {
	if _, err := io.WriteString(w, "zINSTREAM\x00"); err != nil {
		return err
	}
	buf := make([]byte, 4+block)
	for {
		n, err := io.ReadFull(r, buf[4:])
		if n > 0 {
			binary.BigEndian.PutUint32(buf, uint32(n))
			if _, err := w.Write(buf[:4+n]); err != nil {
				return err
			}
		}
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			_, err := w.Write([]byte{0, 0, 0, 0})
			return err
		}
		if err != nil {
			return &readError{err}
		}
	}
}
