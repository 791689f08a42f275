package node

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/huchain/huchain/node/access"
	"github.com/huchain/huchain/types"
)

// APIKey is a key of an application; Token is there only where it was just made.
type APIKey struct {
	access.Key
	Token string `json:"token,omitempty"`
}

// keysPage is how many keys are listed at a time.
const keysPage = 1000

// accessOrders serves the operator's orders about keys and sessions.
func (n *node) accessOrders(mux *http.ServeMux) {
	mux.HandleFunc("GET /keys", obey(n, func(r *http.Request) (any, error) { return n.access.Keys.List(r.FormValue("after"), keysPage), nil }))
	mux.HandleFunc("POST /keys/create", obey(n, func(r *http.Request) (any, error) {
		days, err := strconv.Atoi(r.FormValue("days"))
		if err != nil {
			return nil, types.Errorf(types.CodeUsage, "days: %w", err)
		}
		var roles []types.Role
		for _, s := range strings.Split(r.FormValue("roles"), ",") {
			role := types.Role(s)
			if !types.ValidRole(role) {
				return nil, types.Errorf(types.CodeUsage, "%q is no role", s)
			}
			roles = append(roles, role)
		}
		token, key, err := n.access.Keys.Create(r.FormValue("name"), r.FormValue("chain"), roles, time.Duration(days)*24*time.Hour, time.Now())
		return APIKey{Key: key, Token: token}, err
	}))
	mux.HandleFunc("POST /keys/revoke", obey(n, func(r *http.Request) (any, error) { return n.access.Keys.Revoke(r.FormValue("id"), time.Now()) }))
	mux.HandleFunc("GET /sessions", obey(n, func(*http.Request) (any, error) { return n.access.Sessions.List(time.Now()), nil }))
	mux.HandleFunc("POST /sessions/revoke", obey(n, func(r *http.Request) (any, error) {
		ended := n.access.Sessions.End(r.FormValue("id"))
		if ended == 0 {
			return nil, types.Errorf(types.CodeNotFound, "session of %q", r.FormValue("id"))
		}
		return map[string]int{"ended": ended}, nil
	}))
}

// NewAPIKey has the running node of a home make a key for an application; its token is
// shown this once.
func NewAPIKey(ctx context.Context, home Home, name, chain string, roles []string, days int) (*APIKey, error) {
	q := url.Values{"name": {name}, "chain": {chain}, "roles": {strings.Join(roles, ",")}, "days": {strconv.Itoa(days)}}
	out := new(APIKey)
	return out, orderAccess(ctx, home, http.MethodPost, "/keys/create?"+q.Encode(), out)
}

// APIKeys lists the keys of a running node.
func APIKeys(ctx context.Context, home Home) ([]access.Key, error) {
	all, after := []access.Key{}, ""
	for {
		var page []access.Key
		if err := orderAccess(ctx, home, http.MethodGet, "/keys?after="+url.QueryEscape(after), &page); err != nil {
			return nil, err
		}
		if all = append(all, page...); len(page) < keysPage {
			return all, nil
		}
		after = page[len(page)-1].ID
	}
}

// RevokeAPIKey ends a key at once.
func RevokeAPIKey(ctx context.Context, home Home, id string) (*access.Key, error) {
	out := new(access.Key)
	return out, orderAccess(ctx, home, http.MethodPost, "/keys/revoke?id="+url.QueryEscape(id), out)
}

// WebSessions lists who is logged in to a running node.
func WebSessions(ctx context.Context, home Home) (out []access.Session, err error) {
	return out, orderAccess(ctx, home, http.MethodGet, "/sessions", &out)
}

// EndSessions ends a session by its id, or all of a member, at once.
func EndSessions(ctx context.Context, home Home, idOrMember string) error {
	return orderAccess(ctx, home, http.MethodPost, "/sessions/revoke?id="+url.QueryEscape(idOrMember), new(map[string]int))
}

func orderAccess(ctx context.Context, home Home, method, path string, out any) error {
	if _, running := Holder(home.LockFile()); !running {
		return types.Errorf(types.CodeUnreachable, "no node runs in %s", home.Dir)
	}
	return control(ctx, home, method, path, out)
}
