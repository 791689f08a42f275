package node

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sort"
	"sync"
	"time"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/crypto/keystore"
	"github.com/huchain/huchain/ledger"
	"github.com/huchain/huchain/ledger/archive"
	"github.com/huchain/huchain/ledger/archive/repo"
	"github.com/huchain/huchain/ledger/archive/target"
	"github.com/huchain/huchain/types"
)

// ArchiveConfig says what of the history goes to an archive, where to, and when. Archived
// contents leave the ledger; headers, certificates and indexes stay.
type ArchiveConfig struct {
	Folder       string        `koanf:"folder"`       // target: a folder, perhaps on a share or in a tape library's staging area
	S3           S3Config      `koanf:"s3"`           // or an object store
	KeepBlocks   uint64        `koanf:"keepBlocks"`   // contents of the newest blocks that stay here; 0: 10,000
	MinAge       time.Duration `koanf:"minAge"`       // of blocks to archive, by block time
	BelowFreeMiB int64         `koanf:"belowFreeMiB"` // archive only while less is free on the ledger's disk; 0: always
	Every        time.Duration `koanf:"every"`        // how often the node looks; 0: only on order
	DrillEvery   time.Duration `koanf:"drillEvery"`   // how often a random segment is restored and checked; 0: never
	KeyFile      string        `koanf:"keyFile"`      // SM2 key, relative to the chain's folder; opened like the validator's
	Plaintext    bool          `koanf:"plaintext"`    // store without encryption
	Recipients   []string      `koanf:"recipients"`   // further SM2 public keys that may open what is stored
	CacheMiB     int64         `koanf:"cacheMiB"`     // of an object store's bytes on this disk; 0: 256
	// MaxMiBPerSecond bounds what a running node archives in a second, before compression; 0: 12.
	MaxMiBPerSecond int64 `koanf:"maxMiBPerSecond"`
}

// S3Config is an archive's object store, see target.S3Params.
type S3Config struct {
	Endpoint        string `koanf:"endpoint"`
	Bucket          string `koanf:"bucket"`
	Prefix          string `koanf:"prefix"`
	Region          string `koanf:"region"`
	CredentialsFile string `koanf:"credentialsFile"` // relative to the chain's folder; empty: environment
	Insecure        bool   `koanf:"insecure"`        // plain HTTP
}

const (
	defaultArchiveKeep  = 10_000
	defaultArchiveCache = 256
	defaultArchiveRate  = 12
	archiveReadTimeout  = 30 * time.Second
)

func (c *ArchiveConfig) enabled() bool { return c.Folder != "" || c.S3.Endpoint != "" }

func (c *ArchiveConfig) keep() uint64 {
	if c.KeepBlocks == 0 {
		return defaultArchiveKeep
	}
	return c.KeepBlocks
}

func (c *ArchiveConfig) validate(prune uint64) error {
	if !c.enabled() {
		return nil
	}
	switch {
	case c.Folder != "" && c.S3.Endpoint != "":
		return errors.New("archive: a folder or an object store, not both")
	case c.S3.Endpoint != "" && c.S3.Bucket == "":
		return errors.New("archive.s3.bucket: needed")
	case prune > 0:
		return errors.New("prune.keepBlocks: a node that archives keeps its indexes; archive.keepBlocks bounds the contents")
	case c.keep() < MinKeepBlocks:
		return fmt.Errorf("archive.keepBlocks: at least %d", MinKeepBlocks)
	case c.Plaintext == (c.KeyFile != ""):
		return errors.New("archive.keyFile: the key that segments are encrypted to, or archive.plaintext = true")
	case c.Plaintext && len(c.Recipients) > 0:
		return errors.New("archive.recipients: nothing is encrypted")
	case c.MinAge < 0 || c.BelowFreeMiB < 0 || c.CacheMiB < 0 || c.MaxMiBPerSecond < 0 || c.MaxMiBPerSecond > 1<<20 || c.Every < 0 || c.DrillEvery < 0:
		return errors.New("archive: limits and times must not be negative")
	case c.Every > 0 && c.Every < time.Second:
		return errors.New("archive.every: at least 1s")
	}
	for _, s := range c.Recipients {
		if _, err := parseRecipient(s); err != nil {
			return fmt.Errorf("archive.recipients: %w", err)
		}
	}
	return nil
}

func parseRecipient(s string) (crypto.PublicKey, error) {
	raw, err := hex.DecodeString(s)
	if err != nil {
		return crypto.PublicKey{}, err
	}
	return crypto.ParsePublicKey(raw)
}

// under is a path of the chain's configuration.
func under(home ChainHome, path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(home.Dir, path)
}

// place is a target that can be tried, see target.Folder.
type place interface {
	target.Target
	Probe(ctx context.Context) error
}

func (c *ArchiveConfig) target(home ChainHome) (place, error) {
	if c.Folder != "" {
		return target.OpenFolder(under(home, c.Folder))
	}
	s := c.S3
	return target.OpenS3(target.S3Params{Endpoint: s.Endpoint, Bucket: s.Bucket, Prefix: s.Prefix, Region: s.Region,
		CredentialsFile: under(home, s.CredentialsFile), Insecure: s.Insecure})
}

