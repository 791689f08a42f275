package main

import (
	"context"
	"sync"
	"time"

	"github.com/huchain/huchain/client"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/crypto/cert"
	"github.com/huchain/huchain/crypto/timestamp"
	"github.com/huchain/huchain/services/certificate"
	"github.com/huchain/huchain/types"
)

// certifier issues certificates in the name of the service's member, stamped by another.
type certifier struct {
	who, clock *client.Identity
	page       string

	mu     sync.Mutex // guards issuer
	issuer *certificate.Issuer
}

// Certificate implements evidence.Certifier.
func (c *certifier) Certificate(ctx context.Context, cl *client.Client, hash crypto.Hash) ([]byte, error) {
	i, err := c.open(ctx, cl)
	if err != nil {
		return nil, err
	}
	out, err := i.Issue(ctx, cl, hash)
	if err != nil {
		return nil, err
	}
	return out.PDF, nil
}

// open makes the issuer when the first certificate is asked for. Its members join the chain
// then, if they have not yet: a verifier finds their certificates there.
func (c *certifier) open(ctx context.Context, cl *client.Client) (*certificate.Issuer, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.issuer != nil {
		return c.issuer, nil
	}
	certs := make([]*cert.Certificate, 2)
	for i, id := range []*client.Identity{c.who, c.clock} {
		var err error
		if certs[i], err = cert.Parse(id.Certificate); err != nil {
			return nil, types.Errorf(types.CodeCertFile, "%s: %w", id.Member, err)
		}
		_, err = cl.Member(ctx, string(id.Member))
		if types.CodeOf(err) == types.CodeNotFound {
			_, err = cl.Call(ctx, id, "membership", "register", struct{}{})
		}
		if err != nil {
			return nil, err
		}
	}
	trust, err := cl.Trust(ctx)
	if err != nil {
		return nil, err
	}
	c.issuer, err = certificate.NewIssuer(certificate.Params{
		Trust: trust, Key: c.who.Signer, Certificate: certs[0], Page: c.page, Now: time.Now, Authority: certs[1],
		Stamper: &timestamp.Authority{Key: c.clock.Signer, Certificate: certs[1], Now: time.Now},
	})
	return c.issuer, err
}
