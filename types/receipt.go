package types

import (
	"errors"
	"strings"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/huchain/huchain/crypto"
)

// Bounds of what one transaction may leave behind.
const (
	MaxResultBytes    = 256 << 10 // result of a call
	MaxErrorBytes     = 1 << 10   // error text in a receipt
	MaxEventNameBytes = 64
	MaxEventBytes     = 64 << 10 // data of one event
	MaxKeyBytes       = 256      // state key, without its namespace
	MaxValueBytes     = 64 << 10 // state value
)

// Receipt says what became of one transaction of a block.
type Receipt struct {
	TxID    crypto.Hash
	Code    Code   // CodeOK, or why it had no effect
	Error   string // details; for contract errors "<contract>.<name>" or "<contract>.<name>: text"; see CleanText
	Result  []byte // JSON, only with CodeOK
	GasUsed uint64
	Events  uint32 // how many events it emitted
}

// CleanText makes s valid UTF-8 (U+FFFD for each run of other bytes) of at most maxBytes,
// cut between characters.
func CleanText(s string, maxBytes int) string {
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\uFFFD")
	}
	if len(s) <= maxBytes {
		return s
	}
	cut := maxBytes
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut]
}

// OK reports whether the transaction took effect.
func (r *Receipt) OK() bool { return r.Code == CodeOK }

// UsesID reports whether the transaction used up its id. It did once its signatures were
// found good: from there on it pays gas, or is refused for its gas limit alone. A snapshot
// rests on it, since receipts are what roots cover and lists of used ids are not.
func (r *Receipt) UsesID() bool {
	return r.GasUsed > 0 || r.Code == CodeLimitExceeded || r.Code == CodeOutOfGas
}

// Encode returns the canonical bytes, which are the receipt's leaf under the receipt root.
// Error passes through CleanText, since contracts choose it and it must decode again.
func (r *Receipt) Encode() []byte { return r.AppendTo(make([]byte, 0, r.SizeHint())) }

// SizeHint is about how many bytes that takes.
func (r *Receipt) SizeHint() int { return 64 + len(r.Result) + len(r.Error) }

// AppendTo appends the canonical bytes.
func (r *Receipt) AppendTo(out []byte) []byte {
	out = appendElement(out, 1, r.TxID[:])
	out = appendUint(out, 2, uint64(r.Code))
	out = appendString(out, 3, CleanText(r.Error, MaxErrorBytes))
	out = appendBytes(out, 4, r.Result)
	out = appendUint(out, 5, r.GasUsed)
	return appendUint(out, 6, uint64(r.Events))
}

// DecodeReceipt reads the canonical bytes. Result aliases the input.
func DecodeReceipt(in []byte) (Receipt, error) {
	var v Receipt
	r := reader{rest: in}
	if !r.exact(1, v.TxID[:]) {
		r.fail(errors.New("transaction id is required"))
	}
	v.Code = Code(r.uint(2, 99999))
	v.Error = r.string(3, MaxErrorBytes)
	v.Result = r.bytes(4, MaxResultBytes)
	v.GasUsed = r.uint(5, 1<<62)
	v.Events = uint32(r.uint(6, 1<<20))
	if err := r.done("receipt"); err != nil {
		return Receipt{}, err
	}
	return v, nil
}

// Event is what a contract announced during a transaction.
type Event struct {
	TxIndex  uint32 // position of the transaction in its block
	Contract string // ValidName
	Name     string // UTF-8, at most MaxEventNameBytes; whoever emits MUST refuse others
	Data     []byte // JSON
}

// Encode returns the canonical bytes, which are the event's leaf under the event root.
func (e *Event) Encode() []byte { return e.AppendTo(make([]byte, 0, e.SizeHint())) }

// SizeHint is about how many bytes that takes.
func (e *Event) SizeHint() int { return 32 + len(e.Contract) + len(e.Name) + len(e.Data) }

// AppendTo appends the canonical bytes.
func (e *Event) AppendTo(out []byte) []byte {
	out = appendUint(out, 1, uint64(e.TxIndex))
	out = appendString(out, 2, e.Contract)
	out = appendString(out, 3, e.Name)
	return appendBytes(out, 4, e.Data)
}

// DecodeEvent reads the canonical bytes. Data aliases the input.
func DecodeEvent(in []byte) (Event, error) {
	var v Event
	r := reader{rest: in}
	v.TxIndex = uint32(r.uint(1, 1<<31))
	v.Contract = r.string(2, 64)
	v.Name = r.string(3, MaxEventNameBytes)
	v.Data = r.bytes(4, MaxEventBytes)
	if err := r.done("event"); err != nil {
		return Event{}, err
	}
	return v, nil
}

// Write is the final change of one state key in a block. Within a block writes are
// unique and ascend by (NS, Key).
type Write struct {
	NS      string // namespace: the contract's name
	Key     []byte
	Value   []byte // ignored where Delete is set
	Delete  bool
	TxIndex uint32 // the transaction that wrote it last
}

// appendFrame appends a length-prefixed item, as frames and carriers hold them.
func appendFrame(b, item []byte) []byte {
	return append(protowire.AppendVarint(b, uint64(len(item))), item...)
}
