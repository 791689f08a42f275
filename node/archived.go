package node

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"strconv"

	"github.com/huchain/huchain/chain"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/crypto/envelope"
	"github.com/huchain/huchain/crypto/keystore"
	"github.com/huchain/huchain/ledger"
	"github.com/huchain/huchain/ledger/archive"
	"github.com/huchain/huchain/ledger/archive/repo"
	"github.com/huchain/huchain/types"
)

// ParseArchiveRecipient reads an SM2 public key in hexadecimal.
func ParseArchiveRecipient(s string) (crypto.PublicKey, error) { return parseRecipient(s) }

// OfflineSegment is a segment in files, and what its verifier trusts: the hash of the
// manifest's header, or the genesis file whose validators signed it.
type OfflineSegment struct {
	File, Manifest  string
	Header          string
	Genesis         string
	WrappedKey, Key string // of an encrypted segment
	PassphraseFile  string // of Key
}

// VerifySegmentFile verifies a segment without home, node or target.
func VerifySegmentFile(ctx context.Context, o *OfflineSegment) (*archive.Manifest, error) {
	raw, err := os.ReadFile(o.Manifest)
	if err != nil {
		return nil, types.Errorf(types.CodeUsage, "%w", err)
	}
	m, err := archive.DecodeManifest(raw)
	if err != nil {
		return nil, err
	}
	if err := o.trust(m); err != nil {
		return nil, err
	}
	key, err := o.dataKey(m)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(o.File)
	if err != nil {
		return nil, types.Errorf(types.CodeUsage, "%w", err)
	}
	defer f.Close() //nolint:errcheck // it is only read
	st, err := f.Stat()
	if err != nil {
		return nil, types.Errorf(types.CodeDiskFailure, "%w", err)
	}
	r, err := archive.Open(ctx, archive.FileSource{R: f, N: st.Size()}, key)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return m, r.Verify(ctx, m.Identity(), nil)
}

func (o *OfflineSegment) trust(m *archive.Manifest) error {
	if o.Header != "" {
		if got := m.Evidence.Header.Hash().String(); got != o.Header {
			return types.Errorf(types.CodeProofInvalid, "the manifest ends in the header %s of height %d, not in the trusted one", got, m.Evidence.Header.Height)
		}
		return nil
	}
	raw, err := os.ReadFile(o.Genesis)
	if err != nil {
		return types.Errorf(types.CodeUsage, "%w", err)
	}
	g, err := chain.ParseGenesis(raw)
	if err != nil {
		return err
	}
	if g.Hash() != m.Genesis {
		return types.Errorf(types.CodeWrongGenesis, "the segment is of the chain with genesis %s, not %s", m.Genesis, g.Hash())
	}
	set, err := g.ValidatorSet()
	if err != nil {
		return err
	}
	return m.CheckSigned(set)
}

func (o *OfflineSegment) dataKey(m *archive.Manifest) (*envelope.Key, error) {
	if m.Cipher == archive.CipherNone {
		return nil, nil
	}
	if o.Key == "" {
		return nil, types.Errorf(types.CodeArchiveKey, "segment %d is encrypted: a wrapped key and its SM2 key are needed", m.Segment)
	}
	raw, err := os.ReadFile(o.WrappedKey)
	if err != nil {
		return nil, types.Errorf(types.CodeUsage, "%w", err)
	}
	w, err := archive.DecodeWrappedKey(raw)
	if err != nil {
		return nil, err
	}
	secret, err := keystore.ReadPassphrase(o.PassphraseFile)
	if err != nil {
		return nil, err
	}
	k, err := keystore.Load(o.Key, secret)
	if err != nil {
		return nil, err
	}
	if w.File != m.File || w.Genesis != m.Genesis {
		return nil, types.Errorf(types.CodeArchiveKey, "the wrapped key is of %s, not of %s", w.File, m.File)
	}
	data, err := w.Unwrap(k)
	if err != nil {
		return nil, err
	}
	return data.Envelope()
}

// ArchivedBlock is what the archive has of a block, or of one transaction of it.
type ArchivedBlock struct {
	Height     uint64       `json:"height"`
	HeaderHash crypto.Hash  `json:"headerHash"`
	TimeNs     int64        `json:"timeNs"`
	Txs        []ArchivedTx `json:"txs"`
}

