package codec

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// sample is decoded by hand-written code of the form the generator makes.
type sample struct {
	Name string   `json:"name"`
	N    int32    `json:"n"`
	Big  uint64   `json:"big,string"`
	Low  int64    `json:"low,string"`
	OK   bool     `json:"ok"`
	Tags []string `json:"tags"`
}

var sampleFields = Fields{[]string{"name", "n", "big", "low", "ok", "tags"}, 1}

func (v *sample) DecodeJSON(r *Reader) {
	var seen uint64
	r.Object()
	for {
		switch r.Field(&sampleFields, &seen) {
		case 0:
			v.Name = r.String()
		case 1:
			v.N = r.Int32()
		case 2:
			v.Big = r.Uint64()
		case 3:
			v.Low = r.Int64()
		case 4:
			v.OK = r.Bool()
		case 5:
			r.List()
			v.Tags = []string{}
			for r.More() {
				v.Tags = append(v.Tags, r.String())
			}
		default:
			return
		}
	}
}

func (v *sample) AppendJSON(b []byte) []byte {
	b = AppendString(append(b, `{"name":`...), v.Name)
	b = AppendInt(append(b, `,"n":`...), int64(v.N))
	b = AppendUint64(append(b, `,"big":`...), v.Big)
	b = AppendInt64(append(b, `,"low":`...), v.Low)
	b = AppendBool(append(b, `,"ok":`...), v.OK)
	b = append(b, `,"tags":[`...)
	for i, t := range v.Tags {
		if i > 0 {
			b = append(b, ',')
		}
		b = AppendString(b, t)
	}
	return append(b, `]}`...)
}

func decode(doc string) (sample, string) {
	var v sample
	r := NewReader([]byte(doc))
	v.DecodeJSON(&r)
	r.Done()
	return v, r.Fault()
}

func TestRefusals(t *testing.T) {
	for doc, want := range map[string]string{
		``:                            "object expected (byte 0)",
		`[]`:                          "object expected (byte 0)",
		`{}`:                          "name: field missing",
		`{"name":"a"`:                 "comma or end expected",
		`{"name":"a"}x`:               "data after the value",
		`{"name":"a",}`:               "string expected",
		`{,"name":"a"}`:               "string expected",
		`{"name" "a"}`:                "colon expected",
		`{"name":null}`:               "name: string expected",
		`{"name":"a","name":"b"}`:     "name: field occurs twice",
		`{"name":"a","nome":"b"}`:     "nome: unknown field",
		`{"Name":"a"}`:                "Name: unknown field",
		`{"name":"a","n":1.0}`:        "n: integer without fraction",
		`{"name":"a","n":1e3}`:        "n: integer without fraction",
		`{"name":"a","n":01}`:         "n: integer out of range",
		`{"name":"a","n":-0}`:         "n: integer out of range",
		`{"name":"a","n":"1"}`:        "n: integer expected",
		`{"name":"a","n":2147483648}`: "n: integer out of range",
		`{"name":"a","big":1}`:        "big: string expected",
		`{"name":"a","big":"-1"}`:     "big: unsigned 64-bit",
		`{"name":"a","big":"00"}`:     "big: unsigned 64-bit",
		`{"name":"a","big":"18446744073709551616"}`: "big: unsigned 64-bit",
		`{"name":"a","low":"9223372036854775808"}`:  "low: 64-bit",
		`{"name":"a","ok":tru}`:                     "ok: true or false expected",
		`{"name":"a","tags":["a" "b"]}`:             "tags: comma or end expected",
		`{"name":"a","tags":[[]]}`:                  "tags: string expected",
		"{\"name\":\"a\nb\"}":                       "name: control character",
		"{\"name\":\"\xff\"}":                       "name: string is not UTF-8",
		`{"name":"\ud800"}`:                         "name: malformed escape",
		`{"name":"\ud800\u0041"}`:                   "name: malformed escape",
		`{"name":"\x41"}`:                           "name: malformed escape",
		`{"name":"\u00g0"}`:                         "name: malformed escape",
		`{"name":"a`:                                "name: string without end",
		strings.Repeat(" ", MaxBytes+1):             "document too large",
	} {
		_, fault := decode(doc)
		require.Contains(t, fault, want, "%.40s", doc)
	}
}

func TestDepth(t *testing.T) {
	r := NewReader([]byte(strings.Repeat("[", 100)))
	for i := 0; i < 100; i++ {
		r.List()
		r.More()
	}
	require.Contains(t, r.Fault(), "nested too deep")
}

func TestReads(t *testing.T) {
	v, fault := decode(" { \"name\" : \"\\u4e2d\\ud83d\\ude00\\n文\" ,\t\"n\":-5,\"big\":\"18446744073709551615\",\n\"low\":\"-9223372036854775808\",\"ok\":true,\"tags\":[ \"a\" , \"b\" ] } ")
	require.Empty(t, fault)
	require.Equal(t, sample{"中😀\n文", -5, 1<<64 - 1, -1 << 63, true, []string{"a", "b"}}, v)
}

// Hex is what the standard library writes, and nothing else is read.
func TestHexAgainstStandard(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, "bytes")
		text := AppendHexDigits([]byte("x"), v)
		require.Equal(t, "x"+hex.EncodeToString(v), string(text))
		text = text[1:]
		back := make([]byte, len(v))
		require.True(t, DecodeHex(back, text))
		require.Equal(t, v, back)
		if len(text) == 0 {
			return
		}
		at := rapid.IntRange(0, len(text)-1).Draw(t, "at")
		text[at] = rapid.Byte().Draw(t, "digit")
		require.Equal(t, strings.IndexByte(hexDigits, text[at]) >= 0, DecodeHex(back, text))
		require.False(t, DecodeHex(back, text[1:]))
	})
}

