package ledger

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"

	"github.com/huchain/huchain/ledger/driver"
	"github.com/huchain/huchain/ledger/state"
	"github.com/huchain/huchain/types"
)

// RowsDir is the folder, in a copy of a ledger whose driver links no files, that holds its
// rows in files of our own: rows/blocks and rows/state, each NNNNNN.rows from 000000 on.
//
//	file  "hcrows" 00 01 ‖ rows
//	row   uvarint length of the key ‖ uvarint length of the value ‖ key ‖ value
//
// Keys ascend through all files of a store. Where a file ends is decided by the keys, so
// that two copies of a store which is mostly the same have mostly the same files.
const RowsDir = "rows"

var rowsMagic = []byte("hcrows\x00\x01")

const (
	minRowsFile = 256 << 10
	avgRowsFile = 8 << 20 // beyond the least
	maxRowsFile = 64 << 20
	maxRowKey   = 64 << 10
	maxRowValue = 1 << 30
)

// endsFile reports whether a file of so many bytes ends behind a row: by chance that grows
// with the row's size, drawn from its key.
func endsFile(size, row int, key []byte) bool {
	drawn := uint64(crc32.ChecksumIEEE(key)) * avgRowsFile >> 32
	return size >= maxRowsFile || size >= minRowsFile && drawn < uint64(row)
}

// rowsFile is the file that is being written.
type rowsFile struct {
	f    *os.File
	w    *bufio.Writer
	size int
}

func (r *rowsFile) close() error {
	if r.f == nil {
		return nil
	}
	err := errors.Join(r.w.Flush(), r.f.Sync(), r.f.Close())
	*r = rowsFile{}
	return err
}

// writeRows writes all rows of a store into a folder, durably.
func writeRows(ctx context.Context, from driver.Reader, dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return types.Errorf(types.CodeDiskFailure, "%w", err)
	}
	var file rowsFile
	number := 0
	put := func(key, value []byte) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		if file.f == nil {
			f, err := os.OpenFile(rowsName(dir, number), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
			if err != nil {
				return err
			}
			number++
			file = rowsFile{f: f, w: bufio.NewWriterSize(f, 1<<20)}
			file.w.Write(rowsMagic) //nolint:errcheck // the writer keeps its error for Flush
		}
		head := binary.AppendUvarint(binary.AppendUvarint(nil, uint64(len(key))), uint64(len(value)))
		for _, b := range [][]byte{head, key, value} {
			if _, err := file.w.Write(b); err != nil {
				return err
			}
		}
		row := len(head) + len(key) + len(value)
		if file.size += row; endsFile(file.size, row, key) {
			return file.close()
		}
		return nil
	}
	failed := false
	err := state.EachRow(from, nil, nil, func(key, value []byte) error {
		err := put(key, value)
		failed = err != nil
		return err
	})
	cerr := file.close()
	if failed || cerr != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return types.Errorf(types.CodeDiskFailure, "%w", errors.Join(err, cerr))
	}
	return err
}

func rowsName(dir string, number int) string {
	return filepath.Join(dir, fmt.Sprintf("%06d.rows", number))
}

// LoadRows makes a ledger of rows that a copy holds (RowsDir), in any driver. A copy that
// was interrupted is begun anew over what is there. HC-1011 if a whole ledger stands at the
// destination, HC-4101 if the files are damaged, with the place. Whether the rows are those
// of a ledger shows when it is opened.
func LoadRows(ctx context.Context, dir string, to driver.Opener, toDir string) error {
	for _, s := range []struct {
		name    string
		profile driver.Profile
	}{{"blocks", driver.ProfileBlocks}, {"state", driver.ProfileState}} {
		if err := loadStore(ctx, filepath.Join(dir, s.name), to, filepath.Join(toDir, s.name), s.profile); err != nil {
			return fmt.Errorf("load %s: %w", s.name, err)
		}
	}
	return nil
}

func loadStore(ctx context.Context, dir string, to driver.Opener, toDir string, p driver.Profile) (err error) {
	dst, err := to.Open(toDir, p)
	if err != nil {
		return state.ReadError(err)
	}
	defer func() { err = errors.Join(err, state.ReadError(dst.Close())) }()
	if err := emptied(dst, toDir); err != nil {
		return err
	}
	f := filler{dst: dst, b: dst.Batch(), progress: func(uint64) {}}
	var last []byte
	for number := 0; ; number++ {
		raw, err := os.Open(rowsName(dir, number))
		if errors.Is(err, os.ErrNotExist) && number > 0 {
			break
		}
		if err != nil {
			return types.Errorf(types.CodeDiskFailure, "%w", err)
		}
		err = readRows(raw, func(key, value []byte) error {
			if bytes.Compare(last, key) >= 0 && last != nil {
				return state.Corrupt("rows are out of order")
			}
			last = key
			return f.put(ctx, key, value)
		})
		if err = errors.Join(err, raw.Close()); err != nil {
			f.b.Discard()
			return types.Errorf(types.CodeOf(err), "%s: %w", raw.Name(), err)
		}
	}
	return f.finish()
}

// readRows calls fn for the rows of one file. fn may keep key and value.
func readRows(from io.Reader, fn func(key, value []byte) error) error {
	r := bufio.NewReaderSize(from, 1<<20)
	at := int64(0)
	cut := func(what string) error { return state.Corrupt("%s at byte %d", what, at) }
	head := make([]byte, len(rowsMagic))
	if _, err := io.ReadFull(r, head); err != nil || !bytes.Equal(head, rowsMagic) {
		return cut("no file of rows")
	}
	at = int64(len(head))
	for {
		if _, err := r.Peek(1); err == io.EOF {
			return nil
		}
		var sizes [2]uint64
		for i := range sizes {
			var err error
			if sizes[i], err = binary.ReadUvarint(r); err != nil {
				return cut("a row that is cut")
			}
		}
		if sizes[0] == 0 || sizes[0] > maxRowKey || sizes[1] > maxRowValue {
			return cut("a row that is too large")
		}
		row, err := readSome(r, int(sizes[0]+sizes[1]))
		if err != nil {
			return cut("a row that is cut")
		}
		if err := fn(row[:sizes[0]:sizes[0]], row[sizes[0]:]); err != nil {
			return err
		}
		at += int64(len(row)) + int64(uvarintLen(sizes[0])+uvarintLen(sizes[1]))
	}
}

func uvarintLen(v uint64) int { return len(binary.AppendUvarint(nil, v)) }

// readSome reads n bytes, in memory that grows with what there is: a length that lies
// costs nothing.
func readSome(r io.Reader, n int) ([]byte, error) {
	if n <= 1<<20 {
		b := make([]byte, n)
		_, err := io.ReadFull(r, b)
		return b, err
	}
	var b bytes.Buffer
	got, err := io.CopyN(&b, r, int64(n))
	if err == nil && got < int64(n) {
		err = io.ErrUnexpectedEOF
	}
	return b.Bytes(), err
}
