package testkit

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/contracts/build"
	"github.com/huchain/huchain/contracts/bundle"
	"github.com/huchain/huchain/vm/engine"
)

var rewrite = flag.Bool("rewrite", false, "write generated files, expectations and gas of all bundles as they are")

const root = ".."

// readmeParts are the headings of every bundle's README.
var readmeParts = []string{"## Purpose", "## Calls", "## Events", "## Errors", "## Try it", "## Limits"}

// goBlock is a block of Go in a document.
var goBlock = regexp.MustCompile("(?s)```go\n(.*?)```")

// What docs/bundles.md shows of a contract is code of the sample permit, line by line.
func TestDocumentShowsTheSample(t *testing.T) {
	doc, err := os.ReadFile(filepath.Join(root, "..", "docs", "bundles.md"))
	require.NoError(t, err)
	raw, err := os.ReadFile(filepath.Join(root, "samples", "permit", "contract.go"))
	require.NoError(t, err)
	plain := func(s string) string { return strings.Join(strings.Fields(s), " ") }
	shown := goBlock.FindAllStringSubmatch(string(doc), -1)
	require.NotEmpty(t, shown)
	code := map[string]bool{}
	for _, line := range strings.Split(string(raw), "\n") {
		code[plain(line)] = true
	}
	for _, block := range shown {
		for _, line := range strings.Split(block[1], "\n") {
			require.True(t, code[plain(line)], "not in the sample: %s", line)
		}
	}
}

// Every bundle has the same form, generated files that match its code, and transcripts
// that hold natively and in WASM with equal results, events, state and golden gas (in
// short mode, which runs under the race detector, natively alone).
func TestBundles(t *testing.T) {
	t.Parallel()
	dirs, err := build.Find(root)
	require.NoError(t, err)
	require.NotEmpty(t, dirs)
	for _, d := range dirs {
		t.Run(d, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(root, filepath.FromSlash(d))
			if !*rewrite {
				require.FileExists(t, filepath.Join(dir, "testdata", GasFile))
			}
			report, err := Run(t.Context(), dir, Options{Rewrite: *rewrite, NativeOnly: testing.Short(), CacheDir: compiled, Root: root})
			require.NoError(t, err)
			if !testing.Short() {
				require.Positive(t, report.Calls)
				checkShape(t, dir, report)
				if strings.HasPrefix(d, "base/") {
					require.GreaterOrEqual(t, report.Samples, 50, "rows of %s", SampleFile)
					require.FileExists(t, filepath.Join(dir, "testdata", "03-tamper.txt"))
				}
			}
		})
	}
}

// Every part of the record library, natively and in WASM with equal results, events,
// state and golden gas.
func TestRecordLibrary(t *testing.T) {
	t.Parallel()
	report, err := Run(t.Context(), filepath.Join("testdata", "records"), Options{Rewrite: *rewrite, NativeOnly: testing.Short(), CacheDir: compiled})
	require.NoError(t, err)
	require.Equal(t, 4, report.Transcripts)
}

// A bundle of four kinds of record, a workflow, an encrypted field and statistics takes
// at most 300 lines of Go and YAML.
func TestSampleIsShort(t *testing.T) {
	lines := 0
	for _, file := range []string{"contract.go", "bundle.yaml"} {
		raw, err := os.ReadFile(filepath.Join(root, "samples", "permit", file))
		require.NoError(t, err)
		lines += strings.Count(string(raw), "\n")
	}
	require.LessOrEqual(t, lines, 300)
	schemaRaw, err := os.ReadFile(filepath.Join(root, "samples", "permit", "schema.json"))
	require.NoError(t, err)
	s, err := bundle.ParseSchema(schemaRaw)
	require.NoError(t, err)
	records := 0
	for _, r := range s.Records {
		if r.Storage == "record" {
			records++
		}
	}
	require.Equal(t, 4, records)
	require.Len(t, s.Workflows, 1)
	require.Equal(t, "encrypted", s.Defs["Permit"].Properties["contact"].Format)
	spec, err := readSpec(filepath.Join(root, "samples", "permit"))
	require.NoError(t, err)
	require.Len(t, spec.Statistics, 2)
	require.Equal(t, []string{"perState", "fees"}, spec.Dashboards["overview"].Cards)
}

