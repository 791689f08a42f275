package testkit

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		pattern, have string
		want          bool
	}{
		{`{"a":1}`, `{"a":1}`, true},
		{`{"a":1}`, `{"a":1,"b":2}`, false},
		{`{"a":1,…}`, `{"a":1,"b":2}`, true},
		{`{"a":1,…}`, `{"b":2}`, false},
		{`{…}`, `{}`, true},
		{`{"a":…}`, `{"a":[1,2]}`, true},
		{`{"a":…}`, `{}`, false},
		{`…`, `{"x":1}`, true},
		{`[1,…]`, `[1,2,3]`, true},
		{`[1,…]`, `[2]`, false},
		{`[…]`, `[]`, true},
		{`[1]`, `[1,2]`, false},
		{`[{"a":1,…},{"b":…}]`, `[{"a":1,"z":0},{"b":{}}]`, true},
		{`{"a":"x…"}`, `{"a":"x…"}`, true},
		{`{"a":"…,…"}`, `{"a":"b"}`, false},
		{`{"a":1}`, `{"a":"1"}`, false},
		{`{"a":12345678901234567890}`, `{"a":12345678901234567891}`, false},
	} {
		got, err := matchText(c.pattern, []byte(c.have))
		require.NoError(t, err, c.pattern)
		require.Equal(t, c.want, got, "%s against %s", c.pattern, c.have)
	}
	_, err := matchText(`{"a":`, []byte(`{}`))
	require.Error(t, err)
}

func TestExpand(t *testing.T) {
	s := NewScope("gov", "0f", "notes")
	s.Vars["x"] = "1"
	got, err := s.Expand(`{"h":"sm3:abc","v":"$x-$y$"}`)
	require.NoError(t, err)
	twice, err := s.Expand(`{"a":"repeat:3:xy","b":"repeat:0:z"}`)
	require.NoError(t, err)
	require.Equal(t, `{"a":"xyxyxy","b":""}`, twice)
	_, err = s.Expand(`"repeat:99999:xy"`)
	require.Error(t, err)
	require.Equal(t, `{"h":"66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0","v":"1-$y$"}`, got)
}

func TestPick(t *testing.T) {
	raw := []byte(`{"items":[{"a":"x"},{"a":5}]}`)
	for path, want := range map[string]string{".items[0].a": "x", ".items[1].a": "5", ".items[0]": `{"a":"x"}`} {
		got, err := pick(raw, path)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	for _, path := range []string{".nothing", ".items[2]", ".items[0].a.b"} {
		_, err := pick(raw, path)
		require.Error(t, err, path)
	}
}

func TestParseTranscriptRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"jump":                  `x:1: "jump" is no command`,
		"# a\nok {}":            "x:2: ok follows call, query or deploy",
		"time yesterday\nok {}": "x:2: ok follows call, query or deploy",
	} {
		_, err := ParseTranscript("x", text)
		require.ErrorContains(t, err, want)
	}
}
