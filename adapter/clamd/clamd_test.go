// SPDX-License-Identifier: EUPL-1.2

package clamd_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"mercator/adapter/clamd"
	"mercator/base/fault"
)

// eicar is the text that scanners agree to find (eicar.org). It is put together here so that none finds this file.
func eicar() []byte {
	return []byte(`X5O!P%@AP[4\PZX54(P^)7CC)7}$` + "EICAR-STANDARD-" + "ANTIVIRUS-TEST-FILE!" + `$H+H*`)
}

// fake speaks the daemon's protocol and answers as it is told; it gives what it was sent.
func fake(t *testing.T, network, answer string, most int) (socket string, got chan []byte) {
	address := "127.0.0.1:0"
	if network == "unix" {
		address = filepath.Join(t.TempDir(), "clamd.ctl")
	}
	l, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	got = make(chan []byte, 10)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			func() {
				defer conn.Close()
				head := make([]byte, len("zINSTREAM\x00"))
				if _, err := io.ReadFull(conn, head); err != nil || string(head) != "zINSTREAM\x00" {
					return
				}
				var all []byte
				for {
					var n uint32
					if binary.Read(conn, binary.BigEndian, &n) != nil || n == 0 || len(all) > most {
						break
					}
					part := make([]byte, n)
					if _, err := io.ReadFull(conn, part); err != nil {
						return
					}
					all = append(all, part...)
				}
				got <- all
				io.WriteString(conn, answer)
			}()
		}
	}()
	if network == "tcp" {
		return "tcp://" + l.Addr().String(), got
	}
	return address, got
}

// What the daemon says, over both kinds of socket. The daemon here is a made-up one; TestDaemon asks a real one.
func TestScan(t *testing.T) {
	file := bytes.Repeat([]byte("Mietvertrag "), 20_000)
	for _, network := range []string{"unix", "tcp"} {
		for answer, want := range map[string]struct {
			found string
			kind  fault.Kind
		}{
			"stream: OK\x00": {}, "stream: Win.Test.EICAR_HDB-1 FOUND\x00": {found: "Win.Test.EICAR_HDB-1"}, "stream:  FOUND\x00": {found: "unnamed"},
			"INSTREAM size limit exceeded. ERROR\x00": {kind: fault.Unavailable}, "": {kind: fault.Unavailable}, "stream: OK, nearly\x00": {kind: fault.Unavailable},
			"UNKNOWN COMMAND\x00": {kind: fault.Unavailable}, strings.Repeat("x", 10_000): {kind: fault.Unavailable},
		} {
			socket, got := fake(t, network, answer, 1<<20)
			c, err := clamd.New(socket)
			if err != nil {
				t.Fatal(err)
			}
			found, err := c.Scan(t.Context(), bytes.NewReader(file))
			if found != want.found || want.kind == "" && err != nil || want.kind != "" && !fault.Is(err, want.kind) {
				t.Errorf("%s %.40q: %q %v", network, answer, found, err)
			}
			if sent := <-got; !bytes.Equal(sent, file) {
				t.Errorf("%s: %d bytes came, %d were sent", network, len(sent), len(file))
			}
		}
	}
}

func TestNobodyThere(t *testing.T) {
	c, err := clamd.New(filepath.Join(t.TempDir(), "no.ctl"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Scan(t.Context(), strings.NewReader("x")); !fault.Is(err, fault.Unavailable) {
		t.Errorf("%v", err)
	}
	socket, _ := fake(t, "unix", "stream: OK\x00", 1<<20)
	if c, err = clamd.New(socket); err != nil {
		t.Fatal(err)
	}
	broken := errors.New("the disk broke")
	if _, err := c.Scan(t.Context(), iotest.ErrReader(broken)); !errors.Is(err, broken) || fault.Is(err, fault.Unavailable) {
		t.Errorf("a file that can't be read: %v", err)
	}
	// A daemon that never answers is left.
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if c, err = clamd.New("tcp://" + l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, err := c.Scan(ctx, strings.NewReader("x")); !fault.Is(err, fault.Unavailable) {
		t.Errorf("a silent daemon: %v", err)
	}
	for _, s := range []string{"", "clamd.ctl", "tcp://nowhere", "http://x/"} {
		if _, err := clamd.New(s); err == nil {
			t.Errorf("%q is a socket", s)
		}
	}
}

// TestDaemon asks the real daemon, where it is installed (Debian: clamav-daemon), with a database of one signature: that of the test text.
func TestDaemon(t *testing.T) {
	program, err := exec.LookPath("clamd")
	if err != nil {
		if program = "/usr/sbin/clamd"; !there(program) {
			t.Skip("clamd is not installed: only the made-up daemon was asked")
		}
	}
	dir := t.TempDir()
	socket := filepath.Join(dir, "clamd.ctl")
	write := func(name, text string) string {
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return name
	}
	write("test.ndb", "Test.Eicar:0:*:"+hex.EncodeToString(eicar())+"\n")
	conf := write("clamd.conf", "Foreground yes\nDatabaseDirectory "+dir+"\nLocalSocket "+socket+"\nStreamMaxLength 1M\nMaxThreads 2\n")
	cmd := exec.CommandContext(t.Context(), program, "--config-file", conf)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	for range 300 {
		if there(socket) {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	c, err := clamd.New(socket)
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		what  string
		file  []byte
		found string
		kind  fault.Kind
	}{
		{"a letter", []byte("Sehr geehrte Damen und Herren"), "", ""},
		{"nothing", nil, "", ""},
		{"the test text", eicar(), "Test.Eicar.UNOFFICIAL", ""},
		{"it again, over many blocks", append(bytes.Repeat([]byte("x"), 300_000), eicar()...), "Test.Eicar.UNOFFICIAL", ""},
		{"more than it takes", make([]byte, 4<<20), "", fault.Unavailable},
	} {
		found, err := c.Scan(t.Context(), bytes.NewReader(x.file))
		if found != x.found || x.kind == "" && err != nil || x.kind != "" && !fault.Is(err, x.kind) {
			t.Errorf("%s: %q %v", x.what, found, err)
		}
	}
	if t.Failed() {
		t.Log(out.String())
	}
}

func there(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}

func FuzzVerdict(f *testing.F) {
	for _, s := range []string{"stream: OK", "stream: X FOUND", "", "stream: ", "ERROR"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		found, err := clamd.Verdict(s)
		if err == nil && found == "" && s != "stream: OK" {
			t.Errorf("%q was taken for a clean file", s)
		}
	})
}
