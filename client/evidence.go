package client

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/types/rest"
)

// evidenceTimeout bounds requests that wait for a commit, or carry a file.
const evidenceTimeout = 2 * time.Minute

// Evidence is the evidence service of a node: HC-4702 where it offers none. It acts for the
// tenant of the member who logged in, or of the application whose key is shown.
type Evidence struct{ c *Client }

// Evidence is the evidence service of the client's node.
func (c *Client) Evidence() *Evidence { return &Evidence{c} }

// ask sends a request to the service; in and out are JSON, and may be nil.
func (e *Evidence) ask(ctx context.Context, method string, q url.Values, in, out any, segments ...string) error {
	var body []byte
	kind := ""
	if in != nil {
		raw, err := json.Marshal(in)
		if err != nil {
			return types.Errorf(types.CodeBadArguments, "%w", err)
		}
		body, kind = raw, "application/json"
	}
	return e.send(ctx, method, q, kind, body, out, segments...)
}

func (e *Evidence) send(ctx context.Context, method string, q url.Values, kind string, body []byte, out any, segments ...string) error {
	ctx, cancel := context.WithTimeout(ctx, evidenceTimeout)
	defer cancel()
	path := e.c.path(nil, "evidence")
	for _, s := range segments {
		path += "/" + url.PathEscape(s)
	}
	if len(q) > 0 {
		path += "?" + q.Encode()
	}
	return e.c.do(ctx, method, path, kind, body, out)
}

// keyed is a client whose requests carry an idempotence key.
func (e *Evidence) keyed(key string) *Evidence {
	if key == "" {
		return e
	}
	c := &Client{p: e.c.p, chain: e.c.chain, genesis: e.c.genesis, pinned: e.c.pinned}
	h := *e.c.http
	h.Transport = &withHeader{e.c.http.Transport, key}
	c.http = &h
	c.current.Store(e.c.current.Load())
	return &Evidence{c}
}

type withHeader struct {
	next http.RoundTripper
	key  string
}

// RoundTrip implements http.RoundTripper.
func (w *withHeader) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Idempotency-Key", w.key)
	return w.next.RoundTrip(r)
}

// DepositText deposits a text, or the fields of a template. It returns when the deposit is
// committed, or accepted where that takes long. The same request under the same key, which
// may be empty, gives the same receipt.
func (e *Evidence) DepositText(ctx context.Context, in *rest.EvidenceDeposit, key string) (*rest.EvidenceReceipt, error) {
	var out rest.EvidenceReceipt
	return &out, e.keyed(key).ask(ctx, http.MethodPost, nil, in, &out, "deposits")
}

// DepositFile deposits a file, as DepositText does a text; in.Text is not used.
func (e *Evidence) DepositFile(ctx context.Context, in *rest.EvidenceDeposit, name string, content []byte, key string) (*rest.EvidenceReceipt, error) {
	q, err := fileQuery(in, name)
	if err != nil {
		return nil, err
	}
	var out rest.EvidenceReceipt
	return &out, e.keyed(key).send(ctx, http.MethodPost, q, "application/octet-stream", content, &out, "files")
}

// HandInText hands a text in at the gateway and returns once it is durably accepted.
func (e *Evidence) HandInText(ctx context.Context, in *rest.EvidenceDeposit, key string) (*rest.EvidenceReceipt, error) {
	var out rest.EvidenceReceipt
	return &out, e.keyed(key).ask(ctx, http.MethodPost, nil, in, &out, "gateway", "deposits")
}

// HandInFile hands a file in at the gateway and returns once it is durably accepted.
func (e *Evidence) HandInFile(ctx context.Context, in *rest.EvidenceDeposit, name string, content []byte, key string) (*rest.EvidenceReceipt, error) {
	q, err := fileQuery(in, name)
	if err != nil {
		return nil, err
	}
	var out rest.EvidenceReceipt
	return &out, e.keyed(key).send(ctx, http.MethodPost, q, "application/octet-stream", content, &out, "gateway", "files")
}

