// Package rows lays out a contract's storage for packages state and record: the text
// of keys, JSON rows, scans and pages. The layout is described in package state.
package rows
