package evidence

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/huchain/huchain/client"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/crypto/cert"
	"github.com/huchain/huchain/crypto/envelope"
	"github.com/huchain/huchain/services/connector"
	"github.com/huchain/huchain/services/database"
	"github.com/huchain/huchain/services/gateway"
	"github.com/huchain/huchain/services/notify"
	"github.com/huchain/huchain/services/tenant"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/types/rest"
)

const (
	contractName = "evidence"
	serviceName  = "evidence"
)

// Stored is an original that a file store has taken.
type Stored struct {
	Hash   crypto.Hash // SM3
	SHA256 string      // hex digits
	Size   int64
}

// Files keeps originals under their SM3: services/filestore.
type Files interface {
	Put(ctx context.Context, r io.Reader) (*Stored, error)
	// Open reads an original; reading ends with an error where it is lost or altered.
	Open(ctx context.Context, hash crypto.Hash) (io.ReadCloser, error)
}

// Certifier makes certificates: a signed PDF with the proof.
type Certifier interface {
	Certificate(ctx context.Context, c *client.Client, hash crypto.Hash) ([]byte, error)
}

// Notary is an outside notary that answers by REST.
type Notary struct {
	URL   string
	Roots []*cert.Certificate // that certify the notary's SM2 certificate
	Org   string              // organisation that the certificate must name
	Token string              // credential, sent as Bearer; may be empty
}

// Params of a service.
type Params struct {
	Chain   string
	Genesis crypto.Hash
	Dir     string // of the database
	// Connect reaches the chain; it is called until it succeeds.
	Connect  func(context.Context) (*client.Client, error)
	Identity *client.Identity // that signs deposits
	Files    Files
	Certify  Certifier // nil: no certificates
	Keys     tenant.Keys
	Record   func(actor, action, subject, outcome string) error // in the node's audit log
	Notary   *Notary                                            // nil: none
	Settings []rest.Setting                                     // of the node about the service, to be shown
	Secret   []byte                                             // key of what is kept encrypted, of envelope.KeySize bytes
	Queue    gateway.Params
	Wait     time.Duration // for the commit of a deposit, before it is answered as accepted
	// Restart is the act by which the chain was restarted last; nil if it never was. Deposits
	// in blocks above it may have been given up, and are looked for once.
	Restart *types.Restart
	Log     *slog.Logger
}

// Validate checks the parameters.
func (p *Params) Validate() error {
	if p.Connect == nil || p.Identity == nil || p.Files == nil || p.Keys == nil || p.Record == nil || p.Dir == "" || p.Wait <= 0 {
		return types.Errorf(types.CodeConfig, "the evidence service lacks one of its parts")
	}
	return nil
}

// Service is a running evidence service. It is safe for concurrent use.
type Service struct {
	*tenant.Registry
	p       Params
	db      *database.DB
	queue   *gateway.Queue
	limits  *gateway.Limits
	outbox  *connector.Outbox
	notary  *connector.REST
	secrets *envelope.Key
	started time.Time

	mu     sync.Mutex // guards client
	client *client.Client
}

// DatabaseFile is the name of the service's file in its folder.
const DatabaseFile = "evidence.db"

// New opens the service's database. Run MUST be called for deposits to be carried out.
func New(p Params) (*Service, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	secrets, err := envelope.NewKey(p.Secret)
	if err != nil {
		return nil, types.Errorf(types.CodeKeyFile, "key of the evidence service: %w", err)
	}
	db, err := database.Open(p.Dir+"/"+DatabaseFile, tenant.Schema, gateway.Schema, connector.Schema, notify.Schema, schema)
	if err != nil {
		return nil, err
	}
	s := &Service{p: p, db: db, limits: gateway.NewLimits(), secrets: secrets, started: time.Now().UTC().Truncate(time.Second), notary: connector.NewREST()}
	if p.Notary != nil && p.Notary.Token != "" {
		s.notary.Header = http.Header{"Authorization": {"Bearer " + p.Notary.Token}}
	}
	s.Registry = tenant.New(tenant.Params{
		Service: serviceName, DB: db, IDs: tenant.ChainIdentities{Client: s.chain}, Keys: p.Keys, Secrets: secrets, Record: p.Record, Log: p.Log,
		Text: func(a *rest.Application) []byte { return a.Text(p.Genesis) },
	})
	s.queue = gateway.NewQueue(p.Queue, db, s.carry, s.refuse, p.Log)
	s.outbox = &connector.Outbox{DB: db, Backoff: connector.DefaultBackoff(), Timeout: 10 * time.Second, Poll: 500 * time.Millisecond, HTTP: connector.NewHTTP(), Log: p.Log,
		Open: func(sealed []byte) ([]byte, error) { return secrets.Open(sealed, []byte("webhook")) }}
	return s, nil
}

