package chain_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/chain"
	"github.com/huchain/huchain/contracts/bundle"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/vm/host"
)

// large makes a package of several parts.
func large(t *testing.T, b *bed, version string) []byte {
	code := make([]byte, 200<<10)
	rng := rand.NewChaCha8([32]byte(crypto.Sum([]byte(version))))
	_, _ = rng.Read(code) // never fails
	b.vm.Register(code, counterCode(version))
	m := &bundle.Manifest{Bundle: bundle.Format, Name: "large", Version: version, Language: "go", Methods: []bundle.Method{{Name: "getVersion", Allow: "public"}}}
	raw, err := bundle.Pack(m, []byte("bundle: 1\n"), []byte("{}"), code)
	require.NoError(t, err)
	return raw
}

// uploadRows counts what uploads and staged packages leave in the state.
func (b *bed) uploadRows() int {
	n := 0
	for _, prefix := range []string{"open/", "upload/", "staged/", "package/"} {
		end := []byte(strings.TrimSuffix(prefix, "/") + "0")
		require.NoError(b.t, b.st.Scan(chain.NSContracts, []byte(prefix), end, func(_, _ []byte) bool { n++; return true }))
	}
	return n
}

// An upload goes on where it was interrupted; a wrong part is refused when it comes; what
// was staged needs no second upload.
// covers: T.01
func TestUploadResumes(t *testing.T) {
	b := newBed(t)
	raw := large(t, b, "1.0.0")
	pkg := crypto.Sum(raw)
	begin, parts := announce(raw)
	require.Greater(t, len(parts), 3)
	missing := func() (out struct {
		Missing []int `json:"missing"`
		Staged  bool  `json:"staged"`
	}) {
		require.NoError(t, json.Unmarshal(b.must(b.call(b.admin, "contracts", "begin", begin)).Result, &out))
		return out
	}
	b.refused(types.CodePermissionDenied, b.call(b.clerk, "contracts", "begin", begin))
	b.refused(types.CodeNotFound, b.call(b.admin, "contracts", "upload", partArgs(pkg, 0, parts[0])))
	require.Equal(t, []int{0, 1, 2, 3}, missing().Missing[:4])
	b.must(b.call(b.admin, "contracts", "upload", partArgs(pkg, 2, parts[2])))
	b.must(b.call(b.admin, "contracts", "upload", partArgs(pkg, 0, parts[0])))
	require.Equal(t, []int{1, 3}, missing().Missing[:2], "after an interruption")

	altered := bytes.Clone(parts[1])
	altered[7] ^= 1
	for n, data := range map[int][]byte{1: altered, 3: parts[1], 99: parts[1], -1: parts[1]} {
		code := types.CodePackageInvalid
		if n < 0 || n > len(parts) {
			code = types.CodeBadArguments
		}
		b.refused(code, b.call(b.admin, "contracts", "upload", partArgs(pkg, n, data)))
	}
	b.refused(types.CodePackageInvalid, b.call(b.admin, "contracts", "upload", partArgs(pkg, 1, parts[1][:100])))
	b.refused(types.CodePackageInvalid, b.call(b.admin, "contracts", "stage", b.stageArgs(b.admin, raw)))
	for n := range parts {
		b.must(b.call(b.admin, "contracts", "upload", partArgs(pkg, n, parts[n])))
	}
	b.must(b.call(b.admin, "contracts", "stage", b.stageArgs(b.admin, raw)))
	require.True(t, missing().Staged)
	b.must(b.call(b.admin, "contracts", "create", fmt.Sprintf(`{"package":%q}`, pkg)))

	// Announcements that cannot be.
	for _, args := range []string{
		fmt.Sprintf(`{"package":%q,"bytes":0,"parts":[]}`, pkg),
		fmt.Sprintf(`{"package":%q,"bytes":100,"parts":[%q,%q]}`, pkg, pkg, pkg),
		fmt.Sprintf(`{"package":%q,"bytes":9000000,"parts":[%q]}`, pkg, pkg),
	} {
		b.refused(types.CodeBadArguments, b.call(b.admin, "contracts", "begin", args))
	}
	genesis := b.w.Genesis.Bundles[0].Package
	b.refused(types.CodeAlreadyExists, b.call(b.admin, "contracts", "begin", fmt.Sprintf(`{"package":%q,"bytes":1,"parts":[%q]}`, genesis, pkg)))

	// Parts that are those announced, of a package that is not.
	other := crypto.Sum([]byte("another package"))
	lie := strings.Replace(begin, pkg.String(), other.String(), 1)
	b.must(b.call(b.admin, "contracts", "begin", lie))
	for n := range parts {
		b.must(b.call(b.admin, "contracts", "upload", partArgs(other, n, parts[n])))
	}
	sig, err := b.admin.Key.Sign(chain.PackageSignBytes(other))
	require.NoError(t, err)
	args, err := json.Marshal(map[string]any{"package": other, "signature": sig})
	require.NoError(t, err)
	b.refused(types.CodePackageInvalid, b.call(b.admin, "contracts", "stage", string(args)))
	before := b.uploadRows()
	b.refused(types.CodePermissionDenied, b.call(b.clerk, "contracts", "abort", fmt.Sprintf(`{"package":%q}`, other)))
	b.must(b.call(b.admin, "contracts", "abort", fmt.Sprintf(`{"package":%q}`, other)))
	require.Equal(t, before-len(parts)-1, b.uploadRows(), "nothing of it is left")
}

