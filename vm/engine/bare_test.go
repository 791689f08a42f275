package engine

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/vm/instrument"
	"github.com/huchain/huchain/vm/wasm"
)

// withGlobals adds the three globals that a run sets, and nothing else.
func withGlobals(tb testing.TB, code []byte) []byte {
	m, err := wasm.Decode(code)
	require.NoError(tb, err)
	for i, s := range m.Sections {
		switch s.ID {
		case wasm.SectionGlobal:
			b := append([]byte{byte(len(m.Globals) + 3)}, s.Body[1:]...)
			m.Sections[i].Body = append(b, wasm.I64, 1, 0x42, 0, 0x0b, wasm.I32, 1, 0x41, 0, 0x0b, wasm.I32, 1, 0x41, 0, 0x0b)
		case wasm.SectionExport:
			b := append([]byte{byte(len(m.Exports) + 3)}, s.Body[1:]...)
			for j, name := range []string{instrument.GasGlobal, instrument.StackGlobal, instrument.FlagGlobal} {
				b = append(wasm.AppendName(b, name), byte(wasm.KindGlobal), byte(len(m.Globals)+j))
			}
			m.Sections[i].Body = b
		}
	}
	return wasm.Encode(m.Sections)
}
