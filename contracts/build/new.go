package build

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"

	"github.com/huchain/huchain/contracts/sdk"
	"github.com/huchain/huchain/types"
)

//go:embed all:templates
var templates embed.FS

const (
	sdkModule = "github.com/huchain/huchain"
	sdkDir    = "huchain-sdk" // beside a bundle outside this repository
)

// New begins a bundle named name in dir, which must not exist yet or be empty: a
// small contract that works and is tested. Outside this repository the SDK's sources
// are written beside it, so that it builds with the Go toolchain alone. Errors:
// HC-1002 for a bad name or language, HC-1011 if dir is in use, HC-1012 without go.
func New(dir, name, language string) error {
	if !types.ValidName(name) {
		return types.Errorf(types.CodeUsage, "name %q: must match %s", name, types.NamePattern)
	}
	if _, err := templates.ReadDir("templates/" + language); err != nil || language == "" {
		return types.Errorf(types.CodeUsage, "language %q: must be go or rust", language)
	}
	if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 {
		return types.Errorf(types.CodeAlreadyExists, "%s is not empty", dir)
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("begin bundle: %w", err)
	}
	if err := writeTemplate(dir, name, language); err != nil {
		return err
	}
	if language == "rust" {
		err := copyTree(sdk.Rust, "rust", filepath.Join(dir, sdkDir), func(file string, raw []byte) (string, []byte) { return file, raw })
		if err != nil {
			return err
		}
	} else if inside, err := insideRepository(dir); err != nil {
		return err
	} else if !inside {
		if err := writeGoModule(dir, name); err != nil {
			return err
		}
	}
	return generate(context.Background(), dir, language, true)
}

func writeTemplate(dir, name, language string) error {
	root := "templates/" + language
	return copyTree(templates, root, dir, func(file string, raw []byte) (string, []byte) {
		return strings.TrimSuffix(file, ".tmpl"), []byte(strings.ReplaceAll(string(raw), "{{name}}", name))
	})
}

// insideRepository reports whether dir belongs to this repository's module.
func insideRepository(dir string) (bool, error) {
	cmd := exec.Command("go", "list", "-m")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOFLAGS=", "GOWORK=off")
	out, err := cmd.Output()
	if errors.Is(err, exec.ErrNotFound) {
		return false, types.Errorf(types.CodeToolMissing, "go: install Go %s or newer from https://go.dev/dl", strings.TrimPrefix(Toolchain, "go"))
	}
	return err == nil && strings.TrimSpace(string(out)) == sdkModule, nil
}

// writeGoModule makes dir a module of its own that finds the SDK beside it.
func writeGoModule(dir, name string) error {
	version := strings.TrimPrefix(Toolchain, "go")
	mod := fmt.Sprintf("module %s\n\ngo %s\n\nrequire %s v0.0.0\n\nreplace %s => ./%s\n", name, version, sdkModule, sdkModule, sdkDir)
	if err := writeNew(filepath.Join(dir, "go.mod"), []byte(mod)); err != nil {
		return err
	}
	mod = fmt.Sprintf("module %s\n\ngo %s\n", sdkModule, version)
	if err := writeNew(filepath.Join(dir, sdkDir, "go.mod"), []byte(mod)); err != nil {
		return err
	}
	return copyTree(sdk.Go, "go", filepath.Join(dir, sdkDir, "contracts", "sdk", "go"), func(file string, raw []byte) (string, []byte) {
		if strings.HasSuffix(file, "_test.go") {
			return "", nil
		}
		return file, raw
	})
}

// copyTree writes the files below root into dir, each under the name and with the
// contents that change makes of them; an empty name leaves the file out.
func copyTree(src fs.FS, root, dir string, change func(file string, raw []byte) (string, []byte)) error {
	return fs.WalkDir(src, root, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		raw, err := fs.ReadFile(src, file)
		if err != nil {
			return fmt.Errorf("begin bundle: %w", err)
		}
		name, raw := change(strings.TrimPrefix(file, root+"/"), raw)
		if name == "" {
			return nil
		}
		return writeNew(filepath.Join(dir, filepath.FromSlash(path.Clean(name))), raw)
	})
}

func writeNew(file string, raw []byte) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return fmt.Errorf("begin bundle: %w", err)
	}
	if err := os.WriteFile(file, raw, 0o644); err != nil {
		return fmt.Errorf("begin bundle: %w", err)
	}
	return nil
}
