package test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/node"
)

// TestRemoteSigner: a validator's keys move to a process of their own, which it reaches
// over TLCP. While that process is away the validator follows without voting and does not
// end; when it is back, the validator votes again. A second signer of the same keys does
// not start.
// covers: T.03 T.07
func TestRemoteSigner(t *testing.T) {
	n := shared(t, "faults", beside, nil)
	home := n.NodeHome(n.Nodes[3].Name).Chain(n.Chain)
	n.stop(3)
	away, address := t.TempDir(), freeAddress(t)
	move := func(from, to string) {
		for _, f := range []string{"validator.key", "consensus.json", "vote.json"} {
			require.NoError(t, os.Rename(filepath.Join(from, f), filepath.Join(to, f)))
		}
	}
	move(home.KeysDir(), away)
	config := n.signsAt(3, address)
	serve := func() *process { return n.serveKeys(away, 3, address) }
	s := serve()
	defer func() { s.kill() }()
	second := n.command("key", "serve", away, "--genesis", n.GenesisFile(), "--listen", "unix:"+filepath.Join(t.TempDir(), "s"), "--passphrase-file", n.PassphraseFile())
	second.Stderr = nil
	require.Error(t, second.Run(), "another signer of the same keys")

	n.start(3)
	n.ready(3)
	require.FileExists(t, filepath.Join(home.KeysDir(), "signer.json"))
	require.NoFileExists(t, filepath.Join(home.KeysDir(), "vote.json"))
	l := n.startLoad(4, 0, 1, 2)
	l.more(20)
	s.kill()
	l.more(20)
	n.reaches(n.height(0), 3) // it follows
	require.Contains(t, n.faults(3), "signer")
	n.kill(3)
	require.Contains(t, n.faults(3), "signer", "of a node that does not run")
	n.start(3) // a start without the signer
	n.ready(3)
	s = serve()
	n.kill(2) // the vote is needed now
	l.more(20)
	require.NotContains(t, n.faults(3), "signer")
	n.start(2)
	n.ready(2)
	acks := l.stop()

	// The keys go home.
	n.stop(3)
	s.kill()
	move(away, home.KeysDir())
	require.NoError(t, os.WriteFile(home.ConfigFile(), config, 0o644))
	n.start(3)
	n.ready(3)
	n.holds(acks, 0, 1, 2, 3)
	n.sameHeaders(0, 1, 2, 3)
	n.nobodySignedTwice()
}

// signsAt has a validator ask the signer at an address, and returns its configuration of before.
func (n *network) signsAt(i int, address string) (config []byte) {
	n.t.Helper()
	file := n.NodeHome(n.Nodes[i].Name).Chain(n.Chain).ConfigFile()
	config, err := os.ReadFile(file)
	require.NoError(n.t, err)
	require.Contains(n.t, string(config), "[keys]\n")
	require.NoError(n.t, os.WriteFile(file,
		[]byte(strings.Replace(string(config), "[keys]\n", fmt.Sprintf("[keys]\nsigner = %q\n", "city/signer@"+address), 1)), 0o644))
	n.huchain("cert", "issue", "city/signer", "--roles", "node", "--dir", n.MembersDir(), "--passphrase-file", n.PassphraseFile())
	return config
}

// serveKeys starts a signer of the keys in a folder for a validator.
func (n *network) serveKeys(keys string, i int, address string, more ...string) *process {
	n.t.Helper()
	log := filepath.Join(n.home, fmt.Sprintf("signer-%d.log", time.Now().UnixNano()))
	args := []string{"key", "serve", keys, "--genesis", n.GenesisFile(), "--listen", address, "--passphrase-file", n.PassphraseFile(),
		"--link", filepath.Join(n.MembersDir(), "city", "signer"), "--allow", "city/" + n.Nodes[i].Name, "--lang", "en"}
	p := spawn(n.t, log, binary, append(args, more...)...)
	n.eventually("the signer listens", func() error {
		text, err := os.ReadFile(log)
		if err == nil && !strings.Contains(string(text), "listening") {
			err = fmt.Errorf("%s", text)
		}
		return err
	})
	return p
}

// faults are what "huchain doctor" finds wrong with a node, with the fix, by what it looked at
// of the chain.
func (n *network) faults(i int) map[string]node.Finding {
	n.t.Helper()
	cmd := exec.Command(binary, "doctor", "-o", "json", "--home", n.NodeHome(n.Nodes[i].Name).Dir)
	out, _ := cmd.Output() // its status tells of faults
	var list []node.Finding
	require.NoError(n.t, json.Unmarshal(out, &list), "%s", out)
	faults := map[string]node.Finding{}
	for _, f := range list {
		if !f.OK {
			require.NotEmpty(n.t, f.Fix.ZH, "%+v", f)
			require.NotEmpty(n.t, f.Fix.EN, "%+v", f)
			faults[strings.TrimPrefix(f.What, "chain "+n.Chain+": ")] = f
		}
	}
	return faults
}
