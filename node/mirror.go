package node

import (
	"context"
	"log/slog"
	"net/http"
	"strings"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/node/api"
	"github.com/huchain/huchain/types"
)

// MirrorConfig is the mirror of each chain in SQL, for searches, statistics and
// subscriptions. It costs a validator some percent of a processor under load.
type MirrorConfig struct {
	Enabled bool `koanf:"enabled"`
	// Postgres is a connection string; empty: SQLite, in each chain's folder. A password is
	// better kept in the file that PGPASSFILE names.
	Postgres string `koanf:"postgres"`
}

// Mirror follows a chain while Run runs, and answers queries.
type Mirror interface {
	api.Mirror
	Run(ctx context.Context)
}

// MirrorOf says what a mirror is of and where it is kept.
type MirrorOf struct {
	Chain    string
	Genesis  crypto.Hash
	Node     string       // address of the HTTP API that it reads
	HTTP     *http.Client // through which it reads within a node; nil elsewhere
	Dir      string       // of SQLite, and of subscriptions
	Postgres string
	Schema   string // in PostgreSQL
	Log      *slog.Logger
}

// mirrorPlace says where the mirror of a chain is, by node.toml.
func mirrorPlace(cfg *Config, home ChainHome, genesis crypto.Hash) MirrorOf {
	return MirrorOf{
		Chain: home.Name, Genesis: genesis, Node: cfg.Web.url(), Dir: home.MirrorDir(), Postgres: cfg.Mirror.Postgres,
		Schema: "huchain_mirror_" + strings.ReplaceAll(home.Name, "-", "_") + "_" + genesis.String()[:8],
	}
}

// FindMirror says where the mirror of a chain of a home is kept, whether or not the node
// runs. HC-4601 if the home keeps none.
func FindMirror(home Home, chain string) (*MirrorOf, error) {
	c, err := onlyChain(home, chain)
	if err != nil {
		return nil, err
	}
	cfg, err := LoadConfig(home.ConfigFile())
	if err != nil {
		return nil, err
	}
	if !cfg.Mirror.Enabled {
		return nil, types.Errorf(types.CodeMirrorAbsent, "%s", home.ConfigFile())
	}
	g, _, err := ReadGenesis(c)
	if err != nil {
		return nil, err
	}
	at := mirrorPlace(&cfg, c, g.Hash())
	return &at, nil
}

// mirrorOf makes the mirror of a chain that is about to be served; nil if this node keeps
// none.
func (n *node) mirrorOf(r *running, home ChainHome, log *slog.Logger) (Mirror, error) {
	if !n.cfg.Mirror.Enabled || n.newMirror == nil {
		return nil, nil
	}
	of := mirrorPlace(&n.cfg, home, r.genesis.Hash())
	of.Log, of.HTTP = log, n.api.Inside()
	return n.newMirror(of)
}

// runMirror runs a mirror until its chain or the node ends.
func (n *node) runMirror(r *running, m Mirror) {
	if m != nil {
		n.runBeside(r, m.Run)
	}
}
