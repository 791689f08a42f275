//go:build !wasip1

package abi

// Host is the chain as a natively compiled contract sees it. A method that cannot go
// on panics; package contract passes the panic on.
type Host interface {
	Method() string
	Args() []byte
	Output(result []byte)
	Get(key []byte) (value []byte, found bool)
	Put(key, value []byte)
	Delete(key []byte)
	// Scan returns rows as ABI v1 packs them (u32le length and bytes of key, then of
	// value), at most limit, and whether more follow. A nil end is the namespace's end.
	Scan(start, end []byte, limit uint32) (rows []byte, more bool)
	Emit(name string, data []byte)
	Call(contract, method string, args []byte) (result []byte, ok bool)
	Caller() []byte
	CallerDID() string
	Chain() []byte
	Block() (height uint64, timeMs int64)
	TxID() [32]byte
	SM3(data []byte) [32]byte
	SM2Verify(pub, msg, sig []byte) bool
	Log(text string)
}

// Current serves all functions of this package. One call runs at a time.
var Current Host

// Method returns the name of the method called.
func Method() string { return Current.Method() }

// Args returns the argument bytes.
func Args() []byte { return Current.Args() }

// Output sets the result; the last call wins.
func Output(result []byte) { Current.Output(result) }

// Fail ends the call as a contract error.
func Fail(name, text string) { panic(&Failure{name, text}) }

func rawGet(key []byte) ([]byte, bool) { return Current.Get(key) }

func rawPut(key, value []byte) { Current.Put(key, value) }

func rawDelete(key []byte) { Current.Delete(key) }

func rawScan(start, end []byte, limit uint32) ([]byte, bool) { return Current.Scan(start, end, limit) }

func rawEmit(name string, data []byte) { Current.Emit(name, data) }

func rawCall(contract, method string, args []byte) ([]byte, bool) {
	return Current.Call(contract, method, args)
}

// Caller returns the packed caller.
func Caller() []byte { return Current.Caller() }

// CallerDID returns the caller's DID, or "".
func CallerDID() string { return Current.CallerDID() }

// Chain returns the genesis hash, 32 bytes, and the chain's name.
func Chain() []byte { return Current.Chain() }

// Block returns the height and the time in Unix milliseconds.
func Block() (uint64, int64) { return Current.Block() }

// TxID returns the transaction's id.
func TxID() [32]byte { return Current.TxID() }

// SM3 hashes data.
func SM3(data []byte) [32]byte { return Current.SM3(data) }

// SM2Verify checks a 64-byte r‖s signature under an uncompressed key.
func SM2Verify(pub, msg, sig []byte) bool { return Current.SM2Verify(pub, msg, sig) }

// Log writes to the debug log.
func Log(text string) { Current.Log(text) }

// Scratch returns an empty buffer of capacity n that lives as long as the call.
func Scratch(n int) []byte { return make([]byte, 0, n) }

// Keep gives back what b, just obtained from Scratch, does not use.
func Keep(b []byte) []byte { return b }
