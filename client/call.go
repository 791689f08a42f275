package client

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/types/rest"
)

// Identity is who signs: a key and, while the chain may not know the key yet, its
// certificate.
type Identity struct {
	Signer      crypto.Signer
	Certificate []byte         // DER; attached only when the chain does not know the sender
	Member      types.MemberID // for messages; the chain reads the certificate
}

// Address is the address of the identity's key.
func (id *Identity) Address() types.Address { return types.AddressOf(id.Signer.Public()) }

// Committed is a transaction that is part of a decided block.
type Committed struct {
	ID        crypto.Hash
	Height    uint64
	Index     uint32
	BlockTime time.Time
	Receipt   rest.Receipt
}

// Call signs and submits one contract call and returns once it is committed. args is
// marshalled to JSON; json.RawMessage and nil pass as they are.
//
// A call that was refused, or committed without effect, is an error with the chain's
// code; in the second case Committed is returned beside it. If it cannot be learnt
// whether the call was committed before ctx ends, the error is *rest.UnknownOutcome:
// ask again with Tx. Submitting is idempotent, so Call resubmits the same signed bytes
// where an answer got lost; it never signs twice.
func (c *Client) Call(ctx context.Context, from *Identity, contract, method string, args any) (*Committed, error) {
	tx, err := c.Sign(from, contract, method, args)
	if err != nil {
		return nil, err
	}
	return c.Submit(ctx, from, tx)
}

// Sign makes the signed transaction of a call without submitting it. It carries no
// certificate.
func (c *Client) Sign(from *Identity, contract, method string, args any, cosigners ...crypto.Signer) (*types.Tx, error) {
	raw, err := marshalArgs(args)
	if err != nil {
		return nil, err
	}
	if len(raw) > types.MaxArgsBytes {
		return nil, types.Errorf(types.CodeTxTooLarge, "arguments of %d bytes, at most %d", len(raw), types.MaxArgsBytes)
	}
	if !types.ValidName(contract) || !types.ValidMethod(method) {
		return nil, types.Errorf(types.CodeUsage, "%q %q: contract or method is no valid name", contract, method)
	}
	body := types.Body{
		Genesis: c.genesis, Sender: from.Address(), Contract: contract, Method: method, Args: raw,
		GasLimit: c.p.GasLimit, ValidUntil: time.Now().Add(c.p.Validity).UnixMilli(),
	}
	sortSigners(cosigners)
	for _, s := range cosigners {
		body.Cosigners = append(body.Cosigners, types.AddressOf(s.Public()))
	}
	if _, err := rand.Read(body.Salt[:]); err != nil {
		return nil, fmt.Errorf("random salt: %w", err)
	}
	return types.SignTx(&body, nil, from.Signer, cosigners...)
}

func sortSigners(s []crypto.Signer) {
	for i := 1; i < len(s); i++ {
		for j := i; j > 0; j-- {
			a, b := types.AddressOf(s[j-1].Public()), types.AddressOf(s[j].Public())
			if string(a[:]) <= string(b[:]) {
				break
			}
			s[j-1], s[j] = s[j], s[j-1]
		}
	}
}

func marshalArgs(args any) ([]byte, error) {
	switch v := args.(type) {
	case nil:
		return nil, nil
	case json.RawMessage:
		return v, nil
	case []byte:
		return v, nil
	}
	raw, err := json.Marshal(args)
	if err != nil {
		return nil, types.Errorf(types.CodeBadArguments, "%w", err)
	}
	return raw, nil
}

// Submit submits a signed transaction and waits for its commit, as Call does. from
// lends its certificate if the chain does not know the sender; it may be nil.
func (c *Client) Submit(ctx context.Context, from *Identity, tx *types.Tx) (*Committed, error) {
	s := submission{c: c, tx: tx, raw: tx.Bytes(), from: from}
	for {
		out, err := s.try(ctx)
		if err == nil {
			return committed(out)
		}
		wait, again := s.judge(err)
		if !again {
			return nil, s.final(ctx, err)
		}
		select {
		case <-ctx.Done():
			return nil, s.final(ctx, err)
		case <-time.After(wait):
		}
	}
}

// SubmitAsync hands a signed transaction to a node's pool and returns its id at once.
// That a node accepted it says nothing about its commit.
func (c *Client) SubmitAsync(ctx context.Context, from *Identity, tx *types.Tx) (crypto.Hash, error) {
	s := submission{c: c, tx: tx, raw: tx.Bytes(), from: from, mode: "accepted"}
	_, err := s.try(ctx)
	if lacksCertificate(types.CodeOf(err)) && s.attach() {
		_, err = s.try(ctx)
	}
	if err != nil && !errors.As(err, new(*notSent)) && types.CodeOf(err) == types.CodeUnreachable {
		err = &rest.UnknownOutcome{ID: tx.ID(), Err: err}
	}
	return tx.ID(), err
}

