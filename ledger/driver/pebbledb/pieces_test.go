package pebbledb_test

import (
	"bytes"
	"io"
	"math/rand"
	"os"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/ledger/driver/pebbledb"
)

// writes counts calls of the operating system that write.
type writes struct {
	vfs.FS
	n int
}

type writtenFile struct {
	vfs.File
	fs *writes
}

func (w *writes) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := w.FS.Create(name, category)
	return writtenFile{f, w}, err
}

func (f writtenFile) Write(p []byte) (int, error) {
	f.fs.n++
	return f.File.Write(p)
}

// TestTablesAreWrittenInPieces: tables are written in few calls, other files at once; what was
// synced, or asked after, is there, and what was written when the file was closed.
func TestTablesAreWrittenInPieces(t *testing.T) {
	mem := vfs.NewCrashableMem()
	count := &writes{FS: mem}
	fs := pebbledb.InPieces(count)
	require.Equal(t, vfs.FS(count), fs.Unwrap())
	rng := rand.New(rand.NewSource(1))
	for _, name := range []string{"a.sst", "a.blob"} {
		count.n = 0
		f, err := fs.Create(name, "test")
		require.NoError(t, err)
		var want []byte
		for i := range 1000 {
			p := make([]byte, 1+rng.Intn(9000))
			rng.Read(p)
			want = append(want, p...)
			n, err := f.Write(bytes.Clone(p))
			require.NoError(t, err)
			require.Equal(t, len(p), n)
			switch {
			case i%300 == 0:
				info, err := f.Stat()
				require.NoError(t, err)
				require.Equal(t, int64(len(want)), info.Size())
			case i == 400:
				require.NoError(t, f.Sync())
				dir, err := fs.OpenDir("/")
				require.NoError(t, err)
				require.NoError(t, dir.Sync())
				require.NoError(t, dir.Close())
				require.Equal(t, want, content(t, mem.CrashClone(vfs.CrashCloneCfg{}), name))
			case i == 500:
				require.NoError(t, f.SyncData())
				require.Equal(t, want, content(t, mem.CrashClone(vfs.CrashCloneCfg{}), name))
			case i == 600:
				_, err := f.SyncTo(int64(len(want)))
				require.NoError(t, err)
			}
		}
		require.NoError(t, f.Close())
		require.Equal(t, want, content(t, fs, name))
		require.Less(t, count.n, 40)
	}
	count.n = 0
	f, err := fs.Create("MANIFEST-1", "test")
	require.NoError(t, err)
	for range 10 {
		_, err = f.Write([]byte{1})
		require.NoError(t, err)
	}
	require.Equal(t, 10, count.n)
	require.NoError(t, f.Close())
	_, err = fs.Create("gone/a.sst", "test")
	require.ErrorIs(t, err, os.ErrNotExist)
}

func content(t *testing.T, fs vfs.FS, name string) []byte {
	f, err := fs.Open(name)
	require.NoError(t, err)
	b, err := io.ReadAll(f)
	require.NoError(t, err)
	require.NoError(t, f.Close())
	return b
}
