// Package test holds the end-to-end tests: four validator processes of the real binary
// on loopback, driven through the command line and the client, killed, wiped, starved
// and lied to. `make soak` runs them at length.
package test
