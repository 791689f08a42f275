package certificate

import (
	"bytes"
	"context"
	"encoding/json"
	"math/rand/v2"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/client"
	"github.com/huchain/huchain/crosschain/light"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/crypto/cms"
	"github.com/huchain/huchain/crypto/timestamp"
	"github.com/huchain/huchain/services/pdf"
	"github.com/huchain/huchain/types"
)

const content = "合同正文"

// tool runs a program of Debian's qpdf, poppler-utils or zbar-tools.
func tool(t testing.TB, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	require.NoError(t, err, "%s (apt-get install qpdf poppler-utils zbar-tools): %s", name, out)
	return string(out)
}

// A certificate is issued and verified with the node stopped: it prints what the chain
// holds, its QR code leads to it, and any altered byte is found. An edited certificate, an
// issuer that prints what is not so, and strangers who sign are refused.
// covers: B1.05
func TestCertificate(t *testing.T) {
	s := newSite(t)
	stopped := false
	defer func() {
		if !stopped {
			s.stop()
		}
	}()
	ctx := context.Background()
	hash := s.deposit(content, "采购合同（2026）", metadata(content))
	bare := s.deposit("another", "没有说明", "共 12 页")
	c, err := s.issuer.Issue(ctx, s.client, hash)
	require.NoError(t, err)
	plain, err := s.issuer.Issue(ctx, s.client, bare)
	require.NoError(t, err)
	_, err = s.issuer.Issue(ctx, s.client, crypto.Sum([]byte("never")))
	require.Equal(t, types.CodeNotFound, types.CodeOf(err))
	forged := s.forgeries(hash)
	s.stop()
	stopped = true

	anchor, err := light.TrustGenesis(s.genesis)
	require.NoError(t, err)
	r, err := Verify(c.PDF, anchor, time.Now())
	require.NoError(t, err)
	require.Equal(t, "欧阳㛃", r.Facts.Holder)
	require.EqualValues(t, "archives/clerk", r.Facts.Depositor)
	require.Equal(t, hash, r.Facts.SM3)
	require.EqualValues(t, len(content), *r.Facts.SizeBytes)
	require.Len(t, r.Facts.Attestations, 1)
	require.EqualValues(t, "notary/issuer", r.Issuer.Member)
	require.EqualValues(t, "notary/clock", r.Authority.Member)
	require.WithinDuration(t, time.Now(), r.Stamped, 10*time.Minute)
	require.Equal(t, c.Facts, r.Facts)
	r, err = Verify(plain.PDF, anchor, time.Now())
	require.NoError(t, err)
	require.Empty(t, r.Facts.File)
	require.Nil(t, r.Facts.SizeBytes)

	s.look(c)
	for name, file := range forged {
		_, err := Verify(file, anchor, time.Now())
		require.Error(t, err, name)
		require.Contains(t, []types.Code{types.CodeCertificateAltered, types.CodeProofInvalid}, types.CodeOf(err), "%s: %v", name, err)
	}
	other := *anchor
	other.Genesis[0] ^= 1
	_, err = Verify(c.PDF, &other, time.Now())
	require.Equal(t, types.CodeProofInvalid, types.CodeOf(err), "another chain")
	_, err = Verify(c.PDF, anchor, time.Now().AddDate(0, -1, 0))
	require.Equal(t, types.CodeCertificateAltered, types.CodeOf(err), "a time stamp of the future")
	mutate(t, c.PDF, anchor)
}

// mutate alters single bytes: HUCHAIN_TEST_MUTATIONS of them, spread over the file, with
// twice as many in the signature as elsewhere.
func mutate(t *testing.T, file []byte, anchor *client.Trust) {
	n := 1000
	if v := os.Getenv("HUCHAIN_TEST_MUTATIONS"); v != "" {
		var err error
		n, err = strconv.Atoi(v)
		require.NoError(t, err)
	}
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 1))
	begin := bytes.Index(file, []byte("/Contents <"))
	for i := range n {
		at := r.IntN(len(file))
		if i%3 == 0 {
			at = begin + r.IntN(3000)
		}
		bad := bytes.Clone(file)
		bad[at] ^= byte(1 + r.IntN(255))
		_, err := Verify(bad, anchor, time.Now())
		require.Error(t, err, "byte %d of seed %d", at, seed)
	}
	for _, bad := range [][]byte{file[:len(file)-1], append(bytes.Clone(file), '\n'), append([]byte("%PDF-1.7\n"), file...), nil} {
		_, err := Verify(bad, anchor, time.Now())
		require.Error(t, err)
	}
}

