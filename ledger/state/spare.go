package state

import "sync"

// spareParts keeps the memory of parts that are done with.
type spareParts struct {
	mu    sync.Mutex
	parts []*part
}

// take returns an empty part.
func (s *spareParts) take(no int) *part {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := newPart()
	if n := len(s.parts); n > 0 {
		p = s.parts[n-1]
		s.parts = s.parts[:n-1]
	}
	p.reset(no)
	return p
}

// put takes back the parts of a change that nobody looks at any more.
func (s *spareParts) put(parts []*part) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range parts {
		if len(s.parts) < 2*maxParts {
			s.parts = append(s.parts, p)
		}
	}
}
