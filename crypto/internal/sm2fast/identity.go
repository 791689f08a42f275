package sm2fast

import "encoding/hex"

// The curve's parameters as they enter ZA: a, b, xG, yG.
const curveParams = "fffffffeffffffffffffffffffffffffffffffff00000000fffffffffffffffc" +
	"28e9fa9e9d9f5e344d5a9e4bcf6509a7f39789f515ab8f92ddbcbd414d940e93" +
	"32c4ae2c1f1981195f9904466a39c9948fe30bbff2660be1715a4589334c74c7" +
	"bc3736a2f4f6779c59bdcee36b692153d0a9877cc62a474002df32e52139f0a0"

// idPrefix returns ENTL ‖ ID ‖ a ‖ b ‖ xG ‖ yG, where ENTL is the length of the user id
// in bits.
func idPrefix(userID []byte) []byte {
	params, err := hex.DecodeString(curveParams)
	if err != nil {
		panic(err) // a constant
	}
	bits := 8 * len(userID)
	out := append([]byte{byte(bits >> 8), byte(bits)}, userID...)
	return append(out, params...)
}
