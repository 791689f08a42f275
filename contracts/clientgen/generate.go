package clientgen

import (
	"bytes"
	"fmt"
	"go/format"
	"go/token"
	"regexp"
	"slices"
	"strings"
	"text/template"

	"github.com/huchain/huchain/contracts/bundle"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
)

// Source is what a client is made of.
type Source struct {
	Interface *bundle.Interface
	Package   crypto.Hash // of the package file, named in the client
}

// PackageName is the name of the Go package for a contract: its letters and digits.
func PackageName(contract string) string {
	name := strings.ReplaceAll(contract, "-", "")
	if token.IsKeyword(name) || slices.Contains([]string{"client", "context", "crypto", "rest", "types", "json"}, name) {
		name += "contract"
	}
	return name
}

// Go writes the client of a contract as one formatted Go file. Equal sources give equal
// files. Errors are HC-3303 for a schema that cannot be written as Go.
func Go(src Source) ([]byte, error) {
	g := &generator{Source: src, names: map[string]string{}, used: map[string]bool{}, sent: map[string]bool{}}
	for _, n := range []string{"Contract", "New", "Name", "Version", "Package", "Page"} {
		g.used[n] = true
	}
	for _, n := range keys(src.Interface.Schema.Defs) {
		for _, field := range src.Interface.Schema.Defs[n].Order {
			if !fieldRE.MatchString(field) {
				return nil, types.Errorf(types.CodeManifestInvalid, "client of %s: %q is no field name", src.Interface.Spec.Name, field)
			}
		}
		g.names[n] = g.unique(exported(n))
	}
	for _, m := range src.Interface.Methods() {
		g.reach(src.Interface.Schema.Methods[m].Args, 0)
	}
	f, err := g.file()
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := fileTemplate.Execute(&b, f); err != nil {
		return nil, fmt.Errorf("write client: %w", err)
	}
	out, err := format.Source(b.Bytes())
	if err != nil {
		return nil, types.Errorf(types.CodeManifestInvalid, "client of %s: %w", src.Interface.Spec.Name, err)
	}
	return out, nil
}

var fieldRE = regexp.MustCompile(`^` + bundle.MethodPattern + `$`)

type generator struct {
	Source
	names map[string]string // Go name of each definition
	used  map[string]bool   // names taken at the top of the package
	sent  map[string]bool   // definitions that are part of arguments
	page  bool
}

func keys[V any](m map[string]V) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// exported makes a Go name of a camelCase or snake_case name.
func exported(s string) string {
	var b strings.Builder
	for _, part := range strings.FieldsFunc(s, func(r rune) bool { return r == '_' || r == '-' || r == '.' }) {
		switch part {
		case "id", "did", "url", "json":
			b.WriteString(strings.ToUpper(part))
		default:
			b.WriteString(strings.ToUpper(part[:1]) + part[1:])
		}
	}
	if b.Len() == 0 || !token.IsIdentifier(b.String()) {
		return "X" + b.String()
	}
	return b.String()
}

func (g *generator) unique(name string) string {
	for g.used[name] {
		name += "X"
	}
	g.used[name] = true
	return name
}

// reach notes the definitions that arguments are made of.
func (g *generator) reach(t *bundle.Type, depth int) {
	if t == nil || depth > 64 {
		return
	}
	if name, ok := strings.CutPrefix(t.Ref, "#/$defs/"); ok {
		if g.sent[name] {
			return
		}
		g.sent[name] = true
		t = g.Interface.Schema.Defs[name]
	}
	if t == nil {
		return
	}
	g.reach(t.Items, depth+1)
	for _, p := range keys(t.Properties) {
		g.reach(t.Properties[p], depth+1)
	}
}

var plainTypes = map[string]string{
	"sm3": "crypto.Hash", "address": "types.Address", "bytes": "rest.Hex", "date-time": "client.Time",
	"member": "types.MemberID", "int64": "client.Int64", "uint64": "client.Uint64",
}

// goType names a type in Go.
func (g *generator) goType(t *bundle.Type) string {
	switch {
	case t == nil:
		return "struct{}"
	case t.Ref != "":
		name, ok := g.names[strings.TrimPrefix(t.Ref, "#/$defs/")]
		if !ok {
			return "json.RawMessage"
		}
		return name
	case t.Type == "array":
		return "client.List[" + g.goType(t.Items) + "]"
	case t.Type == "object" && len(t.Properties) == 2 && t.Properties["items"] != nil && t.Properties["next"] != nil:
		g.page = true
		return "Page[" + g.goType(t.Properties["items"].Items) + "]"
	case t.Type == "object":
		return "struct{}"
	case t.Type == "boolean":
		return "bool"
	case t.Type == "integer":
		return integer(t)
	}
	if s, ok := plainTypes[t.Format]; ok {
		return s
	}
	return "string"
}

