package push

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/services/connector"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/types/rest"
)

const secret = "a key of sixteen bytes or more"

// chronicle is events in memory, one a height.
type chronicle struct {
	mu    sync.Mutex
	list  []rest.MirroredEvent
	grown chan struct{}
}

func (c *chronicle) add(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for range n {
		h := uint64(len(c.list) + 1)
		e := rest.Event{Height: h, Index: uint32(h % 2), Contract: []string{"evidence", "permit"}[h%2], Name: "deposited", Data: json.RawMessage(fmt.Sprintf(`{"n":%d}`, h))}
		c.list = append(c.list, rest.MirroredEvent{Event: e, Time: time.Unix(int64(h), 0).UTC()})
	}
	close(c.grown)
	c.grown = make(chan struct{})
}

func (c *chronicle) Grown() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.grown
}

func (c *chronicle) EventsAfter(_ context.Context, contract, name string, height uint64, index int64, limit int) ([]rest.MirroredEvent, uint64, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []rest.MirroredEvent
	for _, e := range c.list {
		behind := e.Height > height || e.Height == height && int64(e.Index) > index
		if behind && (contract == "" || contract == e.Contract) && (name == "" || name == e.Name) && len(out) < limit {
			out = append(out, e)
		}
	}
	return out, uint64(len(c.list)), nil
}

// receiver is a webhook that keeps what it took, by the rules for receivers.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	refuse bool
	hold   chan struct{} // requests wait for it, unless nil
	taken  []Letter
	forged int
}

func newReceiver(t *testing.T) *receiver {
	r := &receiver{}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		if err == nil {
			err = connector.Check([]byte(secret), req.Header, body, time.Now())
		}
		r.mu.Lock()
		hold, refuse := r.hold, r.refuse
		r.mu.Unlock()
		if hold != nil {
			select {
			case <-hold:
			case <-req.Context().Done():
				return
			}
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		var l Letter
		if err != nil || json.Unmarshal(body, &l) != nil || req.Header.Get(connector.HeaderID) != l.ID {
			r.forged++
			w.WriteHeader(http.StatusForbidden)
			return
		}
		if refuse {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		r.taken = append(r.taken, l)
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) set(f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f()
}

func (r *receiver) ids() (out []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, l := range r.taken {
		out = append(out, l.ID)
	}
	return out
}

type office struct {
	t      *testing.T
	dir    string
	book   *Book
	events *chronicle
	secret string
}

func newOffice(t *testing.T) *office {
	o := &office{t: t, dir: t.TempDir(), events: &chronicle{grown: make(chan struct{})}}
	o.secret = filepath.Join(o.dir, "secret")
	require.NoError(t, os.WriteFile(o.secret, []byte(secret+"\n"), 0o600))
	var err error
	o.book, err = OpenBook(o.dir)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, o.book.Close()) })
	return o
}

// run delivers until the returned function is called.
func (o *office) run() (stop func()) {
	p := DefaultParams("gov")
	p.Backoff = connector.Backoff{Attempts: 3, First: time.Millisecond, Max: 2 * time.Minute}
	p.GivenUp, p.Poll, p.Timeout = 2, 5*time.Millisecond, 2*time.Second
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		NewHub(p, o.book, o.events, slog.New(slog.NewTextHandler(io.Discard, nil))).Run(ctx)
	}()
	var once sync.Once
	stop = func() { once.Do(func() { cancel(); <-done }) }
	o.t.Cleanup(stop)
	return stop
}

func (o *office) add(s Subscription) {
	o.t.Helper()
	if s.Kind == "" {
		s.Kind, s.Secret = Webhook, o.secret
	}
	require.NoError(o.t, o.book.Add(o.t.Context(), &s))
}

func (o *office) look(name string) rest.Subscription {
	o.t.Helper()
	list, err := o.book.List(o.t.Context())
	require.NoError(o.t, err)
	for _, s := range list.Items {
		if s.Name == name {
			return s
		}
	}
	o.t.Fatalf("no subscription %s", name)
	return rest.Subscription{}
}

func soon(t *testing.T, what func() bool) {
	t.Helper()
	require.Eventually(t, what, 2*time.Minute, 2*time.Millisecond)
}

func letters(from, to int) (out []string) {
	for h := from; h <= to; h++ {
		out = append(out, fmt.Sprintf("gov/%d/%d", h, h%2))
	}
	return out
}

