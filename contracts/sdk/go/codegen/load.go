package codegen

import (
	"errors"
	"fmt"
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/tools/go/packages"
)

// The files this package writes into a bundle.
const (
	CodecFile  = "codec_gen.go"
	SchemaFile = "schema.json"
)

const (
	sdkPath      = "github.com/huchain/huchain/contracts/sdk/go/"
	contractPath = sdkPath + "contract"
	statePath    = sdkPath + "state"
	recordPath   = sdkPath + "record"
	codecPath    = sdkPath + "codec"
)

// source is a loaded contract and what it declares.
type source struct {
	pkg     *packages.Package
	entries []entry
	events  []declared
	records []record
	errs    []string
	calls   []root // types that single calls read or write
	flows   []workflow
	vars    map[types.Object]string // package variables of storage and workflows, by name in the schema
}

// root is a type that needs a codec, and why.
type root struct {
	what             string
	decoded, encoded types.Type // nil where not needed
}

// roots lists all types that are read or written.
func (s *source) roots() []root {
	var out []root
	for _, e := range s.entries {
		out = append(out, root{"method " + e.name, e.args, e.result})
	}
	for _, e := range s.events {
		out = append(out, root{"event " + e.name, nil, e.typ})
	}
	for _, r := range s.records {
		out = append(out, root{"storage " + r.name, r.value, r.value})
	}
	return append(out, s.calls...)
}

// entry is a line of the method table.
type entry struct {
	kind   string // Call, Query, Init, Migrate
	name   string
	args   types.Type
	result types.Type
	doc    string
}

type declared struct {
	name string
	typ  types.Type
}

// record is a declared piece of storage.
type record struct {
	name, storage string
	key, value    types.Type // nil where it has none
	unique        bool
	of            ast.Expr // declared record type that an index or a reference belongs to
	to            ast.Expr // declared record type that a reference points to
	flow          ast.Expr // workflow of a record type
	private       bool     // only owner and grantees see it
	fields        []string // JSON names of the fields an index or a reference reads
}

// load type-checks the contract in dir, without its generated codec.
func load(dir string) (*source, error) { return loadWith(dir, nil) }

// loadWith replaces the contents of some files, by name.
func loadWith(dir string, replace map[string][]byte) (*source, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("load contract: %w", err)
	}
	cfg := &packages.Config{
		Mode: packages.LoadSyntax | packages.NeedModule,
		Dir:  abs,
		Env:  append(os.Environ(), "GOFLAGS=", "GOOS=", "GOARCH="),
		Overlay: map[string][]byte{
			filepath.Join(abs, CodecFile): []byte("package main\n"),
		},
	}
	for name, contents := range replace {
		cfg.Overlay[filepath.Join(abs, name)] = contents
	}
	pkgs, err := packages.Load(cfg, ".")
	if err != nil {
		return nil, fmt.Errorf("load contract: %w", err)
	}
	if len(pkgs) != 1 {
		return nil, fmt.Errorf("load contract: %d packages in %s", len(pkgs), dir)
	}
	p := pkgs[0]
	if err := firstError(p.Errors); err != nil {
		return nil, err
	}
	if p.Name != "main" {
		return nil, fmt.Errorf("%s: a contract is a package main, not %s", dir, p.Name)
	}
	s := &source{pkg: p, vars: make(map[types.Object]string)}
	return s, s.collect()
}

// firstError prefers the type checker's words, which have a position, over those of
// the go command.
func firstError(list []packages.Error) error {
	for _, e := range list {
		if e.Kind != packages.ListError {
			return fmt.Errorf("%s: %s", e.Pos, e.Msg)
		}
	}
	for _, e := range list {
		return errors.New(e.Msg)
	}
	return nil
}

// errorAt makes an error with a source position.
func (s *source) errorAt(pos token.Pos, format string, args ...any) error {
	at := s.pkg.Fset.Position(pos)
	return fmt.Errorf("%s:%d:%d: %s", filepath.Base(at.Filename), at.Line, at.Column, fmt.Sprintf(format, args...))
}

// collect finds the method table and all declarations in package variables.
func (s *source) collect() error {
	for _, f := range s.pkg.Syntax {
		for _, d := range f.Decls {
			gen, ok := d.(*ast.GenDecl)
			if !ok || gen.Tok != token.VAR {
				if err := s.refuseInside(d); err != nil {
					return err
				}
				continue
			}
			for _, spec := range gen.Specs {
				if err := s.variables(spec.(*ast.ValueSpec)); err != nil {
					return err
				}
			}
		}
	}
	if len(s.entries) == 0 {
		return errors.New("no method table: declare var _ = contract.Methods(…)")
	}
	return s.unique()
}

// variables reads the declarations of one line.
func (s *source) variables(spec *ast.ValueSpec) error {
	for i, v := range spec.Values {
		records, flows := len(s.records), len(s.flows)
		if err := s.declaration(v); err != nil {
			return err
		}
		switch obj := s.pkg.TypesInfo.Defs[spec.Names[i]]; {
		case len(s.records) > records:
			s.vars[obj] = s.records[records].name
		case len(s.flows) > flows:
			s.vars[obj] = s.flows[flows].name
		}
	}
	return nil
}

