package lint

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// root is the repository's root relative to this package.
const root = "../.."

// module is the import path of the root.
const module = "github.com/huchain/huchain"

// sourceFile is a file of the repository.
type sourceFile struct {
	path string // relative to the root, with slashes
	text []byte
}

// dirName returns the folder of the file relative to the root, "." for the root.
func (f *sourceFile) dirName() string { return pathDir(f.path) }

func pathDir(p string) string {
	if i := strings.LastIndexByte(p, '/'); i >= 0 {
		return p[:i]
	}
	return "."
}

// ignoredDirs hold nothing that is part of the source.
var ignoredDirs = map[string]bool{".git": true, "bin": true, ".bench": true, "node_modules": true, "target": true, "dist": true}

// tree reads every file of the repository below 4 MiB, in the order of their paths.
var tree = sync.OnceValues(func() ([]sourceFile, error) {
	var files []sourceFile
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && ignoredDirs[d.Name()] {
			return filepath.SkipDir
		}
		info, err := d.Info()
		if err != nil || !info.Mode().IsRegular() || info.Size() > 4<<20 || strings.HasSuffix(path, ".wasm") {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		files = append(files, sourceFile{filepath.ToSlash(rel), text})
		return err
	})
	return files, err
})

// sources returns the files whose path ends in one of the suffixes.
func sources(t *testing.T, suffixes ...string) []sourceFile {
	t.Helper()
	files, err := tree()
	require.NoError(t, err)
	var out []sourceFile
	for _, f := range files {
		for _, s := range suffixes {
			if strings.HasSuffix(f.path, s) {
				out = append(out, f)
				break
			}
		}
	}
	require.NotEmpty(t, out, "no files %v", suffixes)
	return out
}

// parsed is a Go file with its syntax.
type parsed struct {
	sourceFile
	fset *token.FileSet
	file *ast.File
}

func parse(t *testing.T, f sourceFile) parsed {
	t.Helper()
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, f.path, f.text, parser.ParseComments)
	require.NoError(t, err)
	return parsed{f, fset, file}
}

// goFiles parses the Go files of the repository; tests only where wanted.
func goFiles(t *testing.T, withTests bool) []parsed {
	t.Helper()
	var out []parsed
	for _, f := range sources(t, ".go") {
		if withTests || !strings.HasSuffix(f.path, "_test.go") {
			out = append(out, parse(t, f))
		}
	}
	return out
}

// planted is a file that breaks a rule, for the test of the rule.
func planted(t *testing.T, path, text string) parsed {
	t.Helper()
	return parse(t, sourceFile{path, []byte(text)})
}

// report fails with all findings at once.
func report(t *testing.T, findings []string) {
	t.Helper()
	if len(findings) > 0 {
		t.Errorf("%d findings:\n%s", len(findings), strings.Join(findings, "\n"))
	}
}
