package types

import "slices"

// table explains every code, ascending. docs/errors.md is generated from it
// (go test ./types -run TestErrorsPage -update).
var table = slices.Concat(nodeTable, txTable, contractTable, ledgerTable, serviceTable, networkTable, keyTable)
