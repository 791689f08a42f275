package types

import (
	"errors"
	"fmt"
	"time"

	"github.com/huchain/huchain/crypto"
)

// Bounds of a transaction. They are consensus rules of protocol version 1.
const (
	MaxTxBytes     = 256 << 10       // complete transaction
	MaxArgsBytes   = 192 << 10       // arguments
	MaxCertBytes   = 4 << 10         // certificate, DER
	MaxCosigners   = 16              // besides the sender
	MaxMethodBytes = 64              // method name
	MaxBatch       = 128             // transactions in a batch or carrier
	SaltSize       = 16              // random, makes equal calls distinct
	MaxGasLimit    = 10_000_000_000  // gas a transaction may ask for
	TxPurpose      = "huchain/tx/1"  // purpose tag of a transaction body
	Window         = 5 * time.Minute // W: how far ahead ValidUntil may lie
)

// WindowStart is the block time, in Unix nanoseconds, before which used ids no longer
// matter at block time timeNs: their transactions are void. One millisecond more than
// Window covers the rounding of ValidUntil.
func WindowStart(timeNs int64) int64 { return timeNs - int64(Window) - int64(time.Millisecond) }

// Body is what the signers of a transaction sign, exactly as transmitted.
type Body struct {
	Genesis    crypto.Hash // genesis hash of the chain it is for
	Sender     Address
	Cosigners  []Address // all must sign; ascending, without the sender
	Contract   string    // contract or native contract name
	Method     string
	Args       []byte // JSON object, or empty
	GasLimit   uint64
	Salt       [SaltSize]byte
	ValidUntil int64 // Unix milliseconds of block time after which it is void
}

// Tx is a signed transaction.
type Tx struct {
	Body        Body
	BodyBytes   []byte   // the signed bytes; Body is their decoding
	Certificate []byte   // optional DER of the sender's certificate: registers it
	Signatures  [][]byte // r‖s of the sender, then of each co-signer in order

	raw []byte
	id  crypto.Hash
	one [1][]byte // room for Signatures
}

// EncodeBody returns the canonical bytes of b, which begin with the purpose tag.
func EncodeBody(b *Body) []byte {
	out := make([]byte, 0, 192+len(b.Args))
	out = appendString(out, 1, TxPurpose)
	out = appendHash(out, 2, b.Genesis)
	out = appendElement(out, 3, b.Sender[:])
	for i := range b.Cosigners {
		out = appendElement(out, 4, b.Cosigners[i][:])
	}
	out = appendString(out, 5, b.Contract)
	out = appendString(out, 6, b.Method)
	out = appendBytes(out, 7, b.Args)
	out = appendUint(out, 8, b.GasLimit)
	out = appendElement(out, 9, b.Salt[:])
	return appendUint(out, 10, uint64(b.ValidUntil))
}

// DecodeBody reads the canonical bytes of a body and checks its bounds.
// Args aliases the input.
func DecodeBody(in []byte) (Body, error) {
	var b Body
	r := reader{rest: in}
	if r.string(1, 64) != TxPurpose {
		r.fail(errors.New("purpose tag is not " + TxPurpose))
	}
	b.Genesis = r.hash(2)
	hasSender := r.exact(3, b.Sender[:])
	for {
		var a Address
		if !r.exact(4, a[:]) {
			break
		}
		if len(b.Cosigners) == MaxCosigners {
			r.fail(fmt.Errorf("more than %d co-signers", MaxCosigners))
			break
		}
		b.Cosigners = append(b.Cosigners, a)
	}
	b.Contract = r.string(5, 64)
	b.Method = r.string(6, MaxMethodBytes)
	b.Args = r.bytes(7, MaxArgsBytes)
	b.GasLimit = r.uint(8, MaxGasLimit)
	hasSalt := r.exact(9, b.Salt[:])
	b.ValidUntil = int64(r.uint(10, 1<<62))
	if err := r.done("transaction body"); err != nil {
		return Body{}, err
	}
	switch {
	case b.Genesis.IsZero(), !hasSender, !hasSalt, b.ValidUntil == 0:
		return Body{}, errors.New("decode transaction body: genesis, sender, salt and validity are required")
	case !ValidName(b.Contract), !ValidMethod(b.Method):
		return Body{}, errors.New("decode transaction body: contract or method is no valid name")
	}
	for i, a := range b.Cosigners {
		if a == b.Sender || i > 0 && string(b.Cosigners[i-1][:]) >= string(a[:]) {
			return Body{}, errors.New("decode transaction body: co-signers must ascend and exclude the sender")
		}
	}
	return b, nil
}

