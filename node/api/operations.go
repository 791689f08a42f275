package api

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/huchain/huchain/node/access"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/types/rest"
)

// nodePath is where a node is operated: by administrators of its organisation, and read by
// auditors. It is served by the web listener alone, and never to somebody unknown.
const nodePath = "/api/v1/node"

// Operations is a node as its operators see it.
type Operations interface {
	// Organisation whose node it is on a chain, by the certificate that it shows there.
	Organisation(chain string) (string, error)
	Node(ctx context.Context) (*rest.Node, error)
	Order(ctx context.Context, chain, order string) (*rest.NodeChain, error) // start or stop
	Certificates() (*rest.NodeCertificates, error)
	Alarms(ctx context.Context) (*rest.Alarms, error)
	Archive(chain string) (*rest.NodeArchive, error) // of a chain that serves
	Settings() (*rest.NodeSettings, error)
	Log(lines int, contains string) (*rest.LogLines, error)
	Audit(records int) (*rest.AuditRecords, error)
}

func (s *Server) registerOperations(api huma.API) {
	read := func(id, path, summary string) huma.Operation {
		return huma.Operation{OperationID: id, Method: http.MethodGet, Path: nodePath + path, Summary: summary}
	}
	register(s, api, read("getNode", "", "How the node and its chains are doing"), func(ctx context.Context, _ *struct{}) (*answer[rest.Node], error) {
		return operate(ctx, s, false, func(o Operations) (*rest.Node, error) { return o.Node(ctx) })
	})
	register(s, api, read("listCertificates", "/certificates", "Certificates beside the chains' keys, and when they end"), func(ctx context.Context, _ *struct{}) (*answer[rest.NodeCertificates], error) {
		return operate(ctx, s, false, func(o Operations) (*rest.NodeCertificates, error) { return o.Certificates() })
	})
	register(s, api, read("listAlarms", "/alarms", "What the node's own examination finds"), func(ctx context.Context, _ *struct{}) (*answer[rest.Alarms], error) {
		return operate(ctx, s, false, func(o Operations) (*rest.Alarms, error) { return o.Alarms(ctx) })
	})
	register(s, api, read("listArchives", "/archives", "What of the chains' history is archived"), func(ctx context.Context, _ *struct{}) (*answer[rest.NodeArchives], error) {
		return operate(ctx, s, false, s.archives)
	})
	register(s, api, read("getSettings", "/config", "Configuration as it runs, secrets masked"), func(ctx context.Context, _ *struct{}) (*answer[rest.NodeSettings], error) {
		return operate(ctx, s, false, func(o Operations) (*rest.NodeSettings, error) { return o.Settings() })
	})
	register(s, api, read("getLog", "/log", "Newest lines of the node's log"), func(ctx context.Context, in *struct {
		Lines    int    `query:"lines" minimum:"1" maximum:"1000" default:"200"`
		Contains string `query:"contains" maxLength:"100"`
	}) (*answer[rest.LogLines], error) {
		return operate(ctx, s, false, func(o Operations) (*rest.LogLines, error) { return o.Log(in.Lines, in.Contains) })
	})
	register(s, api, read("listAudit", "/audit", "Newest records of the audit log"), func(ctx context.Context, in *struct {
		Limit int `query:"limit" minimum:"1" maximum:"1000" default:"100"`
	}) (*answer[rest.AuditRecords], error) {
		return operate(ctx, s, false, func(o Operations) (*rest.AuditRecords, error) { return o.Audit(in.Limit) })
	})
	register(s, api, read("listSessions", "/sessions", "Who is logged in"), func(ctx context.Context, _ *struct{}) (*answer[rest.WebSessions], error) {
		return operate(ctx, s, false, s.webSessions)
	})
	register(s, api, huma.Operation{OperationID: "endSession", Method: http.MethodDelete, Path: nodePath + "/sessions/{id}", Summary: "End a session, or all of a member"},
		func(ctx context.Context, in *struct {
			ID string `path:"id" maxLength:"80"`
		}) (*answer[rest.WebSessions], error) {
			return order(ctx, s, "sessions.revoke", in.ID, func(o Operations) (*rest.WebSessions, error) {
				if s.access.Sessions.End(in.ID) == 0 {
					return nil, types.Errorf(types.CodeNotFound, "session of %q", in.ID)
				}
				return s.webSessions(o)
			})
		})
	post(s, api, huma.Operation{OperationID: "orderChain", Path: nodePath + "/chains/{chain}/{order}", Summary: "Start or stop a chain of this node"},
		func(ctx context.Context, in *struct {
			ChainPath
			Order string `path:"order" enum:"start,stop"`
		}) (*answer[rest.NodeChain], error) {
			return order(ctx, s, "chains."+in.Order, in.Chain, func(o Operations) (*rest.NodeChain, error) {
				if v := visitOf(ctx); in.Order == "stop" && v.who.Chain == in.Chain {
					return nil, types.Errorf(types.CodeUsage, "your session lives on chain %s: stop it with huchain chain stop, or a key that sees all chains", in.Chain)
				}
				return o.Order(ctx, in.Chain, in.Order)
			})
		})
}

