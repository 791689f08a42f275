package api

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
)

// maxRPCBytes bounds a request, maxRPCBatch the calls in it.
const (
	maxRPCBytes = 64 << 10
	maxRPCBatch = 20
)

// rpcMethods are those of CometBFT's JSON-RPC that are served, with the order of their
// arguments.
var rpcMethods = map[string]struct {
	args []string
	run  func(*Server, context.Context, *Chain, rpcArgs) (any, error)
}{
	"status":        {nil, (*Server).rpcStatus},
	"block":         {[]string{"height"}, (*Server).rpcBlock},
	"block_results": {[]string{"height"}, (*Server).rpcBlockResults},
	"tx":            {[]string{"hash", "prove"}, (*Server).rpcTx},
	"validators":    {[]string{"height", "page", "per_page"}, (*Server).rpcValidators},
	"commit":        {[]string{"height"}, (*Server).rpcCommit},
}

func (s *Server) registerRPC(api huma.API) {
	about := "A part of CometBFT's JSON-RPC (status, block, block_results, tx, validators, commit) for tools that know it, answered from this chain's own " +
		"ledger: block hashes are those of our headers, transaction hashes our ids, app_hash the content root of the same block, signatures of commits the SM2 " +
		"signatures of its finality certificate."
	post(s, api, huma.Operation{OperationID: "rpc", Path: base + "/{chain}/rpc", Summary: "CometBFT's JSON-RPC", MaxBodyBytes: maxRPCBytes,
		Description: about + " The body is one call, or a list of up to 20.",
		Responses: map[string]*huma.Response{"200": {Description: "An answer, or a list of them", Content: map[string]*huma.MediaType{
			"application/json": {Schema: &huma.Schema{OneOf: []*huma.Schema{{Type: huma.TypeObject}, {Type: huma.TypeArray}}}},
		}}},
	}, s.rpcPost)
	api.OpenAPI().Paths[base+"/{chain}/rpc"].Post.RequestBody.Content = map[string]*huma.MediaType{
		"application/json": {Schema: &huma.Schema{OneOf: []*huma.Schema{{Type: huma.TypeObject}, {Type: huma.TypeArray}}}},
	}
	register(s, api, huma.Operation{OperationID: "rpcGet", Method: http.MethodGet, Path: base + "/{chain}/rpc/{method}", Summary: "CometBFT's JSON-RPC by URI",
		Description: about}, s.rpcGet)
}

type rpcPostInput struct {
	ChainPath
	RawBody []byte // JSON, of which huma would check the form by a schema that a list or an object cannot both have
}

type rpcCall struct {
	Version string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id"`
	Method  string          `json:"method"`
	Params  json.RawMessage `json:"params"`
}

func (s *Server) rpcPost(ctx context.Context, in *rpcPostInput) (*rawJSON, error) {
	c, err := s.chain(in.Chain)
	if err != nil {
		return nil, err
	}
	body := bytes.TrimSpace(in.RawBody)
	list := len(body) > 0 && body[0] == '['
	var calls []rpcCall
	if list {
		err = json.Unmarshal(body, &calls)
	} else {
		calls = make([]rpcCall, 1)
		err = json.Unmarshal(body, &calls[0])
	}
	switch {
	case err != nil:
		return nil, types.Errorf(types.CodeUsage, "JSON-RPC: %w", err)
	case len(calls) == 0 || len(calls) > maxRPCBatch:
		return nil, types.Errorf(types.CodeUsage, "JSON-RPC: %d calls, 1 to %d", len(calls), maxRPCBatch)
	}
	answers := make([]RPCAnswer, len(calls))
	for i := range calls {
		answers[i] = s.rpcRun(ctx, c, &calls[i])
	}
	var out any = answers
	if !list {
		out = &answers[0]
	}
	raw, err := json.Marshal(out)
	return &rawJSON{ContentType: "application/json", Body: raw}, err
}

