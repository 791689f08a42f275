package mutation

import (
	"fmt"
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"sort"
	"strings"
)

// Mutant is one planted fault.
type Mutant struct {
	ID   int    `json:"id"` // from 1; permissions count on after the code
	File string `json:"file"`
	Line int    `json:"line"`
	Kind string `json:"kind"`
	What string `json:"what"`         // what is there → what the mutant has
	Fate string `json:"fate"`         // killed or survived
	By   string `json:"by,omitempty"` // expectation that failed
}

// selectors are added to the program: sel says whether a mutant is on.
const selectors = `package main

import (
	"os"
	"strconv"
)

var mutant__, _ = strconv.Atoi(os.Getenv("` + Variable + `"))

func sel__(n int) bool { return mutant__ == n }

func zero__[T any](n int, v T) T {
	if mutant__ == n {
		var zero T
		return zero
	}
	return v
}

func either__[T any](n int, mutated, v T) T {
	if mutant__ == n {
		return mutated
	}
	return v
}

var _ = []any{sel__, zero__[int], either__[int]}
`

// Variable names the mutant to switch on.
const Variable = "HUCHAIN_MUTANT"

// planter rewrites one file by insertions that nest: each mutant wraps an expression or
// a statement, repeating at most the original text.
type planter struct {
	fset    *token.FileSet
	info    *types.Info
	pkg     *types.Package
	file    string
	src     []byte
	base    int // offset of the file in the set
	next    *int
	mutants []Mutant
	edits   []edit
	results []*types.Tuple    // of the functions around, innermost last
	headers map[ast.Stmt]bool // statements in the head of an if, a for or a switch
}

// edit inserts text at an offset. Opening text of outer nodes stands before that of
// inner ones, closing text after it; rank orders edits at one offset.
type edit struct {
	at, rank int
	text     string
}

func (p *planter) offset(pos token.Pos) int { return p.fset.Position(pos).Offset }

func (p *planter) text(n ast.Node) string { return string(p.src[p.offset(n.Pos()):p.offset(n.End())]) }

// add notes a mutant and returns its number.
func (p *planter) add(n ast.Node, kind, what string) int {
	*p.next++
	p.mutants = append(p.mutants, Mutant{ID: *p.next, File: p.file, Line: p.fset.Position(n.Pos()).Line, Kind: kind, What: oneLine(what)})
	return *p.next
}

func oneLine(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > 120 {
		s = string(r[:120]) + "…"
	}
	return s
}

// wrap inserts text around a node. Calls for outer nodes come first.
func (p *planter) wrap(n ast.Node, open, end string) {
	rank := len(p.edits) + 1
	p.edits = append(p.edits, edit{p.offset(n.Pos()), rank, open}, edit{p.offset(n.End()), -rank, end})
}

// rewritten returns the file with all mutants in it.
func (p *planter) rewritten() string {
	sort.SliceStable(p.edits, func(i, j int) bool {
		a, b := p.edits[i], p.edits[j]
		if a.at != b.at {
			return a.at < b.at
		}
		return a.rank < b.rank // closings (negative, inner first) before openings
	})
	var b strings.Builder
	last := 0
	for _, e := range p.edits {
		b.Write(p.src[last:e.at])
		b.WriteString(e.text)
		last = e.at
	}
	b.Write(p.src[last:])
	return b.String()
}

// plant visits a function.
func (p *planter) plant(fn *ast.FuncDecl) {
	obj, ok := p.info.Defs[fn.Name].(*types.Func)
	if !ok {
		return
	}
	p.results = []*types.Tuple{obj.Type().(*types.Signature).Results()}
	p.visit(fn.Body)
}

func (p *planter) visit(root ast.Node) {
	ast.Inspect(root, func(n ast.Node) bool {
		p.noteHeader(n)
		switch n := n.(type) {
		case *ast.FuncLit:
			p.results = append(p.results, p.info.TypeOf(n).(*types.Signature).Results())
			p.visit(n.Body)
			p.results = p.results[:len(p.results)-1]
			return false
		case *ast.IfStmt:
			p.condition(n.Cond, true)
		case *ast.ForStmt:
			if n.Cond != nil {
				p.condition(n.Cond, false)
			}
			if n.Post != nil { // leaving out the step gives endless loops alone
				p.visit(n.Body)
				if n.Init != nil {
					p.visit(n.Init)
				}
				if n.Cond != nil {
					p.visit(n.Cond)
				}
				return false
			}
		case *ast.RangeStmt:
			p.loop(n)
		case *ast.BinaryExpr:
			p.binary(n)
		case *ast.ExprStmt, *ast.IncDecStmt, *ast.AssignStmt:
			p.statement(n.(ast.Stmt))
		case *ast.ReturnStmt:
			p.returned(n)
		case *ast.KeyValueExpr:
			p.value(n.Value, nil)
		case *ast.CompositeLit:
			p.positional(n)
		case *ast.IndexExpr: // a type argument is no value
			if tv, ok := p.info.Types[n.Index]; ok && tv.IsType() {
				return false
			}
		}
		return true
	})
}

