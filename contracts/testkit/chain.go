package testkit

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"sort"
	"strings"
	"time"

	"github.com/huchain/huchain/chain"
	"github.com/huchain/huchain/chain/chaintest"
	"github.com/huchain/huchain/contracts/bundle"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/vm/engine"
	"github.com/huchain/huchain/vm/host"
)

// Lane is one way of running contracts. All lanes of a Chain execute the same
// transactions and must agree on everything, on gas among those that run WASM.
type Lane struct {
	Name string
	VM   chain.VM
}

// Params say what a Chain starts with.
type Params struct {
	Start    time.Time // time of the genesis and the first block
	Orgs     []string  // organisations; each gets an admin of its own
	Packages [][]byte  // package files to install, callees before callers
	Lanes    []Lane    // at least one; gas is that of the last
	// Extra are package files by bundle name, for Deploy.
	Extra map[string][]byte
	// Policy is the chain's supervision contract, "" for none.
	Policy string
}

// DefaultParams starts in 2026 with one organisation and no contract.
func DefaultParams() Params {
	return Params{Start: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), Orgs: []string{"archives"}}
}

// Validate refuses what cannot start.
func (p *Params) Validate() error {
	if len(p.Orgs) == 0 || len(p.Lanes) == 0 {
		return errors.New("a chain needs an organisation and a lane")
	}
	return nil
}

// Chain is an in-memory chain for tests. It is not safe for concurrent use.
type Chain struct {
	world   *chaintest.World
	genesis *chain.Genesis
	lanes   []*lane
	members map[string]*chaintest.Member // by name, and by org/name
	height  uint64
	signed  uint64 // calls so far, which makes each of them another one
	now     time.Time
	extra   map[string][]byte
}

type lane struct {
	name string
	vm   chain.VM
	c    *chain.Chain
	st   *chaintest.State
	ids  *chain.IDWindow
}

// Outcome is what a call or query came to.
type Outcome struct {
	Code   string // "" for success, "<bundle>.<error>" or "HC-nnnn"
	Detail string // words of the error
	Result json.RawMessage
	Events []types.Event
	Gas    uint64
}

