package rows

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// Texts that Terminate has ended keep their order, lie behind one another and are found
// again, whatever bytes they hold; but 0xFF begins none, as in UTF-8.
func TestTerminate(t *testing.T) {
	text := rapid.SliceOfN(rapid.SampledFrom([]byte{0, 1, 'a', 0x7f, 0x80, 0xfe}), 0, 20)
	rapid.Check(t, func(t *rapid.T) {
		texts := rapid.SliceOfN(text, 1, 4).Draw(t, "texts")
		var list []byte
		for _, x := range texts {
			list = Terminate(append(list, x...), len(list))
		}
		rest := list
		for _, want := range texts {
			var ended []byte
			ended, rest = Cut(rest)
			got, after, ok := Split(ended)
			require.True(t, ok)
			require.Equal(t, want, append([]byte{}, got...))
			require.Empty(t, after)
		}
		require.Empty(t, rest)
		a, b := texts[0], texts[len(texts)-1]
		ended := func(x []byte) []byte { return Terminate(bytes.Clone(x), 0) }
		require.Equal(t, bytes.Compare(a, b), bytes.Compare(ended(a), ended(b)))
	})
	first, rest := Cut([]byte("a\x00\xffb"))
	require.Equal(t, "a\x00\xffb", string(first)+string(rest))
	_, _, ok := Split([]byte("no end"))
	require.False(t, ok)
}
