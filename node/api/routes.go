package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/huchain/huchain/contracts/bundle"
	"github.com/huchain/huchain/types"
)

const base = "/api/v1/chains"

// ChainPath is the part of every path that names the chain.
type ChainPath struct {
	Chain string `path:"chain" maxLength:"64" example:"gov" doc:"Name of the chain"`
}

// register adds every operation. The path of an operation, its fields and their bounds
// stand in its types; OpenAPI is made of the same.
func (s *Server) register(api huma.API) {
	get(s, api, "listChains", base, "Chains of this node", s.listChains)
	get(s, api, "getStatus", base+"/{chain}/status", "Status of a chain on this node", s.status)
	getObject(s, api, "getGenesis", base+"/{chain}/genesis", "Genesis file; its SM3 is the genesis hash", s.genesis)
	get(s, api, "getValidators", base+"/{chain}/validators", "Validators that sign the header of a height", s.validators)
	get(s, api, "getUptime", base+"/{chain}/uptime", "Which validators voted on each of the newest blocks", s.uptime)
	get(s, api, "getPeers", base+"/{chain}/peers", "Peers of the node on a chain: organisation, addresses, direction, bytes, score", s.peers)
	get(s, api, "getLinks", base+"/{chain}/links", "Headers that lead a light client from one it trusts to another", s.links)
	get(s, api, "getBlock", base+"/{chain}/blocks/{block}", "Block by height or header hash", s.block)
	get(s, api, "getOutcomes", base+"/{chain}/blocks/{height}/outcomes", "What became of a block's transactions, waiting for the block", s.outcomes)
	get(s, api, "listBlocks", base+"/{chain}/blocks", "Headers of the newest blocks, newest first", s.blocks)
	register(s, api, huma.Operation{OperationID: "getContents", Method: http.MethodGet, Path: base + "/{chain}/contents",
		Summary: "Everything that blocks hold, from a height on, for those who keep a copy of the chain",
		Responses: map[string]*huma.Response{"200": {Description: "A list of blocks", Content: map[string]*huma.MediaType{
			"application/octet-stream": {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}},
		}}},
	}, s.contents)
	s.registerMirror(api)
	s.registerEvidence(api)
	get(s, api, "getTx", base+"/{chain}/txs/{id}", "Committed transaction with receipt and events", s.tx)
	get(s, api, "listTxs", base+"/{chain}/txs", "Transactions of a sender or of a contract, newest first", s.txs)
	get(s, api, "listContracts", base+"/{chain}/contracts", "Installed contracts", s.contracts)
	get(s, api, "getContract", base+"/{chain}/contracts/{name}", "Installed contract", s.contract)
	get(s, api, "getInterface", base+"/{chain}/contracts/{name}/interface", "What an installed contract says of itself", s.contractInterface)
	getObject(s, api, "getChainOpenAPI", base+"/{chain}/openapi.json", "OpenAPI 3.1 of the routes of this chain's contracts", s.chainOpenAPI)
	get(s, api, "getPackage", base+"/{chain}/packages/{package}", "Contract package that was staged", s.stagedPackage)
	get(s, api, "getState", base+"/{chain}/state/{ns}/{key...}", "State row, or its absence", s.state)
	get(s, api, "getHistory", base+"/{chain}/history/{ns}/{key...}", "Who wrote a state row before, newest first", s.history)
	get(s, api, "listState", base+"/{chain}/state/{ns}", "State rows of a namespace in order of key", s.states)
	get(s, api, "listEvents", base+"/{chain}/events", "Events of a contract, newest first", s.events)
	get(s, api, "getMember", base+"/{chain}/member", "Member by id or address", s.member)
	s.registerStream(api)
	s.registerRPC(api)
	s.registerAccess(api)
	s.registerOperations(api)
	post(s, api, huma.Operation{
		OperationID: "submitTx", Path: base + "/{chain}/txs", Summary: "Submit a signed transaction",
		Description: "Answers when the transaction is committed (mode=committed), or once it is in the pool (mode=accepted). " +
			"Submitting the same bytes again is harmless: a transaction is committed at most once.",
		MaxBodyBytes: types.MaxTxBytes + 1,
	}, s.submit)
	post(s, api, huma.Operation{
		OperationID: "submitBatch", Path: base + "/{chain}/batches", Summary: "Submit signed transactions together",
		Description:  "The body is a list of transactions, each behind its length as a varint. Answers once they are in the pool, each with a code of its own.",
		MaxBodyBytes: maxBatchBytes,
	}, s.submitBatch)
	post(s, api, huma.Operation{
		OperationID: "simulate", Path: base + "/{chain}/simulations", Summary: "Execute a signed transaction without committing it",
		Description: "The transaction runs on the newest state as it would in a block: signatures, permissions, rules and gas included. " +
			"The receipt says what it would have become; events and writes are those it would have made. It may still be submitted.",
		MaxBodyBytes: types.MaxTxBytes + 1,
	}, s.simulate)
	post(s, api, huma.Operation{
		OperationID: "rehearse", Path: base + "/{chain}/rehearsals", Summary: "Replay a contract's newest calls under an upgrade",
		Description: "The body is the package file of the upgrade. Each call runs on the state as it is now, under the present code and under the " +
			"upgrade's. Nothing is committed.",
		MaxBodyBytes: bundle.MaxPackageBytes + 1,
	}, s.rehearse)
	post(s, api, huma.Operation{
		OperationID: "callMethod", Path: base + "/{chain}/contracts/{name}/{method}", Summary: "Call a method of an installed contract",
		Description: "The body is a signed transaction that names this method (application/octet-stream), or, for a method that only reads and " +
			"is public, its arguments (application/json). Arguments are checked against the contract's schema first. Success means that the call " +
			"took effect; openapi.json of the chain describes each method.",
		MaxBodyBytes: types.MaxTxBytes + 1,
	}, s.callMethod)
	post(s, api, huma.Operation{
		OperationID: "query", Path: base + "/{chain}/query", Summary: "Call a method that only reads",
		MaxBodyBytes: 2 << 20,
	}, s.query)
}

func get[I, O any](s *Server, api huma.API, id, path, summary string, handler func(context.Context, *I) (*O, error)) {
	register(s, api, huma.Operation{OperationID: id, Method: http.MethodGet, Path: path, Summary: summary}, handler)
}

// getObject adds an operation that answers bytes which are a JSON object.
func getObject[I any](s *Server, api huma.API, id, path, summary string, handler func(context.Context, *I) (*rawJSON, error)) {
	register(s, api, huma.Operation{OperationID: id, Method: http.MethodGet, Path: path, Summary: summary,
		Responses: map[string]*huma.Response{"200": {Description: "OK", Content: map[string]*huma.MediaType{
			"application/json": {Schema: &huma.Schema{Type: huma.TypeObject}},
		}}},
	}, handler)
}

func post[I, O any](s *Server, api huma.API, op huma.Operation, handler func(context.Context, *I) (*O, error)) {
	op.Method = http.MethodPost
	register(s, api, op, handler)
}

// register adds an operation whose errors become coded answers.
func register[I, O any](s *Server, api huma.API, op huma.Operation, handler func(context.Context, *I) (*O, error)) {
	huma.Register(api, op, func(ctx context.Context, in *I) (*O, error) {
		out, err := handler(ctx, in)
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		return out, nil
	})
}

// answer is a JSON body.
type answer[T any] struct{ Body T }
