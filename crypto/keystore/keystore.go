// Package keystore keeps SM2 private keys in encrypted files: PKCS#8 (GM/T 0009,
// RFC 5958) under PBES2 (RFC 8018) with PBKDF2-HMAC-SM3 and SM4-CBC, as one PEM block
// "ENCRYPTED PRIVATE KEY". Other ciphers and derivations are refused.
package keystore

import (
	"bytes"
	"crypto/rand"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"runtime"

	"github.com/emmansun/gmsm/pkcs"
	"github.com/emmansun/gmsm/pkcs8"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
)

const (
	// Iterations is the PBKDF2 work factor of new files, about 0.1 s on a server core.
	Iterations = 100_000
	// RandomIterations is that of files under a secret of RandomSecret, which nobody can
	// guess: the least that RFC 8018 section 4.2 recommends.
	RandomIterations = 1000
	// MaxFileSize bounds a key file in bytes.
	MaxFileSize = 16 << 10

	maxIterations = 10_000_000
	saltSize      = 16
	pemType       = "ENCRYPTED PRIVATE KEY"
)

var randomSecret = regexp.MustCompile(`^random-[0-9a-f]{32}$`)

// RandomSecret makes a passphrase for files that no person opens: "random-" and 128
// random bits in hex.
func RandomSecret() []byte {
	var b [16]byte
	rand.Read(b[:]) // never fails
	return fmt.Appendf(nil, "random-%x", b)
}

// Save writes k to a new file that only its owner can read (mode 0600). The file is on
// disk and complete when Save returns, or absent. An existing file is never replaced.
// Errors carry HC-6101 (file), HC-6102 (passphrase empty) or HC-1011 (file exists).
func Save(path string, k *crypto.PrivateKey, passphrase []byte) error {
	exists := &types.Error{Code: types.CodeAlreadyExists, Detail: "key file " + path, Err: fs.ErrExist}
	if _, err := os.Lstat(path); err == nil {
		return exists
	}
	text, err := Encode(k, passphrase)
	if err != nil {
		return err
	}
	if err := writeNew(path, text); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return exists
		}
		return &types.Error{Code: types.CodeKeyFile, Detail: fmt.Sprintf("write %s: %v", path, err), Err: err}
	}
	return nil
}

// Load reads a file written by Save. It returns HC-6101 if the file cannot be read, is
// readable by everybody, or is no key file of this form, and HC-6102 if the passphrase
// does not open it.
func Load(path string, passphrase []byte) (*crypto.PrivateKey, error) {
	text, err := readPrivate(path)
	if err != nil {
		return nil, &types.Error{Code: types.CodeKeyFile, Detail: fmt.Sprintf("read %s: %v", path, err), Err: err}
	}
	k, err := Decode(text, passphrase)
	var coded *types.Error
	if errors.As(err, &coded) {
		coded.Detail = path + ": " + coded.Detail
		return nil, coded
	}
	return k, err
}

// Encode returns the content of a key file: fresh salt and IV, so that no two are equal.
func Encode(k *crypto.PrivateKey, passphrase []byte) ([]byte, error) {
	if len(passphrase) == 0 {
		return nil, types.Errorf(types.CodePassphrase, "an empty passphrase protects nothing")
	}
	iterations := Iterations
	if randomSecret.Match(passphrase) {
		iterations = RandomIterations
	}
	opts := pkcs.NewPBESEncrypter(pkcs.SM4CBC, pkcs.NewPBKDF2Opts(pkcs.SM3, saltSize, iterations))
	der, err := pkcs8.MarshalPrivateKey(k.Unwrap(), passphrase, opts)
	if err != nil {
		return nil, &types.Error{Code: types.CodeKeyFile, Detail: "encrypt key: " + err.Error(), Err: err}
	}
	return pem.EncodeToMemory(&pem.Block{Type: pemType, Bytes: der}), nil
}

