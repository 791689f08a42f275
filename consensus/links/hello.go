package links

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"
)

const (
	// helloVersion changes when hello or what follows it does.
	helloVersion  = 1
	maxHelloBytes = 4 << 10
	helloTimeout  = 5 * time.Second
)

// hello opens the stream in both directions: the only place where a link names its chain.
type hello struct {
	Version  int    `json:"version"`
	Chain    string `json:"chain"` // name and genesis hash, chain.Genesis.CometChainID
	Block    uint64 `json:"block"` // protocol versions of CometBFT and of the chain
	App      uint64 `json:"app"`
	Channels []byte `json:"channels"`
	// Address is where others reach this node, host:port; empty if nowhere.
	Address string `json:"address,omitempty"`
	// Instance is drawn at each start: a new one says that an older link is dead.
	Instance uint64 `json:"instance"`
	Release  string `json:"release,omitempty"`
}

func (h *hello) encode() ([]byte, error) {
	raw, err := json.Marshal(h)
	if err != nil || len(raw) > maxHelloBytes {
		return nil, fmt.Errorf("hello of %d bytes: %w", len(raw), errors.Join(err, errors.New("too long")))
	}
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(raw))), raw...), nil
}

func readHello(r io.Reader) (*hello, error) {
	var size [2]byte
	if _, err := io.ReadFull(r, size[:]); err != nil {
		return nil, fmt.Errorf("read hello: %w", err)
	}
	n := binary.BigEndian.Uint16(size[:])
	if n > maxHelloBytes {
		return nil, fmt.Errorf("hello of %d bytes, at most %d", n, maxHelloBytes)
	}
	raw := make([]byte, n)
	if _, err := io.ReadFull(r, raw); err != nil {
		return nil, fmt.Errorf("read hello: %w", err)
	}
	return decodeHello(raw)
}

func decodeHello(raw []byte) (*hello, error) {
	var h hello
	if err := json.Unmarshal(raw, &h); err != nil {
		return nil, fmt.Errorf("decode hello: %w", err)
	}
	if len(h.Channels) > 64 || len(h.Address) > maxAddress || len(h.Release) > 64 || len(h.Chain) > 64 {
		return nil, errors.New("hello with a field that is too long")
	}
	if h.Address != "" && checkAddress(h.Address) != nil {
		h.Address = "" // of no use, and no reason to part
	}
	return &h, nil
}

// accepts says why the two sides cannot work together, or nil.
func (h *hello) accepts(o *hello) error {
	switch {
	case o.Version != h.Version:
		return fmt.Errorf("link version %d, this node speaks %d", o.Version, h.Version)
	case o.Chain != h.Chain:
		return fmt.Errorf("the peer is of another chain, %q", o.Chain)
	case o.Block != h.Block:
		return fmt.Errorf("block version %d, this node has %d", o.Block, h.Block)
	case !slices.ContainsFunc(h.Channels, func(c byte) bool { return slices.Contains(o.Channels, c) }):
		return fmt.Errorf("channels %x, this node has %x", o.Channels, h.Channels)
	}
	return nil
}

// greet exchanges hellos; both sides write first.
func greet(c *streamConn, own *hello) (*hello, error) {
	if err := c.SetDeadline(time.Now().Add(helloTimeout)); err != nil {
		return nil, err
	}
	raw, err := own.encode()
	if err != nil {
		return nil, err
	}
	if _, err := c.Write(raw); err != nil {
		return nil, fmt.Errorf("send hello: %w", err)
	}
	other, err := readHello(c)
	if err != nil {
		return nil, err
	}
	if err := own.accepts(other); err != nil {
		c.partFrom()
		return nil, err
	}
	return other, c.SetDeadline(time.Time{})
}

// partFrom waits a moment until the peer has read the hello too, which a reset would take
// from it: it then knows why the link ends.
func (c *streamConn) partFrom() {
	if c.SetDeadline(time.Now().Add(time.Second)) == nil && c.CloseWrite() == nil {
		io.Copy(io.Discard, io.LimitReader(c, maxHelloBytes)) //nolint:errcheck // the link ends anyway
	}
}
