package chain

import (
	"encoding/hex"

	"github.com/huchain/huchain/types"
)

// maxRevoked is how many certificates one call revokes.
const maxRevoked = 500

// RevokedCertificate is the row revoked/<org>/<serial>: an entry of the organisation's
// certificate revocation list (GB/T 20518, RFC 5280 section 5), which lives on the chain.
type RevokedCertificate struct {
	Org    string `json:"org"`
	Serial string `json:"serial"` // lower-case hex without leading zeros
	Reason string `json:"reason,omitempty"`
	Height uint64 `json:"height"`
}

// revokeCertificates puts serial numbers on an organisation's revocation list. A member
// registered with one of them is revoked with it; the name can be certified anew, with
// another key. A certificate that never came to the chain is kept out for good.
func (s *callScope) revokeCertificates(args []byte) (any, error) {
	var in struct {
		Org     string   `json:"org"`
		Serials []string `json:"serials"`
		Reason  string   `json:"reason,omitempty"`
	}
	if err := decodeArgs(args, &in); err != nil {
		return nil, err
	}
	if err := s.ownAdmin(in.Org); err != nil {
		return nil, err
	}
	if len(in.Serials) == 0 || len(in.Serials) > maxRevoked || len(in.Reason) > 256 {
		return nil, types.Errorf(types.CodeBadArguments, "1 to %d serial numbers, and a reason of at most 256 bytes", maxRevoked)
	}
	if err := s.charge(memberGas * uint64(len(in.Serials))); err != nil {
		return nil, err
	}
	for _, serial := range in.Serials {
		if !validSerial(serial) {
			return nil, types.Errorf(types.CodeBadArguments, "%q is no serial number: 1 to 40 lower-case hex digits without leading zeros", serial)
		}
		row := RevokedCertificate{in.Org, serial, in.Reason, s.block.height}
		if err := putJSON(s.o, NSMembership, revokedKey(in.Org, serial), &row, s.txIndex); err != nil {
			return nil, err
		}
		if err := s.revokeRegistered(in.Org, serial); err != nil {
			return nil, err
		}
	}
	return map[string]any{"revoked": len(in.Serials)}, s.emit(NSMembership, "certificatesRevoked", map[string]any{"org": in.Org, "serials": in.Serials, "by": s.caller().Member, "reason": in.Reason})
}

func validSerial(v string) bool {
	if len(v) == 0 || len(v) > 40 || v[0] == '0' {
		return false
	}
	even := v
	if len(v)%2 == 1 {
		even = "0" + v
	}
	raw, err := hex.DecodeString(even)
	return err == nil && hex.EncodeToString(raw) == even
}

// revokeRegistered revokes the key whose registered certificate has the serial number.
func (s *callScope) revokeRegistered(org, serial string) error {
	var p memberPointer
	found, err := getJSON(s.o, NSMembership, serialKey(org, serial), &p)
	if err != nil || !found {
		return err
	}
	der, found, err := s.o.Get(NSMembership, certificateKey(p.Address))
	if err != nil || !found {
		return err
	}
	crt, err := s.c.parseCertificate(der)
	if err != nil {
		return errCorrupt("certificate of "+p.Address.String(), err)
	}
	if crt.Serial != serial {
		return nil // renewed since: the key lives on under its new certificate
	}
	m, found, err := s.c.Member(s.o, p.Address)
	if err != nil || !found {
		return err
	}
	changed := *m
	changed.Status = StatusRevoked
	if err := putJSON(s.o, NSMembership, addrKey(p.Address), &changed, s.txIndex); err != nil {
		return err
	}
	if m.Status != StatusActive {
		return nil // who is frozen does not come back under a new key
	}
	// The name is free for another key, as it is not where the member was revoked.
	return s.o.remove(NSMembership, memberKey(m.Member), s.txIndex)
}

// listPage is how many rows a query of members, organisations or revoked certificates lists.
const listPage = 100

type listArgs struct {
	Org   string `json:"org,omitempty"`
	After string `json:"after,omitempty"` // next of the page before
}

// listRows lists rows below a prefix in order of key. The cursor is the rest of the key.
func listRows[T any](s *callScope, ns, prefix, after string, read func(value []byte) (T, error)) (any, error) {
	start := []byte(prefix + after)
	if after != "" {
		start = append(start, 0)
	}
	end := []byte(prefix)
	end[len(end)-1]++
	items := []T{}
	var next any
	var last string
	var bad error
	err := s.o.Scan(ns, start, end, func(key, value []byte) bool {
		if len(items) == listPage {
			next = last
			return false
		}
		var v T
		if v, bad = read(value); bad != nil {
			return false
		}
		items, last = append(items, v), string(key[len(prefix):])
		return true
	})
	if err == nil {
		err = bad
	}
	return map[string]any{"items": items, "next": next}, err
}

func (s *callScope) listRevoked(args []byte) (any, error) {
	var in listArgs
	if err := decodeArgs(args, &in); err != nil {
		return nil, err
	}
	prefix := "revoked/"
	if in.Org != "" {
		prefix += in.Org + "/"
	}
	return listRows(s, NSMembership, prefix, in.After, rowOf[RevokedCertificate])
}

func (s *callScope) listOrganisations(args []byte) (any, error) {
	var in listArgs
	if err := decodeArgs(args, &in); err != nil {
		return nil, err
	}
	return listRows(s, NSMembership, "org/", in.After, rowOf[Organisation])
}

// listMembers lists the members that have registered, of one organisation or of all.
func (s *callScope) listMembers(args []byte) (any, error) {
	var in listArgs
	if err := decodeArgs(args, &in); err != nil {
		return nil, err
	}
	prefix := "member/"
	if in.Org != "" {
		prefix += in.Org + "/"
	}
	return listRows(s, NSMembership, prefix, in.After, func(value []byte) (*Member, error) {
		p, err := rowOf[memberPointer](value)
		if err != nil {
			return nil, err
		}
		m, found, err := s.c.Member(s.o, p.Address)
		if err == nil && !found {
			err = errCorrupt("member "+p.Address.String(), types.Errorf(types.CodeNotFound, "row is missing"))
		}
		return m, err
	})
}

func rowOf[T any](value []byte) (T, error) {
	var v T
	if err := decodeStrict(value, &v); err != nil {
		return v, errCorrupt("row", err)
	}
	return v, nil
}
