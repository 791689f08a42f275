package target

import (
	"bytes"
	"context"
	"os"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/ledger/archive/target/s3test"
	"github.com/huchain/huchain/types"
)

// covers: T.11
func TestS3(t *testing.T) {
	ctx := context.Background()
	p := S3Params{Endpoint: s3test.Gateway(t), Bucket: "cold", Prefix: "huchain/history", CredentialsFile: s3test.Credentials(t, s3test.Secret), Insecure: true, PartBytes: 5 << 20}
	target, err := OpenS3(p)
	require.NoError(t, err)
	_, err = target.Open(ctx, "gov/segment-1")
	require.Error(t, err, "there is no bucket yet")
	require.Equal(t, types.CodeArchiveTarget, types.CodeOf(target.Probe(ctx)))
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
	bad.CredentialsFile = s3test.Credentials(t, "a-wrong-secret")
	other, err := OpenS3(bad)
	require.NoError(t, err)
	err = other.Put(ctx, "gov/x", 3, crypto.Sum([]byte("abc")), bytes.NewReader([]byte("abc")))
	require.Equal(t, types.CodeTargetRefused, types.CodeOf(err))
	require.NotContains(t, err.Error()+other.String(), "wrong-secret")
	err = other.Probe(ctx)
	require.Equal(t, types.CodeTargetRefused, types.CodeOf(err))
	require.NotContains(t, err.Error(), "wrong-secret")

	// A probe is no object, and no upload that goes on.
	count := func() (n int) {
		require.NoError(t, target.List(ctx, "", func(string, int64) error { n++; return nil }))
		return n
	}
	before := count()
	require.NoError(t, target.Probe(ctx))
	require.Equal(t, before, count())
	for u := range target.client.ListIncompleteUploads(ctx, p.Bucket, "", true) {
		require.Fail(t, "an upload is left", "%+v", u)
	}
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
