package rest

import (
	"encoding/json"
	"errors"
	"strconv"
	"time"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
)

// AsError finds the coded error in err.
func AsError(err error) (*types.Error, bool) {
	var e *types.Error
	ok := errors.As(err, &e)
	return e, ok
}

// Time renders Unix nanoseconds of block time as the API does: UTC, milliseconds.
func Time(ns int64) time.Time { return time.Unix(0, ns).UTC().Truncate(time.Millisecond) }

// Chain is one chain of a node.
type Chain struct {
	Chain   string      `json:"chain" example:"gov" doc:"Name of the chain, as in paths"`
	ChainID string      `json:"chainId" example:"gov-0f3a5c7e9b1d2f40" doc:"Name and first 16 hex digits of the genesis hash"`
	Genesis crypto.Hash `json:"genesis" doc:"SM3 of the genesis file"`
	Height  uint64      `json:"height" doc:"Newest committed height"`
}

// Chains lists the chains of a node.
type Chains struct {
	Items    []Chain  `json:"items"`
	Starting []string `json:"starting,omitempty" doc:"Chains that are being opened"`
}

// Status says how one chain of a node is doing.
type Status struct {
	Chain
	Node          string      `json:"node,omitempty" doc:"Name of the node"`
	Version       string      `json:"version" doc:"Release and commit of the node's binary"`
	Protocol      uint32      `json:"protocol" doc:"Protocol version in force"`
	HeaderHash    crypto.Hash `json:"headerHash" doc:"Hash of the newest header; zero before the first block"`
	ContentRoot   crypto.Hash `json:"contentRoot" doc:"Content root of the newest block (AppHash)"`
	BlockTime     time.Time   `json:"blockTime" doc:"Time of the newest block"`
	CertifiedAt   uint64      `json:"certifiedHeight" doc:"Newest height with a finality certificate: proofs are anchored there"`
	CatchingUp    bool        `json:"catchingUp" doc:"Still fetching blocks of its peers"`
	Validator     bool        `json:"validator" doc:"Votes on blocks"`
	Peers         int         `json:"peers"`
	PendingTxs    int         `json:"pendingTxs" doc:"Transactions in the pool"`
	UptimeSeconds int64       `json:"uptimeSeconds"`
	ClockAheadMs  int64       `json:"clockAheadMs,omitempty" doc:"How far the newest block's time lies ahead of this node's clock"`
	Unhealthy     string      `json:"unhealthy,omitempty" doc:"Why the chain does not serve, if it does not"`
}

// Header is a block header; Hash is SM3 of its canonical bytes.
type Header struct {
	Height      uint64      `json:"height"`
	Hash        crypto.Hash `json:"hash"`
	Time        time.Time   `json:"time"`
	Previous    crypto.Hash `json:"previous"`
	Content     crypto.Hash `json:"contentRoot"`
	Archive     crypto.Hash `json:"archiveRoot"`
	CometHash   crypto.Hash `json:"cometHash"`
	Signers     crypto.Hash `json:"signers" doc:"Hash of the set that signs this header"`
	NextSigners crypto.Hash `json:"nextSigners"`
	Protocol    uint32      `json:"protocol"`
	Raw         Hex         `json:"raw" doc:"Canonical bytes: what validators sign"`
}

// NewHeader renders a header.
func NewHeader(h *types.Header) Header {
	return Header{
		Height: h.Height, Hash: h.Hash(), Time: Time(h.Time), Previous: h.Previous, Content: h.Content,
		Archive: h.Archive, CometHash: h.CometHash, Signers: h.Signers, NextSigners: h.NextSigners,
		Protocol: h.Protocol, Raw: h.Encode(),
	}
}

// Validator is one member of a validator set.
type Validator struct {
	Key     crypto.PublicKey `json:"key" doc:"SM2 key that signs headers"`
	Ed25519 Hex              `json:"ed25519" doc:"Key that votes inside CometBFT"`
	Power   int64            `json:"power"`
}

