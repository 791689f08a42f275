package drivertest

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand"
	"sync"

	"github.com/huchain/huchain/ledger/driver"
)

// checkLongWalk walks over more rows than a driver reads at once, with large values among
// them, turning round at random.
func checkLongWalk(o driver.Opener, dir string) error {
	const rows = 5000
	key := func(i int) []byte { return fmt.Appendf(nil, "%05d", 2*i) }
	return with(o, dir, func(db driver.DB) error {
		err := write(db, func(b driver.Batch) {
			for i := range rows {
				value := []byte(fmt.Sprint(i))
				if i%500 == 0 {
					value = bytes.Repeat([]byte{byte(i)}, 64<<10)
				}
				b.Set(key(i), value)
			}
		})
		if err != nil {
			return err
		}
		it, err := db.Iter(nil, nil)
		if err != nil {
			return err
		}
		rng := rand.New(rand.NewSource(2))
		at, ok := 0, it.First()
		for range 400 {
			if !ok || !bytes.Equal(it.Key(), key(at)) {
				return errors.Join(fmt.Errorf("the walk stands at %q instead of %q", it.Key(), key(at)), it.Error(), it.Close())
			}
			for range rng.Intn(200) {
				if rng.Intn(40) == 0 && at > 0 {
					ok, at = it.Prev(), at-1
				} else if at < rows-1 {
					ok, at = it.Next(), at+1
				}
			}
			switch rng.Intn(4) {
			case 0:
				at = rng.Intn(rows)
				ok = it.SeekGE(append(key(at), 0)[:5])
			case 1:
				at = rng.Intn(rows)
				ok = it.SeekLT(append(key(at), 0))
			case 2:
				for range min(at, 300) {
					ok, at = it.Prev(), at-1
				}
			}
		}
		n := 0
		for ok := it.First(); ok; ok = it.Next() {
			n++
		}
		for ok := it.Last(); ok; ok = it.Prev() {
			n++
		}
		if n != 2*rows {
			err = fmt.Errorf("two walks meet %d rows instead of %d", n, 2*rows)
		}
		return errors.Join(err, it.Error(), it.Close())
	})
}

// checkConcurrency has readers on the store and on one shared snapshot beside a writer.
// Each batch writes one number to all keys, so that a reader that sees two has seen half a batch.
func checkConcurrency(o driver.Opener, dir string) error {
	return with(o, dir, func(db driver.DB) error {
		put := func(n int) error {
			return write(db, func(b driver.Batch) {
				for k := range 20 {
					b.Set(fmt.Appendf(nil, "%02d", k), fmt.Appendf(nil, "%d", n))
				}
			})
		}
		if err := put(0); err != nil {
			return err
		}
		snap, err := db.Snapshot()
		if err != nil {
			return err
		}
		errs := make([]error, 5)
		var wg sync.WaitGroup
		for i := range errs {
			wg.Go(func() {
				for n := range 30 {
					switch {
					case i == 0:
						errs[i] = errors.Join(errs[i], put(n))
					case i < 3:
						errs[i] = errors.Join(errs[i], alike(snap, "0"))
					default:
						errs[i] = errors.Join(errs[i], alike(db, ""))
					}
				}
			})
		}
		wg.Wait()
		return errors.Join(append(errs, snap.Close())...)
	})
}

// alike checks that all rows a reader sees hold one value, and which.
func alike(r driver.Reader, want string) error {
	it, err := r.Iter(nil, nil)
	if err != nil {
		return err
	}
	n := 0
	for ok := it.First(); ok; ok = it.Next() {
		if want == "" {
			want = string(it.Value())
		}
		if n++; string(it.Value()) != want {
			err = fmt.Errorf("half a batch: %q beside %q", it.Value(), want)
		}
	}
	if n != 20 {
		err = errors.Join(err, fmt.Errorf("%d rows instead of 20", n))
	}
	return errors.Join(err, it.Error(), it.Close())
}
