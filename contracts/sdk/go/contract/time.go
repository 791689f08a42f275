package contract

import "github.com/huchain/huchain/contracts/sdk/go/codec"

// Time is a moment in Unix seconds; its text is RFC 3339 in UTC, as
// 2026-03-02T01:00:00Z, for the years 1 to 9999.
type Time int64

// Bounds of a Time.
const (
	MinTime Time = -62135596800 // 0001-01-01T00:00:00Z
	MaxTime Time = 253402300799 // 9999-12-31T23:59:59Z
)

const daySeconds = 86400

// String returns the RFC 3339 form.
func (t Time) String() string { return string(t.appendText(make([]byte, 0, 20))) }

// appendText writes the civil date of a day count as in Hinnant, "chrono-Compatible
// Low-Level Date Algorithms": years begin in March, so that leap days come last.
func (t Time) appendText(b []byte) []byte {
	t = min(max(t, MinTime), MaxTime)
	days, secs := int64(t)/daySeconds, int64(t)%daySeconds
	if secs < 0 {
		days, secs = days-1, secs+daySeconds
	}
	days += 719468 // since 0000-03-01
	era := days / 146097
	doe := days - era*146097
	yoe := (doe - doe/1460 + doe/36524 - doe/146096) / 365
	doy := doe - (365*yoe + yoe/4 - yoe/100)
	mp := (5*doy + 2) / 153
	day, month, year := doy-(153*mp+2)/5+1, mp+3, yoe+era*400
	if month > 12 {
		month, year = month-12, year+1
	}
	n := len(b)
	b = append(b, "0000-00-00T00:00:00Z"...)
	t20 := (*[20]byte)(b[n:])
	two((*[2]byte)(t20[0:]), uint32(year)/100)
	two((*[2]byte)(t20[2:]), uint32(year)%100)
	two((*[2]byte)(t20[5:]), uint32(month))
	two((*[2]byte)(t20[8:]), uint32(day))
	two((*[2]byte)(t20[11:]), uint32(secs)/3600)
	two((*[2]byte)(t20[14:]), uint32(secs)/60%60)
	two((*[2]byte)(t20[17:]), uint32(secs)%60)
	return b
}

func two(b *[2]byte, v uint32) { b[0], b[1] = '0'+byte(v/10), '0'+byte(v%10) }

// ParseTime reads the RFC 3339 form in whole seconds of UTC.
func ParseTime(s string) (Time, bool) {
	if len(s) != 20 || s[4] != '-' || s[7] != '-' || s[10] != 'T' || s[13] != ':' || s[16] != ':' || s[19] != 'Z' {
		return 0, false
	}
	var f [7]int64 // century, year in it, month, day, hour, minute, second
	for i, at := range [7]int{0, 2, 5, 8, 11, 14, 17} {
		hi, lo := s[at]-'0', s[at+1]-'0'
		if hi > 9 || lo > 9 {
			return 0, false
		}
		f[i] = int64(hi)*10 + int64(lo)
	}
	year, month, day := f[0]*100+f[1], f[2], f[3]
	if year < 1 || month < 1 || month > 12 || day < 1 || day > 31 || f[4] > 23 || f[5] > 59 || f[6] > 59 {
		return 0, false
	}
	t := Time(daysOf(year, month, day)*daySeconds + f[4]*3600 + f[5]*60 + f[6])
	return t, t.String() == s // refuses the 31st of a short month
}

func daysOf(year, month, day int64) int64 {
	if month <= 2 {
		year, month = year-1, month+12
	}
	era := year / 400
	yoe := year - era*400
	doy := (153*(month-3)+2)/5 + day - 1
	return era*146097 + yoe*365 + yoe/4 - yoe/100 + doy - 719468
}

// DecodeJSON reads the RFC 3339 form.
func (t *Time) DecodeJSON(r *codec.Reader) {
	v, ok := ParseTime(r.String())
	if !ok {
		r.Fail("time as 2026-03-02T01:00:00Z expected")
		return
	}
	*t = v
}

// AppendJSON appends the RFC 3339 form.
func (t *Time) AppendJSON(b []byte) []byte { return append(t.appendText(append(b, '"')), '"') }

// AppendKey appends the RFC 3339 form, whose order is the order of time.
func (t *Time) AppendKey(b []byte) []byte { return t.appendText(b) }

// DecodeKey reads what AppendKey wrote.
func (t *Time) DecodeKey(b []byte) bool {
	v, ok := ParseTime(string(b))
	*t = v
	return ok
}
