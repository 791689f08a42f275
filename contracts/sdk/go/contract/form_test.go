package contract

import (
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/huchain/huchain/contracts/sdk/go/codec"
)

// note is as the generator's types are, with a list and an optional value.
type note struct {
	Text string
	N    int64
	List []string
	Next *int64
}

func (v *note) AppendJSON(b []byte) []byte {
	b = codec.AppendString(codec.AppendRaw(b, `{"text":`), v.Text)
	b = codec.AppendInt64(codec.AppendRaw(b, `,"n":`), v.N)
	b = codec.AppendRaw(b, `,"list":[`)
	for _, s := range v.List {
		b = codec.AppendString(codec.Comma(b), s)
	}
	b = append(b, ']')
	if v.Next != nil {
		b = codec.AppendInt64(codec.AppendRaw(b, `,"next":`), *v.Next)
	}
	return append(b, '}')
}

func (v *note) FlatJSON() bool { return len(v.List) == 0 && v.Next == nil }

// However a value changes, also where it points to, a form writes it as it is now.
func TestFormWritesWhatIsThere(t *testing.T) {
	f := FormOf[note]()
	require.Same(t, f, FormOf[note]())
	rapid.Check(t, func(t *rapid.T) {
		next := int64(0)
		var v note
		for range rapid.IntRange(1, 12).Draw(t, "steps") {
			n := rapid.Int64Range(0, 2).Draw(t, "n")
			switch rapid.IntRange(0, 6).Draw(t, "step") {
			case 0:
				v.Text = rapid.SampledFrom([]string{"", "a", "b"}).Draw(t, "text")
			case 1:
				v.N = n
			case 2:
				v.List = append(v.List, "x")
			case 3:
				if len(v.List) > 0 {
					v.List[0] = rapid.SampledFrom([]string{"y", "z"}).Draw(t, "item")
				}
			case 4:
				v.List = v.List[:0]
			case 5:
				v.Next, next = &next, n
			case 6:
				v.Next = nil
			}
			require.Equal(t, string(JSON(v)), string(f.Encode(&v)))
		}
	})
}

// A value that was written last is not encoded again, unless something stands behind it.
func TestFormEncodesOnce(t *testing.T) {
	f := FormOf[note]()
	where := func(v note) *byte { return unsafe.SliceData(f.Encode(&v)) }
	require.Same(t, where(note{Text: "a"}), where(note{Text: "a"}))
	require.NotSame(t, where(note{Text: "a"}), where(note{Text: "b"}))
	listed := note{List: []string{"a"}}
	require.NotSame(t, where(listed), where(listed))
	plain, n := FormOf[int64](), int64(7)
	require.Equal(t, `"7"`, string(plain.Encode(&n)))
	n = 8
	require.Equal(t, `"8"`, string(plain.Encode(&n)))
	r := codec.NewReader([]byte(`"9"`))
	plain.Decode(&n, &r)
	require.True(t, r.Done())
	require.EqualValues(t, 9, n)
}
