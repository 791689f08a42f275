package node

import (
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/go-viper/mapstructure/v2"
	"github.com/knadh/koanf/parsers/toml/v2"
	"github.com/knadh/koanf/providers/file"
	"github.com/knadh/koanf/v2"

	"github.com/huchain/huchain/consensus"
	"github.com/huchain/huchain/consensus/links"
	"github.com/huchain/huchain/node/api"
	"github.com/huchain/huchain/types"
)

// Default ports on loopback. A devnet's node i takes each plus i.
const (
	DefaultWebPort     = 7100
	DefaultP2PPort     = 7200
	DefaultMetricsPort = 7300
	DefaultAPIPort     = 7400

	// ChainPortStep lies between the ports of one chain and those of the next in a node.
	ChainPortStep = 300
)

// Config is node.toml: what concerns the process.
type Config struct {
	Name    string        `koanf:"name"`
	Web     WebConfig     `koanf:"web"`
	Metrics MetricsConfig `koanf:"metrics"`
	Log     LogConfig     `koanf:"log"`
	Disk    DiskConfig    `koanf:"disk"`
	VM      VMConfig      `koanf:"vm"`
	Mirror  MirrorConfig  `koanf:"mirror"`
}

// WebConfig is the HTTP listener: TLS 1.3 with a certificate, else plain HTTP on loopback.
type WebConfig struct {
	Listen        string        `koanf:"listen"`
	SubmitTimeout time.Duration `koanf:"submitTimeout"` // how long a submission waits for its commit
	MaxInFlight   int           `koanf:"maxInFlight"`   // requests served at a time; more are told to retry
	// RequestsPerSecond is what one caller is granted; more are told to come back (HC-1015).
	// 0: any number, or 200 with a certificate.
	RequestsPerSecond int `koanf:"requestsPerSecond"`
	// Certificate and Key are PEM files, relative to the home. The certificate's names and
	// Hosts are what the listener may be called by.
	Certificate string   `koanf:"certificate"`
	Key         string   `koanf:"key"`
	Hosts       []string `koanf:"hosts"`
	// Login is required or none: whether reading too needs a login or a key. Empty: required
	// with a certificate, none on loopback without.
	Login   string   `koanf:"login"`
	Origins []string `koanf:"origins"` // of sites whose pages may call the API, such as https://portal.example
	// PublicVerify opens what the public verification page needs to those who did not log in.
	PublicVerify bool `koanf:"publicVerify"`
	// Embed are the sites that may show the public verification page in a frame.
	Embed []string   `koanf:"embed"`
	OIDC  OIDCConfig `koanf:"oidc"`
}

// url is where the listener is reached on this machine.
func (c *WebConfig) url() string {
	if c.Certificate != "" {
		return "https://" + c.Listen
	}
	return "http://" + c.Listen
}

func (c *WebConfig) loginRequired() bool {
	return c.Login == LoginRequired || c.Login == "" && c.Certificate != ""
}

// rate is what one caller is granted a second; strangers are bounded in any case.
func (c *WebConfig) rate() int {
	if c.RequestsPerSecond == 0 && c.Certificate != "" {
		return exposedRate
	}
	return c.RequestsPerSecond
}

// Values of web.login.
const (
	LoginRequired = "required"
	LoginNone     = "none"
)

// exposedRate is web.requestsPerSecond of a listener that others reach, unless it is set.
const exposedRate = 200

// MetricsConfig is the Prometheus listener, loopback only. An empty Listen turns it off.
type MetricsConfig struct {
	Listen string `koanf:"listen"`
}

// LogConfig says what is logged and where.
type LogConfig struct {
	Level   string `koanf:"level"`  // debug, info, warn, error
	Format  string `koanf:"format"` // text, json
	File    string `koanf:"file"`   // relative to the home; empty: no file
	Stderr  bool   `koanf:"stderr"` // log to standard error too
	MaxMiB  int    `koanf:"maxMiB"` // the file is turned over above this size
	KeepOld int    `koanf:"keepOld"`
}

// DiskConfig says when the disk counts as nearly full.
type DiskConfig struct {
	MinFreeMiB int `koanf:"minFreeMiB"` // below this the node refuses to start, or stops
}

