package archive

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/crypto/envelope"
	"github.com/huchain/huchain/types"
)

// A segment is encrypted under a key of its own, drawn for it alone. What is stored of that
// key is a wrapped form per recipient: SM2 encryption (GM/T 0003.4) to the recipient's public
// key. To give a segment to another key it is wrapped anew; the segment stays as it is.

// WrappedKey is the key of one segment for one recipient, stored as JSON.
type WrappedKey struct {
	Format    int              `json:"format"`
	Genesis   crypto.Hash      `json:"genesis"`
	Segment   uint64           `json:"segment"`
	File      string           `json:"file"` // that it opens
	Recipient crypto.PublicKey `json:"recipient"`
	Wrapped   string           `json:"sm2"` // SM2 ciphertext in hexadecimal, of purpose ‖ genesis ‖ SM3(file) ‖ key
}

const (
	wrapPurpose     = "huchain/archive-key/1"
	maxWrappedBytes = 8 << 10
)

// DataKey is the key of one segment. It never prints itself.
type DataKey struct{ raw [envelope.KeySize]byte }

// NewDataKey draws a key.
func NewDataKey() (*DataKey, error) {
	k := &DataKey{}
	_, err := rand.Read(k.raw[:])
	return k, err
}

// Envelope is the key ready for use.
func (k *DataKey) Envelope() (*envelope.Key, error) { return envelope.NewKey(k.raw[:]) }

// String hides the key.
func (k *DataKey) String() string { return "segment key" }

// GoString hides the key.
func (k *DataKey) GoString() string { return k.String() }

// payload binds the key to its chain and file, so that no other can be passed off for it.
func (w *WrappedKey) payload(key []byte) []byte {
	file := crypto.Sum([]byte(w.File))
	return append(append(append([]byte(wrapPurpose), w.Genesis[:]...), file[:]...), key...)
}

// Wrap encrypts the key of a stored file to a recipient.
func (k *DataKey) Wrap(genesis crypto.Hash, segment uint64, file string, to crypto.PublicKey) (*WrappedKey, error) {
	w := &WrappedKey{Format: ManifestFormat, Genesis: genesis, Segment: segment, File: file, Recipient: to}
	b, err := to.Encrypt(rand.Reader, w.payload(k.raw[:]))
	w.Wrapped = hex.EncodeToString(b)
	return w, err
}

// Unwrap opens the key with the recipient's private key: HC-6104 if it is not theirs.
func (w *WrappedKey) Unwrap(with crypto.Decrypter) (*DataKey, error) {
	raw, err := hex.DecodeString(w.Wrapped)
	if err != nil {
		return nil, damaged("wrapped key of segment %d: %w", w.Segment, err)
	}
	plain, err := with.Decrypt(raw)
	if err != nil {
		return nil, types.Errorf(types.CodeArchiveKey, "segment %d is not encrypted to this key: %w", w.Segment, err)
	}
	head := w.payload(nil)
	if len(plain) != len(head)+envelope.KeySize || !bytes.Equal(plain[:len(head)], head) {
		return nil, types.Errorf(types.CodeArchiveKey, "the wrapped key is of another segment than %d", w.Segment)
	}
	return &DataKey{[envelope.KeySize]byte(plain[len(head):])}, nil
}

// Encode returns the JSON of the wrapped key.
func (w *WrappedKey) Encode() ([]byte, error) {
	b, err := json.MarshalIndent(w, "", "  ")
	return append(b, '\n'), err
}

// DecodeWrappedKey reads a wrapped key: HC-4101.
func DecodeWrappedKey(in []byte) (*WrappedKey, error) {
	w := &WrappedKey{}
	if len(in) > maxWrappedBytes {
		return nil, damaged("a wrapped key of %d bytes", len(in))
	}
	d := json.NewDecoder(bytes.NewReader(in))
	d.DisallowUnknownFields()
	if err := d.Decode(w); err != nil {
		return nil, damaged("wrapped key: %w", err)
	}
	if w.Format != ManifestFormat || d.More() {
		return nil, damaged("wrapped key: of another format")
	}
	return w, nil
}
