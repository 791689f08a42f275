package gateway

import (
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/huchain/huchain/types"
)

// Limits grant each application a number of requests a second, and as many at once.
type Limits struct {
	mu   sync.Mutex
	apps map[string]*rate.Limiter
}

// maxApps bounds the applications that are told apart.
const maxApps = 1 << 14

// NewLimits returns limits that nobody has used.
func NewLimits() *Limits { return &Limits{apps: map[string]*rate.Limiter{}} }

// Take grants an application one request, or refuses it with HC-1015 and when to come back.
func (l *Limits) Take(app string, perSecond int, now time.Time) error {
	l.mu.Lock()
	a := l.apps[app]
	if a == nil || a.Burst() != perSecond {
		if len(l.apps) >= maxApps {
			clear(l.apps)
		}
		a = rate.NewLimiter(rate.Limit(perSecond), perSecond)
		l.apps[app] = a
	}
	l.mu.Unlock()
	r := a.ReserveN(now, 1)
	wait := r.DelayFrom(now)
	if wait == 0 {
		return nil
	}
	r.CancelAt(now)
	return &types.Error{Code: types.CodeRateLimited, Detail: "more requests a second than the application is granted", RetryAfterMs: max(wait.Milliseconds(), 1)}
}
