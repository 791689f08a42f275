package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/crypto/keystore"
	"github.com/huchain/huchain/services/filestore"
	"github.com/huchain/huchain/types"
)

// A changed key opens what those of before did; a change that is cut counts once the file of
// fields is replaced, and leaves nothing behind either way.
func TestKeyOfOriginalsChanges(t *testing.T) {
	secret := keystore.RandomSecret()
	dir := t.TempDir()
	_, err := changeKey(dir, secret)
	require.Equal(t, types.CodeNotFound, types.CodeOf(err))
	first, err := openSecrets(dir, secret)
	require.NoError(t, err)
	require.Empty(t, first.old)
	keys := []crypto.PublicKey{first.files.Public()}
	for range 3 {
		k, err := changeKey(dir, secret)
		require.NoError(t, err)
		keys = append(keys, k.Public())
	}
	now, err := openSecrets(dir, secret)
	require.NoError(t, err)
	require.Equal(t, first.fields, now.fields)
	require.Equal(t, keys[3], now.files.Public())
	require.Equal(t, []crypto.PublicKey{keys[2], keys[1], keys[0]}, publicOf(now.old))
	_, err = openSecrets(dir, []byte("another"))
	require.Error(t, err)

	// Cut before it counts, and after.
	path := func(name string) string { return filepath.Join(dir, name) }
	read := func(name string) []byte {
		raw, err := os.ReadFile(path(name))
		require.NoError(t, err)
		return raw
	}
	oldFiles, oldFields := read(filesKeyFile), read(fieldsKeyFile)
	next, err := changeKey(dir, secret)
	require.NoError(t, err)
	newFiles, newFields := read(filesKeyFile), read(fieldsKeyFile)
	for _, c := range []struct {
		fields []byte
		want   crypto.PublicKey
	}{{oldFields, keys[3]}, {newFields, next.Public()}} {
		for name, raw := range map[string][]byte{filesKeyFile: oldFiles, nextKeyFile: newFiles, fieldsKeyFile: c.fields} {
			require.NoError(t, os.RemoveAll(path(name)))
			require.NoError(t, os.WriteFile(path(name), bytes.Clone(raw), 0o600))
		}
		for range 2 {
			got, err := openSecrets(dir, secret)
			require.NoError(t, err)
			require.Equal(t, c.want, got.files.Public())
			require.Equal(t, first.fields, got.fields)
			require.NoFileExists(t, path(nextKeyFile))
		}
	}
}

func publicOf(list []filestore.Key) (out []crypto.PublicKey) {
	for _, k := range list {
		out = append(out, k.Public())
	}
	return out
}

// Columns of a row go where they belong, the key tells rows apart and nothing else, and what
// is no column is refused.
func TestCSVRows(t *testing.T) {
	fields := map[string]string{"title": "合同", "field.party": "甲", "field.price": "", "tags": "a;b；c", "template": "contract", "chain": "c", "node": "n", "rejectedCode": "HC-1002"}
	r, err := parseRow(fields)
	require.NoError(t, err)
	require.Equal(t, map[string]string{"party": "甲"}, r.Fields)
	require.Equal(t, []string{"a", "b", "c"}, r.Tags)
	require.Equal(t, []string{"合同", "contract", "c", "n"}, []string{r.Title, r.Template, r.Chain, r.Node})
	key := r.keyOf(fields, []byte("x"))
	fields["rejectedCode"] = "HC-4708"
	require.Equal(t, key, r.keyOf(fields, []byte("x")), "a row that was corrected for nothing is the same")
	require.NotEqual(t, key, r.keyOf(fields, []byte("y")))
	fields["title"] = "合同二"
	require.NotEqual(t, key, r.keyOf(fields, []byte("x")))
	r.key = "mine"
	require.Equal(t, "mine", r.keyOf(fields, nil))
	_, err = parseRow(map[string]string{"colour": "red"})
	require.Equal(t, types.CodeUsage, types.CodeOf(err))

	path := filepath.Join(t.TempDir(), "dead.csv")
	d := &deadRows{path: path}
	require.NoError(t, d.close())
	require.NoFileExists(t, path)
	require.NoError(t, d.add(3, map[string]string{"b": "2", "a": "=1"}, types.Errorf(types.CodeUsage, "why")))
	require.NoError(t, d.close())
	raw, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Contains(t, string(raw), "\ufeffa,b,rejectedRow,rejectedCode,rejectedCause\n'=1,2,3,HC-1002,")
	require.Contains(t, string(raw), "why")
}
