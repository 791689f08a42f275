package node_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/chain/founding"
	"github.com/huchain/huchain/client"
	"github.com/huchain/huchain/crosschain/light"
	"github.com/huchain/huchain/crypto/keystore"
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
		refused(node.SignRestart(home, "", other, node.ActKey{PassphraseFile: n.PassphraseFile()}), what)
	}
	require.NoError(t, node.SignRestart(home, "", d, node.ActKey{}))
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

	// From its own stores now, with its keys in a process of their own.
	comeHome := signedAway(t, home, n)
	r = run(t, home)
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
	rests(t, cl, last.Height)
	require.NoError(t, r.end(t))
	comeHome()
	reports, err := node.Fsck(t.Context(), home, "", nil)
	require.NoError(t, err)
	require.Greater(t, reports[0].Height, last.Height-1)
	_, err = node.ProposeRestart(home, "", time.Now())
	refused(err, "the chain runs again")
	backedUp(t, home, n, last.Height)
	f := restartFinding(t, home)
	require.True(t, f.OK, f)
	require.Contains(t, f.Detail, fmt.Sprintf("above block %d", archive.SegmentBlocks))
	raw, err := os.ReadFile(c.RestartFile())
	require.NoError(t, err)
	require.FileExists(t, filepath.Join(c.KeysDir(), "vote-"+act.Terms().ID().String()[:16]+".json"))
	require.NoError(t, os.Remove(c.RestartFile()))
	return raw
}

// signedAway moves the keys of a restarted chain, with what they voted since, to a signer that
// knows the act. It returns what ends the signer and moves them back.
func signedAway(t *testing.T, home node.Home, n *devnet.Network) (comeHome func()) {
	c := home.Chain("gov")
	config, err := os.ReadFile(c.ConfigFile())
	require.NoError(t, err)
	away := t.TempDir()
	move := func(from, to string) {
		for _, pattern := range []string{"validator.key", "consensus.json", "vote*.json", "header*.json"} {
			files, err := filepath.Glob(filepath.Join(from, pattern))
			require.NoError(t, err)
			for _, f := range files {
				require.NoError(t, os.Rename(f, filepath.Join(to, filepath.Base(f))))
			}
		}
	}
	move(c.KeysDir(), away)
	secret, err := keystore.ReadPassphrase(n.PassphraseFile())
	require.NoError(t, err)
	socket := filepath.Join(t.TempDir(), "s")
	ctx, cancel := context.WithCancel(t.Context())
	ready, ended := make(chan node.SignerInfo, 1), make(chan error, 1)
	serve := func(ctx context.Context, o node.SignerOptions) node.SignerInfo {
		go func() { ended <- node.ServeSigner(ctx, o) }()
		select {
		case i := <-ready:
			return i
		case err := <-ended:
			require.NoError(t, err)
			t.Fatal("the signer ended by itself")
		}
		return node.SignerInfo{}
	}
	o := node.SignerOptions{Keys: away, GenesisFile: c.GenesisFile(), RestartFile: filepath.Join(away, "none"), Listen: "unix:" + socket, Secret: secret,
		Logger: slog.New(slog.DiscardHandler), Ready: func(i node.SignerInfo) { ready <- i }}
	require.Equal(t, types.CodeRestartRefused, types.CodeOf(node.ServeSigner(ctx, o)), "without the act")
	o.RestartFile, o.BeginVotes = c.RestartFile(), true
	require.Equal(t, types.CodeAlreadyExists, types.CodeOf(node.ServeSigner(ctx, o)), "what was voted is known")
	votes, err := filepath.Glob(filepath.Join(away, "vote-*.json"))
	require.NoError(t, err)
	require.Len(t, votes, 1)
	require.NoError(t, os.Rename(votes[0], votes[0]+".aside"))
	header := strings.Replace(votes[0], "vote-", "header-", 1)
	require.NoError(t, os.WriteFile(header, nil, 0o600))
	require.Equal(t, types.CodeVotesMissing, types.CodeOf(node.ServeSigner(ctx, o)), "the word of an operator who is wrong: a header was signed")
	require.NoError(t, os.Remove(header))
	first, end := context.WithCancel(ctx)
	require.Zero(t, serve(first, o).Height, "its first start after the restart")
	end()
	require.NoError(t, <-ended)
	require.NoError(t, os.Remove(votes[0]))
	o.BeginVotes = false
	require.Equal(t, types.CodeVotesMissing, types.CodeOf(node.ServeSigner(ctx, o)), "lost, with the newest header")
	require.NoFileExists(t, votes[0])
	require.NoError(t, os.Rename(votes[0]+".aside", votes[0]))
	i := serve(ctx, o)
	require.Greater(t, i.Height, int64(archive.SegmentBlocks), "it knows what was voted since the restart")
	require.NotEqual(t, "gov", i.Chain)
	// What is encrypted to the validator's key needs it here still.
	key, err := os.ReadFile(filepath.Join(away, "validator.key"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(c.KeysDir(), "archive.key"), key, 0o600))
	text := strings.Replace(string(config), "keys/validator.key", "keys/archive.key", 1)
	text = strings.Replace(text, "[keys]\n", fmt.Sprintf("[keys]\nsigner = %q\n", "unix:"+socket), 1)
	require.NoError(t, os.WriteFile(c.ConfigFile(), []byte(text), 0o600))
	return func() {
		cancel()
		require.NoError(t, <-ended)
		headers, err := filepath.Glob(filepath.Join(away, "header-*.json"))
		require.NoError(t, err)
		require.Len(t, headers, 1, "it signed")
		move(away, c.KeysDir())
		require.NoError(t, os.WriteFile(c.ConfigFile(), config, 0o600))
	}
}

