package test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/client"
	"github.com/huchain/huchain/crosschain/light"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/crypto/cert"
	"github.com/huchain/huchain/services/certificate"
	"github.com/huchain/huchain/services/connector"
	"github.com/huchain/huchain/services/evidence"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/types/rest"
)

// notaryAddress is the file of a network's home that says where its notary would listen.
const notaryAddress = "notary.address"

// hireNotary configures a notary for the first validator's evidence service. Who wants it to
// answer starts a stand-in by standInNotary.
func (n *network) hireNotary() {
	n.t.Helper()
	key, err := crypto.GenerateKey(rand.Reader)
	require.NoError(n.t, err)
	ca, err := cert.NewCA("notarial-office", key, time.Now().Add(-time.Hour), time.Now().AddDate(1, 0, 0))
	require.NoError(n.t, err)
	address := freeAddress(n.t)
	file := func(name string, b []byte) string {
		path := filepath.Join(n.home, name)
		require.NoError(n.t, os.WriteFile(path, b, 0o600))
		return path
	}
	file(notaryAddress, []byte(address))
	roots := file("notary.pem", cert.EncodePEM(ca.Root().Raw))
	token := file("notary.token", []byte("notary-token\n"))
	notaryCAs.Store(n.home, ca)
	path := n.NodeHome(n.Nodes[0].Name).Chain(n.Chain).ConfigFile()
	text, err := os.ReadFile(path)
	require.NoError(n.t, err)
	if strings.Contains(string(text), "[evidence]") {
		text = fmt.Appendf(text, "\n[evidence.notary]\nurl = \"http://%s/attest\"\norg = \"notarial-office\"\nroots = %q\ntokenFile = %q\n", address, roots, token)
		require.NoError(n.t, os.WriteFile(path, text, 0o644))
	}
}

var notaryCAs sync.Map // of *cert.CA, by home

// standInNotary answers as a notary would; lie may change what it answers.
func (n *network) standInNotary(lie *func(*evidence.Attestation, *evidence.NotaryAnswer)) {
	ca, _ := notaryCAs.Load(n.home)
	key, err := crypto.GenerateKey(rand.Reader)
	require.NoError(n.t, err)
	crt, err := ca.(*cert.CA).Issue(cert.Request{Name: "notary", Roles: []string{"client"}, PublicKey: key.Public(), NotBefore: time.Now().Add(-time.Minute), NotAfter: time.Now().AddDate(0, 1, 0)})
	require.NoError(n.t, err)
	address, err := os.ReadFile(filepath.Join(n.home, notaryAddress))
	require.NoError(n.t, err)
	l, err := net.Listen("tcp", string(address))
	require.NoError(n.t, err)
	srv := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in evidence.NotaryRequest
		if r.Header.Get("Authorization") != "Bearer notary-token" || json.NewDecoder(r.Body).Decode(&in) != nil || r.Header.Get("Idempotency-Key") != in.Deposit {
			http.Error(w, "who asks?", http.StatusForbidden)
			return
		}
		a := evidence.Attestation{Serial: "(2026)证字第" + in.Deposit[:8] + "号", Hash: in.Hash, Deposit: in.Deposit, Time: time.Now().UTC().Truncate(time.Second)}
		out := evidence.NotaryAnswer{Certificate: crt.Raw}
		if *lie != nil {
			(*lie)(&a, nil)
		}
		body, _ := json.Marshal(a)        //nolint:errcheck // plain values
		out.Body = body                   // signed as it stands
		out.Signature, _ = key.Sign(body) //nolint:errcheck // the check tells
		if *lie != nil {
			(*lie)(nil, &out)
		}
		json.NewEncoder(w).Encode(out) //nolint:errcheck // the client is gone
	})}
	go srv.Serve(l) //nolint:errcheck // closed below
	n.t.Cleanup(func() { srv.Close() })
}

// visitor is somebody who uses the evidence service.
type visitor struct {
	*client.Evidence
	t *testing.T
}

