package testkit

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/huchain/huchain/contracts/build"
	"github.com/huchain/huchain/contracts/bundle"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
)

// Harness is a Go bundle and those it uses, compiled for this machine, whose transcripts
// can be played again and again, with the bundle as it is or with other programs in its
// place. It is safe for concurrent use.
type Harness struct {
	name    string
	dir     string
	code    []byte // stands for the bundle's WASM
	used    [][]byte
	extra   map[string][]byte // bundles that transcripts name
	files   map[crypto.Hash]string
	stories []*Transcript
}

// NewHarness compiles what the bundle in dir uses, below root, into tmp and reads its
// transcripts. The bundle itself must be built and sound, and is not compiled.
func NewHarness(ctx context.Context, dir, root, tmp string) (*Harness, error) {
	h := &Harness{dir: dir, code: standIn(dir), files: make(map[crypto.Hash]string)}
	r := &runner{dir: dir, tmp: tmp, opt: Options{Root: root, NativeOnly: true}}
	spec, err := readSpec(dir)
	if err != nil {
		return nil, err
	}
	h.name = spec.Name
	if err := h.use(ctx, r, spec, []string{dir}); err != nil {
		return nil, err
	}
	files, err := filepath.Glob(filepath.Join(dir, "testdata", "*.txt"))
	if err != nil || len(files) == 0 {
		return nil, types.Errorf(types.CodeNotFound, "%s has no transcripts in testdata", dir)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("read transcript: %w", err)
		}
		t, err := ParseTranscript(filepath.Base(file), string(raw))
		if err != nil {
			return nil, err
		}
		if err := h.addExtra(ctx, r, t); err != nil {
			return nil, err
		}
		h.stories = append(h.stories, t)
	}
	return h, nil
}

func readSpec(dir string) (*bundle.Spec, error) {
	raw, err := os.ReadFile(filepath.Join(dir, bundle.YAMLFile))
	if err != nil {
		return nil, types.Errorf(types.CodeNotFound, "%s holds no bundle: %w", dir, err)
	}
	return bundle.ParseSpec(raw)
}

// use compiles the bundles that one uses, callees before callers.
func (h *Harness) use(ctx context.Context, r *runner, spec *bundle.Spec, above []string) error {
	for _, use := range spec.Uses {
		name, _ := cutUse(use)
		sub, err := r.find(name)
		if err != nil {
			return err
		}
		if err := refuseCircle(above, sub); err != nil {
			return err
		}
		subSpec, err := readSpec(sub)
		if err != nil {
			return err
		}
		if _, done := h.files[crypto.Sum(standIn(sub))]; done {
			continue
		}
		if err := h.use(ctx, r, subSpec, append(above, sub)); err != nil {
			return err
		}
		pkg, err := h.compile(ctx, r, sub)
		if err != nil {
			return err
		}
		h.used = append(h.used, pkg)
	}
	return nil
}

// standIn stands for the WASM of the bundle in dir.
func standIn(dir string) []byte { return []byte("native " + dir) }

func (h *Harness) compile(ctx context.Context, r *runner, dir string) ([]byte, error) {
	code := standIn(dir)
	file := filepath.Join(r.tmp, crypto.Sum(code).String())
	if err := build.Native(ctx, dir, file); err != nil {
		return nil, err
	}
	h.files[crypto.Sum(code)] = file
	return bundle.Build(dir, code)
}

// addExtra compiles the bundles that a transcript names.
func (h *Harness) addExtra(ctx context.Context, r *runner, t *Transcript) error {
	for _, name := range slices.Concat(t.With(), t.Deploys()) {
		if h.extra[name] != nil {
			continue
		}
		dir, err := r.find(name)
		if err != nil {
			return err
		}
		if h.extra == nil {
			h.extra = make(map[string][]byte)
		}
		if h.extra[name], err = h.compile(ctx, r, dir); err != nil {
			return err
		}
	}
	return nil
}

// Variant is the bundle with something changed.
type Variant struct {
	Program string        // file of the native program
	Env     []string      // added to its environment
	Limit   time.Duration // of one call; a program that takes longer is ended
	// Manifest, where set, changes the manifest before the package is made.
	Manifest func(*bundle.Manifest)
}

// Play plays the transcripts, in order, until one does not hold, and says what failed
// first; "" if all hold.
func (h *Harness) Play(ctx context.Context, v Variant) (string, error) {
	pkg, err := h.pack(v.Manifest)
	if err != nil {
		return "", err
	}
	native := NewNative()
	native.Env, native.Limit = v.Env, v.Limit
	defer native.Close()
	maps.Copy(native.files, h.files)
	native.Add(crypto.Sum(h.code), v.Program)
	for _, t := range h.stories {
		c, err := New(ctx, t.params(h.name, append(h.used[:len(h.used):len(h.used)], pkg), h.extra, []Lane{{"native", native}}))
		if err != nil {
			return t.Name + ": " + err.Error(), ctx.Err()
		}
		out, err := t.Play(ctx, c, h.name)
		if err != nil {
			return t.Name + ": " + err.Error(), ctx.Err()
		}
		if len(out.Failures) > 0 {
			return out.Failures[0], nil
		}
	}
	return "", nil
}

func (h *Harness) pack(change func(*bundle.Manifest)) ([]byte, error) {
	raw, err := bundle.Build(h.dir, h.code)
	if err != nil || change == nil {
		return raw, err
	}
	p, err := bundle.Open(raw)
	if err != nil {
		return nil, err
	}
	change(&p.Manifest)
	return bundle.Pack(&p.Manifest, p.BundleYAML, p.Schema, p.Code)
}
