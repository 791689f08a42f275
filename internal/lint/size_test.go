package lint

import (
	"bytes"
	"fmt"
	"go/ast"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Sizes in lines: one idea per file, a function on one screen or two. "About 400 and
// 70" is the rule; the tenth above is the slack before a reason is asked for. Tests
// may be longer: tables and stories are.
const (
	maxFile     = 440
	maxFunc     = 77
	maxTestFile = 660
	maxTestFunc = 154
)

// larger names what may exceed these limits, as "file" or "file: function", and why.
var larger = map[string]string{}

func TestSizes(t *testing.T) {
	files := goFiles(t, true)
	report(t, sizes(files))
	for what := range larger {
		path, _, _ := strings.Cut(what, ": ")
		require.True(t, slices.ContainsFunc(files, func(f parsed) bool { return f.path == path }), "%s is gone; so should its exception be", what)
	}
}

func sizes(files []parsed) []string {
	var bad []string
	over := func(what string, lines, limit int) {
		if lines <= limit || larger[what] != "" {
			return
		}
		bad = append(bad, fmt.Sprintf("%s has %d lines, at most %d", what, lines, limit))
	}
	for _, f := range files {
		if ast.IsGenerated(f.file) {
			continue
		}
		fileLimit, funcLimit := maxFile, maxFunc
		if strings.HasSuffix(f.path, "_test.go") {
			fileLimit, funcLimit = maxTestFile, maxTestFunc
		}
		over(f.path, bytes.Count(f.text, []byte("\n")), fileLimit)
		for _, decl := range f.file.Decls {
			if fn, ok := decl.(*ast.FuncDecl); ok {
				lines := f.fset.Position(fn.End()).Line - f.fset.Position(fn.Pos()).Line + 1
				over(f.path+": "+fn.Name.Name, lines, funcLimit)
			}
		}
	}
	return bad
}

func TestSizeRuleCatches(t *testing.T) {
	long := "package x\nfunc a() {\n" + strings.Repeat("\t_ = 0\n", maxFunc) + "}\n"
	require.Len(t, sizes([]parsed{planted(t, "x/x.go", long)}), 1)
	require.Empty(t, sizes([]parsed{planted(t, "x/x_test.go", long)}))
	require.Len(t, sizes([]parsed{planted(t, "x/x.go", "package x\n"+strings.Repeat("\n", maxFile))}), 1)
}
