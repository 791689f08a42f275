package types_test

import (
	"bytes"
	"encoding/json"
	"math"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protowire"
	"pgregory.net/rapid"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
)

// encodeTx writes a transaction by hand, so that tests can write bad ones too.
func encodeTx(body, cert []byte, sigs ...[]byte) []byte {
	var out []byte
	if len(body) > 0 {
		out = protowire.AppendBytes(protowire.AppendTag(out, 1, protowire.BytesType), body)
	}
	if len(cert) > 0 {
		out = protowire.AppendBytes(protowire.AppendTag(out, 2, protowire.BytesType), cert)
	}
	for _, s := range sigs {
		out = protowire.AppendBytes(protowire.AppendTag(out, 3, protowire.BytesType), s)
	}
	return out
}

func TestTxRoundTrip(t *testing.T) {
	tx := sampleTx(t)
	got, err := types.DecodeTx(tx.Bytes())
	require.NoError(t, err)
	require.Equal(t, tx, got)
	require.Equal(t, crypto.Sum(tx.BodyBytes), got.ID())
	require.True(t, testKeys()[0].Public().Verify(got.BodyBytes, got.Signatures[0]))

	plain := encodeTx(tx.BodyBytes, nil, tx.Signatures...)
	bare, err := types.DecodeTx(plain)
	require.NoError(t, err)
	require.Equal(t, tx.ID(), bare.ID(), "the id covers the body alone")
	require.NotEqual(t, tx.Bytes(), bare.Bytes())
}

func TestTxRefusals(t *testing.T) {
	tx := sampleTx(t)
	sig := tx.Signatures[0]
	for name, c := range map[string]struct {
		raw  []byte
		code types.Code
	}{
		"empty":               {nil, types.CodeTxMalformed},
		"no signature":        {encodeTx(tx.BodyBytes, nil), types.CodeTxMalformed},
		"signature missing":   {encodeTx(tx.BodyBytes, nil, sig, sig), types.CodeTxMalformed},
		"signature too many":  {encodeTx(tx.BodyBytes, nil, sig, sig, sig, sig), types.CodeTxMalformed},
		"signature too short": {encodeTx(tx.BodyBytes, nil, sig[:63], sig, sig), types.CodeTxMalformed},
		"signature too long":  {encodeTx(tx.BodyBytes, nil, append(bytes.Clone(sig), 0), sig, sig), types.CodeTxMalformed},
		"certificate too big": {encodeTx(tx.BodyBytes, make([]byte, types.MaxCertBytes+1), tx.Signatures...), types.CodeTxMalformed},
		"trailing field":      {append(bytes.Clone(tx.Bytes()), 0x20, 1), types.CodeTxMalformed},
		"second body":         {append(encodeTx(tx.BodyBytes, nil), tx.Bytes()...), types.CodeTxMalformed},
		"too large":           {make([]byte, types.MaxTxBytes+1), types.CodeTxTooLarge},
	} {
		_, err := types.DecodeTx(c.raw)
		require.Equal(t, c.code, types.CodeOf(err), "%s: %v", name, err)
		txs, errs := types.DecodeEach([][]byte{tx.Bytes(), c.raw, tx.Bytes(), tx.Bytes()})
		require.Equal(t, []*types.Tx{tx, nil, tx, tx}, txs, name)
		require.Equal(t, []error{nil, err, nil, nil}, errs, name)
	}
}

