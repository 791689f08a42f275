package tlcp

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Conn is one TLCP connection. The handshake runs at the first Read or Write, or when
// Handshake is called. Reads and writes may come from several goroutines at once; a
// deadline that passes during a write leaves the connection unusable, one that passes
// during a read does not.
type Conn struct {
	conn   net.Conn
	client bool
	config *Config
	end    time.Time // of the session

	hsMu   sync.Mutex
	hsDone atomic.Bool // the fields below are valid and do not change any more
	hsErr  error       // guarded by hsMu
	peer   *Peer
	suite  Suite

	inMu             sync.Mutex // guards all below down to hand
	in               half
	raw              []byte // bytes from the socket; [rawStart:rawEnd] are not used yet
	rawStart, rawEnd int
	input            []byte // application bytes not yet read, in raw
	hand             []byte // handshake bytes not yet read

	outMu   sync.Mutex // guards all below
	out     half
	outBuf  []byte
	closing bool
}

var _ net.Conn = (*Conn)(nil)

// closeWait is for how long Close and alerts wait for a peer that does not read.
const closeWait = 500 * time.Millisecond

// Server returns the server's side of a connection over c. config must be valid.
func Server(c net.Conn, config *Config) *Conn { return newConn(c, config, false) }

// Client returns the client's side of a connection over c. config must be valid; that
// the server is the one meant is for Config.VerifyPeer to check.
func Client(c net.Conn, config *Config) *Conn { return newConn(c, config, true) }

func newConn(c net.Conn, config *Config, client bool) *Conn {
	limit := or(config.SessionBytes, uint64(defaultSessionBytes))
	conn := &Conn{conn: c, client: client, config: config}
	conn.in.limit, conn.out.limit = limit, limit
	conn.end = time.Now().Add(or(config.SessionAge, defaultSessionAge))
	return conn
}

// Handshake runs the handshake if it has not run yet. Config.HandshakeTimeout bounds it.
func (c *Conn) Handshake() error { return c.HandshakeContext(context.Background()) }

// HandshakeContext is Handshake that ends, and closes the connection, with ctx too. A
// failed handshake closes the connection; its error is *AlertError where this side or
// the peer named an alert.
func (c *Conn) HandshakeContext(ctx context.Context) error {
	if c.hsDone.Load() {
		return nil
	}
	c.hsMu.Lock()
	defer c.hsMu.Unlock()
	if c.hsErr != nil || c.hsDone.Load() {
		return c.hsErr
	}
	ctx, cancel := context.WithTimeout(ctx, or(c.config.HandshakeTimeout, defaultHandshakeTimeout))
	defer cancel()
	stop := context.AfterFunc(ctx, func() { c.conn.Close() }) //nolint:errcheck // the handshake reports ctx
	err := c.handshake()
	if !stop() {
		err = errors.Join(ctx.Err(), err)
	}
	if err != nil {
		c.hsErr = err
		c.conn.Close() //nolint:errcheck // the cause is what callers get
		return err
	}
	c.hsDone.Store(true)
	return nil
}

func (c *Conn) handshake() error {
	if err := c.config.Validate(); err != nil {
		return err
	}
	c.inMu.Lock()
	defer c.inMu.Unlock()
	id, err := c.config.identity()
	if err != nil {
		return err
	}
	hs := &handshake{c: c, id: id, transcript: newTranscript()}
	if c.client {
		err = hs.client()
	} else {
		err = hs.server()
	}
	if err == nil {
		c.peer, c.suite = hs.peer, hs.suite
		return nil
	}
	if c.in.err == nil {
		err = c.failRead(err)
	}
	return err
}

// Peer returns who the other side is, nil before the handshake and for an anonymous client.
func (c *Conn) Peer() *Peer {
	if !c.hsDone.Load() {
		return nil
	}
	return c.peer
}

// Suite returns the suite in use, 0 before the handshake.
func (c *Conn) Suite() Suite {
	if !c.hsDone.Load() {
		return 0
	}
	return c.suite
}

// Read implements io.Reader. io.EOF says that the peer has closed in order; a connection
// that was cut gives io.ErrUnexpectedEOF.
func (c *Conn) Read(b []byte) (int, error) {
	if err := c.Handshake(); err != nil {
		return 0, err
	}
	if len(b) == 0 {
		return 0, nil
	}
	c.inMu.Lock()
	defer c.inMu.Unlock()
	if len(c.input) == 0 {
		recordType, payload, err := c.readRecord()
		if err != nil {
			return 0, err
		}
		if recordType != recordApplication {
			return 0, c.failRead(faultf(AlertUnexpectedMessage, "record of type %d after the handshake: there is no renegotiation", recordType))
		}
		c.input = payload
	}
	n := copy(b, c.input)
	c.input = c.input[n:]
	return n, nil
}