// ArchivedTx is a transaction with what became of it.
type ArchivedTx struct {
	Index    uint32          `json:"index"`
	ID       crypto.Hash     `json:"id"`
	Contract string          `json:"contract"`
	Method   string          `json:"method"`
	Code     string          `json:"code"`
	Result   json.RawMessage `json:"result,omitempty"`
	Raw      []byte          `json:"raw"` // complete transaction, base64
}

// ReadArchived reads a block by its height, or a transaction by its id, from an archive.
func ReadArchived(ctx context.Context, r *repo.Repo, what string) (*ArchivedBlock, error) {
	if height, err := strconv.ParseUint(what, 10, 62); err == nil {
		rec, err := r.Record(ctx, height)
		if err != nil {
			return nil, err
		}
		return archivedBlock(rec, 0, len(rec.Txs))
	}
	var id crypto.Hash
	if err := id.UnmarshalText([]byte(what)); err != nil {
		return nil, types.Errorf(types.CodeUsage, "%q is neither a height nor a transaction id", what)
	}
	rec, i, err := r.Find(ctx, id)
	if err != nil {
		return nil, err
	}
	return archivedBlock(rec, int(i), int(i)+1)
}

func archivedBlock(rec *archive.Record, from, to int) (*ArchivedBlock, error) {
	b := &ArchivedBlock{Height: rec.Header.Height, HeaderHash: rec.Header.Hash(), TimeNs: rec.Header.Time, Txs: []ArchivedTx{}}
	for i := from; i < to; i++ {
		tx, err := types.DecodeTx(rec.Txs[i])
		if err != nil {
			return nil, types.Errorf(types.CodeLedgerCorrupt, "transaction %d: %w", i, err)
		}
		rc, err := types.DecodeReceipt(rec.Receipts[i])
		if err != nil {
			return nil, types.Errorf(types.CodeLedgerCorrupt, "receipt %d: %w", i, err)
		}
		t := ArchivedTx{Index: uint32(i), ID: tx.ID(), Contract: tx.Body.Contract, Method: tx.Body.Method, Code: rc.Code.String(), Raw: rec.Txs[i]}
		if json.Valid(rc.Result) {
			t.Result = rc.Result
		}
		b.Txs = append(b.Txs, t)
	}
	return b, nil
}

// StageRestore is the stage of restoring that progress is told.
const StageRestore = "restore"

// Restored says what came back into a ledger.
type Restored struct {
	Chain  string `json:"chain"`
	Blocks uint64 `json:"blocks"`
	Hot    uint64 `json:"contentsFrom"`
}

// RestoreArchived brings the released contents of a segment and of all above it back into
// the ledger of a chain that does not run.
func RestoreArchived(ctx context.Context, home Home, chain string, segment uint64, progress repo.Progress) (out *Restored, err error) {
	c, lock, err := stoppedChain(home, chain)
	if err != nil {
		return nil, err
	}
	defer lock.Release()
	store, err := OpenArchive(c)
	if err != nil {
		return nil, err
	}
	defer store.Close()
	g, _, err := ReadGenesis(c)
	if err != nil {
		return nil, err
	}
	params, err := ledgerParams(c)
	if err != nil {
		return nil, err
	}
	params.History = repo.History{Repo: store, Timeout: archiveReadTimeout}
	l, err := ledger.Open(c.LedgerDir(), g.Hash(), params)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	out = &Restored{Chain: c.Name}
	for hot := l.Hot(); hot > archive.First(segment); hot = l.Hot() {
		n := archive.Segment(hot - 1)
		err := l.Refill(archive.First(n), func(put func(*archive.Record) error) error {
			return store.Restore(ctx, n, func(rec *archive.Record) error {
				if progress != nil {
					progress(StageRestore, n, rec.Header.Height-archive.First(n)+1, archive.SegmentBlocks)
				}
				return put(rec)
			})
		})
		if err != nil {
			return nil, types.Errorf(types.CodeOf(err), "segment %d: %w", n, err)
		}
		out.Blocks += hot - archive.First(n)
	}
	out.Hot = l.Hot()
	return out, nil
}
