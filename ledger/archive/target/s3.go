package target

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
)

// S3Params say where an object store is. Credentials stand in a file in the form of AWS
// (aws_access_key_id and aws_secret_access_key under [default]) that its owner alone may
// read, or in the environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY).
type S3Params struct {
	Endpoint        string // host:port
	Bucket          string // which exists
	Prefix          string // of all names; may be empty
	Region          string // empty: us-east-1
	CredentialsFile string // empty: the environment
	Insecure        bool   // plain HTTP
	PartBytes       uint64 // of a multipart upload; 0: 16 MiB
}

// S3 is a target in an object store that speaks S3. It asks for nothing beyond putting,
// reading ranges and listing: not for conditional puts, versions or locks, which differ
// between stores. Two nodes that store one name at the same time may both succeed; what is
// read back tells which one did.
type S3 struct {
	p      S3Params
	client *minio.Client
}

// OpenS3 prepares the target. Nothing is sent before it is used.
func OpenS3(p S3Params) (*S3, error) {
	creds := credentials.NewEnvAWS()
	if p.CredentialsFile != "" {
		st, err := os.Stat(p.CredentialsFile)
		if err == nil && st.Mode().Perm()&0o077 != 0 {
			err = fmt.Errorf("%s may be read by others than its owner (chmod 600)", p.CredentialsFile)
		}
		if err != nil {
			return nil, types.Errorf(types.CodeConfig, "credentials of the archive: %w", err)
		}
		creds = credentials.NewFileAWSCredentials(p.CredentialsFile, "default")
	}
	if v, err := creds.GetWithContext(nil); err != nil || v.AccessKeyID == "" {
		return nil, types.Errorf(types.CodeConfig, "no credentials for %s: name a file, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY", p.Endpoint)
	}
	if p.Region == "" {
		p.Region = "us-east-1"
	}
	if p.PartBytes == 0 {
		p.PartBytes = 16 << 20
	}
	c, err := minio.New(p.Endpoint, &minio.Options{Creds: creds, Secure: !p.Insecure, Region: p.Region, BucketLookup: minio.BucketLookupPath})
	if err != nil {
		return nil, types.Errorf(types.CodeConfig, "archive target: %w", err)
	}
	return &S3{p, c}, nil
}

// String implements Target.
func (t *S3) String() string { return "s3://" + path.Join(t.p.Endpoint, t.p.Bucket, t.p.Prefix) }

func (t *S3) key(name string) string { return path.Join(t.p.Prefix, name) }

// failed makes a coded error of what the store answered.
func (t *S3) failed(name string, err error) error {
	if err == nil {
		return nil
	}
	switch minio.ToErrorResponse(err).Code {
	case minio.NoSuchKey:
		return missing(name, t)
	}
	if errors.Is(err, context.Canceled) {
		return err
	}
	return types.Errorf(codeOf(err), "%s in %s: %w", name, t, err)
}

// Put implements Target.
func (t *S3) Put(ctx context.Context, name string, size int64, sum crypto.Hash, r io.Reader) error {
	if err := checkName(name); err != nil {
		return err
	}
	if done, err := holds(ctx, t, name, size, sum); done || err != nil {
		return err
	}
	return t.Replace(ctx, name, size, sum, r)
}

// Replace is Put that gives a name other bytes. See Folder.Replace.
func (t *S3) Replace(ctx context.Context, name string, size int64, sum crypto.Hash, r io.Reader) error {
	if err := checkName(name); err != nil {
		return err
	}
	h := crypto.NewHash()
	_, err := t.client.PutObject(ctx, t.p.Bucket, t.key(name), io.TeeReader(contextReader{ctx, r}, h), size,
		minio.PutObjectOptions{PartSize: t.p.PartBytes, ContentType: "application/octet-stream"})
	if err != nil {
		return t.failed(name, err)
	}
	if crypto.Hash(h.Sum(nil)) != sum {
		err := fmt.Errorf("archive %s: the bytes given are not those named", name)
		return errors.Join(err, t.client.RemoveObject(ctx, t.p.Bucket, t.key(name), minio.RemoveObjectOptions{}))
	}
	return confirm(ctx, t, name, size, sum)
}

// Remove deletes a file; one that is not there is no error. See Folder.Remove.
func (t *S3) Remove(ctx context.Context, name string) error {
	if err := checkName(name); err != nil {
		return err
	}
	err := t.client.RemoveObject(ctx, t.p.Bucket, t.key(name), minio.RemoveObjectOptions{})
	if err = t.failed(name, err); types.CodeOf(err) == types.CodeArchiveMissing {
		return nil
	}
	return err
}

// Open implements Target.
func (t *S3) Open(ctx context.Context, name string) (File, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	info, err := t.client.StatObject(ctx, t.p.Bucket, t.key(name), minio.StatObjectOptions{})
	if err != nil {
		return nil, t.failed(name, err)
	}
	return &s3File{t, name, info.Size}, nil
}

type s3File struct {
	t    *S3
	name string
	size int64
}

func (f *s3File) Size() int64  { return f.size }
func (f *s3File) Close() error { return nil }

func (f *s3File) ReadRange(ctx context.Context, b []byte, offset int64) (err error) {
	if len(b) == 0 {
		return nil
	}
	var opts minio.GetObjectOptions
	if err := opts.SetRange(offset, offset+int64(len(b))-1); err != nil {
		return err
	}
	core := minio.Core{Client: f.t.client}
	body, _, _, err := core.GetObject(ctx, f.t.p.Bucket, f.t.key(f.name), opts)
	if err != nil {
		return f.t.failed(f.name, err)
	}
	defer func() { err = errors.Join(err, body.Close()) }()
	if _, err := io.ReadFull(body, b); err != nil {
		return f.t.failed(f.name, err)
	}
	return nil
}

// List implements Target.
func (t *S3) List(ctx context.Context, prefix string, fn func(name string, size int64) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	base := t.p.Prefix
	if base != "" {
		base += "/"
	}
	for o := range t.client.ListObjects(ctx, t.p.Bucket, minio.ListObjectsOptions{Prefix: base + prefix, Recursive: true}) {
		if o.Err != nil {
			return t.failed(prefix, o.Err)
		}
		name := strings.TrimPrefix(o.Key, base)
		if !isName(name) {
			continue
		}
		if err := fn(name, o.Size); err != nil {
			return err
		}
	}
	return nil
}
