package node

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/huchain/huchain/ledger"
	"github.com/huchain/huchain/ledger/driver"
	"github.com/huchain/huchain/ledger/driver/boltdb"
	"github.com/huchain/huchain/ledger/driver/pebbledb"
	"github.com/huchain/huchain/ledger/driver/pgdriver"
	"github.com/huchain/huchain/ledger/fsck"
	"github.com/huchain/huchain/types"
)

// Drivers of a ledger. A ledger begins on the one that chain.toml names, and is moved with
// MigrateLedger; what keeps it is noted beside it, in data/ledger/driver.
const (
	DriverPebble   = "pebble"
	DriverBolt     = "bbolt"
	DriverPostgres = "postgres"
)

const driverFile = "driver"

// ledgerDriver is the driver that keeps the ledger of a chain.
func ledgerDriver(home ChainHome) (string, error) {
	raw, err := os.ReadFile(filepath.Join(home.LedgerDir(), driverFile))
	if errors.Is(err, os.ErrNotExist) {
		return DriverPebble, nil
	}
	if err != nil {
		return "", types.Errorf(types.CodeDiskFailure, "%w", err)
	}
	return strings.TrimSpace(string(raw)), nil
}

// indexNames are the optional indexes by their names in chain.toml.
var indexNames = map[string]ledger.Indexes{
	"sender": ledger.IndexSender, "contract": ledger.IndexContract, "event": ledger.IndexEvent, "key": ledger.IndexKey,
}

func (c *LedgerConfig) validate() error {
	switch c.Driver {
	case "", DriverPebble, DriverBolt, DriverPostgres:
	default:
		return fmt.Errorf("ledger.driver: %s, %s or %s", DriverPebble, DriverBolt, DriverPostgres)
	}
	if c.PageFileMiB < 0 || c.PageFileMiB > 1<<16 {
		return errors.New("ledger.pageFileMiB: 0 for the default, at most 65536")
	}
	for _, name := range c.Indexes {
		if indexNames[name] == 0 {
			return fmt.Errorf("ledger.indexes: %q is none of sender, contract, event and key", name)
		}
	}
	return nil
}

// placeLedger notes the driver of a ledger that is about to begin, and refuses with HC-1004
// if one that is there already is kept by another driver than chain.toml names.
func placeLedger(home ChainHome, cfg *LedgerConfig) error {
	if cfg.Driver == "" {
		return nil
	}
	if _, err := os.Stat(home.LedgerDir()); errors.Is(err, os.ErrNotExist) {
		if cfg.Driver == DriverPebble {
			return nil
		}
		if err := os.MkdirAll(home.LedgerDir(), 0o755); err != nil {
			return types.Errorf(types.CodeDiskFailure, "%w", err)
		}
		if err := WriteFile(filepath.Join(home.LedgerDir(), driverFile), []byte(cfg.Driver+"\n"), 0o644); err != nil {
			return types.Errorf(types.CodeDiskFailure, "%w", err)
		}
		return nil
	}
	have, err := ledgerDriver(home)
	if err == nil && have != cfg.Driver {
		err = types.Errorf(types.CodeConfig, "ledger.driver is %s, but the ledger is kept by %s: move it with huchain ledger migrate --to %s, or correct %s",
			cfg.Driver, have, cfg.Driver, home.ConfigFile())
	}
	return err
}

// wantedDriver is the driver that a new ledger of a chain begins on.
type wantedDriver struct {
	name   string
	opener driver.Opener
}

func newLedgerDriver(home ChainHome) (*wantedDriver, error) {
	cfg, err := LoadChainConfig(home.ConfigFile())
	if err != nil {
		return nil, err
	}
	w := &wantedDriver{name: cfg.Ledger.Driver}
	if w.name == "" {
		w.name = DriverPebble
	}
	w.opener, err = opener(home, w.name)
	return w, err
}

// lay brings the copy of a ledger in a folder, which any driver may have kept, into the
// wanted driver's form. HC-1011 if its database holds a ledger already.
func (w *wantedDriver) lay(ctx context.Context, dir string) error {
	from := dir + ".copied"
	if err := os.Rename(dir, from); err != nil {
		return types.Errorf(types.CodeDiskFailure, "%w", err)
	}
	_, err := os.Stat(filepath.Join(from, ledger.RowsDir))
	switch {
	case err == nil:
		err = ledger.LoadRows(ctx, filepath.Join(from, ledger.RowsDir), w.opener, dir)
	case w.name == DriverPebble: // linked files are Pebble's
		if err := os.Rename(from, dir); err != nil {
			return types.Errorf(types.CodeDiskFailure, "%w", err)
		}
		return nil
	default:
		err = ledger.Copy(ctx, pebbledb.Opener{}, from, w.opener, dir, nil)
	}
	if err != nil {
		return err
	}
	err = os.RemoveAll(from)
	if err == nil && w.name != DriverPebble {
		err = WriteFile(filepath.Join(dir, driverFile), []byte(w.name+"\n"), 0o644)
	}
	if err != nil {
		return types.Errorf(types.CodeDiskFailure, "%w", err)
	}
	return nil
}

