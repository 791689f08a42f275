package api

import (
	"net"
	"net/http"
	"net/netip"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"

	"github.com/huchain/huchain/types"
)

// rememberedCallers bounds how many callers are told apart; the one not heard of for
// longest is forgotten first.
const rememberedCallers = 1 << 14

// limits grants each caller a number of requests a second, and twice as many at once.
type limits struct {
	perSecond int
	callers   *lru.Cache[string, *rate.Limiter]
}

// newLimits returns nil, which grants everything, for 0 requests a second.
func newLimits(perSecond int) *limits {
	if perSecond == 0 {
		return nil
	}
	callers, err := lru.New[string, *rate.Limiter](rememberedCallers)
	if err != nil {
		panic(err) // the size is positive
	}
	return &limits{perSecond: perSecond, callers: callers}
}

// take grants a caller one request, or refuses it with HC-1015 and when to come back.
func (l *limits) take(caller string, now time.Time) error {
	if l == nil {
		return nil
	}
	have := rate.NewLimiter(rate.Limit(l.perSecond), 2*l.perSecond)
	if old, ok, _ := l.callers.PeekOrAdd(caller, have); ok {
		l.callers.Get(caller) // it was heard of just now
		have = old
	}
	r := have.ReserveN(now, 1)
	wait := r.DelayFrom(now)
	if wait == 0 {
		return nil
	}
	r.CancelAt(now)
	return &types.Error{Code: types.CodeRateLimited, Detail: "more than the requests a second that one caller may send", RetryAfterMs: max(wait.Milliseconds(), 1)}
}

// callerOf names who is behind a request: the member of a TLCP connection, else the
// address. Of IPv6 the network counts: a household has more addresses than can be kept.
func callerOf(r *http.Request) string {
	if v, ok := r.Context().Value(visitorKey{}).(*visitor); ok {
		if peer := v.conn.Peer(); peer != nil {
			return "member " + peer.Org + "/" + peer.Name
		}
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return host
	}
	if ip = ip.Unmap(); ip.Is6() {
		if p, err := ip.Prefix(64); err == nil {
			return p.String()
		}
	}
	return ip.String()
}