// noteHeader keeps the statements in the head of another from being wrapped in an if.
func (p *planter) noteHeader(n ast.Node) {
	var in []ast.Stmt
	switch n := n.(type) {
	case *ast.IfStmt:
		in = []ast.Stmt{n.Init}
	case *ast.ForStmt:
		in = []ast.Stmt{n.Init, n.Post}
	case *ast.SwitchStmt:
		in = []ast.Stmt{n.Init}
	case *ast.TypeSwitchStmt:
		in = []ast.Stmt{n.Init, n.Assign}
	case *ast.CommClause:
		in = []ast.Stmt{n.Comm}
	}
	for _, s := range in {
		if s != nil {
			p.headers[s] = true
		}
	}
}

func (p *planter) condition(e ast.Expr, always bool) {
	open, end := "(", ")"
	if always {
		n := p.add(e, "condition", p.text(e)+" → true")
		open, end = fmt.Sprintf("(sel__(%d) || ", n)+open, end+")"
	}
	n := p.add(e, "condition", p.text(e)+" → false")
	p.wrap(e, fmt.Sprintf("!sel__(%d) && ", n)+open, end)
}

func (p *planter) loop(n *ast.RangeStmt) {
	if tv := p.info.Types[n.X]; tv.Value == nil && !isFunc(tv.Type) {
		id := p.add(n.X, "loop", "range "+p.text(n.X)+" → not entered")
		p.wrap(n.X, fmt.Sprintf("zero__(%d, ", id), ")")
	}
}

func isFunc(t types.Type) bool {
	_, ok := t.Underlying().(*types.Signature)
	return ok
}

var compared = map[token.Token]token.Token{
	token.EQL: token.NEQ, token.NEQ: token.EQL, token.LSS: token.LEQ, token.LEQ: token.LSS, token.GTR: token.GEQ, token.GEQ: token.GTR,
}

var calculated = map[token.Token]token.Token{token.ADD: token.SUB, token.SUB: token.ADD, token.MUL: token.QUO, token.QUO: token.MUL, token.REM: token.MUL}

func (p *planter) binary(n *ast.BinaryExpr) {
	if tv := p.info.Types[n]; tv.Value != nil {
		return // a constant expression cannot be switched
	}
	swap := func(op token.Token) string { return p.text(n.X) + " " + op.String() + " " + p.text(n.Y) }
	if op, ok := compared[n.Op]; ok {
		id := p.add(n, "comparison", p.text(n)+" → "+swap(op))
		p.wrap(n, fmt.Sprintf("(sel__(%d) && (%s) || !sel__(%d) && (", id, swap(op), id), "))")
		p.offByOne(n.X)
		p.offByOne(n.Y)
		return
	}
	if op, ok := calculated[n.Op]; ok {
		if p.integer(n) && p.pure(n.X) && p.pure(n.Y) {
			id := p.add(n, "arithmetic", p.text(n)+" → "+swap(op))
			p.wrap(n, fmt.Sprintf("either__(%d, %s, ", id, swap(op)), ")")
			p.offByOne(n.Y)
		}
		return
	}
	switch n.Op {
	case token.LAND:
		for _, side := range []ast.Expr{n.X, n.Y} {
			id := p.add(side, "operand", p.text(n)+" → without "+p.text(side))
			p.wrap(side, fmt.Sprintf("(sel__(%d) || ", id), ")")
		}
	case token.LOR:
		for _, side := range []ast.Expr{n.X, n.Y} {
			id := p.add(side, "operand", p.text(n)+" → without "+p.text(side))
			p.wrap(side, fmt.Sprintf("(!sel__(%d) && ", id), ")")
		}
	}
}

// offByOne raises an integer constant by one.
func (p *planter) offByOne(e ast.Expr) {
	tv := p.info.Types[e]
	if tv.Value == nil || tv.Value.Kind() != constant.Int || !p.integer(e) {
		return
	}
	id := p.add(e, "comparison", p.text(e)+" → "+p.text(e)+" + 1")
	name := p.typeName(types.Default(tv.Type))
	if name == "" {
		return
	}
	p.wrap(e, fmt.Sprintf("either__[%s](%d, %s+1, ", name, id, p.text(e)), ")")
}