func checkShape(t *testing.T, dir string, report *Report) {
	for _, f := range []string{"README.md", "bundle.yaml", "schema.json", "testdata/01-demo.txt", "testdata/02-refusals.txt"} {
		require.FileExists(t, filepath.Join(dir, f))
	}
	readme, err := os.ReadFile(filepath.Join(dir, "README.md"))
	require.NoError(t, err)
	var parts []string
	for _, line := range strings.Split(string(readme), "\n") {
		if strings.HasPrefix(line, "## ") {
			parts = append(parts, line)
		}
	}
	require.Equal(t, readmeParts, parts)
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

// The sample in Go and the sample in Rust leave equal rows behind after equal stories.
// covers: T.21
func TestSamplesAgree(t *testing.T) {
	t.Parallel()
	var rows [2]map[string]string
	names := []string{"asset-go", "asset-rust"}
	if testing.Short() {
		names = []string{"asset-rust", "asset-rust"} // compiling Go's WASM takes minutes under the race detector
	}
	for i, name := range names {
		rows[i] = rowsAfter(t, filepath.Join(root, "samples", name), name)
	}
	require.NotEmpty(t, rows[0])
	require.Equal(t, rows[0], rows[1])
	first, err := os.ReadFile(filepath.Join(root, "samples", "asset-go", "testdata", "01-demo.txt"))
	require.NoError(t, err)
	second, err := os.ReadFile(filepath.Join(root, "samples", "asset-rust", "testdata", "01-demo.txt"))
	require.NoError(t, err)
	require.Equal(t, string(first), string(second))
}

// rowsAfter plays a bundle's demo in WASM and returns the contract's rows.
func rowsAfter(t *testing.T, dir, name string) map[string]string {
	p := build.DefaultParams()
	p.Write = false
	res, err := build.Build(t.Context(), dir, p)
	require.NoError(t, err)
	vm, err := engine.New(t.Context(), engineParams())
	require.NoError(t, err)
	defer vm.Close(t.Context())
	raw, err := os.ReadFile(filepath.Join(dir, "testdata", "01-demo.txt"))
	require.NoError(t, err)
	story, err := ParseTranscript("01-demo.txt", string(raw))
	require.NoError(t, err)
	c, err := New(t.Context(), Params{Start: story.Start(), Orgs: story.Orgs(), Packages: [][]byte{res.Package}, Lanes: []Lane{{"WASM", vm}}})
	require.NoError(t, err)
	out, err := story.Play(t.Context(), c, name)
	require.NoError(t, err)
	require.Empty(t, out.Failures)
	keys, err := c.Rows(name)
	require.NoError(t, err)
	rows := make(map[string]string)
	for _, k := range keys {
		v, _, err := c.Row(name, []byte(k))
		require.NoError(t, err)
		rows[k] = string(v)
	}
	return rows
}

// A bundle that contract new has begun passes its own tests, in either language.
func TestNewRustBundle(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "notes")
	require.NoError(t, build.New(dir, "notes", "rust"))
	_, err := Run(t.Context(), dir, Options{NativeOnly: testing.Short(), CacheDir: compiled})
	require.NoError(t, err)
}

// A bundle that contract new has begun, outside the repository, passes its own tests,
// and Run reports what does not happen as a transcript says.
func TestNewBundle(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "notes")
	require.NoError(t, build.New(dir, "notes", "go"))
	opt := Options{NativeOnly: testing.Short(), CacheDir: compiled}
	report, err := Run(t.Context(), dir, opt)
	require.NoError(t, err)
	require.Equal(t, 2, report.Transcripts)
	if !testing.Short() {
		require.FileExists(t, filepath.Join(dir, "testdata", GasFile))
	}
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
