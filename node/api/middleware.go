package api

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"log/slog"
	"net"
	"net/http"
	"regexp"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/huchain/huchain/types"
)

type requestKey struct{}

func requestID(ctx context.Context) string {
	id, _ := ctx.Value(requestKey{}).(string)
	return id
}

var requestIDForm = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// admitWeb decides what the web listener lets in: requests for this machine, of pages that
// may call it, and not too many of one caller.
func (s *Server) admitWeb(next http.Handler) http.Handler {
	return named(func(w http.ResponseWriter, r *http.Request) {
		if !s.access.knownHost(r.Host) {
			s.refuse(w, r, types.Errorf(types.CodeUsage, "this server is not known as %q: web.hosts in node.toml names it", r.Host))
			return
		}
		if r.TLS != nil {
			w.Header().Set("Strict-Transport-Security", "max-age=31536000")
		}
		answered, err := s.origins.admit(w, r)
		if err == nil && !answered {
			r, err = s.admitCaller(r, time.Now())
		}
		switch {
		case err == nil && !answered:
			next.ServeHTTP(w, r)
		case err != nil:
			if types.CodeOf(err) == types.CodeLoginRequired {
				w.Header().Set("WWW-Authenticate", "Bearer")
			}
			s.metrics.observe(r.Method, s.refuse(w, r, err), true, 0)
		}
	})
}

// admitCaller finds out who sends a request, and refuses what that caller may not do or
// does too often. Whoever watches the node always hears whether it is well.
func (s *Server) admitCaller(r *http.Request, now time.Time) (*http.Request, error) {
	if r.URL.Path == "/healthz" || r.URL.Path == "/readyz" {
		return r, nil
	}
	who, err := s.identify(r, now)
	if open(r.Method, r.URL.Path) && types.CodeOf(err) == types.CodeLoginRequired {
		err = nil // a session that has ended keeps nobody from logging in
	}
	caller := callerOf(r)
	if who != nil {
		caller = who.Kind + " " + who.Name + " " + who.Chain
	}
	if limit := s.limits.take(caller, now); limit != nil {
		return r, limit
	}
	if err == nil {
		err = s.permit(r, who)
	}
	if err != nil {
		return r, err
	}
	ctx := context.WithValue(r.Context(), visitKey{}, &visit{host: r.Host, secure: r.TLS != nil, who: who, stranger: who == nil && s.access.Required})
	if who != nil {
		ctx = context.WithValue(ctx, judgeKey{}, func() error {
			_, err := s.identify(r, time.Now())
			return err
		})
	}
	return r.WithContext(ctx), nil
}

// named gives a request its id: the caller's own, if it is well-formed, or a new one.
func named(next http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.Header.Get("X-Request-Id")
		if !requestIDForm.MatchString(id) {
			var b [8]byte
			rand.Read(b[:])
			id = hex.EncodeToString(b[:])
		}
		w.Header().Set("X-Request-Id", id)
		w.Header().Set("X-Content-Type-Options", "nosniff")
		next(w, r.WithContext(context.WithValue(r.Context(), requestKey{}, id)))
	})
}

// guard wraps the API for every listener: a bound on requests in flight, a log line per
// request, and a coded answer if a handler panics.
func (s *Server) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := requestID(r.Context())
		select {
		case s.slots <- struct{}{}:
			defer func() { <-s.slots }()
		default:
			s.refuse(w, r, &types.Error{Code: types.CodeNotReady, Detail: "too many requests in flight", RetryAfterMs: 1000})
			return
		}
		leave, err := s.enter(r.URL.Path)
		if err != nil {
			s.refuse(w, r, err)
			return
		}
		defer leave()
		rec := &recorder{ResponseWriter: w, status: http.StatusOK}
		start := time.Now()
		defer func() {
			if p := recover(); p != nil {
				s.log.Error("handler panicked", "request", id, "panic", p, "stack", string(debug.Stack()))
				if !rec.wrote {
					s.refuse(rec, r, &types.Error{Code: types.CodeInternal, Detail: "the node's log has the details under this request id"})
				}
			}
			took := time.Since(start)
			s.metrics.observe(r.Method, rec.status, rec.streamed, took)
			s.log.LogAttrs(r.Context(), slog.LevelDebug, "request", slog.String("request", id), slog.String("method", r.Method),
				slog.String("path", r.URL.Path), slog.Int("status", rec.status), slog.Int64("tookMs", took.Milliseconds()))
		}()
		next.ServeHTTP(rec, r)
	})
}

// loopbackHost reports whether a Host header names this machine. A web page whose name
// was made to resolve to 127.0.0.1 has its own name there, and must not read a chain
// through its visitor's browser.
func loopbackHost(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// refuse writes a coded error outside huma.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, err error) (status int) {
	f := s.fail(r.Context(), err).(*failure) //nolint:errorlint // fail returns nothing else
	for k, v := range f.GetHeaders() {
		w.Header()[k] = v
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(f.status)
	json.NewEncoder(w).Encode(f) //nolint:errcheck // the client is gone if this fails
	return f.status
}

// recorder remembers the status of an answer.
type recorder struct {
	http.ResponseWriter
	status   int
	wrote    bool
	streamed bool // it lasted as long as the client wanted
}

// WriteHeader notes the status.
func (r *recorder) WriteHeader(code int) {
	if !r.wrote {
		r.status, r.wrote = code, true
	}
	r.ResponseWriter.WriteHeader(code)
}

// Write notes that the answer began.
func (r *recorder) Write(p []byte) (int, error) {
	r.wrote = true
	return r.ResponseWriter.Write(p)
}

// Unwrap lets http.ResponseController reach the connection.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

func statusClass(code int) string { return strconv.Itoa(code/100) + "xx" }
