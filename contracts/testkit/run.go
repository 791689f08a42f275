package testkit

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/huchain/huchain/contracts/build"
	"github.com/huchain/huchain/contracts/bundle"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/vm/engine"
)

// GasFile holds the gas of every call in a bundle's transcripts, in WASM.
const GasFile = "gas.golden"

// Options say how Run tests a bundle.
type Options struct {
	Rewrite bool // write expectations and gas as they are instead of comparing
	// NativeOnly leaves WASM out: no gas is compared, and Rust bundles are only built.
	NativeOnly bool
	CacheDir   string // of compiled WASM; "" compiles anew
	// Root is where bundles that the tested one uses are looked for; "" for none.
	Root string
	Out  io.Writer // progress and gas per call; nil for none
}

// Report is what Run found.
type Report struct {
	Transcripts int
	Calls       int
	Samples     int      // rows of sample.jsonl
	Covers      []string // requirement ids that the transcripts name, ascending
}

// Run builds the bundle in dir and plays its transcripts, for Go natively and in WASM
// side by side, with equal results, events and writes; Rust bundles run in WASM. An
// error lists every expectation that failed.
func Run(ctx context.Context, dir string, opt Options) (*Report, error) {
	r := &runner{dir: dir, opt: opt, native: NewNative()}
	defer r.native.Close()
	tmp, err := os.MkdirTemp("", "huchain-testkit-")
	if err != nil {
		return nil, fmt.Errorf("test bundle: %w", err)
	}
	defer os.RemoveAll(tmp)
	r.tmp = tmp
	params := engine.DefaultParams()
	params.CacheDir = opt.CacheDir
	if r.engine, err = engine.New(ctx, params); err != nil {
		return nil, err
	}
	defer r.engine.Close(ctx) //nolint:errcheck // frees memory only
	main, err := r.add(ctx, dir, nil)
	if err != nil || r.wasmOnly && opt.NativeOnly {
		return &r.report, err
	}
	return r.play(ctx, main.Manifest.Name)
}

type runner struct {
	dir, tmp string
	opt      Options
	engine   *engine.Engine
	native   *Native
	wasmOnly bool // a bundle has no native form
	packages [][]byte
	extra    map[string][]byte // packages of bundles that transcripts name, by name
	report   Report
	gas      strings.Builder
	failures []string
}

// add builds a bundle after those it uses.
func (r *runner) add(ctx context.Context, dir string, above []string) (*build.Result, error) {
	if err := refuseCircle(above, dir); err != nil {
		return nil, err
	}
	spec, err := readSpec(dir)
	if err != nil {
		return nil, err
	}
	for _, use := range spec.Uses {
		name, _ := cutUse(use)
		sub, err := r.find(name)
		if err != nil {
			return nil, err
		}
		if _, err := r.add(ctx, sub, append(above, dir)); err != nil {
			return nil, err
		}
	}
	p := build.DefaultParams()
	p.Write = r.opt.Rewrite
	res, err := build.Build(ctx, dir, p)
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(r.packages, func(b []byte) bool { return crypto.Sum(b) == res.Hash }) {
		return res, nil
	}
	r.packages = append(r.packages, res.Package)
	if spec.Language != "go" {
		r.wasmOnly = true
		return res, nil
	}
	file := filepath.Join(r.tmp, res.CodeHash.String())
	r.native.Add(res.CodeHash, file)
	return res, build.Native(ctx, dir, file)
}

// addExtra builds the bundles that a transcript names. What they use must be among those
// of the tested bundle.
func (r *runner) addExtra(ctx context.Context, t *Transcript) error {
	own := len(r.packages)
	for _, name := range slices.Concat(t.With(), t.Deploys()) {
		if r.extra[name] != nil {
			continue
		}
		dir, err := r.find(name)
		if err != nil {
			return err
		}
		res, err := r.add(ctx, dir, nil)
		if err != nil {
			return err
		}
		if r.extra == nil {
			r.extra = make(map[string][]byte)
		}
		r.extra[name] = res.Package
	}
	r.packages = r.packages[:own]
	return nil
}

// refuseCircle refuses a bundle that comes to use itself.
func refuseCircle(above []string, dir string) error {
	if slices.Contains(above, dir) {
		return types.Errorf(types.CodeManifestInvalid, "bundles use each other in a circle: %s", strings.Join(append(above, dir), " → "))
	}
	return nil
}

func cutUse(use string) (name, major string) {
	name, major, _ = strings.Cut(use, "@")
	return name, major
}

