package ledger

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/ledger/archive"
	"github.com/huchain/huchain/ledger/archive/repo"
	"github.com/huchain/huchain/ledger/archive/target"
	"github.com/huchain/huchain/ledger/driver/pebbledb"
	"github.com/huchain/huchain/ledger/fsck"
	"github.com/huchain/huchain/types"
)

// archived is a chain of a few blocks more than two segments, its ledger, and an archive.
type archived struct {
	*chain
	dir    string
	params repo.Params
	repo   *repo.Repo
}

const archivedBlocks = 2*archive.SegmentBlocks + 20

// manySections is where a block stands that fills more than one section.
const manySections = 90

func newArchived(t testing.TB) *archived {
	a := &archived{chain: newFeeder(t), dir: t.TempDir()}
	store, err := target.OpenFolder(filepath.Join(a.dir, "target"))
	require.NoError(t, err)
	a.params = repo.Params{Genesis: genesisHash, Dir: filepath.Join(a.dir, "archive"), Target: store, Key: testKey(77)}
	a.open()
	a.commit(3)
	for h := range archivedBlocks {
		n := 0
		switch {
		case h == manySections:
			n = 400
		case h%40 == 0:
			n = 4
		}
		a.commit(n)
	}
	return a
}

func (a *archived) ledgerDir() string { return filepath.Join(a.dir, "ledger") }

// open opens ledger and archive, anew if they are open.
func (a *archived) open() {
	if a.l != nil {
		a.close()
	}
	var err error
	a.repo, err = repo.Open(a.params)
	require.NoError(a.t, err)
	p := DefaultParams()
	p.Indexes = AllTestIndexes
	p.History = repo.History{Repo: a.repo, Timeout: time.Minute}
	a.l, err = Open(a.ledgerDir(), genesisHash, p)
	require.NoError(a.t, err)
}

const AllTestIndexes = IndexSender | IndexContract | IndexEvent | IndexKey

func (a *archived) close() {
	require.NoError(a.t, a.l.Close())
	a.repo.Close()
}

// said is everything that the ledger answers about the first blocks.
func (a *archived) said(to uint64) map[string]string {
	out := map[string]string{}
	put := func(q string, v any, err error) {
		require.NoError(a.t, err, q)
		out[q] = fmt.Sprintf("%v", v)
	}
	for h := uint64(1); h <= to; h++ {
		if h%40 > 2 { // most blocks are empty
			continue
		}
		txs, err := a.l.BlockTxs(h)
		put(fmt.Sprint("txs ", h), txs, err)
		rs, err := a.l.Receipts(h)
		put(fmt.Sprint("receipts ", h), rs, err)
		es, err := a.l.Events(h)
		put(fmt.Sprint("events ", h), es, err)
		ws, err := a.l.Writes(h)
		put(fmt.Sprint("writes ", h), ws, err)
		for i, raw := range txs {
			if len(txs) > 50 && i%49 != 0 { // some of the block of many sections
				continue
			}
			tx, err := types.DecodeTx(raw)
			require.NoError(a.t, err)
			p, err := a.l.ProveTx(tx.ID())
			require.NoError(a.t, err)
			require.NoError(a.t, p.Verify(a.trust()))
			put(fmt.Sprint("proof ", h, i), p.Tx, nil)
			p, err = a.l.ProveReceipt(tx.ID())
			require.NoError(a.t, err)
			require.NoError(a.t, p.Verify(a.trust()))
		}
	}
	for _, i := range []uint32{0, 77, 399} { // one by one, of the block of many sections
		at := Ref{Height: manySections + 1, Index: i}
		raw, err := a.l.Tx(at)
		put(fmt.Sprint("transaction ", i), raw, err)
		r, err := a.l.Receipt(at)
		put(fmt.Sprint("receipt ", i), r, err)
		e, err := a.l.Event(at)
		put(fmt.Sprint("event ", i), e, err)
		es, _, err := a.l.EventsOf(at)
		put(fmt.Sprint("events of ", i), es, err)
	}
	refs, _, err := a.l.TxsBySender(types.AddressOf(a.user.Public()), Page{Limit: 1000})
	put("by sender", refs, err)
	for i := range 200 {
		key := fmt.Appendf(nil, "record/%d", i)
		refs, _, err := a.l.TxsByKey("evidence", key, Page{Limit: 1000})
		put(fmt.Sprint("by key ", i), refs, err)
		if len(refs) > 0 {
			p, err := a.l.ProveHistory("evidence", key, 0, 10)
			require.NoError(a.t, err)
			out[fmt.Sprint("history ", i)] = fmt.Sprint(len(p))
		}
	}
	return out
}