func TestBodyBounds(t *testing.T) {
	good := func(change func(*types.Body)) []byte {
		b := sampleBody()
		change(&b)
		return types.EncodeBody(&b)
	}
	accepted := map[string][]byte{
		"largest args":      good(func(b *types.Body) { b.Args = make([]byte, types.MaxArgsBytes) }),
		"no args":           good(func(b *types.Body) { b.Args = nil }),
		"no co-signers":     good(func(b *types.Body) { b.Cosigners = nil }),
		"largest gas":       good(func(b *types.Body) { b.GasLimit = types.MaxGasLimit }),
		"longest method":    good(func(b *types.Body) { b.Method = strings.Repeat("m", types.MaxMethodBytes) }),
		"longest contract":  good(func(b *types.Body) { b.Contract = strings.Repeat("c", 32) }),
		"sixteen co-signer": good(func(b *types.Body) { b.Cosigners = addresses(types.MaxCosigners) }),
		"zero salt":         good(func(b *types.Body) { b.Salt = [types.SaltSize]byte{} }),
	}
	for name, raw := range accepted {
		b, err := types.DecodeBody(raw)
		require.NoError(t, err, name)
		require.Equal(t, raw, types.EncodeBody(&b), name)
	}
	refused := map[string][]byte{
		"empty":                 {},
		"args too large":        good(func(b *types.Body) { b.Args = make([]byte, types.MaxArgsBytes+1) }),
		"no genesis":            good(func(b *types.Body) { b.Genesis = crypto.Hash{} }),
		"no validity":           good(func(b *types.Body) { b.ValidUntil = 0 }),
		"negative validity":     good(func(b *types.Body) { b.ValidUntil = -1 }),
		"gas too large":         good(func(b *types.Body) { b.GasLimit = types.MaxGasLimit + 1 }),
		"no contract":           good(func(b *types.Body) { b.Contract = "" }),
		"contract in capitals":  good(func(b *types.Body) { b.Contract = "Evidence" }),
		"contract with newline": good(func(b *types.Body) { b.Contract = "evidence\n" }),
		"contract too long":     good(func(b *types.Body) { b.Contract = strings.Repeat("c", 33) }),
		"no method":             good(func(b *types.Body) { b.Method = "" }),
		"method with dot":       good(func(b *types.Body) { b.Method = "a.b" }),
		"method too long":       good(func(b *types.Body) { b.Method = strings.Repeat("m", types.MaxMethodBytes+1) }),
		"too many co-signers":   good(func(b *types.Body) { b.Cosigners = addresses(types.MaxCosigners + 1) }),
		"co-signer twice":       good(func(b *types.Body) { b.Cosigners = append(addresses(1), addresses(1)...) }),
		"co-signer order":       good(func(b *types.Body) { a := addresses(2); b.Cosigners = []types.Address{a[1], a[0]} }),
		"co-signer is sender":   good(func(b *types.Body) { b.Cosigners = []types.Address{b.Sender} }),
		"other purpose":         bytes.Replace(good(func(*types.Body) {}), []byte("huchain/tx/1"), []byte("huchain/tx/2"), 1),
		"not UTF-8":             bytes.Replace(good(func(*types.Body) {}), []byte("evidence"), []byte("\xffvidence"), 1),
	}
	for name, raw := range refused {
		_, err := types.DecodeBody(raw)
		require.Error(t, err, name)
	}
}

// addresses returns n ascending addresses.
func addresses(n int) []types.Address {
	out := make([]types.Address, n)
	for i := range out {
		out[i][0] = byte(i + 1)
	}
	return out
}

// TestOneEncodingOnly alters good encodings without altering their meaning to a lenient
// Protocol Buffers reader; every such form is refused.
func TestOneEncodingOnly(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := types.Receipt{
			TxID:    crypto.Sum(rapid.SliceOf(rapid.Byte()).Draw(t, "id")),
			Code:    types.Code(rapid.Uint32Range(0, 9999).Draw(t, "code")),
			Error:   rapid.StringN(0, 40, 200).Draw(t, "error"),
			Result:  rapid.SliceOfN(rapid.Byte(), 0, 200).Draw(t, "result"),
			GasUsed: rapid.Uint64Range(0, 1<<62).Draw(t, "gas"),
			Events:  rapid.Uint32Range(0, 1<<20).Draw(t, "events"),
		}
		raw := r.Encode()
		back, err := types.DecodeReceipt(raw)
		require.NoError(t, err)
		require.Equal(t, raw, back.Encode())

		var fields [][]byte
		for rest := raw; len(rest) > 0; {
			_, _, n := protowire.ConsumeField(rest)
			fields, rest = append(fields, rest[:n]), rest[n:]
		}
		i := rapid.IntRange(0, len(fields)-1).Draw(t, "field")
		join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
		head, tail := join(fields[:i]...), join(fields[i+1:]...)
		padded := append([]byte{fields[i][0] | 0x80, 0}, fields[i][1:]...) // tag as a longer varint
		for name, bad := range map[string][]byte{
			"repeated":   join(head, fields[i], fields[i], tail),
			"unknown":    join(raw, []byte{0x7a, 0}),
			"padded tag": join(head, padded, tail),
		} {
			_, err := types.DecodeReceipt(bad)
			require.Error(t, err, name)
		}
		if len(fields) > 1 {
			moved := join(fields[len(fields)-1], join(fields[:len(fields)-1]...))
			_, err := types.DecodeReceipt(moved)
			require.Error(t, err, "out of order")
		}
	})
}

