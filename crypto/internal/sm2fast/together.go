package sm2fast

// Check is one signature to verify.
type Check struct {
	Pub      *[65]byte
	Msg, Sig []byte
}

const (
	// togetherMost is how many signatures are worked on at a time: their points, 5 KiB
	// each, shall stay in a processor's own cache.
	togetherMost = 32
	// togetherLeast is from how many on that saves time.
	togetherLeast = 3
)

// VerifyEach sets each ok to what Verify of that check would return. Every signature is
// verified by its own equation; but those of keys with a window table, given together,
// share inversions and so take little more than half the time.
func (v *Verifier) VerifyEach(checks []Check, ok []bool) {
	var room [togetherMost]open
	group := room[:0]
	for i := range checks {
		c := &checks[i]
		o, wide := v.open(c)
		if !wide {
			ok[i] = v.Verify(c.Pub, c.Msg, c.Sig)
			continue
		}
		o.at = i
		if group = append(group, o); len(group) == togetherMost {
			v.verifyGroup(group, checks, ok)
			group = group[:0]
		}
	}
	v.verifyGroup(group, checks, ok)
}

// open is a signature whose key has a window table.
type open struct {
	at     int
	key    *knownKey
	tables tables
	digest [32]byte
	sig    signature
}

// open reads a check; false where it must be verified on its own.
func (v *Verifier) open(c *Check) (o open, wide bool) {
	if len(c.Sig) != 64 || c.Pub[0] != 4 {
		return o, false
	}
	parsed, ok := parseSignature((*[64]byte)(c.Sig))
	if !ok {
		return o, false
	}
	key, tables := v.lookup((*[64]byte)(c.Pub[1:]))
	if tables.wide == nil {
		return o, false
	}
	return open{key: key, tables: tables, digest: messageDigest(&key.za, c.Msg), sig: parsed}, true
}

func (v *Verifier) verifyGroup(group []open, checks []Check, ok []bool) {
	if len(group) == 0 {
		return
	}
	var s *sums
	if len(group) >= togetherLeast {
		s = sumsPool.Get().(*sums)
		defer sumsPool.Put(s)
		s.reset()
		for i := range group {
			o := &group[i]
			var store [84]term // 52 of a wide window and 32 of the base
			s.add(base().terms(o.tables.wide.terms(store[:0], &o.sig.t), &o.sig.s))
		}
		s.run()
	}
	for i := range group {
		o := &group[i]
		good, summed := false, false
		if s != nil {
			var p jacobian
			if p, summed = s.sum(i); summed {
				good = p.hasX(&o.digest, &o.sig.r)
			}
		}
		if !summed {
			good = verify(&o.key.point, o.tables, &o.digest, &o.sig)
		}
		if good {
			v.succeeded((*[64]byte)(checks[o.at].Pub[1:]), o.key)
		}
		ok[o.at] = good
	}
}
