// Package sdk carries the sources of the contract SDKs, so that the huchain binary can
// write them beside a new bundle, which then builds outside this repository.
package sdk

import "embed"

// Go holds the packages a Go contract compiles against, as files under go/.
//
//go:embed go/abi/*.go go/codec/*.go go/contract/*.go go/contract/*.s go/internal/rows/*.go go/record/*.go go/state/*.go
var Go embed.FS

// Rust holds the crate a Rust contract compiles against, as files under rust/.
//
//go:embed rust/Cargo.toml rust/src/*.rs
var Rust embed.FS
