package testkit

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/contracts/build"
	"github.com/huchain/huchain/contracts/bundle"
)

var rewrite = flag.Bool("rewrite", false, "write generated files, expectations and gas of all bundles as they are")

const root = ".."

// readmeParts are the headings of every bundle's README.
var readmeParts = []string{"## Purpose", "## Calls", "## Events", "## Errors", "## Try it", "## Limits"}

// Every bundle has the same form, generated files that match its code, and transcripts
// that hold natively and in WASM with equal results, events, state and golden gas.
func TestBundles(t *testing.T) {
	dirs, err := build.Find(root)
	require.NoError(t, err)
	require.NotEmpty(t, dirs)
	cache := t.TempDir()
	require.NoError(t, os.Chmod(cache, 0o700))
	for _, d := range dirs {
		t.Run(d, func(t *testing.T) {
			dir := filepath.Join(root, filepath.FromSlash(d))
			if !*rewrite {
				require.FileExists(t, filepath.Join(dir, "testdata", GasFile))
			}
			report, err := Run(t.Context(), dir, Options{Rewrite: *rewrite, CacheDir: cache, Root: root})
			require.NoError(t, err)
			require.Positive(t, report.Calls)
			checkShape(t, dir, report)
		})
	}
}

func checkShape(t *testing.T, dir string, report *Report) {
	for _, f := range []string{"README.md", "bundle.yaml", "schema.json", "testdata/01-demo.txt", "testdata/02-refusals.txt"} {
		require.FileExists(t, filepath.Join(dir, f))
	}
	readme, err := os.ReadFile(filepath.Join(dir, "README.md"))
	require.NoError(t, err)
	for _, part := range readmeParts {
		require.Contains(t, string(readme), part)
	}
	raw, err := os.ReadFile(filepath.Join(dir, "bundle.yaml"))
	require.NoError(t, err)
	spec, err := bundle.ParseSpec(raw)
	require.NoError(t, err)
	for _, id := range spec.Requirements {
		require.Contains(t, report.Covers, id, "no transcript covers it")
	}
	demo, err := os.ReadFile(filepath.Join(dir, "testdata", "01-demo.txt"))
	require.NoError(t, err)
	require.NotContains(t, "\n"+string(demo), "\nerror ", "the demo is the story of calls that succeed")
	require.False(t, strings.Contains(string(demo), "\ntamper "))
}

// A bundle that contract new has begun, outside the repository, passes its own tests,
// and Run reports what does not happen as a transcript says.
func TestNewBundle(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "notes")
	require.NoError(t, build.New(dir, "notes", "go"))
	opt := Options{CacheDir: t.TempDir()}
	require.NoError(t, os.Chmod(opt.CacheDir, 0o700))
	report, err := Run(t.Context(), dir, opt)
	require.NoError(t, err)
	require.Equal(t, 2, report.Transcripts)
	require.FileExists(t, filepath.Join(dir, "testdata", GasFile))

	file := filepath.Join(dir, "testdata", "01-demo.txt")
	raw, err := os.ReadFile(file)
	require.NoError(t, err)
	wrong := strings.Replace(string(raw), `ok {"text":"再见","time"`, `ok {"text":"你好","time"`, 1)
	require.NoError(t, os.WriteFile(file, []byte(wrong), 0o644))
	_, err = Run(t.Context(), dir, opt)
	require.ErrorContains(t, err, "01-demo.txt:8: call clerk write")
	opt.Rewrite = true
	_, err = Run(t.Context(), dir, opt)
	require.NoError(t, err)
}