// Abandoned uploads and packages that nobody installs are bounded and cleaned away.
func TestAbandonedUploads(t *testing.T) {
	b := newBed(t)
	clean := b.uploadRows()
	one := func(n int) error {
		raw := []byte(fmt.Sprintf("upload %d", n))
		begin, parts := announce(raw)
		r := b.run(b.call(b.admin, "contracts", "begin", begin)).Receipts[0]
		if !r.OK() {
			return &types.Error{Code: r.Code}
		}
		b.must(b.call(b.admin, "contracts", "upload", partArgs(crypto.Sum(raw), 0, parts[0])))
		return nil
	}
	for n := range 4 {
		require.NoError(t, one(n))
	}
	require.Equal(t, types.CodeLimitExceeded, types.CodeOf(one(4)), "a fifth upload of one member")
	require.NoError(t, one(3), "the same again is no other")
	require.Equal(t, clean+8, b.uploadRows())
	b.now = b.now.Add(59 * time.Minute)
	require.Equal(t, types.CodeLimitExceeded, types.CodeOf(one(4)))
	b.now = b.now.Add(2 * time.Minute)
	require.NoError(t, one(4), "an hour later the four are abandoned")
	require.Equal(t, clean+2, b.uploadRows())
	b.must(b.call(b.admin, "contracts", "abort", fmt.Sprintf(`{"package":%q}`, crypto.Sum([]byte("upload 4")))))
	require.Equal(t, clean, b.uploadRows())

	// Staged packages: those installed stay, the others go after a day.
	kept := pack(t, b, "1.0.0", "go")
	b.must(b.call(b.admin, "contracts", "stage", b.upload(b.admin, kept)))
	b.must(b.call(b.admin, "contracts", "create", fmt.Sprintf(`{"package":%q}`, crypto.Sum(kept))))
	installed := b.uploadRows()
	for n := range 16 {
		raw := pack(t, b, fmt.Sprintf("2.%d.0", n), "go")
		b.must(b.call(b.admin, "contracts", "stage", b.upload(b.admin, raw)))
	}
	full := b.uploadRows()
	last := pack(t, b, "3.0.0", "go")
	stage := b.upload(b.admin, last)
	b.refused(types.CodeLimitExceeded, b.call(b.admin, "contracts", "stage", stage))
	b.now = b.now.Add(24*time.Hour + time.Minute)
	stage = b.upload(b.admin, last)
	b.must(b.call(b.admin, "contracts", "stage", stage))
	require.Equal(t, full-4*2+2, b.uploadRows(), "each call cleans four away")
	for n := range 3 {
		b.must(b.call(b.admin, "contracts", "stage", b.upload(b.admin, pack(t, b, fmt.Sprintf("4.%d.0", n), "go"))))
	}
	require.Equal(t, installed+4*2, b.uploadRows())
	b.must(b.call(b.clerk, "counter", "add", `{}`))
	_, err := b.c.Package(b.st, b.record("counter"))
	require.NoError(t, err, "the package of an installed contract stays")
}

func (b *bed) record(name string) *chain.ContractRecord {
	r, found, err := b.c.Contract(b.st, name)
	require.NoError(b.t, err)
	require.True(b.t, found)
	return r
}

