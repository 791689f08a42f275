package engine

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/tetratelabs/wazero"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/vm/check"
	"github.com/huchain/huchain/vm/instrument"
)

// ruling numbers what check and instrument make of a module under given limits and schedule:
// where either changes, another number makes what caches hold of no use. TestRuling fails when
// instrumented code changes under the same number.
const ruling = 1

// keptDir is the folder of admitted modules within Params.CacheDir, beside wazero's.
const keptDir = "admitted"

// maxKeptBytes bounds a file that is read: many times what the largest module comes to.
const maxKeptBytes = 256 << 20

// kept is what an admitted module comes to before it is compiled. In the cache it is a file:
// the SM3 of what follows, the fields in JSON on a line, the code.
type kept struct {
	Key     crypto.Hash `json:"key"`            // keptKey; a file under another name is not taken for it
	Globals []string    `json:"globals"`        // as instrument.Output has them
	Init    bool        `json:"init,omitempty"` // the module exports check.EntryInit
	code    []byte      // instrumented
}

// errNotKept says that the cache holds nothing of use of a module.
var errNotKept = errors.New("the module is not in the cache")

// keptKey names what was made of a module: the same code under other rules is another.
func keptKey(k key, l check.Limits) crypto.Hash {
	return crypto.Sum(fmt.Appendf(nil, "huchain admitted module %d\n%s\n%+v\n%+v", ruling, k.code, k.schedule, l))
}

func (k *kept) encode() ([]byte, error) {
	line, err := json.Marshal(k)
	if err != nil {
		return nil, err
	}
	b := make([]byte, crypto.HashSize, crypto.HashSize+len(line)+1+len(k.code))
	b = append(append(append(b, line...), '\n'), k.code...)
	sum := crypto.Sum(b[crypto.HashSize:])
	copy(b, sum[:])
	return b, nil
}

// decodeKept opens a file of the cache. The error says what is wrong with it.
func decodeKept(b []byte, want crypto.Hash) (*kept, error) {
	if len(b) < crypto.HashSize || crypto.Sum(b[crypto.HashSize:]) != crypto.Hash(b[:crypto.HashSize]) {
		return nil, errors.New("the checksum differs")
	}
	line, code, ok := bytes.Cut(b[crypto.HashSize:], []byte("\n"))
	k := &kept{code: code}
	if !ok {
		return nil, io.ErrUnexpectedEOF
	}
	if err := json.Unmarshal(line, k); err != nil {
		return nil, err
	}
	if k.Key != want {
		return nil, errors.New("it is another module's")
	}
	return k, nil
}

// Recall loads a module that was loaded before, in this process or in another that has the
// same CacheDir, under the same limits and schedule. It saves admission and instrumentation
// and needs the hash alone. False: the cache has nothing of use, or damaged; Load the module.
func (e *Engine) Recall(ctx context.Context, code crypto.Hash, s *instrument.Schedule) bool {
	k := key{code, *s}
	return e.once(ctx, k, func(ctx context.Context) (*module, error) { return e.recall(ctx, k) }) == nil
}

func (e *Engine) recall(ctx context.Context, k key) (*module, error) {
	if e.cache == nil {
		return nil, errNotKept
	}
	name := keptKey(k, e.p.Limits)
	raw, err := readKept(filepath.Join(e.p.CacheDir, keptDir, name.String()))
	if err != nil {
		return nil, errNotKept
	}
	from, err := decodeKept(raw, name)
	if err != nil {
		return nil, errNotKept
	}
	compiled, err := guard(func() (wazero.CompiledModule, error) { return e.rt.CompileModule(ctx, from.code) })
	if err != nil {
		return nil, errNotKept
	}
	prune(e.p.CacheDir, e.p.MaxCached, e.p.MaxCachedBytes) // it may have been compiled
	m, err := e.module(ctx, k, from, compiled)
	if err != nil {
		return nil, errNotKept
	}
	return m, nil
}

func readKept(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // only read
	info, err := f.Stat()
	if err != nil || info.Size() > maxKeptBytes {
		return nil, errNotKept
	}
	b := make([]byte, info.Size())
	_, err = io.ReadFull(f, b)
	return b, err
}

// keep writes an admitted module to the cache. Failures are ignored: the next process admits
// it anew.
func (e *Engine) keep(k key, made *kept) {
	made.Key = keptKey(k, e.p.Limits)
	dir := filepath.Join(e.p.CacheDir, keptDir)
	b, err := made.encode()
	if err != nil || os.MkdirAll(dir, 0o700) != nil {
		return
	}
	f, err := os.CreateTemp(dir, made.Key.String()+".*.tmp") // mode 0600
	if err != nil {
		return
	}
	_, err = f.Write(b)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(f.Name(), filepath.Join(dir, made.Key.String()))
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
}
