package devnet

import (
	"context"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/huchain/huchain/contracts/bundle"
	"github.com/huchain/huchain/types"
)

// Sources says where a devnet finds its contracts.
type Sources struct {
	// Only, where set, is the one folder to take *.hcp from.
	Only string
	// Prebuilt are folders searched for *.hcp, in order; the first that holds any wins.
	Prebuilt []string
	// Tree is the root of a source tree whose contracts/base is built where nothing is
	// prebuilt; empty if there is none.
	Tree string
	// Wanted, where set, names the contracts to take; otherwise they are those of
	// contracts/base. What is not prebuilt and no base contract is built from the samples of
	// Tree, if they are there.
	Wanted []string
	// Build makes the package of the bundle in a folder of the tree; nil if this program
	// cannot.
	Build func(ctx context.Context, dir string) ([]byte, error)
}

// FindSources looks beside the running binary, and for the source tree it lies in.
// Where HUCHAIN_BUNDLES names a folder, its packages are taken and nothing else, also if
// it holds none.
func FindSources() Sources {
	s := Sources{Only: os.Getenv("HUCHAIN_BUNDLES")}
	var starts []string
	if exe, err := os.Executable(); err == nil {
		s.Prebuilt = append(s.Prebuilt, filepath.Join(filepath.Dir(exe), "bundles"))
		starts = append(starts, filepath.Dir(exe))
	}
	if wd, err := os.Getwd(); err == nil {
		starts = append(starts, wd)
	}
	for _, dir := range starts {
		if s.Tree = treeAbove(dir); s.Tree != "" {
			break
		}
	}
	return s
}

// treeAbove finds the root of the source tree that dir lies in.
func treeAbove(dir string) string {
	for {
		if _, err := os.Stat(filepath.Join(dir, "contracts", "base")); err == nil {
			raw, err := os.ReadFile(filepath.Join(dir, "go.mod"))
			if err == nil && strings.HasPrefix(string(raw), "module github.com/huchain/huchain\n") {
				return dir
			}
		}
		up := filepath.Dir(dir)
		if up == dir {
			return ""
		}
		dir = up
	}
}

// Packages returns the package files of the base contracts, or of those Wanted, by contract
// name: prebuilt, or built from the source tree. say is told what takes long.
func (s Sources) Packages(ctx context.Context, say func(en, zh string)) (map[string][]byte, error) {
	out, err := s.base(ctx, say)
	if err != nil {
		return nil, err
	}
	for _, name := range s.Wanted {
		dir := filepath.Join(s.Tree, "contracts", "samples", name)
		if out[name] != nil || s.Only != "" || s.Tree == "" || s.Build == nil {
			continue
		}
		if _, err := os.Stat(filepath.Join(dir, "bundle.yaml")); err != nil {
			continue
		}
		say("building contract "+name, "构建合约 "+name)
		if out[name], err = s.Build(ctx, dir); err != nil {
			return nil, err
		}
	}
	if len(s.Wanted) > 0 {
		maps.DeleteFunc(out, func(name string, _ []byte) bool { return !slices.Contains(s.Wanted, name) })
	}
	return out, nil
}

func (s Sources) base(ctx context.Context, say func(en, zh string)) (map[string][]byte, error) {
	if s.Only != "" {
		return readPackages(s.Only)
	}
	for _, dir := range s.Prebuilt {
		out, err := readPackages(dir)
		if err != nil || len(out) > 0 {
			return out, err
		}
	}
	if s.Tree == "" || s.Build == nil {
		return nil, types.Errorf(types.CodeNotFound,
			"no contract packages: neither %s nor a source tree; set HUCHAIN_BUNDLES to a folder of .hcp files", strings.Join(s.Prebuilt, ", "))
	}
	if _, err := exec.LookPath("go"); err != nil {
		return nil, types.Errorf(types.CodeToolMissing, "go, to build the base contracts of %s (or run \"make contracts\" where it is)", s.Tree)
	}
	dirs, err := filepath.Glob(filepath.Join(s.Tree, "contracts", "base", "*", "bundle.yaml"))
	if err != nil {
		return nil, err
	}
	out := map[string][]byte{}
	for _, f := range dirs {
		name := filepath.Base(filepath.Dir(f))
		say("building contract "+name, "构建合约 "+name)
		raw, err := s.Build(ctx, filepath.Dir(f))
		if err != nil {
			return nil, err
		}
		out[name] = raw
	}
	if len(out) == 0 {
		return nil, types.Errorf(types.CodeNotFound, "%s/contracts/base holds no bundle", s.Tree)
	}
	return out, nil
}

func readPackages(dir string) (map[string][]byte, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.hcp"))
	if err != nil {
		return nil, err
	}
	out := map[string][]byte{}
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			return nil, types.Errorf(types.CodePackageInvalid, "%w", err)
		}
		pkg, err := bundle.Open(raw)
		if err != nil {
			return nil, err
		}
		out[pkg.Manifest.Name] = raw
	}
	return out, nil
}