// Validators is an ordered validator set.
type Validators struct {
	Height uint64      `json:"height" doc:"The header these validators sign"`
	Hash   crypto.Hash `json:"hash"`
	Items  []Validator `json:"items"`
}

// NewValidators renders a set.
func NewValidators(height uint64, set types.ValidatorSet) Validators {
	out := Validators{Height: height, Hash: set.Hash(), Items: make([]Validator, len(set))}
	for i, v := range set {
		out.Items[i] = Validator{Key: v.Key, Ed25519: append(Hex(nil), v.Ed25519[:]...), Power: v.Power}
	}
	return out
}

// Set turns the wire form back into a checked set.
func (v *Validators) Set() (types.ValidatorSet, error) {
	set := make(types.ValidatorSet, len(v.Items))
	for i, it := range v.Items {
		if len(it.Ed25519) != 32 {
			return nil, errors.New("validator's ed25519 key is not 32 bytes long")
		}
		set[i] = types.Validator{Key: it.Key, Ed25519: [32]byte(it.Ed25519), Power: it.Power}
	}
	return set, set.Validate()
}

// Link is one step of a light client.
type Link struct {
	Height uint64      `json:"height"`
	Hash   crypto.Hash `json:"hash" doc:"Of the header"`
	Link   Hex         `json:"link" doc:"Header, certificate and validator sets: docs/proofs.md"`
}

// Links lead a light client from a header it trusts to another, in order. A long way
// comes in parts: go on from the last one.
type Links struct {
	Items []Link `json:"items"`
}

// RowKey names a row of the state.
type RowKey struct {
	NS  string `json:"ns"`
	Key Hex    `json:"key"`
}

// TxSummary is a transaction as lists show it.
type TxSummary struct {
	ID       crypto.Hash   `json:"id"`
	Height   uint64        `json:"height"`
	Index    uint32        `json:"index" doc:"Position in its block"`
	Sender   types.Address `json:"sender"`
	Contract string        `json:"contract"`
	Method   string        `json:"method"`
	Code     string        `json:"code" example:"OK" doc:"OK, or the error number of a call without effect"`
	GasUsed  uint64        `json:"gasUsed"`
}

// Block is a block: header, transactions and who attested it.
type Block struct {
	Header     Header      `json:"header"`
	TxCount    int         `json:"txCount"`
	Txs        []TxSummary `json:"txs"`
	EventCount int         `json:"eventCount"`
	Certified  bool        `json:"certified" doc:"More than two thirds of the validators signed the header"`
	Signatures int         `json:"signatures" doc:"Signatures in the finality certificate"`
}

// Place is the id of the message behind all of a block in a stream.
func Place(height uint64) string { return strconv.FormatUint(height, 10) }

// BlockSummary is a block as streams tell of it.
type BlockSummary struct {
	Header
	TxCount    uint64 `json:"txCount"`
	EventCount uint64 `json:"eventCount"`
}

// Headers is a page of block headers, newest first.
type Headers struct {
	Items []Header `json:"items"`
	Next  string   `json:"next,omitempty" doc:"Pass as before to get the next page; absent on the last"`
}

// Txs is a page of transactions.
type Txs struct {
	Items []TxSummary `json:"items"`
	Next  string      `json:"next,omitempty" doc:"Pass as cursor to get the next page; absent on the last"`
}

// Receipt says what became of a transaction.
type Receipt struct {
	Code    string          `json:"code" example:"OK"`
	Error   string          `json:"error,omitempty" doc:"Details; contract errors begin with contract.name"`
	Result  json.RawMessage `json:"result,omitempty" doc:"The call's result"`
	GasUsed uint64          `json:"gasUsed"`
	Events  uint32          `json:"events" doc:"How many events the call emitted"`
}

// NewReceipt renders a receipt.
func NewReceipt(r *types.Receipt) Receipt {
	code := "OK"
	if !r.OK() {
		code = r.Code.String()
	}
	return Receipt{Code: code, Error: r.Error, Result: JSON(r.Result), GasUsed: r.GasUsed, Events: r.Events}
}

