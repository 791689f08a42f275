// Package build compiles contract bundles, generates what follows from their source,
// checks them for drift, packs them and begins new ones: what huchain contract build,
// check and new do.
package build

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/huchain/huchain/contracts/bundle"
	"github.com/huchain/huchain/contracts/bundle/forms"
	"github.com/huchain/huchain/contracts/sdk/go/codegen"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
	vmcheck "github.com/huchain/huchain/vm/check"
)

// Toolchain is the exact Go release that contracts are compiled with: another release
// gives other bytes, and with them another code hash.
const Toolchain = "go1.26.8"

// Params say how to build.
type Params struct {
	// Toolchain is what Go contracts are compiled with. If it is not installed, the go
	// command fetches it through its module proxy.
	Toolchain string
	// Write stores generated files in the bundle; without it they must be up to date.
	Write bool
}

// DefaultParams builds with Toolchain and stores generated files.
func DefaultParams() Params { return Params{Toolchain: Toolchain, Write: true} }

// Validate refuses impossible parameters.
func (p *Params) Validate() error {
	if !strings.HasPrefix(p.Toolchain, "go1.") {
		return types.Errorf(types.CodeUsage, "toolchain %q: must be a Go release as %s", p.Toolchain, Toolchain)
	}
	return nil
}

// Result is a built bundle.
type Result struct {
	Manifest bundle.Manifest
	Code     []byte // WASM
	Package  []byte // package file
	CodeHash crypto.Hash
	Hash     crypto.Hash // of the package file
}

// Build generates, compiles and packs the bundle in dir. Equal sources, toolchain and
// SDK give equal bytes. Errors: HC-1012 if a compiler is missing, HC-3302 and HC-3303
// where the bundle is at fault.
func Build(ctx context.Context, dir string, p Params) (*Result, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	spec, err := readSpec(dir)
	if err != nil {
		return nil, err
	}
	if err := generate(ctx, dir, spec.Language, p.Write); err != nil {
		return nil, err
	}
	code, err := compileChecked(ctx, dir, spec, p)
	if err != nil {
		return nil, err
	}
	raw, err := bundle.Build(dir, code)
	if err != nil {
		return nil, err
	}
	opened, err := bundle.Open(raw)
	if err != nil {
		return nil, err
	}
	return &Result{opened.Manifest, code, raw, opened.CodeHash, opened.Hash}, nil
}

// Check does all of Build but writing: generated files must be up to date, bundle.yaml must
// agree with the code, and the compiled module with what the chain admits.
func Check(ctx context.Context, dir string) error {
	p := DefaultParams()
	spec, err := readSpec(dir)
	if err != nil {
		return err
	}
	if err := generate(ctx, dir, spec.Language, false); err != nil {
		return err
	}
	_, err = compileChecked(ctx, dir, spec, p)
	return err
}

// compileChecked compiles the contract in dir if bundle.yaml agrees with the generated
// files, and holds the module against what the chain admits.
func compileChecked(ctx context.Context, dir string, spec *bundle.Spec, p Params) ([]byte, error) {
	if err := check(dir); err != nil {
		return nil, err
	}
	code, err := Compile(ctx, dir, spec.Language, p)
	if err != nil {
		return nil, err
	}
	return code, checkModule(spec, code)
}

// checkModule is admission before it comes to the chain, and stricter: capabilities are
// declared one and all, and none in vain.
func checkModule(spec *bundle.Spec, code []byte) error {
	m, err := vmcheck.Module(code, vmcheck.LimitsV1())
	if err != nil {
		return err
	}
	needs := vmcheck.Needs(m)
	if len(spec.Capabilities) == 0 && len(needs) > 0 {
		return spec.RefuseCapabilities(needs)
	}
	if err := vmcheck.Granted(m, spec.Capabilities); err != nil {
		return err
	}
	for _, c := range spec.Capabilities {
		if !slices.Contains(needs, c) {
			return spec.RefuseCapabilities(needs)
		}
	}
	return nil
}

func readSpec(dir string) (*bundle.Spec, error) {
	raw, err := os.ReadFile(filepath.Join(dir, bundle.YAMLFile))
	if err != nil {
		return nil, types.Errorf(types.CodeNotFound, "%s holds no bundle: %w", dir, err)
	}
	return bundle.ParseSpec(raw)
}

