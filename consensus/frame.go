package consensus

import (
	"errors"
	"fmt"

	"github.com/huchain/huchain/types"
)

// Kinds of frames: their first byte.
const (
	frameTxs         byte = 0x01
	frameCertificate byte = 0xC0
	frameRestart     byte = 0xC1
)

// firstCertified is the lowest height whose block opens with a certificate, for the
// height certificateLag below it.
const (
	firstCertified = 3
	certificateLag = 2
)

// frameOverhead is what a frame costs in a block besides its bytes: a protobuf tag and
// a length of at most four bytes.
const frameOverhead = 5

// blockFrames is what the frames of a block hold.
type blockFrames struct {
	certificate *types.FinalityCertificate // nil below firstCertified
	restart     *types.Restart             // the act that the certificate is of; nil for most
	txs         [][]byte                   // in order; alias the frames
}

// decodeFrames reads the frames of the block at height, which opens with an act if it is
// the one that restarts the chain. It accepts one encoding of each content: see the
// package documentation for the form.
func decodeFrames(height uint64, frames [][]byte, restarts bool) (*blockFrames, error) {
	out := &blockFrames{}
	if height >= firstCertified {
		if len(frames) == 0 {
			return nil, errors.New("block without the finality certificate it must open with")
		}
		if err := out.open(frames[0], restarts); err != nil {
			return nil, err
		}
		if out.certificate.Height != height-certificateLag {
			return nil, fmt.Errorf("certificate for height %d in block %d", out.certificate.Height, height)
		}
		frames = frames[1:]
	}
	for i, f := range frames {
		if len(f) == 0 || f[0] != frameTxs {
			return nil, fmt.Errorf("frame %d is not a frame of transactions", i)
		}
		txs, err := types.DecodeList(f[1:], MaxFrameTxs)
		if err != nil {
			return nil, fmt.Errorf("frame %d: %w", i, err)
		}
		if len(out.txs)+len(txs) > MaxBlockTxs {
			return nil, fmt.Errorf("more than %d transactions in a block", MaxBlockTxs)
		}
		out.txs = append(out.txs, txs...)
	}
	return out, nil
}

// open reads the first frame of a block.
func (b *blockFrames) open(f []byte, restarts bool) (err error) {
	if !restarts {
		b.certificate, err = decodeCertificateFrame(f)
		return err
	}
	if len(f) < 2 || f[0] != frameRestart {
		return errors.New("the first block after a restart does not open with the act")
	}
	if b.restart, err = types.DecodeRestart(f[1:]); err == nil {
		b.certificate = &b.restart.Before
	}
	return err
}

func decodeCertificateFrame(f []byte) (*types.FinalityCertificate, error) {
	if len(f) < 2 || f[0] != frameCertificate {
		return nil, errors.New("block does not open with a finality certificate")
	}
	cert, err := types.DecodeFinalityCertificate(f[1:])
	if err != nil {
		return nil, err
	}
	return &cert, nil
}

func encodeCertificateFrame(c *types.FinalityCertificate) []byte {
	return append([]byte{frameCertificate}, c.Encode()...)
}

func encodeRestartFrame(r *types.Restart) []byte {
	return append([]byte{frameRestart}, r.Encode()...)
}

// framePacker fills frames with transactions up to a bound in bytes.
type framePacker struct {
	left       int64 // bytes the block still takes
	frameBytes int
	frames     [][]byte
	open       []byte // frame being filled
	openTxs    int
	txs        int
}

// add puts one transaction into the open frame, or reports that the block is full.
func (p *framePacker) add(raw []byte) bool {
	need := int64(len(raw) + 4)
	if p.open == nil {
		need += 1 + frameOverhead
	}
	if need > p.left || p.txs == MaxBlockTxs {
		return false
	}
	if p.open == nil {
		p.open = append(make([]byte, 0, p.frameBytes+4096), frameTxs)
	}
	p.open = types.AppendListItem(p.open, raw)
	p.openTxs++
	p.txs++
	p.left -= need
	if len(p.open) >= p.frameBytes || p.openTxs == MaxFrameTxs {
		p.close()
	}
	return true
}

func (p *framePacker) close() {
	if p.open != nil {
		p.frames = append(p.frames, p.open)
		p.open, p.openTxs = nil, 0
	}
}