// Write implements io.Writer.
func (c *Conn) Write(b []byte) (int, error) {
	if err := c.Handshake(); err != nil {
		return 0, err
	}
	c.outMu.Lock()
	defer c.outMu.Unlock()
	if c.closing {
		return 0, net.ErrClosed
	}
	if c.out.err == nil && c.old() {
		c.out.err = ErrSessionLimit
	}
	for sent := 0; sent < len(b); {
		first := sent
		c.makeRoom(len(b) - sent)
		for range flushRecords {
			n := min(len(b)-sent, maxPlaintext)
			if err := c.queue(recordApplication, b[sent:sent+n]); err != nil {
				return first, err
			}
			if sent += n; sent == len(b) {
				break
			}
		}
		if err := c.flush(); err != nil {
			return first, err
		}
	}
	return len(b), nil
}

// makeRoom has outBuf hold the records of a flush, so that it need not grow and move with
// each. It is kept for the next: a connection costs what its largest write needed.
func (c *Conn) makeRoom(payload int) {
	payload = min(payload, flushRecords*maxPlaintext)
	need := payload + (payload/maxPlaintext+1)*recordExtra
	if cap(c.outBuf) < need {
		c.outBuf = append(make([]byte, 0, max(need, 2*cap(c.outBuf))), c.outBuf...)
	}
}

// queue appends a record to what flush will send. The caller holds outMu.
func (c *Conn) queue(recordType uint8, payload []byte) error {
	if c.out.err != nil {
		return c.out.err
	}
	out, err := c.out.seal(c.outBuf, recordType, payload)
	if err != nil {
		c.out.err = err
		return err
	}
	c.outBuf = out
	return nil
}

func (c *Conn) flush() error {
	if c.out.err != nil {
		return c.out.err
	}
	_, err := c.conn.Write(c.outBuf)
	c.outBuf = c.outBuf[:0]
	if err != nil {
		c.out.err = err // part of a record may be gone
	}
	return err
}

// sendAlert tells the peer, if that needs no waiting for another writer.
func (c *Conn) sendAlert(a Alert) {
	if !c.outMu.TryLock() {
		return
	}
	defer c.outMu.Unlock()
	c.alertLocked(a)
}

func (c *Conn) alertLocked(a Alert) {
	const fatal, warning = 2, 1
	level := byte(fatal)
	if a == AlertCloseNotify {
		level = warning
	}
	if errors.Is(c.out.err, ErrSessionLimit) {
		c.out.err = nil
	}
	if c.queue(recordAlert, []byte{level, byte(a)}) != nil {
		return
	}
	c.conn.SetWriteDeadline(time.Now().Add(closeWait)) //nolint:errcheck // then the alert may not arrive
	c.flush()                                          //nolint:errcheck // the connection ends anyway
	if c.out.err == nil {
		c.out.err = net.ErrClosed
	}
}

// Close tells the peer and closes the connection. It may be called at any time, and
// again; a write that is under way has closeWait to end.
func (c *Conn) Close() error {
	if c.hsDone.Load() {
		c.conn.SetWriteDeadline(time.Now().Add(closeWait)) //nolint:errcheck // closing fails on its own
		c.outMu.Lock()
		if !c.closing {
			c.closing = true
			c.alertLocked(AlertCloseNotify)
		}
		c.outMu.Unlock()
	}
	return c.conn.Close()
}

// LocalAddr implements net.Conn.
func (c *Conn) LocalAddr() net.Addr { return c.conn.LocalAddr() }

// RemoteAddr implements net.Conn.
func (c *Conn) RemoteAddr() net.Addr { return c.conn.RemoteAddr() }

// SetDeadline implements net.Conn.
func (c *Conn) SetDeadline(t time.Time) error { return c.conn.SetDeadline(t) }

// SetReadDeadline implements net.Conn.
func (c *Conn) SetReadDeadline(t time.Time) error { return c.conn.SetReadDeadline(t) }

// SetWriteDeadline implements net.Conn.
func (c *Conn) SetWriteDeadline(t time.Time) error { return c.conn.SetWriteDeadline(t) }