func TestReceiptTextAlwaysDecodes(t *testing.T) {
	for in, want := range map[string]string{
		"":                           "",
		"plain":                      "plain",
		"a\xff\xfeb":                 "a\uFFFDb",
		strings.Repeat("界", 400):     strings.Repeat("界", types.MaxErrorBytes/3),
		strings.Repeat("\xff", 5000): "\uFFFD",
		strings.Repeat("x", 1024):    strings.Repeat("x", 1024),
		strings.Repeat("x", 1025):    strings.Repeat("x", 1024),
	} {
		r := types.Receipt{TxID: crypto.Sum(nil), Code: types.CodeContractError, Error: in}
		got, err := types.DecodeReceipt(r.Encode())
		require.NoError(t, err)
		require.Equal(t, want, got.Error)
	}
	rapid.Check(t, func(t *rapid.T) {
		in := string(rapid.SliceOfN(rapid.Byte(), 0, 64).Draw(t, "bytes"))
		limit := rapid.IntRange(0, 70).Draw(t, "max")
		out := types.CleanText(in, limit)
		require.True(t, utf8.ValidString(out))
		require.LessOrEqual(t, len(out), limit)
		require.Equal(t, out, types.CleanText(out, limit))
	})
}

func TestReceiptNeedsItsTransaction(t *testing.T) {
	_, err := types.DecodeReceipt(nil)
	require.Error(t, err)
	_, err = types.DecodeReceipt([]byte{0x10, 1})
	require.Error(t, err)
	zero := types.Receipt{}
	got, err := types.DecodeReceipt(zero.Encode())
	require.NoError(t, err)
	require.Equal(t, zero.Encode(), got.Encode())
}

func TestHeaderRoundTrip(t *testing.T) {
	for _, h := range []*types.Header{sampleHeader(), {}, {Height: 1 << 62, Time: math.MaxInt64, Protocol: 1 << 31}} {
		got, err := types.DecodeHeader(h.Encode())
		require.NoError(t, err)
		require.Equal(t, *h, got)
		require.Equal(t, h.Hash(), got.Hash())
	}
	_, err := types.DecodeHeader((&types.Header{Time: -1}).Encode())
	require.Error(t, err)
	_, err = types.DecodeHeader(types.EncodeBody(&types.Body{}))
	require.ErrorContains(t, err, "purpose", "a transaction body is no header")
}

func TestSignaturesCannotChangeTheirPurpose(t *testing.T) {
	h, b := sampleHeader(), sampleBody()
	require.True(t, bytes.Contains(h.SignBytes()[:32], []byte(types.HeaderPurpose)))
	require.True(t, bytes.Contains(types.EncodeBody(&b)[:32], []byte(types.TxPurpose)))
	require.True(t, bytes.Contains(h.SignBytes(), h.Genesis[:]))
	require.True(t, bytes.Contains(types.EncodeBody(&b), b.Genesis[:]))
}

func TestValidatorSetRules(t *testing.T) {
	set := sampleSet(t, 4)
	got, err := types.DecodeValidatorSet(set.Encode())
	require.NoError(t, err)
	require.Equal(t, set, got)
	require.Equal(t, set.Hash(), got.Hash())
	require.EqualValues(t, 40, set.Power())

	for name, change := range map[string]func(types.ValidatorSet) types.ValidatorSet{
		"empty":                   func(types.ValidatorSet) types.ValidatorSet { return nil },
		"order":                   func(s types.ValidatorSet) types.ValidatorSet { s[0], s[1] = s[1], s[0]; return s },
		"one SM2 key twice":       func(s types.ValidatorSet) types.ValidatorSet { s[1].Key = s[0].Key; return s },
		"one ed25519 key twice":   func(s types.ValidatorSet) types.ValidatorSet { s[3].Ed25519 = s[0].Ed25519; return s },
		"no power":                func(s types.ValidatorSet) types.ValidatorSet { s[0].Power = 0; return s },
		"negative power":          func(s types.ValidatorSet) types.ValidatorSet { s[0].Power = -1; return s },
		"power that may overflow": func(s types.ValidatorSet) types.ValidatorSet { s[0].Power = 1<<40 + 1; return s },
		"point off the curve":     func(s types.ValidatorSet) types.ValidatorSet { s[3].Key[64] ^= 1; return s },
		"compressed point":        func(s types.ValidatorSet) types.ValidatorSet { s[3].Key[0] = 6; return s },
	} {
		bad := change(bytesClone(set))
		require.Error(t, bad.Validate(), name)
		got, err := types.DecodeValidatorSet(bad.Encode())
		require.Error(t, err, name)
		require.Nil(t, got, name)
	}
	many := bytes.Repeat(set[:1].Encode(), types.MaxValidators+1)
	_, err = types.DecodeValidatorSet(many)
	require.ErrorContains(t, err, "more than 128")
}

