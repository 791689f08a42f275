// Package testkit plays a chain in memory for tests of contracts: members by name,
// block time at will, and the chain's real state machine, natively compiled and in
// WASM side by side.
//
// # Transcripts
//
// A transcript (testdata/*.txt of a bundle) is a story in lines:
//
//	# comment; the first ones say covers: B1.11
//	member clerk org=archives role=client,auditor
//	key citizen                        a key pair of somebody who is no member
//	time 2026-03-02T01:00:00Z          block time of what follows
//	block                              one second and one height later
//	call clerk deposit {"hash":"sm3:合同正文","title":"采购合同"}
//	ok {"owner":"archives/clerk",…}
//	event deposited {"title":"采购合同",…}
//	query public get {"hash":"sm3:别的"}
//	error evidence.not_found
//	let head = .head                   a part of the last result, as $head further down
//	freeze clerk                       by an admin of the member's organisation
//	unfreeze clerk
//	with asset-go                      another bundle beside it is installed too
//	supervised                         the chain obeys this contract's rules, or those of
//	                                   the contract named behind the word
//	deploy admin asset-rust            an admin uploads, stages and creates a bundle
//	tamper chain/c1 .length = 3        alters a row behind the contract's back; "-" deletes it
//
// Members act as names; "public" asks without a signature; "call a+b …" is sent by a
// and co-signed by b; "call clerk identity.register {…}" calls another contract.
// After call, query and deploy stand the expectations: ok JSON or error CODE (the
// contract's, or HC-nnnn), then event lines, which are all events of the tested contract
// and of policy in the call, or none. In
// expectations … matches anything: a value, or the rest of an object or list.
//
// In JSON "sm3:TEXT" stands for the hash of TEXT, "repeat:200:字" for 200 times 字 (at
// most 100,000 bytes), "sign:NAME:TEXT" for the SM2 signature
// of TEXT by the member or key NAME, r‖s in hex; $contract for the bundle's name, $chain
// and $genesis for the chain's name and genesis hash, $NAME_key for a public key,
// $NAME_id for its address and $NAME_did for did:huchain:<chain>:<address>. Rows in tamper lines are named
// as package state lays them out, with \0 for the zero byte.
package testkit
