package rest

import (
	"time"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
)

// A login is a signed call of this method, which no chain has: nobody can make a
// transaction of it that does anything.
const (
	LoginContract = "membership"
	LoginMethod   = "login"
)

// LoginArgs are the arguments of the signed call. Host keeps a server from passing a
// challenge of another on to the member who signs.
type LoginArgs struct {
	Challenge string `json:"challenge"`
	Host      string `json:"host"`
}

// Challenge asks a member to show that it holds its key.
type Challenge struct {
	Challenge string      `json:"challenge" doc:"To be signed, once"`
	Host      string      `json:"host" doc:"The server as it was addressed, host:port: check it against the address used"`
	Genesis   crypto.Hash `json:"genesis"`
	Expires   time.Time   `json:"expires"`
}

// Caller says as whom a request is served.
type Caller struct {
	Login  string   `json:"login" enum:"required,none" doc:"Whether this listener serves only those who logged in"`
	Chains []string `json:"chains" doc:"Chains of the node that one may log in to"`
	// Provider is there where one may log in by it: at /api/v1/oidc/login.
	Provider string         `json:"provider,omitempty" doc:"Issuer of the OpenID Connect provider that one may log in by, at /api/v1/oidc/login"`
	Kind     string         `json:"kind" enum:"anonymous,session,key"`
	ID       string         `json:"id,omitempty" doc:"Of the session or key"`
	Name     string         `json:"name,omitempty" doc:"Member id, or name of the key"`
	Chain    string         `json:"chain,omitempty" doc:"The one chain that is seen; empty: all"`
	Roles    []types.Role   `json:"roles,omitempty"`
	Address  *types.Address `json:"address,omitempty"`
	Expires  *time.Time     `json:"expires,omitempty"`
}