// Event is what a contract announced.
type Event struct {
	Height   uint64          `json:"height"`
	TxIndex  uint32          `json:"txIndex"`
	Index    uint32          `json:"index" doc:"Position among the block's events"`
	TxID     crypto.Hash     `json:"txId"`
	Contract string          `json:"contract"`
	Name     string          `json:"name"`
	Data     json.RawMessage `json:"data,omitempty"`
	Withheld bool            `json:"withheld,omitempty" doc:"The contract does not let the caller read the data"`
}

// Events is a page of events.
type Events struct {
	Items []Event `json:"items"`
	Next  string  `json:"next,omitempty" doc:"Pass as cursor to get the next page; absent on the last"`
}

// Tx is a committed transaction with its receipt and events.
type Tx struct {
	ID         crypto.Hash     `json:"id"`
	Height     uint64          `json:"height"`
	Index      uint32          `json:"index"`
	BlockTime  time.Time       `json:"blockTime"`
	Sender     types.Address   `json:"sender"`
	Member     string          `json:"member,omitempty" doc:"Member id of the sender, if the key is bound to one now"`
	Cosigners  []types.Address `json:"cosigners,omitempty"`
	Contract   string          `json:"contract"`
	Method     string          `json:"method"`
	Args       json.RawMessage `json:"args,omitempty"`
	GasLimit   uint64          `json:"gasLimit"`
	ValidUntil time.Time       `json:"validUntil"`
	SizeBytes  int             `json:"sizeBytes"`
	Receipt    Receipt         `json:"receipt"`
	Events     []Event         `json:"events"`
	Raw        Hex             `json:"raw,omitempty" doc:"The complete transaction as signed"`
	Proof      Hex             `json:"proof,omitempty" doc:"Proof of inclusion, if asked for, as are the next two"`
	Outcome    Hex             `json:"receiptProof,omitempty" doc:"Proof of the receipt"`
	Writes     []RowKey        `json:"writes,omitempty" doc:"Rows the transaction wrote, the first 32"`
	Withheld   bool            `json:"withheld,omitempty" doc:"The contract does not let the caller read arguments and result, nor the raw form and proofs, which hold them"`
}

// Submitted answers a submission: committed (with receipt) or accepted into the pool.
type Submitted struct {
	ID        crypto.Hash `json:"id"`
	State     string      `json:"state" enum:"committed,accepted"`
	Height    uint64      `json:"height,omitempty"`
	Index     uint32      `json:"index,omitempty"`
	BlockTime *time.Time  `json:"blockTime,omitempty"`
	Receipt   *Receipt    `json:"receipt,omitempty"`
}

// Query is a read-only call. Tx, where given, is a complete signed transaction naming
// the same call: the contract then sees its sender as the caller.
type Query struct {
	Contract string          `json:"contract" maxLength:"64"`
	Method   string          `json:"method" maxLength:"64"`
	Args     json.RawMessage `json:"args,omitempty"`
	Tx       Hex             `json:"tx,omitempty" doc:"Signed transaction that names the same contract, method and arguments; never executed"`
}

// Answer is the result of a query at a height.
type Answer struct {
	Result  json.RawMessage `json:"result"`
	GasUsed uint64          `json:"gasUsed"`
	Height  uint64          `json:"height" doc:"State as of this height"`
}

// State is one row of the state, or its absence.
type State struct {
	NS     string      `json:"ns"`
	Key    Hex         `json:"key"`
	Text   string      `json:"keyText,omitempty" doc:"The key, where it is printable"`
	Found  bool        `json:"found"`
	Value  Hex         `json:"value,omitempty"`
	JSON   interface{} `json:"json,omitempty" doc:"The value, where it is JSON"`
	Height uint64      `json:"height" doc:"State as of this height"`
	Proof  Hex         `json:"proof,omitempty" doc:"Proof of presence or absence, if asked for"`
}

