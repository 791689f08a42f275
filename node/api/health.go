package api

import (
	"encoding/json"
	"net/http"

	"github.com/huchain/huchain/types"
)

// healthz answers 200 while the process works: no chain of it has failed. A supervisor
// restarts what answers otherwise.
func (s *Server) healthz(w http.ResponseWriter, r *http.Request) {
	ready, _ := s.list()
	for _, c := range ready {
		if err := c.Consensus.Err(); err != nil {
			s.refuse(w, r, types.Errorf(types.CodeNotReady, "chain %s has stopped on this node: %w", c.Name, err))
			return
		}
	}
	writeOK(w, map[string]any{"status": "ok"})
}

// readyz answers 200 when every chain serves: started, not failed, caught up with its
// peers. A load balancer sends requests to what answers so.
func (s *Server) readyz(w http.ResponseWriter, r *http.Request) {
	ready, starting := s.list()
	if len(starting) > 0 || len(ready) == 0 {
		s.refuse(w, r, &types.Error{Code: types.CodeStarting, Detail: "chains are being opened", RetryAfterMs: 500})
		return
	}
	for _, c := range ready {
		if err := c.Consensus.Err(); err != nil {
			s.refuse(w, r, types.Errorf(types.CodeNotReady, "chain %s has stopped on this node: %w", c.Name, err))
			return
		}
		if st := c.Consensus.Status(); st.CatchingUp || !c.Ledger.Initialized() {
			s.refuse(w, r, &types.Error{Code: types.CodeNotReady, Detail: "chain " + c.Name + " is catching up with its peers", RetryAfterMs: 1000})
			return
		}
	}
	writeOK(w, map[string]any{"status": "ready"})
}

func writeOK(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(v) //nolint:errcheck // the client is gone if this fails
}
