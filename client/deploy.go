package client

import (
	"context"
	"encoding/json"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
)

// deployPartBytes is the size of the parts a package is uploaded in.
const deployPartBytes = 60 << 10

// packagePurpose is the purpose tag in front of a package's hash that its publisher signs.
const packagePurpose = "huchain/package/1"

// Deployment is a contract that was installed.
type Deployment struct {
	Name     string      `json:"name"`
	Version  string      `json:"version"`
	Package  crypto.Hash `json:"package"`
	Code     crypto.Hash `json:"code"`
	Upgraded bool        `json:"upgraded"`
	Height   uint64      `json:"height"`
	TxID     crypto.Hash `json:"txId"`
}

// Deploy uploads a package file in parts, has it checked and staged, and installs it:
// as a new contract, or as an upgrade of the one of its name. by signs the package as
// its publisher, and must be permitted to change contracts. params, where given, replace
// the package's own. progress, where given, is told the bytes uploaded.
func (c *Client) Deploy(ctx context.Context, by *Identity, pkg []byte, params json.RawMessage, progress func(done, total int)) (*Deployment, error) {
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
	method := "create"
	switch _, err := c.Contract(ctx, out.Name); types.CodeOf(err) {
	case types.CodeOK:
		method, out.Upgraded = "upgrade", true
	case types.CodeUnknownContract:
	default:
		return nil, err
	}
	args := map[string]any{"package": hash}
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
