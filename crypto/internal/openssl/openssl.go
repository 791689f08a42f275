// Package openssl runs the openssl command line in tests, as the independent
// implementation that keys, signatures, certificates and key files are checked against.
package openssl

import (
	"bytes"
	"os/exec"
	"strings"
	"testing"
)

// Distid is the option by which openssl takes the SM2 user id of this platform; without
// it, openssl 3 signs and verifies under an empty id.
const Distid = "distid:1234567812345678"

// Run runs openssl in dir with the given standard input and returns its output and
// whether it succeeded. A machine without openssl 3 fails the test.
func Run(t testing.TB, dir string, stdin []byte, args ...string) (output string, ok bool) {
	t.Helper()
	path, err := exec.LookPath("openssl")
	if err != nil {
		t.Fatal("this test needs the openssl 3 command line: apt-get install openssl")
	}
	version, err := exec.Command(path, "version").Output()
	if err != nil || !strings.HasPrefix(string(version), "OpenSSL 3.") {
		t.Fatalf("this test needs openssl 3, found %q (%v): apt-get install openssl", version, err)
	}
	cmd := exec.Command(path, args...)
	cmd.Dir = dir
	cmd.Stdin = bytes.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	return string(out), err == nil
}

// Must is Run for commands that have to succeed.
func Must(t testing.TB, dir string, stdin []byte, args ...string) string {
	t.Helper()
	out, ok := Run(t, dir, stdin, args...)
	if !ok {
		t.Fatalf("openssl %s: %s", strings.Join(args, " "), out)
	}
	return out
}