// operator returns who asks: HC-1016 for somebody unknown, HC-2201 for one who is neither
// administrator of the node's organisation nor, to read, auditor.
func (s *Server) operator(ctx context.Context, change bool) (*access.Principal, error) {
	v, err := webVisit(ctx)
	if err != nil {
		return nil, err
	}
	switch {
	case s.p.Operations == nil:
		return nil, types.Errorf(types.CodeNotFound, "this node is not operated by its API")
	case v.who == nil:
		return nil, types.Errorf(types.CodeLoginRequired, "a node is operated by those who log in")
	case !change && v.who.HasAny(types.RoleAuditor):
		return v.who, nil
	case !v.who.HasAny(types.RoleAdmin):
		return nil, types.Errorf(types.CodePermissionDenied, "%s has %v; this is for administrators, and for auditors to read", v.who.Name, v.who.Roles)
	case v.who.Address == (types.Address{}):
		return v.who, nil // a key or a person whom the node's operator made an administrator
	}
	org, err := s.p.Operations.Organisation(v.who.Chain)
	if err != nil {
		return nil, err
	}
	if member, _, _ := strings.Cut(v.who.Name, "/"); member != org {
		return nil, types.Errorf(types.CodePermissionDenied, "this node is of organisation %s; %s administers another", org, v.who.Name)
	}
	return v.who, nil
}

func operate[T any](ctx context.Context, s *Server, change bool, f func(Operations) (*T, error)) (*answer[T], error) {
	if _, err := s.operator(ctx, change); err != nil {
		return nil, err
	}
	out, err := f(s.p.Operations)
	if err != nil {
		return nil, err
	}
	return &answer[T]{*out}, nil
}

// order carries out what changes something, recorded before and after; a refusal is
// recorded too.
func order[T any](ctx context.Context, s *Server, action, subject string, f func(Operations) (*T, error)) (*answer[T], error) {
	who, err := s.operator(ctx, true)
	if err != nil {
		if v := visitOf(ctx); v != nil && v.who != nil {
			if rerr := s.access.Record(v.who.Name, action, subject, types.CodeOf(err).String()); rerr != nil {
				return nil, rerr
			}
		}
		return nil, err
	}
	if err := s.access.Record(who.Name, action, subject, "ordered"); err != nil {
		return nil, err
	}
	out, err := f(s.p.Operations)
	if rerr := s.access.Record(who.Name, action, subject, types.CodeOf(err).String()); err == nil {
		err = rerr
	}
	if err != nil {
		return nil, err
	}
	return &answer[T]{*out}, nil
}

func (s *Server) archives(o Operations) (*rest.NodeArchives, error) {
	out := &rest.NodeArchives{Items: []rest.NodeArchive{}}
	var fault error
	s.each(func(c *Chain) {
		a, err := o.Archive(c.Name)
		if err != nil {
			fault = err
			return
		}
		out.Items = append(out.Items, *a)
	})
	return out, fault
}

func (s *Server) webSessions(Operations) (*rest.WebSessions, error) {
	out := &rest.WebSessions{Items: []rest.WebSession{}}
	for _, x := range s.access.Sessions.List(time.Now()) {
		out.Items = append(out.Items, rest.WebSession{ID: x.ID, Chain: x.Chain, Member: string(x.Member), Roles: x.Roles, By: x.By, Began: x.Began, Used: x.Used, Expires: x.Expires})
	}
	return out, nil
}
