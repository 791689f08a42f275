package bench

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

// Bounds of what a profile may hold, so that a strange answer costs no more than time.
const (
	maxProfileBytes   = 64 << 20
	maxProfileSeconds = 100 // the node's listener answers within two minutes
)

// profile asks every validator that serves profiles for one of the time to come. What it
// returns delivers once, and lacks those that did not answer.
func (t *Target) profile(ctx context.Context, d time.Duration) <-chan map[int]*stages {
	out := make(chan map[int]*stages, 1)
	found := map[int]*stages{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for _, p := range t.Processes {
		if p.Profile == "" {
			continue
		}
		wg.Go(func() {
			raw, err := fetchProfile(ctx, p.Profile, min(int(d/time.Second), maxProfileSeconds))
			if err != nil {
				return // the report then has no split for it
			}
			s, err := readStages(bytes.NewReader(raw))
			if err != nil {
				return
			}
			s.raw = raw
			mu.Lock()
			defer mu.Unlock()
			found[p.PID] = s
		})
	}
	go func() {
		wg.Wait()
		out <- found
	}()
	return out
}

// keepProfiles writes the profiles that were taken to a folder, each by its validator's name.
func (t *Target) keepProfiles(dir string, taken map[int]*stages) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, p := range t.Processes {
		if s := taken[p.PID]; s != nil {
			if err := os.WriteFile(filepath.Join(dir, p.Name+".pprof"), s.raw, 0o644); err != nil {
				return err
			}
		}
	}
	return nil
}

func fetchProfile(ctx context.Context, base string, seconds int) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Duration(seconds+15)*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("%s/debug/pprof/profile?seconds=%d", base, seconds), http.NoBody)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answered %s", base, resp.Status)
	}
	return io.ReadAll(io.LimitReader(resp.Body, maxProfileBytes))
}

// readStages reads a profile as Go writes it: compressed.
func readStages(r io.Reader) (*stages, error) {
	raw, err := gunzip(r)
	if err != nil {
		return nil, err
	}
	return splitProfile(raw)
}

func gunzip(r io.Reader) ([]byte, error) {
	z, err := gzip.NewReader(io.LimitReader(r, maxProfileBytes))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(z, maxProfileBytes))
}

// sample is how long a stack of functions ran, innermost first.
type sample struct {
	locations []uint64
	nanos     int64
}

// rawProfile is what a CPU profile in the form of github.com/google/pprof holds, as far
// as it is needed here: profile.proto, messages Profile, Sample, Location and Function.
type rawProfile struct {
	samples   []sample
	locations map[uint64][]uint64 // location → its functions, innermost first
	functions map[uint64]uint64   // function → index of its name
	strings   []string
}

var errProfile = errors.New("malformed profile")

func parseProfile(raw []byte) (*rawProfile, error) {
	p := &rawProfile{locations: map[uint64][]uint64{}, functions: map[uint64]uint64{}}
	err := eachField(raw, func(num protowire.Number, _ uint64, msg []byte) error {
		switch num {
		case 2:
			return p.sample(msg)
		case 4:
			return p.location(msg)
		case 5:
			return p.function(msg)
		case 6:
			p.strings = append(p.strings, string(bytes.ToValidUTF8(msg, nil)))
		}
		return nil
	})
	return p, err
}

// eachField hands every field of a message to fn: its number, or its bytes.
func eachField(b []byte, fn func(num protowire.Number, v uint64, msg []byte) error) error {
	for len(b) > 0 {
		num, kind, n := protowire.ConsumeTag(b)
		if n < 0 {
			return errProfile
		}
		b = b[n:]
		var v uint64
		var msg []byte
		switch kind {
		case protowire.VarintType:
			v, n = protowire.ConsumeVarint(b)
		case protowire.BytesType:
			msg, n = protowire.ConsumeBytes(b)
		default:
			n = protowire.ConsumeFieldValue(num, kind, b)
		}
		if n < 0 {
			return errProfile
		}
		b = b[n:]
		if err := fn(num, v, msg); err != nil {
			return err
		}
	}
	return nil
}

// repeated appends numbers that are packed, or single.
func repeated(to []uint64, v uint64, packed []byte) ([]uint64, error) {
	if packed == nil {
		return append(to, v), nil
	}
	for len(packed) > 0 {
		v, n := protowire.ConsumeVarint(packed)
		if n < 0 {
			return nil, errProfile
		}
		to, packed = append(to, v), packed[n:]
	}
	return to, nil
}

func (p *rawProfile) sample(msg []byte) error {
	var s sample
	var values []uint64
	err := eachField(msg, func(num protowire.Number, v uint64, b []byte) (err error) {
		switch num {
		case 1:
			s.locations, err = repeated(s.locations, v, b)
		case 2:
			values, err = repeated(values, v, b)
		}
		return err
	})
	if err != nil || len(values) < 2 { // count and nanoseconds
		return errors.Join(err, errIf(len(values) < 2))
	}
	s.nanos = int64(values[1])
	p.samples = append(p.samples, s)
	return nil
}

func errIf(bad bool) error {
	if bad {
		return errProfile
	}
	return nil
}

func (p *rawProfile) location(msg []byte) error {
	var id uint64
	var functions []uint64
	err := eachField(msg, func(num protowire.Number, v uint64, b []byte) error {
		switch num {
		case 1:
			id = v
		case 4:
			return eachField(b, func(num protowire.Number, v uint64, _ []byte) error {
				if num == 1 {
					functions = append(functions, v)
				}
				return nil
			})
		}
		return nil
	})
	p.locations[id] = functions
	return err
}

func (p *rawProfile) function(msg []byte) error {
	var id, name uint64
	err := eachField(msg, func(num protowire.Number, v uint64, _ []byte) error {
		switch num {
		case 1:
			id = v
		case 2:
			name = v
		}
		return nil
	})
	p.functions[id] = name
	return err
}

// name is that of a function, "" if the profile does not say.
func (p *rawProfile) name(function uint64) string {
	if i := p.functions[function]; i < uint64(len(p.strings)) {
		return p.strings[i]
	}
	return ""
}