func (v visitor) ask(method string, in, out any, segments ...string) error {
	return v.Ask(v.t.Context(), method, nil, in, out, segments...)
}

func (n *network) logIn(t *testing.T, id *client.Identity) visitor {
	return n.logInBy(t, id, nil)
}

// logInBy is logIn with answers going through a transport, which may be nil.
func (n *network) logInBy(t *testing.T, id *client.Identity, through http.RoundTripper) visitor {
	p := client.DefaultParams(n.Nodes[0].URL())
	p.Chain = n.Chain
	if through != nil {
		p.HTTP = &http.Client{Transport: through}
	}
	c, err := client.New(t.Context(), p)
	require.NoError(t, err)
	c, err = c.LogIn(t.Context(), id)
	require.NoError(t, err)
	return visitor{c.Evidence(), t}
}

func (n *network) withKey(t *testing.T, token string) visitor {
	p := client.DefaultParams(n.Nodes[0].URL())
	p.Chain, p.APIKey = n.Chain, token
	c, err := client.New(t.Context(), p)
	require.NoError(t, err)
	return visitor{c.Evidence(), t}
}

// newMember makes a member of an organisation whom the chain knows.
func (n *network) newMember(t *testing.T, id types.MemberID) *client.Identity {
	who, err := n.AddMember(id, []types.Role{types.RoleClient})
	require.NoError(t, err)
	_, err = n.client(0).Call(t.Context(), who, "evidence", "deposit", map[string]any{"hash": crypto.Sum([]byte(id)), "title": string(id)})
	require.NoError(t, err)
	return who
}

func code(err error) string { return types.CodeOf(err).String() }

// open applies for a tenant, has the administrator approve it, and takes the keys.
func (n *network) open(t *testing.T, admin, who visitor, app *rest.Application) (tenant string, keys []rest.App) {
	var o rest.Opening
	require.NoError(t, who.ask(http.MethodPost, app, &o, "openings"))
	claim := o.Claim
	in := &rest.DecisionNew{}
	in.Body.Step, in.Body.Approved = o.Next.Name, true
	require.NoError(t, admin.ask(http.MethodPost, &in.Body, &o, "openings", o.ID, "decisions"))
	require.Equal(t, "opened", o.State)
	var out rest.Apps
	take := &rest.ClaimNew{}
	take.Body.Claim = claim
	require.NoError(t, who.ask(http.MethodPost, &take.Body, &out, "openings", o.ID, "claims"))
	require.Error(t, who.ask(http.MethodPost, &take.Body, &out, "openings", o.ID, "claims"), "once")
	return o.Tenant, out.Items
}

