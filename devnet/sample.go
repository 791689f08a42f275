package devnet

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/json"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"sync"

	"github.com/huchain/huchain/client"
	"github.com/huchain/huchain/contracts/testkit"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
)

// loadSample plays the demo story of each base contract: testdata/01-demo.txt in the
// source tree, whose calls are all good. Without a source tree there is none, and a
// story that uses more than calls and members ends where it does so: sample data is a
// courtesy, and its absence no error.
func (u *Up) loadSample(ctx context.Context, o UpOptions) error {
	n := u.Network
	if o.Sources.Tree != "" {
		files, err := filepath.Glob(filepath.Join(o.Sources.Tree, "contracts", "base", "*", "testdata", "01-demo.txt"))
		if err != nil {
			return err
		}
		sort.Strings(files)
		c, err := n.Client(ctx)
		if err != nil {
			return err
		}
		// Side by side: a story waits for a block at each of its calls.
		stories, errs, calls := make([]*story, len(files)), make([]error, len(files)), make([]int, len(files))
		var casting sync.Mutex
		var all sync.WaitGroup
		for i, f := range files {
			name := filepath.Base(filepath.Dir(filepath.Dir(f)))
			o.Say("loading the demo story of "+name, "加载示例数据："+name)
			stories[i] = &story{n: n, c: c, contract: name, cast: map[string]*client.Identity{}, casting: &casting, scope: testkit.NewScope(n.Chain, n.Genesis, name)}
			all.Go(func() { calls[i], errs[i] = stories[i].play(ctx, f) })
		}
		all.Wait()
		for i, s := range stories {
			u.Sample += calls[i]
			if errs[i] != nil {
				o.Say("the story of "+s.contract+" ends early: "+errs[i].Error(), s.contract+" 的示例数据只加载了一部分："+errs[i].Error())
			}
		}
	}
	n.Sample = true
	return n.save()
}

// play runs the calls of a transcript and returns how many were committed.
func (s *story) play(ctx context.Context, path string) (int, error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	in := bufio.NewScanner(f)
	in.Buffer(nil, 1<<20)
	calls := 0
	for in.Scan() {
		called, err := s.line(ctx, strings.TrimSpace(in.Text()))
		if called {
			calls++
		}
		if err != nil {
			return calls, err
		}
	}
	return calls, in.Err()
}

// story is the state of a transcript being played.
type story struct {
	n        *Network
	c        *client.Client
	contract string
	cast     map[string]*client.Identity
	casting  *sync.Mutex // held while a member is looked up or made, which stories share
	scope    *testkit.Scope
	last     []byte // result of the last call
}

// line plays one line. Lines that only say what to expect are passed over.
func (s *story) line(ctx context.Context, line string) (called bool, err error) {
	word, rest, _ := strings.Cut(line, " ")
	switch word {
	case "member":
		return false, s.member(strings.Fields(rest))
	case "key":
		key, err := crypto.GenerateKey(rand.Reader)
		if err == nil {
			s.scope.Bind(rest, key)
		}
		return false, err
	case "let":
		return false, s.let(rest)
	case "query": // played for what a let line takes from it; only members can ask some
		who, rest, _ := strings.Cut(rest, " ")
		method, args, _ := strings.Cut(strings.TrimSpace(rest), " ")
		if args, err = s.scope.Expand(args); err != nil {
			return false, err
		}
		s.last = nil // a let line finds no result where the query was refused
		if out, err := s.c.Query(ctx, s.cast[who], s.contract, method, json.RawMessage(args)); err == nil {
			s.last = out.Result
		}
		return false, ctx.Err()
	case "call":
		who, rest, _ := strings.Cut(rest, " ")
		method, args, _ := strings.Cut(strings.TrimSpace(rest), " ")
		id := s.cast[who]
		if id == nil {
			return false, types.Errorf(types.CodeUsage, "the story has no member %q", who)
		}
		if args, err = s.scope.Expand(args); err != nil {
			return false, err
		}
		out, err := s.c.Call(ctx, id, s.contract, method, json.RawMessage(args))
		if err != nil {
			return false, err
		}
		s.last = out.Receipt.Result
		return true, nil
	}
	return false, nil
}

// member casts "NAME org=ORG role=ROLE[,ROLE]"; an organisation the devnet does not have
// is played by the first one it has.
func (s *story) member(f []string) error {
	if len(f) < 2 {
		return types.Errorf(types.CodeUsage, "member line without organisation")
	}
	name, org, roles := f[0], founders[0].org, []types.Role{types.RoleClient}
	for _, kv := range f[1:] {
		k, v, _ := strings.Cut(kv, "=")
		switch k {
		case "org":
			for _, known := range founders {
				if known.org == v {
					org = v
				}
			}
		case "role", "roles":
			roles = nil
			for _, r := range strings.Split(v, ",") {
				roles = append(roles, types.Role(r))
			}
		}
	}
	id, err := types.NewMemberID(org, name)
	if err != nil {
		return err
	}
	s.casting.Lock()
	defer s.casting.Unlock()
	who, err := s.n.Member(string(id))
	if types.CodeOf(err) == types.CodeNotFound {
		who, err = s.n.AddMember(id, roles)
	}
	if err == nil {
		s.cast[name] = who
		s.scope.Bind(name, who.Signer)
	}
	return err
}

// let binds "NAME = .path" in the last result.
func (s *story) let(rest string) error {
	name, path, ok := strings.Cut(rest, "=")
	if !ok {
		return types.Errorf(types.CodeUsage, "let line without =")
	}
	var v any
	if err := json.Unmarshal(s.last, &v); err != nil {
		return types.Errorf(types.CodeUsage, "let without a result before it")
	}
	for _, step := range strings.Split(strings.Trim(strings.TrimSpace(path), "."), ".") {
		m, ok := v.(map[string]any)
		if !ok {
			return types.Errorf(types.CodeUsage, "let %s: the result has no %s", name, path)
		}
		v = m[step]
	}
	raw, err := json.Marshal(v)
	s.scope.Vars[strings.TrimSpace(name)] = strings.Trim(string(raw), `"`)
	return err
}
