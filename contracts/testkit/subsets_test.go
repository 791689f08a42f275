package testkit

import (
	"bytes"
	"fmt"
	"math/bits"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/contracts/build"
	"github.com/huchain/huchain/contracts/bundle"
)

// tenant is a bundle that shares a chain with others.
type tenant struct {
	name      string
	one, two  []byte // its package, and the same at a higher version
	uses      string // the tenant it calls
	before    []SampleRow
	afterward []SampleRow // sent once everything was upgraded
}

// fewRows are sample rows of bundles that have no sample file.
var fewRows = map[string][2]string{
	"asset-go": {`{"member":"bank/treasurer","roles":["admin"],"method":"issue","args":{"to":"bank/payer","amount":"100"}}`,
		`{"member":"bank/payer","method":"transfer","args":{"to":"court/payee","amount":"30"}}`},
	"permit": {`{"member":"builder/director","roles":["admin"],"method":"register","args":{"name":"申城建设有限公司"}}`,
		`{"member":"builder/applicant","method":"addSite","args":{"site":"s-1","address":"浦东新区世纪大道 1 号"}}`},
	"trial": {`{"member":"city/buyer","method":"slip","args":{"payment":"p-1","to":"court/shop","amount":"1"}}`,
		`{"member":"city/buyer","method":"slip","args":{"payment":"p-2","to":"court/shop","amount":"1"}}`},
}

// tenants builds the base bundles and the samples.
func tenants(t *testing.T, native *Native) []*tenant {
	tmp := t.TempDir()
	var out []*tenant
	for _, dir := range []string{"base/evidence", "base/identity", "base/supervision", "samples/asset-go", "samples/permit", "samples/trial"} {
		dir = filepath.Join(root, filepath.FromSlash(dir))
		p := build.DefaultParams()
		p.Write = false
		made, err := build.Build(t.Context(), dir, p)
		require.NoError(t, err)
		program := filepath.Join(tmp, made.CodeHash.String())
		require.NoError(t, build.Native(t.Context(), dir, program))
		native.Add(made.CodeHash, program)
		spec, err := readSpec(dir)
		require.NoError(t, err)
		x := &tenant{name: spec.Name, one: made.Package, two: laterVersion(t, dir, made.Code)}
		for _, use := range spec.Uses {
			x.uses, _ = cutUse(use)
		}
		if few, ok := fewRows[x.name]; ok {
			x.before, x.afterward = sampleRows(t, few[0]), sampleRows(t, few[1])
		} else {
			rows, err := ReadSample(filepath.Join(dir, "testdata", SampleFile))
			require.NoError(t, err)
			x.before, x.afterward = rows[:len(rows)/2], rows[len(rows)/2:]
		}
		out = append(out, x)
	}
	return out
}

func sampleRows(t *testing.T, text string) []SampleRow {
	file := filepath.Join(t.TempDir(), SampleFile)
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	rows, err := ReadSample(file)
	require.NoError(t, err)
	return rows
}

// laterVersion is the bundle's package as version 1.1.0, with the same code.
func laterVersion(t *testing.T, dir string, code []byte) []byte {
	tmp := t.TempDir()
	for _, file := range []string{bundle.YAMLFile, bundle.SchemaFile} {
		raw, err := os.ReadFile(filepath.Join(dir, file))
		require.NoError(t, err)
		raw = bytes.Replace(raw, []byte("version: 1.0.0"), []byte("version: 1.1.0"), 1)
		require.NoError(t, os.WriteFile(filepath.Join(tmp, file), raw, 0o600))
	}
	pkg, err := bundle.Build(tmp, code)
	require.NoError(t, err)
	return pkg
}

// Whichever bundles share a chain, each is installed at its founding or later, serves its
// calls, is upgraded and removed, and the others' rows and calls notice nothing. A bundle
// whose callee is missing, and one that others still call, are refused.
// covers: T.01
func TestAnySubset(t *testing.T) {
	t.Parallel()
	native := NewNative()
	defer native.Close()
	all := tenants(t, native)
	step := 1
	if testing.Short() {
		step = 13
	}
	played := 0
	for set := 1; set < 1<<len(all); set += step {
		var some []*tenant
		var names []string
		for i, x := range all {
			if set&(1<<i) != 0 {
				some = append(some, x)
				names = append(names, x.name)
			}
		}
		if slices.ContainsFunc(some, func(x *tenant) bool { return x.uses != "" && !slices.Contains(names, x.uses) }) {
			continue
		}
		played++
		t.Run(strings.Join(names, "+"), func(t *testing.T) {
			neighbours{t, some, foundTogether(t, native, some, bits.OnesCount(uint(set))%2)}.live()
		})
	}
	require.Greater(t, played, 40/step)
}

