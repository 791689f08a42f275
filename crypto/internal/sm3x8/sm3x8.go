// Package sm3x8 hashes eight messages of equal length at once with SM3 (GB/T
// 32905-2016), on amd64 processors with AVX2, and one after another elsewhere. Trees of
// 65-byte nodes are what it is for: it takes a quarter of the time there.
package sm3x8

import (
	"encoding/binary"

	"github.com/emmansun/gmsm/sm3"
)

//go:generate go -C gen run . -out ../blocks_amd64.s -stubs ../blocks_amd64.go -pkg sm3x8

const (
	lanes     = 8
	blockSize = 64
	// tailSize is room for the end of a message with its padding.
	tailSize = 2 * blockSize
	// worthwhile is the number of messages from which eight lanes beat one, though some
	// stay empty.
	worthwhile = 3
	// shortest is the longest message that fits a tail whole.
	shortest = tailSize - 9
)

// digest is a type of 32 bytes.
type digest interface{ ~[32]byte }

// initial is the state before the first block.
var initial = func() (s state) {
	for j, w := range []uint32{0x7380166f, 0x4914b2b9, 0x172442d7, 0xda8a0600, 0xa96f30bc, 0x163138aa, 0xe38dee4d, 0xb0fb0e4e} {
		for i := range lanes {
			s[lanes*j+i] = w
		}
	}
	return s
}()

// SumMany sets dst[i] = SM3(data[i·size : (i+1)·size]). data is len(dst)·size bytes, or
// it panics.
func SumMany[H digest](dst []H, data []byte, size int) {
	if size < 0 || len(data) != len(dst)*size {
		panic("sm3x8: data does not hold the messages")
	}
	for wide && (len(dst) >= lanes || len(dst) >= worthwhile && size <= shortest) {
		n := min(lanes, len(dst))
		sumGroup(dst[:n], data[:n*size], size)
		dst, data = dst[n:], data[n*size:]
	}
	for i := range dst {
		dst[i] = sm3.Sum(data[i*size : (i+1)*size])
	}
}

// sumGroup hashes up to eight messages; fewer only if they are of at most shortest bytes.
func sumGroup[H digest](dst []H, data []byte, size int) {
	s := initial
	whole := 0
	if len(dst) == lanes {
		whole = size / blockSize
		s.add(data, size, whole)
	}
	var tails [lanes * tailSize]byte
	rest := size - whole*blockSize
	blocks := (rest + 9 + blockSize - 1) / blockSize
	for i := range dst {
		tail := tails[i*tailSize : (i+1)*tailSize]
		copy(tail, data[i*size+whole*blockSize:(i+1)*size])
		tail[rest] = 0x80
		binary.BigEndian.PutUint64(tail[blocks*blockSize-8:], uint64(size)*8)
	}
	s.add(tails[:], tailSize, blocks)
	read(dst, &s)
}

// SumPairs sets dst[i] = SM3(prefix ‖ pairs[2i] ‖ pairs[2i+1]). pairs is twice as long
// as dst, or it panics. dst may be pairs[:len(dst)]: a level of a tree in place.
func SumPairs[H digest](dst []H, prefix byte, pairs []H) { sumNodes(dst, prefix, pairs, 2) }

// SumItems sets dst[i] = SM3(prefix ‖ items[i]). items is as long as dst, or it panics.
// dst may be items.
func SumItems[H digest](dst []H, prefix byte, items []H) { sumNodes(dst, prefix, items, 1) }

