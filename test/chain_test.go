package test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/client"
	"github.com/huchain/huchain/crosschain/light"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
)

// evidenceKey is the row that holds the evidence of a hash.
func evidenceKey(hash string) []byte { return []byte("evidence/" + hash) }

// TestFirstCall: a call signed with SM2 is executed in WASM and committed; every
// validator answers alike, with a proof that holds without any of them.
// covers: T.05
func TestFirstCall(t *testing.T) {
	n := shared(t, "calm", beside, nil)
	ctx := context.Background()
	clerk, err := n.Member("clerk")
	require.NoError(t, err)
	d := newDeposit()
	out, err := n.client(0).Call(ctx, clerk, "evidence", "deposit", d)
	require.NoError(t, err)
	require.Equal(t, "OK", out.Receipt.Code)
	require.EqualValues(t, 1, out.Receipt.Events)

	genesis, err := os.ReadFile(n.GenesisFile())
	require.NoError(t, err)
	trust, err := light.TrustGenesis(genesis)
	require.NoError(t, err)
	require.Equal(t, n.Genesis, trust.Genesis.String())
	var answer json.RawMessage
	for i := range n.Nodes {
		n.reaches(out.Height, i)
		c := n.client(i)
		got, err := c.Query(ctx, nil, "evidence", "get", map[string]string{"hash": d.Hash})
		require.NoError(t, err)
		if i == 0 {
			answer = got.Result
		}
		require.JSONEq(t, string(answer), string(got.Result), "%s answers differently", n.Nodes[i].Name)
		n.proves(i, trust, d, out)
	}
	var record struct{ Hash, Title, Owner string }
	require.NoError(t, json.Unmarshal(answer, &record))
	require.Equal(t, d.Hash, record.Hash)
	require.Equal(t, d.Title, record.Title)
	require.Equal(t, "archives/clerk", record.Owner)

	again, err := n.client(1).Call(ctx, clerk, "evidence", "deposit", Deposit{Hash: d.Hash, Title: "another title"})
	require.NoError(t, err)
	require.JSONEq(t, string(answer), string(again.Receipt.Result), "the first deposit stands")
	n.sameHeaders(0, 1, 2, 3)
}

// proves fetches proofs of the deposit's row, of the absence of another row and of the
// transaction, and verifies them with nothing but the genesis file; an altered byte
// anywhere breaks each.
func (n *network) proves(i int, trust *client.Trust, d Deposit, out *client.Committed) {
	t, ctx, c := n.t, context.Background(), n.client(i)
	var proofs [][]byte
	n.eventually("proof of the deposit", func() error {
		st, err := c.State(ctx, "evidence", evidenceKey(d.Hash), true)
		if err != nil {
			return err
		}
		proven, err := client.VerifyProof(st.Proof, trust)
		if err != nil {
			return err
		}
		proofs = [][]byte{st.Proof}
		require.Equal(t, "state", proven.Fact)
		require.True(t, bytes.Contains(proven.Value, []byte(d.Title)), "%s", proven.Value)
		require.Equal(t, out.Height, proven.WrittenAt)
		return proven.IsState(st)
	})
	absent, err := c.State(ctx, "evidence", evidenceKey(crypto.Sum([]byte("never deposited")).String()), true)
	require.NoError(t, err)
	proven, err := client.VerifyProof(absent.Proof, trust)
	require.NoError(t, err)
	require.Equal(t, "absence", proven.Fact)
	require.NoError(t, proven.IsState(absent))

	tx, err := c.Tx(ctx, out.ID, true)
	require.NoError(t, err)
	proven, err = client.VerifyProof(tx.Proof, trust)
	require.NoError(t, err)
	require.NoError(t, proven.IsTx(tx))
	require.Equal(t, out.Height, proven.Height)

	for _, raw := range append(proofs, absent.Proof, tx.Proof) {
		for at := 0; at < len(raw); at += max(1, len(raw)/23) {
			bad := bytes.Clone(raw)
			bad[at] ^= 1
			_, err := client.VerifyProof(bad, trust)
			require.Equal(t, types.CodeProofInvalid, types.CodeOf(err), "byte %d of %d altered", at, len(raw))
		}
	}
	foreign := *trust
	foreign.Genesis[0] ^= 1
	_, err = client.VerifyProof(tx.Proof, &foreign)
	require.Equal(t, types.CodeProofInvalid, types.CodeOf(err))
}

// heartbeat is how often an idle chain makes a block all the same.
const heartbeat = time.Minute

// TestIdle: after the last transaction two blocks follow, then nothing.
func TestIdle(t *testing.T) {
	n := shared(t, "calm", beside, nil)
	clerk, err := n.Member("clerk")
	require.NoError(t, err)
	silence := 4 * time.Second * time.Duration(soak)
	for range 2 {
		begin := time.Now()
		out, err := n.client(0).Call(context.Background(), clerk, "evidence", "deposit", newDeposit())
		require.NoError(t, err)
		t.Logf("a call to an idle chain was committed after %s", time.Since(begin).Round(time.Millisecond))
		settled := n.height(0)
		for quiet := time.Now(); time.Since(quiet) < 2*time.Second; time.Sleep(100 * time.Millisecond) { // a busy machine may be late with them
			if h := n.height(0); h != settled {
				settled, quiet = h, time.Now()
			}
			require.LessOrEqual(t, settled, out.Height+2, "at most two blocks after the last transaction")
		}
		time.Sleep(silence)
		require.LessOrEqual(t, n.height(0)-settled, uint64(silence/heartbeat), "an idle chain is silent but for its heartbeat")
	}
	n.settle()
	n.sameHeaders(0, 1, 2, 3)
}

// TestCommandLine: the same by commands, as docs show them.
func TestCommandLine(t *testing.T) {
	n := shared(t, "calm", beside, nil)
	d := newDeposit()
	file := filepath.Join(t.TempDir(), "record.proof")
	run := func(args ...string) string {
		t.Helper()
		cmd := exec.Command(binary, append(args, "--home", n.home, "--lang", "en")...)
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s: %s", args, out)
		return string(out)
	}
	require.Contains(t, run("tx", "call", "evidence", "deposit", `{"hash":"`+d.Hash+`","title":"`+d.Title+`"}`, "--as", "clerk"), "committed")
	require.Contains(t, run("query", "state", "evidence", string(evidenceKey(d.Hash)), "--prove", "--out", file), d.Title)
	require.Contains(t, run("query", "status"), n.Genesis)
	verified := run("proof", "verify", file, "--node", "http://127.0.0.1:1") // no node answers there
	require.Contains(t, verified, n.Genesis[:16])
	raw, err := os.ReadFile(file)
	require.NoError(t, err)
	at := len(raw) / 2 // of hex digits
	raw[at] = map[bool]byte{true: '1', false: '0'}[raw[at] == '0']
	require.NoError(t, os.WriteFile(file, raw, 0o644))
	out, err := exec.Command(binary, "proof", "verify", file, "--home", n.home).CombinedOutput()
	require.Error(t, err)
	require.Contains(t, string(out), types.CodeProofInvalid.String())
}