// foundTogether founds a chain with all but the last so many bundles.
func foundTogether(t *testing.T, native *Native, some []*tenant, later int) *Chain {
	p := DefaultParams()
	for _, x := range some {
		for _, r := range slices.Concat(x.before, x.afterward) {
			if org := r.Member.Org(); !slices.Contains(p.Orgs, org) {
				p.Orgs = append(p.Orgs, org)
			}
		}
	}
	p.Lanes = []Lane{{"native", native}}
	p.Extra = map[string][]byte{}
	for i, x := range some {
		if p.Extra[x.name] = x.one; i < len(some)-later {
			p.Packages = append(p.Packages, x.one)
		}
	}
	c, err := New(t.Context(), p)
	require.NoError(t, err)
	for _, x := range some[len(some)-later:] {
		out, err := c.Deploy(t.Context(), "archives/"+adminName, x.name)
		require.NoError(t, err)
		require.Empty(t, out.Code, "%s: %s", x.name, out.Detail)
	}
	return c
}

// neighbours are bundles on one chain.
type neighbours struct {
	t    *testing.T
	some []*tenant
	c    *Chain
}

// rows are all rows of a contract.
func (n neighbours) rows(name string) string {
	keys, err := n.c.Rows(name)
	require.NoError(n.t, err)
	var b strings.Builder
	for _, k := range keys {
		v, _, err := n.c.Row(name, []byte(k))
		require.NoError(n.t, err)
		fmt.Fprintf(&b, "%q %s\n", k, v)
	}
	return b.String()
}

// untouched runs do and requires that it changed no row of any contract.
func (n neighbours) untouched(do func() *Outcome) {
	n.t.Helper()
	before := map[string]string{}
	for _, x := range n.some {
		before[x.name] = n.rows(x.name)
	}
	out := do()
	require.Empty(n.t, out.Code, out.Detail)
	for _, x := range n.some {
		require.Equal(n.t, before[x.name], n.rows(x.name), x.name)
	}
}

func (n neighbours) live() {
	ctx, admin := n.t.Context(), "archives/"+adminName
	for _, x := range n.some {
		require.NoError(n.t, PlaySample(ctx, n.c, x.name, x.before), x.name)
		require.NotEmpty(n.t, n.rows(x.name))
	}
	for _, x := range n.some {
		n.untouched(func() *Outcome {
			out, err := n.c.install(ctx, admin, "upgrade", x.two)
			require.NoError(n.t, err)
			return out
		})
	}
	for _, x := range n.some {
		require.NoError(n.t, PlaySample(ctx, n.c, x.name, x.afterward), x.name)
	}
	revoke := func(name string) *Outcome {
		out, err := n.c.native(ctx, admin, "revoke", map[string]any{"name": name, "reason": "end"})
		require.NoError(n.t, err)
		return out
	}
	for len(n.some) > 0 {
		last := n.some[len(n.some)-1]
		if last.uses != "" {
			require.NotEmpty(n.t, revoke(last.uses).Code, "%s is still called", last.uses)
		}
		n.untouched(func() *Outcome { return revoke(last.name) })
		out, err := n.c.Call(ctx, string(last.before[0].Member), last.name, last.before[0].Method, "{}")
		require.NoError(n.t, err)
		require.Equal(n.t, "HC-3104", out.Code)
		n.some = n.some[:len(n.some)-1]
		for _, x := range n.some { // the others still look at what they are sent
			out, err := n.c.Call(ctx, string(x.before[0].Member), x.name, x.before[0].Method, "{}")
			require.NoError(n.t, err)
			require.Equal(n.t, "HC-2202", out.Code, "%s %s", x.name, out.Detail)
		}
	}
}
