// Package host is what a contract sees of the world: the functions of ABI v1 in the
// import module "huchain", deterministic WASI preview 1 stubs, and the Env behind them.
//
// # ABI v1
//
// Pointers and lengths are i32 and unsigned. The guest owns all buffers. Functions that
// copy write min(len, cap) bytes and return the full length. A pointer or length outside
// memory, or a value above a bound of package types, ends the call with HC-3205 or
// HC-3206; nothing ever returns an error number for it.
//
//	method(ptr,cap)->len          name of the method called
//	args(ptr,cap)->len            argument bytes
//	output(ptr,len)               result bytes; the last call wins
//	fail(name,nlen,text,tlen)     ends the call as a contract error, doesn't return
//	state_get(key,klen,buf,cap)->len|-1    copies nothing if len > cap
//	state_put(key,klen,val,vlen)  state_delete(key,klen)
//	state_scan(start,slen,end,elen,limit,buf,cap)->len
//	    elen -1: to the end of the namespace. Fills buf with whole entries
//	    u32le klen ‖ key ‖ u32le vlen ‖ value and returns their bytes, bit 31 set if more
//	    entries follow; if not even the first fits, minus the bytes it needs.
//	emit(name,nlen,data,dlen)
//	call(contract,clen,method,mlen,args,alen)->len|-1   call_result(ptr,cap)->len
//	    -1: the callee failed and its error text is the result
//	caller(ptr,cap)->len          member, org, address (20 bytes), roles joined by ",";
//	                              each behind its length in one byte
//	caller_did(ptr,cap)->len      the caller's DID, empty if it has none: a read of state
//	chain(ptr,cap)->len           genesis hash (32 bytes) ‖ name of the chain
//	block(ptr)                    height u64le, time i64le in Unix milliseconds
//	tx_id(ptr)                    32 bytes
//	sm3(ptr,len,out)              32 bytes to out
//	sm2_verify(pub,msg,mlen,sig)->0|1    65-byte key, 64-byte signature r‖s
//	log(ptr,len)                  debug log, at most 1 KiB kept
//
// A manifest declares what the module may import of these beyond what concerns the call
// itself: read (state_get, state_scan), write (state_put, state_delete), emit, call (call,
// call_result), did (caller_did), verify (sm2_verify).
//
// A guest exports memory, huchain_call and, if it has one, _initialize.
package host

import (
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
)

// Kind tells why a contract runs.
type Kind uint8

// The kinds of calls.
const (
	KindCall    Kind = iota // a transaction or another contract calls a method
	KindQuery               // read-only
	KindInit                // once, at creation
	KindMigrate             // once, at an upgrade, by the new code
)

// Caller is who called: the sender of the transaction, or of the query if it was signed.
type Caller struct {
	Member  types.MemberID
	Org     string
	Address types.Address
	Roles   []types.Role
}

// Info is what is known of a call before it runs. The guest may read all of it.
type Info struct {
	Kind             Kind
	Contract, Method string
	Caller           Caller
	Chain            string      // name
	Genesis          crypto.Hash // identifies the chain
	Height           uint64
	TimeMs           int64 // block time, Unix milliseconds
	TxID             crypto.Hash
}

// Pair is an entry of the state.
type Pair struct{ Key, Value []byte }

// Env is the chain as one call sees it. Every error aborts the call with that error;
// the only exception is a *Failure from Call, which the guest may handle. Slices given
// to an Env alias guest memory and MUST be copied to be kept.
type Env interface {
	Info() *Info
	DID() (string, error) // of the caller, "" if it has none
	Get(key []byte) (value []byte, found bool, err error)
	Put(key, value []byte) error // HC-3105 in read-only calls
	Delete(key []byte) error     // HC-3105 in read-only calls
	// Scan returns at most limit entries of [start, end) in order, and whether more
	// follow; a nil end is the end of the namespace.
	Scan(start, end []byte, limit int) (pairs []Pair, more bool, err error)
	Emit(name string, data []byte) error
	// Call runs another contract with at most gas; gasUsed is valid in every case.
	Call(contract, method string, args []byte, gas uint64) (result []byte, gasUsed uint64, err error)
	Log(text string)
}

// Failure is an error a contract raised on purpose.
type Failure struct{ Contract, Name, Text string }

// Error returns "contract.name" or "contract.name: text".
func (f *Failure) Error() string {
	if f.Text == "" {
		return f.Contract + "." + f.Name
	}
	return f.Contract + "." + f.Name + ": " + f.Text
}
