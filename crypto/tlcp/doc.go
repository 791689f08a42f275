// Package tlcp implements TLCP, the transport layer of China's national cryptography
// (GB/T 38636-2020): SM2 certificates, SM3, and SM4 in GCM, between two parties of which
// each shows a signing and an encryption certificate.
//
// A Conn is a net.Conn, a Listener a net.Listener; net/http runs over both. The package
// does what links between known parties need and no more: no session resumption, no
// renegotiation, no compression, no RSA and no identity-based suites. A connection ends
// for good when its limits are reached (Config.SessionBytes, Config.SessionAge); whoever
// wants to go on connects anew, and is judged anew.
//
// Certificates follow the profile of crypto/cert and are issued directly under a root.
// The two of a pair belong to one member and come from one CA.
//
// Secrets are compared, selected and unpadded in constant time, and an SM2 ciphertext
// that does not open goes on with a random secret, so that all failures end alike at the
// Finished message. Public values (certificates, signatures) are verified in variable time.
package tlcp