// refuseInside finds declarations that belong into package variables, and notes the
// types that generic calls read or write.
func (s *source) refuseInside(d ast.Decl) (err error) {
	ast.Inspect(d, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok || err != nil {
			return err == nil
		}
		path, name, args := s.callee(call)
		switch {
		case path == contractPath && name == "JSON":
			s.calls = append(s.calls, root{what: "contract.JSON", encoded: args.At(0)})
		case path == contractPath && name == "Invoke":
			s.calls = append(s.calls, root{"contract.Invoke", args.At(1), args.At(0)})
		}
		if path == contractPath && (name == "NewEvent" || name == "NewError" || name == "Methods") ||
			(path == statePath || path == recordPath) && strings.HasPrefix(name, "New") {
			err = s.errorAt(call.Pos(), "%s belongs into a package variable", name)
		}
		return true
	})
	return err
}

// callee returns the package path and name of a called function and its type arguments.
func (s *source) callee(call *ast.CallExpr) (path, name string, args *types.TypeList) {
	fun := ast.Unparen(call.Fun)
	switch x := fun.(type) {
	case *ast.IndexExpr:
		fun = x.X
	case *ast.IndexListExpr:
		fun = x.X
	}
	var id *ast.Ident
	switch x := fun.(type) {
	case *ast.SelectorExpr:
		id = x.Sel
	case *ast.Ident:
		id = x
	default:
		return "", "", nil
	}
	f, ok := s.pkg.TypesInfo.Uses[id].(*types.Func)
	if !ok || f.Pkg() == nil {
		return "", "", nil
	}
	return f.Pkg().Path(), f.Name(), s.pkg.TypesInfo.Instances[id].TypeArgs
}

// text returns the constant string of an expression.
func (s *source) text(e ast.Expr) (string, error) {
	v := s.pkg.TypesInfo.Types[e].Value
	if v == nil || v.Kind() != constant.String {
		return "", s.errorAt(e.Pos(), "a constant string belongs here")
	}
	return constant.StringVal(v), nil
}

func (s *source) declaration(e ast.Expr) error {
	call, ok := ast.Unparen(e).(*ast.CallExpr)
	if !ok {
		return nil
	}
	path, name, args := s.callee(call)
	switch {
	case path == contractPath && name == "Methods":
		return s.table(call)
	case path == contractPath && name == "NewEvent":
		n, err := s.text(call.Args[0])
		s.events = append(s.events, declared{n, args.At(0)})
		return err
	case path == contractPath && name == "NewError":
		n, err := s.text(call.Args[0])
		s.errs = append(s.errs, n)
		return err
	case path == statePath && strings.HasPrefix(name, "New"):
		n, err := s.text(call.Args[0])
		r := record{name: n, storage: strings.ToLower(name[len("New"):])}
		switch r.storage {
		case "item":
			r.value = args.At(0)
		case "map":
			r.key, r.value = args.At(0), args.At(1)
		case "index":
			r.key = args.At(1)
		}
		s.records = append(s.records, r)
		return err
	case path == recordPath && strings.HasPrefix(name, "New"):
		return s.recordDeclaration(name, call, args)
	}
	return nil
}

func (s *source) table(call *ast.CallExpr) error {
	if s.entries != nil {
		return s.errorAt(call.Pos(), "a second method table")
	}
	for _, a := range call.Args {
		line, ok := ast.Unparen(a).(*ast.CallExpr)
		if !ok {
			return s.errorAt(a.Pos(), "a method table lists contract.Call, Query, Init and Migrate only")
		}
		path, kind, args := s.callee(line)
		if path != contractPath {
			return s.errorAt(a.Pos(), "a method table lists contract.Call, Query, Init and Migrate only")
		}
		e := entry{kind: kind}
		switch kind {
		case "Call", "Query":
			n, err := s.text(line.Args[0])
			if err != nil {
				return err
			}
			e.name, e.args, e.result, e.doc = n, args.At(0), args.At(1), s.docOf(line.Args[1])
		case "Init":
			e.name, e.args, e.doc = "init", args.At(0), s.docOf(line.Args[0])
		case "Migrate":
			e.name = "migrate"
		default:
			return s.errorAt(a.Pos(), "a method table lists contract.Call, Query, Init and Migrate only")
		}
		s.entries = append(s.entries, e)
	}
	return nil
}

// docOf returns the doc comment of a named function, in one line.
func (s *source) docOf(e ast.Expr) string {
	id, ok := ast.Unparen(e).(*ast.Ident)
	if !ok {
		return ""
	}
	for _, f := range s.pkg.Syntax {
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == id.Name {
				return strings.Join(strings.Fields(fn.Doc.Text()), " ")
			}
		}
	}
	return ""
}

// unique refuses a name that is declared twice.
func (s *source) unique() error {
	var names []string
	for _, e := range s.entries {
		names = append(names, "method "+e.name)
	}
	for _, e := range s.events {
		names = append(names, "event "+e.name)
	}
	for _, e := range s.errs {
		names = append(names, "error "+e)
	}
	for _, r := range s.records {
		names = append(names, "storage "+r.name)
	}
	for _, w := range s.flows {
		names = append(names, "workflow "+w.name)
	}
	seen := make(map[string]bool)
	for _, n := range names {
		if seen[n] {
			return fmt.Errorf("%s is declared twice", n)
		}
		seen[n] = true
	}
	return nil
}
