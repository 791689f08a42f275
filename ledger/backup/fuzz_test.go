package backup

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/crypto/envelope"
	"github.com/huchain/huchain/ledger/archive/target"
	"github.com/huchain/huchain/types"
)

// sample is a backup of a few files in a folder.
func sample(t testing.TB) (*Params, string, string) {
	dir := t.TempDir()
	store, err := target.OpenFolder(filepath.Join(dir, "target"))
	require.NoError(t, err)
	key, err := crypto.GenerateKey(rand.Reader)
	require.NoError(t, err)
	p := &Params{Genesis: crypto.Sum([]byte("genesis")), Target: store, Key: key}
	data := filepath.Join(dir, "data")
	require.NoError(t, os.MkdirAll(filepath.Join(data, "ledger"), 0o700))
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "scratch"), 0o700))
	for name, size := range map[string]int{"empty": 0, "ledger/small": 10, "ledger/pages": 2*pageBytes + 7} {
		require.NoError(t, os.WriteFile(filepath.Join(data, name), bytes.Repeat([]byte{7}, size), 0o600))
	}
	out, err := Create(context.Background(), p, Info{Chain: "gov", Height: 9}, data, filepath.Join(dir, "scratch"), nil)
	require.NoError(t, err)
	return p, out.Name, data
}

// A backup gives back every file as it was, and refuses whatever was done to it: HC-4405
// with the place.
//
// covers: T.11
func TestRestoresWhatWasThere(t *testing.T) {
	ctx := context.Background()
	p, name, data := sample(t)
	to := filepath.Join(t.TempDir(), "restored")
	out, err := Restore(ctx, p, name, to, nil)
	require.NoError(t, err)
	require.Equal(t, 3, out.Files)
	for _, f := range []string{"empty", "ledger/small", "ledger/pages"} {
		want, err := os.ReadFile(filepath.Join(data, f))
		require.NoError(t, err)
		got, err := os.ReadFile(filepath.Join(to, f))
		require.NoError(t, err)
		require.Equal(t, want, got, f)
	}
	m, err := Read(ctx, p, name)
	require.NoError(t, err)
	encode := func(change func(m *Manifest)) []byte {
		c := *m
		c.Files = append([]File(nil), m.Files...)
		change(&c)
		raw, err := json.Marshal(&c)
		require.NoError(t, err)
		return raw
	}
	_, err = decodeManifest(encode(func(*Manifest) {}), p.Genesis)
	require.NoError(t, err)
	for what, change := range map[string]func(*Manifest){
		"path outside":   func(m *Manifest) { m.Files[0].Path = "../keys/validator.key" },
		"rooted path":    func(m *Manifest) { m.Files[0].Path = "/etc/passwd" },
		"hidden path":    func(m *Manifest) { m.Files[0].Path = "ledger/.x" },
		"one path twice": func(m *Manifest) { m.Files[1].Path = m.Files[0].Path },
		"negative size":  func(m *Manifest) { m.Files[0].Size = -1 },
		"huge size":      func(m *Manifest) { m.Files[0].Size = 1<<63 - 1 },
		"other size":     func(m *Manifest) { m.Files[2].Size++ },
		"no files":       func(m *Manifest) { m.Files = nil },
		"another chain":  func(m *Manifest) { m.Genesis = crypto.Hash{} },
	} {
		_, err := decodeManifest(encode(change), p.Genesis)
		require.Equal(t, types.CodeBackupDamaged, types.CodeOf(err), what)
	}
	_, err = decodeManifest(append(encode(func(*Manifest) {}), '{'), p.Genesis)
	require.Equal(t, types.CodeBackupDamaged, types.CodeOf(err), "more behind its end")
	other := *p
	other.Key, err = crypto.GenerateKey(rand.Reader)
	require.NoError(t, err)
	_, err = Read(ctx, &other, name)
	require.Equal(t, types.CodeArchiveKey, types.CodeOf(err))
}

// FuzzDecodeList: what a store returns for a list is read or refused.
func FuzzDecodeList(f *testing.F) {
	p, name, _ := sample(f)
	raw, err := p.small(context.Background(), name)
	require.NoError(f, err)
	f.Add(raw)
	f.Add([]byte(`{"format":1,"keys":[null]}`))
	f.Fuzz(func(t *testing.T, in []byte) {
		l, err := decodeList(in)
		if err != nil || l.Genesis != p.Genesis {
			return
		}
		if _, err := p.open(l); err != nil && types.CodeOf(err) == types.CodeInternal {
			t.Fatalf("an error without a code of its own: %v", err)
		}
	})
}

// FuzzDecodeManifest: whatever list is accepted names files below the folder alone.
func FuzzDecodeManifest(f *testing.F) {
	p, name, _ := sample(f)
	m, err := Read(context.Background(), p, name)
	require.NoError(f, err)
	raw, err := json.Marshal(m)
	require.NoError(f, err)
	f.Add(raw)
	f.Fuzz(func(t *testing.T, in []byte) {
		m, err := decodeManifest(in, p.Genesis)
		if err != nil {
			require.Equal(t, types.CodeBackupDamaged, types.CodeOf(err))
			return
		}
		for i := range m.Files {
			if !filepath.IsLocal(filepath.FromSlash(m.Files[i].Path)) {
				t.Fatalf("the path %q", m.Files[i].Path)
			}
		}
	})
}

// bytesFile is a stored object in memory.
type bytesFile []byte

func (b bytesFile) Size() int64  { return int64(len(b)) }
func (b bytesFile) Close() error { return nil }
func (b bytesFile) ReadRange(_ context.Context, to []byte, offset int64) error {
	if offset+int64(len(to)) > int64(len(b)) {
		return errors.New("beyond the end")
	}
	copy(to, b[offset:])
	return nil
}

// FuzzObject: an object gives its plaintext or nothing. Each process of the fuzzer seals one
// with nonces of its own; those of the others are as good.
func FuzzObject(f *testing.F) {
	plain := bytes.Repeat([]byte("evidence"), 100)
	file := &File{Path: "ledger/x", Size: int64(len(plain)), Sum: crypto.Sum(plain), Key: make([]byte, envelope.KeySize)}
	key, err := envelope.NewKey(file.Key)
	require.NoError(f, err)
	var object bytes.Buffer
	_, err = seal(context.Background(), bytes.NewReader(plain), file, key, &object)
	require.NoError(f, err)
	file.Stored = storedSize(file.Size)
	f.Add(object.Bytes())
	f.Add(object.Bytes()[:object.Len()-1])
	f.Fuzz(func(t *testing.T, in []byte) {
		if int64(len(in)) != file.Stored {
			return // found by its size
		}
		var out bytes.Buffer
		err := readPages(context.Background(), bytesFile(in), file, key, &out)
		if err == nil && !bytes.Equal(out.Bytes(), plain) || err != nil && bytes.Equal(in, object.Bytes()) {
			t.Fatalf("altered: %v", err)
		}
	})
}
