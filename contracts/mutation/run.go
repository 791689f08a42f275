package mutation

import (
	"context"
	"encoding/json"
	"fmt"
	"go/ast"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/tools/go/packages"

	"github.com/huchain/huchain/contracts/build"
	"github.com/huchain/huchain/contracts/bundle"
	"github.com/huchain/huchain/contracts/testkit"
	"github.com/huchain/huchain/types"
)

// Params say how to measure.
type Params struct {
	Root    string        // where bundles that the measured one uses are looked for
	Every   int           // plays every so-manieth mutant; 1 plays all
	Limit   time.Duration // of one call; a mutant that takes longer counts as killed
	Workers int           // mutants played at a time
}

// DefaultParams plays all mutants on all cores, with two seconds for a call.
func DefaultParams() Params {
	return Params{Every: 1, Limit: 2 * time.Second, Workers: runtime.GOMAXPROCS(0)}
}

// Validate refuses what cannot run.
func (p *Params) Validate() error {
	if p.Every < 1 || p.Workers < 1 || p.Limit <= 0 {
		return types.Errorf(types.CodeUsage, "mutation: every, workers and limit must be positive")
	}
	return nil
}

// Report is what became of the mutants of a bundle.
type Report struct {
	Bundle  string   `json:"bundle"`
	Planted int      `json:"planted"` // mutants there are
	Played  int      `json:"played"`
	Killed  int      `json:"killed"`
	Mutants []Mutant `json:"mutants"` // those played
}

// Percent is the share of played mutants that were killed, rounded down.
func (r *Report) Percent() int {
	if r.Played == 0 {
		return 0
	}
	return 100 * r.Killed / r.Played
}

// Survivors are the mutants that no transcript noticed.
func (r *Report) Survivors() []Mutant {
	return slices.DeleteFunc(slices.Clone(r.Mutants), func(m Mutant) bool { return m.Fate != survived })
}

const (
	killed   = "killed"
	survived = "survived"
)

// Run plants mutants in the Go bundle in dir and plays its transcripts under each. The
// bundle is not changed. Errors: HC-1002 for a bundle that is not in Go; whatever
// building it gives; transcripts that do not hold without any mutant.
func Run(ctx context.Context, dir string, p Params) (*Report, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	raw, err := os.ReadFile(filepath.Join(dir, bundle.YAMLFile))
	if err != nil {
		return nil, types.Errorf(types.CodeNotFound, "%s holds no bundle: %w", dir, err)
	}
	spec, err := bundle.ParseSpec(raw)
	if err != nil {
		return nil, err
	}
	if spec.Language != "go" {
		return nil, types.Errorf(types.CodeUsage, "%s is written in %s: mutants are planted in Go alone", dir, spec.Language)
	}
	tmp, err := os.MkdirTemp("", "huchain-mutation-")
	if err != nil {
		return nil, fmt.Errorf("plant mutants: %w", err)
	}
	defer os.RemoveAll(tmp)
	mutants, overlay, err := plantAll(ctx, dir, tmp)
	if err != nil {
		return nil, err
	}
	program := filepath.Join(tmp, "contract")
	if err := build.NativeOverlay(ctx, dir, program, overlay); err != nil {
		return nil, err
	}
	h, err := testkit.NewHarness(ctx, dir, p.Root, tmp)
	if err != nil {
		return nil, err
	}
	if failed, err := h.Play(ctx, testkit.Variant{Program: program, Limit: p.Limit}); err != nil || failed != "" {
		return nil, types.Errorf(types.CodeUsage, "the transcripts of %s do not hold even without a mutant: %s", dir, failed)
	}
	mutants = append(mutants, permissions(spec, len(mutants))...)
	r := &Report{Bundle: spec.Name, Planted: len(mutants)}
	for i := 0; i < len(mutants); i += p.Every {
		r.Mutants = append(r.Mutants, mutants[i])
	}
	return r, r.play(ctx, h, program, p)
}