// sumNodes hashes nodes of a prefix and one or two children each. A group is read before
// it is written, so dst may be the beginning of children.
func sumNodes[H digest](dst []H, prefix byte, children []H, arity int) {
	if len(children) != arity*len(dst) {
		panic("sm3x8: wrong number of children")
	}
	size := 1 + 32*arity
	blocks := (size + 9 + blockSize - 1) / blockSize
	if wide && len(dst) >= worthwhile {
		var tails nodeTails
		tails.frame(prefix, size, blocks)
		for len(dst) >= worthwhile {
			n := min(lanes, len(dst))
			at := 1
			for i := range n * arity {
				*(*[32]byte)(tails[at:]) = children[i]
				if at += 32; at%tailSize == size {
					at += tailSize - 32*arity // to the next tail
				}
			}
			s := initial
			s.add(tails[:], tailSize, blocks)
			read(dst[:n], &s)
			dst, children = dst[n:], children[n*arity:]
		}
	}
	for i := range dst {
		var node [1 + 2*32]byte
		node[0] = prefix
		for k := range arity {
			copy(node[1+32*k:], children[i*arity+k][:])
		}
		dst[i] = sm3.Sum(node[:size])
	}
}

// Node is an inner node of a tree, its children and itself wherever they lie.
type Node[H digest] struct{ Left, Right, To *H }

// SumNodes sets *To = SM3(prefix ‖ *Left ‖ *Right) for nodes of which none is a child of
// another.
func SumNodes[H digest](prefix byte, nodes []Node[H]) {
	const (
		size   = 1 + 2*32
		blocks = (size + 9 + blockSize - 1) / blockSize
	)
	if wide && len(nodes) >= worthwhile {
		var tails nodeTails
		tails.frame(prefix, size, blocks)
		for len(nodes) >= worthwhile {
			group := nodes[:min(lanes, len(nodes))]
			for i := range group {
				tail := tails[i*tailSize:][:size]
				*(*[32]byte)(tail[1:]) = *group[i].Left
				*(*[32]byte)(tail[33:]) = *group[i].Right
			}
			s := initial
			s.add(tails[:], tailSize, blocks)
			for i := range group {
				*group[i].To = s.lane(i)
			}
			nodes = nodes[len(group):]
		}
	}
	for i := range nodes {
		var node [size]byte
		node[0] = prefix
		*(*[32]byte)(node[1:]) = *nodes[i].Left
		*(*[32]byte)(node[33:]) = *nodes[i].Right
		*nodes[i].To = sm3.Sum(node[:])
	}
}

// nodeTails are eight nodes of a tree with their padding.
type nodeTails [lanes * tailSize]byte

// frame puts around the children what all nodes of a size have.
func (t *nodeTails) frame(prefix byte, size, blocks int) {
	for i := range lanes {
		tail := t[i*tailSize : (i+1)*tailSize]
		tail[0] = prefix
		tail[size] = 0x80
		binary.BigEndian.PutUint16(tail[blocks*blockSize-2:], uint16(size*8))
	}
}

// state is the chaining value of eight messages: word j of message i at [8j+i].
type state [64]uint32

// add runs over blocks blocks of each message; message i begins at data[i·stride].
func (s *state) add(data []byte, stride, blocks int) {
	if blocks == 0 {
		return
	}
	_ = data[(lanes-1)*stride+blocks*blockSize-1] // the assembly reads up to here
	blocks8((*[64]uint32)(s), &data[0], stride, blocks)
}

func read[H digest](dst []H, s *state) {
	for i := range dst {
		dst[i] = s.lane(i)
	}
}

// lane is the digest of message i.
func (s *state) lane(i int) (d [32]byte) {
	lane := s[i%lanes:] // constant places in it need no checks
	_ = lane[7*lanes]
	binary.BigEndian.PutUint32(d[0:], lane[0])
	binary.BigEndian.PutUint32(d[4:], lane[lanes])
	binary.BigEndian.PutUint32(d[8:], lane[2*lanes])
	binary.BigEndian.PutUint32(d[12:], lane[3*lanes])
	binary.BigEndian.PutUint32(d[16:], lane[4*lanes])
	binary.BigEndian.PutUint32(d[20:], lane[5*lanes])
	binary.BigEndian.PutUint32(d[24:], lane[6*lanes])
	binary.BigEndian.PutUint32(d[28:], lane[7*lanes])
	return d
}
