package ledger

import (
	"github.com/huchain/huchain/ledger/state"
	"github.com/huchain/huchain/types"
)

// View is the committed state of one height for readers of several rows: blocks that are
// committed meanwhile do not show. It is cheap to take and holds back memory and storage
// of what changes, so it MUST be released soon.
type View struct {
	Header types.Header // of the height; zero for the genesis state

	l *Ledger
	v *state.View
}

// View returns the newest height. HC-4104 before the genesis state is committed.
func (l *Ledger) View() (*View, error) {
	if err := l.usable(); err != nil {
		return nil, err
	}
	for {
		v := l.shown.Load()
		if v == nil {
			return nil, types.Errorf(types.CodeHeightUnknown, "the genesis state is not committed yet")
		}
		if v.v.Hold() { // else a newer one has just taken its place
			return v, nil
		}
	}
}

// show makes the newest height what View returns.
func (l *Ledger) show(h types.Header) {
	if v := l.st.Newest(); v != nil {
		if old := l.shown.Swap(&View{h, l, v}); old != nil {
			old.Release()
		}
	}
}

// Release lets the height go; the view MUST NOT be used any more.
func (v *View) Release() { v.v.Release() }

// Height is the height that the view shows; 0 is the genesis state.
func (v *View) Height() uint64 { return v.v.Height() }

// Get is Ledger.Get at the view's height.
func (v *View) Get(ns string, key []byte) (value []byte, found bool, err error) {
	if err := v.l.usable(); err != nil {
		return nil, false, err
	}
	return live(v.v.Get(ns, key))
}

// Scan is Ledger.Scan at the view's height.
func (v *View) Scan(ns string, start, end []byte, fn func(key, value []byte) bool) error {
	if err := v.l.usable(); err != nil {
		return err
	}
	return v.v.Scan(ns, start, end, fn)
}

// live is the value of a row that is not a tombstone.
func live(row state.Row, found bool, err error) ([]byte, bool, error) {
	if err != nil || !found || row.Deleted {
		return nil, false, err
	}
	return row.Value, true, nil
}
