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

// deployPartBytes is the size of the parts a package is uploaded in.
const deployPartBytes = 60 << 10

// packagePurpose is the purpose tag in front of a package's hash that its publisher signs.
const packagePurpose = "huchain/package/1"

// Deployment is a contract that was installed.
type Deployment struct {
	Name    string      `json:"name"`
	Version string      `json:"version"`
	Package crypto.Hash `json:"package"`
	Code    crypto.Hash `json:"code"`
	Height  uint64      `json:"height"`
	TxID    crypto.Hash `json:"txId"`
}

// Deploy installs a package file as a new contract; HC-1011 if its name is taken. The
// file is uploaded in parts, checked and staged, compiled by the nodes, then created. by
// signs the package as its publisher, and must be permitted to change contracts. params,
// where given, replace the package's own. progress, where given, is told the bytes
// uploaded.
func (c *Client) Deploy(ctx context.Context, by *Identity, pkg []byte, params json.RawMessage, progress func(done, total int)) (*Deployment, error) {
	return c.install(ctx, "create", by, pkg, params, progress)
}

// Upgrade makes a package file the new version of an installed contract, whose state
// stays; otherwise it is as Deploy.
func (c *Client) Upgrade(ctx context.Context, by *Identity, pkg []byte, params json.RawMessage, progress func(done, total int)) (*Deployment, error) {
	return c.install(ctx, "upgrade", by, pkg, params, progress)
}

func (c *Client) install(ctx context.Context, method string, by *Identity, pkg []byte, params json.RawMessage, progress func(done, total int)) (*Deployment, error) {
	out, err := c.stage(ctx, by, pkg, progress)
	if err != nil {
		return nil, err
	}
	if err := c.awaitPackage(ctx, out.Package); err != nil {
		return nil, err
	}
	args := map[string]any{"package": out.Package}
	if len(params) > 0 {
		args["params"] = params
	}
	done, err := c.Call(ctx, by, "contracts", method, args)
	if err != nil {
		return nil, err
	}
	out.Height, out.TxID = done.Height, done.ID
	return out, nil
}

// stage uploads a package in parts and has the chain check it.
func (c *Client) stage(ctx context.Context, by *Identity, pkg []byte, progress func(done, total int)) (*Deployment, error) {
	hash := crypto.Sum(pkg)
	parts := 0
	for at := 0; at < len(pkg); at += deployPartBytes {
		end := min(at+deployPartBytes, len(pkg))
		args := map[string]any{"package": hash, "part": parts, "data": pkg[at:end]}
		if _, err := c.Call(ctx, by, "contracts", "upload", args); err != nil {
			return nil, err
		}
		parts++
		if progress != nil {
			progress(end, len(pkg))
		}
	}
	sig, err := by.Signer.Sign(append([]byte(packagePurpose), hash[:]...))
	if err != nil {
		return nil, err
	}
	staged, err := c.Call(ctx, by, "contracts", "stage", map[string]any{"package": hash, "parts": parts, "signature": sig})
	if err != nil {
		return nil, err
	}
	out := &Deployment{Package: hash}
	if err := json.Unmarshal(staged.Receipt.Result, out); err != nil {
		return nil, types.Errorf(types.CodePackageInvalid, "the chain's answer to staging: %w", err)
	}
	return out, nil
}

// awaitPackage returns once the node has compiled a staged package, so that installing it
// delays no block.
func (c *Client) awaitPackage(ctx context.Context, pkg crypto.Hash) error {
	for {
		var out rest.Package
		err := c.get(ctx, c.path(nil, "packages", pkg.String()), &out)
		if err == nil && out.Ready {
			return nil
		}
		if err != nil && types.CodeOf(err) != types.CodeNotFound { // another node may lag a block behind
			return err
		}
		select {
		case <-ctx.Done():
			return types.Errorf(types.CodeNotReady, "package %s is staged and not compiled yet", pkg)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// Rehearse replays the newest calls of a contract under the package of an upgrade and
// tells which of them give something else. Nothing is committed.
func (c *Client) Rehearse(ctx context.Context, pkg []byte, calls int) (*rest.Rehearsal, error) {
	var out rest.Rehearsal
	q := url.Values{"calls": {strconv.Itoa(calls)}}
	return &out, c.do(ctx, http.MethodPost, c.path(q, "rehearsals"), "application/octet-stream", pkg, &out)
}

// SetContractStatus freezes, unfreezes or revokes (for good) an installed contract.
func (c *Client) SetContractStatus(ctx context.Context, by *Identity, action, name, reason string) (*Committed, error) {
	return c.Call(ctx, by, "contracts", action, map[string]any{"name": name, "reason": reason})
}
