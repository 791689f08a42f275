package types_test

import (
	"bytes"
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/huchain/huchain/types"
)

// encoder is a decoded message that can be written again.
type encoder interface{ Encode() []byte }

// fuzzMessage checks what every decoder promises on arbitrary input: no panic; what it
// accepts encodes to the same bytes; and the standard Protocol Buffers implementation
// reads the same bytes and writes them again.
func fuzzMessage(f *testing.F, name protoreflect.Name, sample []byte, decode func([]byte) (encoder, error)) {
	seed(f, sample)
	f.Fuzz(func(t *testing.T, in []byte) {
		given := bytes.Clone(in)
		m, err := decode(in)
		if !bytes.Equal(given, in) {
			t.Fatal("the decoder changed its input")
		}
		if err != nil {
			return
		}
		if out := m.Encode(); !bytes.Equal(out, in) {
			t.Fatalf("decoded\n%x\nencodes to\n%x", in, out)
		}
		if _, err := oracle(name, in); err != nil {
			t.Fatal(err)
		}
	})
}

// seed adds a good message and typical damage to it.
func seed(f *testing.F, good []byte) {
	f.Add([]byte{})
	f.Add(good)
	f.Add(append(bytes.Clone(good), good...))          // fields repeated
	f.Add(append(bytes.Clone(good), 0xfa, 0x01, 0x00)) // unknown field
	f.Add([]byte{0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f})  // length of 4 GiB
	f.Add([]byte{0x0a, 0x81, 0x00, 0x00})              // length that is not shortest
	f.Add(bytes.Repeat([]byte{0xff}, 24))              // varint without an end
	f.Add(append([]byte{0x08, 0x00}, good...))         // zero written out
	for _, at := range []int{1, len(good) / 2, len(good) - 1} {
		f.Add(good[:at])
		flipped := bytes.Clone(good)
		flipped[at] ^= 0x80
		f.Add(flipped)
	}
}

type txBytes struct{ *types.Tx }

// Encode writes the transaction from its decoded parts, not from the bytes it kept.
func (t txBytes) Encode() []byte { return encodeTx(t.BodyBytes, t.Certificate, t.Signatures...) }

type bodyBytes struct{ types.Body }

func (b bodyBytes) Encode() []byte { return types.EncodeBody(&b.Body) }

func FuzzDecodeTx(f *testing.F) {
	fuzzMessage(f, "Tx", sampleTx(f).Bytes(), func(in []byte) (encoder, error) {
		tx, err := types.DecodeTx(in)
		return txBytes{tx}, err
	})
}

func FuzzDecodeBody(f *testing.F) {
	body := sampleBody()
	fuzzMessage(f, "Body", types.EncodeBody(&body), func(in []byte) (encoder, error) {
		b, err := types.DecodeBody(in)
		return bodyBytes{b}, err
	})
}

func FuzzDecodeReceipt(f *testing.F) {
	fuzzMessage(f, "Receipt", sampleReceipt().Encode(), func(in []byte) (encoder, error) {
		r, err := types.DecodeReceipt(in)
		return &r, err
	})
}

func FuzzDecodeEvent(f *testing.F) {
	fuzzMessage(f, "Event", sampleEvent().Encode(), func(in []byte) (encoder, error) {
		e, err := types.DecodeEvent(in)
		return &e, err
	})
}

func FuzzDecodeHeader(f *testing.F) {
	fuzzMessage(f, "Header", sampleHeader().Encode(), func(in []byte) (encoder, error) {
		h, err := types.DecodeHeader(in)
		return &h, err
	})
}

func FuzzDecodeValidatorSet(f *testing.F) {
	fuzzMessage(f, "ValidatorSet", sampleSet(f, 4).Encode(), func(in []byte) (encoder, error) {
		s, err := types.DecodeValidatorSet(in)
		return s, err
	})
}

func FuzzDecodeFinalityCertificate(f *testing.F) {
	fuzzMessage(f, "FinalityCertificate", sampleCertificate(f, 4).Encode(), func(in []byte) (encoder, error) {
		c, err := types.DecodeFinalityCertificate(in)
		return &c, err
	})
}

func FuzzDecodeList(f *testing.F) {
	seed(f, types.EncodeList([][]byte{[]byte("one"), bytes.Repeat([]byte("x"), 300), {0}}))
	f.Fuzz(func(t *testing.T, in []byte) {
		items, err := types.DecodeList(in, 64)
		if err != nil {
			return
		}
		if len(items) == 0 || len(items) > 64 {
			t.Fatalf("%d items", len(items))
		}
		for _, it := range items {
			if len(it) == 0 || cap(it) != len(it) {
				t.Fatal("items are non-empty and end where the next begins")
			}
		}
		if out := types.EncodeList(items); !bytes.Equal(out, in) {
			t.Fatalf("decoded\n%x\nencodes to\n%x", in, out)
		}
	})
}

func FuzzParseMemberID(f *testing.F) {
	for _, s := range []string{"archives/clerk", "a/b", "A/b", "a/b/c", "a/b\n", "/", "a", "é/b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		m, err := types.ParseMemberID(s)
		if err != nil {
			return
		}
		if m.Org()+"/"+m.Name() != s || !types.ValidName(m.Org()) || !types.ValidName(m.Name()) {
			t.Fatalf("%q is read as %q and %q", s, m.Org(), m.Name())
		}
	})
}
