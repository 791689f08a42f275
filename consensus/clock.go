package consensus

import (
	"bytes"
	"slices"
	"time"
)

// checkClockEvery is how often this node's clock is compared with the others'.
const checkClockEvery = time.Second

// checkClock compares this node's clock with those by which the other validators dated
// their votes for the block that is being committed. What a vote takes to get here makes
// this clock look ahead, by little beside what matters: CometBFT stops a node whose clock
// is 60 s behind a block's time, and the votes of one that is ahead move the chain's time.
func (a *app) checkClock(height uint64) {
	now := time.Now()
	if a.seenCommit == nil || a.syncing() || now.Sub(a.clockChecked) < checkClockEvery {
		return
	}
	a.clockChecked = now
	c := a.seenCommit(int64(height))
	if c == nil {
		return
	}
	var others []time.Time
	for i := range c.Signatures {
		if s := &c.Signatures[i]; !s.Timestamp.IsZero() && len(s.ValidatorAddress) > 0 && !bytes.Equal(s.ValidatorAddress, a.address) {
			others = append(others, s.Timestamp)
		}
	}
	if len(others) == 0 {
		return
	}
	if len(others)%2 == 0 {
		others = append(others, now) // of two that differ, the one that this clock agrees with
	}
	slices.SortFunc(others, time.Time.Compare)
	ahead := now.Sub(others[len(others)/2])
	a.clockAhead.Store(&ahead)
	a.m.clockOffsetSeconds.Set(ahead.Seconds())
}

// signerAway is why the signer in another process cannot be asked: empty while it can, and
// remote is false where the node holds its keys itself.
func (n *Node) signerAway() (away string, remote bool) {
	s, remote := n.o.Keys.Votes.(interface{ Away() string })
	if !remote {
		return "", false
	}
	return s.Away(), true
}

func (n *Node) watchSigner() {
	away, remote := n.signerAway()
	switch {
	case !remote:
	case away == "":
		n.app.m.signerConnected.Set(1)
	default:
		n.app.m.signerConnected.Set(0)
	}
}
