//go:build sdf

package sdf

import (
	"errors"
	"fmt"
	"sync"

	"github.com/ebitengine/purego"
	"github.com/emmansun/gmsm/sm2"

	"github.com/huchain/huchain/crypto"
)

// coordinate is ECCref_MAX_LEN: numbers stand right-aligned in so many bytes.
const coordinate = 64

// eccPublicKey is ECCrefPublicKey, GM/T 0018-2012 section 5.3.
type eccPublicKey struct {
	bits uint32
	x, y [coordinate]byte
}

// eccSignature is ECCSignature.
type eccSignature struct{ r, s [coordinate]byte }

// functions are those of a library; each returns 0 or the device's error number.
type functions struct {
	openDevice  func(device *uintptr) int32
	openSession func(device uintptr, session *uintptr) int32
	access      func(session uintptr, index uint32, pin *byte, size uint32) int32
	exportKey   func(session uintptr, index uint32, key *eccPublicKey) int32
	sign        func(session uintptr, index uint32, data *byte, size uint32, signature *eccSignature) int32
}

// Key is an SM2 signing key inside a device.
type Key struct {
	f     functions
	index uint32
	pub   crypto.PublicKey
	hash  func(message []byte) ([]byte, error)

	mu      sync.Mutex // a session serves one call at a time
	session uintptr
}

var _ crypto.Signer = (*Key)(nil)

// Open loads a device's library, opens a session that lasts as long as the process, and
// takes the signing key with an index, for which the device asks a PIN.
func Open(library string, index uint32, pin []byte) (crypto.Signer, error) {
	if len(pin) == 0 {
		return nil, errors.New("SDF: a PIN is needed for the key")
	}
	k := &Key{index: index}
	if err := k.f.load(library); err != nil {
		return nil, err
	}
	var device uintptr
	if err := status("OpenDevice", k.f.openDevice(&device)); err != nil {
		return nil, err
	}
	if err := status("OpenSession", k.f.openSession(device, &k.session)); err != nil {
		return nil, err
	}
	if err := status("GetPrivateKeyAccessRight", k.f.access(k.session, index, &pin[0], uint32(len(pin)))); err != nil {
		return nil, err
	}
	var pub eccPublicKey
	if err := status("ExportSignPublicKey_ECC", k.f.exportKey(k.session, index, &pub)); err != nil {
		return nil, err
	}
	if pub.bits != 256 {
		return nil, fmt.Errorf("SDF: key %d has %d bits, no SM2 key", index, pub.bits)
	}
	raw := append([]byte{4}, pub.x[coordinate-32:]...)
	var err error
	if k.pub, err = crypto.ParsePublicKey(append(raw, pub.y[coordinate-32:]...)); err != nil {
		return nil, fmt.Errorf("SDF: key %d: %w", index, err)
	}
	ec, err := sm2.NewPublicKey(k.pub[:])
	if err != nil {
		return nil, fmt.Errorf("SDF: key %d: %w", index, err)
	}
	k.hash = func(message []byte) ([]byte, error) { return sm2.CalculateSM2Hash(ec, message, nil) } // with the user id of GM/T 0009
	return k, nil
}

func (f *functions) load(library string) (err error) {
	handle, err := purego.Dlopen(library, purego.RTLD_NOW|purego.RTLD_LOCAL)
	if err != nil {
		return fmt.Errorf("SDF: load %s: %w", library, err)
	}
	defer func() {
		if r := recover(); r != nil { // purego's word for a missing function
			err = fmt.Errorf("SDF: %s is no library of GM/T 0018: %v", library, r)
		}
	}()
	for name, f := range map[string]any{
		"SDF_OpenDevice": &f.openDevice, "SDF_OpenSession": &f.openSession, "SDF_GetPrivateKeyAccessRight": &f.access,
		"SDF_ExportSignPublicKey_ECC": &f.exportKey, "SDF_InternalSign_ECC": &f.sign,
	} {
		purego.RegisterLibFunc(f, handle, name)
	}
	return nil
}

func status(call string, code int32) error {
	if code == 0 {
		return nil
	}
	return fmt.Errorf("SDF_%s: the device answers %#08x", call, uint32(code))
}

// Public implements crypto.Signer.
func (k *Key) Public() crypto.PublicKey { return k.pub }

// Sign implements crypto.Signer. The signature is verified before it is returned.
func (k *Key) Sign(message []byte) ([]byte, error) {
	digest, err := k.hash(message)
	if err != nil {
		return nil, fmt.Errorf("SDF: %w", err)
	}
	var out eccSignature
	k.mu.Lock()
	err = status("InternalSign_ECC", k.f.sign(k.session, k.index, &digest[0], uint32(len(digest)), &out))
	k.mu.Unlock()
	if err != nil {
		return nil, err
	}
	signature := append(out.r[coordinate-32:], out.s[coordinate-32:]...)
	if !k.pub.Verify(message, signature) {
		return nil, errors.New("SDF: the device's signature does not verify")
	}
	return signature, nil
}
