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

// Tenancy is who may use a service of a chain: flows, applications, tenants, their
// applications' keys and messages. Errors are coded.
type Tenancy interface {
	Standing(context.Context, *rest.Caller, *rest.ListQuery) (*rest.Standing, error)
	Flow(context.Context, *rest.Caller, *rest.ListQuery) (*rest.Flow, error)
	SetFlow(context.Context, *rest.Caller, *rest.FlowChange) (*rest.Flow, error)
	Apply(context.Context, *rest.Caller, *rest.ApplicationNew) (*rest.Opening, error)
	Openings(context.Context, *rest.Caller, *rest.OpeningQuery) (*rest.Openings, error)
	Opening(context.Context, *rest.Caller, *rest.OpeningRef) (*rest.Opening, error)
	Decide(context.Context, *rest.Caller, *rest.DecisionNew) (*rest.Opening, error)
	ClaimKeys(context.Context, *rest.Caller, *rest.ClaimNew) (*rest.Apps, error)
	Tenants(context.Context, *rest.Caller, *rest.TenantQuery) (*rest.Tenants, error)
	ChangeTenant(context.Context, *rest.Caller, *rest.TenantChange) (*rest.Tenant, error)
	Apps(context.Context, *rest.Caller, *rest.ListQuery) (*rest.Apps, error)
	NewApp(context.Context, *rest.Caller, *rest.AppNew) (*rest.App, error)
	RevokeApp(context.Context, *rest.Caller, *rest.AppRef) (*rest.App, error)
	Permissions(context.Context, *rest.Caller, *rest.ListQuery) (*rest.Permissions, error)
	SetPermission(context.Context, *rest.Caller, *rest.PermissionChange) (*rest.Permissions, error)
	Notices(context.Context, *rest.Caller, *rest.NoticeQuery) (*rest.Notices, error)
	ReadNotices(context.Context, *rest.Caller, *rest.NoticeRead) (*rest.Done, error)
	LostMessages(context.Context, *rest.Caller, *rest.DeadLetterQuery) (*rest.LostMessages, error)
	Resend(context.Context, *rest.Caller, *rest.ResendRequest) (*rest.Done, error)
}

// Deposits is what tenants do with evidence.
type Deposits interface {
	SaveTemplate(context.Context, *rest.Caller, *rest.TemplateNew) (*rest.EvidenceTemplate, error)
	Templates(context.Context, *rest.Caller, *rest.ListQuery) (*rest.EvidenceTemplates, error)
	Template(context.Context, *rest.Caller, *rest.TemplateRef) (*rest.EvidenceTemplate, error)
	DepositText(context.Context, *rest.Caller, *rest.TextNew) (*rest.EvidenceReceipt, error)
	DepositFile(context.Context, *rest.Caller, *rest.FileNew) (*rest.EvidenceReceipt, error)
	AcceptText(context.Context, *rest.Caller, *rest.TextNew) (*rest.EvidenceReceipt, error)
	AcceptFile(context.Context, *rest.Caller, *rest.FileNew) (*rest.EvidenceReceipt, error)
	Search(context.Context, *rest.Caller, *rest.EvidenceSearch) (*rest.EvidenceReceipts, error)
	Receipt(context.Context, *rest.Caller, *rest.ReceiptWait) (*rest.EvidenceReceipt, error)
	Original(context.Context, *rest.Caller, *rest.ReceiptRef) (*rest.Blob, error)
	Certificate(context.Context, *rest.Caller, *rest.ReceiptRef) (*rest.Blob, error)
	Proof(context.Context, *rest.Caller, *rest.ReceiptRef) (*rest.Blob, error)
	VerifyEvidence(context.Context, *rest.Caller, *rest.VerificationNew) (*rest.EvidenceVerdict, error)
	Grants(context.Context, *rest.Caller, *rest.ReceiptRef) (*rest.Grants, error)
	Grant(context.Context, *rest.Caller, *rest.GrantNew) (*rest.Grant, error)
	RevokeGrant(context.Context, *rest.Caller, *rest.GrantRef) (*rest.Grant, error)
	Statistics(context.Context, *rest.Caller, *rest.StatisticsQuery) (*rest.EvidenceStatistics, error)
	Settings(context.Context, *rest.Caller, *rest.ListQuery) (*rest.Settings, error)
}

