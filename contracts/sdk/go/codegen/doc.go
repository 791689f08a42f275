// Package codegen reads a contract's Go source and writes what follows from it: the
// JSON codec of its types (codec_gen.go) and the bundle's schema (schema.json). It
// also refuses what contracts must not use (see Lint).
package codegen