// The evidence service from application to court, by the Go client, against a network.
//
// covers: B1.01, B1.02, B1.03, B1.04, B1.06, B1.07, B1.08, B1.10, B1.14, B1.15
func TestEvidenceService(t *testing.T) {
	n := shared(t, "calm", beside, nil)
	root, err := n.Member("archives/admin")
	require.NoError(t, err)
	said := describing(t, n.Nodes[0].URL())
	admin := n.logInBy(t, root, said)
	agency, firm := n.newMember(t, "archives/agency"), n.newMember(t, "city/firm")
	inAgency, inFirm := n.logInBy(t, agency, said), n.logInBy(t, firm, said)
	nobody := visitor{n.client(0).Evidence(), t}

	// Nobody deposits before a tenant is open; the webhook is told when it is.
	_, err = inAgency.DepositText(t.Context(), &rest.EvidenceDeposit{Title: "t", Text: "x"}, "")
	require.Equal(t, "HC-4703", code(err))
	_, err = nobody.DepositText(t.Context(), &rest.EvidenceDeposit{Title: "t", Text: "x"}, "")
	require.Equal(t, "HC-1016", code(err), "unsigned")
	told := make(chan string, 100)
	secret := "0123456789abcdef"
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, rerr := io.ReadAll(r.Body)
		var m struct{ Kind, Tenant string }
		if rerr != nil || connector.Check([]byte(secret), r.Header, body, time.Now()) != nil || json.Unmarshal(body, &m) != nil {
			http.Error(w, "?", http.StatusBadRequest)
			return
		}
		select {
		case told <- m.Kind:
		default: // nobody asks for so many, and whoever ends the test waits for this answer
		}
	}))
	t.Cleanup(hook.Close)
	var flow rest.Flow
	require.NoError(t, admin.ask(http.MethodGet, nil, &flow, "flow"))
	flow.Required, flow.Defaults.RequestsPerSecond = []string{"contact"}, 20
	require.Equal(t, "HC-2201", code(inAgency.ask(http.MethodPut, &flow, &flow, "flow")))
	require.NoError(t, admin.ask(http.MethodPut, &flow, &flow, "flow"))
	app := &rest.Application{Kind: "department", Name: "市档案局", Identity: "archives/agency", Apps: []string{"oa"}, Webhook: &rest.Webhook{URL: hook.URL, Secret: secret}}
	require.Equal(t, "HC-4705", code(inAgency.ask(http.MethodPost, app, new(rest.Opening), "openings")), "incomplete")
	app.Contact = "a"
	require.Equal(t, "HC-4704", code(inFirm.ask(http.MethodPost, app, new(rest.Opening), "openings")), "another's identity")
	stranger := *app
	stranger.Identity = "archives/nobody"
	require.Equal(t, "HC-4704", code(inAgency.ask(http.MethodPost, &stranger, new(rest.Opening), "openings")))
	tenant, keys := n.open(t, admin, inAgency, app)
	require.Len(t, keys, 1)
	hears := func(want string) {
		t.Helper()
		for {
			select {
			case kind := <-told:
				if kind == want {
					return
				}
			case <-time.After(2 * time.Minute):
				t.Fatalf("the webhook never heard %s", want)
			}
		}
	}
	hears("tenant.opened")
	other, _ := n.open(t, admin, inFirm, &rest.Application{Kind: "enterprise", Name: "某公司", Identity: "city/firm", Contact: "b"})
	oa := n.withKey(t, keys[0].Token)

	n.evidenceDeposits(t, admin, inAgency, inFirm, oa)
	hears("deposit.committed")
	n.evidenceChain(t, inAgency, inFirm, tenant, other)
	n.evidenceOutside(t, admin, inAgency)
	n.evidencePerson(t, admin)
	n.evidenceAdministration(t, admin, inAgency)
	require.GreaterOrEqual(t, len(said.met), 25, "routes whose good answers were held against their description: %v", said.met)
	n.evidenceRefusals(t, keys[0].Token)
	n.evidenceCommands(t, tenant)
	n.scrubOften() // from the restart on
	n.evidenceGateway(t, oa)
	n.evidenceFiles(t, n.logIn(t, root))
	n.sameState(0, 1, 2, 3)
}