// EvidenceChains are chains of evidence along templates.
type EvidenceChains interface {
	SaveChainTemplate(context.Context, *rest.Caller, *rest.ChainTemplateNew) (*rest.EvidenceChainTemplate, error)
	ChainTemplates(context.Context, *rest.Caller, *rest.ListQuery) (*rest.EvidenceChainTemplates, error)
	ChainTemplate(context.Context, *rest.Caller, *rest.TemplateRef) (*rest.EvidenceChainTemplate, error)
	OpenChain(context.Context, *rest.Caller, *rest.EvidenceChainNew) (*rest.EvidenceChain, error)
	Chains(context.Context, *rest.Caller, *rest.EvidenceChainQuery) (*rest.EvidenceChains, error)
	Chain(context.Context, *rest.Caller, *rest.EvidenceChainRef) (*rest.EvidenceChain, error)
}

// Outside is what is done with outside parties: notaries and courts.
type Outside interface {
	Notarise(context.Context, *rest.Caller, *rest.NotarisationNew) (*rest.Notarisation, error)
	RegisterCase(context.Context, *rest.Caller, *rest.CaseNew) (*rest.Case, error)
	CloseCase(context.Context, *rest.Caller, *rest.CaseRef) (*rest.Case, error)
	Cases(context.Context, *rest.Caller, *rest.ListQuery) (*rest.Cases, error)
	CourtQuery(context.Context, *rest.Caller, *rest.CourtQueryNew) (*rest.CourtAnswer, error)
	CourtRecords(context.Context, *rest.Caller, *rest.ListQuery) (*rest.CourtRecords, error)
}

// Evidence is the evidence service of a chain: services/evidence.
type Evidence interface {
	Tenancy
	Deposits
	EvidenceChains
	Outside
}

const (
	evidenceBase = base + "/{chain}/evidence"
	evidenceTag  = "evidence"
	// maxEvidenceFile bounds an original; tenants may be granted less.
	maxEvidenceFile = 32 << 20
)

// openEvidence reports what of the service, behind the chain's name, is for everybody to
// post: to verify, to apply with the signature of a DID, and to take keys with a claim.
func openEvidence(what string) bool {
	rest, ok := strings.CutPrefix(what, "evidence/")
	return ok && (rest == "verifications" || rest == "openings" || strings.HasPrefix(rest, "openings/") && strings.HasSuffix(rest, "/claims"))
}

func (s *Server) registerEvidence(api huma.API) {
	s.registerTenancy(api)
	s.registerDeposits(api)
	s.registerEvidenceChains(api)
	ask(s, api, "notarise", http.MethodPost, "/deposits/{id}/notarisations", "Have the notary attest a deposit, and link its answer on the chain", Evidence.Notarise)
	ask(s, api, "registerCase", http.MethodPost, "/court/cases", "Register a case number of a court", Evidence.RegisterCase)
	ask(s, api, "closeCase", http.MethodDelete, "/court/cases/{number}", "Close a case: the court is answered no more", Evidence.CloseCase)
	ask(s, api, "listCases", http.MethodGet, "/court/cases", "Registered cases", Evidence.Cases)
	ask(s, api, "courtQuery", http.MethodPost, "/court/queries", "Ask, as a court, about a deposit that its owner granted to a case", Evidence.CourtQuery)
	ask(s, api, "listCourtQueries", http.MethodGet, "/court/queries", "What courts asked, newest first", Evidence.CourtRecords)
}

