package push

import (
	"bytes"
	"context"
	"crypto/hmac"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/huchain/huchain/crypto"
)

// carrier brings letters to one subscriber. A letter is delivered once carry returns nil.
type carrier interface {
	carry(ctx context.Context, l *Letter, body []byte) error
	close()
}

// carriers are the open connections of one subscription, by what they were opened for.
type carriers map[Subscription]carrier

func (c carriers) of(s *Subscription) (carrier, error) {
	if open, ok := c[*s]; ok {
		return open, nil
	}
	c.close()
	clear(c)
	var open carrier
	var err error
	if s.Kind == NATS {
		open, err = newStream(s)
	} else {
		open, err = newHook(s)
	}
	if err == nil {
		c[*s] = open
	}
	return open, err
}

func (c carriers) close() {
	for _, open := range c {
		open.close()
	}
}

// Headers of a webhook's requests.
const (
	HeaderID        = "X-HuChain-Id"
	HeaderTime      = "X-HuChain-Timestamp" // Unix seconds of the attempt
	HeaderSignature = "X-HuChain-Signature" // hmac-sm3=<hex digits>, see Sign
)

// Sign returns the signature of a request: HMAC with SM3 (GB/T 15852.2) over the timestamp
// in text, a dot, and the body.
func Sign(key []byte, timestamp string, body []byte) string {
	m := hmac.New(crypto.NewHash, key)
	m.Write([]byte(timestamp + "."))
	m.Write(body)
	return "hmac-sm3=" + hex.EncodeToString(m.Sum(nil))
}

// maxAge is how old a request may be that a receiver still takes.
const maxAge = 5 * time.Minute

// Check is what a receiver does first: it checks the signature of a request and that it is
// not older than five minutes, so that none can be replayed later. Within that time the id
// tells a repetition.
func Check(key []byte, h http.Header, body []byte, now time.Time) error {
	stamp := h.Get(HeaderTime)
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil {
		return errors.New("the request has no timestamp")
	}
	if age := now.Sub(time.Unix(seconds, 0)); age > maxAge || age < -maxAge {
		return fmt.Errorf("the request is dated %s", time.Unix(seconds, 0).UTC())
	}
	if !hmac.Equal([]byte(Sign(key, stamp, body)), []byte(h.Get(HeaderSignature))) {
		return errors.New("the signature does not verify")
	}
	return nil
}

// hook is a webhook.
type hook struct {
	address string
	key     []byte
	http    *http.Client
}

func newHook(s *Subscription) (*hook, error) {
	key, err := s.secret()
	if err != nil {
		return nil, err
	}
	return &hook{s.Address, key, &http.Client{
		Transport:     &http.Transport{Proxy: http.ProxyFromEnvironment, MaxIdleConns: 1, IdleConnTimeout: time.Minute},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// maxReply is how much of a subscriber's answer is read.
const maxReply = 4 << 10

func (h *hook) carry(ctx context.Context, l *Letter, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.address, bytes.NewReader(body))
	if err != nil {
		return err
	}
	stamp := strconv.FormatInt(time.Now().Unix(), 10)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set(HeaderID, l.ID)
	req.Header.Set(HeaderTime, stamp)
	req.Header.Set(HeaderSignature, Sign(h.key, stamp, body))
	resp, err := h.http.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, _ = io.CopyN(io.Discard, resp.Body, maxReply) // so that the connection can be used again
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return fmt.Errorf("it answered %s", resp.Status)
	}
	return nil
}

func (h *hook) close() { h.http.CloseIdleConnections() }

// stream is a JetStream.
type stream struct {
	conn    *nats.Conn
	js      jetstream.JetStream
	subject string
}

var subjectForm = regexp.MustCompile(`^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$`)

// subjectOf is the subject in an address, "" if it has none of the right form.
func subjectOf(u *url.URL) string {
	s := strings.TrimPrefix(u.Path, "/")
	if !subjectForm.MatchString(s) {
		return ""
	}
	return s
}

func newStream(s *Subscription) (*stream, error) {
	u, err := url.Parse(s.Address)
	if err != nil {
		return nil, err
	}
	options := []nats.Option{nats.Name("huchain " + s.Name), nats.MaxReconnects(-1), nats.Timeout(5 * time.Second)}
	if s.Secret != "" {
		options = append(options, nats.UserCredentials(s.Secret))
	}
	conn, err := nats.Connect(u.Scheme+"://"+u.Host, options...)
	if err != nil {
		return nil, err
	}
	js, err := jetstream.New(conn)
	if err != nil {
		conn.Close()
		return nil, err
	}
	return &stream{conn, js, subjectOf(u)}, nil
}

// carry returns once the stream has stored the letter. The server drops what it stored
// under the same id before.
func (s *stream) carry(ctx context.Context, l *Letter, body []byte) error {
	msg := &nats.Msg{Subject: strings.Join([]string{s.subject, l.Chain, l.Contract, l.Event}, "."), Data: body, Header: nats.Header{}}
	_, err := s.js.PublishMsg(ctx, msg, jetstream.WithMsgID(l.ID))
	return err
}

func (s *stream) close() { s.conn.Close() }
