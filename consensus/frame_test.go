package consensus

import (
	"bytes"
	"testing"

	cmttypes "github.com/cometbft/cometbft/types"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/huchain/huchain/types"
)

func someCertificate(height uint64) *types.FinalityCertificate {
	c := &types.FinalityCertificate{Height: height}
	for i := range 3 {
		s := types.HeaderSignature{Index: uint32(i)}
		s.Signature[0] = byte(i + 1)
		c.Signatures = append(c.Signatures, s)
	}
	return c
}

func TestDecodeFrames(t *testing.T) {
	cert := encodeCertificateFrame(someCertificate(5))
	tx := func(b ...byte) []byte { return append([]byte{frameTxs}, types.EncodeList([][]byte{b})...) }
	for _, c := range []struct {
		name   string
		height uint64
		frames [][]byte
		txs    int // -1: refused
	}{
		{"empty first block", 1, nil, 0},
		{"transactions in block 2", 2, [][]byte{tx(1), tx(2, 3)}, 2},
		{"certificate and transactions", 7, [][]byte{cert, tx(1)}, 1},
		{"certificate alone", 7, [][]byte{cert}, 0},
		{"no frames from height 3 on", 7, nil, -1},
		{"no certificate", 7, [][]byte{tx(1)}, -1},
		{"certificate for another height", 8, [][]byte{cert}, -1},
		{"certificate too early", 2, [][]byte{cert}, -1},
		{"two certificates", 7, [][]byte{cert, cert}, -1},
		{"certificate last", 7, [][]byte{tx(1), cert}, -1},
		{"turn passed", 7, turnPassed, -1},
		{"unknown kind", 1, [][]byte{{0x03, 1, 1}}, -1},
		{"empty frame", 1, [][]byte{{}}, -1},
		{"empty list", 1, [][]byte{{frameTxs}}, -1},
		{"truncated list", 1, [][]byte{{frameTxs, 9, 1}}, -1},
		{"overlong length", 1, [][]byte{{frameTxs, 0x81, 0x00, 1}}, -1},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, err := decodeFrames(c.height, c.frames, false)
			if c.txs < 0 {
				require.Error(t, err)
				return
			}
			require.NoError(t, err)
			require.Len(t, f.txs, c.txs)
			require.Equal(t, c.height >= firstCertified, f.certificate != nil)
		})
	}
}

// What is packed is decoded to the same transactions and never exceeds its bound as
// CometBFT counts it, which ends the node otherwise.
func TestPackDecodeProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		bound := rapid.Int64Range(0, 4000).Draw(t, "bound")
		p := framePacker{left: bound, frameBytes: rapid.IntRange(10, 600).Draw(t, "frame")}
		var want [][]byte
		for range rapid.IntRange(0, 60).Draw(t, "n") {
			raw := rapid.SliceOfN(rapid.Byte(), 1, 300).Draw(t, "tx")
			if !p.add(raw) {
				break
			}
			want = append(want, raw)
		}
		p.close()
		require.LessOrEqual(t, cmttypes.ComputeProtoSizeForTxs(cmttypes.ToTxs(p.frames)), bound)
		got, err := decodeFrames(1, p.frames, false)
		require.NoError(t, err)
		require.Equal(t, want, got.txs)
	})
}

func FuzzDecodeFrames(f *testing.F) {
	f.Add(uint64(5), encodeCertificateFrame(someCertificate(3)), append([]byte{frameTxs}, types.EncodeList([][]byte{{1}, {2, 3}})...))
	f.Add(uint64(1), []byte{frameTxs, 1, 1}, []byte{})
	f.Fuzz(func(t *testing.T, height uint64, a, b []byte) {
		frames := [][]byte{a, b}
		d, err := decodeFrames(height, frames, false)
		if err != nil {
			return
		}
		// Accepted frames have one encoding.
		i := 0
		if d.certificate != nil {
			if !bytes.Equal(encodeCertificateFrame(d.certificate), a) {
				t.Fatal("certificate frame is not canonical")
			}
			i = 1
		}
		n := 0
		for _, fr := range frames[i:] {
			list, err := types.DecodeList(fr[1:], MaxFrameTxs)
			if err != nil || !bytes.Equal(types.EncodeList(list), fr[1:]) {
				t.Fatal("frame is not canonical")
			}
			n += len(list)
		}
		if n != len(d.txs) {
			t.Fatal("transactions lost")
		}
	})
}
