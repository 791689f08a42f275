package api

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/huchain/huchain/node/access"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/types/rest"
)

// sessionPath is where a caller asks who it is, and logs out.
const sessionPath = "/api/v1/session"

func (s *Server) registerAccess(api huma.API) {
	s.registerProvider(api)
	get(s, api, "getSession", sessionPath, "As whom this request is served", s.whoAmI)
	register(s, api, huma.Operation{OperationID: "logOut", Method: http.MethodDelete, Path: sessionPath, Summary: "End the session"}, s.logOut)
	post(s, api, huma.Operation{OperationID: "challenge", Path: base + "/{chain}/logins", Summary: "A challenge to log in with"}, s.challenge)
	post(s, api, huma.Operation{
		OperationID: "logIn", Path: base + "/{chain}/sessions", Summary: "Log in by certificate",
		Description: "The body is a signed call of membership.login, a method that no chain has, with the challenge and the server's host:port as " +
			"arguments: {\"challenge\": …, \"host\": …}. It is verified as a transaction would be and never submitted; a member that the chain has not " +
			"seen yet sends its certificate along. The answer sets a cookie for this server.",
		MaxBodyBytes: types.MaxTxBytes + 1,
	}, s.logIn)
}

// webVisit is the visit of a request that came by the web listener; sessions are of no use
// elsewhere.
func webVisit(ctx context.Context) (*visit, error) {
	if v := visitOf(ctx); v != nil {
		return v, nil
	}
	return nil, types.Errorf(types.CodeNotFound, "there are no sessions on this listener")
}

func (s *Server) challenge(ctx context.Context, in *ChainPath) (*answer[rest.Challenge], error) {
	v, err := webVisit(ctx)
	if err != nil {
		return nil, err
	}
	c, err := s.chain(in.Chain)
	if err != nil {
		return nil, err
	}
	text, expires := s.access.Sessions.Challenge(c.Name, time.Now())
	return &answer[rest.Challenge]{rest.Challenge{Challenge: text, Host: v.host, Genesis: c.Genesis.Hash(), Expires: expires}}, nil
}

type cookied[T any] struct {
	Cookie string `header:"Set-Cookie"`
	Body   T
}

func (s *Server) logIn(ctx context.Context, in *struct {
	ChainPath
	RawBody []byte `contentType:"application/octet-stream"`
}) (*cookied[rest.Caller], error) {
	v, err := webVisit(ctx)
	if err != nil {
		return nil, err
	}
	c, err := s.chain(in.Chain)
	if err != nil {
		return nil, err
	}
	tx, err := types.DecodeTx(bytes.Clone(in.RawBody))
	if err != nil {
		return nil, err
	}
	b := &tx.Body
	var args rest.LoginArgs
	dec := json.NewDecoder(bytes.NewReader(b.Args))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&args); err != nil || b.Contract != rest.LoginContract || b.Method != rest.LoginMethod || len(b.Cosigners) > 0 {
		return nil, types.Errorf(types.CodeBadArguments, "a login is a call of %s.%s with challenge and host, signed by one member", rest.LoginContract, rest.LoginMethod)
	}
	if args.Host != v.host {
		return nil, types.Errorf(types.CodePermissionDenied, "signed for %q, this is %q", args.Host, v.host)
	}
	st, at, err := c.view()
	if err != nil {
		return nil, err
	}
	defer st.Release()
	now := time.Now()
	who, err := c.Machine.Authenticate(st, tx, st.Height()+1, max(at+1, now.UnixNano()))
	if err != nil {
		s.log.Warn("login refused", "chain", c.Name, "address", b.Sender, "code", types.CodeOf(err).String())
		return nil, err
	}
	token, session, err := s.access.Sessions.Begin(args.Challenge, access.Session{Chain: c.Name, Member: who.Member, Address: who.Address, Roles: who.Roles}, now)
	if err != nil {
		return nil, err
	}
	if err := s.access.Record(string(who.Member), "login", c.Name, types.CodeOK.String()); err != nil {
		s.access.Sessions.End(session.ID)
		return nil, err
	}
	cookie := sessionCookieOf(v, token)
	principal := &access.Principal{Kind: access.KindSession, ID: session.ID, Name: string(session.Member), Chain: session.Chain, Roles: session.Roles, Expires: session.Expires, Address: session.Address}
	return &cookied[rest.Caller]{cookie.String(), s.caller(principal)}, nil
}

func (s *Server) whoAmI(ctx context.Context, _ *struct{}) (*answer[rest.Caller], error) {
	v, err := webVisit(ctx)
	if err != nil {
		return nil, err
	}
	return &answer[rest.Caller]{s.caller(v.who)}, nil
}

func (s *Server) logOut(ctx context.Context, _ *struct{}) (*cookied[rest.Caller], error) {
	v, err := webVisit(ctx)
	if err != nil {
		return nil, err
	}
	if v.who != nil && v.who.Kind == access.KindSession {
		s.access.Sessions.End(v.who.ID)
		if err := s.access.Record(v.who.Name, "logout", v.who.Chain, types.CodeOK.String()); err != nil {
			return nil, err
		}
	}
	gone := http.Cookie{Name: sessionCookie, Path: "/", HttpOnly: true, Secure: v.secure, SameSite: http.SameSiteStrictMode, MaxAge: -1}
	return &cookied[rest.Caller]{gone.String(), s.caller(nil)}, nil
}

func (s *Server) caller(who *access.Principal) rest.Caller {
	out := rest.Caller{Login: "none", Kind: "anonymous", Chains: []string{}}
	if s.access.Required {
		out.Login = "required"
	}
	if p := s.access.Provider; p != nil {
		out.Provider = p.Issuer()
	}
	s.each(func(c *Chain) { out.Chains = append(out.Chains, c.Name) })
	if who == nil {
		return out
	}
	out.Kind, out.ID, out.Name, out.Chain, out.Roles, out.Expires = who.Kind, who.ID, who.Name, who.Chain, slices.Clone(who.Roles), &who.Expires
	if who.Kind == access.KindSession && who.Address != (types.Address{}) {
		out.Address = &who.Address
	}
	if who.Chain != "" {
		out.Chains = []string{who.Chain}
	}
	return out
}
