package tlcp

import (
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"time"

	"github.com/huchain/huchain/crypto/internal/sm4gcm"
)

// Types of records.
const (
	recordChangeCipherSpec = 20
	recordAlert            = 21
	recordHandshake        = 22
	recordApplication      = 23
)

const (
	recordHeader  = 5
	maxPlaintext  = 1 << 14
	maxCiphertext = maxPlaintext + 2048
	adSize        = 13 // sequence, type, version, length
	// recordExtra is the most that a record adds to what it carries, whatever the suite.
	recordExtra = recordHeader + 64
	// flushRecords is how many records of a large Write go to the socket at once: 64 KiB and
	// somebody's header.
	flushRecords = 5
	// maxIdle bounds records in a row that carry nothing: empty ones and warnings.
	maxIdle = 16
)

var errRecordMAC = errors.New("a record was altered, or belongs to another connection")

// protection seals and opens the records of one direction.
type protection interface {
	overhead() int
	// seal appends the protected form of payload to dst. ad is the record's
	// additional data with the length of payload.
	seal(dst []byte, ad *[adSize]byte, payload []byte) ([]byte, error)
	// open returns the payload, in the memory of record. It sets the length in ad.
	open(ad *[adSize]byte, record []byte) ([]byte, error)
}

// gcm protects records with SM4-GCM (GB/T 38636-2020 section 6.3.3.4.4): the nonce is a
// salt from the key block and eight bytes in front of the ciphertext, here the sequence
// number.
type gcm struct {
	aead  cipher.AEAD
	nonce [saltSize + explicitSize]byte
}

const (
	explicitSize = 8
	tagSize      = 16
)

func newGCM(key, salt []byte) (*gcm, error) {
	aead, err := sm4gcm.New(key)
	if err != nil {
		return nil, err
	}
	g := &gcm{aead: aead}
	copy(g.nonce[:], salt)
	return g, nil
}

func (g *gcm) overhead() int { return explicitSize + tagSize }

func (g *gcm) seal(dst []byte, ad *[adSize]byte, payload []byte) ([]byte, error) {
	copy(g.nonce[saltSize:], ad[:explicitSize])
	dst = append(dst, ad[:explicitSize]...)
	return g.aead.Seal(dst, g.nonce[:], payload, ad[:]), nil
}

func (g *gcm) open(ad *[adSize]byte, record []byte) ([]byte, error) {
	if len(record) < explicitSize+tagSize {
		return nil, errRecordMAC
	}
	copy(g.nonce[saltSize:], record)
	body := record[explicitSize:]
	binary.BigEndian.PutUint16(ad[adSize-2:], uint16(len(body)-tagSize))
	out, err := g.aead.Open(body[:0], g.nonce[:], body, ad[:])
	if err != nil {
		return nil, errRecordMAC
	}
	return out, nil
}

// half is one direction of a connection. The caller serialises access.
type half struct {
	active protection // nil before ChangeCipherSpec
	next   protection // what ChangeCipherSpec makes active
	seq    uint64
	bytes  uint64
	limit  uint64
	err    error // ends this direction for good
	ad     [adSize]byte
}

func (h *half) change() bool {
	if h.next == nil {
		return false
	}
	h.active, h.next, h.seq = h.next, nil, 0
	return true
}

// step writes the additional data of the next record and counts it. An alert passes the
// limit, so that the peer is told.
func (h *half) step(recordType uint8, size int) error {
	h.bytes += uint64(recordHeader + size)
	if h.bytes > h.limit && recordType != recordAlert || h.seq == math.MaxUint64 {
		return ErrSessionLimit
	}
	binary.BigEndian.PutUint64(h.ad[:], h.seq)
	h.ad[8] = recordType
	binary.BigEndian.PutUint16(h.ad[9:], version)
	binary.BigEndian.PutUint16(h.ad[11:], uint16(size))
	h.seq++
	return nil
}

// seal appends a whole record to dst.
func (h *half) seal(dst []byte, recordType uint8, payload []byte) ([]byte, error) {
	if err := h.step(recordType, len(payload)); err != nil {
		return nil, err
	}
	start := len(dst)
	dst = append(dst, recordType, version>>8, version&0xff, 0, 0)
	if h.active == nil {
		dst = append(dst, payload...)
	} else {
		var err error
		if dst, err = h.active.seal(dst, &h.ad, payload); err != nil {
			return nil, err
		}
	}
	binary.BigEndian.PutUint16(dst[start+3:], uint16(len(dst)-start-recordHeader))
	return dst, nil
}