// evidenceDeposits: templates, deposits, search, verification and grants.
func (n *network) evidenceDeposits(t *testing.T, admin, mine, others, oa visitor) {
	template := &rest.EvidenceTemplate{ID: "contract", Version: 1, Title: "合同", File: "optional", Fields: []rest.EvidenceField{
		{Name: "party", Type: "text", Required: true, Max: 10}, {Name: "price", Type: "decimal", Encrypted: true}}}
	require.NoError(t, mine.ask(http.MethodPost, template, template, "templates"))
	require.Equal(t, "HC-4707", code(mine.ask(http.MethodPost, template, template, "templates")))
	form := &rest.EvidenceDeposit{Title: "合同一", Template: "contract", Fields: map[string]string{"price": "12.50"}, Tags: []string{"合同"}}
	_, err := mine.DepositText(t.Context(), form, "")
	require.Equal(t, "HC-4706", code(err), "a required field is missing")
	form.Fields["party"] = "某公司"
	_, err = others.DepositText(t.Context(), form, "")
	require.Equal(t, "HC-4706", code(err), "another tenant's template")
	r, err := mine.DepositText(t.Context(), form, "")
	require.NoError(t, err)
	require.Equal(t, "committed", r.State)
	require.Equal(t, "form", r.Type)

	file := append([]byte("%PDF-1.7\n"), bytes.Repeat([]byte("原文"), 1000)...)
	f, err := oa.DepositFile(t.Context(), &rest.EvidenceDeposit{Title: "扫描件", Tags: []string{"a", "b"}}, "scan.pdf", file, "key-1")
	require.NoError(t, err)
	require.Equal(t, crypto.Sum(file), f.Hash)
	require.Equal(t, "document", f.Type)
	again, err := oa.DepositFile(t.Context(), &rest.EvidenceDeposit{Title: "扫描件", Tags: []string{"a", "b"}}, "scan.pdf", file, "key-1")
	require.NoError(t, err)
	require.Equal(t, f, again, "the same receipt")
	_, err = oa.DepositFile(t.Context(), &rest.EvidenceDeposit{Title: "另一份"}, "scan.pdf", file, "key-1")
	require.Equal(t, "HC-4709", code(err))
	_, err = others.DepositFile(t.Context(), &rest.EvidenceDeposit{Title: "抢注"}, "x.pdf", file, "")
	require.Equal(t, "HC-4708", code(err))
	// The ledger holds the hash and words about it, no byte of the original; targets hold no
	// plain byte either.
	tx, err := n.client(0).Tx(t.Context(), *f.TxID, false)
	require.NoError(t, err)
	require.Contains(t, fmt.Sprintf("%s", tx.Args), f.Hash.String())
	require.NotContains(t, fmt.Sprintf("%s", tx.Args), "原文原文")
	require.NoError(t, filepath.WalkDir(n.NodeHome(n.Nodes[0].Name).Chain(n.Chain).EvidenceDir(), func(path string, d os.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			raw, rerr := os.ReadFile(path)
			require.NoError(t, rerr)
			require.NotContains(t, string(raw), "原文原文", path)
			require.NotContains(t, string(raw), "12.50", path)
		}
		return nil
	}))
	back, err := mine.Original(t.Context(), f.ID)
	require.NoError(t, err)
	require.Equal(t, file, back)

	for _, q := range []rest.EvidenceSearch{{ID: f.ID}, {Hash: f.Hash.String()}, {Tag: "b"}, {Text: "扫描"}, {Type: "document"}, {From: f.Accepted.Add(-time.Hour), Tag: "a"}} {
		found, err := mine.Search(t.Context(), &q)
		require.NoError(t, err)
		require.Len(t, found.Items, 1, "%+v", q)
		q.State = "committed" // the attempt above was the other tenant's own
		found, err = others.Search(t.Context(), &q)
		require.NoError(t, err)
		require.Empty(t, found.Items, "another tenant's")
	}
	v, err := n.client(0).Evidence().Verify(t.Context(), f.ID, f.Hash.String(), "")
	require.NoError(t, err)
	require.Equal(t, "match", v.Result)
	require.Equal(t, f.Height, v.Height)
	v, err = n.client(0).Evidence().Verify(t.Context(), f.ID, crypto.Sum(append(file, 'x')).String(), "")
	require.NoError(t, err)
	require.Equal(t, "mismatch", v.Result)
	v, err = n.client(0).Evidence().Verify(t.Context(), "", crypto.Sum(append(file, 'x')).String(), "")
	require.NoError(t, err)
	require.Equal(t, "unknown", v.Result)

	// Grants are the owner's; without or after one the report is refused.
	var tenants rest.Tenants
	require.NoError(t, others.ask(http.MethodGet, nil, &tenants, "tenants"))
	to := tenants.Items[0].ID
	_, err = others.Certificate(t.Context(), f.ID)
	require.Equal(t, "HC-2201", code(err))
	_, err = others.Grant(t.Context(), f.ID, to, nil)
	require.Equal(t, "HC-2201", code(err))
	_, err = mine.Grant(t.Context(), f.ID, to, nil)
	require.NoError(t, err)
	pdf, err := others.Certificate(t.Context(), f.ID)
	require.NoError(t, err)
	trust, err := n.client(0).Trust(t.Context())
	require.NoError(t, err)
	paper, err := certificate.Verify(pdf, trust, time.Now())
	require.NoError(t, err)
	require.Equal(t, f.Hash, paper.Facts.SM3)
	require.Equal(t, "市档案局", paper.Facts.Holder)
	pdf[len(pdf)/3] ^= 1
	_, err = certificate.Verify(pdf, trust, time.Now())
	require.Error(t, err, "edited")
	d := new(light.Dossier)
	require.NoError(t, others.ask(http.MethodGet, nil, d, "deposits", f.ID, "proof"))
	_, err = client.VerifyDossier(d, trust)
	require.NoError(t, err)
	got, err := others.Receipt(t.Context(), f.ID, 0)
	require.NoError(t, err)
	require.Equal(t, f.Hash, got.Hash)
	_, err = mine.RevokeGrant(t.Context(), f.ID, to)
	require.NoError(t, err)
	_, err = others.Certificate(t.Context(), f.ID)
	require.Equal(t, "HC-2201", code(err))
	require.Equal(t, "HC-2201", code(others.ask(http.MethodGet, nil, d, "deposits", f.ID, "proof")))
	// Those who run the service see that there is a deposit, not what is encrypted in it.
	seen, err := admin.Receipt(t.Context(), r.ID, 0)
	require.NoError(t, err)
	require.Equal(t, map[string]string{"party": "某公司", "price": "••••"}, seen.Fields)
}

