package api

import (
	"context"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/huchain/huchain/node/access"
	"github.com/huchain/huchain/types"
)

// Access is who may use the web listener.
type Access struct {
	// Hosts are the names and addresses that it is reached by, besides those of this machine.
	Hosts []string
	// Required leaves nothing to those who neither logged in nor show a key, but the
	// console's files, the API's description and logging in.
	Required bool
	// Public opens what the verification page needs to those who did not log in: genesis,
	// headers, and single rows that contracts show to everybody.
	Public bool
	// Embed are the sites that may show the public verification page in a frame.
	Embed    []string
	Keys     *access.Keys
	Sessions *access.Sessions
	Provider *access.Provider // by which people log in who have no certificate; may be nil
	// Record notes logins in the audit log.
	Record func(actor, action, subject, outcome string) error
}

// DefaultAccess serves this machine alone, without logins.
func DefaultAccess() *Access {
	return &Access{Keys: &access.Keys{}, Sessions: access.NewSessions(), Record: func(_, _, _, _ string) error { return nil }}
}

// sessionCookie carries the token of a session.
const sessionCookie = "huchain_session"

// visit is what is known of a request to the web listener.
type visit struct {
	host   string
	secure bool              // over TLS
	who    *access.Principal // nil: nobody in particular
	// stranger is nobody in particular on a listener that asks for logins.
	stranger bool
}

type visitKey struct{}

func visitOf(ctx context.Context) *visit {
	v, _ := ctx.Value(visitKey{}).(*visit)
	return v
}

// knownHost reports whether a Host header names this server. A web page whose name was
// made to resolve to this address has its own name there, and must not read a chain
// through its visitor's browser.
func (a *Access) knownHost(host string) bool {
	if loopbackHost(host) {
		return true
	}
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return slices.Contains(a.Hosts, strings.ToLower(strings.Trim(host, "[]")))
}

// identify finds out who sends a request: HC-1016 for a key or session that is not, or no
// longer, good.
func (s *Server) identify(r *http.Request, now time.Time) (*access.Principal, error) {
	if token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		return s.access.Keys.Check(token, now)
	}
	cookie, err := r.Cookie(sessionCookie)
	if err != nil {
		return nil, nil //nolint:nilerr // there is none
	}
	// A browser says where a request comes from, and CrossOriginProtection has looked at it.
	// Something that shows a browser's cookie and does not say is refused.
	unsafe := r.Method != http.MethodGet && r.Method != http.MethodHead && r.Method != http.MethodOptions
	if unsafe && r.Header.Get("Origin") == "" && r.Header.Get("Sec-Fetch-Site") == "" {
		return nil, types.Errorf(types.CodePermissionDenied, "a request with a session that changes something must say its origin")
	}
	who, err := s.access.Sessions.Check(cookie.Value, now)
	if err != nil {
		return nil, err
	}
	return who, s.stillMember(who, now)
}

// stillMember ends the session of a member who may not act on its chain any more.
func (s *Server) stillMember(who *access.Principal, now time.Time) error {
	if who.Kind != access.KindSession || who.Address == (types.Address{}) {
		return nil // a key, or a person whom a provider vouches for
	}
	place := s.seatAt(who.Chain)
	if place == nil || !place.enter() {
		return types.Errorf(types.CodeLoginRequired, "chain %s does not serve", who.Chain)
	}
	defer place.leave()
	m, err := place.chain.Machine.Standing(place.chain.Ledger, who.Address, now)
	switch types.CodeOf(err) {
	case types.CodeOK:
		who.Roles = m.Roles
		return nil
	case types.CodeMemberFrozen, types.CodeCertExpired, types.CodeCertRevoked:
		s.access.Sessions.End(who.ID)
		return types.Errorf(types.CodeLoginRequired, "%w", err)
	case types.CodeUnknownSender: // it has logged in by a certificate that no transaction has shown yet
		return nil
	}
	return err
}

// open reports what is served to everybody: how to log in, and what needs no chain.
func open(method, path string) bool {
	switch {
	case path == "/" || path == "/healthz" || path == "/readyz" || path == sessionPath && method == http.MethodGet,
		strings.HasPrefix(path, consolePath), strings.HasPrefix(path, "/api/v1/openapi"), strings.HasPrefix(path, oidcPath):
		return true
	}
	rest, ok := strings.CutPrefix(path, base+"/")
	_, what, _ := strings.Cut(rest, "/")
	return ok && method == http.MethodPost && (what == "logins" || what == "sessions" || openEvidence(what))
}

// verifying reports whether a request is one of the public verification page.
func verifying(method, path string) bool {
	rest, ok := strings.CutPrefix(path, base+"/")
	_, what, _ := strings.Cut(rest, "/")
	return ok && method == http.MethodGet && (what == "genesis" || what == "links" || strings.HasPrefix(what, "state/") && strings.Count(what, "/") > 1)
}

// demands are the roles of which a caller with a session or key must have one. A member's
// transactions are for the chain to judge; a key may be made for reading alone.
func demands(kind, method, path string) []types.Role {
	rest, _ := strings.CutPrefix(path, base+"/")
	_, what, _ := strings.Cut(rest, "/")
	switch {
	case what == "peers":
		return []types.Role{types.RoleAdmin, types.RoleAuditor, types.RoleValidator}
	case method == http.MethodPost && what == "rehearsals":
		return []types.Role{types.RoleAdmin, types.RoleClient}
	case kind == access.KindKey && method == http.MethodPost && (what == "txs" || what == "batches" || strings.HasPrefix(what, "contracts/")):
		return []types.Role{types.RoleAdmin, types.RoleClient, types.RoleValidator}
	}
	return nil
}

// permit refuses what a caller may not do.
func (s *Server) permit(r *http.Request, who *access.Principal) error {
	if who == nil {
		if s.access.Required && !open(r.Method, r.URL.Path) && !(s.access.Public && verifying(r.Method, r.URL.Path)) {
			return types.Errorf(types.CodeLoginRequired, "%s %s", r.Method, r.URL.Path)
		}
		return nil
	}
	if rest, ok := strings.CutPrefix(r.URL.Path, base+"/"); ok && who.Chain != "" {
		if name, what, _ := strings.Cut(rest, "/"); name != who.Chain && !s.named(who.Chain, name) && what != "logins" && what != "sessions" {
			return types.Errorf(types.CodeNotFound, "chain %q", name)
		}
	}
	if roles := demands(who.Kind, r.Method, r.URL.Path); roles != nil && !who.HasAny(roles...) {
		return types.Errorf(types.CodePermissionDenied, "%s %s asks for one of the roles %v; %s has %v", r.Method, r.URL.Path, roles, who.Name, who.Roles)
	}
	return nil
}
