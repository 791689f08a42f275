// Package rest defines the JSON forms of the HTTP API under /api/v1: what node/api
// writes and client reads, in one place so that the two cannot drift.
//
// Conventions: names are camelCase; hashes, keys, signatures and other bytes are
// lower-case hex; times are RFC 3339 in UTC; heights, counts and gas are JSON numbers
// (all stay below 2^53); results, arguments and event data are the contract's own JSON.
package rest
