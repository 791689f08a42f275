package mirror

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/ledger/proof"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/types/rest"
)

// Params bound a mirror.
type Params struct {
	Place
	// BatchRows is how many rows one transaction gathers, of whole blocks.
	BatchRows int
	// Wait is how long one request waits for a new block.
	Wait time.Duration
	// Retry is how long to wait after a failure.
	Retry time.Duration
	// QueryTimeout bounds one query.
	QueryTimeout time.Duration
	// ManifestAge is how long what a contract says of itself is kept.
	ManifestAge time.Duration
	// Reuse is for how many times as long as counting took a figure is answered again.
	Reuse int
}

// DefaultParams returns the bounds of a mirror in a place.
func DefaultParams(at Place) Params {
	return Params{Place: at, BatchRows: 5000, Wait: 10 * time.Second, Retry: time.Second, QueryTimeout: 5 * time.Second, ManifestAge: 5 * time.Second, Reuse: 20}
}

// Validate checks the bounds.
func (p *Params) Validate() error {
	if p.BatchRows <= 0 || p.Wait <= 0 || p.Retry <= 0 || p.QueryTimeout <= 0 || p.ManifestAge < 0 || p.Reuse < 0 {
		return types.Errorf(types.CodeConfig, "bounds of the mirror must be positive")
	}
	if p.Postgres == "" && p.Dir == "" {
		return types.Errorf(types.CodeConfig, "a mirror needs a folder, or a PostgreSQL database")
	}
	return nil
}

// Mirror follows a chain and answers queries. Its methods are safe for concurrent use.
type Mirror struct {
	p         Params
	chain     string
	genesis   crypto.Hash
	sources   []Source
	log       *slog.Logger
	manifests *manifests
	figures   *figures
	indexed   *store // whose columns have been indexed; of the goroutine of Run

	mu     sync.RWMutex // guards what follows
	store  *store       // nil while the database cannot be reached
	tip    tip
	newest uint64 // block of the chain, as the source said last
	err    error  // why the last attempt failed
	grown  chan struct{}
}

// New makes a mirror of a chain that reads the first source, and the others in turn where
// one cannot be reached or lies. Nothing is opened before Run, or the first query.
func New(p Params, chain string, genesis crypto.Hash, log *slog.Logger, sources ...Source) (*Mirror, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	if len(sources) == 0 {
		return nil, types.Errorf(types.CodeConfig, "no node for the mirror to read")
	}
	figures, err := newFigures(p.Reuse)
	if err != nil {
		return nil, types.Errorf(types.CodeInternal, "%w", err)
	}
	m := &Mirror{p: p, figures: figures, chain: chain, genesis: genesis, sources: sources, log: log, grown: make(chan struct{})}
	m.manifests = newManifests(p.ManifestAge, func(ctx context.Context, contract string) (*rest.Interface, error) {
		return sources[0].Interface(ctx, contract)
	})
	return m, nil
}

// Run follows the chain until ctx ends, which is no error. What fails is logged, shown by
// Status, and tried again.
func (m *Mirror) Run(ctx context.Context) {
	at := 0
	for ctx.Err() == nil {
		err := m.step(ctx, m.sources[at%len(m.sources)])
		if ctx.Err() != nil {
			break
		}
		m.note(err)
		if err == nil {
			continue
		}
		at++
		select {
		case <-ctx.Done():
		case <-time.After(m.p.Retry):
		}
	}
	m.Close()
}

// note keeps the outcome of a step, and logs what is new about it.
func (m *Mirror) note(err error) {
	m.mu.Lock()
	before := m.err
	m.err = err
	m.mu.Unlock()
	switch {
	case err != nil && (before == nil || before.Error() != err.Error()):
		m.log.Warn("mirror does not get on", "chain", m.chain, "code", types.CodeOf(err).String(), "error", err)
	case err == nil && before != nil:
		m.log.Info("mirror goes on", "chain", m.chain)
	}
}

// Close closes the database; a query opens it again.
func (m *Mirror) Close() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.drop()
}

func (m *Mirror) drop() {
	if m.store != nil {
		m.store.close()
		m.store = nil
	}
}

