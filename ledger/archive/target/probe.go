package target

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"syscall"
	"time"

	"github.com/minio/minio-go/v7"

	"github.com/huchain/huchain/types"
)

// probeBytes is enough for a store to notice that it is full.
const probeBytes = 64 << 10

// Probe tries that bytes can be stored, as Put stores them up to the point where a file gets
// its name: they are written, synced, read back and gone. No file is made or touched, so a
// target that keeps for good what it was given keeps nothing of it. HC-4407 if it is refused,
// HC-4408 if there is no room, HC-4404 otherwise.
func (t *Folder) Probe(ctx context.Context) (err error) {
	defer func() { err = t.failed("a probe", err) }()
	want := probe()
	f, err := os.CreateTemp(t.dir, "probe-*"+draftSuffix)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close(), os.Remove(f.Name())) }()
	if _, err := io.Copy(f, contextReader{ctx, bytes.NewReader(want)}); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	got := make([]byte, len(want))
	if _, err := f.ReadAt(got, 0); err != nil {
		return err
	}
	if !bytes.Equal(got, want) {
		return errors.New("other bytes are read than were written")
	}
	return nil
}

// Probe tries that bytes can be stored: they are a part of an upload that is given up. See
// Folder.Probe.
func (t *S3) Probe(ctx context.Context) error {
	const name = "probe"
	core, key := minio.Core{Client: t.client}, t.key(name)
	id, err := core.NewMultipartUpload(ctx, t.p.Bucket, key, minio.PutObjectOptions{ContentType: "application/octet-stream"})
	if err != nil {
		return t.failed(name, err)
	}
	part := probe()
	_, err = core.PutObjectPart(ctx, t.p.Bucket, key, id, 1, bytes.NewReader(part), int64(len(part)), minio.PutObjectPartOptions{})
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	return t.failed(name, errors.Join(err, core.AbortMultipartUpload(end, t.p.Bucket, key, id)))
}

// probe is bytes that no store makes smaller.
func probe() []byte {
	b := make([]byte, probeBytes)
	rand.Read(b) //nolint:errcheck // it never fails
	return b
}

// failed makes a coded error of what the file system answered.
func (t *Folder) failed(what string, err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	return types.Errorf(codeOf(err), "%s in %s: %w", what, t, err)
}

// codeOf tells what an operator has to do apart: get rights, make room, or look for the target.
func codeOf(err error) types.Code {
	var answer minio.ErrorResponse
	errors.As(err, &answer)
	switch {
	case errors.Is(err, syscall.EACCES), errors.Is(err, syscall.EPERM), errors.Is(err, syscall.EROFS), answer.StatusCode == http.StatusForbidden:
		return types.CodeTargetRefused
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT), answer.StatusCode == http.StatusInsufficientStorage,
		answer.Code == "QuotaExceeded", answer.Code == "XMinioStorageFull", answer.Code == "XMinioAdminBucketQuotaExceeded":
		return types.CodeTargetFull
	}
	return types.CodeArchiveTarget
}

// unwritten says why a file of a folder was not written: coded where the folder is the cause.
func (t *Folder) unwritten(name string, err error) error {
	if code := codeOf(err); code != types.CodeArchiveTarget {
		return types.Errorf(code, "%s in %s: %w", name, t, err)
	}
	return fmt.Errorf("archive %s: %w", name, err)
}
