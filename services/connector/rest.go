package connector

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/huchain/huchain/types"
)

// maxAnswer bounds what is read of an outside system's answer.
const maxAnswer = 1 << 20

// REST asks an outside system. The other side tells a repetition by the Idempotency-Key.
type REST struct {
	HTTP    *http.Client
	Backoff Backoff
	Timeout time.Duration // of one attempt
	Header  http.Header   // of every request, such as credentials
}

// NewREST makes a connector that tries three times within seconds: somebody waits for it.
func NewREST() *REST {
	return &REST{HTTP: NewHTTP(), Backoff: Backoff{Attempts: 3, First: 200 * time.Millisecond, Max: 2 * time.Second}, Timeout: 10 * time.Second, Header: http.Header{}}
}

// Call posts a JSON body and returns the JSON answer. What is no answer, and statuses from
// 500 on, are tried again; HC-4712 if none helps or the answer is a refusal.
func (r *REST) Call(ctx context.Context, address, key string, body any) ([]byte, error) {
	raw, err := json.Marshal(body)
	if err != nil {
		return nil, types.Errorf(types.CodeInternal, "request to %s: %w", address, err)
	}
	for failures := 1; ; failures++ {
		answer, again, err := r.once(ctx, address, key, raw)
		if err == nil {
			return answer, nil
		}
		if !again || failures >= r.Backoff.Attempts {
			return nil, types.Errorf(types.CodeConnector, "%s, after %d attempts: %w", address, failures, err)
		}
		t := time.NewTimer(r.Backoff.Pause(failures))
		select {
		case <-ctx.Done():
			t.Stop()
			return nil, types.Errorf(types.CodeConnector, "%s: %w", address, ctx.Err())
		case <-t.C:
		}
	}
}

func (r *REST) once(ctx context.Context, address, key string, body []byte) (answer []byte, again bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, r.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return nil, false, err
	}
	for k, v := range r.Header {
		req.Header[k] = v
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Idempotency-Key", key)
	resp, err := r.HTTP.Do(req)
	if err != nil {
		return nil, true, err
	}
	defer resp.Body.Close()
	answer, err = io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	switch {
	case err != nil:
		return nil, true, err
	case len(answer) > maxAnswer:
		return nil, false, fmt.Errorf("an answer above %d bytes", maxAnswer)
	case resp.StatusCode < 200 || resp.StatusCode > 299:
		return nil, resp.StatusCode >= 500 || resp.StatusCode == http.StatusTooManyRequests, fmt.Errorf("it answered %s: %s", resp.Status, types.CleanText(string(answer), 200))
	}
	return answer, false, nil
}
