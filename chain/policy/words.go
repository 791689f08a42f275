package policy

// matcher finds any of a list of words in a text in time linear in the text, whatever
// the words: Aho and Corasick, "Efficient string matching" (1975), over bytes, with the
// failure links resolved into one table.
type matcher struct {
	class [256]uint8 // byte → column; 0 for bytes that no word has
	width int
	next  []int32 // state × column
	ends  []bool  // a word ends in this state
}

func newMatcher(words []string) *matcher {
	m := &matcher{width: 1}
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

// in reports whether a word occurs in text.
func (m *matcher) in(text string) bool {
	state := int32(0)
	for i := range len(text) {
		state = m.next[int(state)*m.width+int(m.class[text[i]])]
		if m.ends[state] {
			return true
		}
	}
	return false
}
