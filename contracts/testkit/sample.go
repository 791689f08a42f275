package testkit

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strings"

	"github.com/huchain/huchain/chain/chaintest"
	"github.com/huchain/huchain/types"
)

// SampleFile holds realistic rows of a bundle, one call a line:
// {"member":"org/name","method":"…","args":{…}}, with the words of transcripts in args;
// $NAME_key, $NAME_did and "sign:NAME:…" need no declaration.
const SampleFile = "sample.jsonl"

// SampleRow is one line of a sample file.
type SampleRow struct {
	Member types.MemberID  `json:"member"`
	Roles  []string        `json:"roles,omitempty"` // of the member where it is new; client if left out
	Method string          `json:"method"`
	Args   json.RawMessage `json:"args"`
}

func (r *SampleRow) roles() []string {
	if len(r.Roles) == 0 {
		return []string{"client"}
	}
	return r.Roles
}

// ReadSample reads a sample file; errors name the line.
func ReadSample(file string) ([]SampleRow, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read sample: %w", err)
	}
	var rows []SampleRow
	sc := bufio.NewScanner(bytes.NewReader(raw))
	sc.Buffer(nil, 1<<20)
	for line := 1; sc.Scan(); line++ {
		if strings.TrimSpace(sc.Text()) == "" {
			continue
		}
		var r SampleRow
		dec := json.NewDecoder(bytes.NewReader(sc.Bytes()))
		dec.DisallowUnknownFields()
		if err := dec.Decode(&r); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", SampleFile, line, err)
		}
		if _, err := types.ParseMemberID(string(r.Member)); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", SampleFile, line, err)
		}
		rows = append(rows, r)
	}
	return rows, sc.Err()
}

var keyNameRE = regexp.MustCompile(`\$([A-Za-z0-9]+)_(?:key|did)|"sign:([A-Za-z0-9]+):`)

// PlaySample sends the rows to a contract; members are created with their roles where
// they do not exist yet. A refused row is an error.
func PlaySample(ctx context.Context, c *Chain, contract string, rows []SampleRow) error {
	scope := NewScope(c.genesis.Chain, c.genesis.Hash().String(), contract)
	for _, r := range rows {
		if c.members[string(r.Member)] == nil {
			if err := c.AddMember(ctx, r.Member.Name(), r.Member.Org(), r.roles()...); err != nil {
				return err
			}
		}
		scope.Bind(r.Member.Name(), c.members[string(r.Member)].Key)
	}
	for i, r := range rows {
		for _, m := range keyNameRE.FindAllStringSubmatch(string(r.Args), -1) {
			if name := m[1] + m[2]; scope.Keys[name] == nil {
				scope.Bind(name, chaintest.KeyOf(name))
			}
		}
		args, err := scope.Expand(string(r.Args))
		if err != nil {
			return fmt.Errorf("%s, row %d: %w", SampleFile, i+1, err)
		}
		c.NextBlock()
		out, err := c.Call(ctx, string(r.Member), contract, r.Method, args)
		if err != nil {
			return err
		}
		if out.Code != "" {
			return fmt.Errorf("%s, row %d: %s %s", SampleFile, i+1, out.Code, out.Detail)
		}
	}
	return nil
}
