package access

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/huchain/huchain/types"
)

// entry is a line of the journal of keys: one that was made, or the end of one.
type entry struct {
	Key    *Key       `json:"key,omitempty"`
	Revoke string     `json:"revoke,omitempty"` // id
	At     *time.Time `json:"at,omitempty"`
}

// journal is a file to which each change adds a line of JSON. A change is durable once its
// line is synced. What a crash cut short has no end of line, was confirmed to nobody, and is
// taken off when the file is read.
type journal struct {
	path    string
	size    int64 // of the lines that stand
	lines   int
	foreign bool // the file held the list of an earlier release and has to be written anew
	torn    bool // an append failed: what stands behind size is not whole
}

const maxLine = 8 << 10

func failed(err error) error { return types.Errorf(types.CodeDiskFailure, "API keys: %w", err) }

// read hands on the lines of the file. Errors: HC-1004 where one is malformed.
func (j *journal) read(apply func(*entry)) error {
	f, err := os.Open(j.path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return failed(err)
	}
	defer f.Close()
	in := bufio.NewReaderSize(f, maxLine)
	if first, err := in.Peek(1); err == nil && first[0] == '[' {
		return j.readList(in, apply)
	}
	for {
		line, err := in.ReadSlice('\n')
		switch {
		case errors.Is(err, io.EOF):
			j.torn = len(line) > 0
			return nil
		case err == nil:
			err = decodeEntry(line, apply)
		}
		if err != nil {
			return types.Errorf(types.CodeConfig, "API keys: %s, line %d: %w", j.path, j.lines+1, err)
		}
		j.size += int64(len(line))
		j.lines++
	}
}

// decodeEntry reads a line.
func decodeEntry(line []byte, apply func(*entry)) error {
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	var e entry
	if err := d.Decode(&e); err != nil {
		return err
	}
	if (e.Key != nil) == (e.Revoke != "") || e.Key != nil && e.Key.ID == "" || e.Key == nil && e.At == nil {
		return errors.New("neither a key nor the end of one")
	}
	apply(&e)
	return nil
}

// readList reads a file of releases that kept one JSON list.
func (j *journal) readList(in io.Reader, apply func(*entry)) error {
	var list []Key
	if err := json.NewDecoder(in).Decode(&list); err != nil {
		return types.Errorf(types.CodeConfig, "API keys: %s: %w", j.path, err)
	}
	for i := range list {
		apply(&entry{Key: &list[i]})
	}
	j.foreign = true
	return nil
}

// append adds a line and syncs it. After an error the change is not made; what was written
// of it is taken off before the next one.
func (j *journal) append(e *entry) error {
	line, err := json.Marshal(e)
	if err != nil {
		return failed(err)
	}
	line = append(line, '\n')
	if j.size == 0 {
		if err := os.MkdirAll(filepath.Dir(j.path), 0o700); err != nil {
			return failed(err)
		}
	}
	f, err := os.OpenFile(j.path, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return failed(err)
	}
	st, err := f.Stat()
	switch {
	case err != nil:
	case j.torn:
		err = f.Truncate(j.size)
	case st.Size() != j.size:
		err = errors.New("the file was changed by somebody else; restart the node")
	}
	if err == nil {
		j.torn = true
		if _, err = f.WriteAt(line, j.size); err == nil {
			err = f.Sync()
		}
	}
	if err == nil && j.size == 0 {
		err = syncDir(filepath.Dir(j.path))
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return failed(err)
	}
	j.torn = false
	j.size += int64(len(line))
	j.lines++
	return nil
}

// rewrite replaces the file whole by one with these keys.
func (j *journal) rewrite(list []Key) error {
	tmp, err := os.CreateTemp(filepath.Dir(j.path), ".keys.*") // mode 0600
	if err != nil {
		return failed(err)
	}
	defer os.Remove(tmp.Name())
	out := bufio.NewWriter(tmp)
	lines := json.NewEncoder(out)
	for i := range list {
		if err = lines.Encode(entry{Key: &list[i]}); err != nil {
			break
		}
	}
	size := int64(0)
	if err == nil {
		err = out.Flush()
	}
	if err == nil {
		size, err = tmp.Seek(0, io.SeekCurrent)
	}
	if err = errors.Join(err, tmp.Sync(), tmp.Close()); err == nil {
		err = os.Rename(tmp.Name(), j.path)
	}
	if err == nil {
		err = syncDir(filepath.Dir(j.path))
	}
	if err != nil {
		return failed(err)
	}
	j.size, j.lines, j.foreign, j.torn = size, len(list), false, false
	return nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