// evidenceChain: a template that branches, its order, parties and versions.
func (n *network) evidenceChain(t *testing.T, mine, others visitor, tenant, other string) {
	id := "trade-" + tenant[len(tenant)-8:]
	template := &rest.EvidenceChainTemplate{ID: id, Version: 1, Title: "交易", Nodes: []rest.EvidenceNode{
		{Name: "order", Party: tenant, Fields: []rest.EvidenceField{{Name: "amount", Type: "decimal", Required: true}}},
		{Name: "photo", Party: tenant, After: []string{"order"}}, {Name: "invoice", Party: other, After: []string{"order"}},
		{Name: "close", Party: tenant, After: []string{"photo", "invoice"}}}}
	require.NoError(t, mine.ask(http.MethodPost, template, template, "chain-templates"))
	open := &rest.EvidenceChainNew{}
	open.Body.ID, open.Body.Template, open.Body.Title = id+"-1", id, "第一单"
	var c rest.EvidenceChain
	require.NoError(t, mine.ask(http.MethodPost, &open.Body, &c, "chains"))
	require.Equal(t, "HC-4707", code(mine.ask(http.MethodPost, template, template, "chain-templates")), "in use")
	n.evidenceChainLeft(t, mine, open)
	add := func(who visitor, node string, fields map[string]string) error {
		_, err := who.DepositText(t.Context(), &rest.EvidenceDeposit{Title: node, Text: node + " of " + id, Chain: c.ID, Node: node, Fields: fields}, "")
		return err
	}
	require.Equal(t, "HC-4706", code(add(others, "invoice", nil)), "out of order")
	require.Equal(t, "HC-4706", code(add(mine, "order", nil)), "a field is missing")
	require.NoError(t, add(mine, "order", map[string]string{"amount": "10"}))
	require.Equal(t, "HC-2201", code(add(mine, "invoice", nil)), "another party's")
	require.NoError(t, add(others, "invoice", nil))
	require.Equal(t, "HC-4706", code(add(mine, "close", nil)), "photo is missing")
	require.NoError(t, add(mine, "photo", nil))
	require.NoError(t, add(mine, "close", nil))
	require.NoError(t, others.ask(http.MethodGet, nil, &c, "chains", c.ID))
	require.True(t, c.Valid && c.Complete, "%+v", c)
	require.Len(t, c.Nodes, 4)
	require.Equal(t, c.Nodes[0].Digest, c.Nodes[1].Previous)
	template.Version, template.Title = 2, "交易（二）"
	require.NoError(t, mine.ask(http.MethodPost, template, template, "chain-templates"))
}

