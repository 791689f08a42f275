package node

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"syscall"
	"time"

	"github.com/huchain/huchain/ledger/archive/repo"
	"github.com/huchain/huchain/ledger/snapshot"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/types/rest"
)

// A running node takes orders of its operator through a socket in its home that only the
// node's own user may open: HTTP over it,
//
//	POST /snapshots?chain=NAME     → snapshot.Info
//	GET  /chains                   → []ChainState
//	POST /chains/start?chain=NAME  → ChainState
//	POST /chains/stop?chain=NAME   → ChainState
//	POST /chains/forget?chain=NAME → {}; the chain's folder has been moved away
//	POST /archive?chain=NAME&order=plan|run|prune → a line of JSON for each step of
//	progress, and one for the outcome: ArchivePlan or ArchiveRun
//	POST /backup?chain=NAME        → the same with backup.Outcome
//
//	GET  /keys?after=ID, POST /keys/create?name=&chain=&roles=&days=, POST /keys/revoke?id= → access.Key
//	GET  /sessions, POST /sessions/revoke?id=ID|MEMBER → access.Session
//	GET  /api/… → what the API answers, to read it without a login
//
// Errors are rest.Error.
//
// Whoever may write the home may give these orders; nobody over a network may. Orders that
// change something are recorded in the audit log before they are carried out, and with
// their outcome.

// maxControlAnswer bounds what a command reads from a node.
const maxControlAnswer = 1 << 20

// serveControl listens on the socket of the home. A node whose socket cannot be made runs
// without one: its path may be too long for the system.
func (n *node) serveControl(ctx context.Context) (stop func()) {
	path := n.home.ControlSocket()
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		n.log.Warn("no control socket", "error", err)
		return func() {}
	}
	l, err := listenPrivate(path)
	if err != nil {
		n.log.Warn("no control socket", "error", err)
		return func() {}
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /snapshots", obey(n, func(r *http.Request) (any, error) {
		return n.createSnapshot(r.Context(), r.FormValue("chain"))
	}))
	mux.HandleFunc("POST /archive", n.controlArchive)
	mux.HandleFunc("POST /backup", n.controlBackup)
	mux.HandleFunc("GET /chains", obey(n, func(*http.Request) (any, error) { return n.chainStates() }))
	for verb, order := range map[string]func(context.Context, string) (any, error){
		"start": n.orderStart, "stop": n.orderStop, "forget": n.orderForget,
	} {
		mux.HandleFunc("POST /chains/"+verb, obey(n, func(r *http.Request) (any, error) { return order(ctx, r.FormValue("chain")) }))
	}
	n.accessOrders(mux)
	mux.Handle("GET /api/", n.api.Within())
	srv := &http.Server{
		Handler: mux, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 5 * time.Second, MaxHeaderBytes: 16 << 10,
		BaseContext: func(net.Listener) context.Context { return ctx },
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, actorKey{}, actorOf(c))
		},
		ErrorLog: slog.NewLogLogger(n.log.Handler(), slog.LevelDebug),
	}
	go func() {
		if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			n.log.Error("control socket failed", "error", err)
		}
	}()
	return func() { srv.Close() } //nolint:errcheck // it removes the socket; the process is ending
}

