// SPDX-License-Identifier: EUPL-1.2

// Package smtptest is a small mail server of our own for tests: it speaks SMTP over a socket of this machine, with STARTTLS and
// sign-in, keeps what it is given, and fails on demand. It is no real mail server.
package smtptest

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// User and Password are who may send.
const (
	User     = "house"
	Password = "open sesame"
)

// Mail is one that the server has taken.
type Mail struct {
	From, To string
	Header   mail.Header
	Text     string // decoded
	TLS      bool   // came over an encrypted connection
}

// Server is a mail server.
type Server struct {
	Addr string
	CA   string // a PEM file with its certificate

	tls    *tls.Config
	mu     sync.Mutex
	manner Manner
	mails  []Mail
}

// Manner is how a server behaves; the zero value is one that takes mails.
type Manner struct {
	NoTLS  bool   // offers no STARTTLS and no sign-in, as somebody in between would have it
	Silent bool   // takes connections and says nothing
	Refuse string // the answer to each recipient, such as "451 later"; empty: it takes them
}

// Start starts a server that ends with the test.
func Start(t testing.TB, m Manner) *Server {
	t.Helper()
	s := &Server{manner: m}
	if err := s.certify(t.TempDir()); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.Addr = l.Addr().String()
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go s.serve(conn)
		}
	}()
	return s
}

// Mails are those taken so far.
func (s *Server) Mails() []Mail {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Mail(nil), s.mails...)
}

// Behave changes the manner while the server runs.
func (s *Server) Behave(m Manner) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.manner = m
}

func (s *Server) now() Manner {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.manner
}

// certify makes a certificate for 127.0.0.1 that has signed itself.
func (s *Server) certify(dir string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		return err
	}
	s.tls = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	s.CA = filepath.Join(dir, "ca.pem")
	return os.WriteFile(s.CA, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600)
}

// serve speaks with one client.
func (s *Server) serve(conn net.Conn) {
	defer func() { conn.Close() }()
	conn.SetDeadline(time.Now().Add(30 * time.Second))
	manner := s.now()
	if manner.Silent {
		io.Copy(io.Discard, conn)
		return
	}
	in := bufio.NewReader(conn)
	say := func(line string) { fmt.Fprintf(conn, "%s\r\n", line) }
	var m Mail
	signed := manner.NoTLS
	say("220 smtptest")
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimSpace(line)
		verb, _, _ := strings.Cut(strings.ToUpper(line), " ")
		switch {
		case verb == "EHLO" && manner.NoTLS:
			say("250 smtptest")
		case verb == "EHLO" && !m.TLS:
			say("250-smtptest\r\n250 STARTTLS")
		case verb == "EHLO":
			say("250-smtptest\r\n250 AUTH PLAIN")
		case verb == "STARTTLS" && !manner.NoTLS && !m.TLS:
			say("220 go on")
			conn = tls.Server(conn, s.tls)
			in, m.TLS = bufio.NewReader(conn), true
		case verb == "AUTH" && m.TLS:
			want := base64.StdEncoding.EncodeToString([]byte("\x00" + User + "\x00" + Password))
			if signed = line == "AUTH PLAIN "+want; signed {
				say("235 welcome")
			} else {
				say("535 who is that")
			}
		case verb == "MAIL" && signed:
			m.From = between(line)
			say("250 ok")
		case verb == "RCPT" && s.now().Refuse != "":
			say(s.now().Refuse)
		case verb == "RCPT" && m.From != "":
			m.To = between(line)
			say("250 ok")
		case verb == "DATA" && m.To != "":
			say("354 go on")
			if err := m.read(in); err != nil {
				say("554 " + err.Error())
				return
			}
			s.mu.Lock()
			s.mails = append(s.mails, m)
			s.mu.Unlock()
			say("250 taken")
		case verb == "QUIT":
			say("221 bye")
			return
		default:
			say("503 not now")
		}
	}
}

func between(line string) string {
	_, rest, _ := strings.Cut(line, "<")
	address, _, _ := strings.Cut(rest, ">")
	return address
}

// read reads a mail up to the line with a dot.
func (m *Mail) read(in *bufio.Reader) error {
	var b strings.Builder
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return err
		}
		if line == ".\r\n" {
			break
		}
		b.WriteString(strings.TrimPrefix(line, "."))
	}
	got, err := mail.ReadMessage(strings.NewReader(b.String()))
	if err != nil {
		return err
	}
	text, err := io.ReadAll(quotedprintable.NewReader(got.Body))
	m.Header, m.Text = got.Header, strings.ReplaceAll(string(text), "\r\n", "\n")
	return err
}
