package client

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/types/rest"
)

// Page selects part of a list: up to Limit items after Cursor, newest first.
type Page struct {
	Cursor string
	Limit  int // 0: the node's default
}

func (p Page) query() url.Values {
	q := url.Values{}
	if p.Cursor != "" {
		q.Set("cursor", p.Cursor)
	}
	if p.Limit > 0 {
		q.Set("limit", strconv.Itoa(p.Limit))
	}
	return q
}

// Status says how the chain is doing on the node.
func (c *Client) Status(ctx context.Context) (*rest.Status, error) {
	var out rest.Status
	return &out, c.get(ctx, c.path(nil, "status"), &out)
}

// Peers lists the peers of the node on the chain.
func (c *Client) Peers(ctx context.Context) (*rest.Peers, error) {
	var out rest.Peers
	return &out, c.get(ctx, c.path(nil, "peers"), &out)
}

// GenesisFile fetches the genesis file and checks it against the genesis hash.
func (c *Client) GenesisFile(ctx context.Context) ([]byte, error) {
	var raw []byte
	if err := c.get(ctx, c.path(nil, "genesis"), &raw); err != nil {
		return nil, err
	}
	if h := crypto.Sum(raw); h != c.genesis {
		return nil, types.Errorf(types.CodeWrongGenesis, "the node's genesis file has hash %s, expected %s", h, c.genesis)
	}
	return raw, nil
}

// Block fetches a block by its height or the hash of its header; "latest" stands for the
// newest.
func (c *Client) Block(ctx context.Context, block string) (*rest.Block, error) {
	var out rest.Block
	return &out, c.get(ctx, c.path(nil, "blocks", block), &out)
}

// Validators fetches the set that signs the header of a height; 0 stands for the newest.
func (c *Client) Validators(ctx context.Context, height uint64) (*rest.Validators, error) {
	q := url.Values{}
	if height > 0 {
		q.Set("height", strconv.FormatUint(height, 10))
	}
	var out rest.Validators
	return &out, c.get(ctx, c.path(q, "validators"), &out)
}

// Uptime fetches which validators voted on each of the newest blocks, at most 200.
func (c *Client) Uptime(ctx context.Context, blocks int) (*rest.Uptime, error) {
	var out rest.Uptime
	return &out, c.get(ctx, c.path(url.Values{"blocks": {strconv.Itoa(blocks)}}, "uptime"), &out)
}

// Tx fetches a committed transaction. With prove, the answer carries a proof that the
// transaction is part of its block. HC-1003 if no block holds it.
func (c *Client) Tx(ctx context.Context, id crypto.Hash, prove bool) (*rest.Tx, error) {
	var out rest.Tx
	return &out, c.get(ctx, c.path(proving(prove), "txs", id.String()), &out)
}

// TxsBy selects transactions: by sender, or by contract.
type TxsBy struct {
	Sender   string // address or member id
	Contract string
}

// Txs lists transactions, newest first.
func (c *Client) Txs(ctx context.Context, by TxsBy, page Page) (*rest.Txs, error) {
	q := page.query()
	if by.Sender != "" {
		q.Set("sender", by.Sender)
	}
	if by.Contract != "" {
		q.Set("contract", by.Contract)
	}
	var out rest.Txs
	return &out, c.get(ctx, c.path(q, "txs"), &out)
}

// Events lists a contract's events, newest first; name may be empty.
func (c *Client) Events(ctx context.Context, contract, name string, page Page) (*rest.Events, error) {
	q := page.query()
	q.Set("contract", contract)
	if name != "" {
		q.Set("name", name)
	}
	var out rest.Events
	return &out, c.get(ctx, c.path(q, "events"), &out)
}

// State fetches one row, or that there is none; with prove, with a proof of either.
func (c *Client) State(ctx context.Context, ns string, key []byte, prove bool) (*rest.State, error) {
	var out rest.State
	return &out, c.get(ctx, c.path(proving(prove), "state", ns, "0x"+rest.Hex(key).String()), &out)
}

// States lists rows of a namespace whose key begins with prefix, in order of key.
func (c *Client) States(ctx context.Context, ns string, prefix, start []byte, limit int) (*rest.States, error) {
	q := Page{Limit: limit}.query()
	if len(prefix) > 0 {
		q.Set("prefix", rest.Hex(prefix).String())
	}
	if len(start) > 0 {
		q.Set("start", rest.Hex(start).String())
	}
	var out rest.States
	return &out, c.get(ctx, c.path(q, "state", ns), &out)
}

// Contracts lists the installed contracts.
func (c *Client) Contracts(ctx context.Context) (*rest.Contracts, error) {
	var out rest.Contracts
	return &out, c.get(ctx, c.path(nil, "contracts"), &out)
}

// Contract describes one installed contract.
func (c *Client) Contract(ctx context.Context, name string) (*rest.Contract, error) {
	var out rest.Contract
	return &out, c.get(ctx, c.path(nil, "contracts", name), &out)
}

// Member looks a member up by member id or address.
func (c *Client) Member(ctx context.Context, idOrAddress string) (*rest.Member, error) {
	q := url.Values{"id": {idOrAddress}}
	var out rest.Member
	return &out, c.get(ctx, c.path(q, "member"), &out)
}

// Query calls a method that only reads. as may be nil; where a method answers only some
// callers, the request is signed by as. args is marshalled as in Call.
func (c *Client) Query(ctx context.Context, as *Identity, contract, method string, args any) (*rest.Answer, error) {
	raw, err := marshalArgs(args)
	if err != nil {
		return nil, err
	}
	q := rest.Query{Contract: contract, Method: method, Args: raw}
	if as != nil {
		tx, err := c.Sign(as, contract, method, json.RawMessage(raw))
		if err != nil {
			return nil, err
		}
		q.Tx = tx.Bytes()
	}
	body, err := json.Marshal(q)
	if err != nil {
		return nil, types.Errorf(types.CodeBadArguments, "%w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, c.p.Timeout)
	defer cancel()
	var out rest.Answer
	return &out, c.do(ctx, http.MethodPost, c.path(nil, "query"), "application/json", body, &out)
}

// WaitHeight returns once the node has committed height.
func (c *Client) WaitHeight(ctx context.Context, height uint64) (*rest.Status, error) {
	for {
		st, err := c.Status(ctx)
		if err == nil && st.Height >= height {
			return st, nil
		}
		select {
		case <-ctx.Done():
			if err == nil {
				err = types.Errorf(types.CodeNotReady, "height %d, waiting for %d", st.Height, height)
			}
			return st, err
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func proving(prove bool) url.Values {
	if !prove {
		return nil
	}
	return url.Values{"prove": {"true"}}
}

// Blocks lists headers newest first, below a height if one is given.
func (c *Client) Blocks(ctx context.Context, before uint64, limit int) (*rest.Headers, error) {
	q := Page{Limit: limit}.query()
	if before > 0 {
		q.Set("before", strconv.FormatUint(before, 10))
	}
	var out rest.Headers
	return &out, c.get(ctx, c.path(q, "blocks"), &out)
}
