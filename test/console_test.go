package test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestConsole drives the web console in Chromium against running validators: from the
// first visit to a transaction verified by the page itself, a form signed in the browser,
// and servers that lie; on a node that asks for logins from a wrong key to its operation,
// and verification in public, also with the node out of reach; a department, an enterprise,
// a citizen and an auditor side by side in the evidence portal. Screenshots stay in
// .bench/console.
// covers: B1.03, B1.04, B1.05, B1.10, B1.13, A15.03, A15.04
func TestConsole(t *testing.T) {
	n := shared(t, "console", beside, nil)
	ctx := context.Background()
	clerk, err := n.Member("clerk")
	require.NoError(t, err)
	d := newDeposit()
	d.Title = "采购合同"
	out, err := n.client(0).Call(ctx, clerk, "evidence", "deposit", d)
	require.NoError(t, err)
	n.reaches(out.Height, 0)

	require.Eventually(t, func() bool {
		st, err := n.client(0).MirrorStatus(ctx)
		return err == nil && st.Error == nil && st.Height >= out.Height
	}, patience(), 20*time.Millisecond, "the mirror follows")

	members := filepath.Join(n.Dir(), "members", "archives")
	told := append(append(n.evidenceFile(t, clerk), n.portal(t)...), n.guard(t)...)
	cmd := exec.CommandContext(ctx, "node", "--test", "--test-concurrency=3", "test/console.test.mjs", "test/access.test.mjs", "test/portal.test.mjs")
	cmd.Dir = filepath.Join(root, "web")
	cmd.Env = append(append(os.Environ(), told...),
		"CONSOLE_URL=http://"+n.Nodes[0].Web, "CONSOLE_OTHER=http://"+n.Nodes[1].Web, "CONSOLE_TX="+out.ID.String(), "CONSOLE_HASH="+d.Hash,
		"CONSOLE_KEY="+filepath.Join(members, "clerk.key"), "CONSOLE_CERT="+filepath.Join(members, "clerk.pem"),
		"CONSOLE_PASSPHRASE="+filepath.Join(n.Dir(), "passphrase"), "CONSOLE_SHOTS="+filepath.Join(root, ".bench", "console"))
	text, err := cmd.CombinedOutput()
	t.Logf("%s", text)
	require.NoError(t, err)
}
