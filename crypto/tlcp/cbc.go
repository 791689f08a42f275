package tlcp

import (
	"crypto/cipher"
	"crypto/hmac"
	"crypto/subtle"
	"encoding"
	"encoding/binary"
	"hash"
	"io"

	"github.com/emmansun/gmsm/sm3"
	"github.com/emmansun/gmsm/sm4"
)

const blockSize = 16

// cbc protects records with HMAC-SM3, then SM4-CBC with a fresh IV in front of each
// (GB/T 38636-2020 section 6.3.3.4.3).
type cbc struct {
	block cipher.Block
	mac   hash.Hash
	pads  hmacPads
	rand  io.Reader
}

func newCBC(key, macKey []byte, rand io.Reader) (*cbc, error) {
	block, err := sm4.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return &cbc{block: block, mac: hmac.New(sm3.New, macKey), pads: padsOf(macKey), rand: rand}, nil
}

func (c *cbc) overhead() int { return blockSize + macSize + blockSize }

// seal appends the protected form of payload to dst.
func (c *cbc) seal(dst []byte, ad *[adSize]byte, payload []byte) ([]byte, error) {
	start := len(dst)
	var iv [blockSize]byte
	if _, err := io.ReadFull(c.rand, iv[:]); err != nil {
		return nil, err
	}
	dst = append(append(dst, iv[:]...), payload...)
	c.mac.Reset()
	c.mac.Write(ad[:])
	c.mac.Write(payload)
	dst = c.mac.Sum(dst)
	pad := blockSize - (len(dst)-start)%blockSize
	for range pad {
		dst = append(dst, byte(pad-1))
	}
	body := dst[start+blockSize:]
	cipher.NewCBCEncrypter(c.block, iv[:]).CryptBlocks(body, body)
	return dst, nil
}

// open decrypts in place. Whether padding or MAC is wrong cannot be told from the error,
// nor from the time: padding, MAC and their places are handled without branches or
// memory accesses that depend on them (the attack is Lucky Thirteen).
func (c *cbc) open(ad *[adSize]byte, record []byte) ([]byte, error) {
	if len(record)%blockSize != 0 || len(record) < blockSize+macSize+blockSize {
		return nil, errRecordMAC
	}
	data := record[blockSize:]
	cipher.NewCBCDecrypter(c.block, record[:blockSize]).CryptBlocks(data, data)
	pad, good := padding(data)
	n := len(data) - macSize - 1 - pad // of the payload; secret
	binary.BigEndian.PutUint16(ad[adSize-2:], uint16(n))
	want := c.pads.sum(ad, data, n)
	got := secretMAC(data, n)
	good &= subtle.ConstantTimeCompare(want[:], got[:])
	if good != 1 {
		return nil, errRecordMAC
	}
	return data[:n], nil
}

// padding returns how many bytes of padding stand before the last byte of data, and 1 if
// they are as they must be and leave room for a MAC; else 0 and 0. In constant time.
func padding(data []byte) (pad, good int) {
	last := int(data[len(data)-1])
	good = subtle.ConstantTimeLessOrEq(last+1+macSize, len(data))
	for i := range min(256, len(data)) {
		inside := subtle.ConstantTimeLessOrEq(i, last)
		same := subtle.ConstantTimeByteEq(data[len(data)-1-i], byte(last))
		good &= subtle.ConstantTimeSelect(inside, same, 1)
	}
	return subtle.ConstantTimeSelect(good, last, 0), good
}

// spread bounds n, whose possible values are least to most: all lengths of padding.
func spread(data []byte) (least, most int) {
	most = len(data) - macSize - 1
	return max(0, most-255), most
}

// secretMAC returns data[n:n+macSize] without showing n.
func secretMAC(data []byte, n int) (out [macSize]byte) {
	least, _ := spread(data)
	for i := least; i < len(data); i++ {
		inside := subtle.ConstantTimeLessOrEq(n, i) & subtle.ConstantTimeLessOrEq(i, n+macSize-1)
		out[(i-least)%macSize] |= data[i] & byte(-inside)
	}
	// out is rotated by (n-least) mod macSize: turn it back, bit by bit of the distance.
	turn := (n - least) & (macSize - 1)
	for step := 1; step < macSize; step <<= 1 {
		var turned [macSize]byte
		for i := range turned {
			turned[i] = out[(i+step)%macSize]
		}
		subtle.ConstantTimeCopy(subtle.ConstantTimeEq(int32(turn&step), int32(step)), out[:], turned[:])
	}
	return out
}

// hmacPads are the states of SM3 after the two pads of an HMAC key.
type hmacPads struct{ inner, outer []byte }

func padsOf(key []byte) hmacPads {
	state := func(x byte) []byte {
		var pad [sm3.BlockSize]byte
		copy(pad[:], key) // macSize bytes, below a block
		for i := range pad {
			pad[i] ^= x
		}
		h := sm3.New()
		h.Write(pad[:])
		return stateOf(h, nil)
	}
	return hmacPads{state(0x36), state(0x5c)}
}

// sum is HMAC over ad‖data[:n] without showing n: every block that might be the last is
// hashed, each with the padding in place that it would have, and the right state is
// picked by a mask.
func (p hmacPads) sum(ad *[adSize]byte, data []byte, n int) [macSize]byte {
	least, most := spread(data)
	message := func(i int) byte { // of ad‖data‖0…
		switch {
		case i < adSize:
			return ad[i]
		case i < adSize+len(data):
			return data[i-adSize]
		}
		return 0
	}
	const bs, lengthSize = sm3.BlockSize, 8
	h := resume(p.inner)
	first := (adSize + least) / bs // blocks before it are full whatever n is
	if whole := first * bs; whole > 0 {
		h.Write(ad[:])
		h.Write(data[:whole-adSize])
	}
	end := adSize + n
	last := (end + lengthSize) / bs
	bits := uint64(bs+end) * 8
	var digest [macSize]byte
	var block [bs]byte
	var buf []byte
	for b := first; b <= (adSize+most+lengthSize)/bs; b++ {
		for j := range block {
			i := b*bs + j
			inside := byte(-subtle.ConstantTimeLessOrEq(i+1, end))
			mark := byte(-subtle.ConstantTimeEq(int32(i), int32(end)))
			block[j] = message(i)&inside | 0x80&mark
		}
		isLast := subtle.ConstantTimeEq(int32(b), int32(last))
		for j := range lengthSize {
			block[bs-lengthSize+j] |= byte(bits>>(56-8*j)) & byte(-isLast)
		}
		h.Write(block[:])
		buf = stateOf(h, buf[:0])
		subtle.ConstantTimeCopy(isLast, digest[:], buf[len(stateMagic):len(stateMagic)+macSize])
	}
	outer := resume(p.outer)
	outer.Write(digest[:])
	return [macSize]byte(outer.Sum(nil))
}

// stateMagic opens the library's form of an SM3 state: magic, eight words, buffer, length.
const stateMagic = "sm3\x03"

func stateOf(h hash.Hash, dst []byte) []byte {
	out, err := h.(encoding.BinaryAppender).AppendBinary(dst)
	if err != nil || string(out[:len(stateMagic)]) != stateMagic {
		panic("SM3 state in an unknown form")
	}
	return out
}

func resume(state []byte) hash.Hash {
	h := sm3.New()
	if err := h.(encoding.BinaryUnmarshaler).UnmarshalBinary(state); err != nil {
		panic(err)
	}
	return h
}