// covers: A08.04
func TestWebhook(t *testing.T) {
	o, r := newOffice(t), newReceiver(t)
	o.events.add(5)
	o.add(Subscription{Name: "all", Address: r.URL, From: 1})
	stop := o.run()
	soon(t, func() bool { return o.look("all").Sent == 5 }) // an event that arrived may not be noted yet
	require.Equal(t, letters(1, 5), r.ids(), "in order, signed")
	require.JSONEq(t, `{"n":3}`, string(r.taken[2].Data))

	stop() // an outage of the sender: nothing is lost, nothing comes twice
	o.events.add(3)
	o.add(Subscription{Name: "filtered", Address: r.URL + "/f", Contract: "permit", Event: "deposited", From: 8})
	stop = o.run()
	soon(t, func() bool { return len(r.ids()) >= 8 && o.look("filtered").Sent == 0 })
	require.Equal(t, letters(1, 8), r.ids())
	o.add(Subscription{Name: "now", Address: r.URL, Contract: "evidence", From: FromNow})
	soon(t, func() bool { return o.look("now").Height == 8 })
	require.NoError(t, o.book.Remove(t.Context(), "all"))
	soon(t, func() bool { _, err := o.book.Dead(t.Context(), "all"); return types.CodeOf(err) == types.CodeNotFound })
	stop()
	o.events.add(2)
	o.run()
	soon(t, func() bool { return len(r.ids()) == 10 })
	require.ElementsMatch(t, letters(9, 10), r.ids()[8:], "one of permit, one of evidence")
	require.Zero(t, r.forged)
}

// covers: B6.03
func TestDeadLetters(t *testing.T) {
	o, r := newOffice(t), newReceiver(t)
	o.events.add(4)
	r.set(func() { r.refuse = true })
	o.add(Subscription{Name: "away", Address: r.URL, From: 1})
	o.run()
	soon(t, func() bool { return o.look("away").State == suspended })
	s := o.look("away")
	require.Equal(t, uint64(2), s.Dead, "two were given up, the others wait")
	require.Contains(t, s.Error, "503")
	dead, err := o.book.Dead(t.Context(), "away")
	require.NoError(t, err)
	require.Equal(t, "gov/1/1", dead.Items[0].ID)
	require.Equal(t, 3, dead.Items[0].Attempts)

	r.set(func() { r.refuse = false })
	_, err = o.book.Resend(t.Context(), "away", "gov/9/9")
	require.Equal(t, types.CodeNotFound, types.CodeOf(err))
	n, err := o.book.Resend(t.Context(), "away", "gov/2/0")
	require.NoError(t, err)
	require.Equal(t, int64(1), n)
	soon(t, func() bool { return o.look("away").Dead == 1 })
	require.NoError(t, o.book.Resume(t.Context(), "away"))
	_, err = o.book.Resend(t.Context(), "away", "")
	require.NoError(t, err)
	soon(t, func() bool { return o.look("away").Sent == 4 })
	require.ElementsMatch(t, letters(1, 4), r.ids(), "each once")
	require.Equal(t, active, o.look("away").State)
}

// TestSlowSubscriber: one that answers nothing holds up no other.
func TestSlowSubscriber(t *testing.T) {
	o, slow, quick := newOffice(t), newReceiver(t), newReceiver(t)
	hold := make(chan struct{})
	slow.set(func() { slow.hold = hold })
	o.add(Subscription{Name: "slow", Address: slow.URL, From: 1})
	o.add(Subscription{Name: "quick", Address: quick.URL, From: 1})
	o.run()
	o.events.add(50)
	soon(t, func() bool { return len(quick.ids()) == 50 })
	require.Empty(t, slow.ids())
	close(hold)
	soon(t, func() bool { return len(slow.ids()) == 50 })
	require.Equal(t, letters(1, 50), slow.ids(), "in order all the same")
}

