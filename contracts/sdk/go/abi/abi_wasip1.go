//go:build wasip1

package abi

import "unsafe"

//go:wasmimport huchain method
//go:noescape
func hostMethod(p unsafe.Pointer, c uint32) uint32

//go:wasmimport huchain args
//go:noescape
func hostArgs(p unsafe.Pointer, c uint32) uint32

//go:wasmimport huchain output
//go:noescape
func hostOutput(p unsafe.Pointer, n uint32)

//go:wasmimport huchain fail
//go:noescape
func hostFail(name unsafe.Pointer, nameLen uint32, text unsafe.Pointer, textLen uint32)

//go:wasmimport huchain state_get
//go:noescape
func hostGet(k unsafe.Pointer, kn uint32, p unsafe.Pointer, c uint32) int32

//go:wasmimport huchain state_put
//go:noescape
func hostPut(k unsafe.Pointer, kn uint32, v unsafe.Pointer, vn uint32)

//go:wasmimport huchain state_delete
//go:noescape
func hostDelete(k unsafe.Pointer, kn uint32)

//go:wasmimport huchain state_scan
//go:noescape
func hostScan(s unsafe.Pointer, sn uint32, e unsafe.Pointer, en int32, limit uint32, p unsafe.Pointer, c uint32) int32

//go:wasmimport huchain emit
//go:noescape
func hostEmit(name unsafe.Pointer, nameLen uint32, d unsafe.Pointer, dn uint32)

//go:wasmimport huchain call
//go:noescape
func hostCall(c unsafe.Pointer, cn uint32, m unsafe.Pointer, mn uint32, a unsafe.Pointer, an uint32) int32

//go:wasmimport huchain call_result
//go:noescape
func hostCallResult(p unsafe.Pointer, c uint32) uint32

//go:wasmimport huchain caller
//go:noescape
func hostCaller(p unsafe.Pointer, c uint32) uint32

//go:wasmimport huchain caller_did
//go:noescape
func hostCallerDID(p unsafe.Pointer, c uint32) uint32

//go:wasmimport huchain chain
//go:noescape
func hostChain(p unsafe.Pointer, c uint32) uint32

//go:wasmimport huchain block
//go:noescape
func hostBlock(p unsafe.Pointer)

//go:wasmimport huchain tx_id
//go:noescape
func hostTxID(p unsafe.Pointer)

//go:wasmimport huchain sm3
//go:noescape
func hostSM3(p unsafe.Pointer, n uint32, out unsafe.Pointer)

//go:wasmimport huchain sm2_verify
//go:noescape
func hostSM2Verify(pub, msg unsafe.Pointer, n uint32, sig unsafe.Pointer) uint32

//go:wasmimport huchain log
//go:noescape
func hostLog(p unsafe.Pointer, n uint32)

// arena serves the buffers of one call from neighbouring pages, because each page a
// call dirties must be restored after it. It is never reset: memory is fresh on
// every call.
var (
	arena [48 << 10]byte
	used  int
)

// minTail is how much of the arena a copying host function is offered at least.
const minTail = 1 << 10

// Scratch returns an empty buffer of capacity n that lives as long as the call.
func Scratch(n int) []byte {
	if used+n > len(arena) {
		return make([]byte, 0, n)
	}
	b := arena[used : used : used+n]
	used += n
	return b
}

// Keep gives back what b, just obtained from Scratch, does not use.
func Keep(b []byte) []byte {
	if end := used - cap(b); end >= 0 && cap(b) > 0 && unsafe.Pointer(unsafe.SliceData(b)) == unsafe.Pointer(&arena[end]) {
		used = end + len(b)
		return b[:len(b):len(b)]
	}
	return b
}

// tail offers the rest of the arena, or a fresh buffer once it is used up.
func tail() []byte {
	if len(arena)-used >= minTail {
		return arena[used:]
	}
	return make([]byte, minTail)
}

// took notes that n bytes of a buffer made by tail are in use.
func took(b []byte, n int) []byte {
	if used < len(arena) && unsafe.SliceData(b) == &arena[used] {
		used += n
	}
	return b[:n:n]
}

func ptr(b []byte) unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(b)) }

