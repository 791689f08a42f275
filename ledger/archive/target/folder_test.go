package target

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
)

func TestFolder(t *testing.T) {
	target, err := OpenFolder(filepath.Join(t.TempDir(), "cold"))
	require.NoError(t, err)
	conform(t, target)
}

// conform is what every target must do.
func conform(t *testing.T, target Target) {
	ctx := context.Background()
	content := bytes.Repeat([]byte("存证"), 300_000)
	put := func(name string, b []byte) error {
		return target.Put(ctx, name, int64(len(b)), crypto.Sum(b), bytes.NewReader(b))
	}
	_, err := target.Open(ctx, "gov/segment-1")
	require.Equal(t, types.CodeArchiveMissing, types.CodeOf(err))
	require.NoError(t, put("gov/segment-1", content))
	require.NoError(t, put("gov/segment-1", content), "the same again is done already")
	require.Equal(t, types.CodeArchiveConflict, types.CodeOf(put("gov/segment-1", content[1:])))
	require.Equal(t, types.CodeArchiveConflict, types.CodeOf(put("gov/segment-1", append([]byte{1}, content[1:]...))))
	require.NoError(t, put("gov/segment-2", []byte{}))
	require.NoError(t, put("apps/segment-1", []byte("other")))

	f, err := target.Open(ctx, "gov/segment-1")
	require.NoError(t, err)
	defer f.Close()
	require.EqualValues(t, len(content), f.Size())
	part := make([]byte, 1000)
	require.NoError(t, f.ReadRange(ctx, part, 123_456))
	require.Equal(t, content[123_456:124_456], part)
	require.Error(t, f.ReadRange(ctx, part, f.Size()-999), "past the end")

	var names []string
	require.NoError(t, target.List(ctx, "gov/", func(name string, _ int64) error {
		names = append(names, name)
		return nil
	}))
	require.Equal(t, []string{"gov/segment-1", "gov/segment-2"}, names)

	for _, name := range []string{"", "../x", "/x", "a//b", "A", "a/../b", "a~"} {
		require.ErrorContains(t, put(name, nil), "no name", name)
		_, err := target.Open(ctx, name)
		require.ErrorContains(t, err, "no name", name)
	}

	// An upload that is cut, or that turns out to be something else, leaves nothing.
	cut := errors.New("line is cut")
	err = target.Put(ctx, "gov/segment-3", 2000, crypto.Sum(content), io.MultiReader(bytes.NewReader(content[:1000]), errReader{cut}))
	require.ErrorIs(t, err, cut)
	require.Error(t, target.Put(ctx, "gov/segment-3", 2000, crypto.Sum(content), bytes.NewReader(content[:1000])))
	require.Error(t, target.Put(ctx, "gov/segment-3", 1000, crypto.Sum(content), bytes.NewReader(content[:1000])))
	_, err = target.Open(ctx, "gov/segment-3")
	require.Equal(t, types.CodeArchiveMissing, types.CodeOf(err))
	require.NoError(t, put("gov/segment-3", content[:1000]), "and may be repeated")

	remover := target.(interface {
		Remove(ctx context.Context, name string) error
	})
	require.NoError(t, remover.Remove(ctx, "gov/segment-3"))
	_, err = target.Open(ctx, "gov/segment-3")
	require.Equal(t, types.CodeArchiveMissing, types.CodeOf(err))
	require.NoError(t, remover.Remove(ctx, "gov/segment-3"), "what is not there is gone")
	require.ErrorContains(t, remover.Remove(ctx, "../x"), "no name")
	require.NoError(t, put("gov/segment-3", content[1:1001]), "its name may be given other bytes now")
	replacer := target.(interface {
		Replace(ctx context.Context, name string, size int64, sum crypto.Hash, r io.Reader) error
	})
	require.NoError(t, replacer.Replace(ctx, "gov/segment-3", 500, crypto.Sum(content[:500]), bytes.NewReader(content[:500])))
	got, err := Sum(ctx, target, "gov/segment-3")
	require.NoError(t, err)
	require.Equal(t, crypto.Sum(content[:500]), got)
	require.ErrorContains(t, replacer.Replace(ctx, "../x", 0, crypto.Hash{}, nil), "no name")

	stopped, cancel := context.WithCancel(ctx)
	cancel()
	require.ErrorIs(t, target.Put(stopped, "gov/segment-4", 3, crypto.Hash{}, bytes.NewReader([]byte("abc"))), context.Canceled)
}

type errReader struct{ err error }

func (e errReader) Read([]byte) (int, error) { return 0, e.err }

// What the disk altered after it was written is found by reading back.
func TestFolderFindsAlteredFile(t *testing.T) {
	dir := t.TempDir()
	target, err := OpenFolder(dir)
	require.NoError(t, err)
	content := []byte("segment")
	put := func() error {
		return target.Put(context.Background(), "s", int64(len(content)), crypto.Sum(content), bytes.NewReader(content))
	}
	require.NoError(t, put())
	require.NoError(t, os.Chmod(filepath.Join(dir, "s"), 0o640))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "s"), []byte("segmenT"), 0o640))
	require.Equal(t, types.CodeArchiveConflict, types.CodeOf(put()))
	// A draft that a crash left is in nobody's way.
	require.NoError(t, os.WriteFile(filepath.Join(dir, "d~"), []byte("half"), 0o440))
	require.NoError(t, target.Put(context.Background(), "d", int64(len(content)), crypto.Sum(content), bytes.NewReader(content)))
}