func fileQuery(in *rest.EvidenceDeposit, name string) (url.Values, error) {
	q := url.Values{}
	set(q, "name", name)
	set(q, "title", in.Title)
	set(q, "template", in.Template)
	if in.Version > 0 {
		q.Set("version", strconv.Itoa(in.Version))
	}
	set(q, "tags", strings.Join(in.Tags, ","))
	set(q, "evidenceChain", in.Chain)
	set(q, "node", in.Node)
	if len(in.Fields) > 0 {
		raw, err := json.Marshal(in.Fields)
		if err != nil {
			return nil, types.Errorf(types.CodeBadArguments, "%w", err)
		}
		q.Set("fields", string(raw))
	}
	return q, nil
}

// Receipt returns the receipt of a deposit, waiting up to wait, at most 10 s, for its commit.
func (e *Evidence) Receipt(ctx context.Context, id string, wait time.Duration) (*rest.EvidenceReceipt, error) {
	q := url.Values{}
	if wait > 0 {
		q.Set("waitMs", strconv.FormatInt(wait.Milliseconds(), 10))
	}
	var out rest.EvidenceReceipt
	return &out, e.ask(ctx, http.MethodGet, q, nil, &out, "deposits", id)
}

// Search lists deposits, newest first.
func (e *Evidence) Search(ctx context.Context, in *rest.EvidenceSearch) (*rest.EvidenceReceipts, error) {
	q := listing(&in.Listing)
	for name, v := range map[string]string{"id": in.ID, "hash": in.Hash, "tag": in.Tag, "q": in.Text, "type": in.Type, "app": in.App, "state": in.State} {
		set(q, name, v)
	}
	for name, at := range map[string]time.Time{"from": in.From, "until": in.Until} {
		if !at.IsZero() {
			q.Set(name, at.UTC().Format(time.RFC3339))
		}
	}
	var out rest.EvidenceReceipts
	return &out, e.ask(ctx, http.MethodGet, q, nil, &out, "deposits")
}

func listing(l *rest.Listing) url.Values {
	return Page{Cursor: l.Cursor, Limit: l.Limit}.query()
}

// Verify asks whether something was deposited. The answer is the service's word; the state
// row that it names, fetched with proof, is not.
func (e *Evidence) Verify(ctx context.Context, id, hash, text string) (*rest.EvidenceVerdict, error) {
	in := &rest.VerificationNew{}
	in.Body.ID, in.Body.Hash, in.Body.Text = id, hash, text
	var out rest.EvidenceVerdict
	return &out, e.ask(ctx, http.MethodPost, nil, &in.Body, &out, "verifications")
}

// Original returns the original of a deposit.
func (e *Evidence) Original(ctx context.Context, id string) ([]byte, error) {
	var out []byte
	err := e.ask(ctx, http.MethodGet, nil, nil, &out, "deposits", id, "original")
	return out, err
}

// Certificate returns the certificate of a deposit, a PDF.
func (e *Evidence) Certificate(ctx context.Context, id string) ([]byte, error) {
	var out []byte
	err := e.ask(ctx, http.MethodGet, nil, nil, &out, "deposits", id, "certificate")
	return out, err
}

// Grant lets another tenant, or case:NUMBER, read a deposit; until may be nil.
func (e *Evidence) Grant(ctx context.Context, id, to string, until *time.Time) (*rest.Grant, error) {
	in := &rest.GrantNew{}
	in.Body.To, in.Body.Until = to, until
	var out rest.Grant
	return &out, e.ask(ctx, http.MethodPost, nil, &in.Body, &out, "deposits", id, "grants")
}

// RevokeGrant ends a grant at once.
func (e *Evidence) RevokeGrant(ctx context.Context, id, to string) (*rest.Grant, error) {
	var out rest.Grant
	return &out, e.ask(ctx, http.MethodDelete, nil, nil, &out, "deposits", id, "grants", to)
}

// Ask sends any other request of the service, as OpenAPI describes it: path segments behind
// evidence/, a JSON body or nil, and what the JSON answer is read into.
func (e *Evidence) Ask(ctx context.Context, method string, q url.Values, in, out any, segments ...string) error {
	return e.ask(ctx, method, q, in, out, segments...)
}
