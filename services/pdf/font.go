package pdf

import (
	"bytes"
	_ "embed"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/klauspost/compress/zstd"
)

//go:embed font/latin.ttf.zst
var latinFile []byte

//go:embed font/han.ttf.zst
var hanFile []byte

// latin and han are the built-in fonts, unpacked at first use: 4 MB.
var (
	latin = sync.OnceValue(func() *font { return mustFont("DroidSans", latinFile) })
	han   = sync.OnceValue(func() *font { return mustFont("DroidSansFallback", hanFile) })
)

// font is a TrueType font (OpenType 1.9, with glyf outlines).
type font struct {
	name            string
	head, hhea      []byte
	loca, glyf      []byte
	hmtx            []byte
	unitsPerEm      int
	ascent, descent int
	bounds          [4]int16
	longLoca        bool
	wide            int // entries of hmtx with a width of their own
	glyphs          map[rune]uint16
}

func mustFont(name string, packed []byte) *font {
	d, err := zstd.NewReader(nil)
	if err == nil {
		defer d.Close()
		var b []byte
		if b, err = d.DecodeAll(packed, nil); err == nil {
			var f *font
			if f, err = parseFont(name, b); err == nil {
				return f
			}
		}
	}
	panic("built-in font " + name + ": " + err.Error())
}

func u16(b []byte, at int) int { return int(binary.BigEndian.Uint16(b[at:])) }

// parseFont reads a font of ours; the file is trusted.
func parseFont(name string, b []byte) (*font, error) {
	tables := map[string][]byte{}
	for i := range u16(b, 4) {
		e := b[12+16*i:]
		at, n := binary.BigEndian.Uint32(e[8:]), binary.BigEndian.Uint32(e[12:])
		tables[string(e[:4])] = b[at : at+n]
	}
	for _, t := range []string{"head", "hhea", "hmtx", "loca", "glyf", "cmap"} {
		if tables[t] == nil {
			return nil, fmt.Errorf("no table %s", t)
		}
	}
	f := &font{name: name, head: tables["head"], hhea: tables["hhea"], loca: tables["loca"], glyf: tables["glyf"], hmtx: tables["hmtx"]}
	f.unitsPerEm, f.longLoca = u16(f.head, 18), u16(f.head, 50) == 1
	for i := range f.bounds {
		f.bounds[i] = int16(u16(f.head, 36+2*i))
	}
	f.ascent, f.descent = int(int16(u16(f.hhea, 4))), int(int16(u16(f.hhea, 6)))
	f.wide = u16(f.hhea, 34)
	return f, f.readCmap(tables["cmap"])
}

// readCmap reads the mapping of format 4, segments of the Basic Multilingual Plane.
func (f *font) readCmap(b []byte) error {
	f.glyphs = map[rune]uint16{}
	for i := range u16(b, 2) {
		t := b[binary.BigEndian.Uint32(b[4+8*i+4:]):]
		if u16(t, 0) != 4 {
			continue
		}
		n := u16(t, 6) / 2
		ends, starts, deltas, offsets := t[14:], t[16+2*n:], t[16+4*n:], t[16+6*n:]
		for s := range n {
			delta, offset := u16(deltas, 2*s), u16(offsets, 2*s)
			for c := u16(starts, 2*s); c <= u16(ends, 2*s) && c != 0xffff; c++ {
				g := c + delta
				if offset != 0 {
					if g = u16(offsets, 2*s+offset+2*(c-u16(starts, 2*s))); g != 0 {
						g += delta
					}
				}
				if g &= 0xffff; g != 0 {
					f.glyphs[rune(c)] = uint16(g)
				}
			}
		}
		return nil
	}
	return errors.New("no mapping of format 4")
}

// width of a glyph in thousandths of the font size.
func (f *font) width(g uint16) int {
	return u16(f.hmtx, 4*min(int(g), f.wide-1)) * 1000 / f.unitsPerEm
}

func (f *font) outline(g uint16) []byte {
	if f.longLoca {
		return f.glyf[binary.BigEndian.Uint32(f.loca[4*int(g):]):binary.BigEndian.Uint32(f.loca[4*int(g)+4:])]
	}
	return f.glyf[2*u16(f.loca, 2*int(g)) : 2*u16(f.loca, 2*int(g)+2)]
}

// subset is the part of a font that a document uses. Glyphs are numbered anew, in the
// order of their first use, so that the numbers tell nothing of the font.
type subset struct {
	*font
	order  []uint16          // glyphs of the font by new number
	number map[uint16]uint16 // and back
	runes  map[uint16]rune   // of new numbers
}

