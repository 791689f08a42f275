package access

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
)

// Bounds of sessions.
const (
	SessionLife   = 8 * time.Hour
	SessionIdle   = 30 * time.Minute // without a request
	ChallengeLife = 2 * time.Minute
	maxSessions   = 10_000
)

// Session is a member who logged in.
type Session struct {
	ID      string         `json:"id"`
	Chain   string         `json:"chain"`
	Member  types.MemberID `json:"member"`           // or, of a person who is none, oidc: and the provider's subject
	Address types.Address  `json:"address,omitzero"` // of a member
	By      string         `json:"by"`               // certificate or oidc
	Roles   []types.Role   `json:"roles"`
	Began   time.Time      `json:"began"`
	Used    time.Time      `json:"used"`
	Expires time.Time      `json:"expires"`
}

func (s *Session) over(now time.Time) bool {
	return now.After(s.Expires) || now.Sub(s.Used) > SessionIdle
}

// Sessions are the logins of a node, in memory: they end with the process. It is safe for
// concurrent use.
type Sessions struct {
	secret [32]byte

	mu   sync.Mutex
	live map[crypto.Hash]*Session // by hash of the token
	used map[string]time.Time     // challenges that were answered, until they end
}

// NewSessions returns an empty set.
func NewSessions() *Sessions {
	s := &Sessions{live: map[crypto.Hash]*Session{}, used: map[string]time.Time{}}
	rand.Read(s.secret[:]) //nolint:errcheck // it never fails
	return s
}

// Challenge returns a text for a member to sign, good for one login to a chain within
// ChallengeLife. Nothing is kept of it.
func (s *Sessions) Challenge(chain string, now time.Time) (text string, expires time.Time) {
	expires = now.Add(ChallengeLife).UTC().Truncate(time.Second)
	b := make([]byte, 16, 24)
	rand.Read(b) //nolint:errcheck // it never fails
	b = binary.BigEndian.AppendUint64(b, uint64(expires.Unix()))
	return hex.EncodeToString(b) + s.seal(b, chain), expires
}

// seal authenticates a challenge of this process. The inner hash keeps anyone from adding to
// what was sealed.
func (s *Sessions) seal(b []byte, chain string) string {
	inner := crypto.Sum(s.secret[:], b, []byte(chain))
	return crypto.Sum(s.secret[:], inner[:]).String()
}

// challengeBytes is what a challenge holds before its seal.
const challengeBytes = 24

// Begin opens a session for a member who signed a challenge, and returns its token.
// HC-2201 if the challenge is not of this process and chain, has ended, or was used.
func (s *Sessions) Begin(challenge string, of Session, now time.Time) (token string, out Session, err error) {
	refused := types.Errorf(types.CodePermissionDenied, "the challenge is not valid any more; ask for another")
	if len(challenge) != 2*challengeBytes+2*crypto.HashSize {
		return "", out, refused
	}
	b, err := hex.DecodeString(challenge[:2*challengeBytes])
	if err != nil || s.seal(b, of.Chain) != strings.ToLower(challenge[2*challengeBytes:]) {
		return "", out, refused
	}
	until := time.Unix(int64(binary.BigEndian.Uint64(b[16:])), 0)
	if now.After(until) {
		return "", out, refused
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sweep(now)
	nonce := string(b)
	if _, used := s.used[nonce]; used {
		return "", out, refused
	}
	of.By = ByCertificate
	if token, out, err = s.open(of, now); err == nil {
		s.used[nonce] = until
	}
	return token, out, err
}

// Ways to log in.
const (
	ByCertificate = "certificate"
	ByProvider    = "oidc"
)

// Open opens a session for somebody whom a provider vouches for.
func (s *Sessions) Open(of Session, now time.Time) (token string, out Session, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sweep(now)
	of.By = ByProvider
	return s.open(of, now)
}

// open opens a session; mu is held.
func (s *Sessions) open(of Session, now time.Time) (token string, out Session, err error) {
	if len(s.live) >= maxSessions {
		return "", out, &types.Error{Code: types.CodeNotReady, Detail: "too many sessions are open", RetryAfterMs: 60_000}
	}
	token = random(32)
	of.ID, of.Began, of.Used, of.Expires = random(8), now.UTC(), now.UTC(), now.Add(SessionLife).UTC()
	s.live[hashOf(token)] = &of
	return token, of, nil
}

// sweep forgets what is over; mu is held.
func (s *Sessions) sweep(now time.Time) {
	for k, v := range s.live {
		if v.over(now) {
			delete(s.live, k)
		}
	}
	for k, until := range s.used {
		if now.After(until) {
			delete(s.used, k)
		}
	}
}

// Check returns the session of a token and notes that it was used; HC-1016 if there is none.
func (s *Sessions) Check(token string, now time.Time) (*Principal, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.live[hashOf(token)]
	if v == nil || v.over(now) {
		return nil, types.Errorf(types.CodeLoginRequired, "the session has ended")
	}
	v.Used = now.UTC()
	return &Principal{Kind: KindSession, ID: v.ID, Name: string(v.Member), Chain: v.Chain, Roles: v.Roles, Expires: v.Expires, Address: v.Address, By: v.By}, nil
}

// List returns the open sessions, the oldest first.
func (s *Sessions) List(now time.Time) []Session {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sweep(now)
	out := make([]Session, 0, len(s.live))
	for _, v := range s.live {
		out = append(out, *v)
	}
	slices.SortFunc(out, func(a, b Session) int { return a.Began.Compare(b.Began) })
	return out
}

// End closes the sessions that have an id or are of a member, and says how many.
func (s *Sessions) End(idOrMember string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for k, v := range s.live {
		if v.ID == idOrMember || string(v.Member) == idOrMember {
			delete(s.live, k)
			n++
		}
	}
	return n
}
