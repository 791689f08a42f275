package audit

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
)

func written(t testing.TB, n int) (path string, hashes []crypto.Hash) {
	path = filepath.Join(t.TempDir(), "audit", "audit.log")
	for i := range n {
		l, err := Open(path) // each time anew: the chain goes on
		require.NoError(t, err)
		r, err := l.Add("uid:1000", "chain.stop", fmt.Sprint("gov", i), Ordered)
		require.NoError(t, err)
		require.EqualValues(t, i+1, r.Seq)
		hashes = append(hashes, r.Hash)
		require.NoError(t, l.Close())
	}
	return path, hashes
}

// Whatever byte is changed, line dropped, doubled or moved: it is found, and nothing is
// added to such a file.
func TestAlteredRecordsAreFound(t *testing.T) {
	path, hashes := written(t, 5)
	rep, err := Check(path, hashes[2])
	require.NoError(t, err)
	require.Equal(t, uint64(5), rep.Records)
	require.Equal(t, hashes[4], rep.Head)
	whole, err := os.ReadFile(path)
	require.NoError(t, err)
	broken := func(raw []byte, what string) {
		t.Helper()
		require.NoError(t, os.WriteFile(path, raw, 0o600))
		_, err := Check(path, crypto.Hash{})
		require.Equal(t, types.CodeAuditBroken, types.CodeOf(err), what)
		_, err = Open(path)
		require.Equal(t, types.CodeAuditBroken, types.CodeOf(err), what)
	}
	for i := range whole[:len(whole)-1] {
		bad := bytes.Clone(whole)
		bad[i] ^= 1
		broken(bad, fmt.Sprint("byte ", i))
	}
	lines := bytes.SplitAfter(whole, []byte("\n"))
	broken(bytes.Join(append(lines[:1:1], lines[2:]...), nil), "dropped")
	broken(bytes.Join([][]byte{lines[1], lines[0]}, nil), "moved")
	broken(append(bytes.Clone(whole), lines[4]...), "doubled")

	cut := bytes.Join(lines[:4], nil)
	require.NoError(t, os.WriteFile(path, cut, 0o600))
	_, err = Check(path, crypto.Hash{})
	require.NoError(t, err, "an end that was cut off shows only against a hash noted elsewhere")
	_, err = Check(path, hashes[4])
	require.Equal(t, types.CodeAuditBroken, types.CodeOf(err))
}

// What a crash left of a record goes; the chain goes on behind the last whole one.
func TestUnfinishedRecord(t *testing.T) {
	path, hashes := written(t, 2)
	whole, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, append(bytes.Clone(whole), `{"seq":3,"ti`...), 0o600))
	l, err := Open(path)
	require.NoError(t, err)
	r, err := l.Add("archives/admin", "key.revoke", string(bytes.Repeat([]byte("x"), 1000)), "OK")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	require.Equal(t, hashes[1], r.Previous)
	require.Len(t, r.Subject, maxField)
	_, err = Check(path, r.Hash)
	require.NoError(t, err)
}

func FuzzCheck(f *testing.F) {
	path, _ := written(f, 2)
	raw, err := os.ReadFile(path)
	require.NoError(f, err)
	f.Add(raw)
	f.Fuzz(func(t *testing.T, raw []byte) {
		var n int
		size, err := verify(bytes.NewReader(raw), func(*Record) { n++ })
		require.LessOrEqual(t, size, int64(len(raw)))
		if err == nil && size > 0 {
			require.NotZero(t, n)
		}
	})
}
