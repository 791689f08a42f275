package pdf

import (
	"fmt"
	"strings"
	"unicode"
)

// A Length is in thousandths of a point, of which 72 make an inch.
type Length int

// Point is a unit of Length.
const Point Length = 1000

// String returns the length in points, as PDF writes numbers.
func (l Length) String() string {
	sign := ""
	if l < 0 {
		sign, l = "-", -l
	}
	s := fmt.Sprintf("%s%d", sign, l/Point)
	if f := l % Point; f != 0 {
		s += "." + strings.TrimRight(fmt.Sprintf("%03d", f), "0")
	}
	return s
}

// printable replaces what no built-in font has by its number.
func printable(text string) string {
	var out strings.Builder
	for _, r := range text {
		if _, ok := latin().glyphs[r]; ok {
			out.WriteRune(r)
		} else if _, ok := han().glyphs[r]; ok {
			out.WriteRune(r)
		} else if r == '\n' {
			out.WriteRune(r)
		} else {
			fmt.Fprintf(&out, "[U+%04X]", r)
		}
	}
	return out.String()
}

// fontOf is the built-in font that has a character.
func fontOf(r rune) *font {
	if _, ok := latin().glyphs[r]; ok {
		return latin()
	}
	return han()
}

func widthOf(r rune, size Length) Length {
	f := fontOf(r)
	return Length(f.width(f.glyphs[r])) * size / 1000
}

func textWidth(text string, size Length) Length {
	var w Length
	for _, r := range text {
		w += widthOf(r, size)
	}
	return w
}

// isWord reports whether a line may not be broken before or behind a character.
func isWord(r rune) bool { return r < 0x2e80 && !unicode.IsSpace(r) }

// noStart lists what no line begins with.
const noStart = "，。、；：？！）》」』】〉”’%"

// wrap breaks text into lines of at most a width. Words of Latin letters stay whole where
// they fit on a line of their own.
func wrap(text string, size, width Length) []string {
	var lines []string
	for _, paragraph := range strings.Split(printable(text), "\n") {
		line := []rune{}
		var w Length
		for _, r := range paragraph {
			rw := widthOf(r, size)
			if w+rw > width && len(line) > 0 && !strings.ContainsRune(noStart, r) {
				cut := len(line)
				for isWord(r) && cut > 0 && isWord(line[cut-1]) {
					cut--
				}
				if cut == 0 {
					cut = len(line)
				}
				rest := strings.TrimLeft(string(line[cut:]), " ")
				lines = append(lines, strings.TrimRight(string(line[:cut]), " "))
				line, w = []rune(rest), textWidth(rest, size)
				if unicode.IsSpace(r) && len(line) == 0 {
					continue
				}
			}
			line, w = append(line, r), w+rw
		}
		lines = append(lines, strings.TrimRight(string(line), " "))
	}
	return lines
}