// openArchive opens the archive of a chain; nil if chain.toml names none. secret opens its
// key. Other than within the node that runs the chain, inNode, it has no cache and no bound on
// its rate, and may be opened beside that node for reading.
func openArchive(home ChainHome, cfg *ArchiveConfig, genesis crypto.Hash, secret []byte, inNode bool, log *slog.Logger) (*repo.Repo, error) {
	if !cfg.enabled() {
		return nil, nil
	}
	p := repo.Params{Genesis: genesis, Dir: home.ArchiveDir()}
	var err error
	if p.Target, err = cfg.target(home); err != nil {
		return nil, err
	}
	if cfg.KeyFile != "" {
		k, err := keystore.Load(under(home, cfg.KeyFile), secret)
		if err != nil {
			return nil, fmt.Errorf("archive key: %w", err)
		}
		p.Key = k
		for _, s := range cfg.Recipients {
			to, err := parseRecipient(s)
			if err != nil {
				return nil, types.Errorf(types.CodeConfig, "archive.recipients: %w", err)
			}
			p.Recipients = append(p.Recipients, to)
		}
	}
	if inNode {
		p.BytesPerSecond = cmp.Or(cfg.MaxMiBPerSecond, defaultArchiveRate) << 20
	}
	if inNode && cfg.Folder == "" {
		mib := cfg.CacheMiB
		if mib == 0 {
			mib = defaultArchiveCache
		}
		p.CacheBytes = mib << 20
	}
	if log != nil {
		p.Step = func(s repo.Step, segment uint64) { log.Info("archive", "segment", segment, "step", string(s)) }
	}
	return repo.Open(p)
}

// archivist archives one chain by its policy.
type archivist struct {
	chain  string
	cfg    ArchiveConfig
	dir    string // on the disk whose free space counts
	repo   *repo.Repo
	ledger *ledger.Ledger

	busy sync.Mutex // one run at a time
}

// ArchivePlan says what archiving would do now.
type ArchivePlan struct {
	Chain    string `json:"chain"`
	Target   string `json:"target"`
	Height   uint64 `json:"height"`
	Archived uint64 `json:"archivedTo"`   // newest height that is archived
	Hot      uint64 `json:"contentsFrom"` // lowest height whose contents are in the ledger
	DueTo    uint64 `json:"dueTo"`        // newest height that the policy lets go
	FreeMiB  int64  `json:"freeMiB"`
	// Segments are to be archived, in this number; blocks from Hot to below Release then
	// leave the ledger.
	Segments uint64 `json:"segments"`
	Release  uint64 `json:"releaseBelow"`
}

func (a *archivist) from() uint64 { return max(a.ledger.Base(), 1) }

// plan applies the policy.
func (a *archivist) plan(now time.Time) (*ArchivePlan, error) {
	from := a.from()
	p := &ArchivePlan{Chain: a.chain, Target: a.repo.Target(), Height: a.ledger.Height(), Hot: max(a.ledger.Hot(), from), Archived: a.repo.Archived(from)}
	var err error
	if p.FreeMiB, err = freeMiB(a.dir); err != nil {
		return nil, types.Errorf(types.CodeDiskFailure, "%w", err)
	}
	if p.Height > a.cfg.keep() && (a.cfg.BelowFreeMiB == 0 || p.FreeMiB < a.cfg.BelowFreeMiB) {
		if p.DueTo, err = a.oldEnough(p.Height-a.cfg.keep(), now); err != nil {
			return nil, err
		}
	}
	first := archive.Segment(from)
	have, due := archive.Segment(p.Archived+1), archive.Segment(p.DueTo+1) // first ones that are not
	have = max(have, first)
	if due > have {
		p.Segments = due - have
	}
	p.Release = min(archive.First(max(have, due))-1, p.DueTo) + 1
	return p, nil
}

// oldEnough is the newest height up to one whose block is at least of the policy's age.
func (a *archivist) oldEnough(to uint64, now time.Time) (uint64, error) {
	if a.cfg.MinAge == 0 {
		return to, nil
	}
	limit := now.Add(-a.cfg.MinAge).UnixNano()
	from := a.from()
	var failed error
	n := sort.Search(int(to-min(to, from-1)), func(i int) bool {
		h, err := a.ledger.Header(from + uint64(i))
		if err != nil {
			failed = err
			return true
		}
		return h.Time > limit
	})
	return from + uint64(n) - 1, failed
}

// ArchiveRun is what archiving did.
type ArchiveRun struct {
	Chain string `json:"chain"`
	repo.Outcome
	Archived uint64 `json:"archivedTo"`
	Hot      uint64 `json:"contentsFrom"`
}

// run archives what is due and releases it. What was archived before an error stays so.
func (a *archivist) run(ctx context.Context, progress repo.Progress) (*ArchiveRun, error) {
	if !a.busy.TryLock() {
		return nil, &types.Error{Code: types.CodeNotReady, Detail: "archiving is under way already", RetryAfterMs: 10_000}
	}
	defer a.busy.Unlock()
	plan, err := a.plan(time.Now())
	if err != nil {
		return nil, err
	}
	out, err := a.repo.Run(ctx, a.ledger, a.from(), plan.DueTo, progress)
	if rerr := a.release(plan.DueTo); err == nil {
		err = rerr
	}
	if err != nil {
		return nil, err
	}
	return &ArchiveRun{Chain: a.chain, Outcome: *out, Archived: a.repo.Archived(a.from()), Hot: max(a.ledger.Hot(), a.from())}, nil
}

// release lets go of contents that are archived and due.
func (a *archivist) release(due uint64) error {
	return a.ledger.Release(min(a.repo.Archived(a.from()), due) + 1)
}

// prune is run without archiving anything more.
func (a *archivist) prune() (*ArchiveRun, error) {
	plan, err := a.plan(time.Now())
	if err == nil {
		err = a.release(plan.DueTo)
	}
	if err != nil {
		return nil, err
	}
	return &ArchiveRun{Chain: a.chain, Outcome: repo.Outcome{Stored: []uint64{}, Adopted: []uint64{}},
		Archived: a.repo.Archived(a.from()), Hot: max(a.ledger.Hot(), a.from())}, nil
}

// released is the newest height whose contents have left the ledger.
func (a *archivist) released() uint64 { return max(a.ledger.Hot(), 1) - 1 }