// backUp makes a backup of a stopped chain in a place that it has from now on.
func backUp(t *testing.T, home node.Home) string {
	c := home.Chain("gov")
	config, err := os.ReadFile(c.ConfigFile())
	require.NoError(t, err)
	text := fmt.Sprintf("%s\n[backup]\nfolder = %q\nkeyFile = \"keys/validator.key\"\n", config, filepath.Join(t.TempDir(), "backups"))
	require.NoError(t, os.WriteFile(c.ConfigFile(), []byte(text), 0o600))
	made, err := node.CreateBackup(t.Context(), home, "", nil, nil)
	require.NoError(t, err)
	_, err = node.VerifyBackup(t.Context(), home, "", made.Name, nil)
	require.NoError(t, err)
	f := finding(t, home, "backup target")
	require.True(t, f.OK, f)
	require.Contains(t, f.Detail, fmt.Sprintf("the newest backup opens, of block %d", made.Height))
	return string(config)
}

// backedUp: a backup of a restarted chain brings the act back, and the chain goes on from it;
// beside another act it is refused.
func backedUp(t *testing.T, home node.Home, n *devnet.Network, height uint64) {
	c := home.Chain("gov")
	config := backUp(t, home)
	act, err := os.ReadFile(c.RestartFile())
	require.NoError(t, err)
	require.NoError(t, os.RemoveAll(c.DataDir()))
	other := strings.Replace(string(act), "\"height\": ", "\"height\": 1", 1)
	require.NotEqual(t, string(act), other)
	require.NoError(t, os.WriteFile(c.RestartFile(), []byte(other), 0o600))
	require.Equal(t, types.CodeAlreadyExists, types.CodeOf(restoreBackup(t, home, "")), "beside another act")
	require.NoDirExists(t, c.DataDir())
	require.NoError(t, os.Remove(c.RestartFile()))
	require.NoError(t, restoreBackup(t, home, ""))
	same, err := os.ReadFile(c.RestartFile())
	require.NoError(t, err)
	require.Equal(t, string(act), string(same))
	require.NoFileExists(t, filepath.Join(c.DataDir(), filepath.Base(c.RestartFile())))
	r := run(t, home)
	fill(t, n, height)
	require.NoError(t, r.end(t))
	require.NoError(t, os.WriteFile(c.ConfigFile(), []byte(config), 0o600))
}

// restartFinding is what the doctor says of how the chain goes on.
func restartFinding(t *testing.T, home node.Home) node.Finding {
	return finding(t, home, "restart.json")
}

// finding is what the doctor says of a part of the chain.
func finding(t *testing.T, home node.Home, what string) node.Finding {
	for _, f := range node.Diagnose(t.Context(), home) {
		if f.What == "chain gov: "+what {
			return f
		}
	}
	t.Fatal("nothing is said of it")
	return node.Finding{}
}

// oldDossier is of the transaction in a block as the API shows it.
func oldDossier(t *testing.T, cl *client.Client, trust *client.Trust, block string) *light.Dossier {
	var b rest.Block
	require.NoError(t, json.Unmarshal([]byte(block), &b))
	d, err := cl.TxDossier(t.Context(), trust, b.Txs[0].ID)
	require.NoError(t, err)
	return d
}