func check(dir string) error {
	yamlRaw, err := os.ReadFile(filepath.Join(dir, bundle.YAMLFile))
	if err != nil {
		return types.Errorf(types.CodePackageInvalid, "read bundle: %w", err)
	}
	schemaRaw, err := os.ReadFile(filepath.Join(dir, bundle.SchemaFile))
	if err != nil {
		return types.Errorf(types.CodePackageInvalid, "read bundle: %w", err)
	}
	if _, err = bundle.Check(yamlRaw, schemaRaw); err != nil {
		return err
	}
	return checkParams(yamlRaw, schemaRaw)
}

// checkParams holds the defaults of bundle.yaml against the arguments of init, and sees
// that every schema compiles.
func checkParams(yamlRaw, schemaRaw []byte) error {
	f, err := forms.Compile(schemaRaw)
	if err != nil {
		return err
	}
	spec, err := bundle.ParseSpec(yamlRaw)
	if err != nil {
		return err
	}
	m, err := spec.Manifest()
	if err != nil || len(m.Params) == 0 {
		return err
	}
	if err := f.Params(m.Params); err != nil {
		return spec.RefuseParams(err)
	}
	return nil
}

// generate brings a bundle's generated files up to date, or refuses stale ones.
func generate(ctx context.Context, dir, language string, write bool) error {
	if language == "rust" {
		return generateRust(ctx, dir, write)
	}
	if _, err := exec.LookPath("go"); err != nil {
		return types.Errorf(types.CodeToolMissing, "go: install Go %s or newer from https://go.dev/dl", strings.TrimPrefix(Toolchain, "go"))
	}
	out, err := codegen.Generate(dir)
	if err != nil {
		return types.Errorf(types.CodePackageInvalid, "%w", err)
	}
	if write {
		err = out.Write(dir)
	} else {
		err = out.Drift(dir)
	}
	if err != nil {
		return types.Errorf(types.CodePackageInvalid, "%s: %w", dir, err)
	}
	return nil
}

// Compile returns the WASM code of the contract in dir.
func Compile(ctx context.Context, dir, language string, p Params) ([]byte, error) {
	if language == "rust" {
		return compileRust(ctx, dir)
	}
	out, err := os.MkdirTemp("", "huchain-contract-")
	if err != nil {
		return nil, fmt.Errorf("compile contract: %w", err)
	}
	defer os.RemoveAll(out)
	file := filepath.Join(out, bundle.CodeFile)
	cmd := exec.CommandContext(ctx, "go", "build", "-buildmode=c-shared", "-trimpath", "-buildvcs=false",
		"-ldflags=-s -w", "-o", file, ".")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOTOOLCHAIN="+p.Toolchain, "GOFLAGS=", "GOOS=wasip1", "GOARCH=wasm",
		"CGO_ENABLED=0", "GOWASM=", "GOEXPERIMENT=")
	if err := run(cmd); err != nil {
		return nil, err
	}
	code, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("compile contract: %w", err)
	}
	return code, nil
}

// Native compiles the contract in dir for this machine into file, for tests.
func Native(ctx context.Context, dir, file string) error { return NativeOverlay(ctx, dir, file, "") }

// NativeOverlay is Native with other contents for some of the source files: overlay is
// a file as go build -overlay reads it; "" for none.
func NativeOverlay(ctx context.Context, dir, file, overlay string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-overlay="+overlay, "-o", file, ".")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOFLAGS=", "GOOS=", "GOARCH=", "CGO_ENABLED=0")
	return run(cmd)
}

func run(cmd *exec.Cmd) error {
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	err := cmd.Run()
	if errors.Is(err, exec.ErrNotFound) {
		return types.Errorf(types.CodeToolMissing, "%s: install it and run this again", cmd.Args[0])
	}
	if err != nil {
		return types.Errorf(types.CodePackageInvalid, "%s in %s: %w\n%s", strings.Join(cmd.Args[:2], " "), cmd.Dir, err,
			strings.TrimSpace(stderr.String()))
	}
	return nil
}