// What was archived and released answers as before, with the same proofs, also after a
// restart; what is wrong in the archive is found and named, and never served.
//
// covers: T.12
func TestReleasedHistoryAnswersAlike(t *testing.T) {
	ctx := context.Background()
	a := newArchived(t)
	defer a.close()
	d, err := a.l.blocks.Directory(manySections + 1)
	require.NoError(t, err)
	require.Greater(t, d.Sections(), uint32(1))
	before := a.said(2 * archive.SegmentBlocks)
	require.Zero(t, a.repo.Archived(1), "nothing is archived yet")
	out, err := a.repo.Run(ctx, a.l, 1, a.l.Height(), nil)
	require.NoError(t, err)
	require.Equal(t, []uint64{0, 1}, out.Stored)
	require.EqualValues(t, 2*archive.SegmentBlocks, a.repo.Archived(1))
	out, err = a.repo.Run(ctx, a.l, 1, a.l.Height(), nil)
	require.NoError(t, err)
	require.Empty(t, out.Stored, "nothing is stored twice")

	require.NoError(t, a.l.Release(a.repo.Archived(1)+1))
	require.EqualValues(t, 2*archive.SegmentBlocks+1, a.l.Hot())
	_, err = a.l.Record(5)
	require.Equal(t, types.CodeHeightUnknown, types.CodeOf(err))
	a.open()
	require.Equal(t, before, a.said(2*archive.SegmentBlocks))
	a.commit(4) // the chain goes on
	a.commit(0)
	a.commit(0)
	after := a.said(2 * archive.SegmentBlocks)

	// Another node's archive in the same target is verified and taken up, not stored again.
	other := a.params
	other.Dir = filepath.Join(a.dir, "other")
	second, err := repo.Open(other)
	require.NoError(t, err)
	out, err = second.Run(ctx, a.l, 1, a.l.Height(), nil)
	require.NoError(t, err)
	require.Equal(t, []uint64{0, 1}, out.Adopted)

	a.close()
	rep, err := fsck.Check(ctx, pebbledb.Opener{}, a.ledgerDir(), nil)
	require.NoError(t, err)
	require.Empty(t, rep.Findings)
	bare, err := Open(a.ledgerDir(), genesisHash, DefaultParams())
	require.NoError(t, err)
	_, err = bare.BlockTxs(41)
	require.Equal(t, types.CodeHeightUnknown, types.CodeOf(err), "a node that reads no archive says so")
	require.NoError(t, bare.Close())
	a.l = nil
	a.open()
	a.damage(ctx)
	a.refilled(ctx, after)
}

// refilled brings all contents back: the ledger is then as if nothing had ever left it.
func (a *archived) refilled(ctx context.Context, before map[string]string) {
	t := a.t
	short := func(put func(*archive.Record) error) error {
		rec, err := a.repo.Record(ctx, archive.SegmentBlocks+1)
		require.NoError(t, err)
		return put(rec)
	}
	require.ErrorContains(t, a.l.Refill(archive.SegmentBlocks+1, short), "missing")
	require.EqualValues(t, 2*archive.SegmentBlocks+1, a.l.Hot(), "half of it counts for nothing")
	for n := uint64(2); n > 0; n-- {
		require.NoError(t, a.l.Refill(archive.First(n-1), func(put func(*archive.Record) error) error {
			return a.repo.Restore(ctx, n-1, put)
		}))
	}
	require.NoError(t, a.l.Close())
	rep, err := fsck.Check(ctx, pebbledb.Opener{}, a.ledgerDir(), nil)
	require.NoError(t, err)
	require.Empty(t, rep.Findings)
	p := DefaultParams()
	p.Indexes = AllTestIndexes
	a.l, err = Open(a.ledgerDir(), genesisHash, p)
	require.NoError(t, err)
	require.Equal(t, before, a.said(2*archive.SegmentBlocks), "with no archive at hand")
}

