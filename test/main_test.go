package test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/huchain/huchain/contracts/build"
	"github.com/huchain/huchain/contracts/bundle"
	"github.com/huchain/huchain/vm/wasm/wasmtest"
)

// What all tests share, made once by TestMain.
var (
	root        string            // of the repository
	binary      string            // huchain
	packages    map[string][]byte // contract packages by name: the base contracts and loop
	packagesDir string            // the same as files, as `make contracts` leaves them
	sharedDir   string            // removed at the end
	sharedCache string            // compiled contracts
)

// soak is how many times as long and as much the tests run.
var soak = 1

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (int, error) {
	if v := os.Getenv("HUCHAIN_SOAK"); v != "" {
		var err error
		if soak, err = strconv.Atoi(v); err != nil || soak < 1 {
			return 1, fmt.Errorf("HUCHAIN_SOAK=%s is no positive number", v)
		}
	}
	dir, err := os.MkdirTemp("", "huchain-test-")
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(dir)
	sharedDir = dir
	defer endShared()
	if root, err = filepath.Abs(".."); err != nil {
		return 1, err
	}
	// The binary is the one `make build` makes, in the place where it makes it: the
	// commands in the documents call it there.
	command := exec.Command("make", "-C", root, "build")
	command.Stdout, command.Stderr = os.Stderr, os.Stderr
	if err := command.Run(); err != nil {
		return 1, fmt.Errorf("make build: %w", err)
	}
	binary = filepath.Join(root, "bin", "huchain")
	sharedCache = filepath.Join(dir, "cache")
	if err := makePackages(dir); err != nil {
		return 1, err
	}
	if err := warmCache(dir); err != nil {
		return 1, err
	}
	// Tests that wait for their turn count as running: shared and occupy say how many do.
	flag.Parse()
	if err := flag.Set("test.parallel", "100"); err != nil {
		return 1, err
	}
	return m.Run(), nil
}

func makePackages(dir string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	base := filepath.Join(root, "contracts", "base")
	names, err := build.Find(base)
	if err != nil {
		return err
	}
	packages = map[string][]byte{}
	for _, name := range names {
		r, err := build.Build(ctx, filepath.Join(base, name), build.Params{Toolchain: build.Toolchain})
		if err != nil {
			return fmt.Errorf("build contract %s: %w", name, err)
		}
		packages[r.Manifest.Name] = r.Package
	}
	if packages["loop"], err = bundle.Build("testdata/loop", loopModule()); err != nil {
		return fmt.Errorf("build the loop contract: %w", err)
	}
	packagesDir = filepath.Join(dir, "bundles")
	if err := os.Mkdir(packagesDir, 0o755); err != nil {
		return err
	}
	for name, raw := range packages {
		if err := os.WriteFile(filepath.Join(packagesDir, name+".hcp"), raw, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// warmCache has a devnet compile the contracts into the cache that all networks share.
// Compiled code is only of use to the program that made it, so this one cannot.
func warmCache(dir string) error {
	home := filepath.Join(dir, "warm")
	up := exec.Command(binary, "devnet", "up", "--home", home, "--validators", "1", "--no-sample", "--detach")
	up.Env = append(os.Environ(), "HUCHAIN_BUNDLES="+packagesDir)
	for _, command := range []*exec.Cmd{up, exec.Command(binary, "devnet", "down", "--home", home)} {
		if out, err := command.CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w\n%s", command, err, out)
		}
	}
	return os.Rename(filepath.Join(home, "devnet", "cache"), sharedCache)
}

// loopModule is a contract that never returns.
func loopModule() []byte { return loopModuleOn(wasmtest.New()) }

func loopModuleOn(b *wasmtest.Builder) []byte {
	init := b.Func(wasmtest.T("", ""), "", "")
	spin := b.Func(wasmtest.T("", ""), "", "loop - br 0 end")
	return b.Export("_initialize", 0, init).Export("huchain_call", 0, spin).Bytes()
}