// integer chooses the Go type that holds the range.
func integer(t *bundle.Type) string {
	if t.Minimum == nil || t.Maximum == nil {
		return "int64"
	}
	for _, bits := range []int{8, 16, 32} {
		if *t.Minimum >= 0 && *t.Maximum < 1<<bits {
			return fmt.Sprintf("uint%d", bits)
		}
		if *t.Minimum >= -1<<(bits-1) && *t.Maximum < 1<<(bits-1) {
			return fmt.Sprintf("int%d", bits)
		}
	}
	return "int64"
}

type file struct {
	Tool, Package, Contract, Version, Hash string
	Title, Summary                         bundle.Text
	Imports                                []string
	Types                                  []typeDecl
	Methods                                []method
	Events                                 []event
	Errors                                 []errorName
	Page                                   bool
}

type typeDecl struct {
	Name, Plain string // Plain: the type it is, where it is no struct
	Fields      []fieldDecl
	Values      []value
}

type fieldDecl struct{ Name, Type, Tag, Doc string }

type value struct{ Name, Value string }

type method struct {
	Name, Call, Doc, Allow, Args, Result string
	Writes, Public                       bool
}

type event struct {
	Const, Name, Type, Doc string
}

type errorName struct{ Const, Name, Doc string }

func (g *generator) file() (*file, error) {
	spec, schema := g.Interface.Spec, g.Interface.Schema
	f := &file{Package: PackageName(spec.Name), Contract: spec.Name, Version: spec.Version, Hash: g.Package.String(),
		Title: bundle.Text{ZH: oneLine(spec.Title.ZH), EN: oneLine(spec.Title.EN)}, Summary: bundle.Text{EN: oneLine(spec.Summary.EN)}}
	for _, n := range keys(schema.Defs) {
		f.Types = append(f.Types, g.declare(n, schema.Defs[n]))
	}
	taken := map[string]bool{}
	for _, n := range g.Interface.Methods() {
		m := schema.Methods[n]
		x := method{Name: exported(n), Call: n, Doc: oneLine(m.Doc), Allow: spec.Methods[n].Allow, Writes: m.Writes, Public: spec.Methods[n].Allow == "public"}
		for taken[x.Name] {
			x.Name += "X"
		}
		taken[x.Name] = true
		if t := schema.Resolve(m.Args); t != nil && (t.Type != "object" || len(t.Properties) > 0) {
			x.Args = g.goType(m.Args)
		}
		x.Result = g.goType(m.Result)
		f.Methods = append(f.Methods, x)
	}
	for _, n := range keys(schema.Events) {
		f.Events = append(f.Events, event{g.unique("Event" + exported(n)), n, g.goType(schema.Events[n]), oneLine(spec.Events[n].Title.EN)})
	}
	for _, n := range schema.Errors {
		f.Errors = append(f.Errors, errorName{g.unique("Err" + exported(n)), spec.Name + "." + n, oneLine(spec.Errors[n].EN)})
	}
	f.Page = g.page
	f.Imports = g.imports(f)
	return f, nil
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

func (g *generator) declare(name string, t *bundle.Type) typeDecl {
	d := typeDecl{Name: g.names[name]}
	if t.Type != "object" {
		plain := *t
		plain.Enum = nil
		d.Plain = g.goType(&plain)
		for _, v := range t.Enum {
			d.Values = append(d.Values, value{g.unique(d.Name + exported(v)), v})
		}
		return d
	}
	taken := map[string]bool{}
	for _, n := range t.Order {
		p := t.Properties[n]
		if p == nil {
			continue
		}
		x := fieldDecl{Name: exported(n), Type: g.goType(p), Tag: n}
		for taken[x.Name] {
			x.Name += "X"
		}
		taken[x.Name] = true
		if !slices.Contains(t.Required, n) {
			x.Tag += ",omitempty"
			if plain := g.Interface.Schema.Resolve(p); plain != nil && plain.Type != "array" && (!g.sent[name] || !basic(x.Type)) && x.Type != "string" {
				x.Type = "*" + x.Type
			}
		}
		d.Fields = append(d.Fields, x)
	}
	return d
}

// basic reports whether the zero value of a Go type is left out by omitempty.
func basic(t string) bool {
	return t == "string" || t == "bool" || t == "rest.Hex" || strings.HasPrefix(t, "int") || strings.HasPrefix(t, "uint") ||
		t == "client.Int64" || t == "client.Uint64" || t == "types.MemberID"
}

// imports lists what the file refers to.
func (g *generator) imports(f *file) []string {
	var text strings.Builder
	for _, t := range f.Types {
		text.WriteString(t.Plain + " ")
		for _, x := range t.Fields {
			text.WriteString(x.Type + " ")
		}
	}
	for _, m := range f.Methods {
		text.WriteString(m.Args + " " + m.Result + " ")
	}
	for _, e := range f.Events {
		text.WriteString(e.Type + " ")
	}
	out := []string{"github.com/huchain/huchain/client"}
	for _, x := range []struct{ use, path string }{
		{"crypto.", "github.com/huchain/huchain/crypto"}, {"types.", "github.com/huchain/huchain/types"},
	} {
		if strings.Contains(text.String(), x.use) {
			out = append(out, x.path)
		}
	}
	if strings.Contains(text.String(), "rest.") || len(f.Events) > 0 {
		out = append(out, "github.com/huchain/huchain/types/rest")
	}
	if strings.Contains(text.String(), "json.") {
		out = append(out, "encoding/json")
	}
	return out
}

var fileTemplate = template.Must(template.New("client").Parse(`// Code generated by huchain contract client from the installed contract. DO NOT EDIT.

// Package {{.Package}} calls the contract {{.Contract}}: {{.Title.EN}} ({{.Title.ZH}}).{{if .Summary.EN}}
//
// {{.Summary.EN}}{{end}}
package {{.Package}}

import (
	"context"
{{range .Imports}}
	"{{.}}"{{end}}
)

// What this client was made of.
const (
	Name    = "{{.Contract}}"
	Version = "{{.Version}}"
	Package = "{{.Hash}}" // SM3 of the package file
)

// Contract calls the contract on one chain. It is safe for concurrent use.
type Contract struct {
	chain *client.Client
	as    *client.Identity
}

// New returns the contract as the member as calls it, who may be nil for what is public.
func New(chain *client.Client, as *client.Identity) *Contract { return &Contract{chain, as} }
{{range .Methods}}
// {{.Name}} calls {{.Call}}, allowed to: {{.Allow}}.{{if .Doc}} {{.Doc}}{{end}}
{{- if .Writes}}
// It answers once the call is committed; see client.Client.Call for errors.
func (c *Contract) {{.Name}}(ctx context.Context{{if .Args}}, args {{.Args}}{{end}}) ({{.Result}}, *client.Committed, error) {
	done, err := c.chain.Call(ctx, c.as, Name, "{{.Call}}", {{if .Args}}args{{else}}struct{}{}{{end}})
	if err != nil {
		var none {{.Result}}
		return none, done, err
	}
	out, err := client.DecodeResult[{{.Result}}](done.Receipt.Result)
	return out, done, err
}
{{else}}
func (c *Contract) {{.Name}}(ctx context.Context{{if .Args}}, args {{.Args}}{{end}}) ({{.Result}}, error) {
	answer, err := c.chain.Query(ctx, {{if .Public}}nil{{else}}c.as{{end}}, Name, "{{.Call}}", {{if .Args}}args{{else}}struct{}{}{{end}})
	if err != nil {
		var none {{.Result}}
		return none, err
	}
	return client.DecodeResult[{{.Result}}](answer.Result)
}
{{end}}{{end}}
{{range .Types}}{{if .Plain}}
// {{.Name}} is a value of the contract.
type {{.Name}} {{.Plain}}
{{else}}
// {{.Name}} is a record, or a part of one, of the contract.
type {{.Name}} struct {
{{range .Fields}}	{{.Name}} {{.Type}} ` + "`json:\"{{.Tag}}\"`" + `
{{end}}}
{{end}}{{if .Values}}
// The values of {{.Name}}.
const ({{$type := .Name}}
{{range .Values}}	{{.Name}} {{$type}} = {{printf "%q" .Value}}
{{end}})
{{end}}{{end}}
{{if .Page}}
// Page is part of a list; Next, where not empty, is where to go on.
type Page[T any] struct {
	Items client.List[T] ` + "`json:\"items\"`" + `
	Next  string         ` + "`json:\"next\"`" + `
}
{{end}}
{{if .Errors}}
// Errors of the contract: compare with client.ContractError(err).
const (
{{range .Errors}}	{{.Const}} = "{{.Name}}" // {{.Doc}}
{{end}})
{{end}}
{{if .Events}}
// Events of the contract.
const (
{{range .Events}}	{{.Const}} = "{{.Name}}" // {{.Doc}}
{{end}})
{{range .Events}}
// Decode{{.Const}} reads the data of an event {{.Name}}.
func Decode{{.Const}}(e rest.Event) ({{.Type}}, error) { return client.DecodeResult[{{.Type}}](e.Data) }
{{end}}{{end}}`))