// open returns the payload of a record's body, in its memory.
func (h *half) open(recordType uint8, body []byte) ([]byte, error) {
	if err := h.step(recordType, len(body)); err != nil {
		return nil, err
	}
	if h.active != nil {
		var err error
		if body, err = h.active.open(&h.ad, body); err != nil {
			return nil, &AlertError{Alert: AlertBadRecordMAC, Err: err}
		}
	}
	if len(body) > maxPlaintext {
		return nil, faultf(AlertRecordOverflow, "record of %d bytes, at most %d", len(body), maxPlaintext)
	}
	return body, nil
}

// readRecord returns the next record that is not idle; its payload is valid until the
// next call. A deadline that passes leaves the connection usable.
func (c *Conn) readRecord() (recordType uint8, payload []byte, err error) {
	if c.in.err != nil {
		return 0, nil, c.in.err
	}
	for range maxIdle {
		if recordType, payload, err = c.nextRecord(); err != nil {
			var timeout interface{ Timeout() bool }
			if !errors.As(err, &timeout) || !timeout.Timeout() {
				err = c.failRead(err)
			}
			return 0, nil, err
		}
		if recordType == recordAlert {
			if err := c.handleAlert(payload); err != nil {
				return 0, nil, c.failRead(err)
			}
		} else if len(payload) > 0 {
			return recordType, payload, nil
		} else if recordType != recordApplication {
			return 0, nil, c.failRead(faultf(AlertUnexpectedMessage, "empty record of type %d", recordType))
		}
	}
	return 0, nil, c.failRead(faultf(AlertUnexpectedMessage, "%d records in a row without content", maxIdle))
}

func (c *Conn) nextRecord() (uint8, []byte, error) {
	if c.old() {
		return 0, nil, ErrSessionLimit
	}
	if err := c.fill(recordHeader); err != nil {
		return 0, nil, err
	}
	head := c.raw[c.rawStart:]
	recordType, size := head[0], int(binary.BigEndian.Uint16(head[3:]))
	if recordType < recordChangeCipherSpec || recordType > recordApplication {
		return 0, nil, faultf(AlertUnexpectedMessage, "record of type %d: the peer does not speak TLCP", recordType)
	}
	if v := binary.BigEndian.Uint16(head[1:]); v != version {
		return 0, nil, faultf(AlertProtocolVersion, "record of version 0x%04X, want 0x%04X", v, version)
	}
	most := maxPlaintext
	if c.in.active != nil {
		most = maxCiphertext
	}
	if size > most {
		return 0, nil, faultf(AlertRecordOverflow, "record of %d bytes, at most %d", size, most)
	}
	if err := c.fill(recordHeader + size); err != nil {
		return 0, nil, err
	}
	body := c.raw[c.rawStart+recordHeader : c.rawStart+recordHeader+size]
	c.rawStart += recordHeader + size
	payload, err := c.in.open(recordType, body)
	return recordType, payload, err
}

// fill reads until n bytes lie in c.raw from rawStart on. It reads ahead what is there.
func (c *Conn) fill(n int) error {
	if c.rawEnd-c.rawStart >= n {
		return nil
	}
	if c.raw == nil {
		c.raw = make([]byte, 2*(recordHeader+maxCiphertext))
	}
	if len(c.raw)-c.rawStart < n || c.rawStart == c.rawEnd {
		copy(c.raw, c.raw[c.rawStart:c.rawEnd])
		c.rawStart, c.rawEnd = 0, c.rawEnd-c.rawStart
	}
	for c.rawEnd-c.rawStart < n {
		m, err := c.conn.Read(c.raw[c.rawEnd:])
		c.rawEnd += m
		if err != nil && c.rawEnd-c.rawStart < n {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF // no close_notify: cut off by someone
			}
			return err
		}
	}
	return nil
}

// failRead ends the reading side for good, tells the peer what this side found, and
// returns what callers get from now on.
func (c *Conn) failRead(err error) error {
	var own *AlertError
	if errors.As(err, &own) && !own.Remote {
		c.sendAlert(own.Alert)
	}
	c.in.err = err
	return err
}

func (c *Conn) handleAlert(payload []byte) error {
	if len(payload) != 2 {
		return faultf(AlertDecodeError, "alert of %d bytes", len(payload))
	}
	level, alert := payload[0], Alert(payload[1])
	switch {
	case alert == AlertCloseNotify:
		return io.EOF
	case level == 1:
		return nil // a warning; maxIdle bounds them
	case level == 2:
		return &AlertError{Alert: alert, Remote: true}
	}
	return faultf(AlertIllegalParameter, "alert of level %d", level)
}

// old reports whether the connection has lived as long as it may.
func (c *Conn) old() bool { return !c.end.IsZero() && time.Now().After(c.end) }
