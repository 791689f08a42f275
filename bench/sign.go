package bench

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
)

// Signature says who vouches for a report: an SM2 signature with SM3 over reportPurpose
// and the report as encoding/json renders it without this field.
type Signature struct {
	PublicKey crypto.PublicKey `json:"publicKey"`
	Value     string           `json:"value"` // 128 hex digits, r ‖ s
}

const reportPurpose = "huchain:bench-report:v1\n"

func (rep *Report) signedBytes() ([]byte, error) {
	bare := *rep
	bare.Signature = nil
	raw, err := json.Marshal(&bare)
	if err != nil {
		return nil, fmt.Errorf("encode report: %w", err)
	}
	return append([]byte(reportPurpose), raw...), nil
}

// Sign has a key vouch for the report as it is now.
func (rep *Report) Sign(key crypto.Signer) error {
	msg, err := rep.signedBytes()
	if err != nil {
		return err
	}
	sig, err := key.Sign(msg)
	if err != nil {
		return fmt.Errorf("sign report: %w", err)
	}
	rep.Signature = &Signature{PublicKey: key.Public(), Value: hex.EncodeToString(sig)}
	return nil
}

// Verify checks the signature of a report: HC-2104 if it has none or another content
// than what was signed. Whether the key deserves trust is for the caller to say.
func (rep *Report) Verify() error {
	if rep.Signature == nil {
		return types.Errorf(types.CodeBadSignature, "the report is not signed")
	}
	sig, err := hex.DecodeString(rep.Signature.Value)
	if err != nil {
		return types.Errorf(types.CodeBadSignature, "the report's signature is not hex")
	}
	msg, err := rep.signedBytes()
	if err != nil {
		return err
	}
	if !rep.Signature.PublicKey.Verify(msg, sig) {
		return types.Errorf(types.CodeBadSignature, "the report is not what the key %s signed", rep.Signature.PublicKey)
	}
	return nil
}

// MaxReportBytes bounds what ParseReport reads.
const MaxReportBytes = 32 << 20

// Encode renders the report as JSON.
func (rep *Report) Encode() ([]byte, error) {
	raw, err := json.MarshalIndent(rep, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode report: %w", err)
	}
	return append(raw, '\n'), nil
}

// ParseReport reads a report from its JSON, or from the page that HTML makes of it, which
// must then show what its JSON says. What Encode would write otherwise is refused, so that
// nobody reads something else in it than what was signed: HC-2202.
func ParseReport(raw []byte) (*Report, error) {
	bad := func(format string, args ...any) (*Report, error) {
		return nil, types.Errorf(types.CodeBadArguments, "this is no report of a measurement: "+format, args...)
	}
	if len(raw) > MaxReportBytes {
		return bad("it has %d bytes", len(raw))
	}
	page := bytes.HasPrefix(raw, []byte("<!"))
	text := raw
	if page {
		var ok bool
		if text, ok = embedded(raw); !ok {
			return bad("the page holds no data")
		}
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	rep := &Report{}
	if err := dec.Decode(rep); err != nil {
		return bad("%v", err)
	}
	if _, err := dec.Token(); err != io.EOF { //nolint:errorlint // the decoder returns it bare
		return bad("something follows its end")
	}
	if rep.Format != ReportFormat {
		return bad("format %d is unknown", rep.Format)
	}
	var got, want bytes.Buffer
	again, err := json.Marshal(rep)
	if err != nil {
		return bad("%v", err)
	}
	if err := json.Compact(&got, text); err != nil {
		return bad("%v", err)
	}
	if err := json.Compact(&want, again); err != nil || !bytes.Equal(got.Bytes(), want.Bytes()) {
		return bad("it is written otherwise than a report is")
	}
	if page {
		if shown, err := rep.HTML(); err != nil || !bytes.Equal(shown, raw) {
			return bad("the page does not show what its data says, or another release made it")
		}
	}
	return rep, nil
}