func newSubset(f *font) *subset {
	return &subset{font: f, order: []uint16{0}, number: map[uint16]uint16{0: 0}, runes: map[uint16]rune{}}
}

func (s *subset) use(g uint16) uint16 {
	n, ok := s.number[g]
	if !ok {
		n = uint16(len(s.order))
		s.number[g] = n
		s.order = append(s.order, g)
	}
	return n
}

// glyph is the new number of a character that the font has.
func (s *subset) glyph(r rune) uint16 {
	n := s.use(s.glyphs[r])
	s.runes[n] = r
	return n
}

// Flags of a component of a composite glyph.
const (
	argsAreWords   = 1 << 0
	hasScale       = 1 << 3
	moreComponents = 1 << 5
	hasXYScale     = 1 << 6
	hasMatrix      = 1 << 7
)

// renumber returns a glyph whose components are named by their new numbers.
func (s *subset) renumber(outline []byte) []byte {
	if len(outline) == 0 || int16(u16(outline, 0)) >= 0 {
		return outline
	}
	out := bytes.Clone(outline)
	for at := 10; ; {
		flags := u16(out, at)
		binary.BigEndian.PutUint16(out[at+2:], s.use(uint16(u16(out, at+2))))
		at += 6
		if flags&argsAreWords != 0 {
			at += 2
		}
		switch {
		case flags&hasScale != 0:
			at += 2
		case flags&hasXYScale != 0:
			at += 4
		case flags&hasMatrix != 0:
			at += 8
		}
		if flags&moreComponents == 0 {
			return out
		}
	}
}

// file returns the subset as a TrueType file of the tables that a PDF needs (ISO 32000-1
// section 9.9).
func (s *subset) file() []byte {
	var glyf, loca, hmtx []byte
	for i := 0; i < len(s.order); i++ { // components are appended on the way
		loca = binary.BigEndian.AppendUint32(loca, uint32(len(glyf)))
		glyf = append(glyf, s.renumber(s.outline(s.order[i]))...)
		for len(glyf)%4 != 0 {
			glyf = append(glyf, 0)
		}
	}
	loca = binary.BigEndian.AppendUint32(loca, uint32(len(glyf)))
	for _, g := range s.order {
		at := 4 * min(int(g), s.wide-1)
		hmtx = append(hmtx, s.hmtx[at:at+2]...)
		if int(g) < s.wide {
			hmtx = append(hmtx, s.hmtx[at+2:at+4]...)
		} else {
			at = 4*s.wide + 2*(int(g)-s.wide)
			hmtx = append(hmtx, s.hmtx[at:at+2]...)
		}
	}
	head, hhea := bytes.Clone(s.head), bytes.Clone(s.hhea)
	binary.BigEndian.PutUint32(head[8:], 0)  // check sum of the whole: of no use in a PDF
	binary.BigEndian.PutUint16(head[50:], 1) // long loca
	binary.BigEndian.PutUint16(hhea[34:], uint16(len(s.order)))
	// maxp 1.0 with bounds that any of our glyphs keeps; nothing is hinted.
	maxp := []byte{0, 1, 0, 0, byte(len(s.order) >> 8), byte(len(s.order)), 4, 0, 1, 0, 4, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 16, 0, 4}
	return sfnt([]string{"glyf", "head", "hhea", "hmtx", "loca", "maxp"}, [][]byte{glyf, head, hhea, hmtx, loca, maxp})
}

// sfnt puts tables, ascending by tag, into a TrueType file.
func sfnt(tags []string, tables [][]byte) []byte {
	n := len(tags)
	out := []byte{0, 1, 0, 0, 0, byte(n), 0, 64, 0, 2, 0, byte(16*n - 64)}
	at := 12 + 16*n
	for i, t := range tables {
		sum := uint32(0)
		padded := append(slices.Clone(t), make([]byte, (4-len(t)%4)%4)...)
		for j := 0; j < len(padded); j += 4 {
			sum += binary.BigEndian.Uint32(padded[j:])
		}
		out = append(out, tags[i]...)
		out = binary.BigEndian.AppendUint32(out, sum)
		out = binary.BigEndian.AppendUint32(out, uint32(at))
		out = binary.BigEndian.AppendUint32(out, uint32(len(t)))
		at += len(padded)
	}
	for _, t := range tables {
		out = append(append(out, t...), make([]byte, (4-len(t)%4)%4)...)
	}
	return out
}
