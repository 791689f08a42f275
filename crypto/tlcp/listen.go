package tlcp

import (
	"context"
	"net"
)

// Listener accepts TLCP connections. Accept does not wait for the handshake, which runs
// at the first Read or Write, so that a slow client holds up nobody; http.Server calls
// both in a goroutine per connection.
type Listener struct {
	net.Listener
	config *Config
}

// NewListener accepts connections of inner with config.
func NewListener(inner net.Listener, config *Config) (*Listener, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	return &Listener{inner, config}, nil
}

// Listen listens on a TCP address host:port.
func Listen(address string, config *Config) (*Listener, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	inner, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	return &Listener{inner, config}, nil
}

// Accept returns the next connection, of type *Conn.
func (l *Listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return Server(c, l.config), nil
}

// Dialer makes TLCP connections. Its DialContext fits http.Transport.DialTLSContext.
type Dialer struct {
	Config *Config // required
	Net    net.Dialer
}

// DialContext connects to a TCP address and runs the handshake; the result is a *Conn.
func (d *Dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	if err := d.Config.Validate(); err != nil {
		return nil, err
	}
	inner, err := d.Net.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	c := Client(inner, d.Config)
	if err := c.HandshakeContext(ctx); err != nil {
		return nil, err
	}
	return c, nil
}
