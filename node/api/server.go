package api

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/huchain/huchain/types"
)

// Params are the bounds of the server.
type Params struct {
	// SubmitTimeout is how long a submission waits for its commit before it answers
	// that the outcome is unknown.
	SubmitTimeout time.Duration
	// MaxInFlight bounds the requests served at a time.
	MaxInFlight int
	// MaxPage bounds the items of one answer.
	MaxPage int
	// RequestsPerSecond is what one caller of the web listener is granted; 0: any number.
	RequestsPerSecond int
	// Origins are the sites whose pages may call the API; those of the node itself always may.
	Origins []string
	// Access is who may use the web listener; nil: DefaultAccess.
	Access *Access
	// Operations shows the node to those who operate it; nil: it is not operated by its API.
	Operations Operations
	// MaxStreams bounds the streams that are open at a time.
	MaxStreams int
	// QueryTimeout bounds one query of a contract.
	QueryTimeout time.Duration
}

// DefaultParams returns the bounds of a validator's API.
func DefaultParams() Params {
	return Params{SubmitTimeout: 30 * time.Second, MaxInFlight: 4096, MaxPage: 200, MaxStreams: 1024, QueryTimeout: 10 * time.Second}
}

// Validate checks the bounds.
func (p *Params) Validate() error {
	if p.SubmitTimeout <= 0 || p.MaxInFlight <= 0 || p.MaxPage <= 0 || p.MaxStreams <= 0 || p.RequestsPerSecond < 0 || p.QueryTimeout <= 0 {
		return types.Errorf(types.CodeConfig, "bounds of the API must be positive")
	}
	return nil
}

// Server serves the chains of a node.
type Server struct {
	p          Params
	node       string
	version    string
	log        *slog.Logger
	metrics    *metrics
	slots      chan struct{}
	rehearsing chan struct{} // holds one token while a rehearsal runs
	simulating chan struct{} // holds one token for each simulation
	streams    chan struct{} // holds one token for each open stream
	catching   chan struct{} // holds one token for each stream that reads an old block
	stopping   chan struct{} // closed by Stop, for streams to end
	handler    http.Handler  // of every listener, once it has admitted a request
	web        http.Handler
	started    time.Time
	faces      *faces
	limits     *limits  // of the web listener
	access     *Access  // to it
	origins    *origins // let in by it

	mu    sync.RWMutex
	seats map[string]*seat // by chain
	order []string

	servingMu sync.Mutex
	serving   map[string][]*http.Server // by chain; "" serves all
	stopped   bool
}

// New makes a server for the node of a name. Chains are announced before they can
// serve and added when they can.
func New(p Params, nodeName, version string, log *slog.Logger, reg prometheus.Registerer) (*Server, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	origins, err := newOrigins(p.Origins)
	if err != nil {
		return nil, err
	}
	codedErrors()
	s := &Server{
		p: p, node: nodeName, version: version, log: log, metrics: newMetrics(reg),
		slots: make(chan struct{}, p.MaxInFlight), rehearsing: make(chan struct{}, 1), streams: make(chan struct{}, p.MaxStreams),
		simulating: make(chan struct{}, simulations), catching: make(chan struct{}, catchingUp), stopping: make(chan struct{}),
		seats: map[string]*seat{}, serving: map[string][]*http.Server{}, started: time.Now(), faces: newFaces(), limits: newLimits(p.RequestsPerSecond), origins: origins, access: p.Access,
	}
	if s.access == nil {
		s.access = DefaultAccess()
	}
	mux := http.NewServeMux()
	api := humago.New(mux, s.config())
	s.register(api)
	mux.HandleFunc("GET /healthz", s.healthz)
	mux.HandleFunc("GET /readyz", s.readyz)
	mux.Handle("GET "+consolePath, s.console())
	mux.Handle("GET /{$}", http.RedirectHandler(consolePath, http.StatusFound))
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		s.refuse(w, r, types.Errorf(types.CodeNotFound, "%s %s; the API is described at /api/v1/openapi.json", r.Method, r.URL.Path))
	})
	s.handler = s.guard(mux)
	s.web = s.admitWeb(s.handler)
	return s, nil
}

func (s *Server) httpServer(h http.Handler) *http.Server {
	return &http.Server{
		Handler: h, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 15 * time.Second,
		WriteTimeout: s.p.SubmitTimeout + s.p.QueryTimeout + 5*time.Second, IdleTimeout: 2 * time.Minute,
		MaxHeaderBytes: 16 << 10, ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
}

func (s *Server) config() huma.Config {
	c := huma.DefaultConfig("HuChain node", s.version)
	c.Info.Description = "Chains of one node. Errors carry a code, its message, cause and fix in Chinese and English."
	c.OpenAPIPath = "/api/v1/openapi"
	c.DocsPath, c.SchemasPath = "", "" // the stock page loads scripts from elsewhere
	c.CreateHooks = nil
	c.RejectUnknownQueryParameters = true
	return c
}

// Handler is the HTTP handler, for tests and for other listeners.
func (s *Server) Handler() http.Handler { return s.web }

// Serve serves all chains on l, in clear or over what l adds, until Stop. It returns nil after Stop.
func (s *Server) Serve(l net.Listener) error { return s.run("", s.httpServer(s.web), l) }

func (s *Server) run(chain string, srv *http.Server, l net.Listener) error {
	s.servingMu.Lock()
	if s.stopped {
		s.servingMu.Unlock()
		return l.Close()
	}
	s.serving[chain] = append(s.serving[chain], srv)
	s.servingMu.Unlock()
	if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// Stop refuses new requests and waits for those in flight, until ctx ends.
func (s *Server) Stop(ctx context.Context) error {
	s.servingMu.Lock()
	serving := s.httpServers()
	if !s.stopped {
		close(s.stopping)
	}
	s.stopped = true
	s.servingMu.Unlock()
	var errs []error
	for _, srv := range serving {
		if err := srv.Shutdown(ctx); err != nil {
			errs = append(errs, srv.Close())
		}
	}
	return errors.Join(errs...)
}

// Announce names a chain that is about to start.
func (s *Server) Announce(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p, ok := s.seats[name]; !ok {
		s.seats[name], s.order = &seat{}, append(s.order, name)
	} else if p.chain == nil {
		s.seats[name] = &seat{} // it was stopped, and is started anew
	}
}

// Add serves a chain that has started.
func (s *Server) Add(c *Chain) {
	s.Announce(c.Name)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seats[c.Name] = newSeat(c)
}

// chain finds a chain by its name or its CometBFT chain id.
func (s *Server) chain(name string) (*Chain, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	p := s.seatOf(name)
	switch {
	case p == nil:
		return nil, types.Errorf(types.CodeNotFound, "chain %q", name)
	case p.failed:
		return nil, types.Errorf(types.CodeNotReady, "chain %s has stopped on this node: %w", name, p.why)
	case p.why != nil:
		return nil, p.why
	case p.chain == nil:
		return nil, &types.Error{Code: types.CodeStarting, Detail: "chain " + name, RetryAfterMs: 500}
	}
	if err := p.chain.Consensus.Err(); err != nil {
		return nil, types.Errorf(types.CodeNotReady, "chain %s has stopped on this node: %w", name, err)
	}
	return p.chain, nil
}