// VMConfig concerns the contract engine.
type VMConfig struct {
	CacheDir string `koanf:"cacheDir"` // compiled contracts; may be shared by nodes of one user
	// Interpreter runs contracts without compiling them: many times slower, with the same
	// outcome. For machines whose processor or policy allows no compiled code.
	Interpreter bool `koanf:"interpreter"`
	// ExecuteWorkers execute transactions of a block side by side; 1: one after another;
	// 0: as many as this process has processors, up to 8, and 1 below 4.
	ExecuteWorkers int `koanf:"executeWorkers"`
}

const maxExecuteWorkers = 64

// ExecuteWorkers is how many workers execute a block's transactions in a process with a
// number of processors to itself. Below four they would take from what else a validator
// does meanwhile.
func ExecuteWorkers(processors int) int {
	if processors < 4 {
		return 1
	}
	return min(processors, 8)
}

// DefaultConfig returns the configuration of an empty node.toml.
func DefaultConfig() Config {
	return Config{
		Web: WebConfig{
			Listen:        fmt.Sprintf("127.0.0.1:%d", DefaultWebPort),
			SubmitTimeout: 30 * time.Second, MaxInFlight: 4096,
		},
		Metrics: MetricsConfig{Listen: fmt.Sprintf("127.0.0.1:%d", DefaultMetricsPort)},
		Log:     LogConfig{Level: "info", Format: "text", File: "logs/node.log", Stderr: true, MaxMiB: 64, KeepOld: 3},
		Disk:    DiskConfig{MinFreeMiB: 512},
	}
}

// Validate checks values and that every listener without TLS is on loopback.
func (c *Config) Validate() error {
	if err := c.Web.validateAccess(); err != nil {
		return err
	}
	if c.Metrics.Listen != "" {
		if err := loopback("metrics.listen", c.Metrics.Listen); err != nil {
			return err
		}
	}
	switch {
	case c.Web.SubmitTimeout < time.Second || c.Web.SubmitTimeout > 10*time.Minute:
		return errors.New("web.submitTimeout: between 1s and 10m")
	case c.Web.MaxInFlight < 1:
		return errors.New("web.maxInFlight: at least 1")
	case c.Web.RequestsPerSecond < 0:
		return errors.New("web.requestsPerSecond: not negative")
	case c.Log.Format != "text" && c.Log.Format != "json":
		return errors.New("log.format: text or json")
	case c.Log.MaxMiB < 1 || c.Log.KeepOld < 0:
		return errors.New("log.maxMiB: at least 1; log.keepOld: at least 0")
	case c.Disk.MinFreeMiB < 0:
		return errors.New("disk.minFreeMiB: not negative")
	case c.VM.ExecuteWorkers < 0 || c.VM.ExecuteWorkers > maxExecuteWorkers:
		return fmt.Errorf("vm.executeWorkers: at most %d", maxExecuteWorkers)
	}
	for what, list := range map[string][]string{"web.origins": c.Web.Origins, "web.embed": c.Web.Embed} {
		for _, o := range list {
			if err := api.ValidOrigin(o); err != nil {
				return fmt.Errorf("%s: %w", what, err)
			}
		}
	}
	_, err := parseLevel(c.Log.Level)
	return err
}

func (c *WebConfig) validateAccess() error {
	switch {
	case (c.Certificate == "") != (c.Key == ""):
		return errors.New("web.certificate and web.key: name both, or neither")
	case c.Login != "" && c.Login != LoginRequired && c.Login != LoginNone:
		return fmt.Errorf("web.login: %s or %s", LoginRequired, LoginNone)
	case c.Certificate == "":
		return loopback("web.listen", c.Listen)
	}
	_, _, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return fmt.Errorf("web.listen: %w", err)
	}
	return nil
}