func bytesClone(s types.ValidatorSet) types.ValidatorSet {
	return append(types.ValidatorSet(nil), s...)
}

// covers: T.20
func TestCertificateNeedsMoreThanTwoThirds(t *testing.T) {
	for n := range 5 {
		c, h, set := certified(t, n)
		err := c.Verify(h, set)
		if n >= 3 {
			require.NoError(t, err, "%d of 4", n)
		} else {
			require.ErrorContains(t, err, "two thirds", "%d of 4", n)
		}
		got, err := types.DecodeFinalityCertificate(c.Encode())
		require.NoError(t, err)
		require.Equal(t, *c, got)
	}
}

func TestCertificateRefusals(t *testing.T) {
	for name, change := range map[string]func(*types.FinalityCertificate, *types.Header, types.ValidatorSet){
		"other height":   func(c *types.FinalityCertificate, _ *types.Header, _ types.ValidatorSet) { c.Height++ },
		"altered header": func(_ *types.FinalityCertificate, h *types.Header, _ types.ValidatorSet) { h.Content[0] ^= 1 },
		"altered signature": func(c *types.FinalityCertificate, _ *types.Header, _ types.ValidatorSet) {
			c.Signatures[2].Signature[9] ^= 1
		},
		"swapped signers": func(c *types.FinalityCertificate, _ *types.Header, _ types.ValidatorSet) {
			c.Signatures[0].Signature, c.Signatures[1].Signature = c.Signatures[1].Signature, c.Signatures[0].Signature
		},
		"signer twice": func(c *types.FinalityCertificate, _ *types.Header, _ types.ValidatorSet) {
			c.Signatures[1] = c.Signatures[0]
		},
		"no such signer":     func(c *types.FinalityCertificate, _ *types.Header, _ types.ValidatorSet) { c.Signatures[2].Index = 4 },
		"another set":        func(_ *types.FinalityCertificate, _ *types.Header, s types.ValidatorSet) { s[0].Power++ },
		"header of no chain": func(_ *types.FinalityCertificate, h *types.Header, _ types.ValidatorSet) { h.Genesis = crypto.Hash{} },
	} {
		c, h, set := certified(t, 3)
		require.NoError(t, c.Verify(h, set))
		change(c, h, set)
		require.Error(t, c.Verify(h, set), name)
	}
}

func TestListBounds(t *testing.T) {
	items := [][]byte{[]byte("a"), bytes.Repeat([]byte("b"), 200)}
	got, err := types.DecodeList(types.EncodeList(items), 2)
	require.NoError(t, err)
	require.Equal(t, items, got)
	require.Equal(t, types.EncodeList(items), types.AppendListItem(types.AppendListItem(nil, items[0]), items[1]))
	_, err = types.DecodeList(types.EncodeList(items), 1)
	require.Error(t, err)
	for name, bad := range map[string][]byte{
		"empty":        {},
		"empty item":   {1, 'a', 0},
		"truncated":    {3, 'a', 'b'},
		"padded":       {0x81, 0, 'a'},
		"endless":      bytes.Repeat([]byte{0x80}, 12),
		"4 GiB length": {0xff, 0xff, 0xff, 0xff, 0x0f},
	} {
		_, err := types.DecodeList(bad, 10)
		require.Error(t, err, name)
	}
}

