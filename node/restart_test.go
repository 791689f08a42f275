package node_test

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/chain/founding"
	"github.com/huchain/huchain/client"
	"github.com/huchain/huchain/crosschain/light"
	"github.com/huchain/huchain/devnet"
	"github.com/huchain/huchain/ledger/archive"
	"github.com/huchain/huchain/node"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/types/rest"
)

// restarted has a rebuilt chain go on by act of its validators: nothing less than the signed
// act for this very chain starts it; then blocks go on, old and new proofs hold from the same
// genesis, and it is the same chain after another start. It returns the act.
func restarted(t *testing.T, home node.Home, n *devnet.Network, block, before string) []byte {
	c := home.Chain("gov")
	at := time.Now()
	refused := func(err error, what string) {
		t.Helper()
		require.Equal(t, types.CodeRestartRefused, types.CodeOf(err), "%s: %v", what, err)
	}
	again := func(d *founding.RestartDraft) *founding.RestartDraft {
		text, err := d.Encode()
		require.NoError(t, err)
		d, err = founding.ParseRestart(text)
		require.NoError(t, err)
		return d
	}
	d, err := node.ProposeRestart(home, "", at)
	require.NoError(t, err)
	require.EqualValues(t, archive.SegmentBlocks, d.Restart.Height)
	_, err = node.ProposeRestart(home, "", at.AddDate(-10, 0, 0))
	refused(err, "before the newest block")
	_, err = node.ApplyRestart(home, "", d)
	refused(err, "signed by nobody")
	for what, change := range map[string]func(*founding.RestartTerms){
		"another chain":  func(r *founding.RestartTerms) { r.Genesis[0] ^= 1 },
		"another height": func(r *founding.RestartTerms) { r.Height-- },
		"another header": func(r *founding.RestartTerms) { r.Header[0] ^= 1 },
		"to come":        func(r *founding.RestartTerms) { r.Time = r.Time.AddDate(1, 0, 0) },
	} {
		other := again(d)
		change(&other.Restart)
		refused(node.SignRestart(home, "", other, "", n.PassphraseFile()), what)
	}
	require.NoError(t, node.SignRestart(home, "", d, "", n.PassphraseFile()))
	altered := again(d)
	altered.Restart.Time = altered.Restart.Time.Add(-time.Second)
	_, err = node.ApplyRestart(home, "", altered)
	refused(err, "altered after it was signed")
	altered = again(d)
	altered.Signatures[0].Before = altered.Signatures[0].Restart
	_, err = node.ApplyRestart(home, "", altered)
	refused(err, "without the certificate that no block holds")

	unsigned := again(d)
	unsigned.Signatures = unsigned.Signatures[:0]
	text, err := unsigned.Encode()
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(c.RestartFile(), text, 0o600))
	refused(node.Run(t.Context(), home, node.Options{Stderr: io.Discard}), "put in place unsigned")
	require.NoError(t, os.Remove(c.RestartFile()))
	_, err = node.ApplyRestart(home, "", d)
	require.NoError(t, err)

	r := run(t, home)
	clerk, err := n.Member("clerk")
	require.NoError(t, err)
	cl, err := client.New(t.Context(), client.DefaultParams(n.URLs()...))
	require.NoError(t, err)
	first, err := cl.Call(t.Context(), clerk, "membership", "register", struct{}{})
	require.NoError(t, err)
	require.Greater(t, first.Height, uint64(archive.SegmentBlocks))
	code, got := get(t, r.web+block)
	require.Equal(t, http.StatusOK, code, got)
	require.Equal(t, before, got, "as the chain answered before")
	require.NoError(t, r.end(t))

	r = run(t, home) // from its own stores now
	last, err := cl.Call(t.Context(), clerk, "membership", "register", struct{}{})
	require.NoError(t, err)
	require.Greater(t, last.Height, first.Height)
	file, err := os.ReadFile(c.GenesisFile())
	require.NoError(t, err)
	trust, err := light.TrustGenesis(file)
	require.NoError(t, err)
	dossier, err := cl.TxDossier(t.Context(), trust, last.ID)
	require.NoError(t, err)
	_, err = client.VerifyDossier(dossier, trust)
	require.NoError(t, err)
	act := again(d)
	require.NoError(t, dossier.HoldAgainst(trust, act.Terms(), act.ByKey()))
	old := oldDossier(t, cl, trust, before)
	_, err = client.VerifyDossier(old, trust)
	require.NoError(t, err)
	require.NoError(t, old.HoldAgainst(trust, act.Terms(), act.ByKey()))
	later := act.Terms()
	later.Time = time.Now().Add(time.Hour).UnixNano()
	refused(dossier.HoldAgainst(trust, later, act.ByKey()), "signatures of another act")
	require.NoError(t, r.end(t))
	reports, err := node.Fsck(t.Context(), home, "", nil)
	require.NoError(t, err)
	require.Greater(t, reports[0].Height, last.Height-1)
	_, err = node.ProposeRestart(home, "", time.Now())
	refused(err, "the chain runs again")
	raw, err := os.ReadFile(c.RestartFile())
	require.NoError(t, err)
	require.FileExists(t, filepath.Join(c.KeysDir(), "vote-"+act.Terms().ID().String()[:16]+".json"))
	require.NoError(t, os.Remove(c.RestartFile()))
	return raw
}

// oldDossier is of the transaction in a block as the API shows it.
func oldDossier(t *testing.T, cl *client.Client, trust *client.Trust, block string) *light.Dossier {
	var b rest.Block
	require.NoError(t, json.Unmarshal([]byte(block), &b))
	d, err := cl.TxDossier(t.Context(), trust, b.Txs[0].ID)
	require.NoError(t, err)
	return d
}
