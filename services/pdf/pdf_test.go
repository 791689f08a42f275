package pdf

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/crypto"
)

// run runs a tool of Debian's qpdf, poppler-utils or zbar-tools.
func run(t testing.TB, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	require.NoError(t, err, "%s (apt-get install qpdf poppler-utils zbar-tools): %s", name, out)
	return string(out)
}

const link = "https://evidence.example.gov.cn/verify?tx=4be1c9&c=77"

func sample() *Document {
	d := New(Info{Title: "示例", Author: "archives/clerk", Subject: "测试", Language: "zh-CN", Created: time.Date(2026, 3, 2, 1, 0, 0, 0, time.UTC)})
	d.Footer("页脚：本文件由测试生成，与任何人无关。")
	d.Title("存证证书 Certificate", 20*Point)
	d.Rule()
	d.QR(link, 90*Point)
	d.Fields([]Field{
		{"持有人", "欧阳㐂㛃、王䶮，Łukasz Ångström 与 𠮷田"},
		{"SM3", strings.Repeat("3f9a12bc", 8)},
	}, 10*Point, 80*Point, 110*Point)
	d.Paragraph("一段足够长的中文，用来检查换行：标点不在行首，words stay whole，直到这一行写满为止，然后继续写下去，一直写到第二行，再写到第三行。", 11*Point)
	for range 60 {
		d.Paragraph("第二页。", 11*Point)
	}
	d.Attach(Attachment{Name: "facts.json", MediaType: "application/json", Description: "事实", Content: []byte(`{"a":1}`)})
	return d
}

// Chinese text, rare names among it, is drawn, found and copied; the QR code decodes; the
// attached file comes out as it went in; the same input gives the same bytes.
func TestDocument(t *testing.T) {
	b, err := sample().Bytes()
	require.NoError(t, err)
	again, err := sample().Bytes()
	require.NoError(t, err)
	require.True(t, bytes.Equal(b, again))

	dir := t.TempDir()
	path := filepath.Join(dir, "x.pdf")
	require.NoError(t, os.WriteFile(path, b, 0o600))
	require.Contains(t, run(t, "qpdf", "--check", path), "No syntax or stream encoding errors")
	text := run(t, "pdftotext", "-layout", path, "-")
	for _, want := range []string{"存证证书 Certificate", "欧阳㐂㛃、王䶮，Łukasz Ångström 与", "[U+20BB7]田", "页脚", "2/2"} {
		require.Contains(t, text, want)
	}
	for _, line := range strings.Split(text, "\n") {
		require.NotRegexp(t, "^ *[，。：]", line)
	}
	require.Empty(t, run(t, "pdftoppm", "-r", "110", "-png", path, filepath.Join(dir, "page")), "no complaint")
	require.Equal(t, link, strings.TrimSpace(run(t, "zbarimg", "--nodbus", "-q", "--raw", filepath.Join(dir, "page-1.png"))))
	run(t, "pdfdetach", "-save", "1", "-o", filepath.Join(dir, "out"), path)
	out, err := os.ReadFile(filepath.Join(dir, "out"))
	require.NoError(t, err)
	require.Equal(t, `{"a":1}`, string(out))
	fonts := run(t, "pdffonts", path)
	require.Regexp(t, `DroidSansFallback +CID TrueType +Identity-H +yes yes yes`, fonts)
	if keep := os.Getenv("HUCHAIN_TEST_PDF"); keep != "" {
		require.NoError(t, os.WriteFile(keep, b, 0o600))
	}
	require.Equal(t, "9d415c397db188a3bf9b9a14ed0c377a7782965e278a131d95c27113ad01a9ed", crypto.Sum(b).String(), "what a call draws never changes: certificates are verified by drawing them anew")
}

func TestFontsArePinned(t *testing.T) {
	for _, c := range []struct {
		packed []byte
		sum    string
	}{{hanFile, "aea7630fdbf4b4e5cd37a0e0a1ef5d3cadaef41dd74e640e239a785a0d53d80e"}, {latinFile, "256aa355fd23b044675fc47c6ffee514c5cc60dc58aae95b54d96b69a1f2c6d8"}} {
		d, err := zstd.NewReader(nil)
		require.NoError(t, err)
		b, err := d.DecodeAll(c.packed, nil)
		d.Close()
		require.NoError(t, err)
		require.Equal(t, c.sum, crypto.Sum(b).String())
	}
	require.Len(t, han().glyphs, 28167)
	for r := rune(0x4e00); r <= 0x9fa5; r++ {
		if han().glyphs[r] == 0 {
			t.Errorf("%U is missing", r)
		}
	}
}

// A signature covers everything but itself, and a signed file matches its document alone.
func TestSignable(t *testing.T) {
	s, err := sample().Signable(Signature{Name: "archives/clerk", Reason: "签发", MaxBytes: 100})
	require.NoError(t, err)
	parts := s.Signed()
	signature := crypto.Sum(parts[0], parts[1])
	b, err := s.Fill(signature[:])
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "signed.pdf")
	require.NoError(t, os.WriteFile(path, b, 0o600))
	require.Contains(t, run(t, "qpdf", "--check", path), "No syntax or stream encoding errors")
	require.Contains(t, run(t, "pdfsig", "-nocert", path), "Signature Type: ETSI.CAdES.detached")

	o, err := Open(b)
	require.NoError(t, err)
	require.Equal(t, `{"a":1}`, string(o.Attachments["facts.json"]))
	require.True(t, bytes.HasPrefix(o.Signature, signature[:]))
	_, ok := s.Matches(b, signature[:])
	require.True(t, ok)
	for at := 0; at < len(b); at += 97 {
		bad := bytes.Clone(b)
		bad[at] ^= 1
		where, ok := s.Matches(bad, signature[:])
		require.False(t, ok)
		require.Equal(t, at, where)
	}
	_, ok = s.Matches(append(b, '\n'), signature[:])
	require.False(t, ok, "nothing may follow")
	_, err = s.Fill(make([]byte, 101))
	require.Error(t, err)
	unsigned, err := sample().Bytes()
	require.NoError(t, err)
	_, err = Open(unsigned)
	require.ErrorContains(t, err, "not signed")
}

func TestLimits(t *testing.T) {
	d := New(Info{})
	for range MaxPages * 60 {
		d.Paragraph("行", 12*Point)
	}
	_, err := d.Bytes()
	require.ErrorContains(t, err, "pages")
	d = New(Info{})
	d.Attach(Attachment{Name: "附件"})
	_, err = d.Bytes()
	require.ErrorContains(t, err, "ASCII")
	require.Equal(t, "-0.05", Length(-50).String())
}

func FuzzOpen(f *testing.F) {
	s, err := sample().Signable(Signature{MaxBytes: 10})
	require.NoError(f, err)
	b, err := s.Fill([]byte{1})
	require.NoError(f, err)
	f.Add(b[len(b)-4000:])
	f.Add([]byte("%PDF-1.7/Contents <00>/Type/EmbeddedFile/Name(a)>>/Length 3>>\nstream\nabc"))
	f.Fuzz(func(t *testing.T, in []byte) {
		if o, err := Open(in); err == nil {
			require.NotNil(t, o.Attachments)
		}
	})
}

// BenchmarkDocument draws the sample of two pages.
func BenchmarkDocument(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := sample().Bytes(); err != nil {
			b.Fatal(err)
		}
	}
}
