package contract

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/huchain/huchain/contracts/sdk/go/codec"
)

// Times agree with the standard library over the whole range.
func TestTimeAgainstStandard(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := Time(rapid.Int64Range(int64(MinTime), int64(MaxTime)).Draw(t, "time"))
		want := time.Unix(int64(v), 0).UTC().Format(time.RFC3339)
		require.Equal(t, want, v.String())
		back, ok := ParseTime(want)
		require.True(t, ok)
		require.Equal(t, v, back)
	})
}

func FuzzParseTime(f *testing.F) {
	f.Add("2026-03-02T01:00:00Z")
	f.Add("2024-02-29T23:59:59Z")
	f.Fuzz(func(t *testing.T, s string) {
		v, ok := ParseTime(s)
		want, err := time.Parse("2006-01-02T15:04:05Z", s)
		if ok {
			require.NoError(t, err)
			require.Equal(t, want.Unix(), int64(v))
		} else if err == nil && want.Year() > 0 && len(s) == 20 {
			t.Fatalf("%q refused", s)
		}
	})
}

func TestMemberForm(t *testing.T) {
	for s, want := range map[string]bool{"archives/clerk": true, "a/b": true, "archives": false, "/clerk": false, "archives/": false,
		"Archives/clerk": false, "archives/clerk/x": false, "archives/1": false, "": false} {
		require.Equal(t, want, ValidMember(s), s)
		r := codec.NewReader(codec.AppendString(nil, s))
		var m Member
		m.DecodeJSON(&r)
		require.Equal(t, want, r.Done(), s)
	}
}

func TestPageRoundTrip(t *testing.T) {
	p := Page[uint64]{Items: []uint64{1, 1 << 63}, Next: "ab"}
	raw := JSON(p)
	require.Equal(t, `{"items":["1","9223372036854775808"],"next":"ab"}`, string(raw))
	var back Page[uint64]
	r := codec.NewReader(raw)
	back.DecodeJSON(&r)
	require.True(t, r.Done())
	require.Equal(t, p, back)
	require.Equal(t, `{"items":[],"next":""}`, string(JSON(Page[string]{})))
	require.EqualValues(t, DefaultPage, Paging{}.Size())
	require.EqualValues(t, MaxPage, Paging{Limit: 1000}.Size())
}

func TestCallErrorCode(t *testing.T) {
	require.Equal(t, "identity.unknown", (&CallError{"identity.unknown: no such member"}).Code())
	require.Equal(t, "identity.unknown", (&CallError{"identity.unknown"}).Code())
}
