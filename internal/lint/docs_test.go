package lint

import (
	"fmt"
	"go/ast"
	"go/token"
	"sort"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestPackageDocs: every package says in its first sentence what it is for.
func TestPackageDocs(t *testing.T) { report(t, packageDocs(goFiles(t, false))) }

func packageDocs(files []parsed) []string {
	docs, names := map[string]string{}, map[string]string{}
	for _, f := range files {
		dir := f.dirName()
		names[dir] = f.file.Name.Name
		if f.file.Doc != nil && docs[dir] == "" {
			docs[dir] = strings.TrimSpace(f.file.Doc.Text())
		}
	}
	var bad []string
	for dir, name := range names {
		prefix := "Package " + name + " "
		if name == "main" {
			prefix = ""
		}
		sentence, _, _ := strings.Cut(docs[dir], "\n\n")
		switch {
		case sentence == "":
			bad = append(bad, fmt.Sprintf("%s: package %s has no documentation", dir, name))
		case !strings.HasPrefix(sentence, prefix):
			bad = append(bad, fmt.Sprintf("%s: the documentation begins with %q", dir, strings.TrimSpace(prefix)))
		case len(strings.Fields(sentence)) < 6 || !strings.ContainsAny(sentence, ".:"):
			bad = append(bad, fmt.Sprintf("%s: %q does not say what the package is for", dir, sentence))
		}
	}
	sort.Strings(bad)
	return bad
}

// documentedShare is the least share of exported names with documentation, in percent.
const documentedShare = 80

// TestExportedDocs: in every package four of five exported names are documented.
func TestExportedDocs(t *testing.T) { report(t, exportedDocs(goFiles(t, false))) }

func exportedDocs(files []parsed) []string {
	type count struct {
		all, documented int
		missing         []string
	}
	counts := map[string]*count{}
	for _, f := range files {
		if f.file.Name.Name == "main" {
			continue
		}
		c := counts[f.dirName()]
		if c == nil {
			c = &count{}
			counts[f.dirName()] = c
		}
		exported(f.file, func(name string, documented bool) {
			c.all++
			if documented {
				c.documented++
			} else {
				c.missing = append(c.missing, name)
			}
		})
	}
	var bad []string
	for dir, c := range counts {
		if c.documented*100 < c.all*documentedShare {
			bad = append(bad, fmt.Sprintf("%s: %d of %d exported names are documented; missing: %s", dir, c.documented, c.all, strings.Join(c.missing, " ")))
		}
	}
	sort.Strings(bad)
	return bad
}

// exported calls fn for every exported top-level name. A group of constants or
// variables may be documented as a group or line by line.
func exported(file *ast.File, fn func(name string, documented bool)) {
	for _, decl := range file.Decls {
		switch d := decl.(type) {
		case *ast.FuncDecl:
			if d.Name.IsExported() && (d.Recv == nil || receiverExported(d)) {
				fn(d.Name.Name, d.Doc != nil)
			}
		case *ast.GenDecl:
			if d.Tok == token.IMPORT {
				continue
			}
			for _, spec := range d.Specs {
				exportedSpec(spec, d.Doc != nil, fn)
			}
		}
	}
}

func exportedSpec(spec ast.Spec, group bool, fn func(string, bool)) {
	switch s := spec.(type) {
	case *ast.TypeSpec:
		if s.Name.IsExported() {
			fn(s.Name.Name, group || s.Doc != nil || s.Comment != nil)
		}
	case *ast.ValueSpec:
		for _, n := range s.Names {
			if n.IsExported() {
				fn(n.Name, group || s.Doc != nil || s.Comment != nil)
			}
		}
	}
}

func receiverExported(d *ast.FuncDecl) bool {
	typ := d.Recv.List[0].Type
	for {
		switch x := typ.(type) {
		case *ast.StarExpr:
			typ = x.X
		case *ast.IndexExpr:
			typ = x.X
		case *ast.IndexListExpr:
			typ = x.X
		case *ast.Ident:
			return x.IsExported()
		default:
			return false
		}
	}
}

func TestDocRulesCatch(t *testing.T) {
	one := func(text string) []parsed { return []parsed{planted(t, "x/x.go", text)} }
	require.NotEmpty(t, packageDocs(one("package x\n")))
	require.NotEmpty(t, packageDocs(one("// Helper functions of all kinds live here.\npackage x\n")))
	require.NotEmpty(t, packageDocs(one("// Package x things.\npackage x\n")))
	require.Empty(t, packageDocs(one("// Package x keeps the letters that nobody wants.\npackage x\n")))
	require.NotEmpty(t, exportedDocs(one("package x\nfunc A() {}\ntype t int\nfunc (t) B() {}\n")))
	require.Empty(t, exportedDocs(one("package x\n// A is documented.\nfunc A() {}\nfunc b() {}\n")))
}
