// Package drivertest is the suite that every storage driver of the ledger passes.
package drivertest

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand"
	"path/filepath"
	"slices"
	"testing"

	"github.com/huchain/huchain/ledger/driver"
)

// Case is one requirement. It returns what is wrong instead of failing a test, so that the
// suite itself can be tested with drivers that lie.
type Case struct {
	Name  string
	Check func(o driver.Opener, dir string) error
}

// Cases are the requirements of driver.DB.
func Cases() []Case {
	return []Case{
		{"rows can be read back", checkRows},
		{"iterators move both ways within bounds", checkIterator},
		{"iterators and snapshots do not see later writes", checkIsolation},
		{"a batch is applied in its order", checkBatchOrder},
		{"a discarded batch leaves nothing", checkDiscard},
		{"rows survive reopening", checkReopen},
		{"values belong to the caller", checkOwnership},
		{"random operations equal a model", checkModel},
		{"long walks turn round anywhere", checkLongWalk},
		{"readers run beside one another and a writer", checkConcurrency},
	}
}

// Run runs the suite on a driver; dir returns a fresh folder.
func Run(t *testing.T, o driver.Opener, dir func() string) {
	for _, c := range Cases() {
		t.Run(c.Name, func(t *testing.T) {
			if err := c.Check(o, filepath.Join(dir(), "store")); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// with opens a store, runs fn and closes the store.
func with(o driver.Opener, dir string, fn func(db driver.DB) error) error {
	db, err := o.Open(dir, driver.ProfileState)
	if err != nil {
		return err
	}
	return errors.Join(fn(db), db.Close())
}

func write(db driver.DB, fill func(b driver.Batch)) error {
	b := db.Batch()
	fill(b)
	return b.Commit(true)
}

func want(r driver.Reader, key, value string) error {
	v, ok, err := r.Get([]byte(key))
	if err != nil {
		return fmt.Errorf("get %q: %w", key, err)
	}
	if !ok || string(v) != value {
		return fmt.Errorf("get %q: %q, %v; want %q", key, v, ok, value)
	}
	return nil
}

func wantNone(r driver.Reader, key string) error {
	if v, ok, err := r.Get([]byte(key)); err != nil || ok {
		return fmt.Errorf("get %q: %q, %v, %v; want none", key, v, ok, err)
	}
	return nil
}

func checkRows(o driver.Opener, dir string) error {
	return with(o, dir, func(db driver.DB) error {
		large := string(bytes.Repeat([]byte("large "), 20_000))
		err := write(db, func(b driver.Batch) {
			b.Set([]byte("a"), []byte("1"))
			b.Set([]byte("empty"), nil)
			b.Set([]byte("large"), []byte(large))
			b.Set([]byte{0}, []byte("zero byte"))
			b.Set([]byte{0xff, 0xff}, []byte("last"))
			b.Set([]byte("gone"), []byte("x"))
		})
		err = errors.Join(err, write(db, func(b driver.Batch) {
			b.Set([]byte("a"), []byte("2"))
			b.Delete([]byte("gone"))
			b.Delete([]byte("never there"))
		}))
		return errors.Join(err, want(db, "a", "2"), want(db, "empty", ""), want(db, "large", large), want(db, "\x00", "zero byte"),
			want(db, "\xff\xff", "last"), wantNone(db, "gone"), wantNone(db, "never there"), wantNone(db, "aa"))
	})
}

// keysOf walks [lower, upper) forwards.
func keysOf(r driver.Reader, lower, upper []byte) ([]string, error) {
	it, err := r.Iter(lower, upper)
	if err != nil {
		return nil, err
	}
	var out []string
	for ok := it.First(); ok; ok = it.Next() {
		out = append(out, string(it.Key())+"="+string(it.Value()))
	}
	return out, errors.Join(it.Error(), it.Close())
}

func wantKeys(r driver.Reader, lower, upper []byte, keys ...string) error {
	got, err := keysOf(r, lower, upper)
	if err == nil && !slices.Equal(got, keys) {
		err = fmt.Errorf("rows in [%q, %q): %q, want %q", lower, upper, got, keys)
	}
	return err
}

func checkIterator(o driver.Opener, dir string) error {
	return with(o, dir, func(db driver.DB) error {
		err := write(db, func(b driver.Batch) {
			for _, k := range []string{"b", "d", "d\x00", "f", "\xff"} {
				b.Set([]byte(k), []byte(k))
			}
		})
		err = errors.Join(err, wantKeys(db, nil, nil, "b=b", "d=d", "d\x00=d\x00", "f=f", "\xff=\xff"),
			wantKeys(db, []byte("c"), []byte("f"), "d=d", "d\x00=d\x00"), wantKeys(db, []byte("d"), nil, "d=d", "d\x00=d\x00", "f=f", "\xff=\xff"),
			wantKeys(db, nil, []byte("b")), wantKeys(db, []byte("x"), []byte("y")))
		if err != nil {
			return err
		}
		it, err := db.Iter([]byte("c"), []byte("g"))
		if err != nil {
			return err
		}
		step := func(name string, ok bool, key string) {
			if ok != (key != "") || ok && string(it.Key()) != key {
				err = errors.Join(err, fmt.Errorf("%s: %v, want %q", name, ok, key))
			}
		}
		step("last", it.Last(), "f")
		step("prev", it.Prev(), "d\x00")
		step("prev", it.Prev(), "d")
		step("prev before the first", it.Prev(), "")
		step("seek ≥ below the bound", it.SeekGE([]byte("a")), "d")
		step("seek ≥ exact", it.SeekGE([]byte("d\x00")), "d\x00")
		step("next", it.Next(), "f")
		step("next behind the last", it.Next(), "")
		step("seek ≥ above", it.SeekGE([]byte("f\x00")), "")
		step("seek < exact", it.SeekLT([]byte("f")), "d\x00")
		step("next after seek <", it.Next(), "f")
		step("seek < above the bound", it.SeekLT([]byte("z")), "f")
		step("seek < lowest", it.SeekLT([]byte("d")), "")
		step("first", it.First(), "d")
		return errors.Join(err, it.Error(), it.Close())
	})
}

func checkIsolation(o driver.Opener, dir string) error {
	return with(o, dir, func(db driver.DB) error {
		err := write(db, func(b driver.Batch) { b.Set([]byte("k"), []byte("old")) })
		if err != nil {
			return err
		}
		snap, err := db.Snapshot()
		if err != nil {
			return err
		}
		it, err := db.Iter(nil, nil)
		if err != nil {
			return errors.Join(err, snap.Close())
		}
		err = write(db, func(b driver.Batch) {
			b.Set([]byte("k"), []byte("new"))
			b.Set([]byte("l"), []byte("new"))
		})
		if !it.First() || string(it.Value()) != "old" || it.Next() {
			err = errors.Join(err, errors.New("an iterator sees writes made after it"))
		}
		err = errors.Join(err, it.Close(), want(snap, "k", "old"), wantNone(snap, "l"), wantKeys(snap, nil, nil, "k=old"), want(db, "k", "new"))
		return errors.Join(err, snap.Close())
	})
}

func checkBatchOrder(o driver.Opener, dir string) error {
	return with(o, dir, func(db driver.DB) error {
		err := write(db, func(b driver.Batch) {
			for _, k := range []string{"a", "b", "c", "d"} {
				b.Set([]byte(k), []byte("1"))
			}
		})
		err = errors.Join(err, write(db, func(b driver.Batch) {
			b.Set([]byte("b"), []byte("lost"))
			b.DeleteRange([]byte("b"), []byte("d"))
			b.Set([]byte("c"), []byte("2"))
			b.Set([]byte("x"), []byte("1"))
			b.Delete([]byte("x"))
			b.Set([]byte("y"), []byte("1"))
			b.Set([]byte("y"), []byte("2"))
		}))
		return errors.Join(err, wantKeys(db, nil, nil, "a=1", "c=2", "d=1", "y=2"))
	})
}

func checkDiscard(o driver.Opener, dir string) error {
	return with(o, dir, func(db driver.DB) error {
		b := db.Batch()
		b.Set([]byte("k"), []byte("v"))
		b.Discard()
		done := db.Batch()
		done.Set([]byte("l"), []byte("v"))
		err := done.Commit(false)
		done.Discard()
		return errors.Join(err, wantKeys(db, nil, nil, "l=v"))
	})
}

func checkReopen(o driver.Opener, dir string) error {
	for i := range 4 {
		err := with(o, dir, func(db driver.DB) error {
			var errs []error
			for j := range i {
				errs = append(errs, want(db, fmt.Sprintf("synced %d", j), "v"), want(db, fmt.Sprintf("unsynced %d", j), "v"))
			}
			errs = append(errs, write(db, func(b driver.Batch) { b.Set(fmt.Appendf(nil, "synced %d", i), []byte("v")) }))
			b := db.Batch()
			b.Set(fmt.Appendf(nil, "unsynced %d", i), []byte("v"))
			return errors.Join(append(errs, b.Commit(false))...)
		})
		if err != nil {
			return fmt.Errorf("opening %d: %w", i, err)
		}
	}
	return nil
}

func checkOwnership(o driver.Opener, dir string) error {
	return with(o, dir, func(db driver.DB) error {
		key, value := []byte("k"), []byte("v")
		b := db.Batch()
		b.Set(key, value)
		key[0], value[0] = 'x', 'x' // a batch holds copies
		if err := b.Commit(true); err != nil {
			return err
		}
		got, _, err := db.Get([]byte("k"))
		if err != nil || string(got) != "v" {
			return fmt.Errorf("a batch holds the caller's memory: %q, %v", got, err)
		}
		got[0] = 'y'
		return want(db, "k", "v")
	})
}

// checkModel runs random batches, snapshots and reopenings beside a map.
func checkModel(o driver.Opener, dir string) error {
	rng := rand.New(rand.NewSource(1))
	model := map[string]string{}
	for round := range 4 {
		err := with(o, dir, func(db driver.DB) error {
			for range 25 {
				if err := randomBatch(rng, db, model); err != nil {
					return err
				}
			}
			return compare(db, model)
		})
		if err != nil {
			return fmt.Errorf("round %d: %w", round, err)
		}
	}
	return nil
}

func randomBatch(rng *rand.Rand, db driver.DB, model map[string]string) error {
	key := func() string { return fmt.Sprintf("%03d", rng.Intn(300)) }
	b := db.Batch()
	for range 1 + rng.Intn(30) {
		k := key()
		switch rng.Intn(10) {
		case 0:
			b.Delete([]byte(k))
			delete(model, k)
		case 1:
			end := fmt.Sprintf("%03d", rng.Intn(300))
			if end > k && rng.Intn(4) == 0 {
				b.DeleteRange([]byte(k), []byte(end))
				for _, x := range names(model) {
					if x >= k && x < end {
						delete(model, x)
					}
				}
			}
		default:
			v := fmt.Sprint(rng.Int())
			b.Set([]byte(k), []byte(v))
			model[k] = v
		}
	}
	return b.Commit(rng.Intn(2) == 0)
}

func names(model map[string]string) []string {
	var out []string
	for k := range model {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

func compare(db driver.DB, model map[string]string) error {
	var rows []string
	for _, k := range names(model) {
		if err := want(db, k, model[k]); err != nil {
			return err
		}
		rows = append(rows, k+"="+model[k])
	}
	return wantKeys(db, nil, nil, rows...)
}
