package filestore

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
)

// layoutFormat is the version of the signed objects.
const layoutFormat = 1

func objectName(kind string, sum crypto.Hash) string {
	s := sum.String()
	return kind + "/" + s[:2] + "/" + s
}

func chunkName(sum crypto.Hash) string   { return objectName("c", sum) }
func manifestName(id crypto.Hash) string { return objectName("m", id) }
func orderName(id crypto.Hash) string    { return objectName("t", id) }

func grantName(id crypto.Hash, reader crypto.PublicKey) string {
	return objectName("k", id) + "/" + types.AddressOf(reader).String()
}

// File is what is known of a stored file.
type File struct {
	ID         crypto.Hash `json:"sm3"`
	SHA256     string      `json:"sha256"` // 64 lower-case hex digits
	SizeBytes  int64       `json:"size"`
	ChunkBytes int         `json:"chunkBytes"` // of plaintext; the last may be shorter
	Stored     time.Time   `json:"stored"`     // UTC, whole seconds
	// Known says that Put found the content stored already.
	Known bool `json:"known,omitempty"`
}

// manifest is the object that makes a file be there.
type manifest struct {
	Format int `json:"format"`
	File
	Upload string        `json:"upload"` // 32 hex digits, drawn for this upload
	Chunks []crypto.Hash `json:"chunks"` // SM3 of each ciphertext
	Key    string        `json:"key"`    // wrapped to the store, as grant.Key
	Sig    string        `json:"signature"`
	by     Key           // of the store's keys, that which signed what was read
}

// grant is the key of a file, wrapped to a reader.
type grant struct {
	Format int              `json:"format"`
	File   crypto.Hash      `json:"file"`
	Reader crypto.PublicKey `json:"reader"`
	Key    string           `json:"key"` // hex of the SM2 ciphertext of purpose ‖ file ‖ key
	Sig    string           `json:"signature"`
}

// signedObject is an object under the store's signature.
type signedObject interface {
	purpose() string
	signature() *string
	check(name string) error // that it is well-formed, and belongs under that name
}

func (m *manifest) purpose() string    { return "huchain/filestore-manifest/1" }
func (m *manifest) signature() *string { return &m.Sig }
func (g *grant) purpose() string       { return "huchain/filestore-grant/1" }
func (g *grant) signature() *string    { return &g.Sig }
func (o *order) purpose() string       { return "huchain/filestore-order/1" }
func (o *order) signature() *string    { return &o.Sig }

func (m *manifest) check(name string) error {
	upload, err := hex.DecodeString(m.Upload)
	switch {
	case m.Format != layoutFormat || name != manifestName(m.ID) || m.Known:
		return fmt.Errorf("not the manifest of %s", name)
	case err != nil || len(upload) != uploadBytes || len(m.SHA256) != 64:
		return fmt.Errorf("malformed manifest of %s", name)
	case m.ChunkBytes < minChunkBytes || m.ChunkBytes > maxChunkBytes || m.SizeBytes < 0 ||
		int64(len(m.Chunks)) != (m.SizeBytes+int64(m.ChunkBytes)-1)/int64(m.ChunkBytes):
		return fmt.Errorf("manifest of %s: its sizes do not fit together", name)
	}
	return nil
}

// plainBytes is the size of a chunk's plaintext.
func (m *manifest) plainBytes(i int) int {
	if i == len(m.Chunks)-1 {
		return int(m.SizeBytes - int64(i)*int64(m.ChunkBytes))
	}
	return m.ChunkBytes
}

func (g *grant) check(name string) error {
	if g.Format != layoutFormat || name != grantName(g.File, g.Reader) {
		return fmt.Errorf("not the grant %s", name)
	}
	return nil
}

// encode signs an object and returns its JSON.
func (s *Store) encode(o signedObject) ([]byte, error) {
	*o.signature() = ""
	b, err := json.Marshal(o)
	if err != nil {
		return nil, err
	}
	sig, err := s.key.Sign(append([]byte(o.purpose()), b...))
	if err != nil {
		return nil, fmt.Errorf("sign %s: %w", o.purpose(), err)
	}
	*o.signature() = hex.EncodeToString(sig)
	return json.Marshal(o)
}

// decode reads what encode wrote under a name, under the store's key or one of before, and
// nothing else.
func (s *Store) decode(name string, in []byte, o signedObject) error {
	by, err := s.decodeBy(name, in, o)
	if m, ok := o.(*manifest); ok {
		m.by = by
	}
	return err
}

// decodeBy is decode that also tells which of the store's keys signed.
func (s *Store) decodeBy(name string, in []byte, o signedObject) (by Key, err error) {
	d := json.NewDecoder(bytes.NewReader(in))
	d.DisallowUnknownFields()
	if err := d.Decode(o); err != nil {
		return nil, err
	}
	if again, err := json.Marshal(o); err != nil || !bytes.Equal(again, in) {
		return nil, fmt.Errorf("%s is not in the canonical form", name)
	}
	sig, err := hex.DecodeString(*o.signature())
	if err != nil {
		return nil, err
	}
	text := *o.signature()
	*o.signature() = ""
	b, err := json.Marshal(o)
	*o.signature() = text
	if err != nil {
		return nil, err
	}
	said := append([]byte(o.purpose()), b...)
	for _, key := range append([]Key{s.key}, s.p.OldKeys...) {
		if key.Public().Verify(said, sig) {
			return key, o.check(name)
		}
	}
	return nil, fmt.Errorf("%s is not signed by this store", name)
}
