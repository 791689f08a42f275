// Package crypto holds the cryptography every other package builds on: SM3
// hashes, SM2 keys and signatures, SM4 envelopes (国密: GB/T 32905, 32918, 32907).
// Certificates and the organisation CA are in cert, encrypted key files in keystore.
package crypto