// ChainConfig is chain.toml: what concerns one chain on this node.
type ChainConfig struct {
	P2P       P2PConfig       `koanf:"p2p"`
	API       APIConfig       `koanf:"api"`
	Consensus ConsensusConfig `koanf:"consensus"`
	Pool      PoolConfig      `koanf:"pool"`
	Keys      KeysConfig      `koanf:"keys"`
	Snapshots SnapshotsConfig `koanf:"snapshots"`
	StateSync StateSyncConfig `koanf:"stateSync"`
	Prune     PruneConfig     `koanf:"prune"`
	Ledger    LedgerConfig    `koanf:"ledger"`
	Archive   ArchiveConfig   `koanf:"archive"`
	Backup    BackupConfig    `koanf:"backup"`
	Evidence  EvidenceConfig  `koanf:"evidence"`
}

// LedgerConfig says how the ledger is kept.
type LedgerConfig struct {
	// Driver is the storage that a new ledger begins on: pebble, bbolt or postgres; empty:
	// pebble. One that is there already is moved by "huchain ledger migrate" alone, and must
	// be what this says.
	Driver string `koanf:"driver"`
	// Indexes are the listings kept besides that by transaction id: sender, contract, event,
	// key. Unset: the first three. What is entered from now on changes, not what was.
	Indexes     []string `koanf:"indexes"`
	PageFileMiB int      `koanf:"pageFileMiB"` // most disk for the file that holds leaves of the state tree, taken as the state changes; 0: 4096
	// Where a ledger on PostgreSQL lies. A password is better kept in the file that
	// PGPASSFILE names.
	Postgres string `koanf:"postgres"` // connection string
	Schema   string `koanf:"schema"`   // of the tables; empty: huchain_<chain>_<genesis hash>
}

// SnapshotsConfig says when snapshots are made. Nodes of a chain that agree on Every serve
// the same snapshots together.
type SnapshotsConfig struct {
	Every uint64 `koanf:"every"` // at heights it divides; 0: on demand alone
	Keep  int    `koanf:"keep"`  // newest ones kept; 0: the default, 2
}

// StateSyncConfig says how a node without data begins.
type StateSyncConfig struct {
	Enable bool `koanf:"enable"` // by a snapshot of its peers, instead of replaying the chain
}

// PruneConfig says what of the history is kept.
type PruneConfig struct {
	KeepBlocks uint64 `koanf:"keepBlocks"` // blocks below the newest; 0: all
}

// APIConfig is the listener for members of the chain: the HTTP API of this one chain over
// TLCP, with certificates on both sides. An empty Listen turns it off.
type APIConfig struct {
	Listen            string `koanf:"listen"`
	RequestsPerSecond int    `koanf:"requestsPerSecond"` // that one member is granted; 0: any number
}

// P2PConfig is the listener for peers of the chain.
type P2PConfig struct {
	Listen    string   `koanf:"listen"`
	Advertise string   `koanf:"advertise"` // host:port that peers tell one another; empty: listen
	Peers     []string `koanf:"peers"`     // organisation/node@host:port, dialled until they answer
}

// ConsensusConfig holds the times this node waits in consensus; 0 keeps the default.
type ConsensusConfig struct {
	TimeoutPropose time.Duration `koanf:"timeoutPropose"`
	Heartbeat      time.Duration `koanf:"heartbeat"` // an empty block after so long without transactions
}

// PoolConfig bounds the pool of pending transactions; 0 keeps the default.
type PoolConfig struct {
	MaxTxs   int `koanf:"maxTxs"`
	MaxBytes int `koanf:"maxBytes"`
}

// KeysConfig says where a validator's keys are and how they are opened.
type KeysConfig struct {
	PassphraseFile string `koanf:"passphraseFile"` // relative to the chain's folder; empty: environment or prompt
	// Signer is the process that holds the keys ("huchain key serve"): unix:PATH, or
	// organisation/name@host:port for TLCP. Empty: the node holds them, in keys/.
	Signer      string `koanf:"signer"`
	SignerRoots string `koanf:"signerRoots"` // PEM file of the roots that certify the signer; empty: those of the genesis
}

// MinKeepBlocks is the least history a pruning node keeps: what a peer that was away for
// a while, or a client that asks late for a receipt, still finds.
const MinKeepBlocks = 1000

// DefaultChainConfig returns the configuration of an empty chain.toml.
func DefaultChainConfig() ChainConfig {
	return ChainConfig{P2P: P2PConfig{Listen: fmt.Sprintf("127.0.0.1:%d", DefaultP2PPort)}, Evidence: defaultEvidence()}
}