// TestJetStream: a real server, which goes away and comes back.
//
// covers: A08.04
func TestJetStream(t *testing.T) {
	options := &server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: t.TempDir(), NoSigs: true, NoLog: true}
	start := func() *server.Server {
		s, err := server.NewServer(options)
		require.NoError(t, err)
		go s.Start()
		require.True(t, s.ReadyForConnections(2*time.Minute))
		return s
	}
	s := start()
	url := s.ClientURL()
	_, err := fmt.Sscanf(url[strings.LastIndex(url, ":")+1:], "%d", &options.Port)
	require.NoError(t, err)
	conn, err := nats.Connect(url, nats.MaxReconnects(-1), nats.ReconnectWait(10*time.Millisecond))
	require.NoError(t, err)
	t.Cleanup(conn.Close)
	js, err := jetstream.New(conn)
	require.NoError(t, err)
	_, err = js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "EVENTS", Subjects: []string{"huchain.>"}})
	require.NoError(t, err)

	o := newOffice(t)
	o.events.add(6)
	o.add(Subscription{Name: "bus", Kind: NATS, Address: url + "/huchain", From: 1})
	stop := o.run()
	soon(t, func() bool { return o.look("bus").Sent == 6 })
	s.Shutdown()
	s.WaitForShutdown()
	o.events.add(2)
	soon(t, func() bool { return o.look("bus").State == suspended })
	s = start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	_, err = o.book.Resend(t.Context(), "bus", "")
	require.NoError(t, err)
	soon(t, func() bool { return o.look("bus").Dead == 0 })
	stop()
	_, err = o.book.db.Exec("UPDATE subscription SET height = 0, idx = -1, state = 'active'") // as if the cursor had been lost
	require.NoError(t, err)
	o.run()
	soon(t, func() bool { return o.look("bus").Height == 8 })

	stream, err := js.Stream(t.Context(), "EVENTS")
	require.NoError(t, err)
	info, err := stream.Info(t.Context())
	require.NoError(t, err)
	require.Equal(t, uint64(8), info.State.Msgs, "the stream keeps each id once")
	msg, err := stream.GetMsg(t.Context(), 1)
	require.NoError(t, err)
	require.Equal(t, "huchain.gov.permit.deposited", msg.Subject)
	require.Equal(t, "gov/1/1", msg.Header.Get("Nats-Msg-Id"))
	var l Letter
	require.NoError(t, json.Unmarshal(msg.Data, &l))
	require.Equal(t, uint64(1), l.Height)
}

func TestForgedRequests(t *testing.T) {
	body, now := []byte(`{"id":"gov/1/0"}`), time.Unix(1_800_000_000, 0)
	sign := func(stamp, signature string) http.Header {
		h := http.Header{}
		h.Set(connector.HeaderTime, stamp)
		h.Set(connector.HeaderSignature, signature)
		return h
	}
	good := connector.Sign([]byte(secret), "1800000000", body)
	require.NoError(t, connector.Check([]byte(secret), sign("1800000000", good), body, now))
	require.NoError(t, connector.Check([]byte(secret), sign("1800000000", good), body, now.Add(connector.MaxAge)))
	require.Error(t, connector.Check([]byte(secret), sign("1800000000", good), append(body, ' '), now), "altered")
	require.Error(t, connector.Check([]byte(secret+"x"), sign("1800000000", good), body, now), "other key")
	require.Error(t, connector.Check([]byte(secret), sign("1800000001", good), body, now), "other time")
	require.Error(t, connector.Check([]byte(secret), sign("1800000000", good), body, now.Add(connector.MaxAge+time.Second)), "replayed")
	require.Error(t, connector.Check([]byte(secret), http.Header{}, body, now), "unsigned")
}

func TestRefusedSubscriptions(t *testing.T) {
	o := newOffice(t)
	short := filepath.Join(o.dir, "short")
	require.NoError(t, os.WriteFile(short, []byte("short"), 0o600))
	good := Subscription{Name: "a", Kind: Webhook, Address: "https://example.org/x", Secret: o.secret}
	require.NoError(t, good.Validate())
	for name, change := range map[string]func(s *Subscription){
		"name":        func(s *Subscription) { s.Name = "A b" },
		"kind":        func(s *Subscription) { s.Kind = "mail" },
		"scheme":      func(s *Subscription) { s.Address = "file:///etc/passwd" },
		"credentials": func(s *Subscription) { s.Address = "https://u:p@example.org/" },
		"no secret":   func(s *Subscription) { s.Secret = "" },
		"short":       func(s *Subscription) { s.Secret = short },
		"contract":    func(s *Subscription) { s.Contract = "'; --" },
		"event":       func(s *Subscription) { s.Event = "a.b" },
		"from":        func(s *Subscription) { s.From = -2 },
		"subject":     func(s *Subscription) { s.Kind, s.Address = NATS, "nats://127.0.0.1/a.*" },
	} {
		s := good
		change(&s)
		require.Equal(t, types.CodeSubscription, types.CodeOf(s.Validate()), name)
	}
	require.NoError(t, o.book.Add(t.Context(), &good))
	require.Equal(t, types.CodeAlreadyExists, types.CodeOf(o.book.Add(t.Context(), &good)))
	require.Equal(t, types.CodeNotFound, types.CodeOf(o.book.Remove(t.Context(), "b")))
	require.Equal(t, types.CodeNotFound, types.CodeOf(o.book.Resume(t.Context(), "b")))
	list, err := json.Marshal(o.look("a"))
	require.NoError(t, err)
	require.NotContains(t, string(list), "secret")
}
