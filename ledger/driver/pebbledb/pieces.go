package pebbledb

import (
	"bufio"
	"errors"
	"sync"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// pieceBytes is what a call of the operating system writes of a table at a time.
const pieceBytes = 256 << 10

// InPieces is a file system whose tables, and values beside them, are written in large
// pieces. Pebble itself writes them four kilobytes at a time, and parts of pages twice.
func InPieces(fs vfs.FS) vfs.FS { return pieces{fs} }

type pieces struct{ vfs.FS }

// Create implements vfs.FS.
func (fs pieces) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := fs.FS.Create(name, category)
	if err != nil || !Unchanging(name) {
		return f, err
	}
	w := pieceWriters.Get().(*bufio.Writer)
	w.Reset(f)
	return &inPieces{File: f, w: w}, nil
}

// pieceWriters keeps the memory of writers for the next table.
var pieceWriters = sync.Pool{New: func() any { return bufio.NewWriterSize(nil, pieceBytes) }}

// Unwrap implements vfs.FS.
func (fs pieces) Unwrap() vfs.FS { return fs.FS }

// inPieces is a file that is written from its beginning to its end, and not read meanwhile.
// What is to be synced, or asked after, is written before.
type inPieces struct {
	vfs.File
	w *bufio.Writer
}

func (f *inPieces) Write(p []byte) (int, error) { return f.w.Write(p) }

func (f *inPieces) Sync() error { return errors.Join(f.w.Flush(), f.File.Sync()) }

func (f *inPieces) SyncData() error { return errors.Join(f.w.Flush(), f.File.SyncData()) }

func (f *inPieces) SyncTo(length int64) (fullSync bool, err error) {
	if err := f.w.Flush(); err != nil {
		return false, err
	}
	return f.File.SyncTo(length)
}

func (f *inPieces) Stat() (vfs.FileInfo, error) {
	if err := f.w.Flush(); err != nil {
		return nil, err
	}
	return f.File.Stat()
}

func (f *inPieces) Close() error {
	err := errors.Join(f.w.Flush(), f.File.Close())
	f.w.Reset(nil)
	pieceWriters.Put(f.w)
	f.w = bufio.NewWriterSize(f.File, 1) // a closed file refuses what comes now
	return err
}
