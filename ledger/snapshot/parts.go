package snapshot

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/ledger/proof"
	"github.com/huchain/huchain/ledger/state"
	"github.com/huchain/huchain/types"
)

// partBuffer is the memory of one open part.
const partBuffer = 32 << 10

// partWriter spreads rows over 2^partBits files in the form of state chunks.
type partWriter struct {
	c     *creator
	level int
	rows  int
	parts [1 << partBits]part
	files [1 << partBits]vfs.File
	out   [1 << partBits]*bufio.Writer
	buf   []byte
}

func newPartWriter(c *creator, level int) *partWriter { return &partWriter{c: c, level: level} }

func (w *partWriter) add(rowKey, row []byte) error {
	kh := state.RowKeyHash(rowKey)
	i := 0
	for b := range partBits {
		i = i<<1 | int(proof.Bit(&kh, w.level+b))
	}
	p := &w.parts[i]
	if w.files[i] == nil {
		w.c.parts++
		p.path = filepath.Join(w.c.dir, fmt.Sprintf("part-%d", w.c.parts))
		f, err := w.c.p.FS.Create(p.path, vfs.WriteCategoryUnspecified)
		if err != nil {
			return types.Errorf(types.CodeDiskFailure, "%w", err)
		}
		w.files[i], w.out[i] = f, bufio.NewWriterSize(f, partBuffer)
	}
	w.buf = appendRow(w.buf[:0], rowKey[1:], row)
	p.bytes += int64(len(w.buf))
	p.rows++
	if _, err := w.out[i].Write(w.buf); err != nil {
		return types.Errorf(types.CodeDiskFailure, "%w", err)
	}
	return nil
}

func (w *partWriter) close() error {
	var errs []error
	for i, f := range w.files {
		if f != nil {
			errs = append(errs, w.out[i].Flush(), f.Close())
		}
	}
	if err := errors.Join(errs...); err != nil {
		return types.Errorf(types.CodeDiskFailure, "%w", err)
	}
	return nil
}

// eachRow calls fn for the rows of a part. They are valid until it returns.
func eachRow(fs vfs.FS, path string, fn func(rowKey, row []byte) error) error {
	f, err := fs.Open(path)
	if err != nil {
		return types.Errorf(types.CodeDiskFailure, "%w", err)
	}
	defer f.Close() //nolint:errcheck // it was only read
	in := bufio.NewReaderSize(f, 1<<20)
	key, row := []byte{state.PrefixRow}, []byte(nil)
	for {
		if key, err = field(in, key[:1], 2); errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			row, err = field(in, row[:0], 4)
		}
		if err != nil {
			return types.Errorf(types.CodeDiskFailure, "read %s: %w", path, err)
		}
		if err := fn(key, row); err != nil {
			return err
		}
	}
}

// field reads bytes behind their length, which takes size bytes. io.EOF where the input
// ends in front of it.
func field(in *bufio.Reader, dst []byte, size int) ([]byte, error) {
	var n [4]byte
	if _, err := io.ReadFull(in, n[4-size:]); err != nil {
		return dst, err
	}
	from, length := len(dst), int(binary.BigEndian.Uint32(n[:]))
	if length > crypto.HashSize+maxRowKey+proof.RowHeaderSize+types.MaxValueBytes {
		return dst, errors.New("malformed row")
	}
	if cap(dst)-from < length {
		dst = append(make([]byte, 0, from+length+256), dst...)
	}
	dst = dst[:from+length]
	if _, err := io.ReadFull(in, dst[from:]); err != nil {
		return dst, errors.Join(errors.New("it ends within a row"), err)
	}
	return dst, nil
}
