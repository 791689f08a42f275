package engine

import "github.com/tetratelabs/wazero/experimental"

// image is the memory of a module after initialisation: what every call starts from.
type image interface {
	// bytes returns the content, which MUST NOT be written to.
	bytes() []byte
	// space makes linear memory that can be set back to the image cheaply, nil if the
	// system has no room for one.
	space() space
	// kept is how many bytes of its own an idle instance keeps at most.
	kept() int64
	close()
}

// space is the linear memory of one instance, backed by an image.
type space interface {
	experimental.LinearMemory
	// begin comes before each call whose writes reset takes back, on the same thread.
	begin()
	// reset restores the image's bytes and clears what grew behind them. False means
	// that the content is unknown now and the instance must go.
	reset() bool
	// discard does the same for memory that differs in most places, as after
	// instantiation has written the data segments.
	discard() bool
}

// heapImage is the portable image: a copy. Its instances use wazero's own memory and
// are reset by copying all of it.
type heapImage []byte

func (i heapImage) bytes() []byte { return i }
func (i heapImage) space() space  { return nil }
func (i heapImage) kept() int64   { return int64(len(i)) }
func (i heapImage) close()        {}