// ValidMethod reports whether s may name a contract method: a letter, then letters and digits.
func ValidMethod(s string) bool {
	if len(s) == 0 || len(s) > MaxMethodBytes {
		return false
	}
	for i := 0; i < len(s); i++ {
		c := s[i]
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return true
}

// SignTx signs body with the sender's key and then those of the co-signers, in the
// body's order. certificate may be nil once the sender is registered.
func SignTx(body *Body, certificate []byte, sender crypto.Signer, cosigners ...crypto.Signer) (*Tx, error) {
	bytes := EncodeBody(body)
	tx := &Tx{Body: *body, BodyBytes: bytes, Certificate: certificate}
	for _, s := range append([]crypto.Signer{sender}, cosigners...) {
		sig, err := s.Sign(bytes)
		if err != nil {
			return nil, fmt.Errorf("sign transaction: %w", err)
		}
		tx.Signatures = append(tx.Signatures, sig)
	}
	return DecodeTx(tx.encode())
}

// WithCertificate returns t carrying the sender's certificate. The certificate stands
// outside the signed body, so the id stays; the bytes change.
func (t *Tx) WithCertificate(der []byte) (*Tx, error) {
	with := Tx{BodyBytes: t.BodyBytes, Certificate: der, Signatures: t.Signatures}
	return DecodeTx(with.encode())
}

func (t *Tx) encode() []byte {
	out := make([]byte, 0, len(t.BodyBytes)+len(t.Certificate)+80*len(t.Signatures)+16)
	out = appendBytes(out, 1, t.BodyBytes)
	out = appendBytes(out, 2, t.Certificate)
	for _, s := range t.Signatures {
		out = appendElement(out, 3, s)
	}
	return out
}

// DecodeTx reads a complete transaction. The result aliases raw, which must not
// change afterwards. Signatures are checked for form and number only.
func DecodeTx(raw []byte) (*Tx, error) {
	t, err := decodeTx(raw)
	if err != nil {
		return nil, err
	}
	t.id = crypto.Sum(t.BodyBytes)
	return t, nil
}

// DecodeEach is DecodeTx of several transactions, whose ids take less time together.
func DecodeEach(raws [][]byte) ([]*Tx, []error) {
	txs, errs := make([]*Tx, len(raws)), make([]error, len(raws))
	bodies := make([][]byte, len(raws))
	for i, raw := range raws {
		if txs[i], errs[i] = decodeTx(raw); errs[i] == nil {
			bodies[i] = txs[i].BodyBytes
		}
	}
	for i, id := range crypto.SumEach(bodies) {
		if errs[i] == nil {
			txs[i].id = id
		}
	}
	return txs, errs
}

// decodeTx is DecodeTx without the id.
func decodeTx(raw []byte) (*Tx, error) {
	if len(raw) > MaxTxBytes {
		return nil, &Error{Code: CodeTxTooLarge, Detail: fmt.Sprintf("%d bytes, at most %d", len(raw), MaxTxBytes)}
	}
	t := &Tx{raw: raw}
	t.Signatures = t.one[:0]
	r := reader{rest: raw}
	t.BodyBytes = r.bytes(1, MaxTxBytes)
	t.Certificate = r.bytes(2, MaxCertBytes)
	for {
		s, ok := r.element(3, crypto.SignatureSize)
		if !ok {
			break
		}
		if len(s) != crypto.SignatureSize || len(t.Signatures) > MaxCosigners {
			r.fail(errors.New("signature of wrong size, or too many"))
			break
		}
		t.Signatures = append(t.Signatures, s)
	}
	err := r.done("transaction")
	if err == nil {
		t.Body, err = DecodeBody(t.BodyBytes)
	}
	if err == nil && len(t.Signatures) != 1+len(t.Body.Cosigners) {
		err = errors.New("decode transaction: one signature of the sender and of each co-signer is required")
	}
	if err != nil {
		return nil, &Error{Code: CodeTxMalformed, Detail: err.Error()}
	}
	return t, nil
}

// TxBody returns the signed body in a complete transaction, whose SM3 is the id, without
// reading more. It aliases raw.
func TxBody(raw []byte) ([]byte, error) {
	r := reader{rest: raw}
	body := r.bytes(1, MaxTxBytes)
	if r.err == nil && len(body) == 0 {
		r.err = errors.New("no body")
	}
	if r.err != nil {
		return nil, &Error{Code: CodeTxMalformed, Detail: r.err.Error()}
	}
	return body, nil
}

// ID is SM3 of the signed body: what a transaction is known and looked up by.
func (t *Tx) ID() crypto.Hash { return t.id }

// Bytes returns the complete transaction as transmitted.
func (t *Tx) Bytes() []byte { return t.raw }
