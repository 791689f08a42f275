// Package s3test runs a real S3 server, versitygw, for tests of what keeps files there.
package s3test

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Secret is the server's secret key; the access key is "archivist".
const Secret = "no-secret-of-anyone"

// Gateway runs the server over a folder; it ends with the test. There is no bucket yet.
func Gateway(t testing.TB) (endpoint string) {
	program, err := exec.LookPath("versitygw")
	if err != nil {
		out, err := exec.Command("go", "env", "GOPATH").Output()
		require.NoError(t, err)
		program = filepath.Join(string(bytes.TrimSpace(out)), "bin", "versitygw")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	endpoint = l.Addr().String()
	require.NoError(t, l.Close())
	cmd := exec.Command(program, "--port", endpoint, "--access", "archivist", "--secret", Secret, "--quiet", "posix", t.TempDir())
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	require.NoError(t, cmd.Start(), "go install github.com/versity/versitygw/cmd/versitygw@v1.8.0 installs it")
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended
		_ = cmd.Wait()
	})
	for end := time.Now().Add(2 * time.Minute); ; time.Sleep(20 * time.Millisecond) {
		c, err := net.Dial("tcp", endpoint)
		if err == nil {
			require.NoError(t, c.Close())
			return endpoint
		}
		if time.Now().After(end) {
			t.Fatalf("versitygw does not listen: %v\n%s", err, out.String())
		}
	}
}

// Credentials writes a file of credentials with a secret key.
func Credentials(t testing.TB, secret string) string {
	path := filepath.Join(t.TempDir(), "credentials")
	text := fmt.Sprintf("[default]\naws_access_key_id = archivist\naws_secret_access_key = %s\n", secret)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}