func (s *Server) rpcGet(ctx context.Context, in *struct {
	ChainPath
	Method  string `path:"method" maxLength:"32" example:"status"`
	Height  string `query:"height" maxLength:"22"`
	Hash    string `query:"hash" maxLength:"68" doc:"0x and hex digits"`
	Prove   string `query:"prove" maxLength:"5"`
	Page    string `query:"page" maxLength:"12"`
	PerPage string `query:"per_page" maxLength:"12"`
}) (*answer[RPCAnswer], error) {
	c, err := s.chain(in.Chain)
	if err != nil {
		return nil, err
	}
	args := map[string]string{}
	for name, v := range map[string]string{"height": in.Height, "hash": in.Hash, "prove": in.Prove, "page": in.Page, "per_page": in.PerPage} {
		if v != "" {
			args[name] = strings.Trim(v, `"`)
		}
	}
	params, err := json.Marshal(args)
	if err != nil {
		return nil, err
	}
	return &answer[RPCAnswer]{s.rpcRun(ctx, c, &rpcCall{Version: "2.0", ID: json.RawMessage("-1"), Method: in.Method, Params: params})}, nil
}

// Codes of JSON-RPC 2.0.
const (
	rpcNoMethod  = -32601
	rpcBadParams = -32602
	rpcInternal  = -32603
)

// rpcRun answers one call. Errors are part of the answer.
func (s *Server) rpcRun(ctx context.Context, c *Chain, call *rpcCall) RPCAnswer {
	out := RPCAnswer{Version: "2.0", ID: call.ID}
	if len(out.ID) == 0 {
		out.ID = json.RawMessage("null")
	}
	m, ok := rpcMethods[call.Method]
	if !ok {
		out.Error = &RPCError{Code: rpcNoMethod, Message: "Method not found", Data: types.CodeNotFound.String() + " " + types.CleanText(call.Method, 64)}
		return out
	}
	args, err := parseRPCArgs(call.Params, m.args)
	var result any
	if err == nil && (call.Method == "block" || call.Method == "block_results" || call.Method == "tx") {
		err = copiesChain(ctx) // they hold transactions and events whole
	}
	if err == nil {
		result, err = m.run(s, ctx, c, args)
	}
	if err == nil {
		out.Result, err = json.Marshal(result)
	}
	if err != nil {
		f := s.fail(ctx, err).(*failure) //nolint:errorlint,forcetypeassert // fail returns nothing else
		out.Error = &RPCError{Code: rpcInternal, Message: f.Message.EN, Data: strings.TrimSpace(f.Code + " " + f.Detail)}
		if types.CodeOf(err) == types.CodeUsage {
			out.Error.Code = rpcBadParams
		}
	}
	return out
}

// rpcArgs are the arguments of a call by name, each as it was written.
type rpcArgs map[string]json.RawMessage

// parseRPCArgs reads arguments given by name, or in their order.
func parseRPCArgs(raw json.RawMessage, names []string) (rpcArgs, error) {
	out := rpcArgs{}
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 || string(raw) == "null" {
		return out, nil
	}
	if raw[0] != '[' {
		if err := json.Unmarshal(raw, &out); err != nil {
			return nil, types.Errorf(types.CodeUsage, "params: %w", err)
		}
		return out, nil
	}
	var list []json.RawMessage
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, types.Errorf(types.CodeUsage, "params: %w", err)
	}
	if len(list) > len(names) {
		return nil, types.Errorf(types.CodeUsage, "params: %d, at most %d", len(list), len(names))
	}
	for i, v := range list {
		out[names[i]] = v
	}
	return out, nil
}

// text is an argument without the quotes it may stand in; empty if it is not given.
func (a rpcArgs) text(name string) string {
	raw := a[name]
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	if s = string(raw); s == "null" {
		return ""
	}
	return s
}

// height is the height asked for, the newest if none is given.
func (a rpcArgs) height(c *Chain) (uint64, error) {
	s := a.text("height")
	if s == "" || s == "0" {
		s = "latest"
	}
	if len(s) > 20 {
		return 0, types.Errorf(types.CodeUsage, "height %q", s)
	}
	return c.height(s)
}

func (a rpcArgs) number(name string, otherwise int) (int, error) {
	s := a.text(name)
	if s == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 {
		return 0, types.Errorf(types.CodeUsage, "%s %q is no positive number", name, s)
	}
	return n, nil
}

// hash reads an id: 0x and hex digits, hex digits, or base64 as clients in Go send it.
func (a rpcArgs) hash() (crypto.Hash, error) {
	s := a.text("hash")
	if h, err := crypto.ParseHash(strings.ToLower(strings.TrimPrefix(s, "0x"))); err == nil {
		return h, nil
	}
	raw, err := base64.StdEncoding.DecodeString(s)
	if err == nil {
		var h crypto.Hash
		if h, err = crypto.HashFromBytes(raw); err == nil {
			return h, nil
		}
	}
	return crypto.Hash{}, types.Errorf(types.CodeUsage, "hash: %w", err)
}