func (s *Server) registerTenancy(api huma.API) {
	ask(s, api, "getStanding", http.MethodGet, "/standing", "As whom the service serves the caller", Evidence.Standing)
	ask(s, api, "getOpeningFlow", http.MethodGet, "/flow", "How tenants are opened", Evidence.Flow)
	ask(s, api, "setOpeningFlow", http.MethodPut, "/flow", "Change how tenants are opened", Evidence.SetFlow)
	ask(s, api, "applyForTenant", http.MethodPost, "/openings", "Apply for a tenant", Evidence.Apply)
	ask(s, api, "listOpenings", http.MethodGet, "/openings", "Applications, newest first", Evidence.Openings)
	ask(s, api, "getOpening", http.MethodGet, "/openings/{id}", "An application", Evidence.Opening)
	ask(s, api, "decideOpening", http.MethodPost, "/openings/{id}/decisions", "Approve or refuse the step of an application that is due", Evidence.Decide)
	ask(s, api, "claimKeys", http.MethodPost, "/openings/{id}/claims", "Take the application keys of a tenant that was opened, once", Evidence.ClaimKeys)
	ask(s, api, "listTenants", http.MethodGet, "/tenants", "Tenants that the caller sees", Evidence.Tenants)
	ask(s, api, "changeTenant", http.MethodPut, "/tenants/{id}", "Set users and state of a tenant", Evidence.ChangeTenant)
	ask(s, api, "listApps", http.MethodGet, "/apps", "Applications of the caller's tenant", Evidence.Apps)
	ask(s, api, "newApp", http.MethodPost, "/apps", "Make an application with a key", Evidence.NewApp)
	ask(s, api, "revokeApp", http.MethodDelete, "/apps/{id}", "End an application's key at once", Evidence.RevokeApp)
	ask(s, api, "listPermissions", http.MethodGet, "/permissions", "Who runs the service", Evidence.Permissions)
	ask(s, api, "setPermission", http.MethodPut, "/permissions", "Give or take a part in running the service", Evidence.SetPermission)
	ask(s, api, "listNotices", http.MethodGet, "/notices", "Messages to the caller's tenant, newest first", Evidence.Notices)
	ask(s, api, "readNotices", http.MethodPost, "/notices/read", "Mark messages as read", Evidence.ReadNotices)
	ask(s, api, "listLostMessages", http.MethodGet, "/webhooks/dead", "Webhook messages that were given up", Evidence.LostMessages)
	ask(s, api, "resendMessages", http.MethodPost, "/webhooks/resend", "Send lost webhook messages again", Evidence.Resend)
}

func (s *Server) registerDeposits(api huma.API) {
	ask(s, api, "saveTemplate", http.MethodPost, "/templates", "Save a version of a template", Evidence.SaveTemplate)
	ask(s, api, "listEvidenceTemplates", http.MethodGet, "/templates", "Templates of the caller's tenant", Evidence.Templates)
	ask(s, api, "getEvidenceTemplate", http.MethodGet, "/templates/{id}", "A template", Evidence.Template)
	ask(s, api, "depositText", http.MethodPost, "/deposits", "Deposit a text, or the fields of a template; answers when it is committed", Evidence.DepositText)
	ask(s, api, "depositFile", http.MethodPost, "/files", "Deposit a file, which is the body; answers when it is committed", Evidence.DepositFile)
	ask(s, api, "acceptText", http.MethodPost, "/gateway/deposits", "Hand in a text for deposit; answers when it is durably accepted", Evidence.AcceptText)
	ask(s, api, "acceptFile", http.MethodPost, "/gateway/files", "Hand in a file for deposit; answers when it is durably accepted", Evidence.AcceptFile)
	ask(s, api, "searchEvidence", http.MethodGet, "/deposits", "Deposits by id, hash, time, tag, type, application, newest first", Evidence.Search)
	ask(s, api, "getReceipt", http.MethodGet, "/deposits/{id}", "Receipt of a deposit", Evidence.Receipt)
	ask(s, api, "getOriginal", http.MethodGet, "/deposits/{id}/original", "The original, checked against its hash", Evidence.Original)
	ask(s, api, "getEvidenceCertificate", http.MethodGet, "/deposits/{id}/certificate", "Certificate as signed PDF with the proof", Evidence.Certificate)
	ask(s, api, "getEvidenceProof", http.MethodGet, "/deposits/{id}/proof", "Proof file, which is checked against the genesis file alone", Evidence.Proof)
	ask(s, api, "verifyEvidence", http.MethodPost, "/verifications", "Whether something was deposited, and when; open to everybody", Evidence.VerifyEvidence)
	ask(s, api, "listGrants", http.MethodGet, "/deposits/{id}/grants", "To whom a deposit is granted", Evidence.Grants)
	ask(s, api, "grantEvidence", http.MethodPost, "/deposits/{id}/grants", "Let another tenant or a court case read a deposit", Evidence.Grant)
	ask(s, api, "revokeGrant", http.MethodDelete, "/deposits/{id}/grants/{to}", "End a grant", Evidence.RevokeGrant)
	ask(s, api, "getEvidenceStatistics", http.MethodGet, "/statistics", "Figures about committed deposits", Evidence.Statistics)
	ask(s, api, "getEvidenceSettings", http.MethodGet, "/settings", "Running configuration, for administrators", Evidence.Settings)
}

