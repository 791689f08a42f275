// Package api serves the HTTP API under /api/v1: what the chains of a node hold, with
// proofs, and where transactions are submitted. OpenAPI 3.1 is served at
// /api/v1/openapi.json. It adds no rule of its own: whatever it refuses, the chain or a
// stated bound on requests refused.
package api
