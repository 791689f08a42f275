package backup

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/crypto/envelope"
	"github.com/huchain/huchain/ledger/archive/target"
)

// An object is the pages of a file one after another, pageBytes of plaintext each but the
// last, every one sealed and bound to the file's sum, its number and the file's size.
const (
	pageBytes   = 1 << 20
	storedBytes = pageBytes + envelope.Overhead
)

func storedSize(size int64) int64 {
	pages := (size + pageBytes - 1) / pageBytes
	return size + pages*envelope.Overhead
}

func pageBound(sum crypto.Hash, page, size int64) []byte {
	b := binary.BigEndian.AppendUint64(sum[:], uint64(page))
	return binary.BigEndian.AppendUint64(b, uint64(size))
}

// seal writes the object of a file and returns the object's sum.
func seal(ctx context.Context, from io.Reader, f *File, key *envelope.Key, to io.Writer) (crypto.Hash, error) {
	h, plain := crypto.NewHash(), crypto.NewHash()
	page := make([]byte, pageBytes)
	left := f.Size
	for n := int64(0); left > 0; n++ {
		if err := ctx.Err(); err != nil {
			return crypto.Hash{}, err
		}
		b := page[:min(left, pageBytes)]
		if _, err := io.ReadFull(from, b); err != nil {
			return crypto.Hash{}, fmt.Errorf("read %s: %w", f.Path, err)
		}
		plain.Write(b)
		sealed, err := key.Seal(b, pageBound(f.Sum, n, f.Size))
		if err != nil {
			return crypto.Hash{}, err
		}
		h.Write(sealed)
		if _, err := to.Write(sealed); err != nil {
			return crypto.Hash{}, err
		}
		left -= int64(len(b))
	}
	if crypto.Hash(plain.Sum(nil)) != f.Sum {
		return crypto.Hash{}, fmt.Errorf("%s changed while it was copied", f.Path)
	}
	return crypto.Hash(h.Sum(nil)), nil
}

// open reads the object of a file back and writes the file; io.Discard checks it alone.
func (p *Params) openObject(ctx context.Context, f *File, to io.Writer) (err error) {
	key, err := envelope.NewKey(f.Key)
	if err != nil {
		return damaged("%s: %w", f.Path, err)
	}
	o, err := p.Target.Open(ctx, f.Object)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, o.Close()) }()
	if o.Size() != f.Stored || f.Stored != storedSize(f.Size) {
		return damaged("%s (%s): %d bytes are stored, %d are listed: it was cut or lengthened", f.Path, f.Object, o.Size(), f.Stored)
	}
	return readPages(ctx, o, f, key, to)
}

func readPages(ctx context.Context, o target.File, f *File, key *envelope.Key, to io.Writer) error {
	h := crypto.NewHash()
	buf := make([]byte, storedBytes)
	for n, at := int64(0), int64(0); at < f.Stored; n++ {
		b := buf[:min(f.Stored-at, storedBytes)]
		if err := o.ReadRange(ctx, b, at); err != nil {
			return err
		}
		plain, err := key.Open(b, pageBound(f.Sum, n, f.Size))
		if err != nil {
			return damaged("%s (%s), bytes from %d on: %w", f.Path, f.Object, n*pageBytes, err)
		}
		h.Write(plain)
		if _, err := to.Write(plain); err != nil {
			return diskFailure(err)
		}
		at += int64(len(b))
	}
	if crypto.Hash(h.Sum(nil)) != f.Sum {
		return damaged("%s (%s): it is not the file that is listed", f.Path, f.Object)
	}
	return nil
}

// sumFile is size and SM3 of a file.
func sumFile(path string) (int64, crypto.Hash, error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, crypto.Hash{}, err
	}
	h := crypto.NewHash()
	n, err := io.Copy(h, f)
	return n, crypto.Hash(h.Sum(nil)), errors.Join(err, f.Close())
}
