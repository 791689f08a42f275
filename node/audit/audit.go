// Package audit keeps the log of administrative calls to a node: records are added and
// never changed, and each names the hash of the one before, so that none can be altered,
// dropped or slipped in without all that follow being made anew.
//
// The file holds one record a line, as JSON. The hash of a record is SM3 over its line
// with an empty hash; previous is that of the record before, zero in the first. Whoever
// notes a hash now and then, as the node's own log does with each record, can later tell
// whether the file still holds what it held.
package audit

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
)

// Record is one entry of the log.
type Record struct {
	Seq      uint64      `json:"seq"` // from 1 on
	Time     time.Time   `json:"time"`
	Actor    string      `json:"actor"`             // who asked: uid:1000 by the control socket, a member id
	Action   string      `json:"action"`            // such as chain.stop
	Subject  string      `json:"subject,omitempty"` // what it was done to
	Outcome  string      `json:"outcome"`           // Ordered, OK or an error number
	Previous crypto.Hash `json:"previous"`
	Hash     crypto.Hash `json:"hash"`
}

// Ordered is the outcome of a call that has just come in. A second record says what became
// of it.
const Ordered = "ordered"

// maxField bounds what stands in one field of a record, in bytes.
const maxField = 256

func (r *Record) sum() (crypto.Hash, error) {
	bare := *r
	bare.Hash = crypto.Hash{}
	raw, err := json.Marshal(&bare)
	if err != nil {
		return crypto.Hash{}, err
	}
	return crypto.Sum(raw), nil
}

// Log is an open log. It is safe for concurrent use.
type Log struct {
	mu   sync.Mutex
	file *os.File
	last Record
}

// Open opens or begins the log at path. It checks every record, HC-1017, and cuts a last
// line that a crash left unfinished: no call went ahead on it.
func Open(path string) (*Log, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, types.Errorf(types.CodeDiskFailure, "%w", err)
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, types.Errorf(types.CodeDiskFailure, "audit log: %w", err)
	}
	l := &Log{file: f}
	size, err := verify(f, func(r *Record) { l.last = *r })
	if err == nil {
		err = f.Truncate(size)
	}
	if err == nil {
		_, err = f.Seek(size, io.SeekStart)
	}
	if err != nil {
		return nil, errors.Join(coded(err), f.Close())
	}
	return l, nil
}

func coded(err error) error {
	if types.CodeOf(err) != types.CodeInternal {
		return err
	}
	return types.Errorf(types.CodeDiskFailure, "audit log: %w", err)
}

// Add appends a record, durable when it returns, and returns it.
func (l *Log) Add(actor, action, subject, outcome string) (Record, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := Record{Seq: l.last.Seq + 1, Time: time.Now().UTC().Truncate(time.Millisecond), Actor: types.CleanText(actor, maxField),
		Action: types.CleanText(action, maxField), Subject: types.CleanText(subject, maxField), Outcome: types.CleanText(outcome, maxField), Previous: l.last.Hash}
	var err error
	if r.Hash, err = r.sum(); err != nil {
		return r, err
	}
	raw, err := json.Marshal(&r)
	if err != nil {
		return r, err
	}
	if _, err = l.file.Write(append(raw, '\n')); err == nil {
		err = l.file.Sync()
	}
	if err != nil {
		return r, coded(err)
	}
	l.last = r
	return r, nil
}

// Close closes the file.
func (l *Log) Close() error { return l.file.Close() }

// Report is what checking a log found.
type Report struct {
	Records uint64      `json:"records"`
	Head    crypto.Hash `json:"head"` // hash of the last record
	From    time.Time   `json:"from"`
	To      time.Time   `json:"to"`
}

// Check reads the log at path from its first record to its last: HC-1017 names the first
// that does not fit. One of the records must have the hash known, unless that is zero:
// noted earlier elsewhere, it shows that the end was not cut off and nothing made anew.
func Check(path string, known crypto.Hash) (*Report, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, types.Errorf(types.CodeNotFound, "audit log: %w", err)
	}
	defer f.Close()
	var out Report
	met := known.IsZero()
	_, err = verify(f, func(r *Record) {
		if out.Records++; out.Records == 1 {
			out.From = r.Time
		}
		out.Head, out.To = r.Hash, r.Time
		met = met || r.Hash == known
	})
	if err == nil && !met {
		err = types.Errorf(types.CodeAuditBroken, "none of the %d records has the hash %s", out.Records, known)
	}
	return &out, err
}

// Read calls f with each record of the log at path, checked as Check does.
func Read(path string, f func(*Record)) error {
	file, err := os.Open(path)
	if err != nil {
		return types.Errorf(types.CodeNotFound, "audit log: %w", err)
	}
	defer file.Close()
	_, err = verify(file, f)
	return err
}

// maxLine bounds a line.
const maxLine = 16 << 10

// verify reads records and returns how many bytes the whole lines take.
func verify(f io.Reader, fn func(*Record)) (size int64, err error) {
	in := bufio.NewReaderSize(f, maxLine)
	var last Record
	for {
		line, err := in.ReadSlice('\n')
		if errors.Is(err, io.EOF) {
			return size, nil // what is left is a line without an end
		}
		if err != nil {
			return size, types.Errorf(types.CodeAuditBroken, "record %d: %w", last.Seq+1, err)
		}
		r, err := decode(line[:len(line)-1], &last)
		if err != nil {
			return size, types.Errorf(types.CodeAuditBroken, "record %d: %w", last.Seq+1, err)
		}
		fn(r)
		size, last = size+int64(len(line)), *r
	}
}

// decode reads a record that follows another, in its one form.
func decode(line []byte, last *Record) (*Record, error) {
	r := new(Record)
	if err := json.Unmarshal(line, r); err != nil {
		return nil, err
	}
	again, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	sum, err := r.sum()
	switch {
	case err != nil:
		return nil, err
	case !bytes.Equal(again, line):
		return nil, errors.New("not in its one form")
	case r.Seq != last.Seq+1:
		return nil, fmt.Errorf("has number %d", r.Seq)
	case r.Previous != last.Hash:
		return nil, errors.New("does not name the hash of the record before")
	case r.Hash != sum:
		return nil, errors.New("does not have its own hash")
	}
	return r, nil
}
