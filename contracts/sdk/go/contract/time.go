package contract

import (
	"unsafe"

	"github.com/huchain/huchain/contracts/sdk/go/codec"
)

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
// Low-Level Date Algorithms": years begin in March, so that leap days come last. Numbers
// are unsigned, since guests pay for division and more for that of signed numbers.
func (t Time) appendText(b []byte) []byte {
	n := len(b)
	b = append(b, "0000-00-00T00:00:00Z"...)
	t.fill((*[20]byte)(b[n:]))
	return b
}

// zeroDay is 0000-03-01 in seconds before 1970.
const zeroDay = 719468 * daySeconds

func (t Time) fill(b *[20]byte) {
	since := uint64(min(max(t, MinTime), MaxTime) + zeroDay)
	days := uint32(since / daySeconds)
	secs := uint32(since - uint64(days)*daySeconds)
	era := days / 146097
	doe := days - era*146097
	yoe := (doe - doe/1460 + doe/36524 - doe/146096) / 365
	doy := doe - (365*yoe + yoe/4 - yoe/100)
	mp := (5*doy + 2) / 153
	day, month, year := doy-(153*mp+2)/5+1, mp+3, yoe+era*400
	if month > 12 {
		month, year = month-12, year+1
	}
	century, minute := year/100, secs/60
	hour := minute / 60
	two((*[2]byte)(b[0:]), century)
	two((*[2]byte)(b[2:]), year-100*century)
	two((*[2]byte)(b[5:]), month)
	two((*[2]byte)(b[8:]), day)
	two((*[2]byte)(b[11:]), hour)
	two((*[2]byte)(b[14:]), minute-60*hour)
	two((*[2]byte)(b[17:]), secs-60*minute)
}

// two writes a number below 100; v/10 as a product and a shift.
func two(b *[2]byte, v uint32) {
	tens := v * 205 >> 11
	b[0], b[1] = '0'+byte(tens), '0'+byte(v-10*tens)
}

// ParseTime reads the RFC 3339 form in whole seconds of UTC.
func ParseTime(s string) (Time, bool) {
	if len(s) != 20 {
		return 0, false
	}
	b := (*[20]byte)(unsafe.Pointer(unsafe.StringData(s)))
	if b[4] != '-' || b[7] != '-' || b[10] != 'T' || b[13] != ':' || b[16] != ':' || b[19] != 'Z' {
		return 0, false
	}
	year := 100*number((*[2]byte)(b[0:])) + number((*[2]byte)(b[2:]))
	month, day := number((*[2]byte)(b[5:])), number((*[2]byte)(b[8:]))
	hour, minute, second := number((*[2]byte)(b[11:])), number((*[2]byte)(b[14:])), number((*[2]byte)(b[17:]))
	if year-1 > 9998 || month-1 > 11 || day-1 >= daysIn(year, month) || hour > 23 || minute > 59 || second > 59 {
		return 0, false
	}
	return Time(daysOf(year, month, day)*daySeconds + int64(hour*3600+minute*60+second)), true
}

// number reads two digits; a number above any that is asked for if they are none.
func number(b *[2]byte) uint32 {
	hi, lo := uint32(b[0])-'0', uint32(b[1])-'0'
	if hi > 9 || lo > 9 {
		return 1 << 20
	}
	return 10*hi + lo
}

func daysIn(year, month uint32) uint32 {
	switch month {
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	}
	return 31
}

// daysOf counts days from 1970-01-01 on; month and day lie within the year.
func daysOf(year, month, day uint32) int64 {
	if month <= 2 {
		year, month = year-1, month+12
	}
	era := year / 400
	yoe := year - era*400
	doy := (153*(month-3)+2)/5 + day - 1
	return int64(era*146097+yoe*365+yoe/4-yoe/100+doy) - 719468
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
func (t *Time) AppendJSON(b []byte) []byte {
	n := len(b)
	b = append(b, `"0000-00-00T00:00:00Z"`...)
	t.fill((*[20]byte)(b[n+1:]))
	return b
}

// AppendKey appends the RFC 3339 form, whose order is the order of time.
func (t *Time) AppendKey(b []byte) []byte { return t.appendText(b) }

// DecodeKey reads what AppendKey wrote.
func (t *Time) DecodeKey(b []byte) bool {
	v, ok := ParseTime(string(b))
	*t = v
	return ok
}