// Run carries deposits out and delivers messages until ctx ends.
func (s *Service) Run(ctx context.Context) {
	defer s.db.Close() //nolint:errcheck // every write was committed
	var parts sync.WaitGroup
	parts.Go(func() { s.Registry.Run(ctx) })
	parts.Go(func() { s.queue.Run(ctx) })
	parts.Go(func() { s.followRestart(ctx) })
	parts.Go(func() { s.outbox.Run(ctx) })
	parts.Wait()
}

// chain is the connection to the chain, opened when it is first needed.
func (s *Service) chain(ctx context.Context) (*client.Client, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.client != nil {
		return s.client, nil
	}
	c, err := s.p.Connect(ctx)
	if err == nil {
		s.client = c
	}
	return c, err
}

// schema holds deposits and what belongs to them.
var schema = database.Schema{Name: "evidence", Steps: []string{`
CREATE TABLE template (tenant TEXT NOT NULL, id TEXT NOT NULL, version INTEGER NOT NULL, body TEXT NOT NULL, time INTEGER NOT NULL, PRIMARY KEY (tenant, id, version));
CREATE TABLE chain_template (id TEXT NOT NULL, version INTEGER NOT NULL, tenant TEXT NOT NULL, body TEXT NOT NULL, time INTEGER NOT NULL, PRIMARY KEY (id, version));
CREATE TABLE chain (id TEXT PRIMARY KEY, template TEXT NOT NULL, version INTEGER NOT NULL, tenant TEXT NOT NULL, title TEXT NOT NULL, time INTEGER NOT NULL);
CREATE TABLE party (chain TEXT NOT NULL, tenant TEXT NOT NULL, PRIMARY KEY (tenant, chain));
CREATE TABLE deposit (id TEXT PRIMARY KEY, tenant TEXT NOT NULL, app TEXT NOT NULL, depositor TEXT NOT NULL, state TEXT NOT NULL, title TEXT NOT NULL,
	file TEXT NOT NULL, type TEXT NOT NULL, media TEXT NOT NULL, class TEXT NOT NULL, size INTEGER NOT NULL, hash TEXT NOT NULL, sha256 TEXT NOT NULL,
	template TEXT NOT NULL, version INTEGER NOT NULL, fields BLOB NOT NULL, hidden TEXT NOT NULL, tags TEXT NOT NULL, chain TEXT NOT NULL, node TEXT NOT NULL,
	accepted INTEGER NOT NULL, tx TEXT NOT NULL DEFAULT '', height INTEGER NOT NULL DEFAULT 0, block INTEGER NOT NULL DEFAULT 0, error TEXT NOT NULL DEFAULT '', notarial TEXT NOT NULL DEFAULT '');
CREATE INDEX deposit_tenant ON deposit (tenant, id);
CREATE INDEX deposit_hash ON deposit (hash);
CREATE INDEX deposit_chain ON deposit (chain) WHERE chain <> '';
CREATE INDEX deposit_height ON deposit (state, height);
CREATE TABLE tag (tenant TEXT NOT NULL, tag TEXT NOT NULL, deposit TEXT NOT NULL, PRIMARY KEY (tenant, tag, deposit)) WITHOUT ROWID;
CREATE TABLE granted (deposit TEXT NOT NULL, to_whom TEXT NOT NULL, by TEXT NOT NULL, time INTEGER NOT NULL, until INTEGER NOT NULL, revoked INTEGER NOT NULL DEFAULT 0,
	PRIMARY KEY (deposit, to_whom));
CREATE INDEX granted_to ON granted (to_whom, deposit);
CREATE TABLE court_case (number TEXT PRIMARY KEY, court TEXT NOT NULL, by TEXT NOT NULL, time INTEGER NOT NULL, closed INTEGER NOT NULL DEFAULT 0);
CREATE TABLE court_query (id TEXT PRIMARY KEY, number TEXT NOT NULL, deposit TEXT NOT NULL, court TEXT NOT NULL, by TEXT NOT NULL, outcome TEXT NOT NULL, time INTEGER NOT NULL)`, restartSchema}}