// Governance changes a contract's parameters: its init judges them, its state stays.
func TestConfigure(t *testing.T) {
	b := newBed(t)
	code := []byte("limited contract")
	b.vm.Register(code, func(env host.Env, args []byte) ([]byte, error) {
		if env.Info().Method == "init" {
			var in struct{ Max int }
			if json.Unmarshal(args, &in) != nil || in.Max < 1 {
				return nil, &host.Failure{Name: "bad_limit"}
			}
			return nil, env.Put([]byte("max"), args)
		}
		v, _, err := env.Get([]byte("max"))
		return v, err
	})
	m := &bundle.Manifest{Bundle: bundle.Format, Name: "limited", Version: "1.0.0", Language: "go", Init: true, Params: []byte(`{"max":3}`),
		Methods: []bundle.Method{{Name: "getMax", Allow: "public"}}}
	raw, err := bundle.Pack(m, []byte("bundle: 1\n"), []byte("{}"), code)
	require.NoError(t, err)
	b.must(b.call(b.admin, "contracts", "stage", b.upload(b.admin, raw)))
	b.must(b.call(b.admin, "contracts", "create", fmt.Sprintf(`{"package":%q}`, crypto.Sum(raw))))
	limit := func() string {
		out, _, err := b.c.Query(context.Background(), b.st, &chain.Query{Contract: "limited", Method: "getMax"}, b.height, b.now.UnixNano())
		require.NoError(t, err)
		return string(out)
	}
	require.Equal(t, `{"max":3}`, limit())
	set := func(params string) string { return `{"name":"limited","params":` + params + `}` }
	b.refused(types.CodePermissionDenied, b.call(b.clerk, "contracts", "configure", set(`{"max":5}`)))
	b.refused(types.CodeContractError, b.call(b.admin, "contracts", "configure", set(`{"max":0}`)))
	b.refused(types.CodeBadArguments, b.call(b.admin, "contracts", "configure", set(`7`)))
	b.refused(types.CodeUnknownContract, b.call(b.admin, "contracts", "configure", `{"name":"nobody","params":{}}`))
	b.refused(types.CodeBadArguments, b.call(b.admin, "contracts", "configure", `{"name":"notebook","params":{}}`))
	require.Equal(t, `{"max":3}`, limit())
	require.JSONEq(t, `{"max":3}`, string(b.record("limited").Params))
	b.must(b.call(b.admin, "contracts", "configure", set(`{"max":5}`)))
	require.Equal(t, `{"max":5}`, limit())
	require.JSONEq(t, `{"max":5}`, string(b.record("limited").Params))
}

// A contract that others use is not taken away from them: neither revoked nor replaced by
// another major version; a circle of users is refused.
func TestContractInUse(t *testing.T) {
	b := newBed(t)
	install := func(method, name, version string, uses ...string) types.Receipt {
		code := []byte(name + version)
		b.vm.Register(code, counterCode(version))
		m := &bundle.Manifest{Bundle: bundle.Format, Name: name, Version: version, Language: "go", Uses: uses,
			Methods: []bundle.Method{{Name: "add", Writes: true, Allow: "ANY role:client"}}}
		raw, err := bundle.Pack(m, []byte("bundle: 1\n"), []byte("{}"), code)
		require.NoError(t, err)
		b.must(b.call(b.admin, "contracts", "stage", b.upload(b.admin, raw)))
		return b.run(b.call(b.admin, "contracts", method, fmt.Sprintf(`{"package":%q}`, crypto.Sum(raw)))).Receipts[0]
	}
	require.Equal(t, types.CodeOK, install("create", "lower", "1.0.0").Code)
	require.Equal(t, types.CodePackageInvalid, install("create", "early", "1.0.0", "absent@1").Code)
	require.Equal(t, types.CodeOK, install("create", "upper", "1.0.0", "lower@1").Code)
	require.Equal(t, types.CodePackageInvalid, install("upgrade", "lower", "1.1.0", "upper@1").Code, "a circle")
	require.Equal(t, types.CodeContractInUse, install("upgrade", "lower", "2.0.0").Code)
	require.Equal(t, types.CodeOK, install("upgrade", "lower", "1.2.0").Code)
	b.refused(types.CodeContractInUse, b.call(b.admin, "contracts", "revoke", `{"name":"lower"}`))
	b.must(b.call(b.clerk, "upper", "add", `{}`))
	b.must(b.call(b.admin, "contracts", "revoke", `{"name":"upper"}`))
	b.must(b.call(b.admin, "contracts", "revoke", `{"name":"lower"}`))
}
