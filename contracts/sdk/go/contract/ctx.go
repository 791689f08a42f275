package contract

import (
	"unsafe"

	"github.com/huchain/huchain/contracts/sdk/go/abi"
)

// Reader is a call that can read: a *Ctx or a *View.
type Reader interface {
	Caller() *Caller
	Time() Time
	Height() uint64
	TxID() Hash
	Chain() Chain
	Log(text string)

	reader()
}

// View is a read-only call.
type View struct{ env *env }

// Ctx is a call that can write.
type Ctx struct{ View }

// env is what one call has asked the chain so far.
type env struct {
	caller Caller
	chain  *Chain
	height uint64
	timeMs int64

	hasCaller, hasBlock bool // have been asked for
}

func (v *View) reader() {}

// Caller returns who signed the transaction or query; a query without a signature
// has an empty Caller. In a nested call it is still the member at the start.
func (v *View) Caller() *Caller {
	if !v.env.hasCaller {
		v.env.caller.parse(abi.Caller())
		v.env.hasCaller = true
	}
	return &v.env.caller
}

func (v *View) readBlock() {
	if !v.env.hasBlock {
		v.env.height, v.env.timeMs = abi.Block()
		v.env.hasBlock = true
	}
}

// Time returns the block time, in whole seconds.
func (v *View) Time() Time {
	v.readBlock()
	s := v.env.timeMs / 1000
	if v.env.timeMs%1000 < 0 {
		s--
	}
	return Time(s)
}

// Height returns the height of the block being executed, or of the tip in a query.
func (v *View) Height() uint64 {
	v.readBlock()
	return v.env.height
}

// TxID returns the id of the transaction, zero in a query.
func (v *View) TxID() Hash { return abi.TxID() }

// Chain returns which chain this is.
func (v *View) Chain() Chain {
	if v.env.chain == nil {
		raw := abi.Chain()
		if len(raw) < len(Hash{}) {
			abi.Fail("internal", "malformed chain")
		}
		v.env.chain = &Chain{Genesis: Hash(raw), Name: string(raw[len(Hash{}):])}
	}
	return *v.env.chain
}

// Log writes up to 1 KiB to the node's debug log, without effect on results.
func (v *View) Log(text string) { abi.Log(text) }

// Chain names a chain; the genesis hash tells it from any other of the same name.
type Chain struct {
	Name    string
	Genesis Hash
}

// Caller is a member of the chain.
type Caller struct {
	Member  Member
	Org     Org
	Address Address
	Roles   []string

	did    DID
	hasDID bool      // did has been asked for
	few    [3]string // room for most callers' roles
}

// DID returns the DID that contract identity binds to the caller, "" if it has none or
// if it is frozen or closed. The first call reads state and costs as much gas.
func (c *Caller) DID() DID {
	if !c.hasDID {
		c.did, c.hasDID = DID(abi.CallerDID()), true
	}
	return c.did
}

// HasRole reports whether the caller's certificate holds a role.
func (c *Caller) HasRole(role string) bool {
	for _, r := range c.Roles {
		if r == role {
			return true
		}
	}
	return false
}

// parse reads four strings behind one length byte each. They alias b, which nobody
// changes.
func (c *Caller) parse(b []byte) {
	packed := unsafe.String(unsafe.SliceData(b), len(b))
	var parts [4]string
	for i := range parts {
		if packed == "" || int(packed[0]) > len(packed)-1 {
			abi.Fail("internal", "malformed caller")
		}
		parts[i] = packed[1 : 1+packed[0]]
		packed = packed[1+len(parts[i]):]
	}
	c.Member, c.Org, c.Roles = Member(parts[0]), Org(parts[1]), c.few[:0]
	copy(c.Address[:], parts[2])
	for roles := parts[3]; roles != ""; {
		end := 0
		for end < len(roles) && roles[end] != ',' {
			end++
		}
		c.Roles = append(c.Roles, roles[:end])
		roles = roles[min(end+1, len(roles)):]
	}
}