// New founds a chain.
func New(ctx context.Context, p Params) (*Chain, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	c := &Chain{world: chaintest.NewRepeatableWorld(p.Start, p.Orgs...), members: make(map[string]*chaintest.Member), now: p.Start, extra: p.Extra}
	c.world.Genesis.Params.Policy = p.Policy
	for _, raw := range p.Packages {
		pkg, err := bundle.Open(raw)
		if err != nil {
			return nil, err
		}
		c.world.AddBundle(pkg.Manifest.Name, pkg.Manifest.Version, pkg.CodeHash, raw)
	}
	g, packages := c.world.Seal()
	c.genesis = g
	for _, l := range p.Lanes {
		opt := chain.DefaultOptions()
		ch, err := chain.New(g, l.VM, opt)
		if err != nil {
			return nil, err
		}
		res, err := ch.InitGenesis(ctx, packages)
		if err != nil {
			return nil, fmt.Errorf("%s: install: %w", l.Name, err)
		}
		st := chaintest.NewState()
		st.Apply(res.Writes)
		if err := ch.LoadCode(ctx, st); err != nil {
			return nil, fmt.Errorf("%s: load: %w", l.Name, err)
		}
		c.lanes = append(c.lanes, &lane{l.Name, l.VM, ch, st, chain.NewIDWindow()})
	}
	for _, org := range p.Orgs {
		if err := c.AddMember(ctx, adminName, org, "admin"); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// adminName is the member of each organisation that freezes others.
const adminName = "testkit-admin"

// AddMember issues a certificate to a member and registers it. Its short name refers
// to it from then on, org/name always does.
func (c *Chain) AddMember(ctx context.Context, name, org string, roles ...string) error {
	if c.world.Orgs[org] == nil {
		return fmt.Errorf("member %s: no organisation %q", name, org)
	}
	if _, err := types.NewMemberID(org, name); err != nil {
		return err
	}
	m := c.world.MemberOfKey(org, name, chaintest.KeyOf(org+"/"+name), c.world.Start.AddDate(9, 0, 0), roles...)
	c.members[name], c.members[string(m.ID)] = m, m
	out, err := c.send(ctx, chaintest.Sign(c.body(m, chain.NSMembership, "register", "{}"), m, true))
	if err == nil && out.Code != "" {
		err = fmt.Errorf("register %s: %s %s", m.ID, out.Code, out.Detail)
	}
	return err
}

// Now returns the block time.
func (c *Chain) Now() time.Time { return c.now }

// SetTime sets the block time of what follows.
func (c *Chain) SetTime(t time.Time) { c.now = t.UTC() }

// NextBlock advances the block time by a second and the height by one.
func (c *Chain) NextBlock() { c.now, c.height = c.now.Add(time.Second), c.height+1 }

func (c *Chain) member(name string) (*chaintest.Member, error) {
	if m := c.members[name]; m != nil {
		return m, nil
	}
	return nil, fmt.Errorf("no member %q", name)
}

// Call sends a transaction in a block of its own, signed by a member and co-signers.
// A refusal is an Outcome; an error means that the lanes disagree or the test is wrong.
func (c *Chain) Call(ctx context.Context, member, contract, method, args string, cosigners ...string) (*Outcome, error) {
	m, err := c.member(member)
	if err != nil {
		return nil, err
	}
	var others []*chaintest.Member
	for _, name := range cosigners {
		o, err := c.member(name)
		if err != nil {
			return nil, err
		}
		others = append(others, o)
	}
	return c.send(ctx, chaintest.Sign(c.body(m, contract, method, args), m, false, others...))
}

// body is a call of m as yet unsigned. A story gives the same ones in every run, and so
// the same gas: what an instruction count depends on is fixed, ids and signatures too.
func (c *Chain) body(m *chaintest.Member, contract, method, args string) *types.Body {
	b := chaintest.Body(c.genesis, m, c.now, contract, method, args)
	c.signed++
	binary.BigEndian.PutUint64(b.Salt[:], c.signed)
	return b
}

func (c *Chain) send(ctx context.Context, tx *types.Tx) (*Outcome, error) {
	c.height++
	in := &chain.BlockInput{Height: c.height, Time: c.now.UnixNano(), Txs: [][]byte{tx.Bytes()}}
	var first, metered *chain.Result
	var out *Outcome
	for _, l := range c.lanes {
		res, err := l.c.Execute(ctx, l.st, l.ids, in)
		if err != nil {
			return nil, fmt.Errorf("%s: execute: %w", l.name, err)
		}
		l.st.Apply(res.Writes)
		l.ids.Add(in.Time, res.UsedIDs)
		if first == nil {
			first = res
		} else if err := sameResult(c.lanes[0].name, first, l.name, res); err != nil {
			return nil, err
		}
		if _, ok := l.vm.(*engine.Engine); ok {
			if metered == nil {
				metered = res
			} else if a, b := &metered.Receipts[0], &res.Receipts[0]; !bytes.Equal(a.Encode(), b.Encode()) {
				return nil, fmt.Errorf("%s gives %s %s with %d gas, another engine %s %s with %d", l.name, b.Code, b.Error, b.GasUsed, a.Code, a.Error, a.GasUsed)
			}
		}
		r := res.Receipts[0]
		out = &Outcome{Result: r.Result, Events: res.Events, Gas: r.GasUsed}
		out.Code, out.Detail = codeOf(r.Code, r.Error)
	}
	return out, nil
}

// codeOf names an error: a contract's by "<bundle>.<name>", others by HC number.
func codeOf(code types.Code, text string) (string, string) {
	switch code {
	case types.CodeOK:
		return "", ""
	case types.CodeContractError:
		name, detail, _ := strings.Cut(text, ": ")
		return name, detail
	}
	return code.String(), text
}

// sameResult compares what two lanes made of a block, but for gas.
func sameResult(nameA string, a *chain.Result, nameB string, b *chain.Result) error {
	ra, rb := a.Receipts[0], b.Receipts[0]
	ra.GasUsed, rb.GasUsed = 0, 0
	if ra.Code == types.CodeTrap && rb.Code == types.CodeTrap {
		ra.Error, rb.Error = "", "" // the words of a trap are the platform's
	}
	switch {
	case !bytes.Equal(ra.Encode(), rb.Encode()):
		return fmt.Errorf("%s gives %s %s %s, %s gives %s %s %s", nameA, ra.Code, ra.Error, ra.Result, nameB, rb.Code, rb.Error, rb.Result)
	case len(a.Events) != len(b.Events) || len(a.Writes) != len(b.Writes):
		return fmt.Errorf("%s gives %d events and %d writes, %s gives %d and %d", nameA, len(a.Events), len(a.Writes), nameB, len(b.Events), len(b.Writes))
	}
	for i := range a.Events {
		if !bytes.Equal(a.Events[i].Encode(), b.Events[i].Encode()) {
			return fmt.Errorf("event %d: %s gives %s %s, %s gives %s %s", i, nameA, a.Events[i].Name, a.Events[i].Data, nameB, b.Events[i].Name, b.Events[i].Data)
		}
	}
	for i, w := range a.Writes {
		x := b.Writes[i]
		if w.NS != x.NS || w.Delete != x.Delete || !bytes.Equal(w.Key, x.Key) || !bytes.Equal(w.Value, x.Value) {
			return fmt.Errorf("write %d: %s gives %s %q %s, %s gives %s %q %s", i, nameA, w.NS, w.Key, w.Value, nameB, x.NS, x.Key, x.Value)
		}
	}
	return nil
}

// Query asks without changing anything; an empty member asks without a signature.
func (c *Chain) Query(ctx context.Context, member, contract, method, args string) (*Outcome, error) {
	q := &chain.Query{Contract: contract, Method: method, Args: []byte(args)}
	if member != "" {
		m, err := c.member(member)
		if err != nil {
			return nil, err
		}
		q.Caller = chaintest.Sign(c.body(m, contract, method, args), m, false)
	}
	var first *Outcome
	for _, l := range c.lanes {
		raw, gas, err := l.c.Query(ctx, l.st, q, c.height, c.now.UnixNano())
		out := &Outcome{Result: raw, Gas: gas}
		var f *host.Failure
		var e *types.Error
		switch {
		case err == nil:
		case errors.As(err, &f) && f.Name == bundle.ReservedError:
			out.Code, out.Detail = types.CodeBadArguments.String(), f.Text
		case errors.As(err, &f):
			out.Code, out.Detail = f.Contract+"."+f.Name, f.Text
		case errors.As(err, &e):
			out.Code, out.Detail = e.Code.String(), e.Detail
		default:
			return nil, fmt.Errorf("%s: query: %w", l.name, err)
		}
		if first != nil {
			if first.Code != out.Code || !bytes.Equal(first.Result, out.Result) {
				return nil, fmt.Errorf("%s answers %s %s, %s answers %s %s", c.lanes[0].name, first.Code, first.Result, l.name, out.Code, out.Result)
			}
			first.Gas = out.Gas
			continue
		}
		first = out
	}
	return first, nil
}

// Freeze freezes or unfreezes a member, by the admin of its organisation.
func (c *Chain) Freeze(ctx context.Context, member string, frozen bool) error {
	m, err := c.member(member)
	if err != nil {
		return err
	}
	method := "freeze"
	if !frozen {
		method = "unfreeze"
	}
	out, err := c.Call(ctx, m.ID.Org()+"/"+adminName, chain.NSMembership, method, `{"member":"`+string(m.ID)+`"}`)
	if err == nil && out.Code != "" {
		err = fmt.Errorf("%s %s: %s %s", method, member, out.Code, out.Detail)
	}
	return err
}

// Row reads a row of a contract's namespace.
func (c *Chain) Row(contract string, key []byte) ([]byte, bool, error) {
	return c.lanes[0].st.Get(contract, key)
}

// Tamper changes a row in all lanes behind the contract's back, as only a broken
// ledger would; a nil value deletes it.
func (c *Chain) Tamper(contract string, key, value []byte) {
	for _, l := range c.lanes {
		l.st.Apply([]types.Write{{NS: contract, Key: key, Value: value, Delete: value == nil}})
	}
}

// Rows returns all keys of a contract's namespace in ascending order.
func (c *Chain) Rows(contract string) ([]string, error) {
	var keys []string
	err := c.lanes[0].st.Scan(contract, nil, nil, func(key, _ []byte) bool {
		keys = append(keys, string(key))
		return true
	})
	sort.Strings(keys)
	return keys, err
}