func TestHex(t *testing.T) {
	var d [2]byte
	for _, bad := range []string{`"01f"`, `"01F0"`, `"01g0"`, `"010203"`, `1`} {
		r := NewReader([]byte(bad))
		r.Hex(d[:])
		require.True(t, r.Failed(), bad)
	}
	r := NewReader([]byte(`"01f0"`))
	r.Hex(d[:])
	require.True(t, r.Done())
	require.Equal(t, `"01f0"`, string(AppendHex(nil, d[:])))
}

// What this package accepts encoding/json accepts too, with the same value, and what
// it writes encoding/json reads back.
func FuzzAgainstStandard(f *testing.F) {
	for _, s := range []string{
		`{"name":"a","n":1,"big":"2","low":"-3","ok":true,"tags":["x","y"]}`,
		`{"name":"\u4e2d\ud83d\ude00\"\\\/\b\f\n\r\t"}`, `{"name":"é","tags":[]}`, `{"name":"a","n":-2147483648}`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, doc string) {
		v, fault := decode(doc)
		if fault != "" {
			return
		}
		var want sample
		dec := json.NewDecoder(strings.NewReader(doc))
		dec.DisallowUnknownFields()
		require.NoError(t, dec.Decode(&want))
		require.Equal(t, want, v)
		again, fault := decode(string(v.AppendJSON(nil)))
		require.Empty(t, fault)
		if v.Tags == nil {
			v.Tags = []string{}
		}
		require.Equal(t, v, again)
	})
}

func FuzzAppendString(f *testing.F) {
	f.Add("plain")
	f.Add("\"\\\n\x00\x7f\u2028é\xff😀")
	f.Fuzz(func(t *testing.T, s string) {
		got := AppendString(nil, s)
		var b bytes.Buffer
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false)
		require.NoError(t, enc.Encode(s))
		want := strings.NewReplacer(`\u2028`, "\u2028", `\u2029`, "\u2029", `\ufffd`, "\ufffd").Replace(strings.TrimSuffix(b.String(), "\n"))
		if !strings.Contains(s, `\u2028`) && !strings.Contains(s, `\u2029`) && !strings.Contains(s, `\ufffd`) {
			require.Equal(t, want, string(got))
		}
		r := NewReader(got)
		back := r.String()
		require.True(t, r.Done())
		if utf8.ValidString(s) {
			require.Equal(t, s, back)
		}
	})
}

func FuzzNumbers(f *testing.F) {
	f.Add("18446744073709551615")
	f.Add("-9223372036854775808")
	f.Fuzz(func(t *testing.T, s string) {
		r := NewReader([]byte(`"` + s + `"`))
		got := r.Int64()
		want, err := strconv.ParseInt(s, 10, 64)
		if r.Done() {
			require.NoError(t, err)
			require.Equal(t, want, got)
			require.Equal(t, s, string(AppendInt(nil, got)))
		} else if err == nil {
			require.NotEqual(t, s, strconv.FormatInt(want, 10))
		}
	})
}

// Text is read by words: what stops it lies at every place in a word, next to bytes that
// the test of words might take for it.
func TestSpecial(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := rapid.SliceOfN(rapid.SampledFrom([]byte{0, 0x1f, ' ', '!', '"', '#', '[', '\\', ']', 'a', 0x7f, 0x80, 0x9f, 0xa2, 0xdc, 0xff}), 0, 40).Draw(t, "text")
		from := rapid.IntRange(0, len(b)).Draw(t, "from")
		want, ascii := from, true
		for ; want < len(b) && b[want] >= ' ' && b[want] != '"' && b[want] != '\\'; want++ {
			ascii = ascii && b[want] < 0x80
		}
		at, got := special(b, from)
		require.Equal(t, want, at)
		require.Equal(t, ascii, got)
	})
}

// Fields are found in any order, with white space and escapes, as fast as they come.
func TestFieldOrder(t *testing.T) {
	f := Fields{Names: []string{"a", "abcdefgh", "abcdefghi", "z"}, Required: 1 | 1<<3}
	for doc, want := range map[string]string{
		`{"a":1,"abcdefgh":2,"abcdefghi":3,"z":4}`: "0=1 1=2 2=3 3=4 ",
		`{"a":1,"abcdefghi":3,"z":4}`:              "0=1 2=3 3=4 ",
		`{"z":4,"a":1,"abcdefgh":2}`:               "3=4 0=1 1=2 ",
		"{ \"a\" : 1 ,\n\"\\u007a\":4}":            "0=1 3=4 ",
		`{"a":1,"z":4,"a":2}`:                      "0=1 3=4 a: field occurs twice (byte 17)",
		`{"a":1}`:                                  "0=1 z: field missing (byte 7)",
		`{"a":1,"abcdefgX":2}`:                     "0=1 abcdefgX: unknown field (byte 18)",
		`{"a":1"z":4}`:                             "0=1 a: comma or end expected (byte 6)",
		`{"a":1,`:                                  "0=1 a: string expected (byte 7)",
		`{"a`:                                      "string without end (byte 3)",
		`{"a":1,"z"`:                               "0=1 a: colon expected (byte 10)",
		`{,"a":1}`:                                 "string expected (byte 1)",
	} {
		r := NewReader([]byte(doc))
		var seen uint64
		got := ""
		r.Object()
		for i := r.Field(&f, &seen); i >= 0; i = r.Field(&f, &seen) {
			got += fmt.Sprintf("%d=%d ", i, r.Uint32())
		}
		r.Done()
		require.Equal(t, want, got+r.Fault(), doc)
	}
}