func (p *planter) integer(e ast.Expr) bool {
	b, ok := p.info.TypeOf(e).Underlying().(*types.Basic)
	return ok && b.Info()&types.IsInteger != 0
}

// pure reports whether evaluating e twice, or for nothing, does no harm.
func (p *planter) pure(e ast.Expr) bool {
	ok := true
	ast.Inspect(e, func(n ast.Node) bool {
		if c, is := n.(*ast.CallExpr); is {
			id, name := c.Fun.(*ast.Ident)
			if !p.info.Types[c.Fun].IsType() && !(name && (id.Name == "len" || id.Name == "min" || id.Name == "max")) {
				ok = false
			}
		}
		return ok
	})
	return ok
}

// statement leaves a statement out.
func (p *planter) statement(s ast.Stmt) {
	if p.headers[s] {
		return
	}
	switch s := s.(type) {
	case *ast.ExprStmt:
		if c, ok := s.X.(*ast.CallExpr); ok {
			if id, ok := c.Fun.(*ast.Ident); ok && id.Name == "panic" {
				return
			}
		}
	case *ast.AssignStmt:
		if s.Tok == token.DEFINE {
			for _, e := range s.Rhs {
				if len(s.Lhs) == len(s.Rhs) {
					p.value(e, nil)
				}
			}
			return
		}
	}
	id := p.add(s, "statement", p.text(s)+" → left out")
	p.wrap(s, fmt.Sprintf("if !sel__(%d) { ", id), " }")
}

// returned leaves returned values empty.
func (p *planter) returned(n *ast.ReturnStmt) {
	results := p.results[len(p.results)-1]
	if results.Len() != len(n.Results) {
		return // a call that returns them all
	}
	calls := 0
	for _, e := range n.Results {
		if !p.pure(e) {
			calls++
		}
	}
	for i, e := range n.Results {
		// Go leaves open whether "return t, t.change()" gives the old t or the new; the
		// compiler reads t last. Wrapped, it would be read first.
		if calls > 0 && p.pure(e) && p.info.Types[e].Value == nil {
			continue
		}
		p.value(e, results.At(i).Type())
	}
}

func (p *planter) positional(n *ast.CompositeLit) {
	st, ok := p.info.TypeOf(n).Underlying().(*types.Struct)
	if !ok || len(n.Elts) == 0 {
		return
	}
	if _, keyed := n.Elts[0].(*ast.KeyValueExpr); keyed || len(n.Elts) != st.NumFields() {
		return
	}
	for i, e := range n.Elts {
		p.value(e, st.Field(i).Type())
	}
}

// value leaves a value empty; want is the type it is used as, where it may differ.
func (p *planter) value(e ast.Expr, want types.Type) {
	tv, ok := p.info.Types[e]
	if !ok || tv.IsType() || tv.IsNil() || !tv.IsValue() || isEmpty(e, tv) {
		return
	}
	if _, literal := e.(*ast.FuncLit); literal {
		return
	}
	if want == nil {
		want = types.Default(tv.Type)
	}
	name := p.typeName(want)
	if name == "" && (tv.Value != nil || !types.Identical(want, tv.Type)) {
		return
	}
	id := p.add(e, "value", p.text(e)+" → empty")
	if name == "" {
		p.wrap(e, fmt.Sprintf("zero__(%d, ", id), ")")
		return
	}
	p.wrap(e, fmt.Sprintf("zero__[%s](%d, ", name, id), ")")
}

// isEmpty reports whether a value is empty anyway: T{}, 0, "", false.
func isEmpty(e ast.Expr, tv types.TypeAndValue) bool {
	if lit, ok := e.(*ast.CompositeLit); ok && len(lit.Elts) == 0 {
		return true
	}
	if tv.Value == nil {
		return false
	}
	switch tv.Value.Kind() {
	case constant.Bool:
		return !constant.BoolVal(tv.Value)
	case constant.String:
		return constant.StringVal(tv.Value) == ""
	default:
		return constant.Sign(tv.Value) == 0
	}
}

// typeName names a type without the help of imports: basic types, error and named types
// of the package; "" for others, which inference must find.
func (p *planter) typeName(t types.Type) string {
	switch t := types.Unalias(t).(type) {
	case *types.Basic:
		return t.Name()
	case *types.Named:
		if t.TypeArgs().Len() == 0 && (t.Obj().Pkg() == nil || t.Obj().Pkg() == p.pkg) && t.Obj().Parent() != nil &&
			(t.Obj().Pkg() == nil || t.Obj().Parent() == p.pkg.Scope()) {
			return t.Obj().Name()
		}
	}
	return ""
}
