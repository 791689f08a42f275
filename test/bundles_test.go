package test

import (
	"bytes"
	"context"
	"crypto/rand"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/chain"
	"github.com/huchain/huchain/contracts/build"
	"github.com/huchain/huchain/contracts/bundle"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
)

// samples are the samples that were built, by name: functions that build each once.
var samples sync.Map

// versions builds a sample of contracts/samples, once for all tests, and packs it under its
// own version and under 1.1.0.
func versions(t *testing.T, name string) (one, two []byte) {
	dir := filepath.Join(root, "contracts", "samples", name)
	once, _ := samples.LoadOrStore(name, sync.OnceValues(func() (*build.Result, error) {
		return build.Build(context.Background(), dir, build.Params{Toolchain: build.Toolchain})
	}))
	made, err := once.(func() (*build.Result, error))()
	require.NoError(t, err)
	spec, err := os.ReadFile(filepath.Join(dir, bundle.YAMLFile))
	require.NoError(t, err)
	schema, err := os.ReadFile(filepath.Join(dir, bundle.SchemaFile))
	require.NoError(t, err)
	tmp := t.TempDir()
	changed := bytes.Replace(spec, []byte("version: 1.0.0"), []byte("version: 1.1.0"), 1)
	require.NotEqual(t, spec, changed)
	require.NoError(t, os.WriteFile(filepath.Join(tmp, bundle.YAMLFile), changed, 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(tmp, bundle.SchemaFile), schema, 0o600))
	two, err = bundle.Build(tmp, made.Code)
	require.NoError(t, err)
	return made.Package, two
}

// TestBundlesApart: on a chain that serves other bundles, one more is installed, called,
// upgraded and removed; the others' rows and calls do not notice. A package that was
// altered, or is signed by someone else, is refused and leaves nothing.
// covers: T.01
func TestBundlesApart(t *testing.T) {
	n := shared(t, "calm", beside, nil)
	ctx, cancel := context.WithTimeout(context.Background(), 4*time.Minute)
	defer cancel()
	admin, err := n.Member("archives/admin")
	require.NoError(t, err)
	clerk, err := n.Member("clerk")
	require.NoError(t, err)
	c := n.client(0)
	one, two := versions(t, "asset-go")

	kept := newDeposit()
	_, err = c.Call(ctx, clerk, "evidence", "deposit", kept)
	require.NoError(t, err)
	row := func() string {
		st, err := c.State(ctx, "evidence", evidenceKey(kept.Hash), false)
		require.NoError(t, err)
		require.True(t, st.Found)
		return st.Value.String()
	}
	before := row()
	others := func() { // whatever happens to the one bundle
		t.Helper()
		require.Equal(t, before, row())
		_, err := c.Call(ctx, clerk, "evidence", "deposit", newDeposit())
		require.NoError(t, err)
	}
	installed := func() (names []string) {
		list, err := c.Contracts(ctx)
		require.NoError(t, err)
		for _, x := range list.Items {
			names = append(names, x.Name+" "+x.Version+" "+x.State)
		}
		return names
	}

	// Tampered: other bytes, and the signature of somebody else.
	first := installed()
	altered := bytes.Clone(one)
	altered[len(altered)/2] ^= 1
	_, err = c.Deploy(ctx, admin, altered, nil, nil)
	require.Equal(t, types.CodePackageInvalid, types.CodeOf(err), "%v", err)
	_, err = c.Call(ctx, admin, "contracts", "abort", map[string]any{"package": crypto.Sum(altered)})
	require.NoError(t, err)
	stranger, err := crypto.GenerateKey(rand.Reader)
	require.NoError(t, err)
	forged := *admin
	forged.Signer = signsPackages{admin.Signer, stranger}
	_, err = c.Deploy(ctx, &forged, one, nil, nil)
	require.Equal(t, types.CodePackageInvalid, types.CodeOf(err), "%v", err)
	_, err = c.Deploy(ctx, clerk, one, nil, nil)
	require.Equal(t, types.CodePermissionDenied, types.CodeOf(err), "%v", err)
	require.Equal(t, first, installed())
	others()

	// Installed: the parts that the forged attempt left are not sent again.
	uploads := 0
	_, err = c.Deploy(ctx, admin, one, nil, func(int, int) { uploads++ })
	require.NoError(t, err)
	require.Zero(t, uploads)
	issue := map[string]string{"to": "archives/clerk", "amount": "100"}
	_, err = c.Call(ctx, admin, "asset-go", "issue", issue)
	require.NoError(t, err)
	balance := func() string {
		out, err := c.Query(ctx, nil, "asset-go", "getBalance", map[string]string{"owner": "archives/clerk"})
		require.NoError(t, err)
		return string(out.Result)
	}
	had := balance()
	require.Contains(t, had, `"100"`)
	others()

	// Upgraded: its own rows stay too.
	_, err = c.Upgrade(ctx, admin, two, nil, nil)
	require.NoError(t, err)
	require.Equal(t, had, balance())
	_, err = c.Upgrade(ctx, admin, one, nil, nil)
	require.Equal(t, types.CodePackageInvalid, types.CodeOf(err), "a downgrade")
	others()

	// Removed: refuses calls, keeps its rows for proofs.
	_, err = c.SetContractStatus(ctx, admin, "revoke", "asset-go", "end of the drill")
	require.NoError(t, err)
	_, err = c.Call(ctx, admin, "asset-go", "issue", issue)
	require.Equal(t, types.CodeContractFrozen, types.CodeOf(err))
	rows, err := c.States(ctx, "asset-go", nil, nil, 10)
	require.NoError(t, err)
	require.NotEmpty(t, rows.Items)
	others()
	n.settle()
	n.sameHeaders(0, 1, 2, 3)
}

// signsPackages signs packages with another key than everything else.
type signsPackages struct {
	crypto.Signer
	packages crypto.Signer
}

// Sign implements crypto.Signer.
func (s signsPackages) Sign(msg []byte) ([]byte, error) {
	if bytes.HasPrefix(msg, []byte(chain.PackagePurpose)) {
		return s.packages.Sign(msg)
	}
	return s.Signer.Sign(msg)
}
