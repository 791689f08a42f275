package contract

import "github.com/huchain/huchain/contracts/sdk/go/abi"

// SM3 hashes data (GB/T 32905-2016), outside the guest.
func SM3(data []byte) Hash { return abi.SM3(data) }

// VerifySM2 reports whether sig, 64 bytes r‖s, is an SM2-with-SM3 signature of msg
// (GB/T 32918, user id 1234567812345678) under pub, 65 bytes 0x04‖X‖Y.
func VerifySM2(pub, msg, sig []byte) bool {
	return len(pub) == 65 && len(sig) == 64 && abi.SM2Verify(pub, msg, sig)
}