// opener makes the driver of a name.
func opener(home ChainHome, name string) (driver.Opener, error) {
	switch name {
	case DriverPebble:
		return pebbledb.Opener{}, nil
	case DriverBolt:
		return boltdb.Opener{}, nil
	case DriverPostgres:
		cfg, err := LoadChainConfig(home.ConfigFile())
		if err != nil {
			return nil, err
		}
		if cfg.Ledger.Postgres == "" {
			return nil, types.Errorf(types.CodeConfig, "%s: ledger.postgres must name the database", home.ConfigFile())
		}
		g, _, err := ReadGenesis(home)
		if err != nil {
			return nil, err
		}
		schema := cfg.Ledger.Schema
		if schema == "" {
			schema = fmt.Sprintf("huchain_%s_%.8s", strings.ReplaceAll(home.Name, "-", "_"), g.Hash())
		}
		return pgdriver.Opener{URL: cfg.Ledger.Postgres, Schema: schema}, nil
	}
	return nil, types.Errorf(types.CodeUsage, "no storage driver %q: %s, %s or %s", name, DriverPebble, DriverBolt, DriverPostgres)
}

// pageFileShare is the part of a disk's free space that the page file takes at most, unless
// chain.toml says how much it may: one in so many.
const pageFileShare = 8

// existing is a folder, or the one above it that is there already.
func existing(dir string) string {
	for {
		if _, err := os.Stat(dir); err == nil || dir == filepath.Dir(dir) {
			return dir
		}
		dir = filepath.Dir(dir)
	}
}

// ledgerParams are the settings under which the ledger of a chain is opened.
func ledgerParams(home ChainHome) (ledger.Params, error) {
	p := ledger.DefaultParams()
	name, err := ledgerDriver(home)
	if err != nil {
		return p, err
	}
	if p.Driver, err = opener(home, name); err != nil {
		return p, err
	}
	cfg, err := LoadChainConfig(home.ConfigFile())
	if err != nil {
		return p, err
	}
	if cfg.Ledger.PageFileMiB > 0 {
		p.PageBytes = int64(cfg.Ledger.PageFileMiB) << 20
	} else {
		free, err := freeMiB(existing(home.LedgerDir()))
		if err != nil {
			return p, err
		}
		p.PageBytes = min(p.PageBytes, free<<20/pageFileShare)
	}
	if cfg.Ledger.Indexes != nil {
		p.Indexes = 0
		for _, name := range cfg.Ledger.Indexes {
			p.Indexes |= indexNames[name]
		}
	}
	return p, nil
}

// Migration says what was moved.
type Migration struct {
	Chain  string       `json:"chain"`
	From   string       `json:"from"`
	To     string       `json:"to"`
	Kept   string       `json:"kept"` // folder of the ledger as it was, which may be deleted
	Report *fsck.Report `json:"report"`
}

// MigrateLedger moves the ledger of a chain that does not run to another driver: it is
// copied row by row, the copy is checked from end to end (package fsck), and only then
// takes the ledger's place; the old one is kept beside it. After an interruption the
// ledger is where it was, and the next attempt begins anew.
func MigrateLedger(ctx context.Context, home Home, chain, to string, progress func(what string, done uint64)) (*Migration, error) {
	c, lock, err := stoppedChain(home, chain)
	if err != nil {
		return nil, err
	}
	defer lock.Release()
	from, err := ledgerDriver(c)
	if err != nil {
		return nil, err
	}
	if from == to {
		return nil, types.Errorf(types.CodeAlreadyExists, "the ledger of chain %s is kept by %s already", c.Name, to)
	}
	src, err := opener(c, from)
	if err != nil {
		return nil, err
	}
	dst, err := opener(c, to)
	if err != nil {
		return nil, err
	}
	m := &Migration{Chain: c.Name, From: from, To: to, Kept: c.LedgerDir() + "." + from}
	if _, err := os.Stat(m.Kept); err == nil {
		return nil, types.Errorf(types.CodeAlreadyExists, "%s is left from an earlier migration: delete it first", m.Kept)
	}
	draft := c.LedgerDir() + ".migrating"
	if err := os.RemoveAll(draft); err == nil {
		err = os.MkdirAll(draft, 0o755)
	}
	if err != nil {
		return nil, types.Errorf(types.CodeDiskFailure, "%w", err)
	}
	if err := ledger.Copy(ctx, src, c.LedgerDir(), dst, draft, progress); err != nil {
		return nil, err
	}
	if m.Report, err = fsck.Check(ctx, dst, draft, progress); err != nil {
		return nil, err
	}
	if !m.Report.OK() {
		f := m.Report.Findings[0]
		return nil, types.Errorf(types.CodeLedgerCorrupt, "the copy: %s: %s; the ledger is where it was", f.Where, f.What)
	}
	return m, m.swap(c, draft)
}

// swap puts the copy in the ledger's place.
func (m *Migration) swap(c ChainHome, draft string) error {
	if err := WriteFile(filepath.Join(draft, driverFile), []byte(m.To+"\n"), 0o644); err != nil {
		return types.Errorf(types.CodeDiskFailure, "%w", err)
	}
	if err := os.Rename(c.LedgerDir(), m.Kept); err != nil {
		return types.Errorf(types.CodeDiskFailure, "%w", err)
	}
	if err := os.Rename(draft, c.LedgerDir()); err != nil {
		return types.Errorf(types.CodeDiskFailure, "%w", errors.Join(err, os.Rename(m.Kept, c.LedgerDir())))
	}
	return nil
}
