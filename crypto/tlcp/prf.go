package tlcp

import (
	"crypto/hmac"
	"hash"

	"github.com/emmansun/gmsm/sm3"
)

const (
	masterSize = 48
	keySize    = 16 // SM4
	macSize    = 32 // HMAC-SM3
	saltSize   = 4  // of GCM nonces
)

// prf is the pseudo-random function of GB/T 38636-2020 section 5.2: P_hash of RFC 5246
// with HMAC-SM3.
func prf(secret []byte, label string, seed []byte, size int) []byte {
	seed = append([]byte(label), seed...)
	mac := hmac.New(sm3.New, secret)
	step := func(parts ...[]byte) []byte {
		mac.Reset()
		for _, p := range parts {
			mac.Write(p)
		}
		return mac.Sum(nil)
	}
	out := make([]byte, 0, size+sm3.Size)
	for a := step(seed); len(out) < size; a = step(a) {
		out = append(out, step(a, seed)...)
	}
	return out[:size]
}

func masterSecret(pre []byte, client, server *[randomSize]byte) []byte {
	return prf(pre, "master secret", append(append([]byte{}, client[:]...), server[:]...), masterSize)
}

// keys are cut from the key block, section 6.5.
type keys struct{ clientMAC, serverMAC, clientKey, serverKey, clientSalt, serverSalt []byte }

func deriveKeys(s Suite, master []byte, client, server *[randomSize]byte) keys {
	mac, salt := macSize, 0
	if s.gcm() {
		mac, salt = 0, saltSize
	}
	block := prf(master, "key expansion", append(append([]byte{}, server[:]...), client[:]...), 2*(mac+keySize+salt))
	cut := func(n int) []byte {
		part := block[:n:n]
		block = block[n:]
		return part
	}
	return keys{cut(mac), cut(mac), cut(keySize), cut(keySize), cut(salt), cut(salt)}
}

const (
	clientFinished = "client finished"
	serverFinished = "server finished"
)

// transcript is the hash over all handshake messages so far.
type transcript struct{ h hash.Hash }

func newTranscript() transcript         { return transcript{sm3.New()} }
func (t transcript) add(message []byte) { t.h.Write(message) }
func (t transcript) sum() []byte        { return t.h.Sum(nil) }

func (t transcript) finished(master []byte, label string) []byte {
	return prf(master, label, t.sum(), verifySize)
}
