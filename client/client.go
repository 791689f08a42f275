// Package client is the Go SDK: it signs and submits transactions, waits for their
// commit, queries contracts, and fetches proofs and checks them without trusting the
// node that served them. It speaks the HTTP API and imports no part of a node.
package client

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/crypto/tlcp"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/types/rest"
)

// maxAnswerBytes bounds what is read of one answer.
const maxAnswerBytes = 64 << 20

// Params says which chain to talk to and through which nodes.
type Params struct {
	// Nodes are base URLs such as http://127.0.0.1:7100 or tlcp://10.0.0.2:7400, tried in
	// order from the last that answered.
	Nodes []string
	// Chain is the chain's name. Empty takes the only chain of the node.
	Chain string
	// Genesis is the genesis hash the chain must have. Zero takes the node's word,
	// which is enough to try things out and not enough to trust proofs.
	Genesis crypto.Hash
	// Timeout bounds one request that does not wait for a commit.
	Timeout time.Duration
	// GasLimit of calls that do not name one.
	GasLimit uint64
	// Validity is how long a transaction may still be committed after it was signed;
	// at most types.Window.
	Validity time.Duration
	// TLCP is how to reach Nodes with the scheme tlcp, see Secure.
	TLCP *tlcp.Config
	// APIKey is shown to Nodes with the scheme https, and to http on this machine; never in
	// clear to another.
	APIKey string
	// Roots certify Nodes with the scheme https; nil: the system's.
	Roots *x509.CertPool
	// HTTP replaces the default HTTP client, and TLCP, APIKey and Roots with it.
	HTTP *http.Client
}

// DefaultParams returns parameters for one node.
func DefaultParams(nodes ...string) Params {
	return Params{Nodes: nodes, Timeout: 15 * time.Second, GasLimit: 500_000_000, Validity: 2 * time.Minute}
}

// Validate checks the parameters.
func (p *Params) Validate() error {
	if len(p.Nodes) == 0 {
		return types.Errorf(types.CodeConfig, "no node to talk to")
	}
	for _, n := range p.Nodes {
		u, err := url.Parse(n)
		switch {
		case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" && u.Scheme != secureScheme:
			return types.Errorf(types.CodeConfig, "node %q is no http, https or tlcp address", n)
		case u.Scheme == secureScheme && u.Port() == "":
			return types.Errorf(types.CodeConfig, "node %q names no port", n)
		case u.Scheme == secureScheme && p.TLCP == nil && p.HTTP == nil:
			return types.Errorf(types.CodeConfig, "node %q asks for certificates, and no member was named to show one", n)
		case u.Scheme == "http" && p.APIKey != "" && !thisMachine(u.Hostname()):
			return types.Errorf(types.CodeConfig, "node %q would see the API key in clear: use https", n)
		}
	}
	if p.Chain != "" && !types.ValidName(p.Chain) {
		return types.Errorf(types.CodeConfig, "%q is no chain name", p.Chain)
	}
	if p.Timeout <= 0 || p.Validity <= 0 || p.Validity > types.Window || p.GasLimit == 0 || p.GasLimit > types.MaxGasLimit {
		return types.Errorf(types.CodeConfig, "timeout, validity or gas limit of the client is out of range")
	}
	return nil
}

// Client talks to one chain. It is safe for concurrent use.
type Client struct {
	p       Params
	http    *http.Client
	chain   string
	genesis crypto.Hash
	pinned  bool
	current atomic.Int32 // index of the node that answered last
}

// Dial finds the chain at url and checks its genesis hash, if one is given.
func Dial(ctx context.Context, url, chain string, genesis crypto.Hash) (*Client, error) {
	p := DefaultParams(url)
	p.Chain, p.Genesis = chain, genesis
	return New(ctx, p)
}

// New finds the chain that p describes. A node with another genesis is HC-2103.
func New(ctx context.Context, p Params) (*Client, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	c := &Client{p: p, http: p.HTTP, chain: p.Chain, pinned: !p.Genesis.IsZero()}
	if c.http == nil {
		c.http = newHTTP(&p)
	}
	var list rest.Chains
	if err := c.get(ctx, chainsPath, &list); err != nil {
		return nil, err
	}
	if c.chain == "" && len(list.Items) == 1 && len(list.Starting) == 0 {
		c.chain = list.Items[0].Chain
	}
	if slices.Contains(list.Starting, c.chain) || c.chain == "" && len(list.Starting) > 0 {
		return nil, &types.Error{Code: types.CodeStarting, Detail: "chains are being opened: " + strings.Join(list.Starting, ", "), RetryAfterMs: 500}
	}
	var names []string
	for _, it := range list.Items {
		if it.Chain == c.chain {
			c.genesis = it.Genesis
			if c.pinned && it.Genesis != p.Genesis {
				return nil, types.Errorf(types.CodeWrongGenesis, "chain %s of the node has genesis %s, expected %s",
					it.Chain, it.Genesis, p.Genesis)
			}
			return c, nil
		}
		names = append(names, it.Chain)
	}
	if c.chain == "" {
		return nil, types.Errorf(types.CodeUsage, "the node hosts %d chains (%s): name one", len(names), strings.Join(names, ", "))
	}
	return nil, types.Errorf(types.CodeNotFound, "chain %q; the node hosts: %s", c.chain, strings.Join(names, ", "))
}