// listenPrivate listens on a socket that only this user may open, from the moment it is there.
func listenPrivate(path string) (net.Listener, error) {
	old := syscall.Umask(0o177)
	l, err := net.Listen("unix", path)
	syscall.Umask(old)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// obey answers an order as JSON.
func obey(n *node, order func(*http.Request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := audited(n, r, func() (any, error) { return order(r) })
		w.Header().Set("Content-Type", "application/json")
		if err != nil {
			w.WriteHeader(http.StatusConflict)
			body = rest.NewError(err)
		}
		if err := json.NewEncoder(w).Encode(body); err != nil {
			n.log.Debug("control answer not sent", "error", err)
		}
	}
}

func (n *node) createSnapshot(ctx context.Context, chain string) (*snapshot.Info, error) {
	r, ctx, release, err := n.hold(ctx, chain)
	if err != nil {
		return nil, err
	}
	defer release()
	return r.consensus.CreateSnapshot(ctx)
}

// archiveLine is a line of what the node answers to an order to its archive.
type archiveLine struct {
	Progress *archiveProgress `json:"progress,omitempty"`
	Result   json.RawMessage  `json:"result,omitempty"`
	Error    *rest.Error      `json:"error,omitempty"`
}

type archiveProgress struct {
	Stage   string `json:"stage"`
	Segment uint64 `json:"segment"`
	Done    uint64 `json:"done"`
	Of      uint64 `json:"of"`
}

// progressStep is how many blocks pass between two lines of progress.
const progressStep = 64

func (n *node) controlArchive(w http.ResponseWriter, r *http.Request) {
	n.stream(w, r, func(progress repo.Progress) (any, error) {
		return n.orderArchive(r.Context(), r.FormValue("chain"), r.FormValue("order"), func(stage string, segment, done, of uint64) {
			if done%progressStep == 0 {
				progress(stage, segment, done, of)
			}
		})
	})
}

func (n *node) controlBackup(w http.ResponseWriter, r *http.Request) {
	n.stream(w, r, func(progress repo.Progress) (any, error) {
		c, ctx, release, err := n.hold(r.Context(), r.FormValue("chain"))
		if err != nil {
			return nil, err
		}
		defer release()
		return c.createBackup(ctx, n.home, n.evidenceFiles, progress)
	})
}

// stream carries out an order and answers with lines.
func (n *node) stream(w http.ResponseWriter, r *http.Request, order func(progress repo.Progress) (any, error)) {
	w.Header().Set("Content-Type", "application/x-ndjson")
	enc := json.NewEncoder(w)
	send := func(line archiveLine) {
		if err := enc.Encode(line); err != nil {
			n.log.Debug("control answer not sent", "error", err)
		} else if err := http.NewResponseController(w).Flush(); err != nil {
			n.log.Debug("control answer not sent", "error", err)
		}
	}
	out, err := audited(n, r, func() (any, error) {
		return order(func(stage string, segment, done, of uint64) {
			send(archiveLine{Progress: &archiveProgress{stage, segment, done, of}})
		})
	})
	var raw []byte
	if err == nil {
		raw, err = json.Marshal(out)
	}
	if err != nil {
		send(archiveLine{Error: rest.NewError(err)})
		return
	}
	send(archiveLine{Result: raw})
}

// controlLines gives the running node of a home an order that it answers with lines.
func controlLines(ctx context.Context, home Home, path string, query url.Values, progress repo.Progress, out any) error {
	res, done, err := deliver(ctx, home, http.MethodPost, path+"?"+query.Encode())
	if err != nil {
		return err
	}
	defer done()
	dec := json.NewDecoder(res.Body)
	for {
		var line archiveLine
		if err := dec.Decode(&line); err != nil {
			return types.Errorf(types.CodeUnreachable, "the node's control socket: %w; what was stored stays so", err)
		}
		switch {
		case line.Error != nil:
			return line.Error.Coded()
		case line.Result != nil:
			return json.Unmarshal(line.Result, out)
		case line.Progress != nil && progress != nil:
			p := line.Progress
			progress(p.Stage, p.Segment, p.Done, p.Of)
		}
	}
}

// controlClient reaches the running node of a home, whatever host it is asked for.
func controlClient(home Home) *http.Client {
	return &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", home.ControlSocket())
	}}}
}

// controlURL is where controlClient finds the node.
const controlURL = "http://node"

// deliver gives the running node of a home an order; done is called once the answer was read.
func deliver(ctx context.Context, home Home, method, path string) (res *http.Response, done func(), err error) {
	client := controlClient(home)
	req, err := http.NewRequestWithContext(ctx, method, controlURL+path, bytes.NewReader(nil))
	if err != nil {
		return nil, nil, err
	}
	if res, err = client.Do(req); err != nil {
		client.CloseIdleConnections()
		return nil, nil, types.Errorf(types.CodeUnreachable, "the node's control socket: %w", err)
	}
	return res, func() {
		_ = res.Body.Close() // it was only read
		client.CloseIdleConnections()
	}, nil
}

// control gives an order that is answered at once.
func control(ctx context.Context, home Home, method, path string, out any) error {
	res, done, err := deliver(ctx, home, method, path)
	if err != nil {
		return err
	}
	defer done()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxControlAnswer))
	if err != nil {
		return types.Errorf(types.CodeUnreachable, "the node's control socket: %w", err)
	}
	if res.StatusCode != http.StatusOK {
		var e rest.Error
		if err := json.Unmarshal(body, &e); err != nil || e.Code == "" {
			return types.Errorf(types.CodeInternal, "the node answered %s", res.Status)
		}
		return e.Coded()
	}
	if err := json.Unmarshal(body, out); err != nil {
		return fmt.Errorf("the node's answer: %w", err)
	}
	return nil
}
