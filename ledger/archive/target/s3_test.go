package target

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
)

const secret = "no-secret-of-anyone"

// gateway runs a real S3 server over a folder; it ends with the test.
func gateway(t *testing.T) (endpoint string) {
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
	cmd := exec.Command(program, "--port", endpoint, "--access", "archivist", "--secret", secret, "--quiet", "posix", t.TempDir())
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	require.NoError(t, cmd.Start(), "go install github.com/versity/versitygw/cmd/versitygw@v1.8.0 installs it")
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended
		_ = cmd.Wait()
	})
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
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

func credentialsFile(t *testing.T, key string) string {
	path := filepath.Join(t.TempDir(), "credentials")
	text := fmt.Sprintf("[default]\naws_access_key_id = archivist\naws_secret_access_key = %s\n", key)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// covers: T.11
func TestS3(t *testing.T) {
	ctx := context.Background()
	p := S3Params{Endpoint: gateway(t), Bucket: "cold", Prefix: "huchain/history", CredentialsFile: credentialsFile(t, secret), Insecure: true, PartBytes: 5 << 20}
	target, err := OpenS3(p)
	require.NoError(t, err)
	_, err = target.Open(ctx, "gov/segment-1")
	require.Error(t, err, "there is no bucket yet")
	require.NoError(t, target.client.MakeBucket(ctx, p.Bucket, minio.MakeBucketOptions{}))
	conform(t, target)

	large := bytes.Repeat([]byte("0123456789abcdef"), 1<<20) // four parts
	require.NoError(t, target.Put(ctx, "gov/large", int64(len(large)), crypto.Sum(large), bytes.NewReader(large)))
	f, err := target.Open(ctx, "gov/large")
	require.NoError(t, err)
	b := make([]byte, 100)
	require.NoError(t, f.ReadRange(ctx, b, 5<<20-50), "across two parts")
	require.Equal(t, large[5<<20-50:5<<20+50], b)

	// Refusals are coded and show no secret.
	bad := p
	bad.CredentialsFile = credentialsFile(t, "a-wrong-secret")
	other, err := OpenS3(bad)
	require.NoError(t, err)
	err = other.Put(ctx, "gov/x", 3, crypto.Sum([]byte("abc")), bytes.NewReader([]byte("abc")))
	require.Equal(t, types.CodeArchiveTarget, types.CodeOf(err))
	require.NotContains(t, err.Error()+other.String(), "wrong-secret")
	require.NoError(t, os.Chmod(p.CredentialsFile, 0o644))
	_, err = OpenS3(p)
	require.Equal(t, types.CodeConfig, types.CodeOf(err), "a file that others may read")
	require.NoError(t, os.Chmod(p.CredentialsFile, 0o600))

	gone := p
	gone.Endpoint = "127.0.0.1:1"
	away, err := OpenS3(gone)
	require.NoError(t, err)
	short, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	_, err = away.Open(short, "gov/large")
	require.Equal(t, types.CodeArchiveTarget, types.CodeOf(err))
}
