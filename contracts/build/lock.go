package build

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"github.com/huchain/huchain/contracts/bundle"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
)

// LockFile names the list of built bundles, at the root of a tree of bundles.
const LockFile = "bundles.lock"

// Locked is one line of the lock: a bundle and what it builds to.
type Locked struct {
	Dir         string // relative to the lock, with slashes
	Version     string
	CodeHash    crypto.Hash
	PackageHash crypto.Hash // SM3 of the package file
}

// Lock pins toolchain and hashes of a tree of bundles.
type Lock struct {
	Toolchain string   // compilers, separated by a space
	Bundles   []Locked // ascending by Dir
}

const lockHead = "# Written by huchain contract build; CI fails if a build gives other hashes.\n"

// Encode writes the lock's text: a line with the toolchain, then for each bundle its
// folder, version, and SM3 of code and package.
func (l *Lock) Encode() []byte {
	var b bytes.Buffer
	b.WriteString(lockHead)
	fmt.Fprintf(&b, "toolchain %s\n", l.Toolchain)
	for _, x := range l.Bundles {
		fmt.Fprintf(&b, "%s %s code:%s package:%s\n", x.Dir, x.Version, x.CodeHash, x.PackageHash)
	}
	return b.Bytes()
}

// ParseLock reads what Encode wrote.
func ParseLock(raw []byte) (*Lock, error) {
	l := &Lock{}
	for i, line := range strings.Split(strings.TrimSuffix(string(raw), "\n"), "\n") {
		if strings.HasPrefix(line, "#") {
			continue
		}
		words := strings.Fields(line)
		if len(words) >= 2 && words[0] == "toolchain" {
			l.Toolchain = strings.Join(words[1:], " ")
			continue
		}
		x, err := parseLocked(words)
		if err != nil {
			return nil, types.Errorf(types.CodePackageInvalid, "%s:%d: %w", LockFile, i+1, err)
		}
		l.Bundles = append(l.Bundles, x)
	}
	return l, nil
}

func parseLocked(words []string) (x Locked, err error) {
	if len(words) != 4 || !strings.HasPrefix(words[2], "code:") || !strings.HasPrefix(words[3], "package:") {
		return x, fmt.Errorf("want folder, version, code:HASH and package:HASH")
	}
	x.Dir, x.Version = words[0], words[1]
	if x.CodeHash, err = crypto.ParseHash(strings.TrimPrefix(words[2], "code:")); err != nil {
		return x, err
	}
	x.PackageHash, err = crypto.ParseHash(strings.TrimPrefix(words[3], "package:"))
	return x, err
}

// Find returns the bundle folders under root, ascending, relative to root.
func Find(root string) ([]string, error) {
	var out []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "testdata" || d.Name() == "sdk" || d.Name() == "target" || d.Name() == "templates") {
			return filepath.SkipDir
		}
		if !d.IsDir() && d.Name() == bundle.YAMLFile {
			rel, err := filepath.Rel(root, filepath.Dir(path))
			out = append(out, filepath.ToSlash(rel))
			return err
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("find bundles: %w", err)
	}
	sort.Strings(out)
	return out, nil
}

// PackageName is the file a bundle's package is stored under.
func PackageName(name, version string) string { return name + "-" + version + ".hcp" }

// All builds every bundle under root, writes the packages into out (none if it is
// empty), and compares the hashes with root's lock: with p.Write the lock is written
// anew, else any difference is an error.
func All(ctx context.Context, root, out string, p Params) (*Lock, error) {
	dirs, err := Find(root)
	if err != nil {
		return nil, err
	}
	lock := &Lock{Toolchain: p.Toolchain + " rustc" + RustVersion}
	for _, dir := range dirs {
		r, err := Build(ctx, filepath.Join(root, filepath.FromSlash(dir)), p)
		if err != nil {
			return nil, err
		}
		lock.Bundles = append(lock.Bundles, Locked{dir, r.Manifest.Version, r.CodeHash, r.Hash})
		if out == "" {
			continue
		}
		if err := writePackage(out, r); err != nil {
			return nil, err
		}
	}
	file := filepath.Join(root, LockFile)
	if p.Write {
		if err := os.WriteFile(file, lock.Encode(), 0o644); err != nil {
			return nil, fmt.Errorf("write lock: %w", err)
		}
		return lock, nil
	}
	return lock, compareLock(file, lock)
}

func writePackage(out string, r *Result) error {
	if err := os.MkdirAll(out, 0o755); err != nil {
		return fmt.Errorf("write package: %w", err)
	}
	file := filepath.Join(out, PackageName(r.Manifest.Name, r.Manifest.Version))
	if err := os.WriteFile(file, r.Package, 0o644); err != nil {
		return fmt.Errorf("write package: %w", err)
	}
	return nil
}

func compareLock(file string, have *Lock) error {
	raw, err := os.ReadFile(file)
	if err != nil {
		return types.Errorf(types.CodePackageInvalid, "read lock: %w", err)
	}
	want := string(raw)
	if want == string(have.Encode()) {
		return nil
	}
	for _, line := range strings.Split(string(have.Encode()), "\n") {
		if !strings.Contains(want, line+"\n") {
			return types.Errorf(types.CodePackageInvalid, "%s differs: this build gives %q; run make contracts and commit the lock", file, line)
		}
	}
	return types.Errorf(types.CodePackageInvalid, "%s lists a bundle that is gone; run make contracts and commit the lock", file)
}