// Decode is the inverse of Encode, with the errors of Load.
func Decode(text, passphrase []byte) (*crypto.PrivateKey, error) {
	block, rest := pem.Decode(text)
	if len(text) > MaxFileSize || block == nil || block.Type != pemType || len(block.Headers) != 0 || len(bytes.TrimSpace(rest)) != 0 {
		return nil, types.Errorf(types.CodeKeyFile, "not one PEM block %q", pemType)
	}
	if err := checkPolicy(block.Bytes); err != nil {
		return nil, &types.Error{Code: types.CodeKeyFile, Detail: err.Error(), Err: err}
	}
	if len(passphrase) == 0 {
		return nil, types.Errorf(types.CodePassphrase, "no passphrase given")
	}
	key, err := pkcs8.ParsePKCS8PrivateKeySM2(block.Bytes, passphrase)
	if err != nil {
		return nil, types.Errorf(types.CodePassphrase, "wrong passphrase, or the file is damaged")
	}
	// Through the scalar, so that the public half is computed and never believed.
	own, err := crypto.NewPrivateKey(key.D.FillBytes(make([]byte, 32)))
	if err != nil {
		return nil, types.Errorf(types.CodeKeyFile, "the key inside is out of range")
	}
	return own, nil
}

var (
	oidPBES2   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 13}
	oidPBKDF2  = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 12}
	oidHMACSM3 = asn1.ObjectIdentifier{1, 2, 156, 10197, 1, 401, 2}
	oidSM4CBC  = asn1.ObjectIdentifier{1, 2, 156, 10197, 1, 104, 2}
)

// envelope is EncryptedPrivateKeyInfo with the parameters spelled out.
type envelope struct {
	Algorithm struct {
		ID     asn1.ObjectIdentifier
		Params struct {
			Derivation struct {
				ID     asn1.ObjectIdentifier
				Params struct {
					Salt       []byte
					Iterations int
					KeyLength  int `asn1:"optional"`
					PRF        struct {
						ID     asn1.ObjectIdentifier
						Params asn1.RawValue `asn1:"optional"`
					}
				}
			}
			Cipher struct {
				ID asn1.ObjectIdentifier
				IV []byte
			}
		}
	}
	Data []byte
}

// checkPolicy refuses what is not encrypted with Chinese algorithms, and work factors
// that would stall the process, before any key is derived.
func checkPolicy(der []byte) error {
	var e envelope
	rest, err := asn1.Unmarshal(der, &e)
	if err != nil || len(rest) != 0 {
		return errors.New("not PKCS#8 under PBES2 with PBKDF2-HMAC-SM3 and SM4-CBC")
	}
	p := &e.Algorithm.Params
	kdf := &p.Derivation.Params
	switch {
	case !e.Algorithm.ID.Equal(oidPBES2) || !p.Derivation.ID.Equal(oidPBKDF2) ||
		!kdf.PRF.ID.Equal(oidHMACSM3) || !p.Cipher.ID.Equal(oidSM4CBC):
		return errors.New("encrypted with other algorithms than PBKDF2-HMAC-SM3 and SM4-CBC")
	case kdf.Iterations < 1 || kdf.Iterations > maxIterations:
		return fmt.Errorf("PBKDF2 iteration count out of range (1 to %d)", maxIterations)
	case len(kdf.Salt) < 8 || len(kdf.Salt) > 64 || len(p.Cipher.IV) != 16 || kdf.KeyLength != 0 && kdf.KeyLength != 16:
		return errors.New("salt, IV or key length out of range")
	case len(e.Data) == 0 || len(e.Data)%16 != 0: // the library would panic
		return errors.New("the encrypted part is no whole number of SM4 blocks")
	}
	return nil
}

// readPrivate reads a small file that others than owner and group cannot read.
func readPrivate(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o007 != 0 {
		return nil, fmt.Errorf("mode %04o lets every user of the machine read it; chmod 600 it", info.Mode().Perm())
	}
	if !info.Mode().IsRegular() || info.Size() > MaxFileSize {
		return nil, fmt.Errorf("not a regular file of at most %d bytes", MaxFileSize)
	}
	return os.ReadFile(path)
}
