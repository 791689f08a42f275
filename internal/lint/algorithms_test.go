package lint

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// algorithms are packages that sign, hash or encrypt with something other than SM2,
// SM3 and SM4. hmac, pbkdf2, hkdf and cipher modes take the algorithm they are given.
var algorithms = []string{
	"crypto/aes", "crypto/des", "crypto/dsa", "crypto/ecdh", "crypto/ecdsa", "crypto/ed25519", "crypto/elliptic",
	"crypto/md5", "crypto/mlkem", "crypto/rc4", "crypto/rsa", "crypto/sha1", "crypto/sha256", "crypto/sha3", "crypto/sha512",
	"crypto/tls", "crypto/x509",
	"golang.org/x/crypto/acme", "golang.org/x/crypto/argon2", "golang.org/x/crypto/bcrypt", "golang.org/x/crypto/blake2b",
	"golang.org/x/crypto/blake2s", "golang.org/x/crypto/blowfish", "golang.org/x/crypto/chacha20",
	"golang.org/x/crypto/chacha20poly1305", "golang.org/x/crypto/curve25519", "golang.org/x/crypto/ed25519",
	"golang.org/x/crypto/md4", "golang.org/x/crypto/nacl", "golang.org/x/crypto/openpgp", "golang.org/x/crypto/poly1305",
	"golang.org/x/crypto/ripemd160", "golang.org/x/crypto/salsa20", "golang.org/x/crypto/scrypt", "golang.org/x/crypto/sha3",
	"golang.org/x/crypto/ssh", "golang.org/x/crypto/xtea",
	"github.com/cometbft/cometbft/crypto", "github.com/btcsuite", "github.com/decred/dcrd", "github.com/ethereum",
	"github.com/golang-jwt", "github.com/tjfoc/gmsm", "lukechampine.com/blake3", "github.com/zeebo/blake3",
	"github.com/emmansun/gmsm/sm9", "github.com/emmansun/gmsm/zuc", "github.com/emmansun/gmsm/mldsa", "github.com/emmansun/gmsm/mlkem", "github.com/emmansun/gmsm/slhdsa",
}

type exception struct {
	place, pkg, reason string
	used               bool
}

func parseExceptions(text []byte) ([]*exception, error) {
	var out []*exception
	for n, line := range bytes.Split(text, []byte("\n")) {
		s := strings.TrimSpace(string(line))
		if s == "" || strings.HasPrefix(s, "#") {
			continue
		}
		parts := strings.SplitN(s, " | ", 3)
		if len(parts) != 3 || len(parts[2]) < 20 {
			return nil, fmt.Errorf("line %d: file | package | reason", n+1)
		}
		out = append(out, &exception{place: parts[0], pkg: parts[1], reason: parts[2]})
	}
	return out, nil
}

// TestAlgorithms scans for other algorithms than SM2, SM3 and SM4. Tests may use them
// as oracles.
// covers: T.20
func TestAlgorithms(t *testing.T) {
	text, err := os.ReadFile("algorithms.txt")
	require.NoError(t, err)
	allowed, err := parseExceptions(text)
	require.NoError(t, err)
	report(t, otherAlgorithms(goFiles(t, false), allowed))
	for _, e := range allowed {
		require.True(t, e.used, "algorithms.txt: %s no longer imports %s", e.place, e.pkg)
	}
}

func otherAlgorithms(files []parsed, allowed []*exception) []string {
	var bad []string
	for _, f := range files {
		for _, spec := range f.file.Imports {
			path, err := strconv.Unquote(spec.Path.Value)
			if err != nil || !otherAlgorithm(path) {
				continue
			}
			ok := false
			for _, e := range allowed {
				if below(f.path, e.place) && below(path, e.pkg) {
					e.used, ok = true, true
				}
			}
			if !ok {
				bad = append(bad, fmt.Sprintf("%s imports %s: signatures are SM2, hashes SM3, encryption SM4; an exception needs a line in internal/lint/algorithms.txt", f.path, path))
			}
		}
	}
	return bad
}

func otherAlgorithm(path string) bool {
	for _, a := range algorithms {
		if below(path, a) {
			return true
		}
	}
	return false
}

func TestAlgorithmRuleCatches(t *testing.T) {
	files := []parsed{planted(t, "chain/x.go", "package x\nimport (\n_ \"crypto/sha256\"\n_ \"golang.org/x/crypto/nacl/box\"\n_ \"crypto/hmac\"\n_ \"crypto/rand\"\n)\n")}
	require.Len(t, otherAlgorithms(files, nil), 2)
	allowed, err := parseExceptions([]byte("# c\nchain | crypto/sha256 | the other protocol asks for it\n"))
	require.NoError(t, err)
	require.Len(t, otherAlgorithms(files, allowed), 1)
	require.True(t, allowed[0].used)
	_, err = parseExceptions([]byte("chain | crypto/sha256 | why\n"))
	require.Error(t, err)
}