func (s *Server) registerEvidenceChains(api huma.API) {
	ask(s, api, "saveChainTemplate", http.MethodPost, "/chain-templates", "Save a version of an evidence-chain template", Evidence.SaveChainTemplate)
	ask(s, api, "listChainTemplates", http.MethodGet, "/chain-templates", "Evidence-chain templates that name the caller's tenant", Evidence.ChainTemplates)
	ask(s, api, "getChainTemplate", http.MethodGet, "/chain-templates/{id}", "An evidence-chain template", Evidence.ChainTemplate)
	ask(s, api, "openEvidenceChain", http.MethodPost, "/chains", "Open an evidence chain along a template", Evidence.OpenChain)
	ask(s, api, "listEvidenceChains", http.MethodGet, "/chains", "Evidence chains to which the caller's tenant is a party", Evidence.Chains)
	ask(s, api, "getEvidenceChain", http.MethodGet, "/chains/{id}", "An evidence chain, verified", Evidence.Chain)
}

// ofChain is a request that names its chain.
type ofChain[I any] interface {
	*I
	ChainName() string
}

// ask adds an operation of the evidence service: HC-4702 where the node does not offer it.
func ask[I any, P ofChain[I], O any](s *Server, api huma.API, id, method, path, summary string,
	question func(Evidence, context.Context, *rest.Caller, *I) (*O, error),
) {
	op := huma.Operation{OperationID: id, Method: method, Path: evidenceBase + path, Summary: summary, Tags: []string{evidenceTag}, DefaultStatus: http.StatusOK, MaxBodyBytes: 4 << 20}
	if _, file := any(new(I)).(*rest.FileNew); file {
		op.MaxBodyBytes, op.BodyReadTimeout = maxEvidenceFile+1, 5*time.Minute
	}
	evidenceOf := func(ctx context.Context, in *I) (*O, error) {
		c, err := s.chain(P(in).ChainName())
		if err != nil {
			return nil, err
		}
		if c.Evidence == nil {
			return nil, types.Errorf(types.CodeServiceAbsent, "evidence on node %s, chain %s", s.node, c.Name)
		}
		if v := visitOf(ctx); method != http.MethodGet && v != nil && v.who != nil && v.who.By == access.ByProvider {
			return nil, types.Errorf(types.CodePermissionDenied, "who logged in by a provider reads; log in by certificate")
		}
		return question(c.Evidence, ctx, callerIn(ctx), in)
	}
	if _, blob := any(new(O)).(*rest.Blob); blob {
		op.Responses = map[string]*huma.Response{"200": {Description: "OK", Content: map[string]*huma.MediaType{
			"application/octet-stream": {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}},
		}}}
		register(s, api, op, evidenceOf)
		return
	}
	register(s, api, op, func(ctx context.Context, in *I) (*answer[O], error) {
		out, err := evidenceOf(ctx, in)
		if err != nil {
			return nil, err
		}
		return &answer[O]{*out}, nil
	})
}

// callerIn says as whom a request is served: a session or a key at the web listener, the
// member of a TLCP connection, or nobody in particular.
func callerIn(ctx context.Context) *rest.Caller {
	if v := visitOf(ctx); v != nil && v.who != nil {
		return &rest.Caller{Kind: v.who.Kind, ID: v.who.ID, Name: v.who.Name, Chain: v.who.Chain, Roles: v.who.Roles}
	}
	if v, ok := ctx.Value(visitorKey{}).(*visitor); ok {
		if peer := v.conn.Peer(); peer != nil {
			out := &rest.Caller{Kind: "session", Name: peer.Org + "/" + peer.Name}
			for _, r := range peer.Roles {
				out.Roles = append(out.Roles, types.Role(r))
			}
			return out
		}
	}
	return &rest.Caller{Kind: "anonymous"}
}
