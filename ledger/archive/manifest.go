package archive

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
)

// ManifestFormat is the version of the form of manifests.
const ManifestFormat = 1

// MaxManifestBytes bounds a manifest: most of it are 128 validators and their signatures.
const MaxManifestBytes = 1 << 20

// Manifest says what a stored segment is and proves it: whoever trusts its header, or the
// validators that signed it, can verify the segment without any other source. It is stored
// as JSON; hashes and other bytes are hexadecimal.
type Manifest struct {
	Format  int         `json:"format"`
	Genesis crypto.Hash `json:"genesis"`
	Segment uint64      `json:"segment"`
	First   uint64      `json:"firstHeight"`
	Last    uint64      `json:"lastHeight"`
	Root    crypto.Hash `json:"root"` // over the segment's records
	Txs     uint64      `json:"txs"`
	FirstMs int64       `json:"firstTimeMs"` // block time of the first height
	LastMs  int64       `json:"lastTimeMs"`
	File    string      `json:"file"` // name in the target
	Bytes   uint64      `json:"bytes"`
	Plain   uint64      `json:"plainBytes"`
	Cipher  string      `json:"cipher"` // "sm4-gcm" or "none"
	// Sum is SM3 of the whole file.
	Sum crypto.Hash `json:"sm3"`
	// Evidence leads from the root to a header that the validators signed.
	Evidence Evidence `json:"evidence"`
}

// Names of ciphers in manifests.
const (
	CipherNone = "none"
	CipherSM4  = "sm4-gcm"
)

// Evidence proves the root of a segment.
type Evidence struct {
	Header      types.Header
	Certificate types.FinalityCertificate
	Signers     types.ValidatorSet // those the header names
	Path        Path
}

type evidenceJSON struct {
	Height      uint64        `json:"height"`
	HeaderHash  crypto.Hash   `json:"headerHash"`
	Header      string        `json:"header"`
	Certificate string        `json:"certificate"`
	Signers     string        `json:"signers"`
	Count       uint64        `json:"records"`
	Siblings    []crypto.Hash `json:"path"`
}

// MarshalJSON implements json.Marshaler.
func (e Evidence) MarshalJSON() ([]byte, error) {
	return json.Marshal(evidenceJSON{e.Header.Height, e.Header.Hash(), hex.EncodeToString(e.Header.Encode()),
		hex.EncodeToString(e.Certificate.Encode()), hex.EncodeToString(e.Signers.Encode()), e.Path.Count, e.Path.Siblings})
}

// UnmarshalJSON implements json.Unmarshaler.
func (e *Evidence) UnmarshalJSON(in []byte) error {
	var j evidenceJSON
	d := json.NewDecoder(bytes.NewReader(in))
	d.DisallowUnknownFields()
	if err := d.Decode(&j); err != nil {
		return err
	}
	var raw [3][]byte
	for i, s := range []string{j.Header, j.Certificate, j.Signers} {
		var err error
		if raw[i], err = hex.DecodeString(s); err != nil {
			return err
		}
	}
	var err error
	if e.Header, err = types.DecodeHeader(raw[0]); err != nil {
		return err
	}
	if e.Certificate, err = types.DecodeFinalityCertificate(raw[1]); err != nil {
		return err
	}
	if e.Signers, err = types.DecodeValidatorSet(raw[2]); err != nil {
		return err
	}
	if j.Height != e.Header.Height || j.HeaderHash != e.Header.Hash() || len(j.Siblings) > maxPath {
		return errors.New("evidence: the header has another height or hash than stated")
	}
	e.Path = Path{Count: j.Count, Siblings: j.Siblings}
	return nil
}

// Encode returns the manifest's JSON.
func (m *Manifest) Encode() ([]byte, error) {
	b, err := json.MarshalIndent(m, "", "  ")
	return append(b, '\n'), err
}

// DecodeManifest reads a manifest and checks that its evidence leads from its root to its
// header. Whether the header is to be trusted is for the caller to know, see CheckSigned.
// The error is HC-4101.
func DecodeManifest(in []byte) (*Manifest, error) {
	if len(in) > MaxManifestBytes {
		return nil, damaged("a manifest of %d bytes", len(in))
	}
	m := &Manifest{}
	d := json.NewDecoder(bytes.NewReader(in))
	d.DisallowUnknownFields()
	if err := d.Decode(m); err != nil {
		return nil, damaged("manifest: %w", err)
	}
	if d.More() {
		return nil, damaged("manifest: more behind its end")
	}
	if err := m.check(); err != nil {
		return nil, damaged("manifest of segment %d: %w", m.Segment, err)
	}
	return m, nil
}

func (m *Manifest) check() error {
	e := &m.Evidence
	switch {
	case m.Format != ManifestFormat:
		return fmt.Errorf("format %d, this program reads %d", m.Format, ManifestFormat)
	case m.Segment > 1<<50 || m.First != First(m.Segment) || m.Last != First(m.Segment+1)-1:
		return errors.New("its heights are not those of the segment")
	case m.Cipher != CipherNone && m.Cipher != CipherSM4:
		return fmt.Errorf("cipher %q is unknown", m.Cipher)
	case m.Genesis != e.Header.Genesis:
		return errors.New("its header is of another chain")
	case e.Path.Count+1 != e.Header.Height:
		return errors.New("the path is not one under its header")
	case m.Bytes < headSize+footerSize || m.Bytes > 1<<50:
		return fmt.Errorf("a file of %d bytes", m.Bytes)
	}
	root, err := e.Path.Root(m.Segment, m.Root)
	if err == nil && root != e.Header.Archive {
		err = errors.New("its root does not stand under the archive root of its header")
	}
	return err
}

// CheckSigned checks that more than two thirds of a trusted set signed the manifest's
// header: HC-4201.
func (m *Manifest) CheckSigned(trusted types.ValidatorSet) error {
	if h := trusted.Hash(); m.Evidence.Header.Signers != h {
		return types.Errorf(types.CodeProofInvalid, "the header of height %d is signed by other validators than the trusted ones", m.Evidence.Header.Height)
	}
	if err := m.Evidence.Certificate.Verify(&m.Evidence.Header, trusted); err != nil {
		return types.Errorf(types.CodeProofInvalid, "%w", err)
	}
	return nil
}

// Identity is what the file must be.
func (m *Manifest) Identity() Identity { return Identity{m.Genesis, m.First, m.Root} }