// evidenceChainLeft: a chain of evidence that the contract has and the service, which ended in
// between, has not noted, is noted when it is asked for again; one that was noted is refused.
func (n *network) evidenceChainLeft(t *testing.T, mine visitor, like *rest.EvidenceChainNew) {
	var of struct{ Chain struct{ Template string } }
	got, err := n.client(0).Query(t.Context(), nil, "evidence", "getChain", map[string]string{"chain": like.Body.ID})
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(got.Result, &of))
	service, err := n.Member("archives/evidence")
	require.NoError(t, err)
	again := *like
	again.Body.ID += "-left"
	_, err = n.client(0).Call(t.Context(), service, "evidence", "openChain", map[string]string{"chain": again.Body.ID, "template": of.Chain.Template, "title": like.Body.Title})
	require.NoError(t, err)
	require.Equal(t, "HC-3103", code(mine.ask(http.MethodPost, &like.Body, new(rest.EvidenceChain), "chains")))
	other := again
	other.Body.Title = "another"
	require.Equal(t, "HC-3103", code(mine.ask(http.MethodPost, &other.Body, new(rest.EvidenceChain), "chains")))
	require.NoError(t, mine.ask(http.MethodPost, &again.Body, new(rest.EvidenceChain), "chains"))
}

// evidenceOutside: a notary whose answer is linked, and a court that is no node.
func (n *network) evidenceOutside(t *testing.T, admin, mine visitor) {
	r, err := mine.DepositText(t.Context(), &rest.EvidenceDeposit{Title: "借条", Text: "借款一万元 " + rand.Text()}, "")
	require.NoError(t, err)
	var lie func(*evidence.Attestation, *evidence.NotaryAnswer)
	n.standInNotary(&lie)
	var out rest.Notarisation
	attest := func() error { return mine.ask(http.MethodPost, struct{}{}, &out, "deposits", r.ID, "notarisations") }
	lie = func(a *evidence.Attestation, _ *evidence.NotaryAnswer) {
		if a != nil {
			a.Hash = crypto.Sum([]byte("another"))
		}
	}
	require.Equal(t, "HC-4710", code(attest()), "about another hash")
	lie = func(_ *evidence.Attestation, o *evidence.NotaryAnswer) {
		if o != nil {
			o.Signature[5] ^= 1
		}
	}
	require.Equal(t, "HC-4710", code(attest()), "wrong signature")
	lie = nil
	require.NoError(t, attest())
	require.Equal(t, r.Hash, out.Hash)
	linked, err := n.client(0).Query(t.Context(), nil, "evidence", "get", map[string]any{"hash": out.Answer})
	require.NoError(t, err)
	require.Contains(t, string(linked.Result), r.Hash.String(), "the answer's record names what it attests")

	judge := n.newMember(t, "court/chamber")
	inCourt := n.logIn(t, judge)
	court, _ := n.open(t, admin, inCourt, &rest.Application{Kind: "court", Name: "互联网法院", Identity: "court/chamber", Contact: "c"})
	ask := &rest.CourtQueryNew{}
	ask.Body.Case, ask.Body.Deposit = "(2026)沪0115民初"+r.ID[len(r.ID)-6:]+"号", r.ID
	var answer rest.CourtAnswer
	query := func() error { return inCourt.ask(http.MethodPost, &ask.Body, &answer, "court", "queries") }
	require.Equal(t, "HC-2201", code(query()), "no such case")
	k := &rest.CaseNew{}
	k.Body.Number, k.Body.Court = ask.Body.Case, court
	require.Equal(t, "HC-2201", code(mine.ask(http.MethodPost, &k.Body, new(rest.Case), "court", "cases")))
	require.NoError(t, admin.ask(http.MethodPost, &k.Body, new(rest.Case), "court", "cases"))
	require.Equal(t, "HC-2201", code(query()), "not granted")
	_, err = mine.Grant(t.Context(), r.ID, "case:"+k.Body.Number, nil)
	require.NoError(t, err)
	require.NoError(t, query())
	genesis, err := n.client(0).GenesisFile(t.Context())
	require.NoError(t, err)
	trust, err := light.TrustGenesis(genesis)
	require.NoError(t, err)
	var d light.Dossier
	require.NoError(t, json.Unmarshal(answer.Dossier, &d))
	report, err := client.VerifyDossier(&d, trust)
	require.NoError(t, err)
	require.Equal(t, "evidence", report.Contract)
	answer.Dossier[len(answer.Dossier)/2] ^= 1
	if json.Unmarshal(answer.Dossier, &d) == nil {
		_, err = client.VerifyDossier(&d, trust)
		require.Error(t, err, "altered")
	}
	var records rest.CourtRecords
	require.NoError(t, admin.ask(http.MethodGet, nil, &records, "court", "queries"))
	require.GreaterOrEqual(t, len(records.Items), 3)
	require.Equal(t, "OK", records.Items[0].Outcome)
	require.Equal(t, "HC-2201", records.Items[1].Outcome)
	require.Equal(t, "HC-2201", code(mine.ask(http.MethodGet, nil, &records, "court", "queries")))
	require.Equal(t, "HC-2201", code(mine.ask(http.MethodDelete, nil, new(rest.Case), "court", "cases", k.Body.Number)))
	require.NoError(t, admin.ask(http.MethodDelete, nil, new(rest.Case), "court", "cases", k.Body.Number))
	require.Equal(t, "HC-2201", code(query()), "the case is closed")
	require.Equal(t, "HC-1003", code(admin.ask(http.MethodDelete, nil, new(rest.Case), "court", "cases", k.Body.Number)))
}

