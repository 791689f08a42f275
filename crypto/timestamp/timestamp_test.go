package timestamp

import (
	"bytes"
	"context"
	"crypto/rand"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/crypto/cert"
)

var now = time.Date(2026, 3, 2, 1, 0, 0, 0, time.UTC)

func authority(t testing.TB) *Authority {
	root, err := crypto.GenerateKey(rand.Reader)
	require.NoError(t, err)
	ca, err := cert.NewCA("notary", root, now.AddDate(-1, 0, 0), now.AddDate(9, 0, 0))
	require.NoError(t, err)
	k, err := crypto.GenerateKey(rand.Reader)
	require.NoError(t, err)
	c, err := ca.Issue(cert.Request{Name: "clock", PublicKey: k.Public(), NotBefore: now.AddDate(0, -1, 0), NotAfter: now.AddDate(1, 0, 0), Roles: []string{"client"}})
	require.NoError(t, err)
	return &Authority{Key: k, Certificate: c, Now: func() time.Time { return now.Add(1500 * time.Millisecond) }}
}

func TestStampOverHTTP(t *testing.T) {
	a := authority(t)
	srv := httptest.NewServer(a)
	defer srv.Close()
	remote := &Remote{URL: srv.URL, HTTP: &http.Client{Timeout: 2 * time.Minute}}
	digest := crypto.Sum([]byte("signature"))
	der, err := remote.Time(context.Background(), digest)
	require.NoError(t, err)
	token, err := Verify(der, digest)
	require.NoError(t, err)
	require.Equal(t, now.Add(time.Second), token.Time)
	require.Equal(t, "clock", token.Authority.Name)
	require.NotNil(t, token.Nonce)
	_, err = Verify(der, crypto.Sum([]byte("other")))
	require.ErrorContains(t, err, "something else")
	for at := range der {
		bad := bytes.Clone(der)
		bad[at] ^= 1 << (at % 8)
		got, err := Verify(bad, digest)
		require.False(t, err == nil && bytes.Equal(got.Authority.Raw, a.Certificate.Raw), "byte %d", at)
	}

	// An answer to another request, a refusal, and an authority whose certificate is over.
	request, err := NewRequest(digest)
	require.NoError(t, err)
	old, err := response(0, "", 0, der)
	require.NoError(t, err)
	_, err = ReadResponse(old, request)
	require.ErrorContains(t, err, "older")
	refused, err := a.Respond([]byte("no request"))
	require.NoError(t, err)
	_, err = ReadResponse(refused, request)
	require.ErrorContains(t, err, "refuses")
	a.Now = func() time.Time { return now.AddDate(2, 0, 0) }
	_, err = remote.Time(context.Background(), digest)
	require.ErrorContains(t, err, "not valid now")
	answer, err := http.Get(srv.URL)
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	require.Equal(t, http.StatusUnsupportedMediaType, answer.StatusCode)
}

func FuzzRespond(f *testing.F) {
	a := authority(f)
	r, err := NewRequest(crypto.Sum([]byte("x")))
	require.NoError(f, err)
	der, err := r.Encode()
	require.NoError(f, err)
	f.Add(der)
	answer, err := a.Respond(der)
	require.NoError(f, err)
	f.Add(answer)
	f.Fuzz(func(t *testing.T, in []byte) {
		if got, err := DecodeRequest(in); err == nil && got.Nonce != nil {
			require.LessOrEqual(t, got.Nonce.BitLen(), 128)
		}
		_, err := a.Respond(in)
		require.NoError(t, err)
		_, _ = ReadResponse(in, r) // must not panic
	})
}
