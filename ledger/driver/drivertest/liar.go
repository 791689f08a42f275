package drivertest

import "github.com/huchain/huchain/ledger/driver"

// Lie is what a Liar loses.
type Lie uint8

// Lies a driver may tell.
const (
	LostSet    Lie = iota // one row of a batch
	LostDelete            // one deletion
	LostBatch             // a whole batch, reported as committed
)

// Liar opens stores that lose one write in Every and say nothing.
type Liar struct {
	driver.Opener
	Every int
	Lie   Lie
}

// Open implements driver.Opener.
func (o Liar) Open(dir string, p driver.Profile) (driver.DB, error) {
	db, err := o.Opener.Open(dir, p)
	if err != nil {
		return nil, err
	}
	return &lyingDB{DB: db, o: o}, nil
}

type lyingDB struct {
	driver.DB
	o Liar
	n int
}

// loses reports whether this write is one that is lost.
func (d *lyingDB) loses(l Lie) bool {
	if d.o.Lie != l {
		return false
	}
	d.n++
	return d.n%d.o.Every == 0
}

// Batch implements driver.DB.
func (d *lyingDB) Batch() driver.Batch { return &lyingBatch{d.DB.Batch(), d} }

type lyingBatch struct {
	driver.Batch
	db *lyingDB
}

// Set implements driver.Batch.
func (b *lyingBatch) Set(key, value []byte) {
	if !b.db.loses(LostSet) {
		b.Batch.Set(key, value)
	}
}

// Delete implements driver.Batch.
func (b *lyingBatch) Delete(key []byte) {
	if !b.db.loses(LostDelete) {
		b.Batch.Delete(key)
	}
}

// Commit implements driver.Batch.
func (b *lyingBatch) Commit(sync bool) error {
	if b.db.loses(LostBatch) {
		b.Discard()
		return nil
	}
	return b.Batch.Commit(sync)
}
