package contract

import "github.com/huchain/huchain/contracts/sdk/go/codec"

// Date is a day, as days since 1970-01-01; its text is 2026-03-02, for the years 1 to
// 9999.
type Date int32

// Date returns the day of a moment in China Standard Time (UTC+8), which has no
// daylight saving.
func (t Time) Date() Date {
	const offset = 8 * 3600
	d := (int64(t) + offset) / daySeconds
	if (int64(t)+offset)%daySeconds < 0 {
		d--
	}
	return Date(d)
}

// String returns the text.
func (d Date) String() string { return string(d.AppendKey(make([]byte, 0, 20))) }

// ParseDate reads the text.
func ParseDate(s string) (Date, bool) {
	if len(s) != 10 {
		return 0, false
	}
	t, ok := ParseTime(s + "T00:00:00Z")
	d := int64(t) / daySeconds
	return Date(d), ok
}

// DecodeJSON reads the text.
func (d *Date) DecodeJSON(r *codec.Reader) {
	v, ok := ParseDate(r.String())
	if !ok {
		r.Fail("date as 2026-03-02 expected")
		return
	}
	*d = v
}

// AppendJSON appends the text as a string.
func (d *Date) AppendJSON(b []byte) []byte { return append(d.AppendKey(append(b, '"')), '"') }

// AppendKey appends the text, whose order is the order of days.
func (d Date) AppendKey(b []byte) []byte {
	b = (Time(d) * daySeconds).appendText(b)
	return b[:len(b)-len("T00:00:00Z")]
}

// DecodeKey reads what AppendKey wrote.
func (d *Date) DecodeKey(b []byte) bool {
	v, ok := ParseDate(string(b))
	*d = v
	return ok
}

// File stands for a document kept outside the chain, by the hash of its bytes.
type File struct {
	Hash Hash   `json:"hash"`
	Name string `json:"name"` // with its extension
	Size uint64 `json:"size"` // in bytes
	Type string `json:"type"` // media type, as application/pdf
}

var fileFields = codec.Fields{Names: []string{"hash", "name", "size", "type"}, Required: 15}

// DecodeJSON reads {"hash":…,"name":…,"size":…,"type":…}; name and type are not empty
// and hold at most 255 bytes.
func (f *File) DecodeJSON(r *codec.Reader) {
	var seen uint64
	r.Object()
	for {
		switch r.Field(&fileFields, &seen) {
		case 0:
			f.Hash.DecodeJSON(r)
		case 1:
			f.Name = shortText(r)
		case 2:
			f.Size = r.Uint64()
		case 3:
			f.Type = shortText(r)
		default:
			return
		}
	}
}

func shortText(r *codec.Reader) string {
	s := r.String()
	if s == "" || len(s) > 255 {
		r.Fail("text of 1 to 255 bytes expected")
	}
	return s
}

// AppendJSON appends the file.
func (f *File) AppendJSON(b []byte) []byte {
	b = f.Hash.AppendJSON(codec.AppendRaw(b, `{"hash":`))
	b = codec.AppendString(codec.AppendRaw(b, `,"name":`), f.Name)
	b = codec.AppendUint64(codec.AppendRaw(b, `,"size":`), f.Size)
	return append(codec.AppendString(codec.AppendRaw(b, `,"type":`), f.Type), '}')
}
