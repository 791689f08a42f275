package client

import (
	"context"
	"strings"

	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/types/rest"
)

// Interface fetches what an installed contract says of itself: arguments, results,
// permissions, errors, words, views and statistics. HC-3101 if it is not installed.
func (c *Client) Interface(ctx context.Context, contract string) (*rest.Interface, error) {
	var out rest.Interface
	return &out, c.get(ctx, c.path(nil, "contracts", contract, "interface"), &out)
}

// OpenAPI fetches the OpenAPI document of the chain's contracts.
func (c *Client) OpenAPI(ctx context.Context) ([]byte, error) {
	var raw []byte
	err := c.get(ctx, c.path(nil, "openapi.json"), &raw)
	return raw, err
}

// ContractError returns the name of the error that a contract refused a call with, such
// as evidence.not_found; "" for any other error.
func ContractError(err error) string {
	e, ok := rest.AsError(err)
	if !ok || e.Code != types.CodeContractError {
		return ""
	}
	name, _, _ := strings.Cut(e.Detail, ":")
	name, _, _ = strings.Cut(name, " ")
	return name
}
