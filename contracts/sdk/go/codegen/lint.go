package codegen

import (
	"go/ast"
	"go/token"
	"go/types"
	"strconv"
	"strings"
)

// allowedImports are what a contract may import beside the SDK: packages without
// clock, randomness, input and output, or reflection, that keep the code small.
var allowedImports = map[string]bool{
	"bytes": true, "cmp": true, "errors": true, "iter": true, "math/bits": true, "slices": true, "sort": true,
	"strconv": true, "strings": true, "unicode": true, "unicode/utf8": true,
}

// Lint refuses what contracts must not use: imports other than the SDK and a few pure
// packages, floats, ranging over maps, goroutines, channels and select. Errors name
// file and line.
func Lint(dir string) error {
	s, err := load(dir)
	if err != nil {
		return err
	}
	return s.lint()
}

func (s *source) lint() error {
	for _, f := range s.pkg.Syntax {
		for _, imp := range f.Imports {
			path, err := strconv.Unquote(imp.Path.Value)
			if err != nil || !allowedImports[path] && !strings.HasPrefix(path, sdkPath) {
				return s.errorAt(imp.Pos(), "contracts do not import %s", path)
			}
		}
		var found error
		ast.Inspect(f, func(n ast.Node) bool {
			if found == nil {
				found = s.lintNode(n)
			}
			return found == nil
		})
		if found != nil {
			return found
		}
	}
	return nil
}

func (s *source) lintNode(n ast.Node) error {
	switch x := n.(type) {
	case *ast.GoStmt:
		return s.errorAt(x.Pos(), "contracts start no goroutines")
	case *ast.SelectStmt, *ast.SendStmt:
		return s.errorAt(n.Pos(), "contracts use no channels")
	case *ast.RangeStmt:
		if t := s.pkg.TypesInfo.TypeOf(x.X); t != nil {
			if _, ok := t.Underlying().(*types.Map); ok {
				return s.errorAt(x.Pos(), "the order of a map is not the same on all nodes: range over a slice")
			}
		}
	case *ast.BasicLit:
		if x.Kind == token.FLOAT || x.Kind == token.IMAG {
			return s.errorAt(x.Pos(), "contracts use no floats")
		}
	case *ast.Ident:
		if v, ok := s.pkg.TypesInfo.Defs[x].(*types.Var); ok && isFloat(v.Type()) {
			return s.errorAt(x.Pos(), "contracts use no floats: %s", x.Name)
		}
	}
	return nil
}

func isFloat(t types.Type) bool {
	b, ok := t.Underlying().(*types.Basic)
	return ok && b.Info()&(types.IsFloat|types.IsComplex) != 0
}