// look checks with the tools of others that a certificate can be read, and says what it is
// to say.
func (s *site) look(c *Certificate) {
	t := s.t
	dir := t.TempDir()
	path := filepath.Join(dir, "c.pdf")
	require.NoError(t, os.WriteFile(path, c.PDF, 0o600))
	if keep := os.Getenv("HUCHAIN_TEST_PDF"); keep != "" {
		require.NoError(t, os.WriteFile(keep, c.PDF, 0o600))
	}
	require.Contains(t, tool(t, "qpdf", "--check", path), "No syntax or stream encoding errors")
	text := strings.Join(strings.Fields(tool(t, "pdftotext", "-raw", path, "-")), "")
	f := c.Facts
	for _, want := range []string{"区块链存证证书", f.Number, "采购合同（2026）", "欧阳㛃", "archives/clerk", "采购合同.pdf", strconv.Itoa(len(content)) + "字节", f.SM3.String(), f.SHA256, f.TxID.String(),
		f.Header.String(), f.Genesis.String(), f.Attestations[0].String(), f.Time.Format("2006-01-02T15:04:05Z"), "1/1个共识节点", "notary/issuer"} {
		require.Contains(t, text, strings.ReplaceAll(want, " ", ""))
	}
	require.Empty(t, tool(t, "pdftoppm", "-r", "110", "-png", path, filepath.Join(dir, "page")), "no complaint")
	pages, err := filepath.Glob(filepath.Join(dir, "page*.png"))
	require.NoError(t, err)
	require.Len(t, pages, 1)
	code := strings.TrimSpace(tool(t, "zbarimg", "--nodbus", "-q", "--raw", pages[0]))
	require.Equal(t, f.QR(s.params.Page), code)
	u, err := url.Parse(code)
	require.NoError(t, err)
	require.Equal(t, f.TxID.String(), u.Query().Get("tx"))
	signed := tool(t, "pdfsig", "-nocert", path)
	require.Contains(t, signed, "Total document signed")

	// The attached proof stands on its own.
	tool(t, "pdfdetach", "-savefile", ProofFile, "-o", filepath.Join(dir, "proof"), path)
	b, err := os.ReadFile(filepath.Join(dir, "proof"))
	require.NoError(t, err)
	d := &light.Dossier{}
	require.NoError(t, json.Unmarshal(b, d))
	_, err = client.VerifyDossier(d, s.trust)
	require.NoError(t, err)
}