func strPtr(s string) unsafe.Pointer { return unsafe.Pointer(unsafe.StringData(s)) }

// copied runs one of the host's copy functions, again with a larger buffer if needed.
func copied(f func(p unsafe.Pointer, c uint32) uint32) []byte {
	b := tail()
	n := int(f(ptr(b), uint32(len(b))))
	if n <= len(b) {
		return took(b, n)
	}
	b = make([]byte, n)
	f(ptr(b), uint32(n))
	return b
}

// Method returns the name of the method called.
func Method() string {
	b := copied(hostMethod)
	return unsafe.String(unsafe.SliceData(b), len(b))
}

// Args returns the argument bytes.
func Args() []byte { return copied(hostArgs) }

// Output sets the result; the last call wins.
func Output(result []byte) { hostOutput(ptr(result), uint32(len(result))) }

// Fail ends the call as a contract error.
func Fail(name, text string) {
	hostFail(strPtr(name), uint32(len(name)), strPtr(text), uint32(len(text)))
	panic(name) // not reached: the host ends the call
}

func rawGet(key []byte) ([]byte, bool) {
	b := tail()
	n := hostGet(ptr(key), uint32(len(key)), ptr(b), uint32(len(b)))
	if n < 0 {
		return nil, false
	}
	if int(n) <= len(b) {
		return took(b, int(n)), true
	}
	b = make([]byte, n)
	hostGet(ptr(key), uint32(len(key)), ptr(b), uint32(n))
	return b, true
}

func rawPut(key, value []byte) {
	hostPut(ptr(key), uint32(len(key)), ptr(value), uint32(len(value)))
}

func rawDelete(key []byte) { hostDelete(ptr(key), uint32(len(key))) }

func rawScan(start, end []byte, limit uint32) ([]byte, bool) {
	endLen := int32(len(end))
	if end == nil {
		endLen = -1
	}
	const more = 1 << 31
	b := make([]byte, 16<<10)
	for {
		n := hostScan(ptr(start), uint32(len(start)), ptr(end), endLen, limit, ptr(b), uint32(len(b)))
		size := uint32(n) &^ more
		if size <= uint32(len(b)) {
			return b[:size], uint32(n)&more != 0
		}
		b = make([]byte, -n) // a single row needs -n bytes
	}
}

func rawEmit(name string, data []byte) {
	hostEmit(strPtr(name), uint32(len(name)), ptr(data), uint32(len(data)))
}

func rawCall(contract, method string, args []byte) ([]byte, bool) {
	n := hostCall(strPtr(contract), uint32(len(contract)), strPtr(method), uint32(len(method)), ptr(args), uint32(len(args)))
	return copied(hostCallResult), n >= 0
}

// Caller returns the packed caller.
func Caller() []byte { return copied(hostCaller) }

// CallerDID returns the caller's DID, or "".
func CallerDID() string { return string(copied(hostCallerDID)) }

// Chain returns the genesis hash, 32 bytes, and the chain's name.
func Chain() []byte { return copied(hostChain) }

// Block returns the height and the time in Unix milliseconds.
func Block() (uint64, int64) {
	var b [16]byte
	hostBlock(unsafe.Pointer(&b))
	return le64(b[:8]), int64(le64(b[8:]))
}

func le64(b []byte) (v uint64) {
	for i := 7; i >= 0; i-- {
		v = v<<8 | uint64(b[i])
	}
	return v
}

// TxID returns the transaction's id.
func TxID() (id [32]byte) {
	hostTxID(unsafe.Pointer(&id))
	return id
}

// SM3 hashes data.
func SM3(data []byte) (sum [32]byte) {
	hostSM3(ptr(data), uint32(len(data)), unsafe.Pointer(&sum))
	return sum
}

// SM2Verify checks a 64-byte r‖s signature under an uncompressed key.
func SM2Verify(pub, msg, sig []byte) bool {
	if len(pub) != 65 || len(sig) != 64 {
		return false
	}
	return hostSM2Verify(ptr(pub), ptr(msg), uint32(len(msg)), ptr(sig)) == 1
}

// Log writes to the debug log.
func Log(text string) { hostLog(strPtr(text), uint32(len(text))) }
