// Package pgtest runs a real PostgreSQL server for tests, with the programs that the
// system has installed.
package pgtest

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Server is a running server, reachable through a socket in its own folder alone.
type Server struct {
	URL string

	t    testing.TB
	dir  string
	cmd  *exec.Cmd
	done chan struct{}
	out  bytes.Buffer
}

// Start makes a database and starts the server, which ends with the test. The server
// refuses to run as root; there it becomes the user postgres, or else nobody.
func Start(t testing.TB) *Server {
	t.Helper()
	dir, err := os.MkdirTemp("", "pgtest-")
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{t: t, dir: dir, URL: "host=" + dir + " user=huchain dbname=postgres sslmode=disable"}
	t.Cleanup(func() {
		s.Stop()
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	attr := unprivileged(t)
	if c := attr.Credential; c != nil {
		if err := os.Chown(dir, int(c.Uid), int(c.Gid)); err != nil {
			t.Fatal(err)
		}
	}
	initdb := exec.Command(program(t, "initdb"), "-D", filepath.Join(dir, "data"), "-U", "huchain", "--auth=trust", "--no-locale", "-E", "UTF8", "--no-sync")
	initdb.SysProcAttr, initdb.Dir = attr, dir
	if out, err := initdb.CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}
	s.Run()
	return s
}

// Run starts the server of a database that was stopped.
func (s *Server) Run() {
	s.t.Helper()
	s.cmd = exec.Command(program(s.t, "postgres"), "-D", filepath.Join(s.dir, "data"), "-k", s.dir,
		"-c", "listen_addresses=", "-c", "max_connections=200", "-c", "shared_buffers=64MB", "-c", "log_min_messages=fatal")
	s.cmd.SysProcAttr, s.cmd.Dir = unprivileged(s.t), s.dir
	s.cmd.Stdout, s.cmd.Stderr = &s.out, &s.out
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.done = make(chan struct{})
	go func() {
		_ = s.cmd.Wait() // how it ended shows in its output
		close(s.done)
	}()
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		c, err := pgx.Connect(ctx, s.URL)
		if err == nil {
			err = c.Close(ctx)
		}
		cancel()
		if err == nil {
			return
		}
		select {
		case <-s.done:
			s.t.Fatalf("the server ended: %s", s.out.String())
		default:
		}
		if time.Now().After(end) {
			s.t.Fatalf("the server does not answer: %v\n%s", err, s.out.String())
		}
	}
}

// Stop ends the server at once, as a crash would: it recovers at the next Run.
func (s *Server) Stop() {
	if s.cmd == nil || s.cmd.Process == nil {
		return
	}
	_ = s.cmd.Process.Signal(syscall.SIGQUIT) // immediate shutdown; it may have ended already
	select {
	case <-s.done:
	case <-time.After(20 * time.Second):
		_ = s.cmd.Process.Kill()
		<-s.done
	}
	s.cmd = nil
}

// program finds one of PostgreSQL's programs.
func program(t testing.TB, name string) string {
	t.Helper()
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/" + name)
	if err != nil || len(found) == 0 {
		t.Fatalf("%s is not installed: apt-get install postgresql", name)
	}
	slices.Sort(found)
	return found[len(found)-1]
}

func unprivileged(t testing.TB) *syscall.SysProcAttr {
	t.Helper()
	if os.Getuid() != 0 {
		return &syscall.SysProcAttr{}
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		u, err = user.Lookup("nobody")
	}
	if err != nil {
		t.Fatal(err)
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
}
