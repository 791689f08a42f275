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
	"os"
	"syscall"
	"time"

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
//
// Errors are rest.Error.
//
// Whoever may write the home may give these orders; nobody over a network may.

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
	mux.HandleFunc("GET /chains", obey(n, func(*http.Request) (any, error) { return n.chainStates() }))
	for verb, order := range map[string]func(context.Context, string) (any, error){
		"start": n.orderStart, "stop": n.orderStop, "forget": n.orderForget,
	} {
		mux.HandleFunc("POST /chains/"+verb, obey(n, func(r *http.Request) (any, error) { return order(ctx, r.FormValue("chain")) }))
	}
	srv := &http.Server{
		Handler: mux, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 5 * time.Second, MaxHeaderBytes: 16 << 10,
		BaseContext: func(net.Listener) context.Context { return ctx },
		ErrorLog:    slog.NewLogLogger(n.log.Handler(), slog.LevelDebug),
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
		body, err := order(r)
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
	_, found, _ := n.place(chain).get()
	if found == nil {
		return nil, types.Errorf(types.CodeNotFound, "this node runs no chain %q yet", chain)
	}
	return found.consensus.CreateSnapshot(ctx)
}

// control gives an order to the running node of a home.
func control(ctx context.Context, home Home, method, path string, out any) error {
	client := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", home.ControlSocket())
	}}}
	defer client.CloseIdleConnections()
	req, err := http.NewRequestWithContext(ctx, method, "http://node"+path, bytes.NewReader(nil))
	if err != nil {
		return err
	}
	res, err := client.Do(req)
	if err != nil {
		return types.Errorf(types.CodeUnreachable, "the node's control socket: %w", err)
	}
	defer res.Body.Close() //nolint:errcheck // it was only read
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
