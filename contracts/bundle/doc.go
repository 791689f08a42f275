// Package bundle reads and writes contract bundles: the folder a developer keeps
// (bundle.yaml, schema.json, code) and the package file made from it, which is what
// a genesis or a deployment installs.
//
// # Package file
//
// A package is a zstd-compressed tar of exactly four files in this order:
// manifest.json, bundle.yaml, schema.json, contract.wasm; regular files of mode 0644,
// owner 0, time 0, so that equal contents give equal archives. It unpacks to at most
// 8 MiB. The chain reads manifest.json alone: the canonical JSON which the tooling
// derives from bundle.yaml, so that no YAML is ever parsed in consensus.
//
// # Permissions
//
// A method's allow rule is one of
//
//	public                        anyone; queries need no signature
//	self                          any member, for its own records: the contract compares
//	ANY role:R|org:O …            a signer has one of the roles or belongs to one of the organisations
//	ALL|MAJORITY|n-of role:R …    all, more than half, n of the chain's organisations have a signer with one of the roles
//	ALL|MAJORITY|n-of org:O …     all, more than half, n of the listed organisations have a signer
//
// Roles and organisations are mixed only under ANY. The signers of a transaction are
// its sender and co-signers, all of whom have signed it.
package bundle