// Write is one writing of a state row.
type Write struct {
	Height    uint64      `json:"height" doc:"Block that wrote; 0 is the genesis state"`
	BlockTime *time.Time  `json:"blockTime,omitempty"`
	TxIndex   uint32      `json:"txIndex" doc:"Transaction in the block"`
	Deleted   bool        `json:"deleted,omitempty"`
	Value     Hex         `json:"value,omitempty"`
	JSON      interface{} `json:"json,omitempty" doc:"The value, where it is JSON"`
}

// History is who wrote a row before, the newest writing first.
type History struct {
	NS    string  `json:"ns"`
	Key   Hex     `json:"key"`
	Text  string  `json:"keyText,omitempty" doc:"The key, where it is printable"`
	Items []Write `json:"items"`
	Next  uint64  `json:"next,omitempty" doc:"Pass as from to go on; 0 at the end"`
	Proof Hex     `json:"proof,omitempty" doc:"Proof of the writings, if asked for, but for that of the genesis state, which no header proves"`
}

// States is a page of rows.
type States struct {
	Items []State `json:"items"`
	Next  Hex     `json:"next,omitempty" doc:"Pass as start to get the next page"`
}

// Contract is an installed contract.
type Contract struct {
	Name     string          `json:"name"`
	Version  string          `json:"version"`
	State    string          `json:"state" example:"active"`
	Language string          `json:"language,omitempty"`
	Native   bool            `json:"native,omitempty" doc:"Part of the node rather than WASM"`
	Package  string          `json:"package,omitempty" doc:"SM3 of the package file"`
	Code     string          `json:"code,omitempty" doc:"SM3 of the WASM module"`
	Height   uint64          `json:"height,omitempty" doc:"When this version was installed"`
	Methods  []Method        `json:"methods,omitempty"`
	Params   json.RawMessage `json:"params,omitempty"`
}

// Method is a callable method of a contract.
type Method struct {
	Name   string `json:"name"`
	Writes bool   `json:"writes"`
	Allow  string `json:"allow" example:"ANY role:client"`
}

// Interface is what an installed contract says of itself: bundle.yaml as JSON, with the
// permissions in force, and schema.json.
type Interface struct {
	Name    string          `json:"name"`
	Version string          `json:"version"`
	State   string          `json:"state" example:"active"`
	Package string          `json:"package" doc:"SM3 of the package file"`
	Bundle  json.RawMessage `json:"bundle" doc:"Words, permissions, workflows, views, statistics: see huchain contract schema"`
	Schema  json.RawMessage `json:"schema" doc:"Arguments, results, events, errors and records as JSON Schema"`
}

// Called answers a call of a contract's method through its own route.
type Called struct {
	State     string          `json:"state" enum:"committed,answered" doc:"committed: a transaction took effect; answered: a query, nothing changed"`
	Result    json.RawMessage `json:"result" doc:"As the contract's schema says"`
	GasUsed   uint64          `json:"gasUsed"`
	Height    uint64          `json:"height" doc:"Where it was committed, or what state it was asked of"`
	ID        string          `json:"id,omitempty" doc:"Of the transaction"`
	Index     uint32          `json:"index,omitempty"`
	BlockTime *time.Time      `json:"blockTime,omitempty"`
	Events    uint32          `json:"events,omitempty" doc:"How many events the call emitted"`
	Mismatch  string          `json:"mismatch,omitempty" doc:"How a committed result departs from the contract's own schema"`
}

// Contracts lists the installed contracts.
type Contracts struct {
	Items []Contract `json:"items"`
}

// Member is a member of a chain.
type Member struct {
	ID       types.MemberID `json:"id"`
	Address  types.Address  `json:"address"`
	Roles    []string       `json:"roles"`
	State    string         `json:"state" example:"active"`
	NotAfter time.Time      `json:"notAfter" doc:"End of the certificate's validity"`
	Since    uint64         `json:"since" doc:"Height of registration"`
}
