// Package target keeps files of an archive where they last: in a folder, or in an object
// store that speaks S3.
//
// A target holds whole files under names. What Put has confirmed is durable and was read
// back; a name once written is never given other bytes.
package target

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
)

// Target is a place for files. Implementations are safe for concurrent use.
type Target interface {
	// Put stores size bytes of r under name, with SM3 sum, and confirms once they are
	// durable and were read back. Where the name exists with that sum, it has been done;
	// with other bytes the error is HC-4401.
	Put(ctx context.Context, name string, size int64, sum crypto.Hash, r io.Reader) error
	// Open opens a file for ranged reads; HC-4402 if there is none.
	Open(ctx context.Context, name string) (File, error)
	// List calls fn for the files whose names begin with prefix, ascending by name.
	List(ctx context.Context, prefix string, fn func(name string, size int64) error) error
	// String names the target in messages, without credentials.
	String() string
}

// File is an open file of a target.
type File interface {
	Size() int64
	// ReadRange fills b from offset on, or fails.
	ReadRange(ctx context.Context, b []byte, offset int64) error
	Close() error
}

// isName reports whether a name has one to five parts with a slash between them, each of 1
// to 101 of a-z, 0-9, full stop, low line and hyphen, the first of them a-z or 0-9.
func isName(name string) bool {
	for range 5 {
		part, rest, more := strings.Cut(name, "/")
		if part == "" || len(part) > 101 || strings.IndexByte("._-", part[0]) >= 0 {
			return false
		}
		for i := range len(part) {
			if c := part[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '.' && c != '_' && c != '-' {
				return false
			}
		}
		if !more {
			return true
		}
		name = rest
	}
	return false
}

func checkName(name string) error {
	if !isName(name) {
		return fmt.Errorf("%q is no name of an archive file", name)
	}
	return nil
}

// different is the refusal to give a name other bytes.
func different(name string, t Target) error {
	return types.Errorf(types.CodeArchiveConflict, "%s in %s", name, t)
}

// missing says that there is no such file.
func missing(name string, t Target) error {
	return types.Errorf(types.CodeArchiveMissing, "%s in %s", name, t)
}

// sumOf is SM3 of a whole file.
func sumOf(ctx context.Context, f File) (crypto.Hash, error) {
	h := crypto.NewHash()
	buf := make([]byte, min(f.Size(), 1<<20))
	for at := int64(0); at < f.Size(); {
		b := buf[:min(int64(len(buf)), f.Size()-at)]
		if err := f.ReadRange(ctx, b, at); err != nil {
			return crypto.Hash{}, err
		}
		h.Write(b)
		at += int64(len(b))
	}
	return crypto.Hash(h.Sum(nil)), nil
}

// Sum is SM3 of a whole stored file; HC-4402 if there is none.
func Sum(ctx context.Context, t Target, name string) (_ crypto.Hash, err error) {
	f, err := t.Open(ctx, name)
	if err != nil {
		return crypto.Hash{}, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return sumOf(ctx, f)
}

// holds reports whether a target already has a file with this content.
func holds(ctx context.Context, t Target, name string, size int64, sum crypto.Hash) (bool, error) {
	f, err := t.Open(ctx, name)
	switch {
	case types.CodeOf(err) == types.CodeArchiveMissing:
		return false, nil
	case err != nil:
		return false, err
	}
	defer f.Close()
	if f.Size() != size {
		return false, different(name, t)
	}
	got, err := sumOf(ctx, f)
	if err == nil && got != sum {
		err = different(name, t)
	}
	return err == nil, err
}

// confirm reads a file back.
func confirm(ctx context.Context, t Target, name string, size int64, sum crypto.Hash) error {
	ok, err := holds(ctx, t, name, size, sum)
	if err == nil && !ok {
		err = missing(name, t)
	}
	if err != nil {
		return fmt.Errorf("read back: %w", err)
	}
	return nil
}
