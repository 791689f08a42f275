package api

import (
	"net/http"
	"net/url"
	"slices"

	"github.com/huchain/huchain/types"
)

// ValidOrigin checks an origin that pages may call the API from: scheme, host and port, as
// a browser sends it.
func ValidOrigin(s string) error {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.Scheme != "https" && (u.Scheme != "http" || !loopbackHost(u.Host)) || u.Scheme+"://"+u.Host != s {
		return types.Errorf(types.CodeConfig, "%q is no origin of pages: https://host[:port], or http:// on this machine", s)
	}
	return nil
}

// origins lets pages of other sites in, as the node's policy says. The zero value lets in
// pages of the node itself alone.
type origins struct {
	allowed []string
	csrf    *http.CrossOriginProtection
}

func newOrigins(allowed []string) (*origins, error) {
	o := &origins{allowed: allowed, csrf: http.NewCrossOriginProtection()}
	for _, a := range allowed {
		if err := ValidOrigin(a); err != nil {
			return nil, err
		}
		if err := o.csrf.AddTrustedOrigin(a); err != nil {
			return nil, types.Errorf(types.CodeConfig, "%w", err)
		}
	}
	return o, nil
}

// admit tells a browser what pages of another site may do (CORS), and refuses requests of
// such pages that change something. It reports whether the request was answered: a
// preflight asks for nothing more.
func (o *origins) admit(w http.ResponseWriter, r *http.Request) (answered bool, err error) {
	origin := r.Header.Get("Origin")
	if origin == "" {
		return false, o.crossSite(r)
	}
	w.Header().Add("Vary", "Origin")
	if slices.Contains(o.allowed, origin) {
		h := w.Header()
		h.Set("Access-Control-Allow-Origin", origin)
		h.Set("Access-Control-Expose-Headers", "X-Request-Id, Retry-After, ETag")
		if r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != "" {
			h.Set("Access-Control-Allow-Methods", "GET, POST, DELETE")
			h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, Last-Event-ID, X-Request-Id")
			h.Set("Access-Control-Max-Age", "600")
			w.WriteHeader(http.StatusNoContent)
			return true, nil
		}
	}
	return false, o.crossSite(r)
}

func (o *origins) crossSite(r *http.Request) error {
	if err := o.csrf.Check(r); err != nil {
		return types.Errorf(types.CodePermissionDenied, "a page of another site may not call this node: %w; web.origins in node.toml lists those that may", err)
	}
	return nil
}
