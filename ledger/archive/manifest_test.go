package archive

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
)

// sampleManifest is the manifest of the second of three segments under a signed header.
func sampleManifest(t testing.TB) (*Manifest, types.ValidatorSet) {
	signer, err := crypto.NewPrivateKey(make32(5))
	require.NoError(t, err)
	set := types.ValidatorSet{{Key: signer.Public(), Ed25519: [32]byte{1}, Power: 1}}
	var p Peaks
	roots := map[uint64]crypto.Hash{}
	for i := range uint64(3*SegmentBlocks + 7) {
		next, root, closed := p.Append(crypto.Sum([]byte{byte(i), byte(i >> 8)}))
		if p = next; closed {
			roots[i/SegmentBlocks] = root
		}
	}
	path, err := p.Prove(1, func(n uint64) (crypto.Hash, error) { return roots[n], nil })
	require.NoError(t, err)
	h := types.Header{Genesis: crypto.Sum([]byte("genesis")), Height: p.Count + 1, Time: 1, Archive: p.Root(), Signers: set.Hash(), NextSigners: set.Hash(), Protocol: 1}
	sig, err := signer.Sign(h.SignBytes())
	require.NoError(t, err)
	cert := types.FinalityCertificate{Height: h.Height, Signatures: []types.HeaderSignature{{Index: 0, Signature: [64]byte(sig)}}}
	return &Manifest{Format: ManifestFormat, Genesis: h.Genesis, Segment: 1, First: First(1), Last: First(2) - 1, Root: roots[1], File: "a/seg.hcs",
		Bytes: 1000, Cipher: CipherNone, Evidence: Evidence{Header: h, Certificate: cert, Signers: set, Path: *path}}, set
}

func make32(b byte) []byte {
	out := make([]byte, 32)
	for i := range out {
		out[i] = b
	}
	return out
}

// A manifest leads from the segment's root to a header that the trusted validators signed;
// another root, place, chain or signer does not.
//
// covers: T.12
func TestManifestProvesItsRoot(t *testing.T) {
	m, set := sampleManifest(t)
	raw, err := m.Encode()
	require.NoError(t, err)
	back, err := DecodeManifest(raw)
	require.NoError(t, err)
	require.Equal(t, m, back)
	require.NoError(t, back.CheckSigned(set))
	other, err := crypto.NewPrivateKey(make32(6))
	require.NoError(t, err)
	require.Equal(t, types.CodeProofInvalid, types.CodeOf(back.CheckSigned(types.ValidatorSet{{Key: other.Public(), Ed25519: [32]byte{1}, Power: 1}})))
	back.Evidence.Certificate.Signatures[0].Signature[3] ^= 1
	require.Equal(t, types.CodeProofInvalid, types.CodeOf(back.CheckSigned(set)))

	for name, change := range map[string]func(*Manifest){
		"root":    func(m *Manifest) { m.Root[0] ^= 1 },
		"place":   func(m *Manifest) { m.Segment, m.First, m.Last = 2, First(2), First(3)-1 },
		"heights": func(m *Manifest) { m.First++ },
		"chain":   func(m *Manifest) { m.Genesis[0] ^= 1 },
		"header":  func(m *Manifest) { m.Evidence.Header.Archive[0] ^= 1 },
		"path":    func(m *Manifest) { m.Evidence.Path.Siblings = m.Evidence.Path.Siblings[1:] },
		"count":   func(m *Manifest) { m.Evidence.Path.Count++ },
		"cipher":  func(m *Manifest) { m.Cipher = "rot13" },
		"format":  func(m *Manifest) { m.Format++ },
	} {
		bad, _ := sampleManifest(t)
		change(bad)
		raw, err := bad.Encode()
		require.NoError(t, err)
		_, err = DecodeManifest(raw)
		require.Equal(t, types.CodeLedgerCorrupt, types.CodeOf(err), name)
	}
}

// A wrapped key opens with its recipient's key alone, and is of one file alone.
//
// covers: T.12
func TestWrappedKeys(t *testing.T) {
	mine, err := crypto.NewPrivateKey(make32(5))
	require.NoError(t, err)
	other, err := crypto.NewPrivateKey(make32(6))
	require.NoError(t, err)
	k, err := NewDataKey()
	require.NoError(t, err)
	w, err := k.Wrap(crypto.Sum(nil), 3, "seg.hcs", mine.Public())
	require.NoError(t, err)
	raw, err := w.Encode()
	require.NoError(t, err)
	back, err := DecodeWrappedKey(raw)
	require.NoError(t, err)
	got, err := back.Unwrap(mine)
	require.NoError(t, err)
	require.Equal(t, k, got)
	_, err = back.Unwrap(other)
	require.Equal(t, types.CodeArchiveKey, types.CodeOf(err))
	back.File = "another.hcs"
	_, err = back.Unwrap(mine)
	require.Equal(t, types.CodeArchiveKey, types.CodeOf(err))
	require.NotContains(t, string(raw), string(k.raw[:]))
	require.Equal(t, "segment key", k.String())
}

func FuzzDecodeManifest(f *testing.F) {
	m, _ := sampleManifest(f)
	raw, err := m.Encode()
	require.NoError(f, err)
	f.Add(raw)
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := DecodeManifest(b)
		if err != nil {
			return
		}
		root, err := m.Evidence.Path.Root(m.Segment, m.Root)
		require.NoError(t, err)
		require.Equal(t, m.Evidence.Header.Archive, root)
	})
}

func FuzzDecodeWrappedKey(f *testing.F) {
	raw, err := json.Marshal(WrappedKey{Format: ManifestFormat, File: "seg.hcs"})
	require.NoError(f, err)
	f.Add(raw)
	k, err := crypto.NewPrivateKey(make32(5))
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, b []byte) {
		if w, err := DecodeWrappedKey(b); err == nil {
			_, err := w.Unwrap(k)
			require.Error(t, err, "nobody encrypted it")
		}
	})
}