// evidencePerson: somebody with a DID and no certificate applies and deposits, until the DID
// is frozen.
func (n *network) evidencePerson(t *testing.T, admin visitor) {
	p := newPerson(n)
	clerk, err := n.Member("clerk")
	require.NoError(t, err)
	_, err = n.client(0).Call(t.Context(), clerk, "identity", "create", map[string]any{"key": p.key.Public().String(), "signature": p.sign("create", 0, "archives")})
	require.NoError(t, err)
	app := &rest.Application{Kind: "person", Name: "person", Identity: p.did, Contact: "d", Apps: []string{"phone"}}
	nobody := visitor{n.client(0).Evidence(), t}
	require.Equal(t, "HC-4704", code(nobody.ask(http.MethodPost, app, new(rest.Opening), "openings")), "not signed")
	sig, err := p.key.Sign(app.Text(n.client(0).Genesis()))
	require.NoError(t, err)
	app.Signature = rest.Hex(sig).String()
	_, keys := n.open(t, admin, nobody, app)
	phone := n.withKey(t, keys[0].Token)
	_, err = phone.DepositText(t.Context(), &rest.EvidenceDeposit{Title: "遗嘱", Text: p.did}, "")
	require.NoError(t, err)
	root, err := n.Member("archives/admin")
	require.NoError(t, err)
	_, err = n.client(0).Call(t.Context(), root, "identity", "freeze", map[string]any{"did": p.did, "reason": "lost"})
	require.NoError(t, err)
	_, err = phone.DepositText(t.Context(), &rest.EvidenceDeposit{Title: "遗嘱", Text: p.did + " again"}, "")
	require.Equal(t, "HC-4704", code(err))
}

