package api

import (
	"bytes"
	"context"
	"encoding/json"
	"mime"
	"sync"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/huchain/huchain/chain"
	"github.com/huchain/huchain/contracts/bundle"
	"github.com/huchain/huchain/contracts/bundle/forms"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/types/rest"
)

// face is what an installed package says of itself, read once.
type face struct {
	*bundle.Interface
	schema []byte
	forms  *forms.Forms
	err    error // HC-3303: the package's words are of no use
}

// faces keeps those asked for of late, by hash of the package.
type faces struct {
	mu    sync.Mutex // one package is unpacked at a time
	cache *lru.Cache[crypto.Hash, *face]
}

// cachedFaces bounds how many are kept; each takes some hundred KiB.
const cachedFaces = 128

func newFaces() *faces {
	cache, err := lru.New[crypto.Hash, *face](cachedFaces)
	if err != nil {
		panic(err) // the size is positive
	}
	return &faces{cache: cache}
}

// of returns the interface of a contract's active version.
func (f *faces) of(c *Chain, r *chain.ContractRecord) (*face, error) {
	hash := r.Current().Package
	if x, ok := f.cache.Get(hash); ok {
		return x, x.err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if x, ok := f.cache.Get(hash); ok {
		return x, x.err
	}
	p, err := c.Machine.Package(c.Ledger, r)
	if err != nil {
		return nil, err
	}
	x := &face{schema: p.Schema}
	if x.Interface, x.err = bundle.ReadInterface(p.BundleYAML, p.Schema); x.err == nil {
		x.forms, x.err = forms.Compile(p.Schema)
	}
	f.cache.Add(hash, x)
	return x, x.err
}

// installed looks a contract up.
func (c *Chain) installed(name string) (*chain.ContractRecord, error) {
	r, ok, err := c.Machine.Contract(c.Ledger, name)
	if err == nil && !ok {
		err = types.Errorf(types.CodeUnknownContract, "%s", name)
	}
	return r, err
}

// inForce is bundle.yaml with the permissions the chain enforces, whatever the file says.
func (x *face) inForce(r *chain.ContractRecord) *bundle.Spec {
	spec := *x.Spec
	spec.Methods = make(map[string]bundle.MethodSpec, len(x.Spec.Methods))
	for name, m := range x.Spec.Methods {
		m.Allow = ""
		if in, ok := r.Method(name); ok {
			m.Allow = in.Allow
		}
		spec.Methods[name] = m
	}
	return &spec
}

func (s *Server) contractInterface(_ context.Context, in *struct {
	ChainPath
	Name string `path:"name" maxLength:"32"`
}) (*answer[rest.Interface], error) {
	c, err := s.chain(in.Chain)
	if err != nil {
		return nil, err
	}
	r, err := c.installed(in.Name)
	if err != nil {
		return nil, err
	}
	x, err := s.faces.of(c, r)
	if err != nil {
		return nil, err
	}
	spec, err := json.Marshal(x.inForce(r))
	if err != nil {
		return nil, err
	}
	return &answer[rest.Interface]{rest.Interface{
		Name: r.Name, Version: r.Current().Version, State: string(r.Status), Package: r.Current().Package.String(), Bundle: spec, Schema: x.schema,
	}}, nil
}

type callInput struct {
	ChainPath
	Name        string `path:"name" maxLength:"32"`
	Method      string `path:"method" maxLength:"64"`
	ContentType string `header:"Content-Type" doc:"application/octet-stream for a signed transaction, application/json for arguments"`
	RawBody     []byte `contentType:"application/octet-stream"`
}

func (s *Server) callMethod(ctx context.Context, in *callInput) (*answer[rest.Called], error) {
	c, err := s.chain(in.Chain)
	if err != nil {
		return nil, err
	}
	r, err := c.installed(in.Name)
	if err != nil {
		return nil, err
	}
	m, ok := r.Method(in.Method)
	if !ok {
		return nil, types.Errorf(types.CodeUnknownMethod, "contract %s has no method %q", in.Name, in.Method)
	}
	x, err := s.faces.of(c, r)
	if err != nil {
		return nil, err
	}
	body := bytes.Clone(in.RawBody) // the pool keeps it, and huma uses the body's buffer again
	q := &chain.Query{Contract: in.Name, Method: in.Method, Args: body}
	kind, _, err := mime.ParseMediaType(in.ContentType)
	switch {
	case err == nil && kind == "application/octet-stream":
		if q.Caller, err = types.DecodeTx(body); err != nil {
			return nil, err
		}
		b := &q.Caller.Body
		if b.Contract != in.Name || b.Method != in.Method {
			return nil, types.Errorf(types.CodeUsage, "the signed transaction calls %s.%s, the address %s.%s", b.Contract, b.Method, in.Name, in.Method)
		}
		q.Args = b.Args
	case err != nil || kind != "application/json":
		return nil, types.Errorf(types.CodeUsage, "content type %q: application/octet-stream for a signed transaction, application/json for arguments", in.ContentType)
	case m.Writes:
		return nil, types.Errorf(types.CodeReadOnly, "%s.%s changes state: send it as a signed transaction", in.Name, in.Method)
	}
	if err := x.forms.Args(in.Method, q.Args); err != nil {
		return nil, err
	}
	if m.Writes {
		return s.callWriting(ctx, c, x, q.Caller)
	}
	result, gas, height, err := s.ask(ctx, c, q)
	if err == nil {
		err = x.forms.Result(in.Method, result)
	}
	if err != nil {
		return nil, err
	}
	return &answer[rest.Called]{rest.Called{State: "answered", Result: rest.JSON(result), GasUsed: gas, Height: height}}, nil
}

// callWriting submits a transaction and answers once it took effect.
func (s *Server) callWriting(ctx context.Context, c *Chain, x *face, tx *types.Tx) (*answer[rest.Called], error) {
	s.metrics.waiting.Inc()
	defer s.metrics.waiting.Dec()
	id := tx.ID()
	done, err := s.submitAndWait(ctx, c, tx.Bytes(), id)
	if err != nil {
		return nil, err
	}
	if done.Receipt.Code != types.CodeOK.String() {
		code := rest.ParseCode(done.Receipt.Code)
		return nil, types.Errorf(code, "%s (transaction %s, committed without effect at height %d)", done.Receipt.Error, id, done.Height)
	}
	out := rest.Called{State: "committed", Result: done.Receipt.Result, GasUsed: done.Receipt.GasUsed, Height: done.Height, ID: id.String(),
		Index: done.Index, BlockTime: done.BlockTime, Events: done.Receipt.Events}
	if err := x.forms.Result(tx.Body.Method, done.Receipt.Result); err != nil {
		out.Mismatch = err.Error()
	}
	return &answer[rest.Called]{out}, nil
}