// plantAll rewrites the files of a contract into tmp and returns the go command's
// overlay that puts them in place.
func plantAll(ctx context.Context, dir, tmp string) ([]Mutant, string, error) {
	cfg := &packages.Config{Context: ctx, Dir: dir, Env: append(os.Environ(), "GOFLAGS=", "GOOS=", "GOARCH=", "CGO_ENABLED=0"),
		Mode: packages.NeedName | packages.NeedFiles | packages.NeedSyntax | packages.NeedTypes | packages.NeedTypesInfo | packages.NeedImports | packages.NeedDeps}
	list, err := packages.Load(cfg, ".")
	if err != nil {
		return nil, "", fmt.Errorf("plant mutants: %w", err)
	}
	if len(list) != 1 || len(list[0].Errors) > 0 {
		return nil, "", types.Errorf(types.CodePackageInvalid, "%s does not compile: %v", dir, list[0].Errors)
	}
	pkg := list[0]
	replace := make(map[string]string)
	var mutants []Mutant
	next := 0
	for _, file := range pkg.Syntax {
		name := pkg.Fset.Position(file.Pos()).Filename
		if ast.IsGenerated(file) {
			continue
		}
		src, err := os.ReadFile(name)
		if err != nil {
			return nil, "", fmt.Errorf("plant mutants: %w", err)
		}
		p := &planter{fset: pkg.Fset, info: pkg.TypesInfo, pkg: pkg.Types, file: filepath.Base(name), src: src, next: &next, headers: map[ast.Stmt]bool{}}
		for _, d := range file.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Body != nil && fn.Name.Name != "main" && fn.Name.Name != "init" {
				p.plant(fn)
			}
		}
		mutants = append(mutants, p.mutants...)
		replace[name] = filepath.Join(tmp, filepath.Base(name))
		if err := os.WriteFile(replace[name], []byte(p.rewritten()), 0o600); err != nil {
			return nil, "", fmt.Errorf("plant mutants: %w", err)
		}
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, "", fmt.Errorf("plant mutants: %w", err)
	}
	replace[filepath.Join(abs, "mutant__.go")] = filepath.Join(tmp, "mutant__.go")
	if err := os.WriteFile(filepath.Join(tmp, "mutant__.go"), []byte(selectors), 0o600); err != nil {
		return nil, "", fmt.Errorf("plant mutants: %w", err)
	}
	raw, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return nil, "", fmt.Errorf("plant mutants: %w", err)
	}
	overlay := filepath.Join(tmp, "overlay.json")
	if err := os.WriteFile(overlay, raw, 0o600); err != nil {
		return nil, "", fmt.Errorf("plant mutants: %w", err)
	}
	return mutants, overlay, nil
}

// everyMember is a rule that lets every member of the chain in.
const everyMember = "ANY role:admin role:auditor role:client role:light role:validator"

// permissions are the allow rules opened: writing methods to every member, queries to
// everyone.
func permissions(spec *bundle.Spec, last int) []Mutant {
	var out []Mutant
	for _, name := range sortedKeys(spec.Methods) {
		m := spec.Methods[name]
		if m.Allow == "public" || m.Allow == everyMember || m.Writes != nil && m.Allow == "self" {
			continue
		}
		last++
		out = append(out, Mutant{ID: last, File: bundle.YAMLFile, Line: spec.Line("methods", name), Kind: "permission",
			What: name + ": " + m.Allow + " → " + opened(m.Writes != nil)})
	}
	return out
}

func opened(writes bool) string {
	if writes {
		return everyMember
	}
	return "public"
}

// variant turns a mutant on.
func (m *Mutant) variant(program string, limit time.Duration) testkit.Variant {
	v := testkit.Variant{Program: program, Limit: limit}
	if m.Kind != "permission" {
		v.Env = []string{Variable + "=" + strconv.Itoa(m.ID)}
		return v
	}
	method, _, _ := strings.Cut(m.What, ":")
	v.Manifest = func(b *bundle.Manifest) {
		for i := range b.Methods {
			if b.Methods[i].Name == method {
				b.Methods[i].Allow = opened(b.Methods[i].Writes)
			}
		}
	}
	return v
}

// play plays the report's mutants.
func (r *Report) play(ctx context.Context, h *testkit.Harness, program string, p Params) error {
	work := make(chan *Mutant)
	errs := make(chan error, p.Workers)
	var wg sync.WaitGroup
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for range p.Workers {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for m := range work {
				by, err := h.Play(ctx, m.variant(program, p.Limit))
				if err != nil {
					errs <- err
					cancel()
					return
				}
				m.Fate, m.By = survived, ""
				if by != "" {
					m.Fate, m.By = killed, oneLine(by)
				}
			}
		}()
	}
	for i := range r.Mutants {
		select {
		case work <- &r.Mutants[i]:
		case <-ctx.Done():
		}
	}
	close(work)
	wg.Wait()
	for _, m := range r.Mutants {
		if m.Fate != "" {
			r.Played++
		}
		if m.Fate == killed {
			r.Killed++
		}
	}
	select {
	case err := <-errs:
		return err
	default:
		return ctx.Err()
	}
}

func sortedKeys[V any](m map[string]V) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