// forgeries are certificates that somebody might make with the keys they have.
func (s *site) forgeries(hash crypto.Hash) map[string][]byte {
	t, p := s.t, s.params
	ctx := context.Background()
	out := map[string][]byte{}
	dossier := func(key []byte, members ...types.Address) *light.Dossier {
		d, err := s.client.StateDossier(ctx, s.trust, Contract, key, members...)
		require.NoError(t, err)
		return d
	}
	addresses := []types.Address{types.AddressOf(p.Certificate.PublicKey), types.AddressOf(p.Authority.PublicKey)}
	d := dossier(RowKey(hash), addresses...)
	_, facts, err := verified(d, s.trust)
	require.NoError(t, err)
	make := func(name string, p Params, d *light.Dossier, change func(*statement)) {
		own := *facts
		st := &statement{Form: form, Issuer: memberID(p.Certificate), Authority: memberID(p.Authority), Page: p.Page, Facts: &own, Issued: time.Now().UTC().Truncate(time.Second)}
		if change != nil {
			change(st)
		}
		file, err := (&Issuer{p}).sign(ctx, st, d)
		require.NoError(t, err)
		out[name] = file
	}
	make("another title, signed by the issuer", p, d, func(s *statement) { s.Facts.Title = "另一份合同" })
	make("another holder, signed by the issuer", p, d, func(s *statement) { s.Facts.Holder = "别人" })
	make("an earlier time, signed by the issuer", p, d, func(s *statement) { s.Facts.Time = s.Facts.Time.AddDate(-1, 0, 0) })
	make("issued before the deposit", p, d, func(s *statement) { s.Issued = s.Issued.AddDate(-1, 0, 0) })
	make("issued in another's name", p, d, func(s *statement) { s.Issuer = "archives/clerk" })
	make("issued after its time stamp", p, d, func(s *statement) { s.Issued = s.Issued.Add(time.Hour) })
	make("without the issuer's membership", p, dossier(RowKey(hash), addresses[1]), nil)
	make("without the authority's membership", p, dossier(RowKey(hash), addresses[0]), nil)
	stranger := p
	m := s.world.Member("notary", "stranger", "client") // who never joined the chain
	stranger.Key, stranger.Certificate = m.Key, parse(t, m.Cert)
	make("signed by one whom the chain does not know", stranger, dossier(RowKey(hash), types.AddressOf(m.Key.Public()), addresses[1]), nil)
	own := p
	own.Authority, own.Stamper = p.Certificate, &timestamp.Authority{Key: p.Key, Certificate: p.Certificate, Now: time.Now}
	make("stamped by the issuer itself", own, d, nil)
	early := p
	early.Stamper = stampAt{p, time.Now().Add(-time.Hour)}
	make("a time stamp before the deposit", early, d, func(s *statement) { s.Issued = s.Issued.Add(-time.Hour) })

	doc, err := draw(&statement{Form: form, Issuer: memberID(p.Certificate), Authority: memberID(p.Authority), Facts: facts, Issued: time.Now().UTC().Truncate(time.Second)}, d)
	require.NoError(t, err)
	parts := doc.Signed()
	signed, err := cms.Sign(p.Key, p.Certificate, cms.Data, parts[:]...)
	require.NoError(t, err)
	der, err := signed.Encode()
	require.NoError(t, err)
	out["without a time stamp"], err = doc.Fill(der)
	require.NoError(t, err)
	empty, err := pdf.New(pdf.Info{}).Signable(pdf.Signature{MaxBytes: 10})
	require.NoError(t, err)
	out["an empty document"], err = empty.Fill([]byte{0x30, 0})
	require.NoError(t, err)
	return out
}

// stampAt is an authority whose clock is wrong.
type stampAt struct {
	Params
	at time.Time
}

func (s stampAt) Time(ctx context.Context, digest crypto.Hash) ([]byte, error) {
	a := *s.Params.Stamper.(*timestamp.Authority)
	a.Now = func() time.Time { return s.at }
	return a.Time(ctx, digest)
}

// What form 1 draws is drawn for ever: certificates are verified by drawing them anew.
func TestFormStands(t *testing.T) {
	at := time.Date(2026, 3, 2, 1, 0, 0, 0, time.UTC)
	size := int64(12)
	f := &Facts{Number: "3f9a12bc-7-0", Title: "采购合同\n存证主体 Holder", Holder: "欧阳㛃", Depositor: "archives/clerk", File: "合同.pdf", SizeBytes: &size,
		SM3: crypto.Sum([]byte(content)), Height: 7, Time: at, Validators: 4, Attestations: []types.Address{{1}, {2}, {3}}}
	doc, err := draw(&statement{Form: form, Issuer: "notary/issuer", Authority: "notary/clock", Issued: at, Page: "https://evidence.example/verify", Facts: f}, &light.Dossier{})
	require.NoError(t, err)
	parts := doc.Signed()
	require.Equal(t, "f074ab51d4dfa3c6a65603cec4c803f9a3c4b9b0a7fe601c5a5d6b908f9ff34c", crypto.Sum(parts[:]...).String())
	file, err := doc.Fill(nil)
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "c.pdf")
	require.NoError(t, os.WriteFile(path, file, 0o600))
	require.Contains(t, tool(t, "pdftotext", "-raw", path, "-"), "采购合同[U+000A]存证主体 Holder")
}

func TestParams(t *testing.T) {
	_, err := NewIssuer(Params{})
	require.Equal(t, types.CodeConfig, types.CodeOf(err))
	require.Equal(t, "huchain:evidence?number=n&sm3="+crypto.Hash{}.String()+"&tx="+crypto.Hash{}.String(), (&Facts{Number: "n"}).QR(""))
}

// BenchmarkVerify verifies one certificate without a node.
func BenchmarkVerify(b *testing.B) {
	s := newSite(b)
	defer s.stop()
	c, err := s.issuer.Issue(context.Background(), s.client, s.deposit(content, "采购合同", metadata(content)))
	require.NoError(b, err)
	b.SetBytes(int64(len(c.PDF)))
	for b.Loop() {
		if _, err := Verify(c.PDF, s.trust, time.Now()); err != nil {
			b.Fatal(err)
		}
	}
}
