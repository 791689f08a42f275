package connector

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
	"strconv"
	"time"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
)

// Headers of a webhook's requests.
const (
	HeaderID        = "X-HuChain-Id"        // the same at every attempt
	HeaderTime      = "X-HuChain-Timestamp" // Unix seconds of the attempt
	HeaderSignature = "X-HuChain-Signature" // hmac-sm3=<hex digits>, see Sign
)

// MinSecret is the least size of a webhook's key in bytes.
const MinSecret = 16

// Sign returns the signature of a request: HMAC with SM3 (GB/T 15852.2) over the timestamp
// in text, a dot, and the body.
func Sign(key []byte, timestamp string, body []byte) string {
	m := hmac.New(crypto.NewHash, key)
	m.Write([]byte(timestamp + "."))
	m.Write(body)
	return "hmac-sm3=" + hex.EncodeToString(m.Sum(nil))
}

// MaxAge is how old a request may be that a receiver still takes.
const MaxAge = 5 * time.Minute

// Check is what a receiver does first: it checks the signature of a request and that it is
// not older than five minutes, so that none can be replayed later. Within that time the id
// tells a repetition.
func Check(key []byte, h http.Header, body []byte, now time.Time) error {
	stamp := h.Get(HeaderTime)
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil {
		return errors.New("the request has no timestamp")
	}
	if age := now.Sub(time.Unix(seconds, 0)); age > MaxAge || age < -MaxAge {
		return fmt.Errorf("the request is dated %s", time.Unix(seconds, 0).UTC())
	}
	if !hmac.Equal([]byte(Sign(key, stamp, body)), []byte(h.Get(HeaderSignature))) {
		return errors.New("the signature does not verify")
	}
	return nil
}

// Backoff says how often and when something is tried again.
type Backoff struct {
	Attempts int           // after which it is given up
	First    time.Duration // pause after the first failure; doubled with each
	Max      time.Duration // at most between attempts
}

// DefaultBackoff lets the other side be away for some ten minutes.
func DefaultBackoff() Backoff {
	return Backoff{Attempts: 10, First: time.Second, Max: 2 * time.Minute}
}

// Pause is how long to wait after so many failures in a row, from 1.
func (b Backoff) Pause(failures int) time.Duration {
	d := b.First
	for range failures - 1 {
		if d *= 2; d >= b.Max {
			return b.Max
		}
	}
	return min(d, b.Max)
}

// ValidURL checks the address of an outside system. Errors are HC-1002.
func ValidURL(address string) error {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Host == "":
		return types.Errorf(types.CodeUsage, "%q: no URL with a host", address)
	case u.Scheme != "http" && u.Scheme != "https":
		return types.Errorf(types.CodeUsage, "%q: an address begins with http:// or https://", address)
	case u.User != nil:
		return types.Errorf(types.CodeUsage, "credentials do not belong into an address")
	}
	return nil
}

// NewHTTP makes a client for outside systems: it follows no redirects, which could lead a
// signed request elsewhere.
func NewHTTP() *http.Client {
	return &http.Client{
		Transport:     &http.Transport{Proxy: http.ProxyFromEnvironment, MaxIdleConnsPerHost: 2, IdleConnTimeout: time.Minute},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// maxReply is how much of a webhook's answer is read.
const maxReply = 4 << 10

// Post makes one attempt to deliver a signed webhook message.
func Post(ctx context.Context, c *http.Client, address string, key []byte, id string, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return err
	}
	stamp := strconv.FormatInt(time.Now().Unix(), 10)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set(HeaderID, id)
	req.Header.Set(HeaderTime, stamp)
	req.Header.Set(HeaderSignature, Sign(key, stamp, body))
	resp, err := c.Do(req)
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