// find looks for the folder of a bundle by name.
func (r *runner) find(name string) (string, error) {
	if r.opt.Root != "" {
		dirs, err := build.Find(r.opt.Root)
		if err != nil {
			return "", err
		}
		for _, d := range dirs {
			dir := filepath.Join(r.opt.Root, filepath.FromSlash(d))
			raw, err := os.ReadFile(filepath.Join(dir, bundle.YAMLFile))
			if err != nil {
				return "", fmt.Errorf("find bundle: %w", err)
			}
			if s, err := bundle.ParseSpec(raw); err == nil && s.Name == name {
				return dir, nil
			}
		}
	}
	return "", types.Errorf(types.CodeNotFound, "the bundle uses %s, which is not among the bundles beside it", name)
}

func (r *runner) lanes() []Lane {
	lanes := []Lane{{"native", r.native}, {"WASM", r.engine}}
	switch {
	case r.wasmOnly:
		return lanes[1:]
	case r.opt.NativeOnly:
		return lanes[:1]
	}
	return lanes
}

func (r *runner) play(ctx context.Context, name string) (*Report, error) {
	files, err := filepath.Glob(filepath.Join(r.dir, "testdata", "*.txt"))
	if err != nil || len(files) == 0 {
		return nil, types.Errorf(types.CodeNotFound, "%s has no transcripts in testdata", r.dir)
	}
	for _, file := range files {
		if err := r.transcript(ctx, name, file); err != nil {
			return nil, err
		}
	}
	if err := r.sample(ctx, name); err != nil {
		return nil, err
	}
	if err := r.compareGas(); err != nil {
		return nil, err
	}
	if len(r.failures) > 0 {
		return nil, fmt.Errorf("%s: %d expectations failed:\n%s", r.dir, len(r.failures), strings.Join(r.failures, "\n"))
	}
	slices.Sort(r.report.Covers)
	r.report.Covers = slices.Compact(r.report.Covers)
	return &r.report, nil
}

func (r *runner) transcript(ctx context.Context, name, file string) error {
	raw, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("read transcript: %w", err)
	}
	t, err := ParseTranscript(filepath.Base(file), string(raw))
	if err != nil {
		return err
	}
	if err := r.addExtra(ctx, t); err != nil {
		return err
	}
	c, err := New(ctx, t.params(name, r.packages, r.extra, r.lanes()))
	if err != nil {
		return fmt.Errorf("%s: %w", t.Name, err)
	}
	out, err := t.Play(ctx, c, name)
	if err != nil {
		return err
	}
	r.report.Transcripts++
	r.report.Calls += len(out.Gas)
	r.report.Covers = append(r.report.Covers, t.Covers...)
	for _, g := range out.Gas {
		fmt.Fprintf(&r.gas, "%s:%d %s %d\n", t.Name, g.Line, g.Method, g.Gas)
	}
	if r.opt.Out != nil {
		fmt.Fprintf(r.opt.Out, "%s: %d calls, %d failures\n", t.Name, len(out.Gas), len(out.Failures))
	}
	if r.opt.Rewrite {
		return writeFile(file, out.Rewritten)
	}
	r.failures = append(r.failures, out.Failures...)
	return nil
}

// sample plays the bundle's sample rows, if it has any.
func (r *runner) sample(ctx context.Context, name string) error {
	file := filepath.Join(r.dir, "testdata", SampleFile)
	if _, err := os.Stat(file); os.IsNotExist(err) {
		return nil
	}
	rows, err := ReadSample(file)
	if err != nil {
		return err
	}
	p := DefaultParams()
	p.Orgs, p.Packages, p.Lanes = nil, r.packages, r.lanes()
	for _, row := range rows {
		if !slices.Contains(p.Orgs, row.Member.Org()) {
			p.Orgs = append(p.Orgs, row.Member.Org())
		}
	}
	c, err := New(ctx, p)
	if err != nil {
		return err
	}
	r.report.Samples = len(rows)
	return PlaySample(ctx, c, name, rows)
}

// compareGas holds the gas of all calls against testdata/gas.golden, which the first
// run writes.
func (r *runner) compareGas() error {
	if r.opt.Out != nil {
		fmt.Fprint(r.opt.Out, r.gas.String())
	}
	if r.opt.NativeOnly {
		return nil
	}
	file := filepath.Join(r.dir, "testdata", GasFile)
	want, err := os.ReadFile(file)
	if r.opt.Rewrite || os.IsNotExist(err) {
		return writeFile(file, r.gas.String())
	}
	if err != nil {
		return fmt.Errorf("read gas: %w", err)
	}
	have := strings.Split(r.gas.String(), "\n")
	for i, line := range strings.Split(string(want), "\n") {
		if i >= len(have) || have[i] != line {
			got := "nothing"
			if i < len(have) {
				got = have[i]
			}
			r.failures = append(r.failures, fmt.Sprintf("%s:%d: want %q, got %q (run with -rewrite if the change is meant)", GasFile, i+1, line, got))
			return nil
		}
	}
	return nil
}

func writeFile(file, text string) error {
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		return fmt.Errorf("rewrite: %w", err)
	}
	return nil
}
