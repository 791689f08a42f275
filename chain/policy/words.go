package policy

import "slices"

// matcher finds any of a list of words in a text in time linear in the text, whatever
// the words: Aho and Corasick, "Efficient string matching" (1975), over bytes, with the
// failure links resolved into one table.
type matcher struct {
	class [256]uint8 // byte → column; 0 for bytes that no word has
	width int
	next  []int32 // state × column
	ends  []bool  // a word ends in this state

	grams []uint16 // of each word one; nil if a word is too short to have any
}

// gramBytes is the length of a gram: of one character in Chinese.
const gramBytes = 3

// grams is which sequences of gramBytes bytes may occur in a text, by a hash of 13 bits.
// Most texts hold no word of most rules: looking up a gram of each word tells so faster
// than walking through the text for each rule.
type grams [1 << 13 / 64]uint64

func newGrams(text string) *grams {
	g := new(grams)
	for i := gramBytes; i <= len(text); i++ {
		h := gram(text[i-gramBytes : i])
		g[h/64] |= 1 << (h % 64)
	}
	return g
}

// gram hashes the last gramBytes bytes of s.
func gram(s string) uint16 {
	s = s[len(s)-gramBytes:]
	h := uint32(s[0]) | uint32(s[1])<<8 | uint32(s[2])<<16
	return uint16(h * 0x9e3779b1 >> 19) // Fibonacci hashing
}

func newMatcher(words []string) *matcher {
	m := &matcher{width: 1}
	for _, w := range words {
		if len(w) < gramBytes {
			m.grams = nil
			break
		}
		m.grams = append(m.grams, gram(w))
	}
	for _, w := range words {
		for _, b := range []byte(w) {
			if m.class[b] == 0 && m.width < 256 {
				m.class[b] = uint8(m.width)
				m.width++
			}
		}
	}
	m.grow()
	for _, w := range words {
		state := int32(0)
		for _, b := range []byte(w) {
			at := int(state)*m.width + int(m.class[b])
			if m.next[at] == 0 {
				m.next[at] = m.grow()
			}
			state = m.next[at]
		}
		m.ends[state] = true
	}
	m.link()
	return m
}

// grow adds a state and returns its number.
func (m *matcher) grow() int32 {
	m.next = append(m.next, make([]int32, m.width)...)
	m.ends = append(m.ends, false)
	return int32(len(m.ends) - 1)
}

// link replaces missing transitions by those of the longest proper suffix, breadth first.
func (m *matcher) link() {
	fail := make([]int32, len(m.ends))
	var queue []int32
	for c := range m.width {
		if s := m.next[c]; s != 0 {
			queue = append(queue, s)
		}
	}
	for ; len(queue) > 0; queue = queue[1:] {
		s := queue[0]
		m.ends[s] = m.ends[s] || m.ends[fail[s]]
		for c := range m.width {
			at, onFail := int(s)*m.width+c, m.next[int(fail[s])*m.width+c]
			if child := m.next[at]; child != 0 {
				fail[child] = onFail
				queue = append(queue, child)
			} else {
				m.next[at] = onFail
			}
		}
	}
}

// in reports whether a word occurs in text, whose grams are g; nil if they are not known.
func (m *matcher) in(text string, g *grams) bool {
	if g != nil && m.grams != nil && !slices.ContainsFunc(m.grams, func(h uint16) bool { return g[h/64]&(1<<(h%64)) != 0 }) {
		return false
	}
	state := int32(0)
	for i := range len(text) {
		state = m.next[int(state)*m.width+int(m.class[text[i]])]
		if m.ends[state] {
			return true
		}
	}
	return false
}
