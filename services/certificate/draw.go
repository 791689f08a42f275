package certificate

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/huchain/huchain/crosschain/light"
	"github.com/huchain/huchain/services/pdf"
	"github.com/huchain/huchain/types"
)

// Names of the attached files.
const (
	ProofFile     = "proof.json"       // for huchain proof verify
	StatementFile = "certificate.json" // for programs
)

// signatureBytes is the room for signature, certificate and time stamp.
const signatureBytes = 8 << 10

// printedAttestations bounds the validators that are printed; the proof holds all.
const printedAttestations = 12

// beijing is how times are printed beside UTC. China has had no summer time since 1991.
var beijing = time.FixedZone("UTC+8", 8*3600)

func clock(t time.Time) string {
	return t.In(beijing).Format("2006-01-02 15:04:05 ") + "(UTC+8), " + t.UTC().Format("2006-01-02T15:04:05Z")
}

// QR is the text of the QR code: the page where the file and the certificate are verified,
// with what to look for there.
func (f *Facts) QR(page string) string {
	if page == "" {
		page = "huchain:evidence"
	}
	return page + "?" + url.Values{"number": {f.Number}, "sm3": {f.SM3.String()}, "tx": {f.TxID.String()}}.Encode()
}

// draw writes the certificate of form 1. What it draws for given input MUST never change.
func draw(s *statement, d *light.Dossier) (*pdf.Signable, error) {
	f := s.Facts
	proofText, err := json.Marshal(d)
	if err != nil {
		return nil, err
	}
	said, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	doc := pdf.New(pdf.Info{Title: "存证证书 " + f.Number, Author: string(s.Issuer), Subject: f.Title, Language: "zh-CN", Created: s.Issued})
	doc.Footer("证书编号 " + f.Number + "。本证书所载各项均可凭所附证明核验，无须信任出证方。\nEverything printed here can be checked against the attached proof, without trusting the issuer.")
	doc.Title("区块链存证证书", 22*pdf.Point)
	doc.Title("Certificate of Evidence", 11*pdf.Point)
	doc.Rule()
	doc.QR(f.QR(s.Page), 104*pdf.Point)
	const size, first, beside = 10 * pdf.Point, 118 * pdf.Point, 116 * pdf.Point
	doc.Fields([]pdf.Field{
		{Label: "证书编号 Number", Value: f.Number},
		{Label: "存证名称 Title", Value: orNone(f.Title)},
		{Label: "存证主体 Holder", Value: orNone(f.Holder)},
		{Label: "提交成员 Depositor", Value: string(f.Depositor)},
		{Label: "存证标识 Evidence", Value: orNone(f.Evidence)},
		{Label: "文件名称 File", Value: orNone(f.File)},
		{Label: "文件大小 Size", Value: bytesText(f.SizeBytes)},
	}, size, first, beside)
	doc.Space(10 * pdf.Point)
	doc.Rule()
	doc.Fields([]pdf.Field{
		{Label: "SM3", Value: f.SM3.String()},
		{Label: "SHA-256", Value: orNone(f.SHA256)},
		{Label: "交易 Transaction", Value: f.TxID.String()},
		{Label: "区块高度 Height", Value: fmt.Sprintf("%d（块内第 %d 笔 position %d）", f.Height, f.Index+1, f.Index)},
		{Label: "上链时间 Time", Value: clock(f.Time)},
		{Label: "区块头 Header", Value: f.Header.String()},
		{Label: "创世哈希 Genesis", Value: f.Genesis.String()},
		{Label: "共识签名 Signatures", Value: attestations(f)},
	}, size, first, 0)
	doc.Rule()
	doc.Fields([]pdf.Field{
		{Label: "出证方 Issuer", Value: string(s.Issuer)},
		{Label: "时间戳 Time stamp", Value: string(s.Authority)},
		{Label: "出证时间 Issued", Value: clock(s.Issued)},
	}, size, first, 0)
	doc.Space(6 * pdf.Point)
	doc.Paragraph("核验：扫描二维码，或离线运行 huchain proof verify 本文件.pdf --genesis 创世文件。核验依次检查所附证明（共识节点对区块头的 SM2 签名、交易与存证记录的默克尔路径）、"+
		"本页所载与证明逐字节一致、出证方的 SM2 签名覆盖全文、时间戳。文件本身的 SM3 应与上列相同。", 9*pdf.Point)
	doc.Paragraph("To verify: scan the code, or run huchain proof verify FILE.pdf --genesis GENESIS without any network. The proof, this page against the proof byte by byte, "+
		"the issuer's signature over all of the file and its time stamp are checked. SM3 of the file in question must be the one above.", 9*pdf.Point)
	doc.Attach(pdf.Attachment{Name: ProofFile, MediaType: "application/json", Description: "离线证明 offline proof", Content: proofText})
	doc.Attach(pdf.Attachment{Name: StatementFile, MediaType: "application/json", Description: "证书内容 what the certificate says", Content: said})
	return doc.Signable(pdf.Signature{Name: string(s.Issuer), Reason: "出具存证证书 " + f.Number, MaxBytes: signatureBytes})
}

// orNone is a value on one line: no text from the chain makes lines of its own.
func orNone(s string) string {
	if s == "" {
		return "（链上未载 not on chain）"
	}
	return strings.ReplaceAll(s, "\n", "[U+000A]")
}

func bytesText(n *int64) string {
	if n == nil {
		return orNone("")
	}
	return fmt.Sprintf("%d 字节 bytes", *n)
}

func attestations(f *Facts) string {
	var who []string
	for i, a := range f.Attestations {
		if i == printedAttestations {
			who = append(who, "…")
			break
		}
		who = append(who, types.Address.String(a))
	}
	return fmt.Sprintf("%d / %d 个共识节点 validators：\n%s", len(f.Attestations), f.Validators, strings.Join(who, "\n"))
}
