package client

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
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
// file is announced, uploaded in parts, checked and staged, compiled by the nodes, then created. by
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
	if err := c.stage(ctx, by, pkg, progress); err != nil {
		return nil, err
	}
	ready, err := c.awaitPackage(ctx, crypto.Sum(pkg))
	if err != nil {
		return nil, err
	}
	out := &Deployment{Name: ready.Name, Version: ready.Version, Package: ready.Package, Code: ready.Code}
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

// stage announces a package, uploads the parts that the chain does not have yet, and has
// the chain check it. After an interruption it goes on where it was.
func (c *Client) stage(ctx context.Context, by *Identity, pkg []byte, progress func(done, total int)) error {
	hash := crypto.Sum(pkg)
	parts := slices.Collect(slices.Chunk(pkg, deployPartBytes))
	hashes := make([]crypto.Hash, len(parts))
	for i, p := range parts {
		hashes[i] = crypto.Sum(p)
	}
	begun, err := c.Call(ctx, by, "contracts", "begin", map[string]any{"package": hash, "bytes": len(pkg), "parts": hashes})
	if err != nil {
		return err
	}
	var upload struct {
		Missing []int `json:"missing"`
		Staged  bool  `json:"staged"`
	}
	if err := json.Unmarshal(begun.Receipt.Result, &upload); err != nil {
		return types.Errorf(types.CodePackageInvalid, "the chain's answer to the announcement: %w", err)
	}
	if upload.Staged {
		return nil
	}
	for i, n := range upload.Missing {
		if n < 0 || n >= len(parts) {
			return types.Errorf(types.CodePackageInvalid, "the chain asks for part %d of %d", n, len(parts))
		}
		if _, err := c.Call(ctx, by, "contracts", "upload", map[string]any{"package": hash, "part": n, "data": parts[n]}); err != nil {
			return err
		}
		if progress != nil {
			progress(len(pkg)*(len(parts)-len(upload.Missing)+i+1)/len(parts), len(pkg))
		}
	}
	sig, err := by.Signer.Sign(append([]byte(packagePurpose), hash[:]...))
	if err != nil {
		return err
	}
	_, err = c.Call(ctx, by, "contracts", "stage", map[string]any{"package": hash, "signature": sig})
	return err
}

// Configure gives an installed contract other parameters, a JSON object that its init
// checks; its state stays.
func (c *Client) Configure(ctx context.Context, by *Identity, name string, params json.RawMessage) (*Committed, error) {
	return c.Call(ctx, by, "contracts", "configure", map[string]any{"name": name, "params": params})
}

// awaitPackage returns once the node has compiled a staged package, so that installing it
// delays no block.
func (c *Client) awaitPackage(ctx context.Context, pkg crypto.Hash) (*rest.Package, error) {
	for {
		var out rest.Package
		err := c.get(ctx, c.path(nil, "packages", pkg.String()), &out)
		if err == nil && out.Ready {
			return &out, nil
		}
		if err != nil && types.CodeOf(err) != types.CodeNotFound { // another node may lag a block behind
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, types.Errorf(types.CodeNotReady, "package %s is staged and not compiled yet", pkg)
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
