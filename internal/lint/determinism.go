package lint

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"
)

// AllowDirective permits, on its own line or the line below it, what determinism
// forbids: "//lint:deterministic <reason>". The reason says why the order, clock or
// value cannot reach a block's result.
const AllowDirective = "//lint:deterministic"

// minReasonBytes keeps reasons from being a word.
const minReasonBytes = 12

// clockNames are what a package may not use of package time; durations are fine.
var clockNames = []string{"Now", "Since", "Until", "After", "AfterFunc", "Sleep", "Tick", "NewTicker", "NewTimer", "Local"}

// hostNames are what differs between hosts, by package.
var hostNames = map[string][]string{
	"runtime": {"NumCPU", "NumGoroutine", "GOMAXPROCS", "GOOS", "GOARCH", "ReadMemStats"},
	"os":      {"Getenv", "LookupEnv", "Environ", "Hostname", "Getpid", "Args"},
	"maps":    {"Keys", "Values", "All"},
}

var randomPackages = []string{"math/rand", "math/rand/v2", "crypto/rand", "hash/maphash"}

// determinism finds what may make two validators disagree: ranging over maps, floats,
// clocks, randomness, goroutines, select. It needs type information.
type determinism struct {
	fset  *token.FileSet
	info  *types.Info
	found []string
	allow map[string]map[int]*allowance // file, line of the directive
	// parents of the node at hand, outermost first
	stack []ast.Node
}

type allowance struct {
	pos    token.Position
	reason string
	used   bool
}

func checkDeterminism(fset *token.FileSet, files []*ast.File, info *types.Info) []string {
	d := &determinism{fset: fset, info: info, allow: map[string]map[int]*allowance{}}
	for _, f := range files {
		d.directives(f)
	}
	for _, f := range files {
		ast.Inspect(f, d.visit)
	}
	for _, lines := range d.allow {
		for _, a := range lines {
			switch {
			case len(a.reason) < minReasonBytes:
				d.found = append(d.found, fmt.Sprintf("%s: %s needs a reason", a.pos, AllowDirective))
			case !a.used:
				d.found = append(d.found, fmt.Sprintf("%s: %s permits nothing; remove it", a.pos, AllowDirective))
			}
		}
	}
	slices.Sort(d.found)
	return d.found
}

func (d *determinism) directives(f *ast.File) {
	for _, group := range f.Comments {
		for _, c := range group.List {
			rest, ok := strings.CutPrefix(c.Text, AllowDirective)
			if !ok {
				continue
			}
			pos := d.fset.Position(c.Pos())
			if d.allow[pos.Filename] == nil {
				d.allow[pos.Filename] = map[int]*allowance{}
			}
			d.allow[pos.Filename][pos.Line] = &allowance{pos: pos, reason: strings.TrimSpace(rest)}
		}
	}
}

func (d *determinism) report(pos token.Pos, format string, args ...any) {
	p := d.fset.Position(pos)
	for _, line := range []int{p.Line, p.Line - 1} {
		if a := d.allow[p.Filename][line]; a != nil {
			a.used = true
			return
		}
	}
	d.found = append(d.found, fmt.Sprintf("%s: %s", p, fmt.Sprintf(format, args...)))
}

func (d *determinism) visit(n ast.Node) bool {
	if n == nil {
		d.stack = d.stack[:len(d.stack)-1]
		return true
	}
	switch x := n.(type) {
	case *ast.RangeStmt:
		if _, ok := d.info.TypeOf(x.X).Underlying().(*types.Map); ok {
			d.report(x.Pos(), "ranges over a map, whose order differs between runs: sort the keys")
		}
	case *ast.GoStmt:
		d.report(x.Pos(), "starts a goroutine: nothing may depend on who finishes first")
	case *ast.SelectStmt:
		if len(x.Body.List) > 1 {
			d.report(x.Pos(), "select takes a ready case at random")
		}
	case *ast.ImportSpec:
		if path := strings.Trim(x.Path.Value, `"`); slices.Contains(randomPackages, path) {
			d.report(x.Pos(), "imports %s: randomness differs between validators", path)
		}
	case *ast.SelectorExpr:
		d.selector(x)
	case ast.Expr:
		d.float(x)
	}
	d.stack = append(d.stack, n)
	return true
}

func (d *determinism) selector(x *ast.SelectorExpr) {
	obj := d.info.Uses[x.Sel]
	if obj == nil || obj.Pkg() == nil || obj.Parent() != obj.Pkg().Scope() {
		if fn, ok := obj.(*types.Func); ok && fn.FullName() == "(*sync.Map).Range" {
			d.report(x.Pos(), "ranges over a sync.Map in no order")
		}
		return
	}
	path, name := obj.Pkg().Path(), obj.Name()
	switch {
	case path == "time" && slices.Contains(clockNames, name):
		d.report(x.Pos(), "uses time.%s: block time is the only clock", name)
	case path == "maps" && d.sorted():
	case slices.Contains(hostNames[path], name):
		d.report(x.Pos(), "uses %s.%s, which differs between hosts or runs", path, name)
	}
}

// sorted reports whether the node at hand is called within slices.Sorted….
func (d *determinism) sorted() bool {
	if len(d.stack) < 2 {
		return false
	}
	call, ok := d.stack[len(d.stack)-2].(*ast.CallExpr)
	if !ok {
		return false
	}
	fun, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	obj := d.info.Uses[fun.Sel]
	return obj != nil && obj.Pkg() != nil && obj.Pkg().Path() == "slices" && strings.HasPrefix(obj.Name(), "Sorted")
}

// float reports names and operations of floating-point type. Constants that become
// integers are exact and fine.
func (d *determinism) float(x ast.Expr) {
	switch x.(type) {
	case *ast.Ident, *ast.BinaryExpr, *ast.BasicLit, *ast.CallExpr:
	default:
		return
	}
	if id, ok := x.(*ast.Ident); ok {
		if _, isVar := d.info.Defs[id].(*types.Var); !isVar && d.info.Uses[id] == nil {
			return
		}
	}
	typ := d.info.TypeOf(x)
	if typ == nil {
		return
	}
	basic, ok := typ.Underlying().(*types.Basic)
	if ok && basic.Info()&(types.IsFloat|types.IsComplex) != 0 && basic.Info()&types.IsUntyped == 0 {
		d.report(x.Pos(), "is of type %s: floats round differently between processors", typ)
	}
}
