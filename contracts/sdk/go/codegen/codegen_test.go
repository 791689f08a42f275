package codegen

import (
	"flag"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/contracts/bundle"
)

var rewrite = flag.Bool("rewrite", false, "write the generated files of alltypes")

func TestAllTypesDoNotDrift(t *testing.T) {
	out, err := Generate("alltypes")
	require.NoError(t, err)
	if *rewrite {
		require.NoError(t, out.Write("alltypes"))
	}
	require.NoError(t, out.Drift("alltypes"))
	require.Error(t, out.Drift(t.TempDir()))
	again, err := Generate("alltypes")
	require.NoError(t, err)
	require.Equal(t, out, again)
	s, err := bundle.ParseSchema(out.Schema)
	require.NoError(t, err)
	require.Equal(t, []string{"blue", "red"}, s.Defs["Colour"].Enum)
	require.Equal(t, "uint64", s.Defs["All"].Properties["u64"].Format)
	require.NotContains(t, s.Defs["All"].Required, "first")
	require.False(t, s.Methods["get"].Writes)
}

const head = `package main

import "github.com/huchain/huchain/contracts/sdk/go/contract"

type Args struct {
	N uint32 ` + "`json:\"n\"`" + `
}

func f(*contract.Ctx, Args) (contract.None, error) { return contract.None{}, nil }

func main() {}
`

const table = "\nvar _ = contract.Methods(contract.Call(\"f\", f))\n"

func TestRefusals(t *testing.T) {
	require.Error(t, Lint("../codec"))
	field := func(decl string) string {
		return strings.Replace(head, "\tN uint32 `json:\"n\"`", "\t"+decl, 1) + table
	}
	for _, c := range []struct{ source, want string }{
		{head, "no method table"},
		{head + table + table, "a second method table"},
		{head + table + "var x int = \"a\"\n", "contract.go:14:13: cannot use"},
		{head + "\nvar _ = contract.Methods(contract.Call(\"f\", f), contract.Call(\"f\", f))\n", "method f is declared twice"},
		{head + table + "\nfunc g() { contract.NewError(\"x\") }\n", "NewError belongs into a package variable"},
		{head + table + "\nvar name = \"x\"\nvar e = contract.NewError(name)\n", "a constant string belongs here"},
		{field("N int `json:\"n\"`"), "no JSON form"},
		{field("N float64 `json:\"n\"`"), "contracts use no floats"},
		{field("N map[string]string `json:\"n\"`"), "no JSON form"},
		{field("N any `json:\"n\"`"), "no JSON form"},
		{field("n uint32 `json:\"n\"`"), "fields of records are exported"},
		{field("N uint32"), "needs a json tag in camelCase"},
		{field("N uint32 `json:\"N\"`"), "needs a json tag in camelCase"},
		{field("N uint32 `json:\"n,string\"`"), "the only option of a json tag is omitempty"},
		{field("N *uint32 `json:\"n\"`"), "a pointer stands for an optional value"},
		{field("A uint32 `json:\"n\"`\n\tB uint32 `json:\"n\"`"), "the json name occurs twice"},
		{field("N struct{} `json:\"n\"`"), "structs in JSON are named types"},
		{strings.Replace(head, "import ", "import \"time\"\nimport ", 1) + table + "var _ = time.Now\n", "contracts do not import time"},
		{strings.Replace(head, "import ", "import \"fmt\"\nimport ", 1) + table + "var _ = fmt.Sprint\n", "contracts do not import fmt"},
		{head + table + "func g() { go main() }\n", "contracts start no goroutines"},
		{head + table + "func g(m map[string]bool) { for range m { main() } }\n", "the order of a map"},
		{head + table + "func g(c chan bool) { c <- true }\n", "contracts use no channels"},
		{head + table + "func g() uint32 { return uint32(1.5 * 2) }\n", "contracts use no floats"},
	} {
		src, err := loadWith("alltypes", map[string][]byte{"contract.go": []byte(c.source)})
		if err == nil {
			_, err = generate(src)
		}
		require.ErrorContains(t, err, c.want, c.source)
	}
}
