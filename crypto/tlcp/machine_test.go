package tlcp

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// What happens to a record on its way.
const (
	opNone = iota
	opDrop
	opDuplicate
	opSwap // with the next record of that direction
	opTruncate
	opOversize
	opVersion
	opRecordType
	opMessageType
	opFlip
	opEmpty
	opSplit // two records instead of one, which is allowed
	opCount
)

var opNames = [...]string{"none", "drop", "duplicate", "swap", "truncate", "oversize", "version", "record type", "message type", "flip", "empty", "split"}

// change is applied to record number index of a direction.
type change struct {
	fromClient bool
	index, op  int
	arg        byte
}

// mutate forwards the records of one direction and applies the changes meant for it.
func mutate(from, to net.Conn, fromClient bool, changes []change) {
	defer func() {
		to.Close()
		from.Close()
	}()
	var held []byte
	stalls := false // both sides may wait for the other now
	for i := 0; ; i++ {
		if stalls {
			from.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
		}
		head := make([]byte, recordHeader)
		if _, err := io.ReadFull(from, head); err != nil {
			return
		}
		body := make([]byte, binary.BigEndian.Uint16(head[3:]))
		if _, err := io.ReadFull(from, body); err != nil {
			return
		}
		records := [][]byte{append(head, body...)}
		for _, c := range changes {
			if c.fromClient == fromClient && c.index == i && len(records) == 1 {
				records, held = c.apply(records[0], held)
				stalls = stalls || c.op != opSplit && c.op != opNone
			}
		}
		if held != nil && len(records) == 1 {
			records, held = append(records, held), nil
		}
		for _, r := range records {
			if _, err := to.Write(r); err != nil {
				return
			}
		}
	}
}

func (c change) apply(r, held []byte) (out [][]byte, hold []byte) {
	r = append([]byte{}, r...)
	resize := func(b []byte) []byte {
		binary.BigEndian.PutUint16(b[3:], uint16(len(b)-recordHeader))
		return b
	}
	if len(r) == recordHeader { // an earlier change left nothing of it to change
		return [][]byte{r}, held
	}
	at := recordHeader + int(c.arg)%(len(r)-recordHeader)
	switch c.op {
	case opDrop:
		return nil, held
	case opDuplicate:
		return [][]byte{r, r}, held
	case opSwap:
		return nil, r
	case opTruncate:
		return [][]byte{resize(r[:at])}, held
	case opOversize:
		return [][]byte{resize(append(r, make([]byte, maxCiphertext+1-len(r)+recordHeader)...))}, held
	case opVersion:
		r[1], r[2] = 3, 3
	case opRecordType:
		r[0] = recordChangeCipherSpec + c.arg%5
	case opMessageType:
		r[recordHeader] = c.arg
	case opFlip:
		r[at] ^= 1 << (c.arg % 8)
	case opEmpty:
		return [][]byte{{r[0], version >> 8, version & 0xff, 0, 0}, r}, held
	case opSplit:
		second := append(append([]byte{}, r[:recordHeader]...), r[at:]...)
		return [][]byte{resize(r[:at]), resize(second)}, held
	}
	return [][]byte{r}, held
}

// runChanged runs a handshake with changes on the way, and then one byte each way.
func runChanged(client, server *Config, changes []change) (cerr, serr error) {
	c1, c2 := net.Pipe()
	s1, s2 := net.Pipe()
	var wg, sides sync.WaitGroup
	wg.Go(func() { mutate(c2, s1, true, changes) })
	wg.Go(func() { mutate(s1, c2, false, changes) })
	run := func(c *Conn, err *error, first bool) {
		c.SetDeadline(time.Now().Add(2 * client.HandshakeTimeout))
		var b [1]byte
		if *err = c.Handshake(); *err == nil && first {
			if _, *err = c.Write([]byte{7}); *err == nil {
				_, *err = c.Read(b[:])
			}
		} else if *err == nil {
			if _, *err = c.Read(b[:]); *err == nil {
				_, *err = c.Write(b[:])
			}
		}
		if *err == nil && b[0] != 7 {
			*err = fmt.Errorf("read %d", b[0])
		}
		c.conn.Close()
	}
	sides.Go(func() { run(Client(c1, client), &cerr, true) })
	sides.Go(func() { run(Server(s2, server), &serr, false) })
	sides.Wait()
	for _, c := range []net.Conn{c1, c2, s1, s2} {
		c.Close()
	}
	wg.Wait()
	return cerr, serr
}

func machineConfigs(t testing.TB, suite Suite) (client, server *Config) {
	w := newWorld(t, "archives")
	client, server = w.config("alice", suite), w.config("bob", suite)
	client.HandshakeTimeout, server.HandshakeTimeout = time.Second, time.Second
	return client, server
}

// Every record of a handshake is dropped, doubled, moved, cut, made too long, given a
// wrong version or type, or altered: none of it goes through.
func TestStateMachine(t *testing.T) {
	for _, suite := range []Suite{ECCSM4GCMSM3, ECDHESM4CBCSM3} {
		client, server := machineConfigs(t, suite)
		for _, fromClient := range []bool{true, false} {
			records := 6 // of the client: hello, certificates, key exchange, verify, change, finished
			if !fromClient {
				records = 7 // hello, certificates, key exchange, request, done, change, finished
			}
			for i := range records {
				for op := opDrop; op < opCount; op++ {
					arg := byte(9)
					if op == opRecordType {
						arg = 1 // alert
					}
					c := change{fromClient, i, op, arg}
					cerr, serr := runChanged(client, server, []change{c})
					name := fmt.Sprintf("%v, from client %v, record %d, %s: %v / %v", suite, fromClient, i, opNames[op], cerr, serr)
					sealed := i == records-1
					change := i == records-2
					switch {
					case op == opSwap && sealed:
						// nothing follows within the handshake
					case op == opSplit && !sealed && !change:
						require.NoError(t, cerr, name)
						require.NoError(t, serr, name)
					case op == opDuplicate && sealed && !fromClient:
						require.Error(t, cerr, name) // the server may be done by then
					default:
						require.True(t, cerr != nil && serr != nil, name)
					}
				}
			}
		}
	}
}

// FuzzStateMachine: whatever happens to records on their way, both sides end, and they
// succeed together or not at all.
func FuzzStateMachine(f *testing.F) {
	f.Add([]byte{0, 0, opDuplicate, 1})
	f.Add([]byte{1, 2, opSwap, 1, 0, 1, opTruncate, 200})
	f.Add([]byte{1, 3, opSplit, 1, 1, 1, opSplit, 77, 0, 3, opEmpty, 0})
	client, server := machineConfigs(f, ECDHESM4GCMSM3)
	f.Fuzz(func(t *testing.T, script []byte) {
		var changes []change
		for ; len(script) >= 4 && len(changes) < 4; script = script[4:] {
			c := change{script[0]%2 == 0, int(script[1] % 6), int(script[2] % opCount), script[3]}
			changes = append(changes, c)
		}
		cerr, serr := runChanged(client, server, changes)
		if (cerr == nil) != (serr == nil) {
			t.Fatalf("one side alone succeeds: %v / %v", cerr, serr)
		}
	})
}
