package build

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/huchain/huchain/contracts/bundle"
	"github.com/huchain/huchain/contracts/sdk"
	"github.com/huchain/huchain/types"
)

// RustVersion is the exact Rust release that contracts are compiled with: that of
// Debian 12, whose packages rustc, libstd-rust-dev-wasm32 and lld-14 are all it takes.
const RustVersion = "1.63.0"

// RustVariable is the environment variable that names another rustc than /usr/bin/rustc.
const RustVariable = "HUCHAIN_RUSTC"

const (
	rustTarget = "wasm32-unknown-unknown"
	rustLinker = "wasm-ld-14"
	rustSource = "src/lib.rs"
)

var errNoRust = fmt.Sprintf("Rust contracts need rustc %s with the target %s and %s; on Debian 12: apt-get install rustc libstd-rust-dev-wasm32 lld-14",
	RustVersion, rustTarget, rustLinker)

// rustc finds the compiler and checks its release.
func rustc(ctx context.Context) (string, error) {
	file := os.Getenv(RustVariable)
	if file == "" {
		file = "/usr/bin/rustc"
	}
	out, err := exec.CommandContext(ctx, file, "--version").Output()
	if err != nil {
		return "", types.Errorf(types.CodeToolMissing, "%s: %s", file, errNoRust)
	}
	if words := strings.Fields(string(out)); len(words) < 2 || words[1] != RustVersion {
		return "", types.Errorf(types.CodeToolMissing, "%s is %s: %s, or name it in %s", file, strings.TrimSpace(string(out)), errNoRust, RustVariable)
	}
	if _, err := exec.LookPath(rustLinker); err != nil {
		return "", types.Errorf(types.CodeToolMissing, "%s: %s", rustLinker, errNoRust)
	}
	return file, nil
}

// rustBuild compiles SDK and contract in a scratch folder.
type rustBuild struct {
	rustc, dir, tmp string
}

func newRustBuild(ctx context.Context, dir string) (*rustBuild, error) {
	file, err := rustc(ctx)
	if err != nil {
		return nil, err
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return nil, fmt.Errorf("compile contract: %w", err)
	}
	tmp, err := os.MkdirTemp("", "huchain-contract-")
	if err != nil {
		return nil, fmt.Errorf("compile contract: %w", err)
	}
	b := &rustBuild{file, dir, tmp}
	err = copyTree(sdk.Rust, "rust", filepath.Join(tmp, "sdk"), func(file string, raw []byte) (string, []byte) { return file, raw })
	if err != nil {
		b.close()
		return nil, err
	}
	return b, nil
}

// close removes the scratch folder; what cannot be removed is the system's to clean.
func (b *rustBuild) close() { _ = os.RemoveAll(b.tmp) }

// compile makes out from the contract, with flags for both crates and for the last.
func (b *rustBuild) compile(ctx context.Context, crateType, out string, flags, last []string) error {
	common := append([]string{"--edition=2021", "-Cpanic=abort", "-Ccodegen-units=1", "-Awarnings",
		"--remap-path-prefix=" + filepath.Join(b.tmp, "sdk") + "=sdk", "--remap-path-prefix=" + b.dir + "=contract"}, flags...)
	library := filepath.Join(b.tmp, "libhuchain.rlib")
	err := b.run(ctx, append(common, "--crate-type=rlib", "--crate-name=huchain", "-o", library, filepath.Join(b.tmp, "sdk", rustSource)))
	if err != nil {
		return err
	}
	args := append(append([]string{}, common...), last...)
	return b.run(ctx, append(args, "--crate-type="+crateType, "--crate-name=contract", "--extern=huchain="+library,
		"-o", out, filepath.Join(b.dir, rustSource)))
}

func (b *rustBuild) run(ctx context.Context, args []string) error {
	cmd := exec.CommandContext(ctx, b.rustc, args...)
	cmd.Dir = b.tmp
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "TMPDIR=" + b.tmp}
	return run(cmd)
}

// compileRust returns the WASM code of the Rust contract in dir.
func compileRust(ctx context.Context, dir string) ([]byte, error) {
	b, err := newRustBuild(ctx, dir)
	if err != nil {
		return nil, err
	}
	defer b.close()
	out := filepath.Join(b.tmp, bundle.CodeFile)
	err = b.compile(ctx, "cdylib", out, []string{"--target=" + rustTarget, "-Copt-level=3"},
		[]string{"-Clto=fat", "-Cstrip=symbols", "-Clinker=" + rustLinker, "-Clink-arg=-zstack-size=131072"})
	if err != nil {
		return nil, err
	}
	code, err := os.ReadFile(out)
	if err != nil {
		return nil, fmt.Errorf("compile contract: %w", err)
	}
	return code, nil
}

// rustSchema compiles the contract for this machine, where it prints its schema.
func rustSchema(ctx context.Context, dir string) ([]byte, error) {
	b, err := newRustBuild(ctx, dir)
	if err != nil {
		return nil, err
	}
	defer b.close()
	program := filepath.Join(b.tmp, "schema")
	if err := b.compile(ctx, "bin", program, nil, nil); err != nil {
		return nil, err
	}
	raw, err := exec.CommandContext(ctx, program).Output()
	if err != nil {
		return nil, types.Errorf(types.CodePackageInvalid, "%s: print schema: %w", dir, err)
	}
	schema, err := bundle.ParseSchema(raw)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(schema); err != nil {
		return nil, fmt.Errorf("encode schema: %w", err)
	}
	return out.Bytes(), nil
}

// generateRust brings the schema of a Rust bundle up to date, or refuses a stale one.
func generateRust(ctx context.Context, dir string, write bool) error {
	want, err := rustSchema(ctx, dir)
	if err != nil {
		return err
	}
	file := filepath.Join(dir, bundle.SchemaFile)
	if write {
		return writeNew(file, want)
	}
	have, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("read schema: %w", err)
	}
	if !bytes.Equal(have, want) {
		return types.Errorf(types.CodePackageInvalid, "%s does not match the code: run huchain contract build", file)
	}
	return nil
}