// TestDecodersAllocateInProportion feeds input that claims far more than it holds.
func TestDecodersAllocateInProportion(t *testing.T) {
	hostile := map[string][]byte{
		"lengths":    bytes.Repeat([]byte{0x0a, 0xff, 0xff, 0xff, 0x7f}, 1000),
		"elements":   bytes.Repeat([]byte{0x0a, 0}, 30_000),
		"signatures": append(encodeTx([]byte("x"), nil), bytes.Repeat([]byte{0x1a, 0}, 30_000)...),
		"items":      bytes.Repeat([]byte{1, 1}, 30_000),
	}
	decoders := map[string]func([]byte){
		"tx":      func(b []byte) { _, _ = types.DecodeTx(b) },
		"body":    func(b []byte) { _, _ = types.DecodeBody(b) },
		"receipt": func(b []byte) { _, _ = types.DecodeReceipt(b) },
		"event":   func(b []byte) { _, _ = types.DecodeEvent(b) },
		"header":  func(b []byte) { _, _ = types.DecodeHeader(b) },
		"set":     func(b []byte) { _, _ = types.DecodeValidatorSet(b) },
		"cert":    func(b []byte) { _, _ = types.DecodeFinalityCertificate(b) },
		"list":    func(b []byte) { _, _ = types.DecodeList(b, 4096) },
	}
	for what, in := range hostile {
		for name, decode := range decoders {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			decode(in)
			runtime.ReadMemStats(&after)
			got := after.TotalAlloc - before.TotalAlloc
			require.Less(t, got, uint64(512<<10), "%s allocates %d bytes on %d bytes of %s", name, got, len(in), what)
		}
	}
}

// Names are exactly what their pattern, which others read, says.
func TestNamesAreOfThePattern(t *testing.T) {
	pattern := regexp.MustCompile(`^` + types.NamePattern + `$`)
	member := regexp.MustCompile(`^` + types.NamePattern + `/` + types.NamePattern + `$`)
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.StringMatching(`[a-c0-1A/\n-]{0,34}`).Draw(t, "s")
		require.Equal(t, pattern.MatchString(s), types.ValidName(s), "%q", s)
		_, err := types.ParseMemberID(s)
		require.Equal(t, member.MatchString(s), err == nil, "%q", s)
	})
}

func TestNames(t *testing.T) {
	for _, ok := range []string{"a", "archives", "a-1", strings.Repeat("a", 32)} {
		require.True(t, types.ValidName(ok), ok)
	}
	for _, bad := range []string{"", "A", "1a", "-a", "a_b", "a\n", "a/b", "é", strings.Repeat("a", 33)} {
		require.False(t, types.ValidName(bad), bad)
	}
	m, err := types.NewMemberID("archives", "clerk")
	require.NoError(t, err)
	require.Equal(t, "archives", m.Org())
	require.Equal(t, "clerk", m.Name())
	for _, bad := range []string{"", "a", "a/", "/b", "a/b/c", "A/b", "a/b ", "a\n/b"} {
		_, err := types.ParseMemberID(bad)
		require.Error(t, err, bad)
	}
	for _, r := range []types.Role{types.RoleAdmin, types.RoleValidator, types.RoleNode, types.RoleClient, types.RoleAuditor, types.RoleLight} {
		require.True(t, types.ValidRole(r))
	}
	require.False(t, types.ValidRole("root"))
	require.False(t, types.ValidRole(""))
	require.True(t, types.ValidMethod("depositAll2"))
	for _, bad := range []string{"", "2a", "a-b", "a.b", "ü", strings.Repeat("m", 65)} {
		require.False(t, types.ValidMethod(bad), bad)
	}
}

func TestAddressText(t *testing.T) {
	a := types.AddressOf(testKeys()[0].Public())
	sum := crypto.Sum(pubBytes(testKeys()[0]))
	require.Equal(t, sum[:20], a[:])
	got, err := types.ParseAddress(a.String())
	require.NoError(t, err)
	require.Equal(t, a, got)
	raw, err := json.Marshal(a)
	require.NoError(t, err)
	require.Equal(t, `"`+a.String()+`"`, string(raw))
	for _, bad := range []string{"", strings.ToUpper(a.String()), a.String()[1:], a.String() + "0", "zz" + a.String()[2:]} {
		got, err := types.ParseAddress(bad)
		require.Error(t, err, bad)
		require.Zero(t, got, bad)
	}
}

func pubBytes(k *crypto.PrivateKey) []byte { p := k.Public(); return p[:] }