// Simulate executes a signed transaction on the newest state of a node and commits
// nothing: what it would do if it were submitted now. A refusal before execution is an
// error; what execution says stands in the receipt. from lends its certificate if the
// chain does not know the sender; it may be nil.
func (c *Client) Simulate(ctx context.Context, from *Identity, tx *types.Tx) (*rest.Simulation, error) {
	ctx, cancel := context.WithTimeout(ctx, c.p.Timeout)
	defer cancel()
	s := submission{c: c, tx: tx, raw: tx.Bytes(), from: from}
	for {
		var out rest.Simulation
		if err := c.do(ctx, http.MethodPost, c.path(nil, "simulations"), "application/octet-stream", s.raw, &out); err != nil {
			return nil, err
		}
		if lacksCertificate(rest.ParseCode(out.Receipt.Code)) && s.attach() {
			continue
		}
		return &out, nil
	}
}

// submission is one transaction on its way: the same bytes as often as it takes.
type submission struct {
	c        *Client
	tx       *types.Tx
	raw      []byte
	from     *Identity
	mode     string
	attached bool
	maybe    bool // a node may have taken it though no answer said so
	strays   int
}

func (s *submission) try(ctx context.Context) (*rest.Submitted, error) {
	q := url.Values{}
	if s.mode != "" {
		q.Set("mode", s.mode)
	}
	var out rest.Submitted
	err := s.c.do(ctx, http.MethodPost, s.c.path(q, "txs"), "application/octet-stream", s.raw, &out)
	if err != nil {
		return nil, err
	}
	if out.ID != s.tx.ID() {
		return nil, types.Errorf(types.CodeUnreachable, "node answered for transaction %s", out.ID)
	}
	return &out, nil
}

// attach adds the certificate, once. It stands outside the signed body, so the
// transaction keeps its id.
func (s *submission) attach() bool {
	if s.attached || s.from == nil || len(s.from.Certificate) == 0 || len(s.tx.Certificate) > 0 {
		return false
	}
	with, err := s.tx.WithCertificate(s.from.Certificate)
	if err != nil {
		return false
	}
	s.raw, s.attached = with.Bytes(), true
	return true
}

// lacksCertificate reports whether a certificate may help: the chain does not know the
// sender, or only by a certificate that has ended and was renewed.
func lacksCertificate(code types.Code) bool {
	return code == types.CodeUnknownSender || code == types.CodeCertExpired
}

// judge says whether to try again after err, and when.
func (s *submission) judge(err error) (wait time.Duration, again bool) {
	code := types.CodeOf(err)
	if lacksCertificate(code) {
		return 0, s.attach()
	}
	if errors.As(err, new(*notSent)) { // no node can be reached
		s.strays++
		return time.Second, s.strays <= 3
	}
	if code == types.CodeUnreachable || code == types.CodeOutcomeUnknown {
		s.maybe = true
		return 300 * time.Millisecond, true
	}
	x, _ := types.Explain(code)
	if !x.Retry {
		return 0, false
	}
	if e, ok := rest.AsError(err); ok && e.RetryAfterMs > 0 {
		return time.Duration(e.RetryAfterMs) * time.Millisecond, true
	}
	return 500 * time.Millisecond, true
}

// final decides what to report: the refusal if the transaction can be no part of the
// chain, else that the outcome is unknown.
func (s *submission) final(ctx context.Context, err error) error {
	if !s.maybe {
		if types.CodeOf(err) == types.CodeInternal && ctx.Err() != nil {
			return types.Errorf(types.CodeUnreachable, "%w", err)
		}
		return err
	}
	if types.CodeOf(err) == types.CodeTxExpired {
		ask, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.c.p.Timeout)
		defer cancel()
		if st, serr := s.c.Status(ask); serr == nil && st.BlockTime.UnixMilli() > s.tx.Body.ValidUntil {
			return err // no later block may hold it, and the node has looked for it
		}
	}
	if ctx.Err() != nil {
		err = errors.New("no answer within the time waited")
	}
	var u *rest.UnknownOutcome
	if errors.As(err, &u) {
		return err
	}
	return &rest.UnknownOutcome{ID: s.tx.ID(), Err: err}
}

func committed(s *rest.Submitted) (*Committed, error) {
	if s.State != "committed" || s.Receipt == nil || s.BlockTime == nil {
		return nil, &rest.UnknownOutcome{ID: s.ID, Err: errors.New("the node did not wait for the commit")}
	}
	out := &Committed{ID: s.ID, Height: s.Height, Index: s.Index, BlockTime: *s.BlockTime, Receipt: *s.Receipt}
	return out, ReceiptError(&out.Receipt)
}

// ReceiptError returns the coded error of a call that was committed without effect, nil
// for one that took effect.
func ReceiptError(r *rest.Receipt) error {
	if r.Code == "OK" {
		return nil
	}
	return &types.Error{Code: rest.ParseCode(r.Code), Detail: r.Error}
}