// opened returns the database, opened if it is not, or if its file is gone.
func (m *Mirror) opened(ctx context.Context) (*store, tip, error) {
	m.mu.RLock()
	s, t := m.store, m.tip
	m.mu.RUnlock()
	if s != nil && !s.lost() {
		return s, t, nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.store != nil && !m.store.lost() {
		return m.store, m.tip, nil
	}
	if m.store != nil {
		m.log.Warn("the file of the mirror is gone; it is filled anew", "chain", m.chain, "file", m.store.path)
	}
	m.drop()
	s, err := m.p.open(ctx)
	if err != nil {
		return nil, tip{}, err
	}
	if t, err = s.load(ctx, m.genesis); err != nil {
		s.close()
		return nil, tip{}, err
	}
	m.store, m.tip = s, t
	return s, t, nil
}

// step reads the next blocks of a source and writes them.
func (m *Mirror) step(ctx context.Context, src Source) error {
	s, at, err := m.opened(ctx)
	if err != nil {
		return err
	}
	if err := m.index(ctx, s, src); err != nil {
		return err
	}
	blocks, err := next(ctx, src, at, m.p.Wait)
	if types.CodeOf(err) == types.CodeHeightUnknown {
		return m.idle(ctx, s, src, at)
	}
	if err != nil {
		return err
	}
	if s.lost() {
		return nil // opened makes it anew
	}
	return m.write(ctx, s, at, blocks)
}

// idle tells apart a chain that rests from a node that has not what is needed.
func (m *Mirror) idle(ctx context.Context, s *store, src Source, at tip) error {
	top, err := src.Height(ctx)
	if err != nil {
		return err
	}
	m.mu.Lock()
	m.newest = max(m.newest, top)
	m.mu.Unlock()
	if t, err := readTip(ctx, s.w); err != nil || t != at {
		m.Close() // emptied for a rebuild, or written by another process
		return err
	}
	if top > at.height+maxUncertified {
		return types.Errorf(types.CodeNotReady, "%s has height %d and does not give block %d: it may keep no blocks that old", src.Name(), top, at.height+1)
	}
	if top > 1 && top < at.height {
		return m.kept(ctx, s, src, top)
	}
	return nil
}

// kept tells a node that catches up from a chain that was restarted below the mirror's tip: the
// newest block of the source must be the one that the mirror has.
func (m *Mirror) kept(ctx context.Context, s *store, src Source, top uint64) error {
	below, err := s.blockHash(ctx, top-1)
	if err != nil {
		return err
	}
	blocks, err := next(ctx, src, tip{height: top - 1, hash: below}, m.p.Wait)
	if types.CodeOf(err) == types.CodeHeightUnknown {
		return nil // not attested yet
	}
	if err != nil {
		return err
	}
	h := &blocks[0].Header
	have, err := s.blockHash(ctx, top)
	if err == nil && have != h.Hash() {
		err = types.Errorf(types.CodeMirrorSource, "%s: its block %d is %s, the mirror has %s", src.Name(), top, h.Hash(), have)
	}
	return err
}

// maxUncertified is how many blocks may be without certificate on a chain that is well.
const maxUncertified = 8

// write projects blocks and writes them, some thousands of rows at a time.
func (m *Mirror) write(ctx context.Context, s *store, at tip, blocks []*proof.Contents) (err error) {
	b := newBatch()
	for i, c := range blocks {
		if err := b.add(c); err != nil {
			return err
		}
		if i+1 < len(blocks) && b.size() < m.p.BatchRows {
			continue
		}
		if at, err = s.apply(ctx, b, at); err != nil {
			m.Close() // whatever it was, begin from what the database says
			if errors.Is(err, errMoved) {
				return nil
			}
			return err
		}
		m.advance(at, b.manifests)
		b = newBatch()
	}
	return nil
}

// advance makes a new tip known.
func (m *Mirror) advance(t tip, manifests bool) {
	if manifests {
		m.manifests.forget()
		m.indexed = nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.tip, m.newest = t, max(m.newest, t.height)
	close(m.grown)
	m.grown = make(chan struct{})
}

// Grown returns a channel that is closed when the next blocks have been written.
func (m *Mirror) Grown() <-chan struct{} {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.grown
}

// Status says how far the mirror is.
func (m *Mirror) Status(ctx context.Context) (*rest.MirrorStatus, error) {
	ctx, cancel := context.WithTimeout(ctx, m.p.QueryTimeout)
	defer cancel()
	_, t, err := m.opened(ctx)
	top, terr := m.sources[0].Height(ctx)
	m.mu.RLock()
	defer m.mu.RUnlock()
	if err == nil {
		err = m.err
	}
	out := &rest.MirrorStatus{Database: m.databaseName(), Height: t.height, Tip: max(top, t.height), Hash: t.hash, State: "following"}
	if terr != nil {
		out.Tip = max(m.newest, t.height)
	}
	out.Lag = out.Tip - out.Height
	if t.height > 0 {
		at := time.UnixMilli(t.time).UTC()
		out.Time = &at
	}
	switch {
	case types.CodeOf(err) == types.CodeMirrorSource:
		out.State = "refusing"
	case err != nil:
		out.State = "failing"
	case out.Lag > maxUncertified:
		out.State = "filling"
	}
	if err != nil {
		out.Error = rest.NewError(err)
	}
	return out, nil
}

func (m *Mirror) databaseName() string {
	if m.p.Postgres != "" {
		return postgresDialect{}.name()
	}
	return sqliteDialect{}.name()
}

// Rebuild empties the tables: the process that follows the chain fills them anew. Queries
// meanwhile answer from what is there already.
func (m *Mirror) Rebuild(ctx context.Context) error {
	s, _, err := m.opened(ctx)
	if err != nil {
		return err
	}
	defer m.Close()
	return s.reset(ctx, m.genesis)
}
