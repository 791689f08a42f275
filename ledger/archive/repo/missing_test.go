package repo

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/ledger/archive"
	"github.com/huchain/huchain/ledger/archive/target"
	"github.com/huchain/huchain/types"
)

// manifests are those of the segments of a chain whose blocks are of no matter here.
func manifests(t *testing.T, segments uint64) []*archive.Manifest {
	signer, err := crypto.NewPrivateKey(bytes.Repeat([]byte{5}, 32))
	require.NoError(t, err)
	set := types.ValidatorSet{{Key: signer.Public(), Ed25519: [32]byte{1}, Power: 1}}
	var p archive.Peaks
	var roots []crypto.Hash
	for i := range segments * archive.SegmentBlocks {
		next, root, closed := p.Append(crypto.Sum(fmt.Append(nil, i)))
		if p = next; closed {
			roots = append(roots, root)
		}
	}
	h := types.Header{Genesis: crypto.Sum([]byte("genesis")), Height: p.Count + 1, Time: 1, Archive: p.Root(), Signers: set.Hash(), NextSigners: set.Hash(), Protocol: 1}
	sig, err := signer.Sign(h.SignBytes())
	require.NoError(t, err)
	cert := types.FinalityCertificate{Height: h.Height, Signatures: []types.HeaderSignature{{Signature: [64]byte(sig)}}}
	out := make([]*archive.Manifest, segments)
	for n := range segments {
		path, err := p.Prove(n, func(n uint64) (crypto.Hash, error) { return roots[n], nil })
		require.NoError(t, err)
		out[n] = &archive.Manifest{Format: archive.ManifestFormat, Genesis: h.Genesis, Segment: n, First: archive.First(n), Last: archive.First(n+1) - 1,
			Root: roots[n], File: fmt.Sprintf("%s/seg-%08d-00000000.hcs", h.Genesis.String()[:16], n), Bytes: 1000, Cipher: archive.CipherNone,
			Evidence: archive.Evidence{Header: h, Certificate: cert, Signers: set, Path: *path}}
	}
	return out
}

// A segment that is missing between others is named, whoever looks: a check of the
// catalogue, a chain that comes back from its archive, and a ledger that would release its
// blocks.
//
// covers: T.12
func TestSegmentMissingBetweenOthers(t *testing.T) {
	dir := t.TempDir()
	store, err := target.OpenFolder(filepath.Join(dir, "target"))
	require.NoError(t, err)
	all := manifests(t, 5)
	r, err := Open(Params{Genesis: all[0].Genesis, Dir: filepath.Join(dir, "archive"), Target: store})
	require.NoError(t, err)
	defer r.Close()
	_, err = r.Verify(t.Context(), nil, nil)
	require.Equal(t, types.CodeArchiveEmpty, types.CodeOf(err), "nothing was checked: %v", err)
	_, err = r.Drill(t.Context(), nil)
	require.Equal(t, types.CodeArchiveEmpty, types.CodeOf(err), "%v", err)
	other, err := crypto.GenerateKey(rand.Reader)
	require.NoError(t, err)
	_, err = r.Rewrap(t.Context(), other.Public())
	require.Equal(t, types.CodeArchiveEmpty, types.CodeOf(err), "no key was wrapped: %v", err)
	for _, m := range all {
		raw, err := m.Encode()
		require.NoError(t, err)
		require.NoError(t, store.Put(t.Context(), r.manifestName(m.Segment), int64(len(raw)), crypto.Sum(raw), bytes.NewReader(raw)))
		require.NoError(t, r.enter(m))
	}
	found, err := r.Found(t.Context())
	require.NoError(t, err)
	require.Equal(t, []uint64{0, 1, 2, 3, 4}, found)
	require.EqualValues(t, 5*archive.SegmentBlocks, r.Archived(1))

	for _, n := range []uint64{2, 3} {
		require.NoError(t, os.Remove(filepath.Join(dir, "target", filepath.FromSlash(r.manifestName(n)))))
		require.NoError(t, os.Remove(r.catalogueFile(n)))
	}
	_, err = r.Found(t.Context())
	require.Equal(t, types.CodeArchiveMissing, types.CodeOf(err))
	require.ErrorContains(t, err, "segment 2 (blocks 2049 to 3072)")
	again, err := Open(r.p)
	require.NoError(t, err)
	defer again.Close()
	require.EqualValues(t, 2*archive.SegmentBlocks, again.Archived(1), "nothing behind the gap is released")
	rep, err := again.Verify(t.Context(), nil, nil)
	require.NoError(t, err)
	var gaps []uint64
	for _, f := range rep.Findings {
		require.Equal(t, types.CodeArchiveMissing.String(), f.Code)
		if f.File == r.manifestName(f.Segment) {
			gaps = append(gaps, f.Segment)
		}
	}
	require.Equal(t, []uint64{2, 3}, gaps)
	require.Len(t, rep.Findings, 5, "the files of the others were never stored here, which is found too")
	_, err = again.Verify(t.Context(), []uint64{3}, nil)
	require.Equal(t, types.CodeNotFound, types.CodeOf(err))
}
