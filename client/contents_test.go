package client

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/ledger/proof"
	"github.com/huchain/huchain/types"
)

// blockOfOne is the contents of a block with one of everything, under true roots.
func blockOfOne() *proof.Contents {
	c := &proof.Contents{
		Header: types.Header{Genesis: testGenesis, Height: 7, Time: time.Now().UnixNano(), Protocol: 1},
		Txs:    [][]byte{[]byte("transaction")}, Receipts: [][]byte{[]byte("receipt")}, Events: [][]byte{[]byte("event")},
		Writes: []proof.WritePart{{NS: "evidence", Key: []byte("key"), Value: []byte("value")}},
	}
	root := func(item []byte) crypto.Hash { return proof.ListRoot([]crypto.Hash{crypto.Sum(item)}) }
	c.Content = proof.Content{
		Txs: root(c.Txs[0]), TxCount: 1, Receipts: root(c.Receipts[0]), Events: root(c.Events[0]), EventCount: 1,
		WriteSet: proof.ListRoot(proof.HashRecords([]proof.WriteRecord{c.Writes[0].Record(7)})), WriteCount: 1, Protocol: 1,
	}
	c.Header.Content = c.Content.Root()
	return c
}

// A node that alters any part of a block's contents, or gives another block, is refused.
func TestContentsAreChecked(t *testing.T) {
	var answer *proof.Contents
	n := newFakeNode(t, step{ok: true})
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/contents") {
			w.Write(types.EncodeList([][]byte{answer.Encode()})) //nolint:errcheck // of a test
			return
		}
		n.Config.Handler.ServeHTTP(w, r)
	}))
	defer front.Close()
	c := dial(t, front.URL)
	for name, lie := range map[string]func(c *proof.Contents){
		"":            func(*proof.Contents) {},
		"transaction": func(c *proof.Contents) { c.Txs[0][0] ^= 1 },
		"receipt":     func(c *proof.Contents) { c.Receipts[0][0] ^= 1 },
		"event":       func(c *proof.Contents) { c.Events[0][0] ^= 1 },
		"left out":    func(c *proof.Contents) { c.Events = nil },
		"value":       func(c *proof.Contents) { c.Writes[0].Value[0] ^= 1 },
		"key":         func(c *proof.Contents) { c.Writes[0].Key[0] ^= 1 },
		"deletion":    func(c *proof.Contents) { c.Writes[0].Deleted, c.Writes[0].Value = true, nil },
		"place":       func(c *proof.Contents) { c.Writes[0].TxIndex++ },
		"former":      func(c *proof.Contents) { c.Writes[0].HasPrevious, c.Writes[0].PrevHeight = true, 3 },
		"content":     func(c *proof.Contents) { c.Content.State[0] ^= 1 },
		"height":      func(c *proof.Contents) { c.Header.Height++ },
		"genesis":     func(c *proof.Contents) { c.Header.Genesis[0] ^= 1 },
	} {
		answer = blockOfOne()
		lie(answer)
		blocks, err := c.Contents(t.Context(), 7, 0)
		if name == "" {
			require.NoError(t, err)
			require.Equal(t, answer, blocks[0])
			continue
		}
		require.Equal(t, types.CodeProofInvalid, types.CodeOf(err), "%s: %v", name, err)
	}
}
