package api

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/huchain/huchain/node/access"
	"github.com/huchain/huchain/types"
)

// oidcPath is where logins by a provider begin and end.
const oidcPath = "/api/v1/oidc/"

// oidcCookie ties a login under way to the browser that began it.
const oidcCookie = "huchain_oidc"

type redirect struct {
	Status   int
	Location string        `header:"Location"`
	Cookies  []http.Cookie `header:"Set-Cookie"`
}

func (s *Server) registerProvider(api huma.API) {
	found := map[string]*huma.Response{"302": {Description: "Found"}}
	register(s, api, huma.Operation{OperationID: "oidcLogin", Method: http.MethodGet, Path: oidcPath + "login", DefaultStatus: http.StatusFound, Responses: found,
		Summary: "Go to the OpenID Connect provider to log in"}, s.providerLeave)
	register(s, api, huma.Operation{OperationID: "oidcCallback", Method: http.MethodGet, Path: oidcPath + "callback", DefaultStatus: http.StatusFound, Responses: found,
		Summary: "Come back from the provider", Description: "Sets the cookie of a session and leads to the console; to its login page with the error's code if the login is refused."}, s.providerReturn)
}

// provider of this listener: HC-1003 where there is none.
func (s *Server) provider(ctx context.Context) (*access.Provider, *visit, error) {
	v, err := webVisit(ctx)
	if err == nil && s.access.Provider == nil {
		err = types.Errorf(types.CodeNotFound, "this node has no OpenID Connect provider: web.oidc in node.toml names it")
	}
	return s.access.Provider, v, err
}

// oidcCookieOf is lax: the callback is a navigation that comes from the provider's site.
func oidcCookieOf(v *visit, value string, seconds int) http.Cookie {
	return http.Cookie{Name: oidcCookie, Value: value, Path: oidcPath, HttpOnly: true, Secure: v.secure, SameSite: http.SameSiteLaxMode, MaxAge: seconds}
}

func (s *Server) providerLeave(ctx context.Context, _ *struct{}) (*redirect, error) {
	p, v, err := s.provider(ctx)
	if err != nil {
		return nil, err
	}
	to, secret, err := p.Leave(time.Now())
	if err != nil {
		return nil, err
	}
	return &redirect{http.StatusFound, to, []http.Cookie{oidcCookieOf(v, secret, int(access.ProviderLoginLife.Seconds()))}}, nil
}

func (s *Server) providerReturn(ctx context.Context, in *struct {
	State       string `query:"state" maxLength:"128"`
	Code        string `query:"code" maxLength:"4096"`
	Error       string `query:"error" maxLength:"128"`
	Description string `query:"error_description" maxLength:"1024"`
	URI         string `query:"error_uri" maxLength:"1024"`
	Session     string `query:"session_state" maxLength:"1024"`
	Issuer      string `query:"iss" maxLength:"1024"`
	Scope       string `query:"scope" maxLength:"1024"`
	Secret      string `cookie:"huchain_oidc" maxLength:"128"`
}) (*redirect, error) {
	p, v, err := s.provider(ctx)
	if err != nil {
		return nil, err
	}
	out := &redirect{http.StatusFound, consolePath, []http.Cookie{oidcCookieOf(v, "", -1)}}
	session, err := s.arrive(ctx, p, v, in.State, in.Code, in.Secret, in.Error, in.Issuer)
	if err != nil {
		code := types.CodeOf(err)
		s.log.Warn("login by provider refused", "issuer", p.Issuer(), "code", code.String(), "error", err)
		if rerr := s.access.Record("oidc", "login", p.Chain(), code.String()); rerr != nil {
			return nil, rerr
		}
		out.Location += "?refused=" + url.QueryEscape(code.String())
		return out, nil
	}
	out.Cookies = append(out.Cookies, *session)
	return out, nil
}

// arrive opens a session for whom the provider vouches for.
func (s *Server) arrive(ctx context.Context, p *access.Provider, v *visit, state, code, secret, refused, issuer string) (*http.Cookie, error) {
	if refused != "" || issuer != "" && issuer != p.Issuer() {
		return nil, types.Errorf(types.CodePermissionDenied, "the provider refuses: %.64q", refused)
	}
	c, err := s.chain(p.Chain())
	if err != nil {
		return nil, err
	}
	who, err := p.Return(ctx, state, code, secret, time.Now())
	if err != nil {
		return nil, err
	}
	session := access.Session{Chain: c.Name, Member: types.MemberID(who.Name), Roles: who.Roles}
	if who.Member != "" {
		session.Member = who.Member
		if session.Address, err = c.address(string(who.Member)); err != nil {
			return nil, err
		}
		m, err := c.Machine.Standing(c.Ledger, session.Address, time.Now())
		if err != nil {
			return nil, err
		}
		session.Roles = m.Roles
	}
	token, session, err := s.access.Sessions.Open(session, time.Now())
	if err != nil {
		return nil, err
	}
	if err := s.access.Record(string(session.Member), "login.oidc", c.Name, types.CodeOK.String()); err != nil {
		s.access.Sessions.End(session.ID)
		return nil, err
	}
	cookie := sessionCookieOf(v, token)
	return &cookie, nil
}

func sessionCookieOf(v *visit, token string) http.Cookie {
	return http.Cookie{Name: sessionCookie, Value: token, Path: "/", HttpOnly: true, Secure: v.secure, SameSite: http.SameSiteStrictMode, MaxAge: int(access.SessionLife.Seconds())}
}
