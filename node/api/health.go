package api

import (
	"encoding/json"
	"net/http"

	"github.com/huchain/huchain/types"
)

// healthz answers 200 while the process does its work: a chain of it serves, is being
// opened, or was stopped by order. A supervisor restarts what answers otherwise, so one
// failed chain among others is not enough for that.
func (s *Server) healthz(w http.ResponseWriter, r *http.Request) {
	_, failed := s.others()
	s.mu.RLock()
	all := len(s.order)
	s.mu.RUnlock()
	if len(failed) > 0 && len(failed) == all {
		s.refuse(w, r, stoppedChain(failed))
		return
	}
	writeOK(w, map[string]any{"status": "ok"})
}

// readyz answers 200 when every chain serves: started, not failed, caught up with its
// peers; with ?chain=NAME it asks for that one. A load balancer sends requests to what
// answers so. Chains stopped by order are passed over.
func (s *Server) readyz(w http.ResponseWriter, r *http.Request) {
	only := r.URL.Query().Get("chain")
	starting, failed := s.others()
	for _, name := range starting {
		if only == "" || only == name {
			s.refuse(w, r, &types.Error{Code: types.CodeStarting, Detail: "chain " + name + " is being opened", RetryAfterMs: 500})
			return
		}
	}
	if err, ok := failed[only]; ok {
		failed = map[string]error{only: err}
	} else if only != "" {
		failed = nil
	}
	if len(failed) > 0 {
		s.refuse(w, r, stoppedChain(failed))
		return
	}
	serving, behind := 0, ""
	s.each(func(c *Chain) {
		if only != "" && only != c.Name {
			return
		}
		serving++
		if st := c.Consensus.Status(); st.CatchingUp || !c.Ledger.Initialized() {
			behind = c.Name
		}
	})
	switch {
	case serving == 0:
		s.refuse(w, r, &types.Error{Code: types.CodeStarting, Detail: "no chain serves yet", RetryAfterMs: 500})
	case behind != "":
		s.refuse(w, r, &types.Error{Code: types.CodeNotReady, Detail: "chain " + behind + " is catching up with its peers", RetryAfterMs: 1000})
	default:
		writeOK(w, map[string]any{"status": "ready"})
	}
}

// stoppedChain names the first failed chain.
func stoppedChain(failed map[string]error) error {
	first := ""
	for name := range failed {
		if first == "" || name < first {
			first = name
		}
	}
	return types.Errorf(types.CodeNotReady, "chain %s has stopped on this node: %w", first, failed[first])
}

func writeOK(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(v) //nolint:errcheck // the client is gone if this fails
}
