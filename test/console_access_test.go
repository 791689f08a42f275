package test

import (
	"bytes"
	"compress/zlib"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/client"
	"github.com/huchain/huchain/crosschain/light"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/node/access/oidctest"
)

// guardedNode is the node of the calm network that asks for logins while the console is
// tested: with a provider of identities, and a site that may embed the verification page.
const guardedNode = 2

// guard starts the node with logins required, and without them again when the test ends.
// It returns what the browser is told of it.
func (n *network) guard(t *testing.T) []string {
	web := n.Nodes[guardedNode].Web
	issuer := oidctest.Start(t, "http://"+web+"/api/v1/oidc/callback")
	portal, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer portal.Close() // the browser's test serves there
	home := n.NodeHome(n.Nodes[guardedNode].Name)
	plain, err := os.ReadFile(home.ConfigFile())
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(home.Dir, "oidc.secret"), []byte(oidctest.Secret+"\n"), 0o600))
	webTable := fmt.Sprintf("[web]\nlogin = \"required\"\npublicVerify = true\nembed = [\"http://%s\"]\n", portal.Addr())
	provider := fmt.Sprintf("\n[web.oidc]\nissuer = %q\nclientId = \"console\"\nsecretFile = \"oidc.secret\"\n"+
		"redirect = \"http://%s/api/v1/oidc/callback\"\nchain = \"gov\"\nmemberClaim = \"preferred_username\"\nmembers = [{value = \"test-user@localhost\", member = \"archives/clerk\"}]\n", issuer, web)
	require.Contains(t, string(plain), "[web]\n")
	require.NoError(t, os.WriteFile(home.ConfigFile(), append(bytes.Replace(plain, []byte("[web]\n"), []byte(webTable), 1), provider...), 0o600))
	n.stop(guardedNode)
	n.start(guardedNode)
	n.eventually("the guarded node serves", func() error { // its other routes ask for a login
		resp, err := http.Get("http://" + web + "/readyz") //nolint:noctx // ended by eventually
		if err != nil {
			return err
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("readyz: %s", resp.Status)
		}
		return nil
	})
	org, _, _ := strings.Cut(n.Nodes[guardedNode].Member, "/")
	const spare = "spare"
	out, err := n.atNode(guardedNode, "chain", "create", spare, "--name", n.Nodes[guardedNode].Name, "--org", org, "--dir", n.MembersDir(), "--p2p", freeAddress(t), "--passphrase-file", n.PassphraseFile())
	require.NoError(t, err, "%s", out)
	t.Cleanup(func() {
		require.NoError(t, os.WriteFile(home.ConfigFile(), plain, 0o600))
		n.stop(guardedNode)
		require.NoError(t, os.RemoveAll(home.Chain(spare).Dir))
		n.start(guardedNode)
		n.ready(guardedNode)
	})
	const title = "恢复存证规则"
	var made client.Decision
	require.NoError(t, json.Unmarshal(n.huchain("gov", "propose", "--title", title, "--action", `governance.setRule={"contract":"evidence","method":"deposit","allow":""}`, "--as", "archives/admin"), &made))
	n.huchain("gov", "vote", made.ID.String(), "--as", "notary/admin") // of four organisations three must agree
	return []string{"CONSOLE_PROPOSAL=" + title, "CONSOLE_GUARDED=http://" + web, "CONSOLE_PORTAL=" + portal.Addr().String(), "CONSOLE_ADMIN=" + filepath.Join(n.MembersDir(), org, "admin")}
}

// evidenceFile is a file whose hash is deposited, with the proof file of the deposit.
func (n *network) evidenceFile(t *testing.T, by *client.Identity) []string {
	dir := t.TempDir()
	content := bytes.Repeat([]byte("采购合同 "+dir+"\n"), 40_000)
	hash := crypto.Sum(content)
	_, err := n.client(0).Call(t.Context(), by, "evidence", "deposit", Deposit{Hash: hash.String(), Title: "采购合同正本"})
	require.NoError(t, err)
	genesis, err := os.ReadFile(n.GenesisFile())
	require.NoError(t, err)
	trust, err := light.TrustGenesis(genesis)
	require.NoError(t, err)
	d, err := n.client(0).StateDossier(t.Context(), trust, "evidence", []byte("evidence/"+hash.String()))
	require.NoError(t, err)
	proof, err := json.Marshal(d)
	require.NoError(t, err)
	altered := bytes.Clone(content)
	altered[len(altered)/2] ^= 1
	for name, b := range map[string][]byte{"contract.txt": content, "altered.txt": altered, "proof.json": proof, "certificate.pdf": pdfAround(t, proof)} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), b, 0o600))
	}
	return []string{"CONSOLE_FILES=" + dir, "CONSOLE_FILE_HASH=" + hash.String()}
}

// pdfAround is a PDF that carries a deflated attachment, as a certificate does.
func pdfAround(t *testing.T, attachment []byte) []byte {
	var z bytes.Buffer
	w := zlib.NewWriter(&z)
	_, err := w.Write(attachment)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return []byte(fmt.Sprintf("%%PDF-1.7\n1 0 obj\n<< /Type /Catalog >>\nendobj\n2 0 obj\n<< /Length 3 >>\nstream\nq Q\nendstream\nendobj\n"+
		"3 0 obj\n<< /Type /EmbeddedFile /Filter /FlateDecode /Length %d >>\nstream\n%s\nendstream\nendobj\n%%%%EOF\n", z.Len(), z.Bytes()))
}