// Validate checks addresses and bounds.
func (c *ChainConfig) Validate() error {
	if _, _, err := net.SplitHostPort(c.P2P.Listen); err != nil {
		return fmt.Errorf("p2p.listen: %w", err)
	}
	if _, _, err := net.SplitHostPort(c.P2P.Advertise); c.P2P.Advertise != "" && err != nil {
		return fmt.Errorf("p2p.advertise: %w", err)
	}
	if _, _, err := net.SplitHostPort(c.API.Listen); c.API.Listen != "" && err != nil {
		return fmt.Errorf("api.listen: %w", err)
	}
	for _, p := range c.P2P.Peers {
		if _, _, err := links.ParseAddress(p); err != nil {
			return fmt.Errorf("p2p.peers: %w", err)
		}
	}
	if c.Keys.Signer != "" {
		if _, _, _, err := signerAddress(c.Keys.Signer); err != nil {
			return fmt.Errorf("keys.signer: %w", err)
		}
	}
	if c.Snapshots.Keep < 0 || c.Snapshots.Keep > consensus.MaxSnapshots {
		return fmt.Errorf("snapshots.keep: at most %d", consensus.MaxSnapshots)
	}
	if k := c.Prune.KeepBlocks; k > 0 && k < MinKeepBlocks {
		return fmt.Errorf("prune.keepBlocks: 0 for all, or at least %d", MinKeepBlocks)
	}
	if err := c.Archive.validate(c.Prune.KeepBlocks); err != nil {
		return err
	}
	if err := c.Backup.validate(); err != nil {
		return err
	}
	if err := c.Evidence.validate(); err != nil {
		return err
	}
	if c.StateSync.Enable && len(c.P2P.Peers) == 0 {
		return errors.New("stateSync.enable: p2p.peers must name peers to join")
	}
	if err := c.Ledger.validate(); err != nil {
		return err
	}
	if d := c.Ledger.Driver; c.StateSync.Enable && d != "" && d != DriverPebble {
		return errors.New("stateSync.enable: a ledger that begins with a snapshot begins on pebble; leave ledger.driver empty and migrate it later")
	}
	if c.Pool.MaxTxs < 0 || c.Pool.MaxBytes < 0 || c.Consensus.TimeoutPropose < 0 || c.Consensus.Heartbeat < 0 || c.API.RequestsPerSecond < 0 {
		return errors.New("limits and times must not be negative")
	}
	return nil
}

// LoadConfig reads node.toml over the defaults. Errors are HC-1004 and name file and key.
func LoadConfig(path string) (Config, error) {
	c := DefaultConfig()
	err := loadTOML(path, &c, c.Validate)
	return c, err
}

// LoadChainConfig reads chain.toml over the defaults.
func LoadChainConfig(path string) (ChainConfig, error) {
	c := DefaultChainConfig()
	err := loadTOML(path, &c, c.Validate)
	return c, err
}

// loadTOML reads a TOML file strictly: a key that the configuration does not know is an
// error, since a misspelt limit would otherwise silently not hold.
func loadTOML(path string, out any, validate func() error) error {
	k := koanf.New(".")
	if _, err := os.Stat(path); err != nil {
		return types.Errorf(types.CodeConfig, "%w", err)
	}
	if err := k.Load(file.Provider(path), toml.Parser()); err != nil {
		return types.Errorf(types.CodeConfig, "%s: %w", path, err)
	}
	err := k.UnmarshalWithConf("", out, koanf.UnmarshalConf{DecoderConfig: &mapstructure.DecoderConfig{
		Result: out, TagName: "koanf", ErrorUnused: true,
		DecodeHook: mapstructure.StringToTimeDurationHookFunc(),
		MatchName:  func(key, field string) bool { return key == field },
	}})
	if err == nil {
		err = validate()
	}
	if err != nil {
		return types.Errorf(types.CodeConfig, "%s: %w", path, err)
	}
	return nil
}

func loopback(what, addr string) error {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return fmt.Errorf("%s: %s is not on loopback, and this listener speaks plain HTTP: use 127.0.0.1, or for web.listen set web.certificate and web.key", what, addr)
	}
	return nil
}
