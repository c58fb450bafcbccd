// SPDX-License-Identifier: EUPL-1.2

package killtest

import (
	"database/sql"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"mercator/core/store"
)

// server is a PostgreSQL of the test's own, that it may stop.
type server struct {
	t    *testing.T
	bin  string
	dir  string
	port int
	as   *syscall.Credential // root mayn't run it
}

func newServer(t *testing.T) *server {
	t.Helper()
	list, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if path, err := exec.LookPath("initdb"); err == nil {
		list = append(list, path)
	}
	if len(list) == 0 {
		if os.Getenv("CI") == "true" {
			t.Fatal("PostgreSQL's initdb is missing")
		}
		t.Skip("PostgreSQL's initdb is missing: no server was stopped")
	}
	slices.Sort(list)
	s := &server{t: t, bin: filepath.Dir(list[len(list)-1])}
	dir, err := os.MkdirTemp("", "mercator-pg")
	if err != nil {
		t.Fatal(err)
	}
	s.dir = dir
	t.Cleanup(func() { os.RemoveAll(dir) })
	if os.Getuid() == 0 {
		u, err := user.Lookup("postgres")
		if err != nil {
			t.Skip("root mayn't run PostgreSQL and there is no user postgres: no server was stopped")
		}
		uid, _ := strconv.Atoi(u.Uid)
		gid, _ := strconv.Atoi(u.Gid)
		s.as = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		if err := os.Chown(dir, uid, gid); err != nil {
			t.Fatal(err)
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.port = l.Addr().(*net.TCPAddr).Port
	l.Close()
	s.run("initdb", "-D", filepath.Join(dir, "data"), "-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C")
	s.start()
	t.Cleanup(func() { s.stop("immediate") })
	return s
}

func (s *server) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(s.bin, name), args...)
	cmd.Dir = s.dir
	if s.as != nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: s.as}
	}
	return cmd
}

func (s *server) run(name string, args ...string) {
	s.t.Helper()
	// Into a file: the server would keep a pipe open.
	out, err := os.Create(filepath.Join(s.t.TempDir(), "out"))
	if err != nil {
		s.t.Fatal(err)
	}
	defer out.Close()
	cmd := s.command(name, args...)
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Run(); err != nil {
		text, _ := os.ReadFile(out.Name())
		log, _ := os.ReadFile(filepath.Join(s.dir, "log"))
		s.t.Fatalf("%s %v: %v\n%s\n%s", name, args, err, text, tail(string(log)))
	}
}

func (s *server) start() {
	s.t.Helper()
	s.run("pg_ctl", "-D", filepath.Join(s.dir, "data"), "-w", "-t", "60", "-l", filepath.Join(s.dir, "log"), "-o",
		fmt.Sprintf("-p %d -c listen_addresses=127.0.0.1 -c unix_socket_directories=%s -c max_connections=100", s.port, s.dir), "start")
}

// stop ends it: fast throws everybody out, immediate is a crash.
func (s *server) stop(mode string) {
	cmd := s.command("pg_ctl", "-D", filepath.Join(s.dir, "data"), "-w", "-m", mode, "stop")
	cmd.Run()
}

// database makes one, in a tablespace at path if there is one.
func (s *server) database(path string) store.Config {
	s.t.Helper()
	dsn := func(name string) string {
		return fmt.Sprintf("postgres://postgres@127.0.0.1:%d/%s?sslmode=disable", s.port, name)
	}
	db, err := sql.Open("pgx", dsn("postgres"))
	if err != nil {
		s.t.Fatal(err)
	}
	defer db.Close()
	space := ""
	if path != "" {
		space = " TABLESPACE small"
		if _, err := db.Exec("CREATE TABLESPACE small LOCATION '" + path + "'"); err != nil {
			s.t.Fatal(err)
		}
	}
	if _, err := db.Exec("CREATE DATABASE town TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'" + space); err != nil {
		s.t.Fatal(err)
	}
	return store.Config{Engine: store.Postgres, DSN: dsn("town")}
}

// PostgreSQL is stopped and crashes under load, and comes back; the nodes go on by themselves.
func TestPostgresStops(t *testing.T) {
	points, rnd := wanted(t, 4)
	s := newServer(t)
	c := s.database("")
	w := newTown(t, rnd, 2, c)
	w.play(openStore(t, c), 16, func() {
		for i := range points {
			time.Sleep(time.Duration(500+rnd.IntN(1500)) * time.Millisecond)
			from := time.Now()
			s.stop([]string{"fast", "immediate"}[i%2])
			time.Sleep(time.Duration(rnd.IntN(2000)) * time.Millisecond)
			s.start()
			w.down(from)
		}
		time.Sleep(2 * time.Second)
	})
}

// down notes that the database was away from then until now.
func (w *town) down(from time.Time) {
	w.mu.Lock()
	w.outages = append(w.outages, outage{"", from, time.Now()})
	w.mu.Unlock()
}

// smallDisk is a file system with n megabytes.
func smallDisk(t *testing.T, n int, owner *syscall.Credential) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%dm", n)); err != nil {
		t.Skipf("no file system can be mounted here (%v): no disk was filled; TestNoRoom in core/store does it inside of SQLite", err)
	}
	t.Cleanup(func() { syscall.Unmount(dir, syscall.MNT_DETACH) })
	if owner != nil {
		if err := os.Chown(dir, int(owner.Uid), int(owner.Gid)); err != nil {
			t.Fatal(err)
		}
		// t.TempDir is for the one who runs the test only.
		for d := filepath.Dir(dir); d != os.TempDir() && d != "/"; d = filepath.Dir(d) {
			if err := os.Chmod(d, 0o755); err != nil {
				t.Fatal(err)
			}
		}
	}
	return dir
}

// fill takes all the room but left bytes.
func fill(t *testing.T, dir string, left int64) (free func()) {
	t.Helper()
	name := filepath.Join(dir, "ballast")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		t.Fatal(err)
	}
	if n := int64(st.Bavail)*int64(st.Bsize) - left; n > 0 {
		block := make([]byte, 1<<16)
		for ; n > 0; n -= int64(len(block)) {
			if _, err := f.Write(block[:min(int64(len(block)), n)]); err != nil {
				break // that's what it is for
			}
		}
	}
	return func() {
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
}

// The disk is full under load, and somebody makes room. Nobody restarts anything.
func TestTheDiskIsFull(t *testing.T) {
	points, rnd := wanted(t, 3)
	run := func(t *testing.T, c store.Config, dir string) {
		w := newTown(t, rnd, 1, c)
		w.play(openStore(t, c), 16, func() {
			for range points {
				time.Sleep(time.Duration(500+rnd.IntN(1000)) * time.Millisecond)
				from := time.Now()
				free := fill(t, dir, int64(rnd.IntN(200<<10)))
				time.Sleep(time.Duration(1000+rnd.IntN(2000)) * time.Millisecond)
				free()
				w.down(from)
			}
			time.Sleep(2 * time.Second)
		})
		if w.later == 0 {
			t.Error("nobody was told to come later: the disk was never full")
		}
	}
	t.Run("sqlite", func(t *testing.T) {
		dir := smallDisk(t, 64, nil)
		run(t, store.Config{Engine: store.SQLite, Path: filepath.Join(dir, "test.db")}, dir)
	})
	t.Run("postgres", func(t *testing.T) {
		s := newServer(t)
		dir := smallDisk(t, 64, s.as)
		run(t, s.database(dir), dir)
	})
}
