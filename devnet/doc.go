// Package devnet runs a network of validators on this machine: it founds four
// organisations with their CAs and members, makes a genesis with the base contracts,
// and starts one process per validator, each with a home folder like any other node's.
//
// Layout of <home>/devnet:
//
//	devnet.json            what was created; written last, so that it marks completeness
//	lock                   held while "devnet up" watches over the processes
//	passphrase             opens every key below; a devnet's keys protect nothing
//	genesis.json
//	members/<org>/         ca and members: <name>.key, <name>.pem
//	node0 … nodeN          homes of the validators; "huchain start --home …" runs one alone
//	cache/wasm             compiled contracts, shared by the validators
package devnet