// evidenceAdministration: figures equal the chain's, settings are for administrators.
func (n *network) evidenceAdministration(t *testing.T, admin, mine visitor) {
	var s rest.Settings
	require.NoError(t, admin.ask(http.MethodGet, nil, &s, "settings"))
	require.Equal(t, "HC-2201", code(mine.ask(http.MethodGet, nil, &s, "settings")))
	var runs, uses rest.Standing
	require.NoError(t, admin.ask(http.MethodGet, nil, &runs, "standing"))
	require.True(t, runs.Administrator && runs.Auditor && runs.Approver && runs.Tenant == nil, "%+v", runs)
	require.NoError(t, mine.ask(http.MethodGet, nil, &uses, "standing"))
	require.True(t, uses.Tenant != nil && !uses.Administrator && !uses.Auditor && !uses.Approver, "%+v", uses)
	found := false
	for _, it := range s.Items {
		if it.Name == "evidence.notary.token" {
			found = true
			require.Equal(t, "••••", it.Value)
			require.True(t, it.Changed)
		}
		require.NotContains(t, it.Value, "notary-token")
	}
	require.True(t, found)
	require.Equal(t, "HC-2201", code(mine.ask(http.MethodPut, &rest.Permission{Member: "archives/agency", Role: "administrator"}, new(rest.Permissions), "permissions")))
	require.NoError(t, admin.ask(http.MethodPut, &rest.Permission{Member: "archives/auditor", Role: "auditor"}, new(rest.Permissions), "permissions"))
	require.Eventually(t, func() bool {
		var f rest.EvidenceStatistics
		require.NoError(t, admin.ask(http.MethodGet, nil, &f, "statistics"))
		return f.OnChain != nil && *f.OnChain == f.Total+f.Notarial && f.Total > 0
	}, 2*time.Minute, 300*time.Millisecond, "the mirror counts what the service counts")
	var all, forms, own rest.EvidenceStatistics
	require.NoError(t, admin.ask(http.MethodGet, nil, &all, "statistics"))
	require.NoError(t, admin.Ask(t.Context(), http.MethodGet, url.Values{"type": {"form"}}, nil, &forms, "statistics"))
	require.NoError(t, mine.ask(http.MethodGet, nil, &own, "statistics"))
	require.Less(t, forms.Total, all.Total)
	require.Less(t, own.Total, all.Total, "a tenant's own alone")
	require.LessOrEqual(t, all.Blocks, all.Total)
	sum := int64(0)
	for _, c := range all.ByType {
		sum += c.Count
	}
	require.Equal(t, all.Total, sum)
}

// evidenceGateway: a burst above the limit is told to come back and loses nothing that was
// accepted, though the node is killed in the midst of it.
func (n *network) evidenceGateway(t *testing.T, oa visitor) {
	const limit, burst = 20, 200
	ids := make([]string, burst)
	var all sync.WaitGroup
	var mu sync.Mutex
	refused, accepted := 0, map[string]string{}
	for i := range burst {
		all.Go(func() {
			r, err := oa.HandInText(context.WithoutCancel(t.Context()), &rest.EvidenceDeposit{Title: "批量", Text: fmt.Sprint("burst ", i, oa)}, fmt.Sprint("burst-", i))
			mu.Lock()
			defer mu.Unlock()
			switch code(err) {
			case "OK":
				ids[i] = r.ID
				accepted[fmt.Sprint("burst-", i)] = r.ID
			case "HC-1015":
				refused++
			default:
				t.Errorf("burst: %v", err)
			}
		})
	}
	all.Wait()
	require.Positive(t, refused, "HTTP 429")
	require.GreaterOrEqual(t, len(accepted), limit)
	n.kill(0)
	n.start(0)
	n.ready(0)
	for key, id := range accepted {
		require.Eventually(t, func() bool {
			r, err := oa.Receipt(context.WithoutCancel(t.Context()), id, 10*time.Second)
			return err == nil && r.State == "committed"
		}, 3*time.Minute, 200*time.Millisecond, "%s %s", key, id)
	}
	for i, id := range ids {
		if id == "" {
			continue
		}
		r, err := oa.HandInText(t.Context(), &rest.EvidenceDeposit{Title: "批量", Text: fmt.Sprint("burst ", i, oa)}, fmt.Sprint("burst-", i))
		require.NoError(t, err)
		require.Equal(t, id, r.ID, "the same receipt after the crash")
		break
	}
	n.sameState(0, 1, 2, 3)
}
