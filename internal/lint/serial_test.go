package lint

import (
	"go/ast"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var serial = regexp.MustCompile(`(?m)^SERIAL := (.+)$`)

// concurrent finds what a file needs the race detector for.
func concurrent(f parsed) (findings []string) {
	for _, i := range f.file.Imports {
		if path := strings.Trim(i.Path.Value, `"`); path == "sync" || path == "sync/atomic" || strings.HasPrefix(path, "golang.org/x/sync") {
			findings = append(findings, f.path+" imports "+path)
		}
	}
	ast.Inspect(f.file, func(n ast.Node) bool {
		if _, ok := n.(*ast.GoStmt); ok {
			findings = append(findings, f.fset.Position(n.Pos()).String()+" starts a goroutine")
		}
		return true
	})
	return findings
}

// Packages that make test leaves out of the race detector have nothing to race.
func TestSerialPackages(t *testing.T) {
	makefile, err := os.ReadFile(filepath.Join(root, "Makefile"))
	require.NoError(t, err)
	found := serial.FindSubmatch(makefile)
	require.NotNil(t, found)
	listed := map[string]bool{}
	for _, dir := range strings.Split(string(found[1]), "|") {
		listed[dir] = true
	}
	var findings []string
	seen := map[string]bool{}
	for _, f := range goFiles(t, false) {
		if listed[f.dirName()] {
			seen[f.dirName()] = true
			findings = append(findings, concurrent(f)...)
		}
	}
	report(t, findings)
	require.Equal(t, listed, seen, "packages that are not there")

	require.Len(t, concurrent(planted(t, "x/x.go", "package x\nimport (\n_ \"sync\"\n_ \"fmt\"\n)\nfunc f() { go f() }\n")), 2)
}