// damage alters, cuts and removes what is stored, byte by byte and file by file.
func (a *archived) damage(ctx context.Context) {
	t := a.t
	rep, err := a.repo.Verify(ctx, nil, nil)
	require.NoError(t, err)
	require.Empty(t, rep.Findings)
	require.EqualValues(t, 2*archive.SegmentBlocks, rep.Blocks)
	m := a.repo.List()[1]
	path := filepath.Join(a.dir, "target", filepath.FromSlash(m.File))
	good, err := os.ReadFile(path)
	require.NoError(t, err)
	replace := func(b []byte) {
		require.NoError(t, os.Remove(path))
		if b != nil {
			require.NoError(t, os.WriteFile(path, b, 0o400))
		}
	}
	flip := func(at int) []byte {
		b := bytes.Clone(good)
		b[at] ^= 1
		return b
	}
	for name, bad := range map[string][]byte{"flipped": flip(len(good) / 3), "footer": flip(len(good) - 20), "cut": good[:len(good)-1], "missing": nil} {
		replace(bad)
		rep, err := a.repo.Verify(ctx, nil, nil)
		require.NoError(t, err)
		require.Len(t, rep.Findings, 1, name)
		require.Equal(t, m.Segment, rep.Findings[0].Segment)
		require.Equal(t, m.File, rep.Findings[0].File)
		if name == "missing" {
			require.Equal(t, "HC-4402", rep.Findings[0].Code)
			replaceMissing(t, path, good)
			continue
		}
		replace(good)
	}
	replace(flip(len(good) / 2))
	a.open()
	altered := 0
	for h := m.First; h <= m.Last; h += 1 {
		if _, err := a.l.BlockTxs(h); err != nil {
			require.Equal(t, types.CodeLedgerCorrupt, types.CodeOf(err))
			altered++
		}
	}
	_, err = a.l.ProveTx(crypto.Sum(nil))
	require.Equal(t, types.CodeNotFound, types.CodeOf(err))
	rep, err = a.repo.Verify(ctx, nil, nil)
	require.NoError(t, err)
	require.Len(t, rep.Findings, 1)
	replace(good)

	wrong := a.params
	wrong.Key = testKey(78)
	other, err := repo.Open(wrong)
	require.NoError(t, err)
	_, err = other.Items(ctx, 41, archive.PartTxs)
	require.Equal(t, types.CodeArchiveKey, types.CodeOf(err), "wrong key")
	n, err := a.repo.Rewrap(ctx, testKey(78).Public())
	require.NoError(t, err)
	require.Equal(t, 2, n)
	items, err := other.Items(ctx, 41, archive.PartTxs)
	require.NoError(t, err, "after the keys were rotated")
	require.NotEmpty(t, items)

	foreign := a.params
	foreign.Genesis = crypto.Sum([]byte("another chain"))
	_, err = repo.Open(foreign)
	require.ErrorContains(t, err, "another chain")

	drill, err := a.repo.Drill(ctx, nil)
	require.NoError(t, err)
	require.Empty(t, drill.Findings)
	require.EqualValues(t, archive.SegmentBlocks, drill.Blocks)
}

func replaceMissing(t testing.TB, path string, b []byte) {
	_, err := os.Stat(path)
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.NoError(t, os.WriteFile(path, b, 0o400))
}

// faulty is a target that fails as told.
type faulty struct {
	target.Target
	fail func(name string, r io.Reader) error
}

func (f *faulty) Put(ctx context.Context, name string, size int64, sum crypto.Hash, r io.Reader) error {
	if err := f.fail(name, r); err != nil {
		return err
	}
	return f.Target.Put(ctx, name, size, sum, r)
}

// A target that is full, out of reach, or cuts an upload costs nothing but time: nothing
// counts as archived, and the next run stores each segment once.
//
// covers: T.12
func TestArchivingGoesOnAfterFailures(t *testing.T) {
	ctx := context.Background()
	a := newArchived(t)
	defer a.close()
	full := errors.New("no space left")
	for _, part := range []string{".key", ".hcs", ".json"} {
		p := a.params
		p.Target = &faulty{a.params.Target, func(name string, r io.Reader) error {
			if strings.HasSuffix(name, part) {
				_, _ = io.CopyN(io.Discard, r, 1000) // cut in the middle
				return full
			}
			return nil
		}}
		r, err := repo.Open(p)
		require.NoError(t, err)
		_, err = r.Run(ctx, a.l, 1, a.l.Height(), nil)
		require.ErrorIs(t, err, full)
		require.Zero(t, r.Archived(1))
	}
	_, err := a.repo.Run(ctx, a.l, 1, a.l.Height(), nil)
	require.NoError(t, err)
	require.Equal(t, 2, a.stored(".hcs"))
	require.Equal(t, 2, a.stored(".key"))
	require.Equal(t, 2, a.stored(".json"))
}

