package filestore

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"fmt"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/crypto/envelope"
	"github.com/huchain/huchain/types"
)

const (
	wrapPurpose  = "huchain/filestore-key/1"
	chunkPurpose = "huchain/filestore-chunk/1"
	uploadBytes  = 16
)

// fileKey is the key of one file. It never prints itself.
type fileKey struct {
	raw [envelope.KeySize]byte
	sm4 *envelope.Key
}

func newFileKey(raw []byte) (*fileKey, error) {
	sm4, err := envelope.NewKey(raw)
	if err != nil {
		return nil, err
	}
	return &fileKey{[envelope.KeySize]byte(raw), sm4}, nil
}

// String hides the key.
func (k *fileKey) String() string { return "file key" }

// GoString hides the key.
func (k *fileKey) GoString() string { return k.String() }

func wrapHead(id crypto.Hash) []byte { return append([]byte(wrapPurpose), id[:]...) }

// wrap encrypts the key of a file to a reader.
func (k *fileKey) wrap(id crypto.Hash, to crypto.PublicKey) (string, error) {
	b, err := to.Encrypt(rand.Reader, append(wrapHead(id), k.raw[:]...))
	if err != nil {
		return "", fmt.Errorf("wrap key of file %s: %w", id, err)
	}
	return hex.EncodeToString(b), nil
}

// unwrap opens the key of a file: HC-4502 if it is not wrapped to that key.
func unwrap(id crypto.Hash, wrapped string, with crypto.Decrypter) (*fileKey, error) {
	raw, err := hex.DecodeString(wrapped)
	if err != nil {
		return nil, types.Errorf(types.CodeFileKey, "file %s: malformed wrap", id)
	}
	plain, err := with.Decrypt(raw)
	if err != nil {
		return nil, types.Errorf(types.CodeFileKey, "file %s: %w", id, err)
	}
	head := wrapHead(id)
	if len(plain) != len(head)+envelope.KeySize || !bytes.Equal(plain[:len(head)], head) {
		return nil, types.Errorf(types.CodeFileKey, "file %s: the wrap is of another file", id)
	}
	return newFileKey(plain[len(head):])
}

// open opens the key of a file for the store: it is wrapped to the key that signed.
func (s *Store) open(m *manifest) (*fileKey, error) {
	if m.by == nil {
		return unwrap(m.ID, m.Key, s.key)
	}
	return unwrap(m.ID, m.Key, m.by)
}

// chunkBound is what a chunk's envelope authenticates: its upload and its position there.
func chunkBound(upload []byte, index int) []byte {
	b := append([]byte(chunkPurpose), upload...)
	return binary.BigEndian.AppendUint64(b, uint64(index))
}

// keyFor opens the key of a file for a reader; nil stands for the store itself.
func (s *Store) keyFor(ctx context.Context, m *manifest, with crypto.Decrypter) (*fileKey, error) {
	if with == nil || with.Public() == s.key.Public() {
		return s.open(m)
	}
	var g grant
	switch err := s.load(ctx, grantName(m.ID, with.Public()), &g); types.CodeOf(err) {
	case types.CodeOK:
		return unwrap(m.ID, g.Key, with)
	case types.CodeFileMissing:
		return nil, types.Errorf(types.CodeFileKey, "file %s is not granted to %s", m.ID, types.AddressOf(with.Public()))
	default:
		return nil, err
	}
}

// Grant lets another key read a file. Granting twice is no error. Errors: HC-4501,
// HC-4504.
func (s *Store) Grant(ctx context.Context, id crypto.Hash, reader crypto.PublicKey) error {
	defer s.hold(id)()
	m, err := s.manifest(ctx, id)
	if err != nil {
		return err
	}
	k, err := s.open(m)
	if err != nil {
		return err
	}
	return s.grant(ctx, id, k, reader)
}

// grant writes a wrapped key that is not there yet; the file is held.
func (s *Store) grant(ctx context.Context, id crypto.Hash, k *fileKey, reader crypto.PublicKey) error {
	name := grantName(id, reader)
	var g grant
	if err := s.load(ctx, name, &g); types.CodeOf(err) != types.CodeFileMissing {
		return err
	}
	wrapped, err := k.wrap(id, reader)
	if err != nil {
		return err
	}
	b, err := s.encode(&grant{Format: layoutFormat, File: id, Reader: reader, Key: wrapped})
	if err != nil {
		return err
	}
	return s.spread(ctx, name, crypto.Sum(b), b)
}
