// SPDX-License-Identifier: EUPL-1.2

package smtp

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"net/smtp"
	"net/textproto"
	"os"
	"strings"
	"time"

	"mercator/base/fault"
	"mercator/base/ident"
)

// How the connection is encrypted.
const (
	StartTLS = "starttls" // asked for after the greeting; a server that hasn't got it is refused
	TLS      = "tls"      // from the beginning, usually at port 465
	Plain    = "none"     // not at all: on this machine only
)

// patience is how long one mail may take, from the connection to the server's word that it has it.
const patience = time.Minute

// Config is where mails go.
type Config struct {
	Server   string // HOST:PORT
	Security string // StartTLS, TLS or Plain; empty: StartTLS
	From     string // the address of the house
	User     string // empty: the server knows us by where we come from
	Password string
	CA       string // a PEM file of who has signed the server's certificate; empty: whom the system trusts
	Now      func() time.Time
}

// Sender sends mails.
type Sender struct {
	c     Config
	host  string
	trust *tls.Config
}

// New checks the settings. It doesn't connect: a mail server that is down must not keep the house from starting.
func New(c Config) (*Sender, error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Security == "" {
		c.Security = StartTLS
	}
	host, _, err := net.SplitHostPort(c.Server)
	if err != nil {
		return nil, fmt.Errorf("mail.server: %w", err)
	}
	if err := CheckAddress(c.From); err != nil {
		return nil, fmt.Errorf("mail.from: %w", err)
	}
	s := &Sender{c: c, host: host, trust: &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}}
	if c.CA == "" {
		return s, nil
	}
	pem, err := os.ReadFile(c.CA)
	if err != nil {
		return nil, fmt.Errorf("mail.ca: %w", err)
	}
	s.trust.RootCAs = x509.NewCertPool()
	if !s.trust.RootCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("mail.ca: %s holds no certificate", c.CA)
	}
	return s, nil
}

// CheckAddress tells whether a text is one address, without a name beside it.
func CheckAddress(address string) error {
	a, err := mail.ParseAddress(address)
	if err != nil || a.Address != address {
		return errors.New("want an address such as office@city.example")
	}
	return nil
}

// Message is a mail of plain text.
type Message struct {
	To      string
	Subject string
	Text    string // lines end in \n
}

// Send hands a mail to the server and returns nil once the server has taken it over.
func (s *Sender) Send(ctx context.Context, m Message) error {
	const op = "smtp.send"
	if err := CheckAddress(m.To); err != nil {
		return fault.Because(fault.Invalid, op, "", err)
	}
	text, err := s.compose(m)
	if err != nil {
		return fault.Wrap(op, err)
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	c, err := s.connect(ctx)
	if err != nil {
		return unavailable(op, "connect", err)
	}
	defer c.Close()
	if err := s.greet(c); err != nil {
		return unavailable(op, "greet", err)
	}
	if err := s.deliver(c, m.To, text); err != nil {
		return unavailable(op, "deliver", err)
	}
	c.Quit() // it has the mail: what comes of the farewell doesn't matter
	return nil
}

// connect opens the connection, which ends with the context.
func (s *Sender) connect(ctx context.Context) (*smtp.Client, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", s.c.Server)
	if err != nil {
		return nil, err
	}
	end, _ := ctx.Deadline()
	if err := conn.SetDeadline(end); err != nil {
		conn.Close()
		return nil, err
	}
	if s.c.Security == Plain && !here(conn.RemoteAddr()) {
		conn.Close()
		return nil, errors.New("an unencrypted connection leaves this machine")
	}
	if s.c.Security == TLS {
		conn = tls.Client(conn, s.trust)
	}
	c, err := smtp.NewClient(conn, s.host)
	if err != nil {
		conn.Close()
	}
	return c, err
}

func here(a net.Addr) bool {
	tcp, ok := a.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}

// greet says who we are, encrypts and signs in. Whoever stands between and takes STARTTLS away gets nothing.
func (s *Sender) greet(c *smtp.Client) error {
	if err := c.Hello("localhost"); err != nil {
		return err
	}
	if s.c.Security == StartTLS {
		if ok, _ := c.Extension("STARTTLS"); !ok {
			return errors.New("the server offers no STARTTLS")
		}
		if err := c.StartTLS(s.trust); err != nil {
			return err
		}
	}
	if s.c.User == "" {
		return nil
	}
	return c.Auth(smtp.PlainAuth("", s.c.User, s.c.Password, s.host))
}

func (s *Sender) deliver(c *smtp.Client, to string, text []byte) error {
	if err := c.Mail(s.c.From); err != nil {
		return err
	}
	if err := c.Rcpt(to); err != nil {
		return err
	}
	w, err := c.Data()
	if err != nil {
		return err
	}
	if _, err := w.Write(text); err != nil {
		return err
	}
	return w.Close()
}

// compose writes the mail (RFC 5322). Auto-Submitted keeps away answers of absence (RFC 3834).
func (s *Sender) compose(m Message) ([]byte, error) {
	var b bytes.Buffer
	domain := s.c.From[strings.LastIndexByte(s.c.From, '@')+1:]
	for _, h := range [...][2]string{
		{"From", "<" + s.c.From + ">"}, {"To", "<" + m.To + ">"}, {"Subject", mime.QEncoding.Encode("utf-8", m.Subject)},
		{"Date", s.c.Now().Format(time.RFC1123Z)}, {"Message-ID", "<" + ident.New() + "@" + domain + ">"},
		{"Auto-Submitted", "auto-generated"}, {"MIME-Version", "1.0"},
		{"Content-Type", "text/plain; charset=utf-8"}, {"Content-Transfer-Encoding", "quoted-printable"},
	} {
		fmt.Fprintf(&b, "%s: %s\r\n", h[0], h[1])
	}
	b.WriteString("\r\n")
	w := quotedprintable.NewWriter(&b)
	if _, err := w.Write([]byte(strings.ReplaceAll(m.Text, "\n", "\r\n"))); err != nil {
		return nil, err
	}
	return b.Bytes(), w.Close()
}

// unavailable is an error without what the server has said in words: that may quote an address.
func unavailable(op, step string, err error) error {
	var said *textproto.Error
	if errors.As(err, &said) {
		err = fmt.Errorf("the mail server answered %d", said.Code)
	}
	return fault.Because(fault.Unavailable, op, "", fmt.Errorf("%s: %w", step, err))
}