// stored counts files of the target.
func (a *archived) stored(ext string) int {
	n := 0
	require.NoError(a.t, a.params.Target.List(context.Background(), "", func(name string, _ int64) error {
		if strings.HasSuffix(name, ext) {
			n++
		}
		return nil
	}))
	return n
}

const archiverEnv = "HUCHAIN_TEST_ARCHIVER"

// TestKilledArchiver is the process that TestKillAtEachStep kills.
func TestKilledArchiver(t *testing.T) {
	spec := os.Getenv(archiverEnv)
	if spec == "" {
		return // it only plays its part when started by the other test
	}
	dir, step, _ := strings.Cut(spec, "|")
	store, err := target.OpenFolder(filepath.Join(dir, "target"))
	require.NoError(t, err)
	r, err := repo.Open(repo.Params{Genesis: genesisHash, Dir: filepath.Join(dir, "archive"), Target: store, Key: testKey(77),
		Step: func(s repo.Step, segment uint64) {
			if string(s) == step && segment == 1 {
				_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			}
		}})
	require.NoError(t, err)
	l, err := Open(filepath.Join(dir, "ledger"), genesisHash, DefaultParams())
	require.NoError(t, err)
	_, err = r.Run(context.Background(), l, 1, l.Height(), nil)
	require.NoError(t, err)
	require.NoError(t, l.Release(r.Archived(1)+1))
	if step == "released" {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	}
	require.NoError(t, l.Close())
}

// A process that is killed at any step of the procedure has deleted nothing too early; the
// next one goes on, and nothing is stored twice.
//
// covers: T.12
func TestKillAtEachStep(t *testing.T) {
	a := newArchived(t)
	before := a.said(2 * archive.SegmentBlocks)
	a.close()
	for _, step := range []repo.Step{repo.StepBuilt, repo.StepUploaded, repo.StepVerified, repo.StepManifest, repo.StepEntered, "released", ""} {
		cmd := exec.Command(os.Args[0], "-test.run", "^TestKilledArchiver$")
		cmd.Env = append(os.Environ(), archiverEnv+"="+a.dir+"|"+string(step))
		out, err := cmd.CombinedOutput()
		if step == "" {
			require.NoError(t, err, "%s", out)
		} else {
			require.ErrorContains(t, err, "killed", "%s: %s", step, out)
		}
		a.l = nil
		a.open()
		if step != "released" && step != "" {
			require.Zero(t, a.l.Hot(), "after %s nothing is released", step)
		}
		require.Equal(t, before, a.said(2*archive.SegmentBlocks), "%s", step)
		a.close()
	}
	require.Equal(t, 2, a.stored(".hcs"))
	entries, err := os.ReadDir(filepath.Join(a.dir, "archive", "staging"))
	require.NoError(t, err)
	require.Empty(t, entries)
}

// BenchmarkArchivedProof proves transactions of released blocks out of an encrypted archive
// in a folder, each time of another block.
func BenchmarkArchivedProof(b *testing.B) {
	a := newArchived(b)
	defer a.close()
	var ids []crypto.Hash
	for h := uint64(1); h <= 2*archive.SegmentBlocks; h++ {
		rs, err := a.l.Receipts(h)
		require.NoError(b, err)
		for i := range rs {
			ids = append(ids, rs[i].TxID)
		}
	}
	_, err := a.repo.Run(b.Context(), a.l, 1, a.l.Height(), nil)
	require.NoError(b, err)
	require.NoError(b, a.l.Release(2*archive.SegmentBlocks+1))
	var worst time.Duration
	n := 0
	for b.Loop() {
		n += 37
		start := time.Now()
		p, err := a.l.ProveTx(ids[n%len(ids)])
		require.NoError(b, err)
		require.NoError(b, p.Verify(a.trust()))
		worst = max(worst, time.Since(start))
	}
	b.ReportMetric(float64(worst.Microseconds())/1e3, "ms-worst")
}
