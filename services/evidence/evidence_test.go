package evidence

import (
	"crypto/rand"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/crypto/cert"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/types/rest"
)

// office is a notary with its answer about a hash.
func office(t testing.TB, org string) (*cert.CA, func(Attestation) []byte) {
	root, err := crypto.GenerateKey(rand.Reader)
	require.NoError(t, err)
	key, err := crypto.GenerateKey(rand.Reader)
	require.NoError(t, err)
	now := time.Now()
	ca, err := cert.NewCA(org, root, now.Add(-time.Hour), now.AddDate(1, 0, 0))
	require.NoError(t, err)
	c, err := ca.Issue(cert.Request{Name: "notary", Roles: []string{"client"}, PublicKey: key.Public(), NotBefore: now.Add(-time.Minute), NotAfter: now.AddDate(0, 1, 0)})
	require.NoError(t, err)
	return ca, func(a Attestation) []byte {
		body, err := json.Marshal(a)
		require.NoError(t, err)
		sig, err := key.Sign(body)
		require.NoError(t, err)
		raw, err := json.Marshal(NotaryAnswer{Body: body, Signature: sig, Certificate: c.Raw})
		require.NoError(t, err)
		return raw
	}
}

// An answer holds as it was signed alone: no other byte, hash, deposit, root, organisation
// or time.
// covers: B1.14
func TestCheckNotary(t *testing.T) {
	ca, answer := office(t, "notarial-office")
	hash, now := crypto.Sum([]byte("x")), time.Now()
	a := Attestation{Serial: "(2026)证字第1号", Hash: hash, Deposit: "e1", Time: now.UTC().Truncate(time.Second)}
	n := &Notary{Org: "notarial-office", Roots: []*cert.Certificate{ca.Root()}}
	raw := answer(a)
	got, who, err := CheckNotary(n, raw, hash, "e1", now)
	require.NoError(t, err)
	require.Equal(t, a.Serial, got.Serial)
	require.Equal(t, "notary", who.Name)
	refused := func(n *Notary, raw []byte, hash crypto.Hash, deposit string, now time.Time) {
		t.Helper()
		_, _, err := CheckNotary(n, raw, hash, deposit, now)
		require.Equal(t, types.CodeAnswerRefused, types.CodeOf(err), "%v", err)
	}
	refused(n, raw, crypto.Sum([]byte("y")), "e1", now)
	refused(n, raw, hash, "e2", now)
	refused(n, raw, hash, "e1", now.AddDate(1, 0, 0))
	refused(&Notary{Org: "another", Roots: n.Roots}, raw, hash, "e1", now)
	stranger, forged := office(t, "notarial-office")
	refused(n, forged(a), hash, "e1", now)
	refused(&Notary{Org: n.Org, Roots: []*cert.Certificate{stranger.Root()}}, raw, hash, "e1", now)
	a.Serial = ""
	refused(n, answer(a), hash, "e1", now)
	for i := 0; i < len(raw); i += 7 {
		altered := append([]byte(nil), raw...)
		altered[i] ^= 1
		if got, _, err := CheckNotary(n, altered, hash, "e1", now); err == nil {
			require.Equal(t, "(2026)证字第1号", got.Serial, "byte %d: what was signed stands", i)
		}
	}
}

func FuzzCheckNotary(f *testing.F) {
	ca, answer := office(f, "office")
	n := &Notary{Org: "office", Roots: []*cert.Certificate{ca.Root()}}
	hash, now := crypto.Sum([]byte("x")), time.Now()
	f.Add(answer(Attestation{Serial: "1", Hash: hash, Deposit: "e1"}))
	f.Add([]byte(`{"body":null,"signature":"00","certificate":""}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		a, _, err := CheckNotary(n, raw, hash, "e1", now)
		if err == nil && (a.Hash != hash || a.Deposit != "e1") || err != nil && types.CodeOf(err) != types.CodeAnswerRefused {
			t.Fatal(a, err)
		}
	})
}

// Values follow the fields that are declared, and nothing else is taken.
// covers: B1.03
func TestFollow(t *testing.T) {
	fields := []rest.EvidenceField{
		{Name: "party", Type: "text", Required: true, Max: 3}, {Name: "n", Type: "int"}, {Name: "price", Type: "decimal"},
		{Name: "ok", Type: "bool"}, {Name: "day", Type: "date"}, {Name: "at", Type: "time"},
	}
	require.NoError(t, follow(fields, map[string]string{"party": "甲乙丙", "n": "-12", "price": "0.50", "ok": "true", "day": "2026-02-28", "at": "2026-03-02T01:00:00Z"}))
	for _, bad := range []map[string]string{
		{}, {"party": ""}, {"party": "甲乙丙丁"}, {"party": "\xff"}, {"party": "a", "n": "1.5"}, {"party": "a", "n": "01"}, {"party": "a", "price": "1e3"},
		{"party": "a", "ok": "yes"}, {"party": "a", "day": "2026-02-30"}, {"party": "a", "at": "now"}, {"party": "a", "other": "x"},
	} {
		require.Equal(t, types.CodeTemplateViolated, types.CodeOf(follow(fields, bad)), "%v", bad)
	}
}

// Originals are told apart by content and size, office documents by their names too.
// covers: B1.08
func TestClassify(t *testing.T) {
	for _, c := range []struct{ name, head, class, media string }{
		{"a.pdf", "%PDF-1.7\n", "document", "application/pdf"}, {"a.txt", "%PDF-1.7\n", "document", "application/pdf"}, {"a", "你好", "text", "text/plain"},
		{"a.docx", "PK\x03\x04....", "document", documents[".docx"]}, {"a.zip", "PK\x03\x04....", "archive", "application/zip"}, {"a.docx", "plain words", "text", "text/plain"},
		{"a.png", "\x89PNG\r\n\x1a\n", "image", "image/png"}, {"a.doc", string(oleMagic), "document", "application/x-ole-storage"}, {"a", "\x00\x01\x02", "other", "application/octet-stream"},
	} {
		class, media := classify(c.name, []byte(c.head))
		require.Equal(t, c.class, class, c.name+strings.ToValidUTF8(c.head, "?"))
		require.Equal(t, c.media, media, c.name)
	}
	require.Equal(t, []string{"small", "small", "medium", "large"}, []string{sizeClass(0), sizeClass(smallBytes), sizeClass(smallBytes + 1), sizeClass(mediumBytes + 1)})
}
