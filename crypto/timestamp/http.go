package timestamp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/huchain/huchain/crypto"
)

// Media types of RFC 3161 section 3.4.
const (
	queryType = "application/timestamp-query"
	replyType = "application/timestamp-reply"
)

// ServeHTTP implements http.Handler: a POST of a TimeStampReq is answered by a
// TimeStampResp, be it a refusal.
func (a *Authority) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost || r.Header.Get("Content-Type") != queryType {
		http.Error(w, "POST of "+queryType+" expected", http.StatusUnsupportedMediaType)
		return
	}
	request, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxRequestBytes))
	if err != nil {
		http.Error(w, "the request is too long, or was cut", http.StatusRequestEntityTooLarge)
		return
	}
	answer, err := a.Respond(request)
	if err != nil {
		http.Error(w, "no answer can be made", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", replyType)
	_, _ = w.Write(answer) // the client is gone
}

// Remote is an authority elsewhere, by HTTP.
type Remote struct {
	URL  string
	HTTP *http.Client // with a timeout
}

// Time asks for a token over a digest, with a nonce, and checks it.
func (r *Remote) Time(ctx context.Context, digest crypto.Hash) (_ []byte, err error) {
	request, err := NewRequest(digest)
	if err != nil {
		return nil, err
	}
	der, err := request.Encode()
	if err != nil {
		return nil, err
	}
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, r.URL, bytes.NewReader(der))
	if err != nil {
		return nil, err
	}
	q.Header.Set("Content-Type", queryType)
	a, err := r.HTTP.Do(q)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, a.Body.Close()) }()
	if a.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("time-stamp authority: HTTP %d", a.StatusCode)
	}
	answer, err := io.ReadAll(io.LimitReader(a.Body, MaxResponseBytes+1))
	if err != nil {
		return nil, err
	}
	return ReadResponse(answer, request)
}