// chainsPath is what lists the chains of a node.
const chainsPath = "/api/v1/chains"

// ListChains lists the chains of a node without choosing one.
func ListChains(ctx context.Context, p Params) (*rest.Chains, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	c := &Client{p: p, http: p.HTTP}
	if c.http == nil {
		c.http = newHTTP(&p)
	}
	var out rest.Chains
	return &out, c.get(ctx, chainsPath, &out)
}

// Chain is the name of the chain.
func (c *Client) Chain() string { return c.chain }

// Genesis is the genesis hash of the chain.
func (c *Client) Genesis() crypto.Hash { return c.genesis }

// Pinned reports whether the genesis hash was given by the caller rather than the node.
func (c *Client) Pinned() bool { return c.pinned }

// path joins escaped segments under the chain.
func (c *Client) path(query url.Values, segments ...string) string {
	var b strings.Builder
	b.WriteString(chainsPath + "/" + url.PathEscape(c.chain))
	for _, s := range segments {
		b.WriteString("/" + url.PathEscape(s))
	}
	if len(query) > 0 {
		b.WriteString("?" + query.Encode())
	}
	return b.String()
}

func (c *Client) get(ctx context.Context, path string, out any) error {
	ctx, cancel := context.WithTimeout(ctx, c.p.Timeout)
	defer cancel()
	return c.do(ctx, http.MethodGet, path, "", nil, out)
}

// notSent marks a transport error of which it is certain that the node never saw the
// request.
type notSent struct{ err error }

func (n *notSent) Error() string { return n.err.Error() }
func (n *notSent) Unwrap() error { return n.err }

// do sends one request to the current node, and to the others if that one cannot be
// reached at all. Errors: the node's coded error; HC-1008 for no answer.
func (c *Client) do(ctx context.Context, method, path, contentType string, body []byte, out any) error {
	var last error
	start := int(c.current.Load())
	for i := range c.p.Nodes {
		at := (start + i) % len(c.p.Nodes)
		err := c.once(ctx, c.p.Nodes[at], method, path, contentType, body, out)
		if errors.As(err, new(*notSent)) && ctx.Err() == nil {
			last = err
			continue
		}
		if err == nil {
			c.current.Store(int32(at))
		}
		return err
	}
	return last
}

// send sends one request and returns the answer, which is a success, with its body open.
func (c *Client) send(ctx context.Context, base, method, path, contentType string, body []byte) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimRight(base, "/")+path, bytes.NewReader(body))
	if err != nil {
		return nil, types.Errorf(types.CodeUsage, "%w", err)
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		coded := types.Errorf(types.CodeUnreachable, "%s: %w", base, err)
		var op *net.OpError
		if errors.As(err, &op) && op.Op == "dial" {
			return nil, &notSent{coded}
		}
		return nil, coded
	}
	if resp.StatusCode >= 200 && resp.StatusCode <= 299 {
		return resp, nil
	}
	defer resp.Body.Close()
	raw, err := readAnswer(base, resp)
	if err != nil {
		return nil, err
	}
	return nil, answerError(base, resp, raw)
}

func readAnswer(base string, resp *http.Response) ([]byte, error) {
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswerBytes+1))
	switch {
	case err != nil:
		return nil, types.Errorf(types.CodeUnreachable, "%s: answer broke off: %w", base, err)
	case len(raw) > maxAnswerBytes:
		return nil, types.Errorf(types.CodeUnreachable, "%s: answer above %d bytes", base, maxAnswerBytes)
	}
	return raw, nil
}

func (c *Client) once(ctx context.Context, base, method, path, contentType string, body []byte, out any) error {
	resp, err := c.send(ctx, base, method, path, contentType, body)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	raw, err := readAnswer(base, resp)
	if err != nil {
		return err
	}
	if b, ok := out.(*[]byte); ok {
		*b = raw
		return nil
	}
	if err := json.Unmarshal(raw, out); err != nil {
		return types.Errorf(types.CodeUnreachable, "%s: answer is not what the API promises: %w", base, err)
	}
	return nil
}

// answerError reads a coded error; anything else than a node's is HC-1008.
func answerError(base string, resp *http.Response, raw []byte) error {
	var e rest.Error
	if json.Unmarshal(raw, &e) != nil || !strings.HasPrefix(e.Code, "HC-") {
		return types.Errorf(types.CodeUnreachable, "%s answered %s, not as a node does", base, resp.Status)
	}
	coded := e.Coded()
	if coded.RetryAfterMs == 0 {
		if s, err := strconv.ParseInt(resp.Header.Get("Retry-After"), 10, 32); err == nil {
			coded.RetryAfterMs = s * 1000
		}
	}
	if coded.Code == types.CodeOutcomeUnknown {
		if id, err := crypto.ParseHash(e.TxID); err == nil {
			return &rest.UnknownOutcome{ID: id, Err: fmt.Errorf("%s", e.Detail)}
		}
	}
	return coded
}
