package lint

import (
	"go/ast"
	"go/build"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/tools/go/packages"
)

// consensusPath is the code whose every result validators must agree on.
var consensusPath = []string{"chain", "vm", "ledger/state", "ledger/proof", "types", "contracts/bundle"}

// TestDeterminism holds the consensus path to what docs/rationale.md says of it.
func TestDeterminism(t *testing.T) {
	cfg := &packages.Config{
		Dir:  root,
		Mode: packages.NeedName | packages.NeedFiles | packages.NeedSyntax | packages.NeedTypes | packages.NeedTypesInfo | packages.NeedImports,
	}
	pkgs, err := packages.Load(cfg, "./...")
	require.NoError(t, err)
	checked := 0
	for _, p := range pkgs {
		dir := strings.TrimPrefix(p.PkgPath, module+"/")
		for _, top := range consensusPath {
			if below(dir, top) && !testSupport(dir) {
				require.Empty(t, p.Errors, "%s", p.PkgPath)
				report(t, checkDeterminism(p.Fset, p.Syntax, p.TypesInfo))
				checked++
				break
			}
		}
	}
	require.Positive(t, checked)
}

func TestDeterminismCatches(t *testing.T) {
	goroot, err := exec.Command("go", "env", "GOROOT").Output()
	require.NoError(t, err)
	build.Default.GOROOT = strings.TrimSpace(string(goroot)) // a test compiled with -trimpath does not know it
	imp := importer.ForCompiler(token.NewFileSet(), "source", nil)
	check := func(body string) []string {
		t.Helper()
		var imports strings.Builder
		for _, p := range []string{"time", "maps", "slices", "sync", "math/rand", "runtime"} {
			name := p[strings.LastIndexByte(p, '/')+1:]
			if regexp.MustCompile(`\b` + name + `\.`).MatchString(body) {
				imports.WriteString("import \"" + p + "\"\n")
			}
		}
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, "x.go", "package x\n"+imports.String()+"func f(m map[string]int, a, b chan int) {\n"+body+"\n}\n", parser.ParseComments)
		require.NoError(t, err)
		info := &types.Info{Types: map[ast.Expr]types.TypeAndValue{}, Uses: map[*ast.Ident]types.Object{}, Defs: map[*ast.Ident]types.Object{}}
		conf := types.Config{Importer: imp}
		_, err = conf.Check("x", fset, []*ast.File{file}, info)
		require.NoError(t, err, body)
		return checkDeterminism(fset, []*ast.File{file}, info)
	}
	for _, bad := range []string{
		"for range m {}",
		"for k := range m { _ = k }",
		"type set map[int]bool; for range (set{}) {}",
		"go f(nil, nil, nil)",
		"select { case <-a: case <-b: }",
		"_ = time.Now()",
		"time.Sleep(1)",
		"var s sync.Map; s.Range(func(any, any) bool { return true })",
		"_ = rand.Int()",
		"for range maps.Keys(m) {}",
		"_ = slices.Collect(maps.Keys(m))",
		"_ = runtime.NumCPU()",
		"var x float64; _ = x",
		"_ = float32(len(m)) * 2",
		"x := 1.5; _ = x",
		"_ = time.Duration(1).Seconds()",
		"//lint:deterministic\nfor range m {}",
		"//lint:deterministic short\nfor range m {}",
		"//lint:deterministic nothing is here that needs it\n_ = m",
		"//lint:deterministic two lines above the loop is too far away\n\nfor range m {}",
	} {
		require.NotEmpty(t, check(bad), bad)
	}
	for _, good := range []string{
		"for range []int{1} {}",
		"for range 3 {}",
		"_ = slices.Sorted(maps.Keys(m))",
		"_ = time.Duration(1.5 * 4) * time.Second",
		"select { case <-a: }",
		"_ = m[\"x\"]; delete(m, \"x\"); clear(m)",
		"//lint:deterministic only counts, order cannot matter\nfor range m {}",
		"for range m { //lint:deterministic only counts, order cannot matter\n}",
	} {
		require.Empty(t, check(good), good)
	}
}
