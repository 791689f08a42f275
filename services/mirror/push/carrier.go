package push

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/huchain/huchain/services/connector"
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
	return &hook{s.Address, key, connector.NewHTTP()}, nil
}

func (h *hook) carry(ctx context.Context, l *Letter, body []byte) error {
	return connector.Post(ctx, h.http, h.address, h.key, l.ID, body)
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
